"""Vertex groups that name the pieces of the head's mesh, to select, hide or separate them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import bpy

    from .geometry import HeadGeometry

PIECES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "skin": ("skin", "ear"),
        "eyeballs": ("eye", "cornea"),
        "lashes": ("lashes", "lashesLower"),
        "brows": ("brow",),
        "teeth_upper": ("teethUpper",),
        "teeth_lower": ("teethLower",),
        "gums_upper": ("gumUpper",),
        "gums_lower": ("gumLower",),
        "tongue": ("tongue",),
    }
)
"""Parts of the geometry by the group's name, both sides of the face together. No bone has such a name: an
armature leaves these groups alone."""


def add(head: bpy.types.Object, geometry: HeadGeometry) -> None:
    """Give `head` a vertex group, weight 1, for each of `PIECES`."""
    for name, parts in PIECES.items():
        sides = [part + side for part in parts for side in ("", "Left", "Right")]
        vertices = np.concatenate([geometry.parts[side] for side in sides if side in geometry.parts])
        head.vertex_groups.new(name=name).add(vertices.tolist(), 1.0, "REPLACE")
