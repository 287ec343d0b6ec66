"""Reads a character out of the scene: what its meshes, armatures and custom properties offer to be animated.

Everything comes in one space, at rest: z up, the face towards -y, whichever way the character is turned in
the scene.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mathutils import Matrix, Vector

from ..inference.rig_source import Bone, Property, RigSource
from . import rig_drivers, rig_eyes, rig_vrm
from .rig_mesh import MeshKeys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import bpy

    from .rig_drivers import Handle

_UPRIGHT = 0.7
"""An axis of an object that is this vertical does not tell where the face looks."""


def read_source(
    meshes: Sequence[bpy.types.Object],
    armatures: Sequence[bpy.types.Object],
    handles: Mapping[str, Mapping[str, Handle]],
    eyes: Sequence[bpy.types.Object] = (),
) -> RigSource:
    """Read the parts of one character.

    Args:
        meshes: mesh objects, with or without shape keys; the face first. Those that share a mesh are read
            once.
        armatures: armature objects, read at rest.
        handles: by object and key, what moves a driven key: such a key counts as free.
        eyes: eyeballs that are objects of their own.
    """
    with_keys = [MeshKeys.read(o) for o in _once_per_mesh(meshes) if o.data.shape_keys is not None]
    front = looks_to(with_keys, armatures)
    turn = np.array(Matrix.Rotation(-np.pi / 2 - np.arctan2(front[1], front[0]), 3, "Z"))
    key_sets = tuple(one.key_set(turn, handles.get(one.part.name, {})) for one in with_keys)
    bones = tuple(bone for armature in armatures for bone in _bones(armature, turn))
    balls = tuple(rig_eyes.read(eyes, turn))
    groups = rig_vrm.groups_of(one.part for one in with_keys)
    return RigSource(key_sets, bones, balls, tuple(_properties([*meshes, *armatures])), groups)


def _once_per_mesh(meshes: Iterable[bpy.types.Object]) -> Iterator[bpy.types.Object]:
    seen = set()
    for part in meshes:
        if part.data.session_uid not in seen:
            seen.add(part.data.session_uid)
            yield part


def looks_to(meshes: Sequence[MeshKeys], armatures: Sequence[bpy.types.Object]) -> np.ndarray:
    """float64 [3], the horizontal direction in which a face looks in the scene; -y where nothing tells.

    Skin that keys move looks to the front on average; what the objects call an axis is exact.
    """
    outward = sum((one.outward() for one in meshes), np.zeros(3))
    outward[2] = 0.0
    if np.linalg.norm(outward) < 1e-9:
        return np.array((0.0, -1.0, 0.0))
    outward /= np.linalg.norm(outward)
    objects = [*(one.part for one in meshes), *armatures]
    axes = np.concatenate([np.array(o.matrix_world.to_3x3().normalized()).T for o in objects])
    flat = np.concatenate([axes, -axes])
    flat = flat[np.abs(flat[:, 2]) < _UPRIGHT] * (1.0, 1.0, 0.0)
    if not len(flat):
        return outward
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    return flat[np.argmax(flat @ outward)]


# --- armatures and custom properties


def _bones(armature: bpy.types.Object, turn: np.ndarray) -> Iterator[Bone]:
    matrix = Matrix(turn.tolist()).to_4x4() @ armature.matrix_world
    posed, parts = armature.pose.bones, rig_vrm.parts_of_bones(armature)
    for bone in armature.data.bones:
        place = (matrix @ bone.matrix_local).to_3x3().normalized()
        yield Bone(
            armature.name,
            bone.name,
            _point(matrix @ bone.head_local),
            _point(matrix @ bone.tail_local),
            np.array(place, np.float32),
            bone.parent.name if bone.parent is not None else None,
            posed[bone.name].rotation_mode,
            parts.get(bone.name, ""),
        )


def _point(vector: Vector) -> np.ndarray:
    return np.array(vector, np.float32)


def _properties(objects: Iterable[bpy.types.Object]) -> Iterator[Property]:
    """Numbers that a user added to an object or to a bone of it."""
    for owner in objects:
        yield from _properties_of(owner, owner, "")
        for bone in owner.pose.bones if owner.type == "ARMATURE" else ():
            yield from _properties_of(owner, bone, bone.path_from_id())


def _properties_of(owner: bpy.types.Object, holder: bpy.types.bpy_struct, path: str) -> Iterator[Property]:
    for name, value in holder.items():
        if isinstance(value, float | int) and not isinstance(value, bool):
            found = rig_drivers.custom_property(owner, holder, path, name)
            if found is not None:
                yield found
