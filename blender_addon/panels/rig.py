"""The rig map as a table: what moves with which channel, how sure that is, and what each row does."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import bpy

from ...inference.channels import ARKIT_52
from ...inference.names import match_channels
from .. import checks, rig_map, rig_rows
from ..jobs import STATUS
from ..operators.rig import (
    SOLILOQUY_OT_rig_add,
    SOLILOQUY_OT_rig_clear,
    SOLILOQUY_OT_rig_load,
    SOLILOQUY_OT_rig_map,
    SOLILOQUY_OT_rig_map_basis,
    SOLILOQUY_OT_rig_remove,
    SOLILOQUY_OT_rig_save,
)
from ..operators.rig_preview import SOLILOQUY_OT_rig_wiggle
from .common import SubPanel, draw_text, letters_in, short_name

if TYPE_CHECKING:
    from ..rig_properties import SoliloquyRig, SoliloquyRigRow

_CELLS_PX = 100
"""What box, percent, padding and scroll bar of the table take of the sidebar's width."""
_ICONS = {
    "SHAPE_KEY": "SHAPEKEY_DATA",
    "BONE": "BONE_DATA",
    "PROPERTY": "PROPERTIES",
    "SOLVED": "GROUP_VERTEX",
    "OBJECT": "OBJECT_DATA",
}


class SOLILOQUY_UL_rig(bpy.types.UIList):
    """Rows of the rig map"""

    bl_idname = "SOLILOQUY_UL_rig"

    def draw_item(
        self,
        context: bpy.types.Context,
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
        split = cells.split(factor=0.8, align=True)
        _draw_names(split, row, context)
        sure = split.row()
        sure.alignment = "RIGHT"
        sure.alert = not row.by_hand and row.confidence < rig_map.DOUBTFUL
        sure.label(text="yours" if row.by_hand else f"{row.confidence:.0%}")

    def filter_items(
        self, _context: bpy.types.Context, rig: SoliloquyRig, name: str
    ) -> tuple[list[int], list[int]]:
        """Rows that are part of the map and whose channel or target has the text that was typed."""
        rows, typed = getattr(rig, name), self.filter_name.casefold()
        if not typed and not any(row.removed for row in rows):
            return [], []
        shown = [
            not row.removed and typed in f"{row.channel} {rig_rows.label(row)}".casefold() for row in rows
        ]
        return [self.bitflag_filter_item if s else 0 for s in shown], []


def _draw_names(cells: bpy.types.UILayout, row: SoliloquyRigRow, context: bpy.types.Context) -> None:
    """Channel and what it moves; one name where they are the same in other spelling."""
    channel = row.channel if row.kind != "SOLVED" else "Many channels"
    item, is_lost = rig_rows.label(row), bool(rig_rows.problem(row, row.id_data))
    letters = letters_in(context, _CELLS_PX)
    if not is_lost and _is_called(item, channel):
        cells.label(text=short_name(channel, letters))
        return
    names = cells.split(factor=0.56, align=True)
    names.label(text=short_name(channel, int(0.5 * letters)))
    item = short_name(item, int(0.44 * letters) - (3 if is_lost else 0))
    if is_lost:
        names.label(text=item, icon="ERROR")
    else:
        names.label(text=item)


@lru_cache(maxsize=512)
def _is_called(item: str, channel: str) -> bool:
    """Whether a shape key has the name of its channel, in any usual spelling."""
    return channel in match_channels((item,))


class SOLILOQUY_MT_rig(bpy.types.Menu):
    """Save, load and clear the rig map"""

    bl_idname = "SOLILOQUY_MT_rig"
    bl_label = "Rig Map"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator(SOLILOQUY_OT_rig_map_basis.bl_idname, icon="MESH_DATA")
        self.layout.separator()
        self.layout.operator(SOLILOQUY_OT_rig_load.bl_idname, icon="FILE_FOLDER")
        self.layout.operator(SOLILOQUY_OT_rig_save.bl_idname, icon="FILE_TICK")
        self.layout.separator()
        self.layout.operator(SOLILOQUY_OT_rig_clear.bl_idname, icon="TRASH")


class SOLILOQUY_PT_rig(SubPanel, bpy.types.Panel):
    """What on the character moves with which channel"""

    bl_label = "Rig"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        target = checks.target(context)
        return rig_map.refusal(target) is None or (
            target is not None and len(target.soliloquy_face.lines) > 0
        )

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, checks.target(context)
        rig = target.soliloquy_rig
        layout.enabled = STATUS.job is None and rig_map.refusal(target) is None
        row = layout.row(align=True)
        row.operator(SOLILOQUY_OT_rig_map.bl_idname, icon="ARMATURE_DATA")
        row.menu(SOLILOQUY_MT_rig.bl_idname, text="", icon="DOWNARROW_HLT")
        if not rig_rows.present(target):
            draw_text(layout, context, "Not mapped yet: Animate matches the character by itself.", "INFO")
            _draw_unmatched(layout, context, _unmatched(target, context.scene.soliloquy.include_parts))
            return
        unmatched, total = rig_rows.rig_map(target)[0].unmatched, len(ARKIT_52)
        layout.label(text=f"{total - len(unmatched)} of {total} channels move something")
        _draw_unmatched(layout, context, unmatched)
        _draw_table(layout, rig)
        row = rig_rows.active(target)
        if row is not None:
            _draw_row(layout, context, row, target)


def _unmatched(target: bpy.types.Object, include_parts: bool) -> tuple[str, ...]:
    """Channels that move nothing on a character without rows, where a match is at hand."""
    if not rig_map.is_matched(target, include_parts):
        return ()
    return rig_map.find_map(target, include_parts).unmatched


def _draw_unmatched(
    layout: bpy.types.UILayout, context: bpy.types.Context, unmatched: tuple[str, ...]
) -> None:
    if not unmatched:
        return
    header, body = layout.panel("SOLILOQUY_PT_unmatched", default_closed=True)
    header.label(text=f"Channels That Move Nothing: {len(unmatched)}")
    if body is not None:
        grid = body.grid_flow(columns=2, align=True)
        for channel in unmatched:
            grid.label(text=short_name(channel, letters_in(context, 0) // 2 - 2))


def _draw_table(layout: bpy.types.UILayout, rig: SoliloquyRig) -> None:
    layout.template_list(SOLILOQUY_UL_rig.bl_idname, "", rig, "rows", rig, "active", rows=7)
    buttons = layout.row(align=True)  # below, not beside: the names need the width
    buttons.operator(SOLILOQUY_OT_rig_wiggle.bl_idname, icon="PLAY")
    buttons.operator(SOLILOQUY_OT_rig_add.bl_idname, text="", icon="ADD")
    buttons.operator(SOLILOQUY_OT_rig_remove.bl_idname, text="", icon="REMOVE")


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
    if row.kind == "OBJECT":
        column.prop(row, "axis")
    elif row.kind == "PROPERTY":
        column.prop(row, "data_path")
        column.prop(row, "index")
    elif row.kind == "SHAPE_KEY":
        keys = held_by.data.shape_keys if held_by.type == "MESH" else None
        if keys is not None:
            column.prop_search(row, "item", keys, "key_blocks", text="Shape Key")
        else:
            column.prop(row, "item", text="Shape Key")
    else:
        if held_by.type == "ARMATURE":
            column.prop_search(row, "item", held_by.pose, "bones", text="Bone")
        else:
            column.prop(row, "item", text="Bone")
        column.prop(row, "motion")
        column.prop(row, "axis" if row.motion == "ROTATION" else "index")


CLASSES = (SOLILOQUY_UL_rig, SOLILOQUY_MT_rig, SOLILOQUY_PT_rig)
