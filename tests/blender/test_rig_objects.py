"""Eyeballs that are objects of their own."""

from __future__ import annotations

import math

import bpy
import helpers
from mathutils import Euler, Matrix, Vector

BALL_M = 0.012
PLACES = {"eye_left": (0.031, -0.08, 0.11), "eye_right": (-0.031, -0.08, 0.11)}
FRONT = Vector((0.0, -1.0, 0.0))


def _character(mode="XYZ"):
    """A face whose keys move no eyeball, two balls beside it below one empty, all of it turned and scaled."""
    root = bpy.data.objects.new("character", None)
    bpy.context.scene.collection.objects.link(root)
    face = helpers.arkit_mesh()
    face.parent = root
    for name, place in PLACES.items():
        bpy.ops.mesh.primitive_uv_sphere_add(radius=BALL_M, location=place)
        ball = bpy.context.active_object
        ball.name, ball.parent, ball.rotation_mode = name, root, mode
        ball.rotation_euler = (0.4, 0.1, 0.0)  # where it looks at rest is in its mesh
        ball.data.transform(Euler((0.4, 0.1, 0.0)).to_matrix().inverted().to_4x4())
    root.rotation_euler.z, root.scale = 0.7, (2.0, 2.0, 2.0)
    bpy.context.view_layer.update()
    bpy.context.view_layer.objects.active = face
    bpy.context.scene.soliloquy.target = face
    return face


def _look(name, channels):
    """Where an eyeball looks, in the space of the character, when these channels are at 1."""
    face = bpy.context.scene.soliloquy.target
    maps = helpers.module("blender_addon.rig_map").read_character(face).maps
    pose = helpers.module("blender_addon.rig_pose")
    ball = bpy.data.objects[name]
    rest = ball.matrix_world.to_quaternion()
    with pose.Posed() as posed:
        posed.show(pose.of_weights(maps, [dict.fromkeys(channels, 1.0)])[0])
        turn = ball.matrix_world.to_quaternion() @ rest.inverted()
    turned = ball.parent.matrix_world.to_quaternion()
    return turned.inverted() @ turn @ turned @ FRONT


def test_eyeballs_look_where_the_channels_say_whatever_their_parents_and_rotation_mode():
    for mode in ("XYZ", "ZXY", "QUATERNION"):
        helpers.empty_scene()
        _character(mode)
        assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
        up, out = (math.radians(angle) for angle in (24, 29))
        for name, channels, wanted in (
            ("eye_left", ("eyeLookUpLeft",), (0, -math.cos(up), math.sin(up))),
            ("eye_left", ("eyeLookOutLeft",), (math.sin(out), -math.cos(out), 0)),
            ("eye_right", ("eyeLookOutRight",), (-math.sin(out), -math.cos(out), 0)),
            ("eye_right", ("eyeLookUpLeft",), (0, -1, 0)),
        ):
            assert (_look(name, channels) - Vector(wanted)).length < 0.02, (mode, name, channels)


def test_speech_turns_eyeballs_and_leaves_how_they_were_turned():
    face = _character()
    ball = bpy.data.objects["eye_left"]
    before = ball.rotation_euler.copy()
    text = "time_s,eyeLookUpLeft,eyeLookUpRight\n0,0,0\n1,1,1\n"
    path = helpers.FOLDER / "gaze.csv"
    path.write_text(text, "utf-8")
    face.soliloquy_face.keys = "DENSE"
    assert bpy.ops.soliloquy.import_curves(filepath=str(path), start_frame=1) == {"FINISHED"}
    bpy.context.scene.frame_set(25)
    assert abs(ball.delta_rotation_euler.x) > 0.3
    assert ball.rotation_euler == before
    assert bpy.ops.soliloquy.bake() == {"FINISHED"}
    bpy.context.scene.frame_set(25)
    assert abs(ball.delta_rotation_euler.x) > 0.3
    assert bpy.ops.soliloquy.unbake() == {"FINISHED"}


def test_balls_that_cannot_turn_in_place_are_left_alone():
    for spoil in ("origin", "constraint", "one"):
        helpers.empty_scene()
        face = _character()
        ball = bpy.data.objects["eye_left"]
        if spoil == "origin":
            ball.data.transform(Matrix.Translation((0.0, 0.3, 0.0)))
            bpy.context.view_layer.update()
        elif spoil == "constraint":
            ball.constraints.new("DAMPED_TRACK")
        else:
            bpy.data.objects.remove(ball)
        found = helpers.module("blender_addon.rig_map").find_map(face)
        assert not [t for t in found.targets if t.kind == "OBJECT"], spoil


def test_the_target_and_the_map_file_know_them():
    face = _character()
    bpy.ops.soliloquy.rig_map()
    kinds = [row.kind for row in face.soliloquy_rig.rows]
    assert kinds.count("OBJECT") == 8
    path = helpers.FOLDER / "eyes.json"
    assert bpy.ops.soliloquy.rig_save(filepath=str(path)) == {"FINISHED"}
    bpy.ops.soliloquy.rig_clear()
    assert bpy.ops.soliloquy.rig_load(filepath=str(path)) == {"FINISHED"}
    assert [row.kind for row in face.soliloquy_rig.rows].count("OBJECT") == 8
    row = next(row for row in face.soliloquy_rig.rows if row.kind == "OBJECT")
    row.object.rotation_mode = "AXIS_ANGLE"
    problem = helpers.module("blender_addon.rig_rows").problem(row, face)
    assert "rotation mode" in problem, problem
