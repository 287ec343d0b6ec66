"""Eyeballs that are objects of their own: found by name, turned whole where no bone or key turns them."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..inference.rig_bones import part_named
from ..inference.rig_source import Bone
from .rig_family import above, below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HOLDERS = ("EMPTY", "ARMATURE")
_BESIDE_THE_MIDDLE = 0.25
"""An eyeball whose origin is further from its middle than this share of its size does not turn in place."""
_TURNING = ("TRACK_TO", "DAMPED_TRACK", "LOCKED_TRACK", "COPY_ROTATION", "COPY_TRANSFORMS")


def eyes_of(target: bpy.types.Object) -> list[bpy.types.Object]:
    """The left and the right eyeball of a character, or the empties that hold them; empty without both.

    They are looked for below the target, and below the empties and armatures that hold it, the nearest first.
    """
    holders = takewhile(lambda one: one.type in _HOLDERS, above(target))
    for holder in (target, *holders):
        sides: dict[str, bpy.types.Object] = {}
        for part in below(holder):
            named = part_named(part.name) if _turns_in_place(part) else None
            if named is not None and named[0].startswith("eye"):
                sides.setdefault(named[0], part)
        if len(sides) == 2:
            return list(sides.values())
    return []


def _turns_in_place(part: bpy.types.Object) -> bool:
    if part.type not in ("MESH", "EMPTY") or part.parent_type == "VERTEX":
        return False
    if part.rotation_mode == "AXIS_ANGLE" or any(c.type in _TURNING and not c.mute for c in part.constraints):
        return False
    return all(_is_round_its_origin(ball, part) for ball in _balls(part)) and any(True for _ in _balls(part))


def _balls(part: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """Meshes that turn with an object."""
    for one in (part, *below(part)):
        if one.type == "MESH" and len(one.data.vertices):
            yield one


def _is_round_its_origin(ball: bpy.types.Object, part: bpy.types.Object) -> bool:
    if any(modifier.type == "ARMATURE" for modifier in ball.modifiers):
        return False
    corners = np.array([ball.matrix_world @ Vector(corner) for corner in ball.bound_box])
    away = np.array(part.matrix_world.translation) - (corners.min(axis=0) + corners.max(axis=0)) / 2
    return bool(np.linalg.norm(away) < _BESIDE_THE_MIDDLE * np.linalg.norm(np.ptp(corners, axis=0)))


def read(eyes: Iterable[bpy.types.Object], turn: np.ndarray) -> Iterator[Bone]:
    """Eyeballs as bones whose axes are those in which an object's delta rotation turns: its parent's.

    Args:
        turn: float64 [3, 3], from the scene to the space of the character.
    """
    matrix = Matrix(turn.tolist())
    for eye in eyes:
        parent = eye.matrix_parent_inverse if eye.parent is not None else Matrix()
        around = eye.parent.matrix_world @ parent if eye.parent is not None else parent
        place = np.array((matrix @ around.to_3x3()).normalized(), np.float32)
        middle = np.array(matrix @ eye.matrix_world.translation, np.float32)
        ahead = np.array((0.0, -0.01, 0.0), np.float32)
        yield Bone(eye.name, eye.name, middle, middle + ahead, place, rotation_mode=eye.rotation_mode)
