"""The whole head as arrays: rest shape, faces, materials, parts and mirror. No bpy here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from . import brow, eye, mouth
from .mesh import MeshBuilder, outward
from .skin import Skin, build_skin
from .style import DEFAULT, HeadStyle

METRES_PER_MM = 0.001


@dataclass(frozen=True)
class HeadGeometry:
    """The head at rest, in millimetres (the chin at z = 0, the face towards -Y, +X the subject's left)."""

    points: np.ndarray
    """float64 [V, 3] mm."""
    faces: np.ndarray
    """int [F, 4]; a triangle's last corner is -1."""
    face_materials: np.ndarray
    """int [F], into `materials`."""
    materials: tuple[str, ...]
    parts: dict[str, np.ndarray]
    """Vertex indices of every part: skin, eyeLeft, teethUpperRight, tongue, ..."""
    mirror: np.ndarray
    """int [V], the vertex on the other side of the face."""
    skin: Skin


@cache
def head_geometry(style: HeadStyle = DEFAULT) -> HeadGeometry:
    """Build the head at rest; the same arrays at every call, and the same topology for every style."""
    mesh = MeshBuilder()
    skin = build_skin(mesh, style)
    for piece, part in ((eye.eyeball(), "eye"), (eye.cornea(), "cornea"), (eye.caruncle(), "caruncle")):
        points, faces, names = piece
        mesh.add_pair(points, outward(points, faces), part, np.array(names))
    mesh.add_pair(*eye.tears(), "wet", "Tears")
    mesh.add_pair(*eye.lashes(), "lashes", "Lashes")
    mesh.add_pair(*eye.lower_lashes(), "lashesLower", "Lashes")
    points, faces = brow.brow(style)
    mesh.add_pair(points, faces, "brow", "Brows")
    for upper, part in ((True, "Upper"), (False, "Lower")):
        for points, faces in mouth.teeth(upper):
            mesh.add_pair(points, faces, f"teeth{part}", "Teeth")
        mesh.add_closed(*mouth.gum(upper), f"gum{part}", "Gums")
    mesh.add_closed(*mouth.tongue(), "tongue", "Tongue")
    return HeadGeometry(
        mesh.all_points(),
        np.concatenate(mesh.faces),
        np.concatenate(mesh.face_materials),
        tuple(mesh.materials),
        {name: np.concatenate(pieces) for name, pieces in mesh.parts.items()},
        np.concatenate(mesh.mirror),
        skin,
    )
