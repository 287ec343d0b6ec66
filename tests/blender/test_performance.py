"""Directing a character: sliders and their keys, words, takes, the object that is looked at."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import bpy
import numpy as np
from helpers import FOLDER, animate, arkit_mesh, curves, empty_scene, error_of, module, vowels


def _performance(made: bpy.types.Object) -> bpy.types.PropertyGroup:
    return made.soliloquy_performance


def _line(duration_s: float = 3.0, **settings: object) -> bpy.types.Object:
    """A character that says vowels, from frame 1 at 24 frames a second."""
    scene = empty_scene()
    scene.frame_end = 400
    made = arkit_mesh()
    assert animate(vowels("line.wav", duration_s), **settings) == {"FINISHED"}
    return made


def _channel(made: bpy.types.Object, name: str) -> np.ndarray:
    """Keys of a shape key in the Speech layer, [K, 2]."""
    return np.array(curves(made)[f'key_blocks["{name}"].value'])


def _mean(made: bpy.types.Object, name: str, first: float, last: float) -> float:
    keys = _channel(made, name)
    frames = np.arange(first, last + 1)
    return float(np.interp(frames, keys[:, 0], keys[:, 1]).mean())


def _all(made: bpy.types.Object) -> dict[str, list[tuple[float, float]]]:
    return curves(made)


def test_a_slider_moves_the_face_at_once_and_neutral_takes_it_back() -> None:
    made = _line()
    calm = _mean(made, "mouthSmileLeft", 20, 60)
    _performance(made).joy = 1.0
    happy = _mean(made, "mouthSmileLeft", 20, 60)
    assert happy > calm + 0.15
    assert bpy.ops.soliloquy.neutral() == {"FINISHED"}
    assert abs(_mean(made, "mouthSmileLeft", 20, 60) - calm) < 0.01


def test_every_value_of_an_instruction_is_a_slider_that_can_be_keyed() -> None:
    values = module("inference.instruction.values")
    empty_scene()
    made = arkit_mesh()
    properties = _performance(made).bl_rna.properties
    for name in (*values.EMOTIONS, *values.ACTION_NAMES, "intensity"):
        assert properties[name].is_animatable, name
        assert properties[name].description, name
    for action in values.ACTIONS:
        assert properties[action.name].hard_min == action.low, action.name


def test_keys_on_a_slider_direct_the_line_over_time_and_stay_as_they_were() -> None:
    made = _line(6.0)
    shown = _performance(made)
    for frame, value in ((1, 0.0), (70, 0.0), (80, 1.0)):
        shown.joy = value
        made.keyframe_insert("soliloquy_performance.joy", frame=frame)
    (curve,) = module("blender_addon.directing")._slider_curves(made)
    before = [tuple(point.co) for point in curve.keyframe_points]
    assert bpy.ops.soliloquy.perform_again() == {"FINISHED"}
    assert _mean(made, "mouthSmileLeft", 110, 140) > _mean(made, "mouthSmileLeft", 20, 60) + 0.15
    (curve,) = module("blender_addon.directing")._slider_curves(made)
    assert [tuple(point.co) for point in curve.keyframe_points] == before
    assert animate(vowels("again.wav", 2.0), start_frame=200) == {"FINISHED"}
    (curve,) = module("blender_addon.directing")._slider_curves(made)
    assert [tuple(point.co) for point in curve.keyframe_points] == before


def test_sliders_are_sampled_through_the_nla_as_blender_shows_them() -> None:
    made = _line()
    scene, shown = bpy.context.scene, _performance(made)
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
    row = module("blender_addon.rig_rows").add(made)
    row.channel, row.kind, row.axis = "headYaw", "OBJECT", (0.0, 0.0, 1.0)
    shown = _performance(made)
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
    assert _mean(made, "mouthSmileLeft", 110, 140) > _mean(made, "mouthSmileLeft", 20, 60) + 0.15
    scene.frame_set(100)
    assert abs(shown.joy - 1.0) < 1e-5, "Blender shows the slider where its keys put it"


def _turn(made: bpy.types.Object, frame: int) -> float:
    """By how much a mesh is turned to its left on a frame, in radians."""
    bpy.context.scene.frame_set(frame)
    return made.matrix_world.to_euler().z


def test_words_set_the_sliders_and_what_is_not_understood_is_named() -> None:
    made = _line()
    shown = _performance(made)
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
    made = _line(6.0)
    shown = _performance(made)
    assert bpy.ops.soliloquy.read_instruction(text="First sad, then very angry") == {"FINISHED"}
    keyed = module("blender_addon.performance_tracks").keyed_sliders(made)
    assert {"sadness", "anger"} <= set(keyed)
    assert _mean(made, "browDownLeft", 120, 140) > _mean(made, "browDownLeft", 10, 40) + 0.1
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
    made = _line(6.0)
    assert bpy.ops.soliloquy.suggest_instruction() == {"FINISHED"}
    shown = _performance(made)
    assert shown.instruction
    assert shown.remarks.endswith("sure.") or "Nothing in the voice" in shown.remarks
    for over_time in (False, True):
        done = bpy.ops.soliloquy.suggest_instruction(over_time=over_time)
        assert done == {"FINISHED"}, "the keys were ours"


def test_takes_differ_in_face_and_head_but_not_in_the_lips_and_come_back_exactly() -> None:
    made = _line(6.0)
    takes = module("blender_addon.takes")
    first = _all(made)
    _performance(made).joy = 0.6
    happy = _all(made)
    assert bpy.ops.soliloquy.draw_takes(count=3) == {"FINISHED"}
    kept = takes.of_line(made, takes.active_line(made).line_id)
    assert len(kept.drawn) == 4, "the performance that was there and three new ones"
    assert kept.active == 1
    seen = {1: _all(made)}
    for index in (0, 2, 3):
        assert bpy.ops.soliloquy.use_take(index=index) == {"FINISHED"}
        seen[index] = _all(made)
    assert seen[0] == happy != first
    brow = 'key_blocks["browInnerUp"].value'
    assert len({str(one[brow]) for one in seen.values()}) == 4
    jaw = [
        np.interp(np.arange(10, 140), *np.array(one['key_blocks["jawOpen"].value']).T)
        for one in seen.values()
    ]
    assert min(np.corrcoef(jaw[0], other)[0, 1] for other in jaw[1:]) > 0.97
    assert bpy.ops.soliloquy.use_take(index=2) == {"FINISHED"}
    assert _all(made) == seen[2]


def test_a_take_remembers_what_it_was_drawn_for() -> None:
    made = _line()
    shown = _performance(made)
    takes = module("blender_addon.takes")
    shown.anger = 0.7
    bpy.ops.soliloquy.draw_takes(count=1)
    angry = _all(made)
    shown.anger, shown.joy = 0.0, 0.7
    bpy.ops.soliloquy.draw_takes(count=1)
    kept = takes.of_line(made, takes.active_line(made).line_id)
    bpy.ops.soliloquy.use_take(index=1)
    assert "joy" in kept.drawn[1].instruction, "moving a slider directed the take in use"
    assert angry != _all(made)
    bpy.ops.soliloquy.use_take(index=0)
    assert "angry" in kept.drawn[0].instruction
    assert abs(shown.anger - 0.7) < 1e-6
    assert shown.joy == 0.0
    assert kept.drawn[0].name.startswith("Angry ·"), kept.drawn[0].name
    assert kept.drawn[0].versions == takes.installed_versions()


def test_parts_are_mixed_locked_and_drawn_again() -> None:
    made = _line()
    takes = module("blender_addon.takes")
    bpy.ops.soliloquy.draw_takes(count=2, seed=100)
    kept = takes.of_line(made, takes.active_line(made).line_id)
    assert bpy.ops.soliloquy.bring_from_take(index=2, part="head") == {"FINISHED"}
    take = kept.drawn[1]
    assert (take.face_seed, take.head_seed, take.eyes_seed) == (100, 101, 100)
    assert take.name.endswith("100/101/100")
    assert bpy.ops.soliloquy.mix_takes(face=2, head=0, eyes=1) == {"FINISHED"}
    take, first = kept.drawn[3], kept.drawn[0]
    assert (take.face_seed, take.head_seed, take.eyes_seed) == (101, first.head_seed, 100)
    _performance(made).lock_face = True
    bpy.ops.soliloquy.draw_takes(count=1, seed=7)
    take = kept.drawn[4]
    assert (take.face_seed, take.head_seed, take.eyes_seed) == (101, 7, 7)
    bpy.ops.soliloquy.duplicate_take(index=4)
    assert len(kept.drawn) == 6
    for _ in range(6):
        assert bpy.ops.soliloquy.remove_take(index=0) == {"FINISHED"}
    assert takes.in_use(made, takes.active_line(made).line_id) is None


def test_keys_of_a_person_stay_when_takes_are_switched() -> None:
    made = _line()
    strip = module("blender_addon.layers").speech_action(made)
    keyframes = module("blender_addon.keyframes")
    bag = keyframes.channelbag(strip, strip.slots[0])
    curve = bag.fcurves.find('key_blocks["browInnerUp"].value')
    point = curve.keyframe_points[len(curve.keyframe_points) // 2]
    frame = point.co.x
    point.co.y = 0.77
    bpy.ops.soliloquy.draw_takes(count=2)
    keys = _channel(made, "browInnerUp")
    assert abs(np.interp(frame, keys[:, 0], keys[:, 1]) - 0.77) < 1e-4


def test_lines_of_their_own_and_a_new_line_follows_the_sliders() -> None:
    made = _line()
    shown = _performance(made)
    assert animate(vowels("second.wav", 3.0), start_frame=120) == {"FINISHED"}
    shown.joy = 0.8
    assert _mean(made, "mouthSmileLeft", 30, 60) > 0.1
    assert _mean(made, "mouthSmileLeft", 140, 180) > 0.1
    shown.all_lines = False
    made.soliloquy_face.active_line = 1
    shown.joy = 0.0
    assert _mean(made, "mouthSmileLeft", 30, 60) > 0.1
    assert _mean(made, "mouthSmileLeft", 140, 180) < 0.1
    made.soliloquy_face.active_line = 0
    assert abs(shown.joy - 0.8) < 1e-6, "the sliders show the line that was chosen"
    assert _mean(made, "mouthSmileLeft", 140, 180) < 0.1


def test_a_line_that_is_new_keeps_its_look_when_another_ones_take_is_used() -> None:
    made = _line()
    shown, takes = _performance(made), module("blender_addon.takes")
    shown.joy = 0.8
    bpy.ops.soliloquy.draw_takes(count=1)
    shown.all_lines = False
    shown.joy = 0.0
    assert animate(vowels("second.wav", 3.0), start_frame=120) == {"FINISHED"}
    calm = _mean(made, "mouthSmileLeft", 140, 180)
    bpy.ops.soliloquy.use_take(index=0)
    assert abs(shown.joy - 0.8) < 1e-6
    assert _mean(made, "mouthSmileLeft", 30, 60) > 0.1
    assert abs(_mean(made, "mouthSmileLeft", 140, 180) - calm) < 1e-4
    assert takes.of_line(made, made.soliloquy_face.lines[1].line_id) is not None


def test_the_eyes_are_led_to_an_object_and_follow_its_keys() -> None:
    made = _line()
    target = bpy.data.objects.new("Bird", None)
    bpy.context.scene.collection.objects.link(target)
    target.location = (5.0, -5.0, 0.5)
    bpy.context.view_layer.update()
    _performance(made).target = target
    look_left = _mean(made, "eyeLookOutLeft", 20, 60)
    assert look_left > 0.3
    assert _mean(made, "eyeLookOutRight", 20, 60) < 0.1
    for frame, x in ((1, 5.0), (70, -5.0)):
        target.location.x = x
        target.keyframe_insert("location", index=0, frame=frame)
    bpy.ops.soliloquy.perform_again()
    assert _mean(made, "eyeLookOutLeft", 5, 15) > _mean(made, "eyeLookOutLeft", 55, 65) + 0.2


def test_lips_only_without_the_performance() -> None:
    made = _line()
    _performance(made).enabled = False
    _performance(made).joy = 1.0
    assert _mean(made, "cheekSquintLeft", 10, 60) < 0.05


def test_bad_words_and_missing_takes_are_told() -> None:
    made = _line()
    shown = _performance(made)
    for text in ("12345", "qwrtz " * 2000, "traurig und wütend", "anger 5.0"):
        assert bpy.ops.soliloquy.read_instruction(text=text[:3900]) == {"FINISHED"}
        assert shown.remarks, text[:20]
    assert "no take 5" in error_of(RuntimeError, lambda: bpy.ops.soliloquy.use_take(index=5))


def test_a_take_of_other_models_warns() -> None:
    made = _line()
    takes = module("blender_addon.takes")
    bpy.ops.soliloquy.draw_takes(count=1)
    take = takes.in_use(made, takes.active_line(made).line_id)
    assert takes.drawn_elsewhere(take) == ""
    take.versions = "style 0.0.1"
    assert "style 0.0.1" in takes.drawn_elsewhere(take)


def test_drawing_and_switching_a_take_of_a_minute_is_quick() -> None:
    made = _line(60.0)
    spent = [_cpu_s(lambda: bpy.ops.soliloquy.draw_takes(count=1)) for _ in range(2)]
    spent += [_cpu_s(lambda index=index: bpy.ops.soliloquy.use_take(index=index)) for index in (1, 2, 0)]
    print("CPU seconds to draw, draw, use, use, use:", [round(s, 3) for s in spent])
    assert max(spent) < 0.3, spent
    assert made.soliloquy_performance.takes[0].active == 0


def _cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds: other programs that run meanwhile do not count."""
    started = time.process_time()
    work()
    return time.process_time() - started


def test_sliders_and_takes_of_a_linked_character_are_saved_with_its_override() -> None:
    library, saved = FOLDER / "actors.blend", FOLDER / "directed.blend"
    empty_scene()
    hero = arkit_mesh("Hero")
    collection = bpy.data.collections.new("Character")
    bpy.context.scene.collection.children.link(collection)
    collection.objects.link(hero)
    bpy.context.scene.collection.objects.unlink(hero)
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    empty_scene()
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.collections = ["Character"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    bpy.context.view_layer.objects.active = bpy.context.scene.objects["Hero"]
    assert bpy.ops.soliloquy.make_override() == {"FINISHED"}
    assert animate(vowels("line.wav", 2.0)) == {"FINISHED"}
    (hero,) = (o for o in bpy.context.scene.objects if o.name == "Hero")
    hero.soliloquy_performance.joy = 0.5
    bpy.ops.soliloquy.draw_takes(count=2)
    names = [take.name for take in hero.soliloquy_performance.takes[0].drawn]
    before = curves(hero)
    bpy.ops.wm.save_as_mainfile(filepath=str(saved))
    bpy.ops.wm.open_mainfile(filepath=str(saved))
    (hero,) = (o for o in bpy.context.scene.objects if o.name == "Hero")
    bpy.context.view_layer.objects.active = hero
    shown = hero.soliloquy_performance
    assert abs(shown.joy - 0.5) < 1e-6
    assert [take.name for take in shown.takes[0].drawn] == names
    assert shown.takes[0].active == 1
    assert bpy.ops.soliloquy.reapply() == {"FINISHED"}
    assert curves(hero) == before


def test_a_copied_line_has_the_takes_of_its_origin() -> None:
    made = _line()
    takes, kept_lines = module("blender_addon.takes"), module("blender_addon.kept_lines")
    bpy.ops.soliloquy.draw_takes(count=2)
    origin = takes.active_line(made).line_id
    kept_lines.store(made, replace(kept_lines.load(made)[0], line_id="copy", start_frame=200.0))
    takes.copy(made, origin, "copy")
    first, second = (takes.in_use(made, line_id) for line_id in (origin, "copy"))
    assert (first.name, first.head_seed) == (second.name, second.head_seed)
    assert takes.of_line(made, "copy").active == 1


def test_a_language_model_rephrases_only_where_the_user_allows_it() -> None:
    made = _line()
    shown = _performance(made)
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
