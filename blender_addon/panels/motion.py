"""How a character moves: its sliders, which act on the keys of all its lines at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import checks
from ..jobs import STATUS
from ..rig_map import refusal
from .common import SubPanel

if TYPE_CHECKING:
    from ..edit_properties import SoliloquyFace


class SOLILOQUY_PT_motion(SubPanel, bpy.types.Panel):
    """Strengths, timing, blinks and guarantees of the target; they act at once, on all of its lines"""

    bl_label = "Motion"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        target = checks.target(context)
        return refusal(target) is None or (target is not None and len(target.soliloquy_face.lines) > 0)

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, checks.target(context)
        face = target.soliloquy_face
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = STATUS.job is None and refusal(target) is None
        _draw_strengths(layout, face)
        _draw_blinks(layout, face)
        _draw_guarantees(layout, face)


def _draw_strengths(layout: bpy.types.UILayout, face: SoliloquyFace) -> None:
    for names in (("lower_face", "jaw", "lips"), ("upper_face", "brows", "head")):
        column = layout.column(align=True)
        for name in names:
            column.prop(face, name, slider=True)
    column = layout.column(align=True)
    column.prop(face, "smoothing_s")
    column.prop(face, "prediction_delay_s")
    column = layout.column(align=True)
    column.prop(face, "lip_close_offset", slider=True)
    column.prop(face, "eyelid_offset", slider=True)


def _draw_blinks(layout: bpy.types.UILayout, face: SoliloquyFace) -> None:
    column = layout.column()
    row = column.row(heading="Blinks")
    row.prop(face, "blinks", text="")
    seed = row.row()
    seed.active = face.blinks
    seed.use_property_split = False
    seed.prop(face, "seed")
    strength = column.row()
    strength.active = face.blinks
    strength.prop(face, "blink_strength", slider=True)


def _draw_guarantees(layout: bpy.types.UILayout, face: SoliloquyFace) -> None:
    header, body = layout.panel("SOLILOQUY_PT_guarantees", default_closed=True)
    header.label(text="Guarantees")
    if body is None:
        return
    contacts = body.column(heading="Contacts")
    contacts.prop(face, "lips_meet")
    contacts.prop(face, "lip_to_teeth")
    by_ear = body.column()
    by_ear.active = face.lip_to_teeth
    by_ear.prop(face, "by_ear")
    body.column(heading="Silence").prop(face, "still_in_silence")


CLASSES = (SOLILOQUY_PT_motion,)
