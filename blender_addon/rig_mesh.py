"""The shape keys of one mesh, read once: what each moves, how far, and on which skin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..inference.rig_source import KeySet

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import bpy

    from .rig_drivers import Handle

_STILL = 1e-6
"""A point that moves less than this share of the mesh's size is not moved by a key."""
_SEEN = 0.1
"""What a key moves by less than this share of the longest way is beside the face."""


@dataclass(frozen=True)
class MeshKeys:
    """In the mesh's own space and unit."""

    part: bpy.types.Object
    points: np.ndarray
    """float32 [V, 3], at rest."""
    deltas: Mapping[str, tuple[np.ndarray, np.ndarray]]
    """Indices int32 [n] and offsets float32 [n, 3] by key name."""

    @classmethod
    def read(cls, part: bpy.types.Object) -> MeshKeys:
        """Read a mesh object that has shape keys."""
        keys, count = part.data.shape_keys, len(part.data.vertices)
        points = _positions(keys.reference_key, count)
        still = (_STILL * float(np.ptp(points, axis=0).max(initial=0.0))) ** 2
        deltas = {}
        for block in keys.key_blocks:
            if block == keys.reference_key:
                continue
            base = block.relative_key
            offsets = _positions(block, count)
            offsets -= points if base == keys.reference_key else _positions(base, count)
            indices = np.flatnonzero(np.einsum("ij,ij->i", offsets, offsets) > still).astype(np.int32)
            deltas[block.name] = indices, offsets[indices]
        return cls(part, points, deltas)

    def key_set(self, turn: np.ndarray, handles: Mapping[str, Handle]) -> KeySet:
        """The keys in the character's space.

        Args:
            turn: float [3, 3] from the scene to that space.
            handles: by key, what moves a driven key: such a key counts as free.
        """
        matrix = np.array(self.part.matrix_world)
        to_space = (turn @ matrix[:3, :3]).astype(np.float32)
        placed = self.points @ to_space.T + (turn @ matrix[:3, 3]).astype(np.float32)
        deltas = tuple((indices, offsets @ to_space.T) for indices, offsets in self.deltas.values())
        keys = self.part.data.shape_keys
        limits = {b.name: (b.slider_min, b.slider_max) for b in keys.key_blocks if b.name in self.deltas}
        ranges = {name: both for name, both in limits.items() if both != (0.0, 1.0)}
        fixed = driven_keys(keys) - handles.keys()
        return KeySet(self.part.name, tuple(self.deltas), placed, deltas, fixed, ranges)

    def outward(self) -> np.ndarray:
        """float64 [3], the normals of what keys move, added up in the scene's directions."""
        moved = self._ways()
        normals = np.empty(3 * len(moved), np.float32)
        self.part.data.vertex_normals.foreach_get("vector", normals)
        turn = np.array(self.part.matrix_world.to_3x3().inverted_safe().transposed())
        share = moved / max(float(moved.max(initial=0.0)), 1e-9)
        return turn @ (share @ normals.reshape(-1, 3)).astype(np.float64)

    def moved_points(self, names: Collection[str]) -> np.ndarray:
        """float64 [N, 3], points in the scene that some keys move."""
        moved = self._ways(names)
        matrix = np.array(self.part.matrix_world)
        seen = self.points[moved > _SEEN * max(float(moved.max(initial=0.0)), 1e-9)]
        return seen @ matrix[:3, :3].T + matrix[:3, 3]

    def _ways(self, names: Collection[str] | None = None) -> np.ndarray:
        """float32 [V], how far a point goes at most, by all keys or those named."""
        moved = np.zeros(len(self.points), np.float32)
        for name, (indices, offsets) in self.deltas.items():
            if names is None or name in names:
                moved[indices] = np.maximum(moved[indices], np.linalg.norm(offsets, axis=1))
        return moved


def _positions(block: bpy.types.ShapeKey, count: int) -> np.ndarray:
    positions = np.empty(3 * count, np.float32)
    block.points.foreach_get("co", positions)
    return positions.reshape(-1, 3)


def driven_keys(keys: bpy.types.Key) -> frozenset[str]:
    """Names of the shape keys whose value a driver computes."""
    paths = {d.data_path for d in keys.animation_data.drivers} if keys.animation_data is not None else set()
    return frozenset(b.name for b in keys.key_blocks if paths and b.path_from_id("value") in paths)
