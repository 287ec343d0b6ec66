"""An actor: whose face, with whose consent, what is there, and the next step; then pass and composite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...inference.actor.folder import ActorError
from .. import actor_track, actors, checks, compositor, compositor_group
from ..actor_properties import CLIP, DUB, FILE
from ..jobs import STATUS
from ..operators import actor_capture, actor_composite, actor_render
from .common import SubPanel, draw_progress, draw_text

if TYPE_CHECKING:
    from ..actors import Facts

_SHOWN = (
    "Show Pass",
    "Mix",
    "Colour Match",
    "Match Tint",
    "Grow",
    "Feather",
    "Blur",
    "Grain",
    "Confidence Fade",
)
"""Sockets of the group that the panel offers; the others are in the compositor."""


class SOLILOQUY_PT_actor(SubPanel, bpy.types.Panel):
    """A captured actor's own face, painted onto a plate or onto the 3D head"""

    bl_idname = "SOLILOQUY_PT_actor"
    bl_label = "Actor"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        if STATUS.job is not None:
            draw_progress(layout, STATUS.job)
            draw_text(layout, context, f"{STATUS.job.what}.", "INFO")
        body = layout.column()
        body.enabled = STATUS.job is None
        body.prop(actors.settings(context), "folder")
        try:
            found = actors.facts(context)
        except ActorError as error:
            draw_text(body, context, str(error), "ERROR")
            return
        if found is None:
            _draw_new(body, context)
        else:
            _draw_facts(body, context, found)
        _draw_steps(body, context, found)


def _draw_new(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    chosen = actors.settings(context)
    column = layout.column()
    column.prop(chosen, "actor_name", placeholder="As the folder")
    column.prop(chosen, "consent", placeholder="Who consents, when, to what")


def _draw_facts(layout: bpy.types.UILayout, context: bpy.types.Context, found: Facts) -> None:
    actor, said = found.actor, actors.checked(found)
    box = layout.box().column(align=True)
    box.label(text=actor.name, icon="USER")
    draw_text(box, context, f"Consent: {actor.consent.statement}", "CHECKMARK")
    box.label(text=f"Recorded {actor.consent.recorded[:10]}", icon="BLANK1")
    takes = len(actor.takes)
    _draw_state(box, f"{takes} {'take' if takes == 1 else 'takes'}" if takes else "No take yet", takes > 0)
    memory, renderer = (said.get(name, {}) for name in ("memory", "renderer"))
    text = f"Memory of {memory['entries']} pictures" if "entries" in memory else "Memory"
    _draw_state(box, text if found.has_memory else "No memory yet", found.has_memory)
    text = "Renderer" if not found.renderer_is_older else "Renderer, older than the memory"
    _draw_state(
        box, text if found.has_renderer else "No renderer yet", found.has_renderer, found.renderer_is_older
    )
    for name, part, is_there in (
        ("Memory", memory, found.has_memory),
        ("Renderer", renderer, found.has_renderer),
    ):
        if is_there and part.get("problem"):
            draw_text(box, context, f"{name}: {part['problem']}", "ERROR")


def _draw_state(layout: bpy.types.UILayout, text: str, is_there: bool, is_doubtful: bool = False) -> None:
    icon = "CHECKMARK" if is_there else "RADIOBUT_OFF"
    layout.label(text=text, icon="ERROR" if is_doubtful else icon)


def _draw_steps(layout: bpy.types.UILayout, context: bpy.types.Context, found: Facts | None) -> None:
    """The next step as a large button, with why it is grey; those before it can be taken again."""
    steps = [
        actor_capture.SOLILOQUY_OT_capture_actor,
        actor_capture.SOLILOQUY_OT_build_memory,
        actor_capture.SOLILOQUY_OT_train_actor,
    ]
    done = [
        found is not None and bool(found.actor.takes),
        found is not None and found.has_memory,
        found is not None and found.has_renderer and not found.renderer_is_older,
    ]
    following = done.index(False) if False in done else len(steps)
    _draw_plate(layout, context)
    if following == len(steps) - 1:
        layout.prop(actors.settings(context), "steps")
    if following < len(steps):
        button = layout.row()
        button.scale_y = 1.4
        button.operator(steps[following].bl_idname, icon="FORWARD")
        if STATUS.job is None:  # else it stands above
            draw_text(layout, context, steps[following].disabled_reason(context), "INFO")
    row = layout.row(align=True)
    for step, is_done, again in zip(steps, done, ("Capture", "Memory", "Train"), strict=True):
        if is_done:
            row.operator(step.bl_idname, text=again)
    if found is not None:
        row.operator(actor_capture.SOLILOQUY_OT_check_actor.bl_idname, text="", icon="VIEWZOOM")


def _draw_plate(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    chosen = actors.settings(context)
    column = layout.column(heading="Plate")
    column.row(align=True).prop(chosen, "plate_from", expand=True)
    if chosen.plate_from == FILE:
        column.prop(chosen, "plate_path")
        column.prop(chosen, "plate_start")
    elif chosen.plate_from == CLIP:
        column.prop(chosen, "clip")
    else:
        strip = actors.active_strip(context)
        column.label(
            text=strip.name if strip is not None else "No film or image strip is active", icon="SEQUENCE"
        )


class SOLILOQUY_PT_pass(SubPanel, bpy.types.Panel):
    """What is painted, for whose motion, and where to"""

    bl_label = "Pass"
    bl_parent_id = SOLILOQUY_PT_actor.bl_idname

    def draw(self, context: bpy.types.Context) -> None:
        layout, chosen = self.layout, actors.settings(context)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = STATUS.job is None
        layout.row(align=True).prop(chosen, "way", expand=True)
        layout.row(align=True).prop(chosen, "motion", expand=True)
        layout.prop(chosen, "pass_folder", placeholder="Beside the actor")
        operator = actor_render.SOLILOQUY_OT_render_pass
        target = checks.target(context)
        if chosen.way != DUB and target is not None:
            placed = len(actor_track.face_points(target)) == len(actor_track.REFERENCE)
            layout.operator(
                actor_render.SOLILOQUY_OT_place_face_points.bl_idname,
                icon="CHECKMARK" if placed else "EMPTY_AXIS",
            )
        button = layout.row()
        button.scale_y = 1.4
        button.operator(operator.bl_idname, icon="RENDER_ANIMATION")
        if STATUS.job is None:
            draw_text(layout, context, operator.disabled_reason(context), "INFO")


class _Composite:
    """The nodes of the pass: shown below the actor, and in the compositor's own sidebar."""

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = STATUS.job is None
        build = actor_composite.SOLILOQUY_OT_build_composite
        node = compositor.group_node(context.scene)
        if node is None:
            layout.operator(build.bl_idname, icon="NODE_COMPOSITING")
            draw_text(layout, context, build.disabled_reason(context), "INFO")
            return
        row = layout.row(align=True)
        row.operator(build.bl_idname, text="Update", icon="FILE_REFRESH")
        row.operator(actor_composite.SOLILOQUY_OT_remove_composite.bl_idname, text="", icon="X")
        column = layout.column()
        for name in _SHOWN:
            socket = node.inputs.get(name)
            if socket is not None and not socket.is_linked:
                column.prop(socket, "default_value", text=name)
        layout.operator(actor_composite.SOLILOQUY_OT_render_before_after.bl_idname, icon="RENDER_STILL")


class SOLILOQUY_PT_composite(_Composite, SubPanel, bpy.types.Panel):
    """The pass over the plate or the 3D render, in the compositor"""

    bl_label = "Composite"
    bl_parent_id = SOLILOQUY_PT_actor.bl_idname


class SOLILOQUY_PT_composite_nodes(_Composite, bpy.types.Panel):
    """The pass over the plate or the 3D render"""

    bl_label = compositor_group.NAME
    bl_space_type = "NODE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Soliloquy"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return getattr(context.space_data, "tree_type", "") == "CompositorNodeTree"


class SOLILOQUY_PT_actor_clip(bpy.types.Panel):
    """The clip as the plate of an actor"""

    bl_label = "Soliloquy"
    bl_space_type = "CLIP_EDITOR"
    bl_region_type = "UI"
    bl_category = "Footage"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator(actor_capture.SOLILOQUY_OT_use_clip.bl_idname, icon="USER")


CLASSES = (
    SOLILOQUY_PT_actor,
    SOLILOQUY_PT_pass,
    SOLILOQUY_PT_composite,
    SOLILOQUY_PT_composite_nodes,
    SOLILOQUY_PT_actor_clip,
)
