"""Make Override: lets a linked character be animated in this file."""

from __future__ import annotations

import bpy

from .. import checks, overrides
from ..rig_map import armatures_of, parts_of
from .reasoned import ReasonedOperator


class SOLILOQUY_OT_make_override(ReasonedOperator, bpy.types.Operator):
    """Make library overrides of the linked target and its mesh data, so that its shape keys can be keyed"""

    bl_idname = "soliloquy.make_override"
    bl_label = "Make Override"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        target = checks.target(context)
        if target is None or target.type != "MESH" or target.data.shape_keys is None:
            return "The target is not a mesh with shape keys."
        return "The shape keys can be animated already." if target.data.shape_keys.is_editable else ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        target = override(context, checks.target(context))
        if target is None:
            self.report({"ERROR"}, "Blender could not make the override. Make the object local instead.")
            return {"CANCELLED"}
        overrides.prepare()
        context.scene.soliloquy.target = target
        return {"FINISHED"}


def override(context: bpy.types.Context, target: bpy.types.Object) -> bpy.types.Object | None:
    """The target, and the collection it was linked with, as library overrides; None when Blender refuses.

    Blender leaves mesh data out of an object's override, and shape keys belong to the mesh data: those of
    the target and of its parts are overridden one by one.
    """
    if target.library is not None:
        target = _override_object(context, target)
    if target is None:
        return None
    for part in (target, *parts_of(target)):
        if part.library is None and part.data.library is not None:
            part.data.override_create(remap_local_usages=True)
    return target if target.data.shape_keys.is_editable else None


def _override_object(context: bpy.types.Context, target: bpy.types.Object) -> bpy.types.Object | None:
    parents = (context.scene.collection, *context.scene.collection.children_recursive)
    for parent in (p for p in parents if p.is_editable):
        for linked in (c for c in parent.children if c.library is not None):
            if linked.all_objects.get(target.name) == target:
                made = linked.override_hierarchy_create(
                    context.scene, context.view_layer, do_fully_editable=True
                )
                if made is not None:
                    parent.children.unlink(linked)  # or the character would stand there twice
                    return made.all_objects.get(target.name)
    if any(True for _ in armatures_of(target)):
        return _override_with_skeleton(context, target)
    return target.override_create(remap_local_usages=True)


def _override_with_skeleton(context: bpy.types.Context, target: bpy.types.Object) -> bpy.types.Object | None:
    """A mesh that was linked alone, and the armature that moves it: its head turns, and it can be moved."""
    places = [c for c in target.users_collection if c.is_editable]
    made = target.override_hierarchy_create(context.scene, context.view_layer, do_fully_editable=True)
    if made is not None:
        for collection in places:
            collection.objects.unlink(target)  # or the character would stand there twice
    return made
