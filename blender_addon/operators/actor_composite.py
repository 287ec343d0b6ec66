"""Composing a pass: one click builds the nodes, one takes them away, one renders with and without."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...inference.errors import SoliloquyError, UsageError
from .. import actor_track, actors, checks, compat, compositor
from ..actor_properties import DUB
from ..outputs import check_writable
from ..pass_files import pass_files
from .reasoned import ReasonedOperator, redraw

_SKIN = {"Colour Match": 0.8, "Match Tint": 0.75, "Confidence Fade": 1.0, "Feather": 4.0}
_DUB = {"Colour Match": 0.5, "Confidence Fade": 0.0}
"""Values of a new group. A dub has nothing to give way to, as the plate says something else; a 3D head is lit
in another way than the actor was."""


class SOLILOQUY_OT_build_composite(ReasonedOperator, bpy.types.Operator):
    """Lay the pass over the plate or over the 3D render, with nodes before the compositor's output; your own
    nodes stay. Pressed again it takes the files that are there now"""

    bl_idname = "soliloquy.build_composite"
    bl_label = "Build Composite"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        is_dub = actors.settings(context).way == DUB
        return checks.busy_reason() or checks.first_reason(
            actors.plate_refusal(context) if is_dub else None, actors.pass_refusal(context)
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene, is_dub = context.scene, actors.settings(context).way == DUB
        try:
            files = pass_files(actors.pass_folder(context))
            plate = actors.plate(context) if is_dub else None
            values = _DUB if is_dub else _skin_values(actor_track.picture_size(scene)[0])
            _, notices = compositor.build(scene, files, plate, values)
        except SoliloquyError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        told = [f"The pass of frames {files.first} to {files.last} is in the compositor.", *notices]
        if scene.camera is None and _renders_3d(scene):
            told.append("A render needs a camera: your nodes show the 3D scene.")
        redraw(context)
        self.report({"WARNING"} if len(told) > 1 else {"INFO"}, " ".join(told))
        return {"FINISHED"}


def _skin_values(width: int) -> dict[str, float]:
    """What holds for a picture of this width: the actor's jaw may be wider than the head's, so that the pass
    would stand out over what is behind it."""
    return {**_SKIN, "Match Reach": width / 2, "Grow": -round(width / 120)}


def _renders_3d(scene: bpy.types.Scene) -> bool:
    return any(node.type == "R_LAYERS" and not node.mute for node in compat.compositor_tree(scene).nodes)


class _CompositeOperator(ReasonedOperator):
    """A button about the nodes that are there."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        if compositor.group_node(context.scene) is None:
            return "The compositor shows no pass. Press Build Composite first."
        return checks.busy_reason()


class SOLILOQUY_OT_remove_composite(_CompositeOperator, bpy.types.Operator):
    """Take our nodes out of the compositor; what was shown before is shown again"""

    bl_idname = "soliloquy.remove_composite"
    bl_label = "Remove"

    def execute(self, context: bpy.types.Context) -> set[str]:
        compositor.remove(context.scene)
        redraw(context)
        self.report({"INFO"}, "The compositor is as it was before the pass.")
        return {"FINISHED"}


class SOLILOQUY_OT_render_before_after(_CompositeOperator, bpy.types.Operator):
    """Render the current frame twice, without and with the pass, to two pictures beside the pass"""

    bl_idname = "soliloquy.render_before_after"
    bl_label = "Render Before and After"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        reason = super().disabled_reason(context)
        if not reason and context.scene.camera is None and _renders_3d(context.scene):
            return "The scene has no camera. Add a camera."
        return reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        try:
            before, after = render_before_after(scene, actors.pass_folder(context))
        except SoliloquyError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Rendered {before.name} and {after.name} into {before.parent}.")
        return {"FINISHED"}


def render_before_after(scene: bpy.types.Scene, folder: Path) -> tuple[Path, Path]:
    """Render the current frame without and with the pass; the pictures are opened in Blender too.

    Raises:
        OutputError: the folder cannot be written.
        UsageError: Blender can't render.
    """
    node = compositor.group_node(scene)
    shown = node.inputs["Show Pass"]
    saved, was_shown = compat.output_format(scene.render.image_settings), shown.default_value
    path, mode = scene.render.filepath, scene.render.image_settings.color_mode
    made = []
    try:
        compat.use_png_output(scene.render.image_settings)
        for name, value in (("before", False), ("after", True)):
            file = folder / f"{name}_{scene.frame_current:04d}.png"
            check_writable(file)
            shown.default_value = value
            scene.render.filepath = str(file)
            bpy.ops.render.render(write_still=True, scene=scene.name)
            made.append(file)
    except RuntimeError as error:
        raise UsageError(
            f"Blender can't render this frame ({error})", "Render it once by hand (F12)"
        ) from error
    finally:
        shown.default_value, scene.render.filepath = was_shown, path
        compat.restore_output_format(scene.render.image_settings, saved)
        scene.render.image_settings.color_mode = mode
    for file in made:
        _show(file)
    return made[0], made[1]


def _show(file: Path) -> None:
    """The picture among Blender's images, so that it can be looked at."""
    for image in bpy.data.images:
        if bpy.path.abspath(image.filepath) == str(file):
            image.reload()
            return
    bpy.data.images.load(str(file))


CLASSES = (SOLILOQUY_OT_build_composite, SOLILOQUY_OT_remove_composite, SOLILOQUY_OT_render_before_after)
