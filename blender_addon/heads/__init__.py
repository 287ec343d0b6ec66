"""The embedded head: built by code, with the 52 ARKit shape keys. CC0.

Importing this package imports no bpy; the geometry modules (everything but `materials`, `neck` and `stage`)
are numpy alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import bpy

    from .style import HeadStyle


def build_head(
    name: str = "Soliloquy Head",
    collection: bpy.types.Collection | None = None,
    style: HeadStyle | None = None,
) -> bpy.types.Object:
    """Add the head to the scene and return its mesh object, which carries the 52 ARKit shape keys.

    Eyes, lids, brows, teeth and tongue are parts of the one mesh, so that one set of keys moves them all.
    Its parent is an armature: on the bone "head" head and hair turn, and where the armature is put, the mesh,
    hair and shirt go; they themselves are locked in place. Metres; the chin at the object's origin, the face
    towards -Y, +X the subject's left.

    Args:
        name: of the object and its mesh; Blender numbers it where it is taken.
        collection: where to link the objects; the active collection where None.
        style: the person (see `style.VARIANTS`); the default where None.
    """
    from .build import build
    from .style import DEFAULT

    return build(name, collection, style or DEFAULT)


def build_stage(head: bpy.types.Object) -> None:
    """Add three lights, a neutral world and a camera that frames `head` and its shoulders in a square."""
    from .stage import build

    build(head)
