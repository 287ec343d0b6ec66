"""Cues and curves: files in and out, and markers at the sounds of speech."""

from __future__ import annotations

import bpy

from ..jobs import STATUS
from ..operators.cues_files import (
    SOLILOQUY_OT_add_markers,
    SOLILOQUY_OT_export_curves,
    SOLILOQUY_OT_import_cues,
    SOLILOQUY_OT_import_curves,
    SOLILOQUY_OT_remove_markers,
)
from .common import SubPanel


class SOLILOQUY_PT_cues(SubPanel, bpy.types.Panel):
    """Phone times and curves from other programs, curves for them, and markers at the sounds of speech"""

    bl_label = "Cues and Curves"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.enabled = STATUS.job is None
        column = layout.column(align=True)
        column.operator(SOLILOQUY_OT_import_cues.bl_idname, icon="IMPORT")
        column.operator(SOLILOQUY_OT_import_curves.bl_idname, icon="IMPORT")
        layout.operator(SOLILOQUY_OT_export_curves.bl_idname, icon="EXPORT")
        row = layout.row(align=True)
        row.operator(SOLILOQUY_OT_add_markers.bl_idname, icon="MARKER_HLT")
        row.operator(SOLILOQUY_OT_remove_markers.bl_idname, text="", icon="X")


CLASSES = (SOLILOQUY_PT_cues,)
