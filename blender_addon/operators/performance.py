"""Directing a character: words to sliders and back, what the voice suggests, and performing again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...inference.errors import UsageError
from ...inference.instruction.values import EMOTIONS
from .. import checks, directing, jobs, takes
from .. import performance_tracks as tracks
from ..preferences import language_model
from .reasoned import CharacterOperator, SpokenOperator
from .working import WorkingOperator

if TYPE_CHECKING:
    from ...inference.instruction.reader import Reading


class _DirectOperator(CharacterOperator):
    """What those have in common that need no line."""

    bl_options = {"REGISTER", "UNDO"}


class SOLILOQUY_OT_read_instruction(_DirectOperator, bpy.types.Operator):
    """Set the sliders to what the words say; several steps ("first ..., then ...") are keyed over the line"""

    bl_idname = "soliloquy.read_instruction"
    bl_label = "Read"

    text: bpy.props.StringProperty(
        name="Text", description="The words, in English; empty for the text in the panel"
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return super().disabled_reason(context) or checks.first_reason(
            directing.locked_by_keys(checks.target(context))
        )

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Read and apply."""
        if self.text:
            target.soliloquy_performance.instruction = self.text
        remarks = directing.read(target, context.scene)
        summary = f"{_count(target)}."
        if not remarks:
            return summary
        self.report({"WARNING"}, f"{summary} {remarks}")
        return ""


class SOLILOQUY_OT_write_instruction(_DirectOperator, bpy.types.Operator):
    """Put into words what the sliders say"""

    bl_idname = "soliloquy.write_instruction"
    bl_label = "Write"

    def run(self, _context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Write."""
        directing.put_in_words(target)
        return ""


class SOLILOQUY_OT_suggest_instruction(SpokenOperator, bpy.types.Operator):
    """Ask the voice of the active line how it should look, and direct it so; flat speech stays calm"""

    bl_idname = "soliloquy.suggest_instruction"
    bl_label = "Suggest"

    over_time: bpy.props.BoolProperty(
        name="Key over the Line",
        description="Key the sliders phrase by phrase; off sets them to one suggestion for all of the line",
        default=True,
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return super().disabled_reason(context) or checks.first_reason(
            directing.locked_by_keys(checks.target(context))
        )

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Suggest and apply."""
        sure = directing.suggest(target, context.scene, over_time=self.over_time)
        return f"{target.soliloquy_performance.instruction} {sure}"


class SOLILOQUY_OT_neutral(_DirectOperator, bpy.types.Operator):
    """Set every slider back: nothing but speech. Their keys are removed"""

    bl_idname = "soliloquy.neutral"
    bl_label = "Neutral"

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Reset."""
        directing.neutral(target, context.scene)
        return ""


class SOLILOQUY_OT_perform_again(SpokenOperator, bpy.types.Operator):
    """Take on what the sliders and their keys say now, and where the object lies that is looked at"""

    bl_idname = "soliloquy.perform_again"
    bl_label = "Perform Again"

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Record and rebuild."""
        takes.record(target, context.scene)
        done = directing.apply(target, context.scene)
        return f'{done.keys} keys on {done.curves} curves of "{target.name}".'


class SOLILOQUY_OT_rephrase_instruction(WorkingOperator, bpy.types.Operator):
    """Let the language model of the preferences put the text, in any language, into words that can be read"""

    bl_idname = "soliloquy.rephrase_instruction"
    bl_label = "Rephrase"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        refusal = checks.target_refusal(context)
        if refusal is None and not language_model()[0]:
            refusal = UsageError(
                "No language model is set", "Write its address into the preferences of Soliloquy"
            )
        if refusal is None and not bpy.app.online_access:
            from ...inference.instruction.language_model import offline  # Blender starts faster without

            refusal = offline()
        if refusal is None and not checks.target(context).soliloquy_performance.instruction.strip():
            refusal = UsageError("There is no text", "Write into Instruction what you want to see")
        return checks.busy_reason() or checks.first_reason(refusal)

    def prepare(self, context: bpy.types.Context) -> jobs.Job:
        """The question."""
        target = checks.target(context)
        self._target = target.name
        text = target.soliloquy_performance.instruction
        question = directing.Question(text, *language_model(), online=bpy.app.online_access)
        return jobs.Job(question, directing.ask)

    def apply(self, context: bpy.types.Context, result: Reading) -> tuple[str, tuple[str, ...]]:
        """Set the sliders."""
        target = context.scene.objects.get(self._target)
        if target is None:
            raise UsageError(f'"{self._target}" was removed meanwhile', "Choose the target mesh again")
        remarks = directing.set_reading(target, context.scene, result)
        return _count(target), (remarks,) if remarks else ()


def _count(target: bpy.types.Object) -> str:
    values = tracks.now(target).values()
    emotions = sum(name in EMOTIONS for name in values)
    actions = len(values) - emotions
    return (
        f"Read {emotions} {'emotion' if emotions == 1 else 'emotions'} "
        f"and {actions} {'action' if actions == 1 else 'actions'}"
    )


CLASSES = (
    SOLILOQUY_OT_read_instruction,
    SOLILOQUY_OT_write_instruction,
    SOLILOQUY_OT_suggest_instruction,
    SOLILOQUY_OT_neutral,
    SOLILOQUY_OT_perform_again,
    SOLILOQUY_OT_rephrase_instruction,
)
