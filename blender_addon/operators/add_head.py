"""Add > Mesh > Soliloquy Head: a head of our own with all 52 ARKit shape keys."""

import bpy

from .reasoned import ReasonedOperator


class SOLILOQUY_OT_add_head(ReasonedOperator, bpy.types.Operator):
    """Add a head with eyes, teeth and tongue and all 52 ARKit shape keys"""

    bl_idname = "soliloquy.add_head"
    bl_label = "Soliloquy Head"
    bl_options = {"REGISTER", "UNDO"}

    with_stage: bpy.props.BoolProperty(
        name="Lights and Camera",
        description="Also add three lights and a camera that frames the head",
        default=False,
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the entry is grey; empty when it can be chosen."""
        if context.mode != "OBJECT":
            return "Leave the edit mode first (Tab)."
        return "" if context.scene.library is None else "The scene is linked and cannot be changed here."

    def execute(self, context: bpy.types.Context) -> set[str]:
        # The geometry code is needed only here: Blender starts faster without it.
        from ..heads import build_head, build_stage

        head = build_head()
        if self.with_stage:
            build_stage(head)
        for selected in context.selected_objects:
            selected.select_set(False)
        # All of it is selected: move, copy and delete mean the whole head.
        for part in (head.parent, *head.parent.children):
            part.select_set(True)
        context.view_layer.objects.active = head
        context.scene.soliloquy.target = head
        return {"FINISHED"}


def draw_add_menu(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """The entry in the menu Add > Mesh."""
    menu.layout.operator(SOLILOQUY_OT_add_head.bl_idname, icon="USER")
