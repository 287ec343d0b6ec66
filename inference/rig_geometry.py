"""What keys move, as fields over the front of a face that can be compared between faces.

Every key's displacements are averaged over a fine raster of the face seen from the front, then carried to the
raster of a reference head with a Gaussian kernel. Both directions of the carrying map are free (how wide, how
high, where), so that a face of other proportions, or a whole body, comes to lie on the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from .channels import ARKIT_52
from .rig_movements import movements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .rig_source import KeySet
    from .types import FloatArray

    Array = NDArray[np.float64]

REFERENCE: Final = Path(__file__).parent / "rigs" / "reference.npz"
CELL_MM: Final = 4.0
GRID_X: Final = np.arange(-82.0, 83.0, CELL_MM)
GRID_Z: Final = np.arange(-14.0, 175.0, CELL_MM)
"""The reference raster in millimetres: x to the subject's left, z up from the chin."""
KERNEL_MM: Final = 5.0
_RASTER: Final = 96
_FRONT: Final = 0.12
"""Points further behind the foremost ones than this share of the face's size are not on its front."""
_BLOCKS: Final = 24
_MOVED: Final = 0.1
"""A key moves the points that go at least this share of its longest way."""


@dataclass(frozen=True)
class Raster:
    """Displacements of all keys of one face over the front view of what they move."""

    x: Array
    """float64 [N], positions of the columns in the source's unit."""
    z: Array
    count: FloatArray
    """float32 [N, N], points of the front in every cell."""
    sums: FloatArray
    """float32 [K, 3, N, N], displacements summed over these points."""
    peaks: Array
    """float64 [K], longest way of a point, in the source's unit; 0 for keys that move nothing."""


@dataclass(frozen=True)
class Placement:
    """Where a face lies on the reference: millimetres = shift + scale * position."""

    x_shift: float
    x_scale: float
    z_shift: float
    z_scale: float


@dataclass(frozen=True)
class Fields:
    """Displacements over the reference raster."""

    values: FloatArray
    """float32 [K, 3, H, W], in the unit of what they were made of."""
    covered: FloatArray
    """float32 [H, W], 0..1: whether there is a face."""


@dataclass(frozen=True)
class Reference:
    """The reference head: what every channel moves there."""

    fields: Fields
    """[52, ...] in millimetres, channels in the order of ARKIT_52."""
    peaks: Array
    """float64 [52] mm."""


@cache
def reference() -> Reference:
    """The reference head of `rigs/reference.npz` (made by `build_tools/make_rig_reference.py`)."""
    with np.load(REFERENCE, allow_pickle=False) as data:
        values = data["values"].astype(np.float32) * data["step_mm"][:, None, None, None]
        return Reference(Fields(values, data["covered"].astype(np.float32) / 255), data["peaks_mm"])


@cache
def movement_fields() -> tuple[FloatArray, Array]:
    """Fields float32 [M, 3, H, W] mm and peaks float64 [M] mm of all `movements()` on the reference."""
    head = reference()
    to_left = 1 / (1 + np.exp(-GRID_X / KERNEL_MM))
    values, peaks = [], []
    for movement in movements().values():
        index = [ARKIT_52.index(channel) for channel, _ in movement.gains]
        field = head.fields.values[index].sum(axis=0)
        if movement.half:
            field = field * (to_left if movement.half == "Left" else 1 - to_left)
        values.append(field.astype(np.float32))
        peaks.append(head.peaks[index].max())
    return np.stack(values), np.array(peaks)


# --- from meshes to a raster


def rasterise(parts: Sequence[tuple[KeySet, Sequence[int]]], count: int) -> Raster:
    """Fill a raster.

    Args:
        parts: meshes, each with the number 0..count-1 of the key that each of its keys is a part of
            (the same key on head and beard is one key); -1 leaves a key out.
        count: how many keys there are.

    Raises:
        ValueError: no key moves anything.
    """
    peaks = np.zeros(count)
    lengths = [[np.sqrt(np.einsum("ij,ij->i", way, way)) for _, way in keys.deltas] for keys, _ in parts]
    for (_, numbers), ways in zip(parts, lengths, strict=True):
        for number, way in zip(numbers, ways, strict=True):
            if number >= 0 and len(way):
                peaks[number] = max(peaks[number], float(way.max()))
    # Only when every part has been measured: a part that hardly moves is no whole key of its own.
    moved = [
        _share_of_way(keys, numbers, ways, peaks)
        for (keys, numbers), ways in zip(parts, lengths, strict=True)
    ]
    points = np.concatenate([keys.points for keys, _ in parts]).astype(np.float64)
    share = np.concatenate(moved)
    if not (share > _MOVED).any():
        raise ValueError("no key moves anything")
    low, high = points[share > _MOVED].min(axis=0), points[share > _MOVED].max(axis=0)
    front = _on_front(points, share > 0.01, low, high)
    step = np.maximum(high - low, 1e-9) / (_RASTER - 1)
    columns, rows = ((points[:, a] - low[a]) / step[a] for a in (0, 2))
    cells = np.clip(np.rint(rows), 0, _RASTER - 1) * _RASTER + np.clip(np.rint(columns), 0, _RASTER - 1)
    cells = cells.astype(np.int32)
    return Raster(
        np.linspace(low[0], high[0], _RASTER),
        np.linspace(low[2], high[2], _RASTER),
        np.bincount(cells[front], minlength=_RASTER**2).reshape(_RASTER, _RASTER).astype(np.float32),
        _sums(parts, count, cells, front),
        peaks,
    )


def _share_of_way(
    keys: KeySet, numbers: Sequence[int], ways: Sequence[FloatArray], peaks: Array
) -> FloatArray:
    """float32 [V], how far a point goes at most, as a share of the longest way of the key."""
    share = np.zeros(len(keys.points), np.float32)
    for (indices, _), number, way in zip(keys.deltas, numbers, ways, strict=True):
        if number >= 0 and len(way):
            share[indices] = np.maximum(share[indices], way / np.float32(peaks[number] or 1.0))
    return share


def _on_front(points: Array, moved: NDArray[np.bool_], low: Array, high: Array) -> NDArray[np.bool_]:
    """bool [V]: moved points that are not far behind the foremost ones at the same place."""
    size = np.maximum(high - low, 1e-9)
    block = np.floor((points - low) / size * _BLOCKS)[:, (2, 0)].astype(np.int64)
    inside = moved & ((block >= 0) & (block <= _BLOCKS)).all(axis=1)
    nearest = np.full((_BLOCKS + 1, _BLOCKS + 1), np.inf)
    rows, columns = block[inside].T
    np.minimum.at(nearest, (rows, columns), points[inside, 1])
    front: NDArray[np.bool_] = inside.copy()
    front[inside] = points[inside, 1] < nearest[rows, columns] + _FRONT * max(size[0], size[2])
    return front


def _sums(
    parts: Sequence[tuple[KeySet, Sequence[int]]],
    count: int,
    cells: NDArray[np.int32],
    front: NDArray[np.bool_],
) -> FloatArray:
    sums = np.zeros((count, 3, _RASTER**2), np.float32)
    start = 0
    for keys, numbers in parts:
        for number, (indices, offsets) in zip(numbers, keys.deltas, strict=True):
            seen = front[indices + start] if number >= 0 else np.zeros(0, bool)
            if seen.any():
                places, ways = cells[indices[seen] + start], offsets[seen]
                for axis in range(3):
                    sums[number, axis] += np.bincount(places, ways[:, axis], _RASTER**2)
        start += len(keys.points)
    return np.asarray(sums.reshape(count, 3, _RASTER, _RASTER))


# --- from a raster to the reference


def place(raster: Raster, at: Placement, keys: Sequence[int] | None = None, every: int = 1) -> Fields:
    """The fields of a face that lies on the reference in a given way; of all keys, or some.

    `every` 2 leaves out every second column and row of the reference raster.
    """
    to_x = _kernel(GRID_X[::every], at.x_shift + at.x_scale * raster.x)
    to_z = _kernel(GRID_Z[::every], at.z_shift + at.z_scale * raster.z)
    count = to_z @ raster.count @ to_x.T
    weight = count + np.float32(0.02) * max(float(count.max()), 1e-6)
    sums = raster.sums if keys is None else raster.sums[np.asarray(keys)]
    values = np.matmul(np.matmul(to_z, sums), to_x.T) / weight
    return Fields(values.astype(np.float32), (count / weight).astype(np.float32))


def _kernel(grid: Array, positions: Array) -> FloatArray:
    return np.asarray(np.exp(-0.5 * ((grid[:, None] - positions) / KERNEL_MM) ** 2), np.float32)


def likeness(fields: Fields, others: FloatArray, others_covered: FloatArray) -> FloatArray:
    """float32 [K, M], cosine between what keys move and movements [M, 3, H, W], where both have a face."""
    weight = np.sqrt(fields.covered * others_covered)
    return np.asarray(_unit(fields.values * weight) @ _unit(others * weight).T)


def _unit(values: FloatArray) -> FloatArray:
    flat = values.reshape(len(values), -1)
    unit: FloatArray = flat / (np.linalg.norm(flat, axis=1, keepdims=True) + np.float32(1e-9))
    return unit
