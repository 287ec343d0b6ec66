"""Editing by hand: the layers, keys, protected frames, sentences, bake."""

from __future__ import annotations

import bpy

from .. import bake, checks, edit_layers
from ..jobs import STATUS
from ..operators import edit_keys
from ..operators.redo_sentence import SOLILOQUY_OT_redo_sentence
from ..rig_map import refusal
from .common import SubPanel, draw_text


class SOLILOQUY_UL_protections(bpy.types.UIList):
    """Frames and channels whose keys stay"""

    def draw_item(self, _context, layout, _data, item, _icon, _active, _property) -> None:
        row = layout.row(align=True)
        row.prop(item, "first", text="", emboss=False)
        row.prop(item, "last", text="", emboss=False)
        row.label(text=item.channels or "All channels")


class SOLILOQUY_PT_edit(SubPanel, bpy.types.Panel):
    """Keys by hand: layers, protected frames, single sentences, one plain Action"""

    bl_label = "Edit"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        target = checks.target(context)
        return target is not None and len(target.soliloquy_face.lines) > 0

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, checks.target(context)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = STATUS.job is None
        _draw_layers(layout, target)
        if edit_layers.edited_layer(target):
            draw_text(layout, context, "The sliders wait until the layer is closed.", "INFO")
        error = refusal(target)
        if error is not None and not edit_layers.edited_layer(target):
            draw_text(layout, context, str(error), "ERROR")
        _draw_keys(layout, target)
        _draw_protections(layout, target)
        layout.operator(SOLILOQUY_OT_redo_sentence.bl_idname, icon="FILE_REFRESH")
        is_baked = bake.baked_action(target) is not None
        if is_baked:
            draw_text(layout, context, "Baked: the sliders show again after Unbake.", "INFO")
            layout.operator(edit_keys.SOLILOQUY_OT_unbake.bl_idname, icon="LOOP_BACK")
        else:
            layout.operator(edit_keys.SOLILOQUY_OT_bake.bl_idname, icon="ACTION")


def _draw_layers(layout: bpy.types.UILayout, target: bpy.types.Object) -> None:
    edited = edit_layers.edited_layer(target)
    layout.label(text="Edit Layer", icon="NLA")
    row = layout.row(align=True)
    for identifier, name, _ in edit_keys.LAYER_ITEMS:
        button = row.operator(edit_keys.SOLILOQUY_OT_edit_layer.bl_idname, text=name, depress=edited == name)
        button.layer = identifier


def _draw_keys(layout: bpy.types.UILayout, target: bpy.types.Object) -> None:
    face = target.soliloquy_face
    column = layout.column()
    column.prop(face, "keys")
    error = column.row()
    error.active = face.keys == "THINNED"
    error.prop(face, "tolerance")
    row = column.row(align=True)
    row.operator(edit_keys.SOLILOQUY_OT_reapply.bl_idname, icon="FILE_REFRESH")
    row.operator(edit_keys.SOLILOQUY_OT_release_edits.bl_idname, text="Release", icon="UNLOCKED")


def _draw_protections(layout: bpy.types.UILayout, target: bpy.types.Object) -> None:
    face = target.soliloquy_face
    row = layout.row()
    if len(face.protections):
        row.template_list(
            "SOLILOQUY_UL_protections", "", face, "protections", face, "active_protection", rows=2
        )
        column = row.column(align=True)
        column.operator(edit_keys.SOLILOQUY_OT_protect.bl_idname, text="", icon="ADD")
        column.operator(
            edit_keys.SOLILOQUY_OT_unprotect.bl_idname, text="", icon="REMOVE"
        ).index = face.active_protection
    else:
        row.operator(edit_keys.SOLILOQUY_OT_protect.bl_idname, icon="LOCKED")


CLASSES = (SOLILOQUY_UL_protections, SOLILOQUY_PT_edit)
