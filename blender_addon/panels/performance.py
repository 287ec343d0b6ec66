"""What a character is asked to look like: in words, and as sliders that can be keyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...inference.instruction.values import ACTION_NAMES, EMOTIONS
from .. import checks
from ..jobs import STATUS
from ..operators import performance as operators
from ..performance_properties import STRENGTHS
from ..preferences import language_model
from ..rig_map import refusal
from .common import SubPanel, draw_text

if TYPE_CHECKING:
    from collections.abc import Iterable

_EYES = ("gaze_height", "gaze_side", "gaze_motion", "blinking")
_HEAD = ("head_pitch", "head_turn", "head_tilt", "nods", "shakes", "head_motion", "pace")
_FACE = tuple(name for name in ACTION_NAMES if name not in (*_EYES, *_HEAD))


class SOLILOQUY_PT_performance(SubPanel, bpy.types.Panel):
    """Emotion, head, eyes and brows of the target: in words and as sliders; they act at once"""

    bl_label = "Performance"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return refusal(checks.target(context)) is None

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(checks.target(context).soliloquy_performance, "enabled", text="")

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, checks.target(context)
        shown = target.soliloquy_performance
        layout.enabled = STATUS.job is None and shown.enabled
        _draw_words(layout, context, shown)
        layout.use_property_split = True
        _draw_sliders(layout, "Emotions", shown, (*EMOTIONS, "intensity"), is_open=True)
        _draw_sliders(layout, "Face", shown, _FACE)
        _draw_sliders(layout, "Head", shown, _HEAD)
        eyes = _draw_sliders(layout, "Eyes", shown, _EYES)
        if eyes is not None:
            eyes.prop(shown, "target")
        _draw_strengths(layout, shown)
        if len(target.soliloquy_face.lines) > 1:
            layout.prop(shown, "all_lines")
        row = layout.row(align=True)
        row.operator(operators.SOLILOQUY_OT_perform_again.bl_idname, icon="FILE_REFRESH")
        row.operator(operators.SOLILOQUY_OT_neutral.bl_idname, text="", icon="LOOP_BACK")


def _draw_words(
    layout: bpy.types.UILayout, context: bpy.types.Context, shown: bpy.types.PropertyGroup
) -> None:
    column = layout.column(align=True)
    column.prop(shown, "instruction", text="", placeholder="How it is said, in words")
    row = column.row(align=True)
    row.operator(operators.SOLILOQUY_OT_read_instruction.bl_idname)
    row.operator(operators.SOLILOQUY_OT_write_instruction.bl_idname)
    row.operator(operators.SOLILOQUY_OT_suggest_instruction.bl_idname)
    if language_model()[0]:
        column.operator(operators.SOLILOQUY_OT_rephrase_instruction.bl_idname, icon="URL")
    draw_text(layout, context, shown.remarks, "INFO")


def _draw_sliders(
    layout: bpy.types.UILayout,
    title: str,
    shown: bpy.types.PropertyGroup,
    names: Iterable[str],
    *,
    is_open: bool = False,
) -> bpy.types.UILayout | None:
    """A part that can be closed; returns it where it is open."""
    header, body = layout.panel(f"SOLILOQUY_PT_{title.lower()}", default_closed=not is_open)
    header.label(text=title)
    if body is not None:
        column = body.column(align=True)
        for name in names:
            column.prop(shown, name, slider=True)
    return body


def _draw_strengths(layout: bpy.types.UILayout, shown: bpy.types.PropertyGroup) -> None:
    header, body = layout.panel("SOLILOQUY_PT_strengths", default_closed=True)
    header.label(text="Strengths")
    if body is not None:
        column = body.column(align=True)
        column.use_property_decorate = False
        for name in STRENGTHS:
            column.prop(shown, f"{name}_strength", slider=True)


CLASSES = (SOLILOQUY_PT_performance,)
