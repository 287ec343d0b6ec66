"""Painting a pass: a line onto a plate, or the actor's face onto the 3D head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...inference.errors import RigError, SoliloquyError, UsageError
from ...inference.files import make_folder
from .. import actor_motion, actor_track, actors, checks, media
from ..actor_properties import DUB
from ..rig_map import refusal
from .actor_work import ActorOperator, last_event
from .reasoned import CharacterOperator

if TYPE_CHECKING:
    from pathlib import Path


class SOLILOQUY_OT_render_pass(ActorOperator, bpy.types.Operator):
    """Paint the actor's mouth for the target's motion: an EXR sequence with matte and confidence. Frames that
    are there already are kept. Esc stops, and the next start goes on there"""

    bl_idname = "soliloquy.render_pass"
    bl_label = "Render Pass"
    work = "The pass is being painted"

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> SoliloquyError | None:
        """Why nothing can be painted, or None."""
        target = checks.target(context)
        error = actors.renderer_refusal(context) or refusal(target) or actor_motion.refusal(context, target)
        if error is not None:
            return error
        if actors.settings(context).way == DUB:
            return actors.plate_refusal(context)
        if len(actor_track.face_points(target)) < len(actor_track.REFERENCE):
            return RigError(
                f'Where the face of "{target.name}" is has not been shown yet', "Press Place Face Points"
            )
        return actor_track.camera_refusal(context.scene)

    def command(self, context: bpy.types.Context) -> tuple[str, ...]:
        """`soliloquy actor render` or `soliloquy actor skin`, with curves and track beside the pass."""
        out = actors.pass_folder(context)
        make_folder(out)
        place = str(actors.folder(context))
        if actors.settings(context).way == DUB:
            return ("actor", "render", place, *self._dub(context, out), "--out", str(out), "--json")
        return ("actor", "skin", place, *self._skin(context, out), "--out", str(out), "--json")

    def _dub(self, context: bpy.types.Context, out: Path) -> tuple[str, ...]:
        files = actors.plate(context)
        first = files.start_frame
        last = first + actors.length(files) - 1
        self._write_motion(context, out, first, last)
        rate = media.frame_rate(context.scene).hz
        return (
            *("--plate", files.path, "--curves", str(out / "motion.csv"), "--fit", "cut"),
            *("--start-frame", str(first), "--fps", f"{rate:.10g}"),
        )

    def _skin(self, context: bpy.types.Context, out: Path) -> tuple[str, ...]:
        scene = context.scene
        self._write_motion(context, out, scene.frame_start, scene.frame_end)
        actor_track.write(scene, checks.target(context), out / "track.json")
        return "--track", str(out / "track.json"), "--curves", str(out / "motion.csv")

    def _write_motion(self, context: bpy.types.Context, out: Path, first: int, last: int) -> None:
        actor_motion.write(
            context.scene,
            checks.target(context),
            str(out / "motion.csv"),
            first,
            last,
            actors.settings(context).motion,
        )

    def summary(self, context: bpy.types.Context, events: tuple[dict[str, Any], ...]) -> str:
        """How much was painted."""
        frames = last_event(events, "done").get("frames", "all")
        return f"Painted {frames} frames into {actors.pass_folder(context)}"


class SOLILOQUY_OT_place_face_points(CharacterOperator, bpy.types.Operator):
    """Show with six empties where the target's eyes, nose, mouth and chin are; move those that are off"""

    bl_idname = "soliloquy.place_face_points"
    bl_label = "Place Face Points"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        target = checks.target(context)
        if target is None or target.type != "MESH":
            return checks.busy_reason() or "Choose the mesh of the face as target."
        return checks.busy_reason()

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Place them."""
        if context.mode != "OBJECT":
            raise UsageError(
                "The points can't be placed while something is edited", "Leave the edit mode (Tab)"
            )
        made = actor_track.place_points(target, context.scene)
        return f'{len(made)} points show the face of "{target.name}". Look, and move those that are off.'


CLASSES = (SOLILOQUY_OT_render_pass, SOLILOQUY_OT_place_face_points)
