"""The other way round: from what a character shows to the channels that would show it.

An animator edits shape keys and bones; what the pass paints wants channels. Each property is a sum of
channels (`RigTarget`), so what was changed by hand is a linear system. It is solved for the smallest change
of the channels that explains it: what no property tells stays as the line has it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .channels import HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .types import FaceMotion, FloatArray, RigMap, RigTarget

Place = tuple[str, str, int]
"""Object, data path and index of a property."""


def places(rig_map: RigMap) -> tuple[Place, ...]:
    """Properties that `read_back` can use: values that follow channels, without rotations."""
    return tuple(dict.fromkeys(_place(target) for target in rig_map.targets if not target.rotates))


def read_back(rig_map: RigMap, shown: Mapping[Place, FloatArray], motion: FaceMotion) -> FaceMotion:
    """Channels that make a character show what it shows.

    Args:
        rig_map: what follows which channel; rotations and solved keys are left out.
        shown: float32 [T] of every property, a value for each row of `motion`.
        motion: what the character was keyed from; channels that `shown` does not tell stay.

    Returns:
        The motion with the smallest change that explains `shown`; face channels within 0..1.
    """
    used = [
        t for t in rig_map.targets if not t.rotates and _place(t) in shown and t.channel in motion.channels
    ]
    rows = list(dict.fromkeys(_place(target) for target in used))
    columns = list(dict.fromkeys(target.channel for target in used))
    if not rows or not len(motion.values):
        return motion
    gains, offsets = np.zeros((len(rows), len(columns))), np.zeros(len(rows))
    for target in used:
        row = rows.index(_place(target))
        gains[row, columns.index(target.channel)] += target.gain
        offsets[row] += target.offset
    at = [motion.channels.index(channel) for channel in columns]
    before = motion.values[:, at].astype(np.float64)
    seen = np.stack([np.asarray(shown[row], np.float64) for row in rows], axis=1)
    after = before + (seen - offsets - before @ gains.T) @ np.linalg.pinv(gains).T
    faces = np.array([channel not in HEAD for channel in columns])
    after[:, faces] = np.clip(after[:, faces], 0.0, 1.0)
    values = motion.values.copy()
    values[:, at] = after.astype(np.float32)
    return replace(motion, values=values)


def _place(target: RigTarget) -> Place:
    return target.object, target.data_path, target.index
