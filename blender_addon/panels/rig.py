"""The rig map as a table: what moves with which channel, how sure that is, and what each row does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import checks, rig_map, rig_rows
from ..jobs import STATUS
from ..operators.rig import (
    SOLILOQUY_OT_rig_add,
    SOLILOQUY_OT_rig_clear,
    SOLILOQUY_OT_rig_load,
    SOLILOQUY_OT_rig_map,
    SOLILOQUY_OT_rig_remove,
    SOLILOQUY_OT_rig_save,
)
from ..operators.rig_preview import SOLILOQUY_OT_rig_wiggle
from .common import SubPanel, draw_text

if TYPE_CHECKING:
    from ..rig_properties import SoliloquyRig, SoliloquyRigRow

_ICONS = {
    "SHAPE_KEY": "SHAPEKEY_DATA",
    "BONE": "BONE_DATA",
    "PROPERTY": "PROPERTIES",
    "SOLVED": "GROUP_VERTEX",
}


class SOLILOQUY_UL_rig(bpy.types.UIList):
    """Rows of the rig map"""

    bl_idname = "SOLILOQUY_UL_rig"

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _rig: SoliloquyRig,
        row: SoliloquyRigRow,
        _icon: int,
        _owner: bpy.types.AnyType,
        _active: str,
    ) -> None:
        line = layout.row(align=True)
        line.prop(row, "enabled", text="")
        cells = line.row(align=True)
        cells.active = row.enabled
        split = cells.split(factor=0.42, align=True)
        split.label(text=row.channel if row.kind != "SOLVED" else "Many channels")
        rest = split.split(factor=0.72, align=True)
        wrong = rig_rows.problem(row, row.id_data)
        rest.label(text=rig_rows.label(row), icon="ERROR" if wrong else _ICONS[row.kind])
        sure = rest.row()
        sure.alert = not row.by_hand and row.confidence < rig_map.DOUBTFUL
        sure.label(text="yours" if row.by_hand else f"{row.confidence:.0%}")

    def filter_items(
        self, _context: bpy.types.Context, rig: SoliloquyRig, name: str
    ) -> tuple[list[int], list[int]]:
        """Rows whose channel or target has the text that was typed."""
        rows, typed = getattr(rig, name), self.filter_name.casefold()
        if not typed:
            return [], []
        shown = [typed in f"{row.channel} {rig_rows.label(row)}".casefold() for row in rows]
        return [self.bitflag_filter_item if s else 0 for s in shown], []


class SOLILOQUY_MT_rig(bpy.types.Menu):
    """Save, load and clear the rig map"""

    bl_idname = "SOLILOQUY_MT_rig"
    bl_label = "Rig Map"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator(SOLILOQUY_OT_rig_load.bl_idname, icon="FILE_FOLDER")
        self.layout.operator(SOLILOQUY_OT_rig_save.bl_idname, icon="FILE_TICK")
        self.layout.separator()
        self.layout.operator(SOLILOQUY_OT_rig_clear.bl_idname, icon="TRASH")


class SOLILOQUY_PT_rig(SubPanel, bpy.types.Panel):
    """What on the character moves with which channel"""

    bl_label = "Rig"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return rig_map.refusal(checks.target(context)) is None

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, checks.target(context)
        rig = target.soliloquy_rig
        layout.enabled = STATUS.job is None
        row = layout.row(align=True)
        row.operator(SOLILOQUY_OT_rig_map.bl_idname, icon="ARMATURE_DATA")
        row.menu(SOLILOQUY_MT_rig.bl_idname, text="", icon="DOWNARROW_HLT")
        if not len(rig.rows):
            draw_text(layout, context, "Not mapped yet: Animate matches the character by itself.", "INFO")
            return
        followed, total = rig_map.coverage(target)
        layout.label(text=f"{followed} of {total} channels move something")
        _draw_table(layout, rig)
        if 0 <= rig.active < len(rig.rows):
            _draw_row(layout, context, rig.rows[rig.active], target)


def _draw_table(layout: bpy.types.UILayout, rig: SoliloquyRig) -> None:
    table = layout.row()
    table.template_list(SOLILOQUY_UL_rig.bl_idname, "", rig, "rows", rig, "active", rows=7)
    buttons = table.column(align=True)
    buttons.operator(SOLILOQUY_OT_rig_add.bl_idname, text="", icon="ADD")
    buttons.operator(SOLILOQUY_OT_rig_remove.bl_idname, text="", icon="REMOVE")
    buttons.separator()
    buttons.operator(SOLILOQUY_OT_rig_wiggle.bl_idname, text="", icon="PLAY")


def _draw_row(
    layout: bpy.types.UILayout, context: bpy.types.Context, row: SoliloquyRigRow, target: bpy.types.Object
) -> None:
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    if row.kind == "SOLVED":
        column.prop(row, "gain")
        draw_text(column, context, ", ".join(rig_rows.key_names(row)), _ICONS[row.kind])
        draw_text(column, context, rig_rows.problem(row, target), "ERROR")
        return
    column.prop(row, "channel")
    column.prop(row, "kind")
    column.prop(row, "object")
    _draw_place(column, row, row.object or target)
    column.prop(row, "gain")
    column.prop(row, "offset")
    draw_text(column, context, rig_rows.problem(row, target), "ERROR")


def _draw_place(column: bpy.types.UILayout, row: SoliloquyRigRow, held_by: bpy.types.Object) -> None:
    if row.kind == "PROPERTY":
        column.prop(row, "data_path")
        column.prop(row, "index")
    elif row.kind == "SHAPE_KEY":
        keys = held_by.data.shape_keys if held_by.type == "MESH" else None
        if keys is not None:
            column.prop_search(row, "item", keys, "key_blocks")
        else:
            column.prop(row, "item")
    else:
        if held_by.type == "ARMATURE":
            column.prop_search(row, "item", held_by.pose, "bones")
        else:
            column.prop(row, "item")
        column.prop(row, "motion")
        column.prop(row, "axis" if row.motion == "ROTATION" else "index")


CLASSES = (SOLILOQUY_UL_rig, SOLILOQUY_MT_rig, SOLILOQUY_PT_rig)
