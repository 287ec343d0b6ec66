"""Reads a character out of the scene: what its meshes, armatures and custom properties offer to be animated.

Everything comes in one space, at rest: z up, the face towards -y, whichever way the character is turned in
the scene.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mathutils import Matrix, Vector

from ..inference.rig_source import Bone, KeySet, Property, RigSource
from . import rig_drivers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import bpy

    from .rig_drivers import Handle

_STILL = 1e-6
"""A point that moves less than this share of the mesh's size is not moved by a key."""
_SEEN = 0.1
"""What a key moves by less than this share of the longest way is beside the face."""
_UPRIGHT = 0.7
"""An axis of an object that is this vertical does not tell where the face looks."""


def read_source(
    meshes: Sequence[bpy.types.Object],
    armatures: Sequence[bpy.types.Object],
    handles: Mapping[str, Mapping[str, Handle]],
) -> RigSource:
    """Read the parts of one character.

    Args:
        meshes: mesh objects, with or without shape keys; the face first. Those that share a mesh are read
            once.
        armatures: armature objects, read at rest.
        handles: by object and key, what moves a driven key: such a key counts as free.
    """
    with_keys = [o for o in _once_per_mesh(meshes) if o.data.shape_keys is not None]
    turn = _to_front(with_keys, armatures)
    key_sets = tuple(_key_set(part, turn, handles.get(part.name, {})) for part in with_keys)
    bones = tuple(bone for armature in armatures for bone in _bones(armature, turn))
    return RigSource(key_sets, bones, tuple(_properties([*meshes, *armatures])))


def _once_per_mesh(meshes: Iterable[bpy.types.Object]) -> Iterator[bpy.types.Object]:
    seen = set()
    for part in meshes:
        if part.data.session_uid not in seen:
            seen.add(part.data.session_uid)
            yield part


def driven_keys(keys: bpy.types.Key) -> frozenset[str]:
    """Names of the shape keys whose value a driver computes."""
    drivers = keys.animation_data.drivers if keys.animation_data is not None else ()
    paths = {driver.data_path for driver in drivers}
    return (
        frozenset(b.name for b in keys.key_blocks if b.path_from_id("value") in paths)
        if paths
        else frozenset()
    )


def names_of(part: bpy.types.Object) -> list[str]:
    """Names of the shape keys of a mesh, without the one at rest."""
    keys = part.data.shape_keys
    return [block.name for block in _blocks(keys)] if keys is not None else []


# --- which way it looks


def _to_front(meshes: Sequence[bpy.types.Object], armatures: Sequence[bpy.types.Object]) -> np.ndarray:
    """float64 [3, 3], the turn about z that makes the face look to -y."""
    front = looks_to(meshes, armatures)
    return np.array(Matrix.Rotation(-np.pi / 2 - np.arctan2(front[1], front[0]), 3, "Z"))


def looks_to(meshes: Sequence[bpy.types.Object], armatures: Sequence[bpy.types.Object]) -> np.ndarray:
    """float64 [3], the horizontal direction in which a face looks in the scene; -y where nothing tells.

    Skin that keys move looks to the front on average; what the objects call an axis is exact.
    """
    outward = sum((_outward(part) for part in meshes if part.data.shape_keys is not None), np.zeros(3))
    outward[2] = 0.0
    if np.linalg.norm(outward) < 1e-9:
        return np.array((0.0, -1.0, 0.0))
    outward /= np.linalg.norm(outward)
    axes = np.concatenate([np.array(o.matrix_world.to_3x3().normalized()).T for o in (*meshes, *armatures)])
    flat = np.concatenate([axes, -axes])
    flat = flat[np.abs(flat[:, 2]) < _UPRIGHT] * (1.0, 1.0, 0.0)
    if not len(flat):
        return outward
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    return flat[np.argmax(flat @ outward)]


def moved_points(meshes: Iterable[bpy.types.Object], names: Mapping[str, Collection[str]]) -> np.ndarray:
    """float64 [N, 3], points in the scene that shape keys move.

    Args:
        names: the keys that count, by object.
    """
    found = [np.zeros((0, 3))]
    for part in meshes:
        if part.data.shape_keys is not None and names.get(part.name):
            points, moved = _rest(part.data), _ways(part.data, names[part.name])
            seen = points[moved > _SEEN * max(float(moved.max(initial=0.0)), 1e-9)]
            matrix = np.array(part.matrix_world)
            found.append(seen @ matrix[:3, :3].T + matrix[:3, 3])
    return np.concatenate(found)


def _ways(mesh: bpy.types.Mesh, names: Collection[str] | None = None) -> np.ndarray:
    """float32 [V], how far a point goes at most along an axis of the mesh, by all keys or those named."""
    points, moved = _rest(mesh), np.zeros(len(mesh.vertices), np.float32)
    for block in _blocks(mesh.shape_keys):
        if names is None or block.name in names:
            moved = np.maximum(moved, np.abs(_positions(block, len(points)) - points).max(axis=1))
    return moved


def _outward(part: bpy.types.Object) -> np.ndarray:
    """float64 [3], the normals of what keys move, added up in the scene's directions."""
    mesh = part.data
    moved = _ways(mesh)
    normals = np.empty(3 * len(moved), np.float32)
    mesh.vertex_normals.foreach_get("vector", normals)
    turn = np.array(part.matrix_world.to_3x3().inverted_safe().transposed())
    share = moved / max(float(moved.max(initial=0.0)), 1e-9)
    return turn @ (normals.reshape(-1, 3) * share[:, None]).sum(axis=0, dtype=np.float64)


# --- meshes


def _blocks(keys: bpy.types.Key) -> list[bpy.types.ShapeKey]:
    return [block for block in keys.key_blocks if block != keys.reference_key]


def _positions(block: bpy.types.ShapeKey, count: int) -> np.ndarray:
    positions = np.empty(3 * count, np.float32)
    block.points.foreach_get("co", positions)
    return positions.reshape(-1, 3)


def _rest(mesh: bpy.types.Mesh) -> np.ndarray:
    return _positions(mesh.shape_keys.reference_key, len(mesh.vertices))


def _key_set(part: bpy.types.Object, turn: np.ndarray, handles: Mapping[str, Handle]) -> KeySet:
    mesh = part.data
    points, blocks = _rest(mesh), _blocks(mesh.shape_keys)
    matrix = np.array(part.matrix_world)
    to_space = (turn @ matrix[:3, :3]).astype(np.float32)
    still = np.float32(_STILL * float(np.ptp(points, axis=0).max(initial=0.0)))
    by_name = {block.name: block for block in blocks}
    deltas = []
    for block in blocks:
        base = block.relative_key
        from_points = points if base == mesh.shape_keys.reference_key else _positions(base, len(points))
        offsets = _positions(block, len(points)) - from_points
        indices = np.flatnonzero(np.abs(offsets).max(axis=1, initial=0.0) > still).astype(np.int32)
        deltas.append((indices, offsets[indices] @ to_space.T))
    ranges = {
        name: (block.slider_min, block.slider_max)
        for name, block in by_name.items()
        if (block.slider_min, block.slider_max) != (0.0, 1.0)
    }
    placed = points @ to_space.T + (turn @ matrix[:3, 3]).astype(np.float32)
    fixed = driven_keys(mesh.shape_keys) - handles.keys()
    return KeySet(part.name, tuple(by_name), placed, tuple(deltas), fixed, ranges)


# --- armatures and custom properties


def _bones(armature: bpy.types.Object, turn: np.ndarray) -> Iterator[Bone]:
    matrix = Matrix(turn.tolist()).to_4x4() @ armature.matrix_world
    posed = armature.pose.bones
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
