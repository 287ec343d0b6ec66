"""Motion of a character to and from files of other programs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..inference import reapply
from ..inference.channels import ARKIT_52, HEAD
from ..inference.curves import sample_motion
from ..inference.errors import UsageError
from ..inference.formats.a2f_json import read_a2f_json, write_a2f_json
from ..inference.formats.arkit_csv import read_csv, write_csv
from ..inference.formats.live_link_csv import write_live_link_csv
from ..inference.hearing import told
from ..inference.motion import all_channels
from ..inference.pipeline import follow_cues
from ..inference.types import FaceMotion
from . import kept_lines, layers, takes
from .kept_lines import KeptLine, content_hash
from .rig_map import read_character

if TYPE_CHECKING:
    from collections.abc import Callable

    import bpy

    from ..inference.types import FrameRate

ARKIT, LIVE_LINK, A2F = "ARKIT", "LIVE_LINK", "A2F"
ENDINGS = {ARKIT: ".csv", LIVE_LINK: ".csv", A2F: ".json"}


@dataclass(frozen=True)
class CueRequest:
    """Phone times that are to become a line, copied out of the scene."""

    cues: str
    """Absolute path."""
    sound: str
    """Absolute path of what was said; empty where it is not known."""
    character: str
    start_frame: float
    rate: FrameRate


def motion_of(scene: bpy.types.Scene, character: bpy.types.Object) -> FaceMotion:
    """What the character's lines and sliders make: a row for each frame from the scene's first one on, which
    is time 0. Keys of the layers above are not in it.

    Raises:
        UsageError: the character says nothing from the scene's first frame on.
        RigError: it cannot be driven.
    """
    plan = layers.plan(character, scene, read_character(character, character.soliloquy_face.include_parts))
    motion = reapply.face_motion(plan)
    hz = plan.rate.hz
    last = round(float(motion.times_s[-1]) * hz) if motion is not None else scene.frame_start - 1
    if motion is None or last < scene.frame_start:
        raise UsageError(
            f'"{character.name}" says nothing from frame {scene.frame_start} on',
            "Animate a line, or set an earlier first frame",
        )
    frames = np.arange(scene.frame_start, last + 1)
    return FaceMotion(sample_motion(motion, frames / hz), motion.channels, hz, 0.0)


def export(scene: bpy.types.Scene, character: bpy.types.Object, path: str, kind: str) -> int:
    """Write a character's motion, and tell how many frames it has.

    Args:
        path: absolute.
        kind: one of the keys of `ENDINGS`.

    Raises:
        UsageError, RigError: as `motion_of`.
        OutputError: the file cannot be written.
    """
    motion = motion_of(scene, character)
    if kind == ARKIT:
        write_csv(path, [motion])
    elif kind == LIVE_LINK:
        write_live_link_csv(path, motion)
    else:
        lines = character.soliloquy_face.lines
        write_a2f_json(path, motion, lines[0].audio if len(lines) == 1 else "")
    return len(motion.values)


def read_kept_line(path: str, start_frame: float) -> KeptLine:
    """A line from a file of ARKit curves (CSV, also of Live Link Face) or Audio2Face's JSON.

    Raises:
        UsageError: it cannot be read.
    """
    found = read_a2f_json(path) if Path(path).suffix.lower() == ".json" else read_csv(path)
    columns = [i for i, channel in enumerate(found.channels) if channel in ARKIT_52]
    channels = tuple(found.channels[i] for i in columns)
    motion = all_channels(replace(found, values=found.values[:, columns], channels=channels), neutral=False)
    if set(HEAD) <= set(found.channels):
        turns = found.values[:, [found.channels.index(channel) for channel in HEAD]]
        motion = replace(motion, values=np.hstack([motion.values, turns]), channels=(*ARKIT_52, *HEAD))
    return _kept(path, motion, (), start_frame)


def compute_cues(
    request: CueRequest, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> tuple[KeptLine, tuple[str, ...]]:
    """The line that phone times ask for, and what the user should know. Never touches bpy.

    Raises:
        UsageError: the cues cannot be read.
        AudioError: the sound cannot be read.
        Cancelled: `cancelled` returned True.
    """
    from .audio_decoder import AudDecoder

    notices: list[str] = []
    motion, segments = follow_cues(
        request.cues,
        sound=request.sound or None,
        decoders=(AudDecoder(),),
        progress=progress,
        cancelled=cancelled,
        notify=notices.append,
        frames_hz=request.rate.hz,
        voice=request.character,
    )
    return _kept(request.cues, motion, tuple(segments), request.start_frame), tuple(notices)


def _kept(path: str, motion: FaceMotion, segments: tuple, start_frame: float) -> KeptLine:
    return KeptLine(
        line_id=path,
        name=Path(path).stem,
        audio="",
        content_hash=content_hash(path),
        start_frame=start_frame,
        audible=None,
        spoken=told(motion, segments),
        segments=segments,
    )


def keep(scene: bpy.types.Scene, character: bpy.types.Object, kept_line: KeptLine) -> int:
    """Keep a line that was read with a character, and key it.

    Returns:
        The last frame of the line.

    Raises:
        SoliloquyError: with the reason; the scene is as it was.
    """
    rig = read_character(character, character.soliloquy_face.include_parts)
    plan = reapply.with_line(layers.plan(character, scene, rig), kept_line.line)
    layers.write(character, plan, reapply.build(plan), f"{kept_line.name} Soliloquy")
    kept_lines.store(character, kept_line)
    takes.line_added(character, scene)
    return reapply.line_frames(kept_line.line, plan.rate)[1]
