"""The table that Epic's Live Link Face app records, for Unreal Engine and for tools that read its takes.

    Timecode,BlendShapeCount,EyeBlinkLeft,...,TongueOut,HeadYaw,...,RightEyeRoll
    00:00:00:00.000,61,0.0000000000,...

Timecode is hours:minutes:seconds:frames, 60 frames to the second as in the app, and time 0 is 00:00:00:00.
`arkit_csv.read_csv` reads it. Head and eyes are in radians, pitch > 0 down, yaw > 0 to the subject's right. A
published take of the app shows that of the eyes, whose angles stand beside the weights of their looks; the
head, which that take leaves at 0, is written alike, roll > 0 with the top to the subject's left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..channels import ARKIT_52, EYE_DOWN_RAD, EYE_SIDE_RAD, EYE_UP_RAD
from ..curves import sample_motion
from ..files import atomic_write
from ..timing import first_step_at_or_after, steps_within
from .live_link import VALUES

if TYPE_CHECKING:
    import os

    from ..types import FaceMotion, FloatArray

RATE_HZ: Final = 60
_SWAPPED: Final = {"JawLeft": "JawRight", "MouthLeft": "MouthRight"}
"""Takes have the right one of these pairs first (as PyLiveLinkFace lists them), packets the left one."""
_HEAD_SIGNS: Final = {"headPitch": 1.0, "headYaw": -1.0, "headRoll": -1.0}


def titles() -> list[str]:
    """The 63 titles of the table, in the app's order."""
    swap = _SWAPPED | {right: left for left, right in _SWAPPED.items()}
    names = [name[0].upper() + name[1:] for name in VALUES]
    return ["Timecode", "BlendShapeCount", *(swap.get(name, name) for name in names)]


def write_live_link_csv(path: str | os.PathLike[str], motion: FaceMotion) -> None:
    """Write motion at 60 frames per second; what lies before time 0 is left out.

    Args:
        path: the file; its folder must exist.
        motion: any rate; weights are clipped to 0..1, ARKit channels that it lacks are 0.

    Raises:
        OutputError: the file cannot be written.
        ValueError: the motion has no rows at or after time 0.
    """
    first = max(0, first_step_at_or_after(motion.start_s, RATE_HZ))
    end_s = motion.start_s + (len(motion.values) - 1) / motion.rate_hz
    if end_s < first / RATE_HZ:
        raise ValueError("the motion must have rows at or after time 0")
    rows = np.arange(first, first + steps_within(end_s - first / RATE_HZ, RATE_HZ))
    sampled = sample_motion(motion, rows / RATE_HZ)
    weights = {
        channel: np.clip(sampled[:, motion.channels.index(channel)], 0.0, 1.0)
        if channel in motion.channels
        else np.zeros(len(rows), np.float32)
        for channel in ARKIT_52
    }
    turns = {
        c: sign * sampled[:, motion.channels.index(c)]
        for c, sign in _HEAD_SIGNS.items()
        if c in motion.channels
    }
    columns = {
        c[0].upper() + c[1:]: column.tolist() for c, column in (weights | turns | _eyes(weights)).items()
    }
    nothing = [0.0] * len(rows)
    wanted = [columns.get(title, nothing) for title in titles()[2:]]
    with atomic_write(path, "w", newline="") as stream:
        stream.write(",".join(titles()) + "\n")
        for row, *cells in zip(rows.tolist(), *wanted, strict=True):
            numbers = ",".join(f"{cell:.10f}" for cell in cells)
            stream.write(f"{timecode(row)},{len(VALUES)},{numbers}\n")


def _eyes(weights: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Yaw and pitch of both eyes from the weights of their looks, radians [T] each."""
    turns: dict[str, FloatArray] = {}
    for side, to_right in (("Left", "In"), ("Right", "Out")):
        to_left = {"In": "Out", "Out": "In"}[to_right]
        yaw = weights[f"eyeLook{to_right}{side}"] - weights[f"eyeLook{to_left}{side}"]
        turns[f"{side}EyeYaw"] = EYE_SIDE_RAD * yaw
        down, up = weights[f"eyeLookDown{side}"], weights[f"eyeLookUp{side}"]
        turns[f"{side}EyePitch"] = EYE_DOWN_RAD * down - EYE_UP_RAD * up
    return turns


def timecode(frame: int) -> str:
    """HH:MM:SS:FF.000 of a frame at 60 frames per second, counted from 0."""
    seconds, of_second = divmod(frame, RATE_HZ)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}:{of_second:02d}.000"
