"""The crop: an upright square of one size round the mouth, that follows the head and nothing else.

Memory and renderer see the mouth in crop space only. The way there and back is a similarity (turn, scale,
shift) per frame, from points that speech hardly moves, so that the mouth's own movements stay in the picture.
Coordinates are continuous: the centre of the first pixel is at .5, .5 (see `types`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from ..performance.ease import ease
from .landmarks import LIPS_OUTER, RIGID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..types import FloatArray

LIP_WIDTH: Final = 0.393
"""Width of the lips at rest as a share of the crop's side: 44 pixels of 112."""
HOLE: Final = (0.16, 0.325, 0.84, 0.92)
"""Left, top, right and bottom of what is painted, as shares of the crop's side: lower cheeks, from just under
the nose to below the chin of an open mouth."""
_HOLE_CORNER: Final = 0.22
_HOLE_EDGE: Final = 0.055
"""Radius of the hole's corners and width of its soft edge, as shares of the crop's side."""
_CRISP: Final = 0.06
"""How much of the neighbours is taken off each pixel before a crop is pasted, per axis."""
_SMOOTHED: Final = 7
_STEADIED: Final = 13
"""Frames over which a parabola is fitted to the crop's place, and to its turn and scale: those two are
noisier (they act over the lever from the rigid points to the lips), and heads turn and near slower."""
_CHUNK: Final = 8192
"""Pixels sampled at a time, so that what is gathered stays in the processor's cache."""


def layout(points: FloatArray, size: int) -> FloatArray:
    """A face laid into the crop: lips centred, eyes level, lips at rest `LIP_WIDTH` wide.

    Args:
        points: float32 [478, 2 or 3], y down: mean landmarks, or `upright(identity)`.
        size: side of the crop in pixels.

    Returns:
        float32 [478, 2] crop pixels, the `reference` of `fit_crop`.
    """
    flat = np.asarray(points, np.float64)[:, :2]
    eyes = flat[[362, 263]].mean(0) - flat[[33, 133]].mean(0)
    cos, sin = eyes / np.hypot(*eyes)
    level = flat @ np.array([[cos, -sin], [sin, cos]])
    lips = level[list(LIPS_OUTER)]
    scale = LIP_WIDTH * size / np.ptp(lips[:, 0])
    centre = (lips.min(0) + lips.max(0)) / 2
    return np.asarray((level - centre) * scale + size / 2, np.float32)


def upright(identity: FloatArray) -> FloatArray:
    """Vertices in head space (y up) [478, 3] as seen from the front, y down [478, 2]."""
    return np.asarray(identity[:, :2] * np.array([1, -1], np.float32), np.float32)


def fit_crop(
    landmarks: FloatArray, reference: FloatArray | None, size: int, *, cuts: Sequence[int] = ()
) -> FloatArray:
    """Where the crop lies in every frame.

    Args:
        landmarks: float32 [T, 478, 2 or 3] plate pixels; rows with NaN (no face) are bridged.
        reference: float32 [478, 2] crop pixels, see `layout`; None for the mean of these landmarks.
        size: side of the crop in pixels.
        cuts: rows that start a new shot; nothing is smoothed across them.

    Returns:
        float32 [T, 2, 3], crop <- plate pixels, similarities without reflection, smoothed within each shot by
        a zero-phase filter (Savitzky and Golay 1964), so that they neither shake nor lag behind the head.

    Raises:
        ValueError: no row has a face.
    """
    points = np.asarray(landmarks[:, list(RIGID), :2], np.float64)
    seen = np.isfinite(points).all((1, 2))
    if not seen.any():
        raise ValueError("landmarks must have a face in at least one row")
    if reference is None:
        reference = layout(np.asarray(landmarks[seen].mean(0), np.float32), size)
    known = np.full((len(points), 4), np.nan)
    known[seen] = _motion(points[seen], np.asarray(reference, np.float64)[list(RIGID)], size / 2)
    motion = _bridged(known)
    for first, stop in shots(cuts, len(points)):
        part = motion[first:stop]
        if seen[first:stop].any():
            part = _bridged(known[first:stop])
            part[:, 1] = np.unwrap(part[:, 1])
        motion[first:stop] = np.c_[smooth(part[:, :2], _STEADIED), smooth(part[:, 2:], _SMOOTHED)]
    return _matrices(motion, size / 2)


def _motion(points: NDArray[np.float64], target: NDArray[np.float64], middle: float) -> NDArray[np.float64]:
    """Least-squares similarity target <- points (Umeyama 1991, in complex numbers), as [T, 4]: logarithm of
    the scale, turn in radians, and the plate pixel that lies in the crop's middle: so told apart, a shake of
    the turn does not become a shift."""
    source, wanted = points @ np.array([1, 1j]), target @ np.array([1, 1j])
    centre, goal = source.mean(1, keepdims=True), wanted.mean()
    turn = ((source - centre).conj() * (wanted - goal)).sum(1) / (np.abs(source - centre) ** 2).sum(1)
    place = centre[:, 0] + (middle * (1 + 1j) - goal) / turn
    return np.stack([np.log(np.abs(turn)), np.angle(turn), place.real, place.imag], 1)


def _matrices(motion: NDArray[np.float64], middle: float) -> FloatArray:
    turn = np.exp(motion[:, 0] + 1j * motion[:, 1])
    shift = middle * (1 + 1j) - turn * (motion[:, 2] + 1j * motion[:, 3])
    rows = [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
    return np.ascontiguousarray(np.moveaxis(np.array(rows), 2, 0), np.float32)


def _bridged(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of NaN filled in straight lines."""
    rows, known = np.arange(len(series)), np.isfinite(series).all(1)
    return np.stack([np.interp(rows, rows[known], column[known]) for column in series.T], 1)


def shots(cuts: Sequence[int], count: int) -> list[tuple[int, int]]:
    """First row of every shot and the row after its last, of `count` rows with cuts at `cuts`."""
    edges = sorted({0, count, *(cut for cut in cuts if 0 < cut < count)})
    return list(pairwise(edges))


def smooth(series: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    """[T, C] with a parabola fitted round every row over an odd number of `frames`: no lag, and a steady
    movement or acceleration stays as it is. Short series use what they have; the ends are mirrored through
    their points."""
    half = min(frames // 2, (len(series) - 1) // 2)
    if half < 1:
        return series.copy()
    steps = np.arange(-half, half + 1)
    kernel = np.linalg.pinv(np.stack([steps**0, steps, steps**2], 1).astype(float))[0]
    before, after = 2 * series[0] - series[half:0:-1], 2 * series[-1] - series[-2 : -half - 2 : -1]
    padded = np.concatenate([before, series, after])
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=0)
    return np.asarray(windows @ kernel, np.float64)


def to_crop(points: FloatArray, transform: FloatArray) -> FloatArray:
    """Plate pixels float32 [..., N, 2 or more] in crop pixels [..., N, 2], by `transform` [..., 2, 3]."""
    moved = points[..., :2] @ np.swapaxes(transform[..., :2], -1, -2) + transform[..., None, :, 2]
    return np.asarray(moved, np.float32)


def invert(transform: FloatArray) -> FloatArray:
    """The way back of `transform` [..., 2, 3]."""
    back = np.linalg.inv(np.asarray(transform[..., :2], np.float64))
    shift = -(back @ transform[..., 2:].astype(np.float64))
    return np.asarray(np.concatenate([back, shift], -1), np.float32)


def sample(image: NDArray[np.generic], transform: FloatArray, size: int) -> FloatArray:
    """The crop of a plate's frame.

    Args:
        image: [H, W, C], uint8 or float; beyond its edges it goes on with its last pixels.
        transform: float32 [2, 3] crop <- plate pixels.
        size: side of the crop in pixels.

    Returns:
        float32 [size, size, C] in the units of `image`, by cubic interpolation (Keys 1981); where the crop
        is much smaller than what it shows, pixels are averaged first.
    """
    return _resample(image, invert(transform), size, size, 0, 0)


def bounds(transform: FloatArray, size: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom (exclusive) of the plate's pixels under the crop; empty where it lies
    outside the plate."""
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float32)
    placed = to_crop(corners, invert(transform))
    low, high = np.floor(placed.min(0)).astype(int), np.ceil(placed.max(0)).astype(int)
    left, top = (int(np.clip(v, 0, n)) for v, n in zip(low, (width, height), strict=True))
    right, bottom = (int(np.clip(v, 0, n)) for v, n in zip(high, (width, height), strict=True))
    return left, top, max(right, left), max(bottom, top)


def paste(patch: NDArray[np.generic], transform: FloatArray, box: tuple[int, int, int, int]) -> FloatArray:
    """A crop laid back: float32 [bottom - top, right - left, C], the plate's pixels in `box` (see `bounds`).

    Outside the crop the result goes on with its edge: weigh it with `hole`, pasted in the same way.
    """
    left, top, right, bottom = box
    return _resample(patch, transform, bottom - top, right - left, left, top)


def crisp(patch: FloatArray) -> FloatArray:
    """A crop [S, S, C] with the fine detail that sampling it and pasting it back takes away.

    Cubic interpolation there and back leaves 77 % of the variance of a plate's Laplacian at the scale of GRID
    (44 pixels of lips for 38); sharpened like this it leaves 95 %, and the way there and back loses less as a
    whole (51.8 dB instead of 50.4).
    """
    padded = np.pad(patch, ((1, 1), (0, 0), (0, 0)), mode="edge")
    down = patch * (1 + 2 * _CRISP) - (padded[:-2] + padded[2:]) * _CRISP
    padded = np.pad(down, ((0, 0), (1, 1), (0, 0)), mode="edge")
    return np.asarray(down * (1 + 2 * _CRISP) - (padded[:, :-2] + padded[:, 2:]) * _CRISP, np.float32)


def hole(size: int) -> FloatArray:
    """float32 [size, size] 0..1: what is painted, 1 inside a box with round corners and soft edges."""
    left, top, right, bottom = (share * size for share in HOLE)
    radius, edge = _HOLE_CORNER * size, _HOLE_EDGE * size
    place = np.arange(size) + 0.5
    across = np.abs(place - (left + right) / 2) - (right - left) / 2 + radius
    down = np.abs(place - (top + bottom) / 2) - (bottom - top) / 2 + radius
    outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0)[:, None])
    distance = outside + np.minimum(np.maximum(across, down[:, None]), 0) - radius
    return np.asarray(ease(-distance / edge), np.float32)


def _resample(
    image: NDArray[np.generic], back: FloatArray, height: int, width: int, left: int, top: int
) -> FloatArray:
    """[height, width, C] whose pixel (x, y) lies at `back` @ (left + x, top + y) in `image`."""
    channels = image.shape[2]
    if height == 0 or width == 0:
        return np.zeros((height, width, channels), np.float32)
    step = float(np.hypot(back[0, 0], back[1, 0]))
    corners = np.array([[left, top], [left + width, top], [left, top + height], [left + width, top + height]])
    seen = to_crop(corners.astype(np.float32), back)
    low = np.floor(seen.min(0)).astype(int) - 3
    high = np.ceil(seen.max(0)).astype(int) + 3
    region = _region(image, low, high)
    shift = low.astype(np.float64)
    shrink = int(step) if step >= 2 else 1
    if shrink > 1:
        region = _shrunk(region, shrink)
    x = (np.arange(width) + left + 0.5)[None, :]
    y = (np.arange(height) + top + 0.5)[:, None]
    places = [
        ((row[0] * x + row[1] * y + row[2] - origin) / shrink - 0.5).astype(np.float32).ravel()
        for row, origin in zip(back.astype(np.float64), shift, strict=True)
    ]
    planes = np.ascontiguousarray(np.moveaxis(region, 2, 0), np.float32)
    out = np.empty((channels, height * width), np.float32)
    for first in range(0, height * width, _CHUNK):
        part = slice(first, first + _CHUNK)
        out[:, part] = cubic(planes, places[0][part], places[1][part])
    return np.ascontiguousarray(out.T).reshape(height, width, channels)


def _region(image: NDArray[np.generic], low: NDArray[np.int_], high: NDArray[np.int_]) -> NDArray[np.generic]:
    """The pixels from `low` up to `high` (x, y), the last ones repeated beyond the edges."""
    height, width = image.shape[:2]
    if low.min() >= 0 and high[0] <= width and high[1] <= height:
        return image[low[1] : high[1], low[0] : high[0]]
    across = np.clip(np.arange(low[0], high[0]), 0, width - 1)
    down = np.clip(np.arange(low[1], high[1]), 0, height - 1)
    return np.asarray(image[down[:, None], across])


def _shrunk(region: NDArray[np.generic], by: int) -> FloatArray:
    """Means of `by` x `by` pixels; what does not fill a whole one at the end repeats its last pixel."""
    height, width, channels = region.shape
    padded = np.pad(region, ((0, -height % by), (0, -width % by), (0, 0)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // by, by, padded.shape[1] // by, by, channels)
    return np.asarray(blocks.mean((1, 3), dtype=np.float32), np.float32)


def cubic(region: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """float32 [C, N] of `region` [C, H, W] at the places x, y float32 [N] (0 is the first pixel's centre).

    Channel by channel: gathering single floats is twice as fast as gathering pixels of three.
    """
    height, width = region.shape[1:]
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    across, down = _weights(x - left), _weights(y - top)
    start = np.clip(top - 1, 0, height - 4) * width + np.clip(left - 1, 0, width - 4)
    out = np.zeros((len(region), len(x)), np.float32)
    for plane, total in zip(region.reshape(len(region), -1), out, strict=True):
        for i in range(4):
            corner = start + i * width
            line = plane[corner] * across[0]
            for j in range(1, 4):
                line += plane[corner + j] * across[j]
            line *= down[i]
            total += line
    return out


def _weights(share: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Weights of the four pixels round a place that lies `share` 0..1 beyond the second of them."""
    t = share
    first = ((-0.5 * t + 1) * t - 0.5) * t
    second = (1.5 * t - 2.5) * t * t + 1
    last = (0.5 * t - 0.5) * t * t
    return first, second, 1 - first - second - last, last
