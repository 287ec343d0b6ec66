"""Seconds, frames and samples. The only place in the project where times are rounded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .types import FrameRate

_SLACK = 1e-6
"""Steps closer than this to a whole number count as whole: float noise must not add a frame."""


def seconds_to_frames(time_s: float, rate: FrameRate) -> float:
    """Frames since time zero (not rounded): time zero is frame 0."""
    return time_s * rate.hz


def frames_to_seconds(frames: float, rate: FrameRate) -> float:
    """Seconds since time zero of a frame counted from 0."""
    return frames / rate.hz


def scene_frame(time_s: float, rate: FrameRate, start_frame: float) -> float:
    """Frame number in a scene (not rounded) of a time that is 0 at `start_frame`."""
    return start_frame + seconds_to_frames(time_s, rate)


def nearest_sample(time_s: float, rate_hz: float) -> int:
    """Index of the sample nearest to a time; halves round up, so that spacing stays even."""
    return math.floor(time_s * rate_hz + 0.5)


def first_step_at_or_after(time_s: float, rate_hz: float) -> int:
    """Smallest i with i / rate_hz >= time_s."""
    return math.ceil(time_s * rate_hz - _SLACK)


def steps_within(duration_s: float, rate_hz: float) -> int:
    """How many steps 0, 1, ... of a clock at `rate_hz` lie in [0, duration_s]: at least 1."""
    return max(0, math.floor(duration_s * rate_hz + _SLACK)) + 1
