"""Turns the head's arrays into Blender objects."""

from __future__ import annotations

from functools import partial

import bpy
import numpy as np

from . import dressing, groups, hair, lids, neck, paint, shape_keys, unwrap, warp
from .geometry import METRES_PER_MM, head_geometry
from .materials import LINES, TINT, material
from .style import DEFAULT, HeadStyle


def build(name: str, collection: bpy.types.Collection | None, style: HeadStyle = DEFAULT) -> bpy.types.Object:
    """Add head, hair, shirt and neck; see `build_head`."""
    collection = collection or bpy.context.collection
    geometry = head_geometry(style)
    bend = partial(warp.bend, style=style)
    head = _add_object(name, bend(geometry.points), geometry.faces, collection)
    for material_name in geometry.materials:
        head.data.materials.append(material(material_name, style))
    head.data.polygons.foreach_set("material_index", geometry.face_materials.astype(np.int32))
    _lay_out(head.data, geometry.faces, unwrap.corner_uvs(geometry))
    _colour(head.data, paint.tints(geometry, style))
    if style.age >= paint.LINED_AGE:
        lines = head.data.attributes.new(LINES, "FLOAT_VECTOR", "POINT")
        lines.data.foreach_set("vector", paint.wrinkles(geometry, style).astype(np.float32).ravel())
    shape_keys.add(head, geometry.points, bend)
    eyes = neck.eye_shares(geometry)
    eye_centre = bend(lids.EYE_CENTRE[None])[0]
    joint = neck.add(f"{head.name} Neck", collection, neck.eye_places(eye_centre))
    neck.carry(head, joint)
    neck.follow(head, joint, neck.shares(geometry), eyes)
    groups.add(head, geometry)
    worn = _dress("Shirt", *dressing.shirt(style), head, style)
    neck.carry(worn, joint)
    strands = hair.hair(style)
    worn = _dress("Hair", strands.points, strands.faces, head, style)
    _lay_out(worn.data, strands.faces, strands.uvs[strands.faces])
    _colour(worn.data, strands.tints)
    neck.carry(worn, joint)
    neck.follow(worn, joint, np.ones(len(strands.points)))
    return head


def _dress(
    part: str, points: np.ndarray, faces: np.ndarray, head: bpy.types.Object, style: HeadStyle
) -> bpy.types.Object:
    """A mesh of its own that `head` wears, in the same collections and with its material."""
    made = _add_object(f"{head.name} {part}", warp.bend(points, style), faces, head.users_collection[0])
    made.data.materials.append(material(part, style))
    return made


def _add_object(
    name: str, points: np.ndarray, faces: np.ndarray, collection: bpy.types.Collection
) -> bpy.types.Object:
    """A smooth mesh of `points` [V, 3] mm and `faces` [F, 4]."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(
        (points * METRES_PER_MM).tolist(), [], [[i for i in face if i >= 0] for face in faces.tolist()]
    )
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.update()
    made = bpy.data.objects.new(name, mesh)
    collection.objects.link(made)
    return made


def _lay_out(mesh: bpy.types.Mesh, faces: np.ndarray, uvs: np.ndarray) -> None:
    """Give `mesh` the UVs [F, 4, 2] of its corners."""
    layer = mesh.uv_layers.new(name="UVMap")
    layer.data.foreach_set("uv", uvs[faces >= 0].astype(np.float32).ravel())


def _colour(mesh: bpy.types.Mesh, tints: np.ndarray) -> None:
    """Give `mesh` the painted colours [V, 4]."""
    attribute = mesh.color_attributes.new(TINT, "FLOAT_COLOR", "POINT")
    attribute.data.foreach_set("color", tints.astype(np.float32).ravel())
