"""Which frames a memory keeps: few, sharp, and all that the mouth was seen doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..landmarks import LIPS_INNER, MOUTH_REGION

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ...types import FloatArray

CLOSED, OPEN, TEETH = 0, 1, 2
"""Kinds of a mouth: lips together, open without teeth, teeth to be seen."""
KINDS: Final = ("closed", "open", "teeth")
_APART: Final = 0.035
"""Gap between the lips, as a share of the mouth's width at rest, from which a mouth is open."""
_PALER, _BRIGHT = 0.98, 0.6
"""Ratio of red to green and green of teeth, by those of the chin: lips and tongue are redder than skin, the
hollow of the mouth is darker."""
_SHOWN: Final = 0.1
"""Share of the mouth's opening that teeth fill, from which they are seen."""
_NEIGHBOURS: Final = 12
_SHARPEST: Final = 1.3
"""A frame may be at most this much sharper than its like to be preferred for it."""
_INNER: Final = tuple(MOUTH_REGION.index(point) for point in LIPS_INNER)
_BLOCK: Final = 512


def sharpness(crop: FloatArray, mask: FloatArray) -> float:
    """How sharp a crop [S, S, 3] 0..1 is where `mask` [S, S] is set: root mean square of its Laplacian."""
    luma = crop @ np.array([0.299, 0.587, 0.114], np.float32)
    inner = 4 * luma[1:-1, 1:-1] - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:]
    weight = mask[1:-1, 1:-1]
    return float(np.sqrt((inner**2 * weight).sum() / weight.sum()))


def teeth(crop: FloatArray, points: FloatArray) -> float:
    """Share 0..1 of the mouth's opening that is teeth: less red than the skin round it, and not dark.

    Args:
        crop: float32 [S, S, 3] 0..1.
        points: float32 [L, 2] crop pixels of `MOUTH_REGION`.
    """
    outline = points[list(_INNER)]
    low = np.clip(np.floor(outline.min(0)).astype(int), 0, len(crop) - 1)
    high = np.clip(np.ceil(outline.max(0)).astype(int), low + 1, len(crop))
    x, y = np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5
    seen = crop[low[1] : high[1], low[0] : high[0]][within(outline, x, y)]
    if not len(seen):
        return 0.0
    across = points[:, 0].min(), points[:, 0].max()
    rows, columns = (
        slice(*np.clip(side, 0, len(crop)).astype(int)) for side in ((high[1], len(crop)), across)
    )
    skin = np.median(crop[rows, columns].reshape(-1, 3), axis=0) if crop[rows, columns].size else np.ones(3)
    redness = seen[:, 0] / np.maximum(seen[:, 1], 1e-3)
    white = redness < _PALER * skin[0] / max(skin[1], 1e-3)
    return float((white & (seen[:, 1] > _BRIGHT * skin[1])).mean())


def within(outline: FloatArray, x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    """bool [len(y), len(x)]: which places of a grid lie in a closed outline [N, 2], by even and odd."""
    (ax, ay), (bx, by) = outline.T, np.roll(outline, -1, 0).T
    level = (ay <= y[:, None]) != (by <= y[:, None])
    steep = np.where(np.abs(by - ay) < 1e-9, 1e-9, by - ay)
    crossing = ax + (y[:, None] - ay) / steep * (bx - ax)
    right = x[None, :, None] < np.where(level, crossing, -np.inf)[:, None, :]
    return np.asarray(right.sum(2) % 2 == 1)


def kinds(aperture: FloatArray, teeth_seen: FloatArray) -> NDArray[np.uint8]:
    """uint8 [M]: CLOSED, OPEN or TEETH, of the lips' gap (shares of the width at rest) and of `teeth`."""
    opened = np.where(teeth_seen > _SHOWN, TEETH, OPEN)
    return np.where(aperture < _APART, CLOSED, opened).astype(np.uint8)


def flattened(keys: FloatArray) -> FloatArray:
    """The same points [M, D] in as few dimensions as they span: distances stay, work shrinks."""
    centred = np.asarray(keys, np.float64) - keys.mean(0)
    values, axes = np.linalg.eigh(centred.T @ centred)
    kept = values > 1e-9 * max(values[-1], 1e-12)
    return np.asarray(centred @ axes[:, kept], np.float32)


def relative_sharpness(keys: FloatArray, sharp: FloatArray) -> FloatArray:
    """float32 [M]: sharpness by that of the mouths most like it. An open mouth has more edges than a closed
    one, so that only like and like can be compared."""
    if len(keys) <= _NEIGHBOURS:
        return np.ones(len(keys), np.float32)
    points = flattened(keys)
    norms = (points**2).sum(1)
    out = np.empty(len(points), np.float32)
    for first in range(0, len(points), _BLOCK):
        part = points[first : first + _BLOCK]
        distance = norms - 2 * part @ points.T
        near = np.argpartition(distance, _NEIGHBOURS, axis=1)[:, : _NEIGHBOURS + 1]
        out[first : first + _BLOCK] = sharp[first : first + _BLOCK] / np.median(sharp[near], axis=1)
    return out


def choose(
    keys: FloatArray,
    preference: FloatArray,
    kind: NDArray[np.uint8],
    entries: int,
    cancelled: Callable[[], bool] | None = None,
) -> NDArray[np.intp]:
    """The rows that cover the keys best, in order of frames.

    The farthest from what is chosen is taken next (Gonzalez 1985), a sharper one rather than a blurred one;
    every kind gets a share by the root of how often it was seen, so that rare ones are not crowded out.

    Args:
        keys: float32 [M, D].
        preference: float32 [M], about 1, more is better.
        kind: uint8 [M], see `kinds`.
        entries: how many at most.
        cancelled: asked now and then; where it says so, what is chosen is returned.
    """
    if len(keys) <= entries:
        return np.arange(len(keys))
    points, weight = flattened(keys), np.clip(preference, 0.5, _SHARPEST).astype(np.float32) ** 2
    counts = np.bincount(kind, minlength=len(KINDS))
    left = _shares(counts, entries)
    norms = (points**2).sum(1)
    distance = np.full(len(points), np.inf, np.float32)
    chosen = np.zeros(len(points), bool)
    row = int(((points - points.mean(0)) ** 2).sum(1).argmin())
    for step in range(entries):
        if step:
            free = ~chosen & (left[kind] > 0)
            row = int(np.where(free, distance * weight, -1).argmax())
        elif not left[kind[row]]:
            row = int((left[kind] > 0).argmax())
        chosen[row] = True
        left[kind[row]] -= 1
        np.minimum(distance, np.maximum(norms - 2 * points @ points[row] + norms[row], 0), out=distance)
        if step % 64 == 0 and cancelled and cancelled():
            break
    return np.flatnonzero(chosen)


def _shares(counts: NDArray[np.intp], entries: int) -> NDArray[np.intp]:
    """How many of each kind, in the ratio of the roots of their counts, none more than there are."""
    shares = np.zeros(len(counts), np.intp)
    while (missing := min(entries, counts.sum()) - shares.sum()) > 0:
        open_kinds = shares < counts
        ratio = np.sqrt(counts) * open_kinds
        more = np.ceil(missing * ratio / ratio.sum()).astype(np.intp)
        shares = np.minimum(shares + more, counts)
    while shares.sum() > entries:
        shares[shares.argmax()] -= 1
    return shares
