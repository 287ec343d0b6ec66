"""What buttons share that start long work: a thread, a bar that shows progress, Esc, and one undo step."""

from __future__ import annotations

import traceback

import bpy

from ...inference.errors import Cancelled, SoliloquyError
from .. import jobs
from ..jobs import STATUS
from .reasoned import ReasonedOperator, areas, redraw

_TICK_S = 0.05


class WorkingOperator(ReasonedOperator):
    """A button that starts long work. Mix into `bpy.types.Operator`; it needs `prepare` and `apply` too."""

    def prepare(self, context: bpy.types.Context) -> jobs.Job:
        """The work, with all that it needs copied out of the scene.

        Raises:
            SoliloquyError: with the reason why it cannot be done.
        """
        raise NotImplementedError

    def apply(self, context: bpy.types.Context, result: object) -> tuple[str, tuple[str, ...]]:
        """Write the result into the scene.

        Returns:
            One sentence about what was done, without its full stop, and what else the user should know.
        """
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do everything at once: for background Blender and scripts."""
        STATUS.begin(None)
        try:
            outcome = self.prepare(context).run()
        except SoliloquyError as error:
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

    def _finish(self, context: bpy.types.Context, outcome: object) -> set[str]:
        summary, notices = "", ()
        try:
            if not isinstance(outcome, Exception):
                summary, notices = self.apply(context, outcome)
        except Exception as error:
            outcome = error
        result = self._fail(outcome) if isinstance(outcome, Exception) else self._tell(summary, notices)
        redraw(context)
        return result

    def _tell(self, summary: str, notices: tuple[str, ...]) -> set[str]:
        STATUS.end(summary=summary, notices=notices)
        self.report({"WARNING"} if notices else {"INFO"}, " ".join([f"{summary}.", *notices]))
        return {"FINISHED"}

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


def start(operator: WorkingOperator, context: bpy.types.Context) -> set[str]:
    """Begin the work in a thread, with a timer that wakes `modal`."""
    STATUS.begin(None)
    try:
        job = operator.prepare(context)
    except SoliloquyError as error:
        return operator._finish(context, error)
    operator._job = job
    manager = context.window_manager
    operator._timer = manager.event_timer_add(_TICK_S, window=context.window)
    manager.modal_handler_add(operator)
    STATUS.begin(job)
    job.start()
    return {"RUNNING_MODAL"}


def redraw_panels(context: bpy.types.Context) -> None:
    """Let every sidebar show the progress, without drawing the 3D views again on every tick."""
    for area in areas(context):
        for region in area.regions:
            if region.type == "UI":
                region.tag_redraw()
