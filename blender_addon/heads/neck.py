"""Bones that turn the head on its neck: the skull moves, the collar stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from .geometry import METRES_PER_MM
from .skin import ROWS_V
from .spline import smoothstep

if TYPE_CHECKING:
    from .geometry import HeadGeometry

HEAD, NECK = "head", "neck"
"""Names of the bones, and of the vertex groups that follow them."""
_PIVOT = (0.0, 24.0, -12.0)
"""mm. People turn and nod about all of the neck: one joint that does it alone lies in its upper third."""
_BASE, _CROWN = (0.0, 28.0, -90.0), (0.0, 18.0, 238.0)
_STILL_ROW, _FREE_ROW = -62.0, -16.0
"""Rows of the skin between which it passes from the neck to the head."""


def shares(geometry: HeadGeometry) -> np.ndarray:
    """How far each vertex follows the head, float64 [V]: 0 at the collar, 1 from the jaw upwards."""
    share = np.ones(len(geometry.points))
    by_row = smoothstep(_STILL_ROW, _FREE_ROW, ROWS_V)
    grid = geometry.skin.grid
    for row, vertices in enumerate(grid):
        share[vertices[vertices >= 0]] = by_row[row]
    return share


def add(name: str, collection: bpy.types.Collection) -> bpy.types.Object:
    """Add an armature with the two bones."""
    armature = bpy.data.armatures.new(name)
    armature.display_type = "STICK"
    made = bpy.data.objects.new(armature.name, armature)
    collection.objects.link(made)
    _add_bones(made)
    return made


def carry(part: bpy.types.Object, neck: bpy.types.Object) -> None:
    """Let a mesh go where the neck is put and nowhere else: away from its bones it would turn about thin air.

    The armature is the parent, as files of other programs have it: glTF and FBX know no armature below the
    mesh that it deforms.
    """
    part.parent = neck
    part.lock_location = part.lock_rotation = part.lock_scale = (True, True, True)


def follow(part: bpy.types.Object, neck: bpy.types.Object, share: np.ndarray) -> None:
    """Let a mesh follow the head by `share` [V] of its turn."""
    for name, weights in ((HEAD, share), (NECK, 1.0 - share)):
        group = part.vertex_groups.new(name=name)
        for weight in np.unique(weights[weights > 0]).tolist():
            group.add(np.flatnonzero(weights == weight).tolist(), weight, "REPLACE")
    modifier = part.modifiers.new("Neck", "ARMATURE")
    modifier.object = neck


def _add_bones(neck: bpy.types.Object) -> None:
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
    bpy.ops.object.mode_set(mode="OBJECT")
    view_layer.objects.active = active
    for chosen in selected:
        chosen.select_set(True)
