"""What a character offers to be animated: keys on its meshes, bones, custom properties. No bpy in here.

All lengths and directions of one source are in ONE space of the character at rest: z up, the face looks
to -y, the character's own left is +x (Blender's world for a character that faces the front view). The unit
of length does not matter; whoever reads a scene applies the objects' world matrices.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IndexArray = NDArray[np.int32]


@dataclass(frozen=True)
class KeySet:
    """One mesh with shape keys.

    `deltas` has one (indices int32 [n], offsets float32 [n, 3]) for every name: the vertices that the key
    moves at weight 1, and by how much. Vertices that it leaves where they are need not be listed.
    """

    object: str
    """Name of the mesh object that owns the keys."""
    names: tuple[str, ...]
    points: FloatArray
    """float32 [V, 3], the mesh at rest."""
    deltas: tuple[tuple[IndexArray, FloatArray], ...]
    driven: frozenset[str] = frozenset()
    """Keys whose value a driver computes: they cannot be keyed, what drives them can."""
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Slider ranges of the keys where they are not 0..1."""

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1] != 3 or self.points.dtype != np.float32:
            raise ValueError(f"points must be float32 [V, 3], got {self.points.dtype} {self.points.shape}")
        if len(self.deltas) != len(self.names):
            raise ValueError(f"{len(self.names)} names need as many deltas, got {len(self.deltas)}")
        for name, (indices, offsets) in zip(self.names, self.deltas, strict=True):
            if offsets.shape != (len(indices), 3):
                raise ValueError(f"{name}: {len(indices)} indices, offsets {offsets.shape}")
            if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < len(self.points):
                raise ValueError(f"{name}: indices outside the {len(self.points)} points")


@dataclass(frozen=True)
class Bone:
    """One bone at rest. `head`, `tail` float32 [3]; `axes` float32 [3, 3], columns = its local x, y, z."""

    object: str
    """Name of the armature object."""
    name: str
    head: FloatArray
    tail: FloatArray
    axes: FloatArray
    parent: str | None = None
    rotation_mode: str = "QUATERNION"
    """Blender's: "QUATERNION", "AXIS_ANGLE" or an Euler order such as "XYZ"."""
    part: str = ""
    """What it is where the file says so (a VRM does): head, jaw, eyeLeft or eyeRight."""

    def __post_init__(self) -> None:
        shapes = self.head.shape, self.tail.shape, self.axes.shape
        if shapes != ((3,), (3,), (3, 3)):
            raise ValueError(f"{self.name}: head, tail and axes must be [3], [3], [3, 3], got {shapes}")


@dataclass(frozen=True)
class Property:
    """A custom property that drives the face, e.g. `["Smile"]` of the object or of a pose bone."""

    object: str
    data_path: str
    name: str
    minimum: float = 0.0
    maximum: float = 1.0
    default: float = 0.0
    also: tuple[str, ...] = ()
    """What else may say what it moves where its name does not: its bone and its name, its description."""


@dataclass(frozen=True)
class KeyGroup:
    """Keys that move together under one name: an expression of a VRM."""

    name: str
    binds: tuple[tuple[str, str, float], ...]
    """(object, key, weight at 1 of the group)."""


@dataclass(frozen=True)
class RigSource:
    """One character: several meshes (head, teeth, brows, beard) are driven together."""

    key_sets: tuple[KeySet, ...] = ()
    bones: tuple[Bone, ...] = ()
    eyes: tuple[Bone, ...] = ()
    """Eyeballs that are objects of their own, as bones with the names of these objects; `axes` are those of
    the objects' parents."""
    properties: tuple[Property, ...] = ()
    groups: tuple[KeyGroup, ...] = ()
