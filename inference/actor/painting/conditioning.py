"""What the renderer is given: the plate with its hole, the mouth's shape, and patches laid onto that shape.

One implementation for training and for the pass, so that the two can't drift apart. Everything is in crop
space (see `types`) and in the actor's reference colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...types import require_shape
from ..crop import hole
from ..landmarks import LIPS_INNER, LIPS_OUTER, MOUTH_REGION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...types import FloatArray
    from ..types import ActorFace, MemoryBank

GEOMETRY: Final = 4
"""Maps of `Conditions.geometry`."""
NODES: Final = 33
"""Nodes along a side of the coarse grid on which patches are laid onto a shape."""
_JAW: Final = (
    18,
    57,
    287,
    164,
    200,
    199,
    175,
    202,
    422,
    212,
    432,
    216,
    436,
    169,
    394,
    148,
    377,
    152,
    176,
    400,
)
"""Points of chin and cheeks that hold the warp, beside those of the lips."""
_CONTROLS: Final = (*LIPS_OUTER, *LIPS_INNER, *(point for point in _JAW if point in MOUTH_REGION))
_ROWS: Final = np.array([MOUTH_REGION.index(point) for point in _CONTROLS])
_OUTER: Final = np.array([MOUTH_REGION.index(point) for point in LIPS_OUTER])
_INNER: Final = np.array([MOUTH_REGION.index(point) for point in LIPS_INNER])
_STIFFNESS: Final = 1e-3
"""Of the thin plate, so that closed lips (two points at one place) don't tear a patch."""
_REACH: Final = 1 / 14
"""Distance from a lip's edge at which its map stops telling more, as a share of the crop's side."""


@dataclass(frozen=True)
class Conditions:
    """The renderer's input for B frames and K patches; S is the crop's side.

    `plate` float32 [B, 4, S, S]: the crop in 0..1 with its hole blanked, and the hole (1 inside, soft edge);
    `geometry` float32 [B, 4, S / 2, S / 2]: signed distance to the outer and inner edge of the lips (positive
    inside, -1..1) and by how much the skin has moved from the actor's mean shape, right and down;
    `patches` uint8 [B, K, S, S, 3] as they are in memory; `places` float32 [B, K, NODES, NODES, 2] where each
    node of a grid over the crop lies in each patch, x and y, -1..1 from edge to edge of the patch;
    `distance` float32 [B, K] of each patch's shape from the wanted one, in the memory's units.
    """

    plate: FloatArray
    geometry: FloatArray
    patches: NDArray[np.uint8]
    places: FloatArray
    distance: FloatArray

    def __post_init__(self) -> None:
        count, size = len(self.plate), self.plate.shape[-1]
        require_shape("plate", self.plate, (count, 4, size, size))
        require_shape("geometry", self.geometry, (count, GEOMETRY, size // 2, size // 2))
        require_shape("places", self.places, (count, self.distance.shape[1], NODES, NODES, 2))
        if self.patches.shape != (count, self.distance.shape[1], size, size, 3):
            raise ValueError(f"patches must fit the plate and the distances, got {self.patches.shape}")

    def feeds(self) -> dict[str, NDArray[np.generic]]:
        """One array per input of the renderer's graph."""
        return {name: getattr(self, name) for name in INPUTS}


INPUTS: Final = ("plate", "geometry", "patches", "places", "distance")


class Conditioner:
    """Makes conditions from one memory: what they share for all frames is worked out once."""

    def __init__(self, bank: MemoryBank) -> None:
        self.bank = bank
        self.size = bank.patches.shape[1]
        self.mean_shape = np.asarray(bank.points.mean(0), np.float32)
        self._hole = hole(self.size)
        self._nodes = _grid(NODES, self.size, edge=0.5)
        self._pixels = _grid(self.size // 2, self.size, edge=1.0)

    def conditions(
        self, crops: FloatArray, points: FloatArray, indices: NDArray[np.int32], distances: FloatArray
    ) -> Conditions:
        """The renderer's input.

        Args:
            crops: float32 [B, S, S, 3], 0..1, crop space, reference colours.
            points: float32 [B, L, 2] crop pixels of `MOUTH_REGION`: the wanted mouth, see `mouth_points`.
            indices: int32 [B, K] entries of the memory.
            distances: float32 [B, K] see `retrieval.retrieve`.

        Raises:
            ValueError: the shapes don't fit each other or the memory.
        """
        require_shape("crops", crops, (len(points), self.size, self.size, 3))
        require_shape("points", points, (None, len(MOUTH_REGION), 2))
        fields = [
            self._fields(shape, self.bank.points[row]) for shape, row in zip(points, indices, strict=True)
        ]
        return Conditions(
            self.blanked(crops),
            np.stack(
                [self._geometry(shape, moved) for shape, (moved, _) in zip(points, fields, strict=True)]
            ),
            self.bank.patches[indices],
            np.stack([places for _, places in fields]),
            np.asarray(distances, np.float32),
        )

    def blanked(self, crops: FloatArray) -> FloatArray:
        """float32 [B, 4, S, S]: the crops without what is to be painted, and the hole."""
        plate = np.empty((len(crops), 4, self.size, self.size), np.float32)
        np.multiply(crops.transpose(0, 3, 1, 2), 1.0 - self._hole, out=plate[:, :3])
        plate[:, 3] = self._hole
        return plate

    def _fields(self, shape: FloatArray, seen: FloatArray) -> tuple[FloatArray, FloatArray]:
        """How the skin has moved from the mean shape [NODES^2, 2], and where it lies in the patches
        [K, NODES, NODES, 2]: one thin plate for all."""
        wanted, count = shape[_ROWS], len(seen)
        sources = np.concatenate([self.mean_shape[None], seen])[:, _ROWS] - wanted
        values = sources.transpose(1, 0, 2).reshape(len(_ROWS), -1)
        field = thin_plate(wanted, values, self._nodes, self.size).reshape(-1, count + 1, 2)
        places = (field[:, 1:] + self._nodes[:, None]).transpose(1, 0, 2) * np.float32(2 / self.size) - 1
        return -field[:, 0], places.reshape(count, NODES, NODES, 2)

    def _geometry(self, shape: FloatArray, moved: FloatArray) -> FloatArray:
        """float32 [4, S / 2, S / 2], see `Conditions`."""
        half, reach = self.size // 2, np.float32(self.size * _REACH)
        maps = np.full((GEOMETRY, half * half), -1, np.float32)
        for row, outline in ((0, shape[_OUTER]), (1, shape[_INNER])):
            low, high = outline.min(0) - reach, outline.max(0) + reach
            near = np.flatnonzero(((self._pixels > low) & (self._pixels < high)).all(1))
            maps[row, near] = signed_distance(self._pixels[near], outline) / reach
        maps[2:] = _enlarged(moved, half).T / reach
        return np.clip(maps, -1, 1).reshape(GEOMETRY, half, half)


def mouth_points(
    face: ActorFace,
    expression: FloatArray,
    head: FloatArray,
    focal_px: float,
    size: tuple[int, int],
    crop: FloatArray,
) -> FloatArray:
    """Where the mouth's points come to lie in the crop.

    Args:
        face: the actor.
        expression: float32 [T, E].
        head: float32 [T, 4, 4] camera <- head.
        focal_px: focal length in plate pixels.
        size: width and height of the plate.
        crop: float32 [T, 2, 3] crop <- plate.

    Returns:
        float32 [T, L, 2] crop pixels of `MOUTH_REGION`.
    """
    inside = face.vertices(expression)[:, list(MOUTH_REGION)]
    seen = np.einsum("tij,tlj->tli", head[:, :3, :3], inside) + head[:, None, :3, 3]
    plate = seen[..., :2] * np.array([focal_px, -focal_px]) / -seen[..., 2:] + np.array(size) / 2
    return np.asarray(np.einsum("tij,tlj->tli", crop[:, :, :2], plate) + crop[:, None, :, 2], np.float32)


def thin_plate(anchors: FloatArray, values: FloatArray, places: FloatArray, size: float) -> FloatArray:
    """The smoothest field through values at anchors (thin-plate spline, Bookstein 1989), elsewhere.

    Args:
        anchors: float32 [N, 2].
        values: float32 [N, V], fields at the anchors.
        places: float32 [P, 2].
        size: what coordinates are measured by, for the stiffness.

    Returns:
        float32 [P, V].
    """
    count = len(anchors)
    here = np.asarray(anchors, np.float64) / size
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _bending(here, here) + np.eye(count) * _STIFFNESS
    system[:count, count] = system[count, :count] = 1.0
    system[:count, count + 1 :] = here
    system[count + 1 :, :count] = here.T
    wanted = np.zeros((count + 3, values.shape[1]))
    wanted[:count] = values
    weights = np.linalg.solve(system, wanted).astype(np.float32)
    there = np.asarray(places / np.float32(size), np.float32)
    near = _bending(there, here.astype(np.float32))
    return np.asarray(near @ weights[:count] + weights[count] + there @ weights[count + 1 :], np.float32)


def _bending(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """r^2 log r of all pairs [A, B]."""
    square = (a[:, None, 0] - b[None, :, 0]) ** 2 + (a[:, None, 1] - b[None, :, 1]) ** 2
    return np.asarray(0.5 * square * np.log(np.maximum(square, square.dtype.type(1e-12))))


def signed_distance(places: FloatArray, outline: FloatArray) -> FloatArray:
    """float32 [P]: distance of places [P, 2] from a closed outline [N, 2], positive inside."""
    px, py = places[:, :1], places[:, 1:]
    start, end = outline, np.roll(outline, -1, 0)
    ex, ey = end[:, 0] - start[:, 0], end[:, 1] - start[:, 1]
    rx, ry = px - start[:, 0], py - start[:, 1]
    along = np.clip((rx * ex + ry * ey) / np.maximum(ex * ex + ey * ey, np.float32(1e-9)), 0, 1)
    nearest = ((rx - along * ex) ** 2 + (ry - along * ey) ** 2).min(1)
    crosses = (start[:, 1] > py) != (end[:, 1] > py)
    slope = ex / np.where(np.abs(ey) < 1e-9, np.float32(1e-9), ey)
    inside = (crosses & (rx < ry * slope)).sum(1) % 2 == 1
    return np.asarray(np.sqrt(nearest) * np.where(inside, 1, -1), np.float32)


def _grid(nodes: int, size: int, edge: float) -> FloatArray:
    """float32 [nodes^2, 2]: x and y of a square grid whose outer nodes lie `edge` inside the crop's edge."""
    line = np.linspace(edge, size - edge, nodes, dtype=np.float32)
    return np.stack([np.tile(line, nodes), np.repeat(line, nodes)], 1)


def _enlarged(field: FloatArray, side: int) -> FloatArray:
    """A field on the nodes [NODES^2, V] on side x side places that span the same square, linearly."""
    at = np.linspace(0, NODES - 1, side, dtype=np.float32)
    low = np.minimum(at.astype(np.int32), NODES - 2)
    blend = np.zeros((side, NODES), np.float32)
    rows = np.arange(side)
    blend[rows, low] = low + 1 - at
    blend[rows, low + 1] = at - low
    square = field.reshape(NODES, NODES, -1)
    large = np.einsum("ia,jb,abv->ijv", blend, blend, square, optimize=True)
    return np.asarray(large.reshape(side * side, -1), np.float32)
