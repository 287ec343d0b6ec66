"""The panel in the 3D view's sidebar, in the order of work: sound, character, look, Animate, outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import checks, media
from ..jobs import STATUS
from ..operators.animate import SOLILOQUY_OT_animate
from ..operators.make_override import SOLILOQUY_OT_make_override
from ..rig_map import refusal
from .common import ROOT, draw_outcome, draw_progress, draw_text
from .looks import draw_look

if TYPE_CHECKING:
    from ..properties import SoliloquySettings


class SOLILOQUY_PT_main(bpy.types.Panel):
    """Speech to facial animation"""

    bl_idname = ROOT
    bl_label = "Soliloquy"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Soliloquy"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.soliloquy
        layout.use_property_split = True
        layout.use_property_decorate = False
        body = layout.column()
        body.enabled = STATUS.job is None
        _draw_sound(body, context, settings)
        _draw_target(body, context, settings)
        _draw_animate(layout, context)
        draw_outcome(layout, context)


def _draw_sound(layout: bpy.types.UILayout, context: bpy.types.Context, settings: SoliloquySettings) -> None:
    column = layout.column(heading="Sound")
    column.row(align=True).prop(settings, "source", expand=True)
    if settings.source == "FILE":
        column.prop(settings, "audio_path")
        column.prop(settings, "start_frame")
    else:
        strip = media.active_sound_strip(context)
        column.label(text=strip.name if strip is not None else "No sound strip is active", icon="SOUND")
    column.prop(settings, "transcript", placeholder="What is said (optional)")
    if settings.transcript.strip():
        column.prop(settings, "language")


def _draw_target(layout: bpy.types.UILayout, context: bpy.types.Context, settings: SoliloquySettings) -> None:
    column = layout.column()
    column.prop(settings, "target")
    target = checks.target(context)
    if settings.target is None and target is not None:
        column.label(text=f"Active object: {target.name}", icon="OBJECT_DATA")
    column.prop(settings, "include_parts")
    error = refusal(target)
    if target is not None and (error is None or len(target.soliloquy_face.lines)):
        look = column.column()
        look.enabled = error is None
        draw_look(look, target)
    keys = target.data.shape_keys if target is not None and target.type == "MESH" else None
    if keys is not None and not keys.is_editable:
        column.operator(SOLILOQUY_OT_make_override.bl_idname, icon="LIBRARY_DATA_OVERRIDE")


def _draw_animate(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    job = STATUS.job
    if job is not None:
        draw_progress(layout, job)
        return
    button = layout.row()
    button.scale_y = 1.4
    button.operator(SOLILOQUY_OT_animate.bl_idname, icon="PLAY")
    draw_text(layout, context, SOLILOQUY_OT_animate.disabled_reason(context), "INFO")


CLASSES = (SOLILOQUY_PT_main,)
