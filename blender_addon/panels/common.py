"""What the panels share: the parent of every sub-panel, and text that fits the sidebar."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, ClassVar

from ..jobs import STATUS
from ..operators.redo_sentence import beyond

if TYPE_CHECKING:
    import bpy

    from ..jobs import Job

ROOT = "SOLILOQUY_PT_main"
"""`bl_idname` of the panel that the sub-panels hang below."""
_PIXELS_PER_LETTER = 6.5


class SubPanel:
    """A panel below the main one, closed until it is opened. Mix into `bpy.types.Panel`; set `bl_label`."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Soliloquy"
    bl_parent_id = ROOT
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}


def draw_text(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str) -> None:
    """Text broken into lines that fit the sidebar."""
    if not text:
        return
    letters = max(20, letters_beside(context, 1.0))
    column = layout.column(align=True)
    for i, piece in enumerate(textwrap.wrap(text, letters)):
        column.label(text=piece, icon=icon if i == 0 else "BLANK1")


def letters_beside(context: bpy.types.Context, share: float) -> int:
    """How many letters fit into a share of the sidebar's width; at least 6."""
    inside = context.region.width / context.preferences.system.ui_scale - 50
    return max(6, int(share * inside / _PIXELS_PER_LETTER))


def draw_outcome(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What became of the last work: error, summary, notices."""
    draw_text(layout, context, STATUS.error, "ERROR")
    draw_text(layout, context, STATUS.summary, "CHECKMARK")
    last = beyond(context) if STATUS.job is None else 0
    if last:
        layout.operator("soliloquy.extend_scene", text=f"End Scene on Frame {last}", icon="TIME")
    for notice in STATUS.notices:
        draw_text(layout, context, notice, "INFO")


def draw_progress(layout: bpy.types.UILayout, job: Job) -> None:
    """The bar of running work, with a button that stops it."""
    row = layout.row(align=True)
    text = "Stopping" if job.is_stopping else f"{job.progress:.0%}  (Esc stops)"
    row.progress(factor=job.progress, type="BAR", text=text)
    row.operator("soliloquy.stop", text="", icon="CANCEL")
