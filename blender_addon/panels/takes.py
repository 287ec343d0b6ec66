"""The takes of a line: one click uses one, small buttons bring its face, head or eyes into the one in use."""

from __future__ import annotations

import bpy

from ...inference.performance.direction import PARTS
from .. import checks, takes
from ..jobs import STATUS
from ..operators import takes as operators
from ..rig_map import refusal
from .common import SubPanel, draw_text

_ICONS = {"face": "USER", "head": "ORIENTATION_GIMBAL", "eyes": "HIDE_OFF"}


class SOLILOQUY_UL_takes(bpy.types.UIList):
    """Takes of a line, named by what they were drawn for and their seeds"""

    bl_idname = "SOLILOQUY_UL_takes"

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: bpy.types.PropertyGroup,
        take: bpy.types.PropertyGroup,
        _icon: int,
        _active_data: object,
        _active_property: str,
        index: int,
    ) -> None:
        row = layout.row(align=True)
        row.label(text=take.name, icon="ERROR" if takes.drawn_elsewhere(take) else "NONE")
        if index == data.active:
            for part in PARTS:
                row.prop(data.id_data.soliloquy_performance, f"lock_{part}", text="", icon=_lock(data, part))
            return
        for part in PARTS:
            button = row.operator(
                operators.SOLILOQUY_OT_bring_from_take.bl_idname, text="", icon=_ICONS[part], emboss=False
            )
            button.index, button.part = index, part


def _lock(data: bpy.types.PropertyGroup, part: str) -> str:
    is_locked = getattr(data.id_data.soliloquy_performance, f"lock_{part}")
    return "LOCKED" if is_locked else _ICONS[part]


class SOLILOQUY_UL_performed_lines(bpy.types.UIList):
    """Lines of a character"""

    bl_idname = "SOLILOQUY_UL_performed_lines"

    def draw_item(self, _context, layout, _data, line, _icon, _active, _property) -> None:
        layout.label(text=line.name, icon="SOUND")


class SOLILOQUY_PT_takes(SubPanel, bpy.types.Panel):
    """Several performances of one line to choose from and to mix"""

    bl_label = "Takes"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        target = checks.target(context)
        return refusal(target) is None and len(target.soliloquy_face.lines) > 0

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, checks.target(context)
        layout.enabled = STATUS.job is None and target.soliloquy_performance.enabled
        face = target.soliloquy_face
        if len(face.lines) > 1:
            layout.template_list(
                SOLILOQUY_UL_performed_lines.bl_idname, "", face, "lines", face, "active_line", rows=2
            )
        kept = takes.of_line(target, takes.active_line(target).line_id)
        if kept is None:
            draw_text(layout, context, "The line follows the sliders. Draw takes to choose from.", "INFO")
        else:
            layout.template_list(
                SOLILOQUY_UL_takes.bl_idname, "", kept, "drawn", kept, "active", rows=4, sort_lock=True
            )
            _draw_take(layout, context, kept)
        row = layout.row(align=True)
        row.operator(operators.SOLILOQUY_OT_draw_takes.bl_idname, icon="ADD")
        if kept is not None:
            row.operator(operators.SOLILOQUY_OT_mix_takes.bl_idname, text="Mix")


def _draw_take(layout: bpy.types.UILayout, context: bpy.types.Context, kept: bpy.types.PropertyGroup) -> None:
    index = min(max(kept.active, 0), len(kept.drawn) - 1)
    row = layout.row(align=True)
    row.operator(operators.SOLILOQUY_OT_duplicate_take.bl_idname, text="Copy", icon="DUPLICATE").index = index
    row.operator(operators.SOLILOQUY_OT_remove_take.bl_idname, text="Remove", icon="REMOVE").index = index
    take = kept.drawn[index]
    draw_text(layout, context, take.instruction, "NONE")
    draw_text(layout, context, takes.drawn_elsewhere(take), "ERROR")


CLASSES = (SOLILOQUY_UL_takes, SOLILOQUY_UL_performed_lines, SOLILOQUY_PT_takes)
