"""Colour: a plate's light and camera turned into the actor's reference colours, and back.

A gain and an offset per channel, found where the face is skin that the pass does not paint: the same places
of the face are compared, so that a lit side is compared with a lit side. Colours are encoded as sRGB,
0..1, unless a name says linear.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .crop import shots, smooth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..types import FloatArray

SITES: Final = (
    6, 197, 195, 5, 4, 48, 278, 122, 351, 198, 420, 131, 360,
    50, 280, 101, 330, 117, 346, 118, 347, 119, 348, 205, 425, 36, 266, 142, 371, 123, 352, 116, 345,
    151, 9, 8, 108, 337, 69, 299, 109, 338,
    105, 334, 66, 296, 52, 282,
)  # fmt: skip
"""Points of the face that are compared: nose, cheeks, forehead, and the brows, whose darkness tells a gain
from an offset."""
_GRID: Final = 5
_RADIUS: Final = 0.045
"""Half the side of what is averaged round a site, as a share of the distance of the eyes' outer corners."""
_OFFSET_PRIOR: Final = 0.015
"""Spread of values (0..1) at which a fitted slope counts as much as a mere gain: the values of skin lie close
together and hardly tell a gain from an offset, and light changes by gains."""
_GAIN_LIMITS: Final = (0.2, 5.0)
_STEADY: Final = 0.02
"""Change of the light within a shot, as a share, that is still taken for none."""
_LIGHT_S: Final = 1.0
"""Seconds over which a changing light is smoothed."""


def to_linear(encoded: FloatArray) -> FloatArray:
    """sRGB 0..1 in scene-linear light (IEC 61966-2-1); values beyond 0..1 go on along the curve."""
    value = np.abs(encoded)
    curve = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.copysign(curve, encoded), np.float32)


def from_linear(linear: FloatArray) -> FloatArray:
    """The way back of `to_linear`."""
    value = np.abs(linear)
    curve = np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
    return np.asarray(np.copysign(curve, linear), np.float32)


def apply(rgb: FloatArray, colour: FloatArray) -> FloatArray:
    """Plate colours float32 [..., 3] in reference colours, by `colour` [3, 2], gain and offset."""
    return np.asarray(rgb * colour[:, 0] + colour[:, 1], np.float32)


def undo(rgb: FloatArray, colour: FloatArray) -> FloatArray:
    """The way back of `apply`."""
    return np.asarray((rgb - colour[:, 1]) / colour[:, 0], np.float32)


def skin(rgb: NDArray[np.uint8], landmarks: FloatArray) -> FloatArray:
    """What colour the face has at the `SITES` in one frame.

    Args:
        rgb: uint8 [H, W, 3], a plate's frame.
        landmarks: float32 [478, 2 or 3] plate pixels.

    Returns:
        float32 [len(SITES), 3] in 0..1; NaN for sites outside the frame or without a face.
    """
    height, width = rgb.shape[:2]
    points = landmarks[list(SITES), :2]
    reach = float(np.hypot(*(landmarks[263, :2] - landmarks[33, :2]))) * _RADIUS
    inside = np.isfinite(points).all(1) & (points >= 0).all(1) & (points < (width, height)).all(1)
    out = np.full((len(SITES), 3), np.nan, np.float32)
    if not inside.any() or not np.isfinite(reach):
        return out
    steps = np.linspace(-reach, reach, _GRID)
    across = np.clip(points[inside, :1] + steps, 0, width - 1).astype(np.intp)
    down = np.clip(points[inside, 1:] + steps, 0, height - 1).astype(np.intp)
    seen = rgb[down[:, :, None], across[:, None, :]].reshape(len(down), -1, 3)
    out[inside] = seen.mean(1, dtype=np.float32) / 255
    return out


def reference(samples: FloatArray) -> FloatArray:
    """The actor's reference colours float32 [K, 3], of samples [T, K, 3] of `skin`: medians over the frames.

    Raises:
        ValueError: no frame has a face.
    """
    seen = np.isfinite(samples).all(2)
    if not seen.any():
        raise ValueError("samples must have a face in at least one row")
    return np.asarray(_medians(samples, 0), np.float32)


def _medians(values: NDArray[np.floating[Any]], axis: int) -> NDArray[np.float64]:
    """Medians of what is known along an axis; NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's "All-NaN slice": NaN is the answer wanted
        return np.asarray(np.nanmedian(values, axis=axis), np.float64)


def fit_colour(
    samples: FloatArray, wanted: FloatArray, rate_hz: float, *, cuts: Sequence[int] = ()
) -> FloatArray:
    """How a plate's colours become the reference's.

    One gain and offset for a whole shot, so that nothing flickers; where the light changes by more than a few
    hundredths within it, the gain follows slowly.

    Args:
        samples: float32 [T, K, 3], one row of `skin` per frame.
        wanted: float32 [K, 3] reference colours.
        rate_hz: frames per second.
        cuts: rows that start a new shot.

    Returns:
        float32 [T, 3, 2], gain (within 0.2..5) and offset per channel; 1 and 0 for shots without a face.
    """
    out = np.zeros((len(samples), 3, 2), np.float32)
    out[..., 0] = 1
    for first, stop in shots(cuts, len(samples)):
        part = samples[first:stop].astype(np.float64)
        seen = np.isfinite(part).all(2) & np.isfinite(wanted).all(1)
        rows = seen.sum(1) >= len(SITES) // 3
        if not rows.any():
            continue
        known = np.where(seen[..., None], part, np.nan)[rows]
        middle = _medians(known, 0)
        light = _light(_medians(known / np.maximum(middle, 1e-3), 1), rows, rate_hz)
        for channel in range(3):
            gain, offset = _line(middle[:, channel], wanted[:, channel].astype(np.float64))
            out[first:stop, channel, 0] = np.clip(gain / light[:, channel], *_GAIN_LIMITS)
            out[first:stop, channel, 1] = offset
    return out


def _light(level: NDArray[np.float64], rows: NDArray[np.bool_], rate_hz: float) -> NDArray[np.float64]:
    """Light [T, 3] relative to the shot's middle, of its levels [rows, 3]; 1 while it hardly changes."""
    every = np.arange(len(rows))
    filled = np.stack([np.interp(every, every[rows], column) for column in level.T], 1)
    slow = smooth(filled, 2 * int(_LIGHT_S * rate_hz) + 1)
    steady = np.abs(slow / np.median(slow, axis=0) - 1).max() < _STEADY
    return np.ones_like(slow) if steady else np.clip(slow, 0.1, 10)


def _line(seen: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[float, float]:
    """Robust gain and offset wanted <- seen (Tukey's weights); the offset is held towards 0."""
    known = np.isfinite(seen) & np.isfinite(wanted)
    x, y = seen[known], wanted[known]
    # From the median ratio: a start by least squares would follow a bright hand on a cheek.
    gain, offset = float(np.median(y / np.maximum(x, 1e-3))), 0.0
    for _ in range(20):
        error = np.abs(y - gain * x - offset)
        scale = 4.685 * 1.4826 * np.median(error) + 1e-3
        weight = np.maximum(1 - (error / scale) ** 2, 0) ** 2 + 1e-6
        share = weight / weight.sum()
        mean_x, mean_y = share @ x, share @ y
        spread = share @ (x - mean_x) ** 2
        slope = share @ ((x - mean_x) * (y - mean_y)) + _OFFSET_PRIOR**2 * mean_y / max(mean_x, 1e-3)
        gain = slope / (spread + _OFFSET_PRIOR**2)
        offset = mean_y - gain * mean_x
    return float(gain), float(offset)
