"""Rows of a batch that need Blender: a line on a character, saved as an Action and rendered.

Every row begins with its own .blend as it lies on disk, or with the embedded head, and changes neither: what
it makes is written beside its outputs' names and takes them when it is complete.
"""

from __future__ import annotations

import argparse
import math
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..inference.errors import UsageError
from ..inference.names import match_channels
from ..inference.safe_names import inside
from . import action_library, demo, dialogue_strips, heads, layers, line_command, media, ready_head, rig_rows
from .rig_map import parts_of, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..inference.batch.types import Task
    from ..inference.batch.worker import Told

FIRST_FRAME = 1
"""On which the sound starts."""
HEAD_ENGINE, HEAD_PX = "cycles", 540
"""How the embedded head is rendered: a scene of the user's own has its own engine and size."""
_HEARD = 0.3
"""Share of the work after which the frames are rendered, where they are."""


def scene(task: Task, folder: Path, told: Told) -> float:
    """Make the Action and the video of a row.

    Returns:
        Seconds of sound.

    Raises:
        SoliloquyError: with the reason, naming the scene or the character.
    """
    outputs = {Path(name).suffix.lower(): inside(folder, name) for name in task.outputs}
    library, video = outputs.get(".blend"), outputs.get(".mp4")
    shown, target = _opened(task) if task.scene else _head()
    if video is not None and shown.camera is None:
        raise UsageError(
            f'The scene "{shown.name}" of {_name(task)} has no camera', "Add one, or leave its render out"
        )
    model = task.options["model"]
    arguments = argparse.Namespace(**{**task.options, "model": Path(model) if model else None})
    source = media.source_from_file(task.audio, FIRST_FRAME)
    _forget(shown, target, source)
    heard = _HEARD if video is not None else 1.0
    _, result, notices = line_command.speak(
        shown, target, source, arguments, lambda share: told.progress(share * heard)
    )
    for notice in notices:
        told.notify(notice)
    if library is not None:
        action = layers.speech_action(target)
        action.name = library.stem
        action_library.write(action, library)
    if video is not None:
        _render(shown, video, int(source.start_frame), math.ceil(result.last_frame), told.progress)
    motion = result.kept_line.spoken.motion
    return len(motion.values) / motion.rate_hz


def _name(task: Task) -> str:
    return Path(task.scene).name if task.scene else "the embedded head"


def _opened(task: Task) -> tuple[bpy.types.Scene, bpy.types.Object]:
    """The row's scene and character."""
    if not Path(task.scene).is_file():
        raise UsageError(f"The scene {task.scene} does not exist", "Correct the column 'scene'")
    try:
        bpy.ops.wm.open_mainfile(filepath=task.scene, load_ui=False)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0].removeprefix("Error: ").rstrip(".")
        raise UsageError(
            f"The scene {task.scene} cannot be opened ({reason})", "Open it in Blender and save it again"
        ) from error
    shown = bpy.context.scene
    return shown, _character(shown, task.character, _name(task))


def _head() -> tuple[bpy.types.Scene, bpy.types.Object]:
    """The embedded head on its stage."""
    shown = demo.empty_scene(HEAD_ENGINE, HEAD_PX)
    head = ready_head.add()
    heads.build_stage(head)
    demo.leave_out_subsurface()
    return shown, head


def _character(shown: bpy.types.Scene, name: str, file: str) -> bpy.types.Object:
    """The object that speaks: by its name, or the only one that can.

    Raises:
        UsageError: there is none, or several.
        RigError: it cannot be driven.
    """
    where = f'The scene "{shown.name}" of {file}'
    able = _speakers(shown)
    listed = ", ".join(one.name for one in able[:8]) or "none"
    if name:
        found = shown.objects.get(name)
        if found is None:
            raise UsageError(f'{where} has no object "{name}"', f"Meshes in it that can speak: {listed}")
        error = refusal(found)
        if error is not None:
            raise error
        return found
    if not able:
        raise UsageError(
            f"{where} has no mesh with shape keys of a face", "Name the object in the column 'character'"
        )
    if len(able) > 1:
        raise UsageError(
            f"{where} has {len(able)} meshes that can speak: {listed}", "Name one in the column 'character'"
        )
    return able[0]


def _speakers(shown: bpy.types.Scene) -> list[bpy.types.Object]:
    """Meshes of a scene with shape keys of a face, without those that are a part of another one; where no
    key has the name of a channel, all with shape keys."""
    keyed = [o for o in shown.objects if o.type == "MESH" and o.data.shape_keys is not None]
    channels = {one: len(match_channels(one.data.shape_keys.key_blocks.keys())) for one in keyed}
    mapped = [o for o in keyed if channels[o] or len(rig_rows.present(o))]
    parts: set[bpy.types.Object] = set()
    found = []
    for one in sorted(mapped or keyed, key=lambda o: (-len(rig_rows.present(o)), -channels[o], o.name)):
        if one not in parts and refusal(one) is None:
            parts.update(parts_of(one))
            found.append(one)
    return sorted(found, key=lambda o: o.name)


def _forget(shown: bpy.types.Scene, target: bpy.types.Object, source: media.SoundSource) -> None:
    """A row is all that its character says: what the file keeps of other lines is neither seen nor heard."""
    for strip in dialogue_strips.lines(shown):
        if strip.soliloquy_line.character == target:
            strip.mute = not media.plays(strip, source)
    target.soliloquy_performance.takes.clear()
    if len(target.soliloquy_face.lines):
        target.soliloquy_face.lines.clear()
        layers.rebuild(target, shown)


def _render(
    shown: bpy.types.Scene, video: Path, first: int, last: int, progress: Callable[[float], None]
) -> None:
    with _counted(max(1, last - first + 1), progress):
        media.render_video(shown, str(video), first, max(first, last))


@contextmanager
def _counted(frames: int, progress: Callable[[float], None]) -> Iterator[None]:
    """Tell the share done after every frame that is rendered inside the block."""
    done = 0

    def count(*_unused: object) -> None:
        nonlocal done
        done += 1
        progress(_HEARD + (1.0 - _HEARD) * min(done / frames, 1.0))

    bpy.app.handlers.render_post.append(count)
    try:
        yield
    finally:
        bpy.app.handlers.render_post.remove(count)
