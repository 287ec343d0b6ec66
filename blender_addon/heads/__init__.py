"""The embedded head: built by code, with the 52 ARKit shape keys. CC0.

Where to change what, in the order in which a head is built:

- the person: `style` (its numbers, three variants), `age` (furrows), `warp` (proportions of all parts);
- the form: `sculpt` (head and body as a solid), `shape` (the loft that the skin starts from), `skin` (the
  quads laid over the sculpt) with `lids`, `mouth`, `nose` and `ear` set into it, `eye` (eyeball and lashes),
  `brow`, `geometry` (all of these as arrays), `unwrap` (UVs);
- what is worn: `dressing` (shirt), `hair` of `hair_styles`, `hair_flow` and `hair_locks`;
- the shapes at 1.0: `expressions` (the 52) from `shapes_face` and `shapes_mouth`, `correctives`,
  `tongue_shapes`; they move by `landmarks`, `fields`, `lip_section`, `lid_motion`, `skin_motion`, `contact`;
- the colours: `paint` (by vertex), `materials` (nodes);
- in Blender: `build` (objects), `shape_keys` (with drivers), `neck` (bones), `groups` (vertex groups),
  `stage`;
- tools: `mesh` and `spline`.

Importing this package imports no bpy; `build`, `materials`, `neck`, `shape_keys` and `stage` do.
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
    """Add lights, a neutral world and a camera that frames `head` and its shoulders in a square."""
    from .stage import build

    build(head)
