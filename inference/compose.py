"""The lines of one character as one motion: at rest where nobody speaks, blended where lines overlap.

In its own time every line plays as it is. Before and after it the face passes from rest and back to it; where
a line begins while another one still plays, it takes over, and gives way again if the other outlasts it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .curves import sample_motion
from .timing import first_step_at_or_after
from .types import FaceMotion

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from .types import FloatArray

SETTLE_S = 0.15
"""Time in which a face passes from rest into a line, back to rest, or from one line into another."""
SLOW_SETTLE_S = 0.6
"""The same for what is slower than lips: the head, and an expression."""


def compose(
    motions: Sequence[FaceMotion], settle_s: float = SETTLE_S, slow: Collection[str] = ()
) -> FaceMotion:
    """All lines as one motion without a gap.

    Args:
        motions: at least one with rows; all with the same channels and rate, in any order, on one clock.
        settle_s: seconds in which the face passes between lines and rest; 0 cuts.
        slow: channels that take `SLOW_SETTLE_S` instead.

    Returns:
        Rows at whole multiples of 1 / rate_hz, from the longest of these times before the first line to as
        much after the last one, at least one row of rest at either end. Rest is 0 in every channel. Lines
        whose rows lie between such times are interpolated.

    Raises:
        ValueError: no line has rows, or lines differ in their channels or rate.
    """
    lines = [_on_grid(motion) for motion in motions if len(motion.values)]
    if not lines:
        raise ValueError("there must be at least one motion with rows")
    like = lines[0][1]
    for _, motion in lines:
        if (motion.channels, motion.rate_hz) != (like.channels, like.rate_hz):
            raise ValueError("motions must have the same channels and rate")
    lines.sort(key=lambda line: line[0])
    settles = {
        is_slow: max(1, math.ceil(max(settle_s, SLOW_SETTLE_S * is_slow) * like.rate_hz))
        for is_slow in {channel in slow for channel in like.channels}
    }
    first = lines[0][0] - max(settles.values())
    end = max(row + len(motion.values) for row, motion in lines) + max(settles.values())
    values = np.zeros((end - first, len(like.channels)), np.float32)
    for is_slow, settle in settles.items():
        columns = [i for i, channel in enumerate(like.channels) if (channel in slow) == is_slow]
        values[:, columns] = _joined(
            [(row - first, motion.values[:, columns]) for row, motion in lines], len(values), settle
        )
    return replace(like, values=values, start_s=first / like.rate_hz)


def _joined(lines: Sequence[tuple[int, FloatArray]], rows: int, settle: int) -> FloatArray:
    """Lines, each from a row on, in `rows` rows with `settle` of them or more around all lines."""
    width = lines[0][1].shape[1]
    values = np.zeros((rows, width), np.float32)
    until = 0  # rows below are written: rest, so far
    for begin, line in lines:
        if begin >= until:
            _pause(values[max(until - 1, 0) : begin + 1], line[0], settle)
            values[begin : begin + len(line)] = line
        else:
            _take_over(values[begin:], line, until - begin, settle)
        until = max(until, begin + len(line))
    _pause(values[until - 1 :], np.zeros(width, np.float32), settle)
    return values


def _on_grid(motion: FaceMotion) -> tuple[int, FaceMotion]:
    """A motion with its rows at whole multiples of 1 / rate_hz, and the number of its first row."""
    begin = motion.start_s * motion.rate_hz
    row = first_step_at_or_after(motion.start_s, motion.rate_hz)
    if abs(begin - row) < 1e-4:  # of a row: less than a second's noise after days of frames
        return row, motion
    rows = max(1, math.floor(begin + len(motion.values) - 1) - row + 1)
    values = sample_motion(motion, (row + np.arange(rows)) / motion.rate_hz)
    return row, replace(motion, values=values, start_s=row / motion.rate_hz)


def _pause(span: FloatArray, goal: FloatArray, settle: int) -> None:
    """Fill float32 [N, C] between its first row and `goal` [C] in its last: by way of rest if it is long."""
    last = len(span) - 1
    if last <= 2 * settle:
        share = _ease(np.arange(last + 1) / max(last, 1))
        span[:] = span[0] + share * (goal - span[0])
    else:
        rising = _ease(np.arange(settle + 1) / settle)
        span[1 : settle + 1] = span[0] * (1.0 - rising[1:])
        span[settle + 1 : last - settle] = 0.0
        span[last - settle :] = rising * goal


def _take_over(span: FloatArray, line: FloatArray, overlap: int, settle: int) -> None:
    """Write a line float32 [L, C] over the begin of `span`; `overlap` rows of it are of lines before."""
    rows, shared = len(line), min(len(line), overlap)
    share = np.ones((rows, 1), np.float32)
    is_inside = rows < overlap
    fade = min(settle, shared // 2 if is_inside else shared)
    ramp = _ease(np.arange(1, fade + 1) / (fade + 1))
    share[:fade] = ramp
    if is_inside:
        share[rows - fade :] = np.minimum(share[rows - fade :], ramp[::-1])
    span[:rows] += share * (line - span[:rows])


def _ease(share: NDArray[np.float64]) -> FloatArray:
    """0..1 without a corner at either end; float64 [N] -> float32 [N, 1]."""
    eased: FloatArray = (share * share * (3.0 - 2.0 * share)).astype(np.float32)[:, None]
    return eased
