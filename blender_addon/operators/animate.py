"""Animate: the line that the panel describes, in a thread, with a progress bar and ESC."""

from __future__ import annotations

import traceback

import bpy

from ...inference.errors import Cancelled, SoliloquyError
from .. import checks, jobs, line
from ..jobs import STATUS

_TICK_S = 0.05


def disabled_reason(context: bpy.types.Context) -> str:
    """Why Animate is grey; empty when it can be pressed."""
    return checks.busy_reason() or checks.first_reason(
        checks.sound_refusal(context), checks.target_refusal(context)
    )


class SOLILOQUY_OT_animate(bpy.types.Operator):
    """Turn the sound into keyframes on the target's shape keys, in a new Action. Esc stops"""

    bl_idname = "soliloquy.animate"
    bl_label = "Animate"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return disabled_reason(context)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cls.disabled_reason(context)
        cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do everything at once: for background Blender and scripts."""
        STATUS.begin(None)
        try:
            self._line = line.from_context(context)
            outcome = jobs.compute(self._line.request, lambda _share: None, lambda: False)
        except Exception as error:
            outcome = error
        return self._finish(context, outcome)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Start the worker; `modal` waits for it."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        return start(self, context)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Take in the worker's news on every tick; Blender stays usable meanwhile."""
        if event.type == "ESC" and event.value == "PRESS":
            self._job.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if not self._job.poll():
            redraw_panels(context)
            return {"PASS_THROUGH"}
        self._remove_timer(context)
        return self._finish(context, self._job.outcome)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself: another file is opened, or the window is closed."""
        self._remove_timer(context)
        STATUS.stop()
        redraw(context)

    def _remove_timer(self, context: bpy.types.Context) -> None:
        context.window_manager.event_timer_remove(self._timer)

    def _finish(self, context: bpy.types.Context, outcome: jobs.Result | Exception | None) -> set[str]:
        try:
            if isinstance(outcome, jobs.Result):
                notices = line.apply(context.scene, self._line, outcome)
                summary = line.summary(self._line, outcome)
        except Exception as error:
            outcome = error
        if isinstance(outcome, jobs.Result):
            STATUS.end(summary=summary, notices=notices)
            self.report(
                {"WARNING"} if notices else {"INFO"},
                ". ".join([summary]) + "." + "".join(f" {n}" for n in notices),
            )
            result = {"FINISHED"}
        else:
            result = self._fail(outcome)
        redraw(context)
        return result

    def _fail(self, error: Exception) -> set[str]:
        if isinstance(error, Cancelled):
            STATUS.end(summary=str(error))
            self.report({"INFO"}, str(error))
            return {"CANCELLED"}
        if not isinstance(error, SoliloquyError):
            traceback.print_exception(error)
        STATUS.end(error=jobs.message(error))
        self.report({"ERROR"}, jobs.message(error))
        return {"CANCELLED"}


class SOLILOQUY_OT_stop(bpy.types.Operator):
    """Stop the running line; nothing is changed"""

    bl_idname = "soliloquy.stop"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, _context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return "" if STATUS.job is not None else "No line is being animated."

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cls.disabled_reason(context)
        cls.poll_message_set(reason)
        return not reason

    def execute(self, _context: bpy.types.Context) -> set[str]:
        STATUS.job.cancel()
        return {"FINISHED"}


def start(operator: SOLILOQUY_OT_animate, context: bpy.types.Context) -> set[str]:
    """Begin the line that the panel describes in a thread, with a timer that wakes `modal`."""
    STATUS.begin(None)
    try:
        operator._line = line.from_context(context)
    except SoliloquyError as error:
        return operator._finish(context, error)
    operator._job = jobs.Job(operator._line.request)
    manager = context.window_manager
    operator._timer = manager.event_timer_add(_TICK_S, window=context.window)
    manager.modal_handler_add(operator)
    STATUS.begin(operator._job)
    operator._job.start()
    return {"RUNNING_MODAL"}


@bpy.app.handlers.persistent
def forget_outcome(*_unused: object) -> None:
    """After undo, redo or another file the panel must not speak of keys that are gone."""
    if STATUS.job is None:
        STATUS.begin(None)


def redraw(context: bpy.types.Context) -> None:
    """Let every 3D view show the state of the work."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def redraw_panels(context: bpy.types.Context) -> None:
    """Let every sidebar show the progress, without drawing the 3D views again on every tick."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if area.type == "VIEW_3D" and region.type == "UI":
                    region.tag_redraw()
