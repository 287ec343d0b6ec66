"""The row with the character's look: a menu of presets, one button to save and one to remove."""

from __future__ import annotations

import bpy

from .. import checks, presets
from ..operators.looks import SOLILOQUY_OT_apply_look, SOLILOQUY_OT_remove_look, SOLILOQUY_OT_save_look


class SOLILOQUY_MT_looks(bpy.types.Menu):
    """Strengths, smoothing, delay, offsets and blinks for a kind of character"""

    bl_idname = "SOLILOQUY_MT_looks"
    bl_label = "Look"

    def draw(self, context: bpy.types.Context) -> None:
        known, problems = presets.looks()
        target = checks.target(context)
        used = presets.in_use(known, target.soliloquy_face) if target is not None else None
        for look in known:
            icon = "CHECKMARK" if look == used else "BLANK1"
            self.layout.operator(
                SOLILOQUY_OT_apply_look.bl_idname, text=look.name, icon=icon
            ).name = look.name
        for problem in problems:
            self.layout.label(text=problem, icon="ERROR")


def draw_look(layout: bpy.types.UILayout, target: bpy.types.Object) -> None:
    """The look in use, or `Own Values`, with the menu behind it."""
    used = presets.in_use(presets.looks()[0], target.soliloquy_face)
    split = layout.split(factor=0.4)
    caption = split.row()
    caption.alignment = "RIGHT"
    caption.label(text="Look")
    row = split.row(align=True)
    row.menu(SOLILOQUY_MT_looks.bl_idname, text=used.name if used is not None else "Own Values")
    row.operator(SOLILOQUY_OT_save_look.bl_idname, text="", icon="ADD")
    if used is not None and used.is_own:
        row.operator(SOLILOQUY_OT_remove_look.bl_idname, text="", icon="REMOVE").name = used.name


CLASSES = (SOLILOQUY_MT_looks,)
