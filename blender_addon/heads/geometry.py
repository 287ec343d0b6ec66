"""The whole head as arrays: rest shape, faces, materials, parts and mirror. No bpy here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from . import dressing, lids, mouth
from .mesh import MeshBuilder, outward
from .skin import Skin, build_skin, relax
from .spline import smoothstep

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
def head_geometry() -> HeadGeometry:
    """Build the head at rest; the same arrays at every call."""
    mesh = MeshBuilder()
    skin = build_skin(mesh)
    _relax_skin(mesh, skin)
    points, faces, names = lids.eyeball()
    mesh.add_pair(points, outward(points, faces), "eye", np.array(names))
    points, faces = lids.lashes()
    mesh.add_pair(points, outward(points, faces), "lashes", "Hair")
    points, faces = dressing.brow()
    mesh.add_pair(points, faces, "brow", "Hair")
    points, faces = dressing.ear()
    mesh.add_pair(points, faces, "ear", "Skin")
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


def _relax_skin(mesh: MeshBuilder, skin: Skin) -> None:
    """Even out the sheet where loft, features and rings meet; lips, lids and the neck's edge stay."""
    points = mesh.all_points()
    freedom = np.full(len(points), 0.8)
    freedom[skin.grid[:2][skin.grid[:2] >= 0]] = 0
    freedom[skin.mouth[mouth.OUTER_LAYERS - 1 :]] = 0
    freedom[skin.mouth[1 : mouth.OUTER_LAYERS]] = 0.5
    for ring in skin.eyes:
        freedom[ring[len(lids.OUTER_SHARES) :]] = 0
    freedom[skin.mouth[mouth.OUTER_LAYERS]] = 0.6 * _at_corners(skin.mouth)
    for ring in skin.eyes:
        freedom[ring[len(lids.OUTER_SHARES)]] = 0.7 * _at_corners(ring)
    freedom[skin.throat] = 0
    nose = smoothstep(24, 12, np.abs(points[:, 0])) * smoothstep(64, 70, points[:, 2])
    nose *= smoothstep(128, 110, points[:, 2]) * (points[:, 1] < -80)
    freedom *= 1 - 0.85 * nose
    relaxed = relax(points, np.concatenate(mesh.faces), freedom, 6)
    starts = np.cumsum([0, *(len(p) for p in mesh.points)])
    mesh.points = [relaxed[a:b] for a, b in pairwise(starts)]


def _at_corners(rings: np.ndarray) -> np.ndarray:
    """1 at the two corners of an opening, falling to 0 between them, for the vertices of one ring."""
    return np.abs(np.cos(lids.around(rings.shape[1])[0])) ** 6
