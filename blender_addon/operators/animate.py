"""Animate: the line that the panel describes, in a thread, with a progress bar and ESC."""

from __future__ import annotations

import bpy

from .. import checks, jobs, line
from ..jobs import STATUS
from .reasoned import ReasonedOperator
from .working import WorkingOperator


def disabled_reason(context: bpy.types.Context) -> str:
    """Why Animate is grey; empty when it can be pressed."""
    return checks.busy_reason() or checks.first_reason(
        checks.sound_refusal(context), checks.target_refusal(context)
    )


class SOLILOQUY_OT_animate(WorkingOperator, bpy.types.Operator):
    """Turn the sound into keyframes on the target's shape keys, in a new Action. Esc stops"""

    bl_idname = "soliloquy.animate"
    bl_label = "Animate"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return disabled_reason(context)

    def prepare(self, context: bpy.types.Context) -> jobs.Job:
        """The line that the panel describes."""
        self._line = line.from_context(context)
        return jobs.Job(self._line.request)

    def apply(self, context: bpy.types.Context, result: jobs.Result) -> tuple[str, tuple[str, ...]]:
        """Key the line."""
        notices = line.apply(context.scene, self._line, result)
        return line.summary(self._line, result), notices


class SOLILOQUY_OT_stop(ReasonedOperator, bpy.types.Operator):
    """Stop what is running; nothing in the scene is changed"""

    bl_idname = "soliloquy.stop"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return "" if STATUS.job is not None else "Nothing is running."

    def execute(self, _context: bpy.types.Context) -> set[str]:
        STATUS.job.cancel()
        return {"FINISHED"}


@bpy.app.handlers.persistent
def forget_outcome(*_unused: object) -> None:
    """After undo, redo or another file the panel must not speak of keys that are gone."""
    if STATUS.job is None:
        STATUS.begin(None)
