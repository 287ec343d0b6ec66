"""Make blender_addon/assets/head.jpg: the picture that the Asset Browser shows of the built-in head.

Run it when the head's looks change, in a Python with Blender's module:
`.venv/bin/python -m build_tools.make_head_preview`.
"""

from __future__ import annotations

import bpy
from mathutils import Vector
from soliloquy.blender_addon import demo
from soliloquy.blender_addon.head_asset import PICTURE, PICTURE_PX
from soliloquy.blender_addon.heads import build_head, build_stage

SAMPLES = 96
_CAMERA, _TOWARDS = Vector((0.27, -0.76, 0.11)), Vector((0.0, 0.0, 0.085))
"""Metres. A little from the side, as the picture is small: a face from the front is flat."""


def main() -> None:
    """Render and write it."""
    scene = demo.empty_scene("cycles", PICTURE_PX)
    scene.cycles.samples, scene.cycles.max_bounces = SAMPLES, 4
    build_stage(build_head())
    scene.camera.location = _CAMERA
    scene.camera.rotation_euler = (_TOWARDS - _CAMERA).to_track_quat("-Z", "Y").to_euler()
    image = scene.render.image_settings
    image.file_format, image.quality = "JPEG", 92
    scene.render.filepath = str(PICTURE)
    bpy.ops.render.render(write_still=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
