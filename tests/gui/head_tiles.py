"""The embedded head on its stage, posed and rendered as the tiles of a sheet. Needs bpy and Pillow."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from mathutils import Vector
from PIL import Image
from soliloquy.blender_addon import demo
from soliloquy.blender_addon.heads import build_head, build_stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soliloquy.blender_addon.heads.style import HeadStyle

VIEWS = {"front": 0.0, "quarter": 40.0, "side": 90.0}
"""Degrees by which the camera stands to the side."""
SAMPLES = 12
"""Of Cycles for a tile, denoised; a portrait takes more."""
_CLOSE_M = 0.2
"""Framed closer than this, it is the mouth or the eyes that the camera turns about."""


def stage(
    size_px: int,
    height_m: float,
    framed_m: float,
    *,
    view: str = "front",
    engine: str = "workbench",
    style: HeadStyle | None = None,
) -> bpy.types.Object:
    """The head in an empty scene, `framed_m` metres of it round `height_m` in a square of `size_px`."""
    scene = demo.empty_scene(engine, size_px)
    head = build_head(style=style)
    build_stage(head)
    if engine == "cycles":
        scene.cycles.samples = SAMPLES
        demo.leave_out_subsurface()
    look_at(view, height_m, framed_m)
    return head


def look_at(view: str, height_m: float, framed_m: float) -> None:
    """Turn the camera to the face at a height, `framed_m` metres across."""
    look_from(VIEWS[view], height_m, framed_m)


def look_from(degrees: float, height_m: float, framed_m: float) -> None:
    """The same from any angle: 0 the front, 90 the subject's left."""
    camera, target, turn = (
        bpy.context.scene.camera,
        Vector((0.0, -0.02 if framed_m > _CLOSE_M else -0.07, height_m)),
        math.radians(degrees),
    )
    distance = framed_m * camera.data.lens / camera.data.sensor_width
    camera.location = target + distance * Vector((math.sin(turn), -math.cos(turn), 0.04))
    camera.rotation_euler = (target - camera.location).to_track_quat("-Z", "Y").to_euler()


def pose(head: bpy.types.Object, weights: Mapping[str, float]) -> None:
    """Set every shape key; those without a weight to 0."""
    for key in head.data.shape_keys.key_blocks[1:]:
        key.value = weights.get(key.name, 0.0)


def render() -> Image.Image:
    """The scene as it is now."""
    render_settings = bpy.context.scene.render
    with tempfile.TemporaryDirectory() as folder:
        render_settings.filepath = str(Path(folder) / "tile.png")
        bpy.ops.render.render(write_still=True)
        with Image.open(render_settings.filepath) as picture:
            return picture.convert("RGB")
