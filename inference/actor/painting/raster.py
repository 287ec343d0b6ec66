"""Drawing a textured mesh into a picture, in numpy: triangles, depth, and what the camera sees of them.

All triangles are spread over their pixels at once instead of one by one; a face of 900 triangles and half a
million pixels takes a few tenths of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...types import FloatArray

_AT_ONCE: Final = 1_500_000
"""Candidate pixels that are looked at together: what bounds the memory."""


@dataclass(frozen=True)
class Drawn:
    """What is seen of a mesh inside a box of the picture: `box` left, top, right, bottom (exclusive) in
    pixels; `triangle` int32 [h, w] the triangle in front, -1 for none; `weights` float32 [h, w, 3] of its
    corners, corrected for perspective, summing to 1."""

    box: tuple[int, int, int, int]
    triangle: NDArray[np.int32]
    weights: FloatArray

    def interpolate(self, triangles: NDArray[np.int32], values: FloatArray) -> FloatArray:
        """float32 [h, w, V] of values float32 [N, V] at the vertices; 0 where nothing is seen."""
        corners = values[triangles[np.maximum(self.triangle, 0)]]
        out = np.einsum("hwc,hwcv->hwv", self.weights, corners)
        return np.asarray(out * (self.triangle >= 0)[..., None], np.float32)


def draw(
    pixels: FloatArray,
    depths: FloatArray,
    triangles: NDArray[np.int32],
    width: int,
    height: int,
) -> Drawn:
    """Find the triangle in front at every pixel.

    Triangles that turn their back (clockwise as seen), or reach behind the camera, are not drawn.

    Args:
        pixels: float32 [N, 2] of the vertices, y down.
        depths: float32 [N] how far before the camera; 0 or less is behind it.
        triangles: int32 [F, 3], counter-clockwise as seen from outside with y up.
        width, height: of the picture.
    """
    corners = pixels[triangles].astype(np.float64)
    near = depths[triangles].astype(np.float64)
    area = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # With y down what is counter-clockwise to the eye has a negative area.
    seen = np.flatnonzero((area < -1e-9) & (near > 1e-6).all(1) & np.isfinite(corners).all((1, 2)))
    box = _box(corners[seen], width, height)
    left, top, right, bottom = box
    shape = bottom - top, right - left
    front = np.full(shape[0] * shape[1], -np.inf)
    triangle = np.full(shape[0] * shape[1], -1, np.int32)
    weights = np.zeros((shape[0] * shape[1], 3), np.float32)
    for part in _parts(corners[seen], box):
        chosen = seen[part]
        which, x, y = _candidates(corners[chosen], box)
        if not len(which):
            continue
        share = _barycentric(corners[chosen][which], area[chosen][which], x + 0.5, y + 0.5)
        inside = (share >= -1e-9).all(1)
        which, share = which[inside], share[inside]
        place = (y[inside] - top) * shape[1] + x[inside] - left
        inverse = share / near[chosen][which]  # 1 / depth is linear in the picture
        closeness = inverse.sum(1)
        order = np.argsort(closeness, kind="stable")  # of several at one pixel the nearest is written last
        place, closeness = place[order], closeness[order]
        better = closeness > front[place]
        place, order = place[better], order[better]
        front[place] = closeness[better]
        triangle[place] = chosen[which[order]]
        weights[place] = inverse[order] / closeness[better][:, None]
    return Drawn(box, triangle.reshape(shape), weights.reshape(*shape, 3))


def close_holes(triangles: NDArray[np.int32], vertices: FloatArray) -> NDArray[np.int32]:
    """The triangles, and more that close every hole but the outer edge (the widest): eyes and mouth of a
    face. `vertices` float32 [N, 3]."""
    edges = boundary(triangles)
    if len(edges) < 2:
        return triangles
    longest = max(edges, key=lambda loop: float(np.ptp(vertices[loop], axis=0).max()))
    fans = [
        [(loop[0], loop[i + 1], loop[i]) for i in range(1, len(loop) - 1)]
        for loop in edges
        if loop is not longest
    ]
    added = [triangle for fan in fans for triangle in fan]
    return np.concatenate([triangles, np.array(added, np.int32).reshape(-1, 3)])


def boundary(triangles: NDArray[np.int32]) -> list[list[int]]:
    """Closed loops of vertices along edges that have a triangle on one side only, in the triangles' own
    sense."""
    directed = {(int(a), int(b)) for t in triangles for a, b in ((t[0], t[1]), (t[1], t[2]), (t[2], t[0]))}
    following = {a: b for a, b in directed if (b, a) not in directed}
    loops = []
    while following:
        first, at = following.popitem()
        loop = [first]
        while at != first and at in following:
            loop.append(at)
            at = following.pop(at)
        loops.append(loop)
    return loops


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0], np.float64)


def _box(corners: NDArray[np.float64], width: int, height: int) -> tuple[int, int, int, int]:
    if not len(corners):
        return 0, 0, 0, 0
    limits = np.array([width, height])
    low = np.clip(np.floor(corners.min((0, 1))), 0, limits).astype(int)
    high = np.clip(np.ceil(corners.max((0, 1))), 0, limits).astype(int)
    return int(low[0]), int(low[1]), int(max(high[0], low[0])), int(max(high[1], low[1]))


def _spans(corners: NDArray[np.float64], box: tuple[int, int, int, int]) -> tuple[NDArray[np.int64], ...]:
    """First pixel and count of pixels across and down that may lie in each triangle."""
    low_limit, high_limit = np.array(box[:2]), np.array(box[2:])
    low = np.clip(np.floor(corners.min(1) - 0.5), low_limit, high_limit).astype(np.int64)
    high = np.clip(np.ceil(corners.max(1) + 0.5), low_limit, high_limit).astype(np.int64)
    return low[:, 0], low[:, 1], high[:, 0] - low[:, 0], high[:, 1] - low[:, 1]


def _parts(corners: NDArray[np.float64], box: tuple[int, int, int, int]) -> list[slice]:
    """Runs of triangles with a bounded number of candidate pixels together."""
    _, _, across, down = _spans(corners, box)
    total = np.cumsum(across * down)
    parts, first = [], 0
    while first < len(total):
        before = total[first - 1] if first else 0
        stop = max(first + 1, int(np.searchsorted(total, before + _AT_ONCE)))
        parts.append(slice(first, stop))
        first = stop
    return parts


def _candidates(
    corners: NDArray[np.float64], box: tuple[int, int, int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(triangle, x, y) of every pixel in the triangles' own boxes."""
    x0, y0, across, down = _spans(corners, box)
    counts = across * down
    which = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    wide = across[which]
    return which, x0[which] + place % np.maximum(wide, 1), y0[which] + place // np.maximum(wide, 1)


def _barycentric(
    corners: NDArray[np.float64],
    area: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> NDArray[np.float64]:
    """[P, 3] shares of the corners at places."""
    place = np.stack([x, y], 1)
    first = _cross(corners[:, 1] - place, corners[:, 2] - place) / area
    second = _cross(corners[:, 2] - place, corners[:, 0] - place) / area
    return np.stack([first, second, 1 - first - second], 1)
