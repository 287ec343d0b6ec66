"""Directing a character: sliders and their keys, words, the object that is looked at."""

from __future__ import annotations

import http.server
import json
import threading

import bpy
import numpy as np
from helpers import (
    animate,
    arkit_mesh,
    empty_scene,
    error_of,
    mean,
    module,
    spoken_line,
    vowels,
)


def test_a_slider_moves_the_face_at_once_and_neutral_takes_it_back() -> None:
    made = spoken_line()
    calm = mean(made, "mouthSmileLeft", 20, 60)
    made.soliloquy_performance.joy = 1.0
    happy = mean(made, "mouthSmileLeft", 20, 60)
    assert happy > calm + 0.15
    assert bpy.ops.soliloquy.neutral() == {"FINISHED"}
    assert abs(mean(made, "mouthSmileLeft", 20, 60) - calm) < 0.01


def test_every_value_of_an_instruction_is_a_slider_that_can_be_keyed() -> None:
    values = module("inference.instruction.values")
    empty_scene()
    made = arkit_mesh()
    properties = made.soliloquy_performance.bl_rna.properties
    for name in (*values.EMOTIONS, *values.ACTION_NAMES, "intensity"):
        assert properties[name].is_animatable, name
        assert properties[name].description, name
    for action in values.ACTIONS:
        assert properties[action.name].hard_min == action.low, action.name


def test_keys_on_a_slider_direct_the_line_over_time_and_stay_as_they_were() -> None:
    made = spoken_line(6.0)
    shown = made.soliloquy_performance
    for frame, value in ((1, 0.0), (70, 0.0), (80, 1.0)):
        shown.joy = value
        made.keyframe_insert("soliloquy_performance.joy", frame=frame)
    (curve,) = module("blender_addon.directing")._slider_curves(made)
    before = [tuple(point.co) for point in curve.keyframe_points]
    assert bpy.ops.soliloquy.perform_again() == {"FINISHED"}
    assert mean(made, "mouthSmileLeft", 110, 140) > mean(made, "mouthSmileLeft", 20, 60) + 0.15
    (curve,) = module("blender_addon.directing")._slider_curves(made)
    assert [tuple(point.co) for point in curve.keyframe_points] == before
    assert animate(vowels("again.wav", 2.0), start_frame=200) == {"FINISHED"}
    (curve,) = module("blender_addon.directing")._slider_curves(made)
    assert [tuple(point.co) for point in curve.keyframe_points] == before


def test_sliders_are_sampled_through_the_nla_as_blender_shows_them() -> None:
    made = spoken_line()
    scene, shown = bpy.context.scene, made.soliloquy_performance
    for frame, value in ((10, 0.0), (60, 0.8)):
        shown.anger = value
        made.keyframe_insert("soliloquy_performance.anger", frame=frame)
    data = made.animation_data
    action, slot = data.action, data.action_slot
    track = data.nla_tracks.new()
    strip = track.strips.new("mood", 20, action)
    strip.action_slot, strip.scale = slot, 1.5
    strip.use_animated_influence = True
    strip.fcurves.find("influence").keyframe_points[0].co.y = 0.5
    data.action = None
    shown.anger = 0.1
    made.keyframe_insert("soliloquy_performance.anger", frame=1)
    data.action_blend_type = "ADD"
    sampled = module("blender_addon.performance_curves")
    frames = np.arange(1.0, 120.0, 7.0)
    ours = sampled.values(made, ("soliloquy_performance.anger", 0), frames, 0.0)
    theirs = []
    for frame in frames:
        scene.frame_set(int(frame))
        theirs.append(shown.anger)
    assert np.abs(ours - theirs).max() < 1e-4, (ours, theirs)
    assert max(theirs) > 0.3


def test_a_mesh_without_bones_turns_as_a_whole_and_its_keyed_sliders_go_on() -> None:
    scene = empty_scene()
    scene.frame_end = 400
    made = arkit_mesh()
    assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
    row = module("blender_addon.rig_store").add(made)
    row.channel, row.kind, row.axis = "headYaw", "OBJECT", (0.0, 0.0, 1.0)
    shown = made.soliloquy_performance
    for frame, value in ((70, 0.0), (80, 1.0)):
        shown.joy = value
        made.keyframe_insert("soliloquy_performance.joy", frame=frame)
    own = made.animation_data.action
    assert animate(vowels("line.wav", 6.0)) == {"FINISHED"}
    shown.head_turn = 0.5
    turned = _turn(made, 60)
    shown.head_turn = -0.5
    assert turned > _turn(made, 60) + 0.05, "towards the subject's left"
    assert own in [s.action for t in made.animation_data.nla_tracks for s in t.strips], (
        "pushed down, untouched"
    )
    assert list(module("blender_addon.performance_tracks").keyed_sliders(made)) == ["joy"]
    assert mean(made, "mouthSmileLeft", 110, 140) > mean(made, "mouthSmileLeft", 20, 60) + 0.15
    scene.frame_set(100)
    assert abs(shown.joy - 1.0) < 1e-5, "Blender shows the slider where its keys put it"


def _turn(made: bpy.types.Object, frame: int) -> float:
    """By how much a mesh is turned to its left on a frame, in radians."""
    bpy.context.scene.frame_set(frame)
    return made.matrix_world.to_euler().z


def test_words_set_the_sliders_and_what_is_not_understood_is_named() -> None:
    made = spoken_line()
    shown = made.soliloquy_performance
    assert bpy.ops.soliloquy.read_instruction(text="A very sad speaker, brows raised, blorxing") == {
        "FINISHED"
    }
    assert shown.sadness > 0.5
    assert shown.brows > 0.2
    assert "blorxing" in shown.remarks
    assert bpy.ops.soliloquy.write_instruction() == {"FINISHED"}
    assert "sad" in shown.instruction
    sadness = shown.sadness
    assert bpy.ops.soliloquy.read_instruction() == {"FINISHED"}
    assert abs(shown.sadness - sadness) < 0.01
    assert shown.remarks == ""


def test_steps_in_words_are_keyed_and_a_persons_keys_are_not_written_over() -> None:
    made = spoken_line(6.0)
    shown = made.soliloquy_performance
    assert bpy.ops.soliloquy.read_instruction(text="First sad, then very angry") == {"FINISHED"}
    keyed = module("blender_addon.performance_tracks").keyed_sliders(made)
    assert {"sadness", "anger"} <= set(keyed)
    assert mean(made, "browDownLeft", 120, 140) > mean(made, "browDownLeft", 10, 40) + 0.1
    assert bpy.ops.soliloquy.read_instruction(text="joyful") == {"FINISHED"}  # the keys were ours
    assert not module("blender_addon.performance_tracks").keyed_sliders(made)
    shown.fear = 0.5
    made.keyframe_insert("soliloquy_performance.fear", frame=30)
    assert "keys of your own" in _reason("SOLILOQUY_OT_read_instruction")
    assert bpy.ops.soliloquy.neutral() == {"FINISHED"}
    assert not module("blender_addon.performance_tracks").keyed_sliders(made)


def _reason(operator: str) -> str:
    found = getattr(module("blender_addon.operators.performance"), operator, None)
    found = found or getattr(module("blender_addon.operators.takes"), operator)
    return found.disabled_reason(bpy.context)


def test_the_voice_suggests_something_valid() -> None:
    made = spoken_line(6.0)
    assert bpy.ops.soliloquy.suggest_instruction() == {"FINISHED"}
    shown = made.soliloquy_performance
    assert shown.instruction
    assert shown.remarks.endswith("sure.") or "Nothing in the voice" in shown.remarks
    for over_time in (False, True):
        done = bpy.ops.soliloquy.suggest_instruction(over_time=over_time)
        assert done == {"FINISHED"}, "the keys were ours"


def test_the_eyes_are_led_to_an_object_and_follow_its_keys() -> None:
    made = spoken_line()
    target = bpy.data.objects.new("Bird", None)
    bpy.context.scene.collection.objects.link(target)
    target.location = (5.0, -5.0, 0.5)
    bpy.context.view_layer.update()
    made.soliloquy_performance.target = target
    look_left = mean(made, "eyeLookOutLeft", 20, 60)
    assert look_left > 0.3
    assert mean(made, "eyeLookOutRight", 20, 60) < 0.1
    for frame, x in ((1, 5.0), (70, -5.0)):
        target.location.x = x
        target.keyframe_insert("location", index=0, frame=frame)
    bpy.ops.soliloquy.perform_again()
    assert mean(made, "eyeLookOutLeft", 5, 15) > mean(made, "eyeLookOutLeft", 55, 65) + 0.2


def test_lips_only_without_the_performance() -> None:
    made = spoken_line()
    made.soliloquy_performance.enabled = False
    made.soliloquy_performance.joy = 1.0
    assert mean(made, "cheekSquintLeft", 10, 60) < 0.05


def test_bad_words_and_missing_takes_are_told() -> None:
    made = spoken_line()
    shown = made.soliloquy_performance
    for text in ("12345", "qwrtz " * 2000, "traurig und wütend", "anger 5.0"):
        assert bpy.ops.soliloquy.read_instruction(text=text[:3900]) == {"FINISHED"}
        assert shown.remarks, text[:20]
    assert "no take 5" in error_of(RuntimeError, lambda: bpy.ops.soliloquy.use_take(index=5))


def test_a_language_model_rephrases_only_where_the_user_allows_it() -> None:
    made = spoken_line()
    shown = made.soliloquy_performance
    shown.instruction = "sehr traurig"
    system, buttons = bpy.context.preferences.system, module("blender_addon.operators.performance")
    assert "No language model" in _reason("SOLILOQUY_OT_rephrase_instruction")
    with _Answering("A very sad speaker, brows lowered.") as server:
        buttons.language_model = lambda: (f"http://127.0.0.1:{server.server_port}", "")
        system.use_online_access = False
        assert "Online access is off" in _reason("SOLILOQUY_OT_rephrase_instruction")
        assert server.asked == []
        system.use_online_access = True
        assert bpy.ops.soliloquy.rephrase_instruction() == {"FINISHED"}
        (asked,) = server.asked
        assert "sehr traurig" in asked
        assert shown.sadness > 0.6
        assert shown.brows < 0
    shown.instruction = "A joyful speaker"
    assert bpy.ops.soliloquy.rephrase_instruction() == {"FINISHED"}  # nobody answers any more
    assert shown.joy > 0.5
    assert "read without it" in shown.remarks
    buttons.language_model = module("blender_addon.preferences").language_model
    system.use_online_access = False


class _Answering(http.server.HTTPServer):
    """A server that gives one answer to everything, as OpenAI's would."""

    def __init__(self, answer: str) -> None:
        self.asked: list[str] = []
        body = json.dumps({"choices": [{"message": {"content": answer}}]}).encode()
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_unused: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *unused: object) -> None:
        self.shutdown()
        super().__exit__(*unused)
