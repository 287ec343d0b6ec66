"""Dialogue: the sounds in the sequencer, whose each is and what became of it; shown there too."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy

from .. import checks, compat, dialogue_strips
from ..jobs import STATUS
from ..operators.dialogue_lines import (
    SOLILOQUY_OT_animate_dialogue,
    SOLILOQUY_OT_assign_lines,
    SOLILOQUY_OT_follow_strips,
    SOLILOQUY_OT_remove_line,
    scene_refusal,
)
from .common import SubPanel, draw_outcome, draw_progress, draw_text

if TYPE_CHECKING:
    from ..dialogue_properties import SoliloquyDialogue

_ICONS = {
    dialogue_strips.NEW: "RADIOBUT_OFF",
    dialogue_strips.CHANGED: "FILE_REFRESH",
    dialogue_strips.MOVED: "ARROW_LEFTRIGHT",
    dialogue_strips.DONE: "CHECKMARK",
    dialogue_strips.PROBLEM: "ERROR",
    dialogue_strips.MUTED: "MUTE_IPO_ON",
}
_SAID = {
    dialogue_strips.NEW: "Not animated yet",
    dialogue_strips.CHANGED: "What is said has changed since it was animated",
    dialogue_strips.MOVED: "The strip has moved since the line was animated",
    dialogue_strips.DONE: "Animated",
    dialogue_strips.MUTED: "Muted strips are passed over and keep what they have",
}


class SOLILOQUY_UL_lines(bpy.types.UIList):
    """Sound strips with their characters"""

    bl_idname = "SOLILOQUY_UL_lines"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: object,
        strip: bpy.types.Strip,
        _icon: int,
        _active_data: object,
        _active_property: str,
    ) -> None:
        line = strip.soliloquy_line
        row = layout.row(align=True)
        is_line = line.character is not None
        icon = _ICONS[dialogue_strips.state(strip, context.scene)] if is_line else "BLANK1"
        row.label(text=strip.name, icon=icon)
        row.prop(line, "character", text="", emboss=is_line)

    def filter_items(
        self, _context: bpy.types.Context, data: object, name: str
    ) -> tuple[list[int], list[int]]:
        """Sounds only, in the order in which they play."""
        strips = list(getattr(data, name))
        shown = [self.bitflag_filter_item if strip.type == "SOUND" else 0 for strip in strips]
        ranks = sorted(range(len(strips)), key=lambda i: compat.strip_visible_range(strips[i])[0])
        order = [0] * len(strips)
        for rank, index in enumerate(ranks):
            order[index] = rank
        return shown, order


class _Dialogue:
    """What is drawn in both editors."""

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene = self.layout, context.scene
        layout.use_property_split = True
        layout.use_property_decorate = False
        of_strips, error = compat.sequencer_scene(context), scene_refusal(context)
        text = str(error) if error is not None else "Add the sounds of the dialogue to the video sequencer."
        if error is not None or not dialogue_strips.sound_strips(of_strips):
            draw_text(layout, context, text, "INFO")
            return
        body = layout.column()
        body.enabled = STATUS.job is None
        _draw_lines(body, context, of_strips.sequence_editor, scene.soliloquy_dialogue)
        if STATUS.job is not None:
            draw_progress(layout, STATUS.job)
            return
        button = layout.row()
        button.scale_y = 1.4
        button.operator(SOLILOQUY_OT_animate_dialogue.bl_idname, icon="PLAY")
        draw_text(layout, context, SOLILOQUY_OT_animate_dialogue.disabled_reason(context), "INFO")
        row = layout.row(align=True)
        row.prop(scene.soliloquy_dialogue, "follow")
        row.operator(SOLILOQUY_OT_follow_strips.bl_idname, text="", icon="FILE_REFRESH")


def _draw_lines(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    editor: bpy.types.SequenceEditor,
    settings: SoliloquyDialogue,
) -> None:
    listed = compat.all_strips_property(editor)
    layout.template_list(
        SOLILOQUY_UL_lines.bl_idname, "", editor, listed, settings, "active", rows=4, sort_lock=True
    )
    target = checks.target(context)
    name = target.name if target is not None else "Character"
    row = layout.row(align=True)
    row.operator(SOLILOQUY_OT_assign_lines.bl_idname, text=f"Assign to {name}", icon="USER")
    row.operator(SOLILOQUY_OT_assign_lines.bl_idname, text="", icon="X").clear = True
    strips = getattr(editor, listed)
    if 0 <= settings.active < len(strips) and strips[settings.active].type == "SOUND":
        _draw_line(layout, context, strips[settings.active])


def _draw_line(layout: bpy.types.UILayout, context: bpy.types.Context, strip: bpy.types.SoundStrip) -> None:
    line = strip.soliloquy_line
    if line.character is None:
        return
    box = layout.box()
    box.prop(line, "transcript", placeholder="What is said (optional)")
    if line.transcript.strip():
        box.prop(line, "language")
    box.prop(line, "cues")
    now = dialogue_strips.state(strip, context.scene)
    draw_text(box, context, line.problem or _SAID.get(now, "This strip cannot be animated"), _ICONS[now])
    row = box.row(align=True)
    again = row.operator(
        SOLILOQUY_OT_animate_dialogue.bl_idname, text="Animate This Line", icon="FILE_REFRESH"
    )
    again.strip, again.again = strip.name, True
    if dialogue_strips.kept_line_of(strip) is not None:
        gone = row.operator(SOLILOQUY_OT_remove_line.bl_idname, text="", icon="TRASH")
        gone.character, gone.line_id = line.character.name, line.line_id


class SOLILOQUY_PT_dialogue(_Dialogue, SubPanel, bpy.types.Panel):
    """Sounds in the video sequencer as lines of several characters"""

    bl_label = "Dialogue"


class SOLILOQUY_PT_dialogue_sequencer(_Dialogue, bpy.types.Panel):
    """Sounds in the video sequencer as lines of several characters"""

    bl_label = "Dialogue"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Soliloquy"
    bl_options: ClassVar[set[str]] = set()

    def draw(self, context: bpy.types.Context) -> None:
        _Dialogue.draw(self, context)
        draw_outcome(self.layout, context)  # in the 3D view the panel above shows it


CLASSES = (SOLILOQUY_UL_lines, SOLILOQUY_PT_dialogue, SOLILOQUY_PT_dialogue_sequencer)
