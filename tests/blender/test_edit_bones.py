"""Layers, bake and thinning where bones and solved keys move the face."""

from __future__ import annotations

import math

import bpy
import helpers
import numpy as np
from mathutils import Quaternion

SOUNDS = ("PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou")


def _armature():
    """Head, jaw and two eyes; the face looks to -y."""
    data = bpy.data.armatures.new("Rig")
    made = bpy.data.objects.new("Rig", data)
    bpy.context.scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    bpy.ops.object.mode_set(mode="EDIT")
    for name, head, tail in (
        ("head", (0, 0, 1.5), (0, 0, 1.7)),
        ("jaw", (0, -0.02, 1.55), (0, -0.1, 1.5)),
        ("eye.L", (0.03, -0.08, 1.6), (0.03, -0.1, 1.6)),
        ("eye.R", (-0.03, -0.08, 1.6), (-0.03, -0.1, 1.6)),
    ):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = head, tail
    bpy.ops.object.mode_set(mode="OBJECT")
    return made


def _spoken(name, **settings):
    """A face with two blinks on a rig whose jaw opens."""
    rig = _armature()
    face = helpers.mesh_with_keys("Face", ("eyeBlinkLeft", "eyeBlinkRight"), parent=rig)
    bpy.context.view_layer.objects.active = face
    bpy.context.scene.soliloquy.target = face
    sound = helpers.vowels(name, 3.0, ((0.4, 2.6),))
    assert helpers.animate(sound, **settings) == {"FINISHED"}
    return face, rig


def _turns(rig, bone="jaw", frames=range(1, 73)):
    """The turn of a bone on each frame, float [T, 4]."""
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        found.append(tuple(rig.pose.bones[bone].matrix_basis.to_quaternion()))
    return np.array(found)


def _apart(one, other):
    """Largest angle in radians between two series of turns."""
    return float((2 * np.arccos(np.clip(np.abs((one * other).sum(axis=1)), 0, 1))).max())


def test_the_performance_layer_combines_with_the_speech_on_bones():
    face, rig = _spoken("combine.wav")
    speech = _turns(rig)
    widest = int(np.abs(speech[:, 1]).argmax()) + 1
    assert bpy.ops.soliloquy.edit_layer(layer="PERFORMANCE") == {"FINISHED"}
    strips = {t.name: t.strips[0].blend_type for t in rig.animation_data.nla_tracks}
    assert strips == {"Speech": "REPLACE", "Performance": "COMBINE"}
    assert face.data.shape_keys.animation_data.nla_tracks["Performance"].strips[0].blend_type == "ADD"
    added = Quaternion((0.0, 0.0, 1.0), math.radians(10))
    bone = rig.pose.bones["jaw"]
    data = rig.animation_data
    bag = data.action.layers[0].strips[0].channelbag(data.action_slot, ensure=True)
    for index in range(4):
        curve = bag.fcurves.new(f'pose.bones["{bone.name}"].rotation_quaternion', index=index)
        curve.keyframe_points.insert(1, added[index])
        curve.keyframe_points.insert(72, added[index])
    assert bpy.ops.soliloquy.edit_layer(layer="PERFORMANCE") == {"FINISHED"}
    both = _turns(rig)
    for i in (0, widest - 1, 60):
        wanted = Quaternion(speech[i]) @ added
        assert Quaternion(both[i]).rotation_difference(wanted).angle < 1e-3, i
    face.soliloquy_face.jaw = 0.5  # the layer stays above what is made again
    halved = _turns(rig)
    wanted = Quaternion(_turns_of_half(speech[widest - 1])) @ added
    assert Quaternion(halved[widest - 1]).rotation_difference(wanted).angle < 0.02


def _turns_of_half(turn):
    axis, angle = Quaternion(turn).to_axis_angle()
    return Quaternion(axis, angle / 2)


def test_bake_of_bones_is_what_the_layers_show():
    for mode in ("QUATERNION", "XYZ"):
        helpers.empty_scene()
        face, rig = _spoken(f"bake_{mode}.wav")
        rig.pose.bones["jaw"].rotation_mode = mode
        face.soliloquy_face.jaw = 1.2
        bpy.ops.soliloquy.edit_layer(layer="HAND")
        block = face.data.shape_keys.key_blocks["eyeBlinkLeft"]
        for frame, value in ((10, 0.0), (30, 0.5)):
            block.value = value
            block.keyframe_insert("value", frame=frame)
        bpy.ops.soliloquy.edit_layer(layer="HAND")
        shown = _turns(rig)
        assert np.ptp(shown, axis=0).max() > 0.02, (mode, np.ptp(shown, axis=0))
        assert bpy.ops.soliloquy.bake() == {"FINISHED"}
        assert rig.animation_data.action.name == face.data.shape_keys.animation_data.action.name
        assert _apart(_turns(rig), shown) < 0.02, mode
        assert bpy.ops.soliloquy.unbake() == {"FINISHED"}
        assert _apart(_turns(rig), shown) < 1e-3, mode


def test_thinned_bones_and_solved_keys_stay_within_the_bound():
    face, rig = _spoken("thin.wav", keys="DENSE")
    dense = _turns(rig)
    keys = _count(rig)
    face.soliloquy_face.keys = "THINNED"
    bound = face.soliloquy_face.tolerance
    assert _apart(_turns(rig), dense) < 4 * bound  # each of four components, and their length
    assert _count(rig) < keys / 3


def test_thinned_visemes_stay_within_the_bound():
    head = _viseme_head()
    assert helpers.animate(helpers.vowels("sounds.wav", 3.0), keys="DENSE") == {"FINISHED"}
    dense = _weights(head)
    assert dense.max() > 0.2
    head.soliloquy_face.keys = "THINNED"
    assert np.abs(_weights(head) - dense).max() <= head.soliloquy_face.tolerance + 1e-4


def _viseme_head():
    """A mesh with Oculus' sounds for keys."""
    made = helpers.mesh_with_keys("Sounds", tuple(f"viseme_{sound}" for sound in SOUNDS))
    bpy.context.view_layer.objects.active = made
    bpy.context.scene.soliloquy.target = made
    return made


def _weights(made):
    rows = []
    for frame in range(1, 73):
        bpy.context.scene.frame_set(frame)
        rows.append([block.value for block in made.data.shape_keys.key_blocks[1:]])
    return np.array(rows)


def _count(owner):
    strip = helpers.speech_strip(owner)
    return sum(map(len, helpers.action_curves(strip.action, strip.action_slot).values()))
