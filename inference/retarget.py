"""From channels to a character: which shape key follows which channel, and the curves to key.

Knows names and numbers only, nothing of Blender: the add-on reads names from a mesh and writes the curves.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .channels import ARKIT_52
from .curves import sample_motion
from .names import match_channels
from .timing import first_step_at_or_after, scene_frame
from .types import RigCurve, RigMap, RigTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .types import FaceMotion, FrameRate

_ESCAPES = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)


def shape_key_path(name: str) -> str:
    """RNA path of a shape key's value below its Key datablock, with Blender's own escaping of the name."""
    return f'key_blocks["{name.translate(_ESCAPES)}"].value'


def map_by_name(object_name: str, shape_key_names: Sequence[str]) -> RigMap:
    """Let every shape key that carries an ARKit name, in one of the usual spellings, follow its channel.

    Args:
        object_name: the mesh object that owns the keys.
        shape_key_names: all of its keys, in any order; those without an ARKit name are left alone.

    Returns:
        The map; `unmatched` lists the ARKit channels for which no key was found.
    """
    found = match_channels(shape_key_names)
    targets = tuple(
        RigTarget(channel, object_name, shape_key_path(name))
        for channel, names in found.items()
        for name in names
    )
    return RigMap(targets, unmatched=tuple(channel for channel in ARKIT_52 if channel not in found))


def retarget(motion: FaceMotion, rig_map: RigMap, rate: FrameRate, start_frame: float) -> list[RigCurve]:
    """Sample motion at every whole scene frame that it covers, for every target of a map.

    Args:
        motion: its time 0 is at `start_frame`; a `start_s` other than 0 (an offset of the sound) counts.
        rig_map: targets whose channel the motion lacks are skipped.
        rate: the scene's.
        start_frame: may lie between frames; a frame F shows the motion at (F - start_frame) / hz seconds.

    Returns:
        One curve per target, all with the same ascending whole frames. A motion that is too short to cover
        a frame is keyed at the nearest one.
    """
    targets = [target for target in rig_map.targets if target.channel in motion.channels]
    if len(motion.values) == 0 or not targets:
        return []
    frames = _covered_frames(motion, rate, start_frame)
    values = sample_motion(motion, (frames - start_frame) / rate.hz)
    columns = {channel: np.ascontiguousarray(values[:, i]) for i, channel in enumerate(motion.channels)}
    frames_f32 = frames.astype(np.float32)
    return [
        RigCurve(
            target.object,
            target.data_path,
            target.index,
            frames_f32,
            columns[target.channel] * np.float32(target.gain) + np.float32(target.offset),
        )
        for target in targets
    ]


def _covered_frames(motion: FaceMotion, rate: FrameRate, start_frame: float) -> NDArray[np.float64]:
    """float64 [K], the whole frames from the motion's first row to its last."""
    end_s = motion.start_s + (len(motion.values) - 1) / motion.rate_hz
    first = first_step_at_or_after(scene_frame(motion.start_s, rate, start_frame), 1.0)
    last = -first_step_at_or_after(-scene_frame(end_s, rate, start_frame), 1.0)
    if last < first:
        first = last = math.floor(scene_frame((motion.start_s + end_s) / 2, rate, start_frame) + 0.5)
    return np.arange(first, last + 1, dtype=np.float64)
