"""Add > Mesh > Soliloquy Head: a head of our own with all 52 ARKit shape keys."""

from __future__ import annotations

import bpy
from bpy_extras.object_utils import AddObjectHelper, add_object_align_init
from mathutils import Matrix

from .. import ready_head
from .reasoned import ReasonedOperator


class SOLILOQUY_OT_add_head(ReasonedOperator, AddObjectHelper, bpy.types.Operator):
    """Add a head with eyes, teeth and tongue and all 52 ARKit shape keys, mapped and ready to speak"""

    bl_idname = "soliloquy.add_head"
    bl_label = "Soliloquy Head"
    bl_options = {"REGISTER", "UNDO"}

    with_stage: bpy.props.BoolProperty(
        name="Lights and Camera",
        description="Also add lights and a camera that frames the head",
        default=False,
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the entry is grey; empty when it can be chosen."""
        if context.mode != "OBJECT":
            return "Leave the edit mode first (Tab)."
        if context.scene.library is not None:
            return "The scene is linked and cannot be changed here."
        layer = context.view_layer.active_layer_collection
        if not layer.collection.is_editable or layer.collection.override_library is not None:
            return f'The active collection "{layer.name}" is linked. Choose another one in the Outliner.'
        if not layer.is_visible:
            return f'The active collection "{layer.name}" is hidden. Show it, or choose another one.'
        return ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = ready_head.add()
        neck = head.parent
        neck.matrix_world = self._place(context)
        context.view_layer.update()
        if self.with_stage:
            from ..heads import build_stage

            build_stage(head)
        for selected in context.selected_objects:
            selected.select_set(False)
        # All of it is selected: move, copy and delete mean the whole head.
        for part in (neck, *neck.children):
            if context.space_data is not None and getattr(context.space_data, "local_view", None) is not None:
                part.local_view_set(context.space_data, True)
            part.select_set(True)
        context.view_layer.objects.active = head
        context.scene.soliloquy.target = head
        return {"FINISHED"}

    def _place(self, context: bpy.types.Context) -> Matrix:
        """Where other meshes are added, life-size in the scene's unit of length."""
        if not self.properties.is_property_set("rotation"):
            self.align = context.preferences.edit.object_align
        if self.align == "VIEW" and getattr(context.space_data, "region_3d", None) is None:
            self.align = "WORLD"
        units = context.scene.unit_settings
        size = 1.0 / units.scale_length if units.system != "NONE" else 1.0
        return add_object_align_init(context, self) @ Matrix.Scale(size, 4)


def draw_add_menu(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """The entry in the menu Add > Mesh."""
    menu.layout.operator(SOLILOQUY_OT_add_head.bl_idname, icon="USER")
