"""What all buttons share: they say why they are grey, and report a problem that the user can mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...inference.errors import SoliloquyError
from .. import checks, kept_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    import bpy


class ReasonedOperator:
    """A button that says why it is grey. Mix into `bpy.types.Operator`, and give it `disabled_reason`."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        raise NotImplementedError

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cls.disabled_reason(context)
        cls.poll_message_set(reason)
        return not reason


class CharacterOperator(ReasonedOperator):
    """A button about the target. Mix into `bpy.types.Operator`, and give it `run`."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return checks.busy_reason() or checks.first_reason(checks.target_refusal(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do it; a problem that the user can mend becomes a report."""
        try:
            summary = self.run(context, checks.target(context))
        except SoliloquyError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        redraw(context)  # a dialog redraws itself only
        if summary:
            self.report({"INFO"}, summary)
        return {"FINISHED"}

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Do the work; returns a sentence about what was done, or nothing where that is plain to see.

        Raises:
            SoliloquyError: with the reason; nothing was changed.
        """
        raise NotImplementedError


class SpokenOperator(CharacterOperator):
    """A button about the lines of the target. Mix into `bpy.types.Operator`, and give it `run`."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return super().disabled_reason(context) or checks.first_reason(
            kept_lines.speech_refusal(checks.target(context))
        )


def redraw(context: bpy.types.Context) -> None:
    """Let every editor with a panel of ours show the state of the work."""
    for area in areas(context):
        area.tag_redraw()


def areas(context: bpy.types.Context) -> Iterator[bpy.types.Area]:
    """Where our panels are."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "SEQUENCE_EDITOR", "NODE_EDITOR"}:
                yield area
