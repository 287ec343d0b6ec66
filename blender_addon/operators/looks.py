"""Looks: use one, keep the present settings as one, remove one of the user's own."""

from __future__ import annotations

import bpy

from ...inference.errors import SoliloquyError
from .. import edit_live, presets
from .reasoned import CharacterOperator


class SOLILOQUY_OT_apply_look(CharacterOperator, bpy.types.Operator):
    """Set the character's strengths, smoothing, delay, offsets and blinks; its lines follow at once"""

    bl_idname = "soliloquy.apply_look"
    bl_label = "Use Look"
    bl_options = {"UNDO"}

    name: bpy.props.StringProperty(name="Name", description="Name of the look, as in the menu")

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip: what this look is for."""
        try:
            return presets.find(properties.name).description
        except SoliloquyError:
            return ""

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Set the values."""
        look = presets.find(self.name)
        with edit_live.held():
            presets.apply(look, target.soliloquy_face)
        edit_live.changed(target, context)
        return ""


class SOLILOQUY_OT_save_look(CharacterOperator, bpy.types.Operator):
    """Keep the strengths, smoothing, delay, offsets and blinks of this character as a look of your own"""

    bl_idname = "soliloquy.save_look"
    bl_label = "Save Look"
    bl_options = {"INTERNAL"}

    name: bpy.props.StringProperty(
        name="Name", description="Name of the new look", default="My Look", maxlen=60
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the name."""
        return context.window_manager.invoke_props_dialog(self)

    def run(self, _context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Write the file."""
        presets.save_look(self.name, target.soliloquy_face)
        return ""


class SOLILOQUY_OT_remove_look(CharacterOperator, bpy.types.Operator):
    """Delete this look of your own"""

    bl_idname = "soliloquy.remove_look"
    bl_label = "Remove Look"
    bl_options = {"INTERNAL"}

    name: bpy.props.StringProperty(name="Name", description="Name of the look, as in the menu")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first: a file cannot be brought back by undo."""
        return context.window_manager.invoke_confirm(self, event)

    def run(self, _context: bpy.types.Context, _target: bpy.types.Object) -> str:
        """Delete the file."""
        presets.remove_look(self.name)
        return ""


CLASSES = (SOLILOQUY_OT_apply_look, SOLILOQUY_OT_save_look, SOLILOQUY_OT_remove_look)
