"""Dialogue: sound strips get a character, and all lines are animated in one go."""

from __future__ import annotations

import bpy

from ...inference.errors import RigError, SoliloquyError, UsageError
from .. import checks, compat, dialogue, dialogue_job, dialogue_strips, jobs, media
from ..jobs import STATUS, message
from ..rig_map import refusal
from .reasoned import ReasonedOperator
from .working import WorkingOperator


def scene_refusal(context: bpy.types.Context) -> SoliloquyError | None:
    """Why the lines of the sequencer cannot be those of this scene's characters, or None."""
    of_strips, here = compat.sequencer_scene(context), context.scene
    if media.frame_rate(of_strips) != media.frame_rate(here):
        return UsageError(
            f'The strips lie in the scene "{of_strips.name}", which has another frame rate',
            "Give both scenes the same frame rate",
        )
    if of_strips != here:
        return UsageError(
            f'The strips lie in another scene, "{of_strips.name}"', "Choose this scene in the sequencer"
        )
    return None


def _chosen(context: bpy.types.Context) -> list[bpy.types.SoundStrip]:
    """The sound strips that are selected in the sequencer."""
    return [strip for strip in dialogue_strips.sound_strips(compat.sequencer_scene(context)) if strip.select]


class SOLILOQUY_OT_assign_lines(ReasonedOperator, bpy.types.Operator):
    """Make the selected sound strips lines of a character: of the one named here, else of the target"""

    bl_idname = "soliloquy.assign_lines"
    bl_label = "Assign to Character"
    bl_options = {"REGISTER", "UNDO"}

    character: bpy.props.StringProperty(
        name="Character", description="Name of the mesh that speaks; empty for the panel's target"
    )
    clear: bpy.props.BoolProperty(
        name="Clear", description="Take the character away: these sounds are no lines", default=False
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        if not _chosen(context):
            return "No sound strip is selected in the video sequencer."
        return checks.busy_reason()

    def execute(self, context: bpy.types.Context) -> set[str]:
        character = checks.target(context)
        if self.character:
            character = context.scene.objects.get(self.character)
        error = None if self.clear else _character_refusal(character, self.character)
        if error is not None:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        strips = _chosen(context)
        for strip in strips:
            strip.soliloquy_line.character = None if self.clear else character
            strip.soliloquy_line.problem = ""
        whose = "nobody" if self.clear else f'"{character.name}"'
        are = "1 sound strip is a line" if len(strips) == 1 else f"{len(strips)} sound strips are lines"
        self.report({"INFO"}, f"{are} of {whose}.")
        return {"FINISHED"}


def _character_refusal(character: bpy.types.Object | None, name: str) -> SoliloquyError | None:
    if character is None and name:
        return RigError(f'There is no object "{name}" in this scene', "Choose a mesh of this scene")
    return refusal(character)


class SOLILOQUY_OT_animate_dialogue(WorkingOperator, bpy.types.Operator):
    """Animate the lines in the sequencer, of all characters; those that did not change are kept. Esc stops"""

    bl_idname = "soliloquy.animate_dialogue"
    bl_label = "Animate All Lines"
    bl_options = {"UNDO"}

    selected: bpy.props.BoolProperty(
        name="Selected Only", description="Only the lines whose strips are selected", default=False
    )
    again: bpy.props.BoolProperty(
        name="Unchanged Too", description="Listen to lines again that did not change", default=False
    )
    strip: bpy.props.StringProperty(
        name="Strip", description="Only the line of the strip with this name; empty for all"
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        if not dialogue_strips.lines(compat.sequencer_scene(context)):
            return "No sound strip in the sequencer has a character. Select some and press Assign."
        return checks.busy_reason() or checks.first_reason(scene_refusal(context))

    def prepare(self, context: bpy.types.Context) -> jobs.Job:
        """The lines that were asked for."""
        strips = dialogue_strips.lines(context.scene)
        if self.selected:
            strips = [strip for strip in strips if strip.select]
        if self.strip:
            strips = [strip for strip in strips if strip.name == self.strip]
        if not strips:
            raise UsageError("None of the chosen strips has a character", "Assign them to a character first")
        self._request, self._refused = dialogue.request(context.scene, strips, again=self.again)
        return jobs.Job(self._request, dialogue_job.compute)

    def apply(self, context: bpy.types.Context, result: dialogue_job.Result) -> tuple[str, tuple[str, ...]]:
        """Key the lines."""
        report = dialogue.apply(context.scene, self._request, result, self._refused)
        return report.summary, report.notices


class SOLILOQUY_OT_follow_strips(ReasonedOperator, bpy.types.Operator):
    """Move and trim the animation of all lines as their strips were moved and trimmed"""

    bl_idname = "soliloquy.follow_strips"
    bl_label = "Follow Strips"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        if not dialogue_strips.is_behind(context.scene):
            return "The animation of every line lies where its strip does."
        return checks.busy_reason()

    def execute(self, context: bpy.types.Context) -> set[str]:
        moved = dialogue.follow(context.scene)
        self.report({"INFO"}, f"Followed the strips of {', '.join(moved) or 'no character'}.")
        return {"FINISHED"}


class SOLILOQUY_OT_remove_line(ReasonedOperator, bpy.types.Operator):
    """Take the animation of a line away from its character; the sound stays"""

    bl_idname = "soliloquy.remove_line"
    bl_label = "Remove Line"
    bl_options = {"REGISTER", "UNDO"}

    character: bpy.props.StringProperty(name="Character", description="Name of the mesh that speaks")
    line_id: bpy.props.StringProperty(
        name="Line", description="Id of the line, as its strip or its character has it"
    )

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return checks.busy_reason()

    def execute(self, context: bpy.types.Context) -> set[str]:
        character = context.scene.objects.get(self.character)
        try:
            if character is None or not dialogue.remove(context.scene, character, self.line_id):
                raise UsageError(f'"{self.character}" keeps no such line', "Choose another line")
        except SoliloquyError as error:
            STATUS.end(error=message(error))
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (
    SOLILOQUY_OT_assign_lines,
    SOLILOQUY_OT_animate_dialogue,
    SOLILOQUY_OT_follow_strips,
    SOLILOQUY_OT_remove_line,
)
