"""Looks: use one, keep the present settings as one, remove one of the user's own."""

from __future__ import annotations

import bpy

from ...inference.errors import SoliloquyError
from .. import checks, presets


class _LookOperator:
    """What the three have in common: settings that no running line is reading."""

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return checks.busy_reason()

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cls.disabled_reason(context)
        cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do it; a problem that the user can mend becomes a report."""
        try:
            self.run(context)
        except SoliloquyError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class SOLILOQUY_OT_apply_look(_LookOperator, bpy.types.Operator):
    """Set strengths, smoothing, delay and blinks for a kind of character"""

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

    def run(self, context: bpy.types.Context) -> None:
        """Set the values."""
        presets.apply(presets.find(self.name), context.scene.soliloquy)


class SOLILOQUY_OT_save_look(_LookOperator, bpy.types.Operator):
    """Keep the present strengths, smoothing, delay and blinks as a look of your own, for every blend file"""

    bl_idname = "soliloquy.save_look"
    bl_label = "Save Look"
    bl_options = {"INTERNAL"}

    name: bpy.props.StringProperty(
        name="Name", description="Name of the new look", default="My Look", maxlen=60
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the name."""
        return context.window_manager.invoke_props_dialog(self)

    def run(self, context: bpy.types.Context) -> None:
        """Write the file."""
        presets.save_look(self.name, context.scene.soliloquy)


class SOLILOQUY_OT_remove_look(_LookOperator, bpy.types.Operator):
    """Delete this look of your own"""

    bl_idname = "soliloquy.remove_look"
    bl_label = "Remove Look"
    bl_options = {"INTERNAL"}

    name: bpy.props.StringProperty(name="Name", description="Name of the look, as in the menu")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first: a file cannot be brought back by undo."""
        return context.window_manager.invoke_confirm(self, event)

    def run(self, _context: bpy.types.Context) -> None:
        """Delete the file."""
        presets.remove_look(self.name)


CLASSES = (SOLILOQUY_OT_apply_look, SOLILOQUY_OT_save_look, SOLILOQUY_OT_remove_look)
