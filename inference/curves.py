"""What a user does to motion after the model: strengths, smoothing, delay; and a change of frame rate.

Each step exists for a whole motion and for consecutive pieces of one (`..._pieces`, bounded memory). The
whole form runs the streamed one on a single piece, so cutting a motion into pieces cannot change a value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .channels import BROWS, HEAD, JAW, LIPS, UPPER_FACE
from .errors import UsageError
from .timing import steps_within
from .types import FaceMotion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from .types import FloatArray

STRENGTH_MAX = 4.0
SMOOTHING_MAX_S = 2.0
DELAY_MAX_S = 10.0
RATE_MAX_HZ = 1000.0


@dataclass(frozen=True)
class MotionControls:
    """How a user shapes the motion; the defaults leave it as the model made it."""

    jaw: float = 1.0
    """Strength of the jaw channels, 0..4. `mouthClose` follows it, so that closed lips stay closed."""
    lips: float = 1.0
    """Strength of the mouth channels and the tongue, 0..4."""
    upper_face: float = 1.0
    """Strength of lids, brows, cheeks and nose, 0..4. Added blinks always close the eyes, and the eyes look
    where they looked."""
    lower_face: float = 1.0
    """Strength of jaw, lips and tongue together, 0..4, on top of their own."""
    brows: float = 1.0
    """Strength of the brows, 0..4, on top of that of the upper face."""
    head: float = 1.0
    """Strength of the head's turns, 0..4."""
    lip_close_offset: float = 0.0
    """Added to `mouthClose`, -1..1, as far as the jaw is open: above 0 the lips are closer together."""
    smoothing_s: float = 0.0
    """Standard deviation in seconds of a Gaussian that does not shift the motion in time; 0 is off."""
    prediction_delay_s: float = 0.0
    """Seconds by which the motion comes later than the sound; a negative value lets it lead."""

    def __post_init__(self) -> None:
        for name in ("jaw", "lips", "upper_face", "lower_face", "brows", "head"):
            _check_range(f"the strength '{name}'", getattr(self, name), 0.0, STRENGTH_MAX)
        _check_range("the lip close offset", self.lip_close_offset, -1.0, 1.0)
        _check_range("the smoothing in seconds", self.smoothing_s, 0.0, SMOOTHING_MAX_S)
        _check_range("the prediction delay in seconds", self.prediction_delay_s, -DELAY_MAX_S, DELAY_MAX_S)


def _check_range(name: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:  # also refuses NaN
        raise UsageError(f"{value:g} cannot be {name}", f"Choose a value from {lowest:g} to {highest:g}")


def check_rate(rate_hz: float) -> float:
    """Return `rate_hz` (frames per second) if motion can have that rate.

    Raises:
        UsageError: not a number above 0 and up to 1000.
    """
    if not 0.0 < rate_hz <= RATE_MAX_HZ:
        raise UsageError(f"{rate_hz:g} frames per second is not possible", f"Choose up to {RATE_MAX_HZ:g}")
    return rate_hz


def apply_controls(motion: FaceMotion, controls: MotionControls) -> FaceMotion:
    """Smooth, scale by the strengths and clamp to 0..1 (head channels stay as they are); the delay moves
    `start_s` and leaves the values untouched."""
    return _whole(control_pieces([motion], controls), motion)


def control_pieces(pieces: Iterable[FaceMotion], controls: MotionControls) -> Iterator[FaceMotion]:
    """`apply_controls` for the consecutive pieces of one motion."""
    if controls.smoothing_s > 0.0:
        pieces = _smooth_pieces(pieces, controls.smoothing_s)
    for piece in pieces:
        values = _scaled(piece, controls)
        yield replace(piece, values=values, start_s=piece.start_s + controls.prediction_delay_s)


def _whole(pieces: Iterable[FaceMotion], like: FaceMotion) -> FaceMotion:
    made = list(pieces)
    if not made:
        return like
    return replace(made[0], values=np.concatenate([piece.values for piece in made]))


def _scaled(motion: FaceMotion, controls: MotionControls) -> FloatArray:
    """float32 [T, C]: strengths applied, clamped; lips that the model closes stay closed.

    `mouthClose` pulls the lips together against `jawOpen`: it keeps its share of the jaw whatever the two
    strengths are, and never exceeds it, or the lips would pass through each other.
    """
    groups = (
        (JAW, controls.jaw * controls.lower_face),
        (LIPS, controls.lips * controls.lower_face),
        ([c for c in UPPER_FACE if not c.startswith("eyeLook")], controls.upper_face),
        (BROWS, controls.upper_face * controls.brows),
        (HEAD, controls.head),
    )
    gain = {channel: strength for group, strength in groups for channel in group}
    gains = np.array([gain.get(channel, 1.0) for channel in motion.channels], np.float32)
    values: FloatArray = motion.values * gains
    face = [i for i, channel in enumerate(motion.channels) if channel not in HEAD]
    values[:, face] = np.clip(values[:, face], 0.0, 1.0)
    if "mouthClose" in motion.channels and "jawOpen" in motion.channels:
        close, jaw = motion.channels.index("mouthClose"), motion.channels.index("jawOpen")
        before = np.clip(motion.values[:, jaw], 0.0, 1.0)
        share = np.clip(motion.values[:, close], 0.0, before) / np.maximum(before, np.float32(1e-6))
        closed = share * values[:, jaw] + np.float32(controls.lip_close_offset)
        values[:, close] = np.clip(closed, 0.0, values[:, jaw])
    return values


def _smooth_pieces(pieces: Iterable[FaceMotion], sigma_s: float) -> Iterator[FaceMotion]:
    """Gaussian smoothing along time; before the first and after the last row the motion is held."""
    first = last = None
    held = weights = np.zeros(0, np.float32)
    done = 0
    for piece in pieces:
        if len(piece.values) == 0:
            continue
        last = piece
        if first is None:
            first, weights = piece, _gaussian(sigma_s * piece.rate_hz)
            held = np.repeat(piece.values[:1], len(weights) // 2, axis=0)
        held = np.concatenate([held, piece.values])
        ready = len(held) - len(weights) + 1
        if ready > 0:
            yield replace(
                first, values=_filtered(held, weights), start_s=first.start_s + done / first.rate_hz
            )
            held, done = held[ready:], done + ready
    if first is not None and last is not None and len(weights) > 1:
        held = np.concatenate([held, np.repeat(last.values[-1:], len(weights) // 2, axis=0)])
        yield replace(first, values=_filtered(held, weights), start_s=first.start_s + done / first.rate_hz)


def _gaussian(sigma: float) -> FloatArray:
    """float32 [2 R + 1] summing to 1, `sigma` in rows."""
    radius = math.ceil(3.0 * sigma)
    weights = np.exp(-0.5 * np.square(np.arange(-radius, radius + 1) / sigma))
    normalised: FloatArray = (weights / weights.sum()).astype(np.float32)
    return normalised


def _filtered(values: FloatArray, weights: FloatArray) -> FloatArray:
    """float32 [T, C] -> [T - K + 1, C]; tap by tap: a row must not depend on where a piece was cut."""
    rows = len(values) - len(weights) + 1
    out = np.zeros((rows, values.shape[1]), np.float32)
    for i, weight in enumerate(weights):
        out += weight * values[i : i + rows]
    return out


def sample_motion(motion: FaceMotion, times_s: NDArray[np.float64]) -> FloatArray:
    """Values at any times: linear between rows, held outside. float64 [K] s -> float32 [K, C]."""
    if len(motion.values) == 0:
        raise ValueError("a motion without rows has no values")
    return _interpolated(motion.values, (times_s - motion.start_s) * motion.rate_hz, 0)


def _interpolated(values: FloatArray, positions: NDArray[np.float64], base: int) -> FloatArray:
    """Rows at fractional row numbers, where `values[0]` is row number `base`."""
    low = np.floor(positions)
    weight = (positions - low).astype(np.float32)[:, None]
    last = len(values) - 1
    index = low.astype(np.int64) - base
    below, above = values[np.clip(index, 0, last)], values[np.clip(index + 1, 0, last)]
    out: FloatArray = below + weight * (above - below)
    return out


def resample(motion: FaceMotion, rate_hz: float, delay_s: float = 0.0) -> FaceMotion:
    """The same motion at another frame rate: linear between rows.

    Args:
        motion: any rate.
        rate_hz: frames per second wanted.
        delay_s: take the values that were `delay_s` seconds earlier; outside the motion they are held.

    Returns:
        Rows from the first row's time, every 1 / rate_hz seconds, up to the last row's time.
    """
    return _whole(resample_pieces([motion], rate_hz, delay_s), replace(motion, rate_hz=check_rate(rate_hz)))


def resample_pieces(
    pieces: Iterable[FaceMotion], rate_hz: float, delay_s: float = 0.0
) -> Iterator[FaceMotion]:
    """`resample` for the consecutive pieces of one motion."""
    check_rate(rate_hz)
    first = None
    held = np.zeros((0, 0), np.float32)
    base = done = 0  # number of the first row in `held`, and of output rows so far
    for piece in pieces:
        if len(piece.values) == 0:
            continue
        if first is None:
            first, held = piece, piece.values
        else:
            held = np.concatenate([held, piece.values])
        # One row is held back: an output row at the very last input row could still move towards the next.
        reach_s = (base + len(held) - 2) / first.rate_hz
        ready = _steps_before(min(reach_s, reach_s + delay_s), rate_hz)
        if ready > done:
            yield _resampled(first, held, base, done, ready, rate_hz, delay_s)
            done = ready
            next_row = math.floor((done / rate_hz - delay_s) * first.rate_hz) - 1
            drop = min(max(0, next_row - base), len(held) - 2)
            held, base = held[drop:], base + drop
    if first is not None:
        total = steps_within((base + len(held) - 1) / first.rate_hz, rate_hz)
        if total > done:
            yield _resampled(first, held, base, done, total, rate_hz, delay_s)


def _steps_before(reach_s: float, rate_hz: float) -> int:
    """How many steps lie in [0, reach_s]; none when it lies before zero."""
    return steps_within(reach_s, rate_hz) if reach_s >= 0.0 else 0


def _resampled(
    first: FaceMotion, held: FloatArray, base: int, start: int, stop: int, rate_hz: float, delay_s: float
) -> FaceMotion:
    positions = (np.arange(start, stop) / rate_hz - delay_s) * first.rate_hz
    values = _interpolated(held, positions, base)
    return FaceMotion(values, first.channels, rate_hz, first.start_s + start / rate_hz)
