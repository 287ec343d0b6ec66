"""What the buttons of an actor share: a program of its own does the work, with progress and Esc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .. import actor_process, actors, checks, jobs
from ..preferences import actor_python
from .reasoned import redraw
from .working import WorkingOperator

if TYPE_CHECKING:
    from ...inference.errors import SoliloquyError


class ActorOperator(WorkingOperator):
    """A button that runs `soliloquy COMMAND`. Mix into `bpy.types.Operator`; it needs `command` too."""

    work = "The actor's program works"
    """What goes on, for who waits; without its full stop."""
    polite_s = 10.0

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> SoliloquyError | None:
        """Why the work can't be begun, or None."""
        return actors.actor_refusal(context)

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return checks.busy_reason() or checks.first_reason(cls.refusal(context))

    def command(self, context: bpy.types.Context) -> tuple[str, ...]:
        """Arguments after `python -m soliloquy`.

        Raises:
            SoliloquyError: with the reason why it can't be done.
        """
        raise NotImplementedError

    def prepare(self, context: bpy.types.Context) -> jobs.Job:
        """The command, with all that it needs written to files."""
        error = type(self).refusal(context)
        if error is not None:
            raise error
        request = actor_process.call(
            self.command(context),
            chosen=actor_python(),
            what=self.bl_label,
            folder=bpy.app.tempdir,
            polite_s=self.polite_s,
        )
        return jobs.Job(request, actor_process.run, self.work)

    def apply(self, context: bpy.types.Context, result: actor_process.Outcome) -> tuple[str, tuple[str, ...]]:
        """Tell what the program did."""
        redraw(context)
        return self.summary(context, result.events), result.notices

    def summary(self, context: bpy.types.Context, events: tuple[dict[str, Any], ...]) -> str:
        """One sentence about what was done, without its full stop."""
        raise NotImplementedError


def last_event(events: tuple[dict[str, Any], ...], kind: str) -> dict[str, Any]:
    """The last thing of a kind that the program said; empty if it said none."""
    return next((event for event in reversed(events) if event.get("event") == kind), {})
