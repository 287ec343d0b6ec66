"""Looks: use one, keep the present settings as one, remove one of the user's own."""

from __future__ import annotations

import bpy

from ...inference.errors import RigError, SoliloquyError
from .. import checks, edit_live, presets
from .working import redraw


class _LookOperator:
    """What the three have in common: they need a character, and no line that is being animated."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return checks.busy_reason() or checks.first_reason(checks.target_refusal(context))

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
        redraw(context)  # a dialog redraws itself only
        return {"FINISHED"}


class SOLILOQUY_OT_apply_look(_LookOperator, bpy.types.Operator):
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

    def run(self, context: bpy.types.Context) -> None:
        """Set the values."""
        look, target = presets.find(self.name), _character(context)
        with edit_live.held():
            presets.apply(look, target.soliloquy_face)
        edit_live.changed(target, context)


class SOLILOQUY_OT_save_look(_LookOperator, bpy.types.Operator):
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

    def run(self, context: bpy.types.Context) -> None:
        """Write the file."""
        presets.save_look(self.name, _character(context).soliloquy_face)


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


def _character(context: bpy.types.Context) -> bpy.types.Object:
    """Whose look it is.

    Raises:
        RigError: no object is chosen.
    """
    target = checks.target(context)
    if target is None:
        raise RigError("No target mesh is chosen", "Choose the mesh whose look this is")
    return target


CLASSES = (SOLILOQUY_OT_apply_look, SOLILOQUY_OT_save_look, SOLILOQUY_OT_remove_look)
