"""What the panels share: the parent of every sub-panel, and text that fits the sidebar."""

from __future__ import annotations

import re
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
_WORD_LEAST = 2
_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|.", re.DOTALL)


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
    letters = max(20, letters_in(context, 0))
    column = layout.column(align=True)
    for i, piece in enumerate(textwrap.wrap(text, letters)):
        column.label(text=piece, icon=icon if i == 0 else "BLANK1")


def letters_in(context: bpy.types.Context, taken_px: float) -> int:
    """How many letters fit into the sidebar beside something of this width in pixels; at least 10."""
    inside = context.region.width / context.preferences.system.ui_scale - 50 - taken_px
    return max(10, int(inside / _PIXELS_PER_LETTER))


def short_name(name: str, letters: int) -> str:
    """A name that fits: Left and Right as a letter, its first words shortened (`moLoDown L`), else its end.

    What comes last tells names apart, and must not be what is cut off.
    """
    for side in ("Left", "Right"):
        if name.endswith(side) and len(name) > len(side):
            name = f"{name.removesuffix(side)} {side[0]}"
    words = _PIECES.findall(name)
    while len("".join(words)) > letters and (long := [w for w in words[:-2] if len(w) > _WORD_LEAST]):
        at = words.index(max(long, key=len))
        words[at] = words[at][:-1]
    short = "".join(words)
    return short if len(short) <= letters else "\u2026" + short[1 - letters :]


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
