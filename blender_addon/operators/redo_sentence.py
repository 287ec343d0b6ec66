"""One sentence again, stronger or weaker or heard anew; and the end of the scene after the last line."""

from __future__ import annotations

import math

import bpy

from .. import checks, edit_layers, jobs, keyframes, layers, redo_sentence
from .edit_keys import EditOperator
from .reasoned import CharacterOperator
from .working import WorkingOperator, start


def _strength(name: str, what: str) -> object:
    return bpy.props.FloatProperty(
        name=name,
        description=f"Strength of {what} in this sentence, as a factor on top of the sliders",
        default=1.0,
        min=0.0,
        soft_max=2.0,
        max=4.0,
    )


class SOLILOQUY_OT_redo_sentence(EditOperator, WorkingOperator, bpy.types.Operator):
    """Make the sentence at the current frame again, stronger or weaker, or heard anew; all else stays"""

    bl_idname = "soliloquy.redo_sentence"
    bl_label = "Redo Sentence"

    lower_face: _strength("Lower Face", "jaw and lips")
    upper_face: _strength("Upper Face", "eyes, brows and cheeks")
    hear: bpy.props.BoolProperty(
        name="Hear Again",
        description="Hear this sentence again in the sound file, which may have been changed there; "
        "the rest of the line stays as it was heard",
        default=False,
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the strengths."""
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make it again: in a thread where it is heard and a window waits."""
        if not self.hear:
            return EditOperator.execute(self, context)
        if self.options.is_invoke and context.window is not None and not bpy.app.background:
            return start(self, context)
        return WorkingOperator.execute(self, context)

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Make the sentence again from what was heard."""
        frames = edit_layers.redo_sentence(target, context.scene, self.lower_face, self.upper_face)
        return f"{redo_sentence.summary(target, *frames)}."

    def prepare(self, context: bpy.types.Context) -> jobs.Job:
        """The sentence, and whose it is."""
        self._request = redo_sentence.request(checks.target(context), context.scene)
        return jobs.Job(self._request, redo_sentence.compute)

    def apply(self, context: bpy.types.Context, result: object) -> tuple[str, tuple[str, ...]]:
        """Key what was heard."""
        kept_line, notices = result
        frames = redo_sentence.apply(
            self._request, kept_line, context.scene, self.lower_face, self.upper_face
        )
        return redo_sentence.summary(context.scene.objects[self._request.character], *frames), notices


class SOLILOQUY_OT_extend_scene(CharacterOperator, bpy.types.Operator):
    """Let the scene end where the speech of the target does"""

    bl_idname = "soliloquy.extend_scene"
    bl_label = "Extend Scene"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        reason = super().disabled_reason(context)
        if not reason and not beyond(context):
            return "The speech of the target ends within the scene."
        return reason

    def run(self, context: bpy.types.Context, _target: bpy.types.Object) -> str:
        """Move the end."""
        context.scene.frame_end = beyond(context)
        return f"The scene ends on frame {context.scene.frame_end}."


def beyond(context: bpy.types.Context) -> int:
    """Last frame of the target's lines where that lies after the end of the scene; 0 elsewhere."""
    target = checks.target(context)
    action = layers.speech_action(target) if target is not None and len(target.soliloquy_face.lines) else None
    ends = [end for _, _, end in keyframes.noted(action).values()] if action is not None else []
    last = math.ceil(max(ends, default=0))
    return last if last > context.scene.frame_end else 0


CLASSES = (SOLILOQUY_OT_redo_sentence, SOLILOQUY_OT_extend_scene)
