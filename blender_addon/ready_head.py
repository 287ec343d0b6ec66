"""The embedded head as Add > Mesh, the asset, the demonstration and batches give it: built and mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import rig_map

if TYPE_CHECKING:
    import bpy


def add(name: str = "Soliloquy Head", collection: bpy.types.Collection | None = None) -> bpy.types.Object:
    """Add the head with its rig map; see `heads.build_head`."""
    # The geometry code is needed only here: Blender starts faster without it.
    from .heads import build_head

    head = build_head(name, collection)
    rig_map.map_anew(head)
    return head
