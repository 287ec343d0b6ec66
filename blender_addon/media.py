"""Sound strips and rendered video: where a sound lies on the scene's frames, and how it gets into a file."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..inference.errors import OutputError, SoliloquyError, UsageError
from ..inference.types import FrameRate
from . import compat
from .outputs import written_beside

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHANNELS = 128
"""Channels of Blender's sequencer."""


@dataclass(frozen=True)
class SoundSource:
    """A sound and its place on the frames of a scene."""

    path: str
    """Absolute path."""
    name: str
    """What the user calls it: the file's name without its ending."""
    start_frame: float
    """Frame of the sound's time 0, audible or not."""
    audible: tuple[float, float] | None = None
    """First frame that plays and first that no longer does, for a strip; None for all of the sound."""
    is_strip: bool = False


def frame_rate(scene: bpy.types.Scene) -> FrameRate:
    """The scene's frames per second, exactly."""
    return FrameRate(scene.render.fps, scene.render.fps_base)


def source_from_file(path: str, start_frame: float) -> SoundSource:
    """A sound file that starts at a frame. `path` may be relative to the blend file (`//`)."""
    absolute = bpy.path.abspath(path)
    return SoundSource(absolute, Path(absolute).stem, start_frame)


def active_sound_strip(context: bpy.types.Context) -> bpy.types.SoundStrip | None:
    """The sequencer's active strip if it is a sound."""
    scene = compat.sequencer_scene(context)
    editor = scene.sequence_editor if scene is not None else None
    strip = editor.active_strip if editor is not None else None
    return strip if strip is not None and strip.type == "SOUND" else None


def strip_refusal(strip: bpy.types.SoundStrip) -> SoliloquyError | None:
    """Why a sound strip cannot be animated, or None."""
    if strip.sound is None:
        return UsageError(f'The strip "{strip.name}" has lost its sound', "Choose another strip")
    if len(strip.retiming_keys) > 0:
        return UsageError(
            f'The strip "{strip.name}" is retimed', "Remove its retiming keys, or mix it down to a file first"
        )
    return None


def source_from_strip(strip: bpy.types.SoundStrip, rate: FrameRate) -> SoundSource:
    """The audible part of a sound strip, at its place.

    Raises:
        UsageError: the strip is retimed or empty.
    """
    error = strip_refusal(strip)
    if error is not None:
        raise error
    path = _sound_file(strip.sound)
    return SoundSource(path, Path(path).stem, *strip_place(strip, rate), is_strip=True)


def strip_place(strip: bpy.types.SoundStrip, rate: FrameRate) -> tuple[float, tuple[float, float]]:
    """Frame of the sound's time 0, audible or not, and `audible_range`."""
    start_frame = compat.strip_sound_start(strip) + getattr(strip, "sound_offset", 0.0) * rate.hz
    return start_frame, audible_range(strip)


def audible_range(strip: bpy.types.Strip) -> tuple[float, float]:
    """First frame on which a strip plays, and the first on which it does not, within its meta strips."""
    first, end = compat.strip_visible_range(strip)
    meta = strip.parent_meta()
    while meta is not None:
        outer_first, outer_end = compat.strip_visible_range(meta)
        first, end = max(first, outer_first), min(end, outer_end)
        meta = meta.parent_meta()
    return first, end


def _sound_file(sound: bpy.types.Sound) -> str:
    """Path of a sound's file; a sound that exists only inside the blend file is unpacked for the session."""
    path = Path(bpy.path.abspath(sound.filepath, library=sound.library))
    if path.is_file() or sound.packed_file is None:
        return str(path)
    unpacked = Path(bpy.app.tempdir) / f"{sound.session_uid}_{path.name}"
    unpacked.write_bytes(sound.packed_file.data)
    return str(unpacked)


def add_sound_strip(scene: bpy.types.Scene, source: SoundSource) -> bpy.types.SoundStrip:
    """Put a sound into the sequencer at its frame, on the lowest free channel, unless it lies there already.

    Returns:
        The strip that plays it.

    Raises:
        OutputError: there is no free channel, or Blender cannot read the sound.
    """
    editor = scene.sequence_editor or scene.sequence_editor_create()
    there = [strip for strip in compat.all_strips(editor) if plays(strip, source)]
    if there:
        return there[0]
    end_frame = source.start_frame + _duration_frames(source.path, frame_rate(scene))
    channel = _free_channel(editor, source.start_frame, end_frame)
    try:
        strip = compat.strips(editor).new_sound(
            name=source.name, filepath=source.path, channel=channel, frame_start=round(source.start_frame)
        )
    except RuntimeError as error:
        raise OutputError(
            f"The sound could not be added to the sequencer ({error})", "Add the sound strip by hand"
        ) from error
    strip.show_waveform = True
    if editor.active_strip is None:
        editor.active_strip = strip  # as Add > Sound does: the panel's Active Strip finds it
    return strip


def plays(strip: bpy.types.Strip, source: SoundSource) -> bool:
    """Whether a strip plays a sound at its place."""
    if strip.type != "SOUND" or strip.sound is None:
        return False
    path = bpy.path.abspath(strip.sound.filepath, library=strip.sound.library)
    start_frame = compat.strip_sound_start(strip)
    is_there = Path(path) == Path(source.path) and abs(start_frame - source.start_frame) < 0.5
    return is_there and source.audible in (
        None,
        audible_range(strip),
    )  # a sound may be cut into several strips


def _duration_frames(path: str, rate: FrameRate) -> float:
    """Length that Blender gives a sound in the sequencer; 0 when it cannot read it."""
    import aud

    try:
        sound = aud.Sound.file(path)
        return float(sound.length / sound.specs[0] * rate.hz)
    except aud.error:
        return 0.0


def _free_channel(editor: bpy.types.SequenceEditor, start_frame: float, end_frame: float) -> int:
    taken = set()
    for strip in compat.strips(editor):
        first, end = compat.strip_visible_range(strip)
        if first < end_frame + 1 and end > start_frame - 1:
            taken.add(strip.channel)
    for channel in range(1, _CHANNELS + 1):
        if channel not in taken:
            return channel
    raise OutputError("The sequencer has no free channel for the sound", "Add the sound strip by hand")


def render_video(scene: bpy.types.Scene, path: str, first_frame: int, last_frame: int) -> None:
    """Render frames of a scene, with its sound, to an H.264 + AAC mp4; the scene keeps its settings.

    The engine, size and quality are the scene's. The file appears only when it is complete.

    Raises:
        UsageError: the scene has no camera.
        OutputError: the folder is missing or read-only, or rendering failed.
    """
    if scene.camera is None:
        raise UsageError(f'The scene "{scene.name}" has no camera', "Add a camera, or leave out the render")
    with (
        written_beside(Path(path).absolute()) as temporary,
        _video_settings(scene, temporary, first_frame, last_frame),
    ):
        bpy.ops.render.render(animation=True, scene=scene.name)


@contextmanager
def _video_settings(scene: bpy.types.Scene, file: Path, first_frame: int, last_frame: int) -> Iterator[None]:
    render, video = scene.render, scene.render.ffmpeg
    wanted = (
        (scene, {"frame_start": first_frame, "frame_end": last_frame, "frame_step": 1}),
        (
            render,
            {"filepath": str(file), "use_file_extension": True, "use_sequencer": True, "use_overwrite": True},
        ),
        (video, {"format": "MPEG4", "codec": "H264", "audio_codec": "AAC", "constant_rate_factor": "HIGH"}),
        (video, {"audio_bitrate": 192, "gopsize": 12, "use_autosplit": False}),
        (render, {"resolution_x": _even(render.resolution_x), "resolution_y": _even(render.resolution_y)}),
    )
    saved_format = compat.output_format(render.image_settings)
    saved = [(owner, {name: getattr(owner, name) for name in values}) for owner, values in wanted]
    try:
        compat.use_video_output(render.image_settings)
        _set(wanted)
        yield
    finally:
        _set(saved)
        compat.restore_output_format(render.image_settings, saved_format)


def _set(values: object) -> None:
    for owner, of_owner in values:
        for name, value in of_owner.items():
            setattr(owner, name, value)


def _even(pixels: int) -> int:
    """H.264 wants even sides."""
    return max(2, math.floor(pixels / 2) * 2)


@contextmanager
def current_frame_kept(scene: bpy.types.Scene) -> Iterator[None]:
    """Let other frames be shown inside the block; the scene's current frame is put back after it."""
    before = scene.frame_current_final
    try:
        yield
    finally:
        scene.frame_set(int(before), subframe=before % 1.0)
