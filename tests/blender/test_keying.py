"""Keys land on the right frames with the right values, in a new Action; what was there stays."""

from __future__ import annotations

import time

import bpy
import helpers
import numpy as np
from helpers import value_path

JAW = value_path("jawOpen")
RATES = ((24, 1.001), (24, 1.0), (25, 1.0), (30, 1.001), (30, 1.0), (60, 1.0), (50, 1.0), (12, 1.0))


def _expected(path, settings=None):
    """The motion at the model's rate, by the runtime alone."""
    pipeline, session = helpers.module("inference.pipeline"), helpers.module("inference.session")
    return pipeline.collect(pipeline.animate_file(path, session.load_speech_model(), settings))


def test_every_rate_and_start_frame_is_in_sync():
    path = helpers.vowels("rates.wav", 2.0, ((0.5, 1.5),))
    motion = _expected(path)
    for fps, base in RATES:
        for start_frame in (1, 0, -37, 101):
            helpers.empty_scene(fps, base)
            face = helpers.arkit_mesh()
            face.soliloquy_performance.enabled = False
            assert helpers.animate(path, start_frame, keys="DENSE") == {"FINISHED"}
            keys = np.array(helpers.curves(face)[JAW])
            assert np.array_equal(keys[:, 0], np.round(keys[:, 0])), "keys lie on whole frames"
            times_s = (keys[:, 0] - start_frame) * base / fps
            settle_s = np.ceil(0.15 * fps / base) * base / fps
            assert abs(times_s[0] + settle_s) < 1e-6, "from rest, just before the sound"
            assert times_s[-1] - settle_s <= 2.0 + 1e-6 < times_s[-1] - settle_s + 1.01 * base / fps
            spoken = (times_s >= 0.0) & (times_s <= 2.0)
            wanted = np.interp(times_s[spoken], motion.times_s, motion.channel("jawOpen"))
            assert np.abs(keys[spoken, 1] - wanted).max() < 2e-4, (fps, base, start_frame)
            assert keys[0, 1] == keys[-1, 1] == 0.0


def test_new_action_is_named_after_the_audio_and_evaluates():
    face = helpers.arkit_mesh()
    assert helpers.animate(helpers.vowels("line_01.wav", 1.5)) == {"FINISHED"}
    assert helpers.speech_strip(face.data.shape_keys).action.name == "line_01 Soliloquy"
    by_path = helpers.curves(face)
    assert len(by_path) == 52
    for frame, value in by_path[JAW][::7]:
        bpy.context.scene.frame_set(int(frame))
        assert abs(face.data.shape_keys.key_blocks["jawOpen"].value - value) < 1e-6


def test_existing_action_goes_to_the_nla_untouched():
    face = helpers.arkit_mesh()
    keys = face.data.shape_keys
    block = keys.key_blocks["mouthSmileLeft"]
    for frame, value in ((10, 0.25), (500, 0.75)):
        block.value = value
        block.keyframe_insert("value", frame=frame)
    old, old_slot = keys.animation_data.action, keys.animation_data.action_slot
    before = helpers.action_curves(old, old_slot)
    assert helpers.animate(helpers.vowels("over.wav", 1.0), 20) == {"FINISHED"}
    track, speech = keys.animation_data.nla_tracks
    assert speech.name == "Speech"
    assert speech.strips[0].extrapolation == "HOLD"
    (strip,) = track.strips
    assert strip.action == old
    assert strip.action_slot == old_slot
    assert not track.mute
    assert (strip.frame_start, strip.frame_end) == (10.0, 500.0)
    assert helpers.action_curves(old, old_slot) == before
    assert keys.animation_data.action is None
    bpy.context.scene.frame_set(300)
    assert block.value == 0.0, "the line holds its last frame: nothing below moves the other shape keys"


def test_second_line_leaves_the_first_one_showing():
    face = helpers.arkit_mesh()
    helpers.set_up(keys="DENSE")
    jaw = face.data.shape_keys.key_blocks["jawOpen"]
    scene = bpy.context.scene
    assert helpers.animate(helpers.vowels("one.wav", 2.0), 1) == {"FINISHED"}
    first = dict(helpers.curves(face)[JAW])
    assert helpers.animate(helpers.vowels("two.wav", 2.0), 100) == {"FINISHED"}
    second = {frame: value for frame, value in helpers.curves(face)[JAW] if frame > 96}
    assert helpers.animate(helpers.vowels("three.wav", 1.0), 200) == {"FINISHED"}
    assert max(first.values()) > 0.02, "the sound must move the jaw, or this test sees nothing"
    for keys in (first, second):
        for frame, value in list(keys.items())[::5]:
            scene.frame_set(int(frame))
            assert abs(jaw.value - value) < 1e-5, (frame, jaw.value, value)


def test_a_new_take_replaces_the_older_one():
    face = helpers.arkit_mesh()
    path = helpers.vowels("take.wav", 1.0)
    assert helpers.animate(path) == {"FINISHED"}
    assert helpers.animate(path, start_frame=5) == {"FINISHED"}
    assert len(face.soliloquy_face.lines) == 1
    assert helpers.curves(face)[JAW][0][0] == 5 - np.ceil(24 * helpers.SETTLE_S)
    assert [track.name for track in face.data.shape_keys.animation_data.nla_tracks] == ["Speech"]
    assert [action.name for action in bpy.data.actions] == ["take Soliloquy"]


def test_parts_follow_in_one_action():
    face = helpers.arkit_mesh()
    teeth = helpers.mesh_with_keys("Teeth", ("jawOpen", "unrelated"), parent=face)
    helpers.mesh_with_keys("Stranger", ("jawOpen",))
    assert helpers.animate(helpers.vowels("parts.wav", 1.0)) == {"FINISHED"}
    action = helpers.speech_strip(face.data.shape_keys).action
    assert helpers.speech_strip(teeth.data.shape_keys).action == action
    assert helpers.curves(teeth) == {JAW: helpers.curves(face)[JAW]}
    assert bpy.data.objects["Stranger"].data.shape_keys.animation_data is None
    assert len(action.slots) == 2


def test_parts_on_the_same_armature_follow_unless_switched_off():
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(rig)
    face = helpers.arkit_mesh()
    face.parent = rig
    tongue = helpers.mesh_with_keys("Tongue", ("tongueOut",), parent=rig)
    assert helpers.animate(helpers.vowels("rig.wav", 1.0), include_parts=False) == {"FINISHED"}
    assert tongue.data.shape_keys.animation_data is None
    assert helpers.animate(helpers.vowels("rig.wav", 1.0), include_parts=True) == {"FINISHED"}
    assert list(helpers.curves(tongue)) == [value_path("tongueOut")]


def test_spellings_match_and_the_rest_is_listed():
    names = ("EyeBlink_L", "eye_blink_right", "Jaw Open", "mouthSmile.R", "something else")
    face = helpers.mesh_with_keys("Odd", names)
    bpy.context.view_layer.objects.active = face
    character = helpers.module("blender_addon.rig_map").read_character(face)
    matched = {target.data_path: target.channel for rig_map in character.maps for target in rig_map.targets}
    assert matched == {
        value_path("EyeBlink_L"): "eyeBlinkLeft",
        value_path("eye_blink_right"): "eyeBlinkRight",
        value_path("Jaw Open"): "jawOpen",
        value_path("mouthSmile.R"): "mouthSmileRight",
    }
    assert len(character.unmatched) == 48
    assert "jawOpen" not in character.unmatched
    assert helpers.animate(helpers.vowels("odd.wav", 1.0)) == {"FINISHED"}
    assert set(helpers.curves(face)) == set(matched)


def test_driven_shape_keys_are_left_to_their_driver():
    face = helpers.arkit_mesh()
    face.data.shape_keys.key_blocks["jawOpen"].driver_add("value").driver.expression = "0.3"
    assert helpers.animate(helpers.vowels("driven.wav", 1.0)) == {"FINISHED"}
    assert JAW not in helpers.curves(face)
    assert any("drivers" in n for n in helpers.module("blender_addon.jobs").STATUS.notices)


def test_controls_reach_the_keys():
    face = helpers.arkit_mesh()
    path = helpers.vowels("controls.wav", 2.0)
    assert helpers.animate(path, blinks=False, keys="DENSE") == {"FINISHED"}
    plain = np.array(helpers.curves(face)[JAW])
    assert helpers.animate(path, jaw=0.5) == {"FINISHED"}
    assert np.allclose(np.array(helpers.curves(face)[JAW])[:, 1], plain[:, 1] / 2, atol=1e-5)
    assert helpers.animate(path, jaw=1.0, prediction_delay_s=0.25) == {"FINISHED"}
    delayed = np.array(helpers.curves(face)[JAW])
    assert np.allclose(delayed[21:-15, 1], plain[15:-21, 1], atol=1e-4), "0.25 s are 6 frames at 24 fps"


def test_30000_frames_are_keyed_faster_than_2000_one_by_one():
    face = helpers.arkit_mesh()
    types, retarget = helpers.module("inference.types"), helpers.module("inference.retarget")
    channels = helpers.module("inference.channels").ARKIT_52
    values = np.random.default_rng(1).random((30_000, 52)).astype(np.float32)
    motion = types.FaceMotion(values, channels, 24.0)
    names = [block.name for block in face.data.shape_keys.key_blocks]
    made = retarget.retarget(motion, retarget.map_by_name(face.name, names), types.FrameRate(24), 1.0)
    bezier, layers = helpers.module("inference.bezier"), helpers.module("blender_addon.layers")
    dense = [
        bezier.KeyedCurve(c.owner, c.object, c.data_path, c.index, bezier.through(c.frames, c.values))
        for c in made
    ]
    rig_map = helpers.module("blender_addon.rig_map")
    plan = layers.plan(face, bpy.context.scene, rig_map.read_character(face))
    started = time.process_time()
    layers.write(face, plan, dense)
    took_s = time.process_time() - started
    keys = np.array(helpers.curves(face)[JAW])
    assert keys.shape == (30_000, 2)
    assert np.allclose(keys[:, 1], motion.channel("jawOpen"))
    one_by_one_s = _insert_one_by_one(2_000)
    print(f"52 x 30,000 in bulk: {took_s:.2f} CPU s; 52 x 2,000 one by one: {one_by_one_s:.2f} CPU s")
    assert took_s < one_by_one_s


def _insert_one_by_one(frames: int) -> float:
    """CPU seconds that Blender's own way of keying takes for 52 channels."""
    blocks = helpers.arkit_mesh().data.shape_keys.key_blocks[1:]
    started = time.process_time()
    for frame in range(frames):
        for block in blocks:
            block.keyframe_insert("value", frame=frame)
    return time.process_time() - started
