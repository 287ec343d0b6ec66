"""Bones that turn the head on its neck and the eyes in the head, each with the limits of a person.

The bones of the eyes are for aiming them by hand or by a constraint: they turn the eyeballs alone, on top of
what the eyeLook shapes do, which turn eyeballs and lids. Motion is keyed on these shapes, not on the bones.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING

import bpy
import numpy as np

from .geometry import METRES_PER_MM
from .skin import ROWS_V
from .spline import smoothstep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .geometry import HeadGeometry

_NO_EYES: Mapping[str, np.ndarray] = MappingProxyType({})

HEAD, NECK, EYES = "head", "neck", {"eyeLeft": "eye.L", "eyeRight": "eye.R"}
"""Names of the bones, and of the vertex groups that follow them; eyes by the part that turns."""
_LIMITS_DEG = {
    NECK: ((-30, 30), (-30, 30), (-25, 25)),
    HEAD: ((-50, 50), (-75, 75), (-40, 40)),
    "eye.L": ((-35, 30), (-5, 5), (-45, 45)),
    "eye.R": ((-35, 30), (-5, 5), (-45, 45)),
}
"""Least and greatest turn about each bone's own x (nod; for eyes up > 0), y and z. Wide: against mistakes."""
_WITH_THE_EYE = ("eye", "cornea", "iris", "pupil")
_EYE_BONE_MM = 30.0
_PIVOT = (0.0, 20.0, -6.0)
"""mm. People turn and nod about all of the neck: one joint that does it alone lies in its upper third."""
_BASE, _CROWN = (0.0, 48.0, -60.0), (0.0, 18.0, 238.0)
_STILL_ROW, _FREE_ROW = -84.0, -16.0
"""Rows of the skin between which it passes from the neck to the head."""


def shares(geometry: HeadGeometry) -> np.ndarray:
    """How far each vertex follows the head, float64 [V]: 0 at the collar, 1 from the jaw upwards."""
    share = np.ones(len(geometry.points))
    by_row = smoothstep(_STILL_ROW, _FREE_ROW, ROWS_V)
    grid = geometry.skin.grid
    for row, vertices in enumerate(grid):
        share[vertices[vertices >= 0]] = by_row[row]
    return share


def eye_shares(geometry: HeadGeometry) -> dict[str, np.ndarray]:
    """Which vertices turn with which eye, float64 [V] 0 or 1 by the bone's name."""
    shares = {}
    for eye, bone in EYES.items():
        share = np.zeros(len(geometry.points))
        for part, vertices in geometry.parts.items():
            if part.startswith(_WITH_THE_EYE) and part.endswith(eye.removeprefix("eye")):
                share[vertices] = 1.0
        shares[bone] = share
    return shares


def eye_places(left_eye_mm: np.ndarray) -> dict[str, np.ndarray]:
    """The middles of both eyes [3] mm by the bone's name."""
    return {EYES["eyeLeft"]: left_eye_mm, EYES["eyeRight"]: left_eye_mm * [-1, 1, 1]}


def add(name: str, collection: bpy.types.Collection, eyes_mm: Mapping[str, np.ndarray]) -> bpy.types.Object:
    """Add an armature with the bones.

    Args:
        eyes_mm: where the eyes' bones turn, [3] mm by the bone's name.
    """
    armature = bpy.data.armatures.new(name)
    armature.display_type = "STICK"
    made = bpy.data.objects.new(armature.name, armature)
    collection.objects.link(made)
    _add_bones(made, eyes_mm)
    for bone, limits in _LIMITS_DEG.items():
        _limit(made.pose.bones[bone], limits)
    return made


def carry(part: bpy.types.Object, neck: bpy.types.Object) -> None:
    """Let a mesh go where the neck is put and nowhere else: away from its bones it would turn about thin air.

    The armature is the parent, as files of other programs have it: glTF and FBX know no armature below the
    mesh that it deforms.
    """
    part.parent = neck
    part.lock_location = part.lock_rotation = part.lock_scale = (True, True, True)


def follow(
    part: bpy.types.Object,
    neck: bpy.types.Object,
    share: np.ndarray,
    eyes: Mapping[str, np.ndarray] = _NO_EYES,
) -> None:
    """Let a mesh follow the head by `share` [V] of its turn, and the eyes by theirs instead."""
    with_an_eye = np.sum([np.zeros(len(share)), *eyes.values()], axis=0)
    groups = {HEAD: share * (1.0 - with_an_eye), NECK: (1.0 - share) * (1.0 - with_an_eye), **eyes}
    for name, weights in groups.items():
        group = part.vertex_groups.new(name=name)
        for weight in np.unique(weights[weights > 0]).tolist():
            group.add(np.flatnonzero(weights == weight).tolist(), weight, "REPLACE")
    modifier = part.modifiers.new("Neck", "ARMATURE")
    modifier.object = neck


def _limit(bone: bpy.types.PoseBone, limits_deg: tuple[tuple[float, float], ...]) -> None:
    limit = bone.constraints.new("LIMIT_ROTATION")
    limit.owner_space = "LOCAL"
    limit.use_transform_limit = True
    for axis, (least, greatest) in zip("xyz", limits_deg, strict=True):
        setattr(limit, f"use_limit_{axis}", True)
        setattr(limit, f"min_{axis}", math.radians(least))
        setattr(limit, f"max_{axis}", math.radians(greatest))


def _add_bones(neck: bpy.types.Object, eyes_mm: Mapping[str, np.ndarray]) -> None:
    """Bones exist in edit mode only; what was active and selected stays so."""
    view_layer = bpy.context.view_layer
    active, selected = view_layer.objects.active, list(bpy.context.selected_objects)
    view_layer.objects.active = neck
    bpy.ops.object.mode_set(mode="EDIT")
    base, pivot, crown = ([mm * METRES_PER_MM for mm in place] for place in (_BASE, _PIVOT, _CROWN))
    bones = neck.data.edit_bones
    lower, upper = bones.new(NECK), bones.new(HEAD)
    lower.head, lower.tail, upper.head, upper.tail = base, pivot, pivot, crown
    upper.parent, upper.use_connect = lower, True
    for name, place_mm in eyes_mm.items():
        eye = bones.new(name)
        eye.head = [mm * METRES_PER_MM for mm in place_mm]
        eye.tail = [mm * METRES_PER_MM for mm in place_mm - np.array([0.0, _EYE_BONE_MM, 0.0])]
        eye.align_roll((0.0, 0.0, 1.0))
        eye.parent = upper
    bpy.ops.object.mode_set(mode="OBJECT")
    view_layer.objects.active = active
    for chosen in selected:
        chosen.select_set(True)
