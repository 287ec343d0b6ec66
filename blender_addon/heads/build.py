"""Turns the head's arrays into Blender objects."""

from __future__ import annotations

import bpy
import numpy as np

from . import dressing, lids, neck, shape_keys
from .geometry import METRES_PER_MM, head_geometry
from .materials import material


def build(name: str, collection: bpy.types.Collection | None) -> bpy.types.Object:
    """Add head, hair, shirt and neck; see `build_head`."""
    collection = collection or bpy.context.collection
    geometry = head_geometry()
    head = _add_object(
        name, geometry.points, geometry.faces, geometry.face_materials, geometry.materials, collection
    )
    shape_keys.add(head, geometry.points)
    eyes = neck.eye_shares(geometry)
    joint = neck.add(f"{head.name} Neck", collection, neck.eye_places(lids.EYE_CENTRE))
    neck.carry(head, joint)
    neck.follow(head, joint, neck.shares(geometry), eyes)
    for part, material_name in (("Hair", "Hair"), ("Shirt", "Shirt")):
        points, faces = dressing.hair() if part == "Hair" else dressing.shirt()
        worn = _add_object(
            f"{head.name} {part}", points, faces, np.zeros(len(faces), int), (material_name,), collection
        )
        neck.carry(worn, joint)
        if part == "Hair":
            neck.follow(worn, joint, np.ones(len(points)))
    return head


def _add_object(
    name: str,
    points: np.ndarray,
    faces: np.ndarray,
    face_materials: np.ndarray,
    materials: tuple[str, ...],
    collection: bpy.types.Collection,
) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(
        (points * METRES_PER_MM).tolist(), [], [[i for i in face if i >= 0] for face in faces.tolist()]
    )
    for material_name in materials:
        mesh.materials.append(material(material_name))
    mesh.polygons.foreach_set("material_index", face_materials.astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.update()
    made = bpy.data.objects.new(name, mesh)
    collection.objects.link(made)
    return made
