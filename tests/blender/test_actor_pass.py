"""A drawn actor through the real program: checked, painted, composed, rendered with and without the pass."""

from __future__ import annotations

import shutil

import bpy
import helpers
import numpy as np
import tiny_actor
from exr_files import read_picture

FRAMES, START = 8, 21


def _prepared(name: str = "tiny"):
    """The tiny actor chosen in the panel, its plate on frame 21, and a face that is animated there."""
    import addon_utils

    addon_utils.enable(helpers.PACKAGE, default_set=True)
    bpy.context.preferences.addons[helpers.PACKAGE].preferences.actor_python = tiny_actor.python()
    source = helpers.FOLDER / "tiny_origin"
    if not source.exists():
        tiny_actor.make("tiny_origin", FRAMES)
    folder = helpers.FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    chosen = bpy.context.scene.soliloquy_actor
    chosen.folder = str(folder / "actor")
    chosen.plate_path, chosen.plate_start = str(folder / "plate" / "plate.0001.png"), START
    face = helpers.arkit_mesh()
    block = face.data.shape_keys.key_blocks["jawOpen"]
    for frame, value in ((START, 0.0), (START + 4, 0.6), (START + 7, 0.1)):
        block.value = value
        block.keyframe_insert("value", frame=frame)
    return chosen, folder


def _status():
    return helpers.module("blender_addon.jobs").STATUS


def test_check_tells_what_memory_and_renderer_hold():
    from test_register import _drawn

    chosen, folder = _prepared()
    assert bpy.ops.soliloquy.check_actor() == {"FINISHED"}
    assert "Memory: 8 patches of 32 pixels" in _status().summary
    assert "name tiny" in _status().summary
    assert "Memory of 8 pictures" in _drawn()
    helpers.module("blender_addon.actors")
    other = tiny_actor.make("other_actor", FRAMES)
    shutil.copy(other / "actor" / "renderer.onnx", folder / "actor" / "renderer.onnx")
    assert bpy.ops.soliloquy.check_actor() == {"FINISHED"}
    assert "another actor" in _status().summary, _status().summary
    assert "another actor" in _drawn()
    assert chosen.folder


def test_a_dub_is_painted_composed_and_rendered_with_and_without():
    _, folder = _prepared()
    assert bpy.ops.soliloquy.render_pass() == {"FINISHED"}
    files = sorted((folder / "actor_passes" / "dub_plate.0001").glob("*.exr"))
    assert [file.name for file in files] == [f"pass.{n:04d}.exr" for n in range(START, START + FRAMES)]
    assert f"Painted {FRAMES} frames" in _status().summary
    before = [file.stat().st_mtime_ns for file in files]
    assert bpy.ops.soliloquy.render_pass() == {"FINISHED"}
    assert [file.stat().st_mtime_ns for file in files] == before, "what is there is kept"
    assert any("0 of 8 frames were painted" in notice for notice in _status().notices)
    assert bpy.ops.soliloquy.build_composite() == {"FINISHED"}
    scene = bpy.context.scene
    scene.render.compositor_device = "CPU"
    scene.frame_set(START + 4)
    scene.render.image_settings.file_format = "OPEN_EXR"
    assert bpy.ops.soliloquy.render_before_after() == {"FINISHED"}
    assert scene.render.image_settings.file_format == "OPEN_EXR", "the scene's settings are put back"
    place = files[0].parent
    shown = [read_picture(place / f"{name}_{START + 4:04d}.png")[..., :3] for name in ("before", "after")]
    plate = read_picture(folder / "plate" / "plate.0005.png")[..., :3]
    assert np.abs(shown[0] - plate).max() < 1.5 / 255, "without the pass the plate is as it was filmed"
    differs = np.abs(shown[1] - shown[0]).max(2) > 3 / 255
    assert 20 < differs.sum() < 0.3 * differs.size, "the mouth and nothing else"
    rows = np.flatnonzero(differs.any(1))
    assert rows.min() > shown[0].shape[0] * 0.3


def test_other_curves_paint_other_frames():
    _, folder = _prepared("curves")
    assert bpy.ops.soliloquy.render_pass() == {"FINISHED"}
    exr = folder / "actor_passes" / "dub_plate.0001" / f"pass.{START + 4:04d}.exr"
    first = exr.read_bytes()
    block = bpy.context.active_object.data.shape_keys.key_blocks["jawOpen"]
    block.value = 0.0
    block.keyframe_insert("value", frame=START + 4)
    assert bpy.ops.soliloquy.render_pass() == {"FINISHED"}
    assert exr.read_bytes() != first


def test_a_plate_that_was_not_captured_is_refused_in_a_sentence():
    chosen, folder = _prepared("strange")
    other = folder / "another"
    shutil.copytree(folder / "plate", other)
    (other / "plate.0008.png").unlink()
    chosen.plate_path = str(other / "plate.0001.png")
    said = helpers.error_of(RuntimeError, bpy.ops.soliloquy.render_pass)
    assert "is not captured for Tiny yet" in said
    assert "is not captured" in _status().error


def test_a_pass_on_the_head_is_painted_where_the_camera_sees_it():
    chosen, _folder = _prepared("skin")
    bpy.data.objects.remove(bpy.context.active_object)
    bpy.ops.soliloquy.add_head(with_stage=True)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 320, 240
    scene.frame_start, scene.frame_end = 1, 3
    head = scene.soliloquy.target
    head.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
    chosen.way = "SKIN"
    operator = helpers.module("blender_addon.operators.actor_render").SOLILOQUY_OT_render_pass
    assert "Press Place Face Points" in operator.disabled_reason(bpy.context)
    bpy.ops.soliloquy.place_face_points()
    assert operator.disabled_reason(bpy.context) == ""
    assert bpy.ops.soliloquy.render_pass() == {"FINISHED"}
    assert bpy.ops.soliloquy.build_composite() == {"FINISHED"}
    node = helpers.module("blender_addon.compositor").group_node(scene)
    assert node.inputs["Background"].links[0].from_node.type in ("R_LAYERS", "REROUTE")
    assert node.inputs["Confidence Fade"].default_value == 1.0
