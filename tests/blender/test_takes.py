"""Takes of a line: drawn, used, mixed, locked, kept with the file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import bpy
import numpy as np
from helpers import (
    FOLDER,
    animate,
    arkit_mesh,
    channel,
    curves,
    empty_scene,
    mean,
    module,
    spoken_line,
    vowels,
)


def test_takes_differ_in_face_and_head_but_not_in_the_lips_and_come_back_exactly() -> None:
    made = spoken_line(6.0)
    takes = module("blender_addon.takes")
    first = curves(made)
    made.soliloquy_performance.joy = 0.6
    happy = curves(made)
    assert bpy.ops.soliloquy.draw_takes(count=3) == {"FINISHED"}
    kept = takes.of_line(made, takes.active_line(made).line_id)
    assert len(kept.drawn) == 4, "the performance that was there and three new ones"
    assert kept.active == 1
    seen = {1: curves(made)}
    for index in (0, 2, 3):
        assert bpy.ops.soliloquy.use_take(index=index) == {"FINISHED"}
        seen[index] = curves(made)
    assert seen[0] == happy != first
    brow = 'key_blocks["browInnerUp"].value'
    assert len({str(one[brow]) for one in seen.values()}) == 4
    jaw = [
        np.interp(np.arange(10, 140), *np.array(one['key_blocks["jawOpen"].value']).T)
        for one in seen.values()
    ]
    assert min(np.corrcoef(jaw[0], other)[0, 1] for other in jaw[1:]) > 0.97
    assert bpy.ops.soliloquy.use_take(index=2) == {"FINISHED"}
    assert curves(made) == seen[2]


def test_a_take_remembers_what_it_was_drawn_for() -> None:
    made = spoken_line()
    shown = made.soliloquy_performance
    takes = module("blender_addon.takes")
    shown.anger = 0.7
    bpy.ops.soliloquy.draw_takes(count=1)
    angry = curves(made)
    shown.anger, shown.joy = 0.0, 0.7
    bpy.ops.soliloquy.draw_takes(count=1)
    kept = takes.of_line(made, takes.active_line(made).line_id)
    bpy.ops.soliloquy.use_take(index=1)
    assert "joy" in kept.drawn[1].instruction, "moving a slider directed the take in use"
    assert angry != curves(made)
    bpy.ops.soliloquy.use_take(index=0)
    assert "angry" in kept.drawn[0].instruction
    assert abs(shown.anger - 0.7) < 1e-6
    assert shown.joy == 0.0
    assert kept.drawn[0].name.startswith("Angry ·"), kept.drawn[0].name
    assert kept.drawn[0].versions == takes.installed_versions()


def test_parts_are_mixed_locked_and_drawn_again() -> None:
    made = spoken_line()
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
    made.soliloquy_performance.lock_face = True
    bpy.ops.soliloquy.draw_takes(count=1, seed=7)
    take = kept.drawn[4]
    assert (take.face_seed, take.head_seed, take.eyes_seed) == (101, 7, 7)
    bpy.ops.soliloquy.duplicate_take(index=4)
    assert len(kept.drawn) == 6
    for _ in range(6):
        assert bpy.ops.soliloquy.remove_take(index=0) == {"FINISHED"}
    assert takes.in_use(made, takes.active_line(made).line_id) is None


def test_keys_of_a_person_stay_when_takes_are_switched() -> None:
    made = spoken_line()
    strip = module("blender_addon.layers").speech_action(made)
    keyframes = module("blender_addon.keyframes")
    bag = keyframes.channelbag(strip, strip.slots[0])
    curve = bag.fcurves.find('key_blocks["browInnerUp"].value')
    point = curve.keyframe_points[len(curve.keyframe_points) // 2]
    frame = point.co.x
    point.co.y = 0.77
    bpy.ops.soliloquy.draw_takes(count=2)
    keys = channel(made, "browInnerUp")
    assert abs(np.interp(frame, keys[:, 0], keys[:, 1]) - 0.77) < 1e-4


def test_lines_of_their_own_and_a_new_line_follows_the_sliders() -> None:
    made = spoken_line()
    shown = made.soliloquy_performance
    assert animate(vowels("second.wav", 3.0), start_frame=120) == {"FINISHED"}
    shown.joy = 0.8
    assert mean(made, "mouthSmileLeft", 30, 60) > 0.1
    assert mean(made, "mouthSmileLeft", 140, 180) > 0.1
    shown.all_lines = False
    made.soliloquy_face.active_line = 1
    shown.joy = 0.0
    assert mean(made, "mouthSmileLeft", 30, 60) > 0.1
    assert mean(made, "mouthSmileLeft", 140, 180) < 0.1
    made.soliloquy_face.active_line = 0
    assert abs(shown.joy - 0.8) < 1e-6, "the sliders show the line that was chosen"
    assert mean(made, "mouthSmileLeft", 140, 180) < 0.1


def test_a_line_that_is_new_keeps_its_look_when_another_ones_take_is_used() -> None:
    made = spoken_line()
    shown, takes = made.soliloquy_performance, module("blender_addon.takes")
    shown.joy = 0.8
    bpy.ops.soliloquy.draw_takes(count=1)
    shown.all_lines = False
    shown.joy = 0.0
    assert animate(vowels("second.wav", 3.0), start_frame=120) == {"FINISHED"}
    calm = mean(made, "mouthSmileLeft", 140, 180)
    bpy.ops.soliloquy.use_take(index=0)
    assert abs(shown.joy - 0.8) < 1e-6
    assert mean(made, "mouthSmileLeft", 30, 60) > 0.1
    assert abs(mean(made, "mouthSmileLeft", 140, 180) - calm) < 1e-4
    assert takes.of_line(made, made.soliloquy_face.lines[1].line_id) is not None


def test_a_take_of_other_models_warns() -> None:
    made = spoken_line()
    takes = module("blender_addon.takes")
    bpy.ops.soliloquy.draw_takes(count=1)
    take = takes.in_use(made, takes.active_line(made).line_id)
    assert takes.drawn_elsewhere(take) == ""
    take.versions = "style 0.0.1"
    assert "style 0.0.1" in takes.drawn_elsewhere(take)


def test_drawing_and_switching_a_take_costs_less_than_hearing_the_line() -> None:
    made = None

    def hear() -> None:
        nonlocal made
        made = spoken_line(60.0)

    heard = _cpu_s(hear)
    spent = [_cpu_s(lambda: bpy.ops.soliloquy.draw_takes(count=1)) for _ in range(2)]
    spent += [_cpu_s(lambda index=index: bpy.ops.soliloquy.use_take(index=index)) for index in (1, 2, 0)]
    print(f"CPU seconds to hear {heard:.3f}; to draw, draw, use, use, use:", [round(s, 3) for s in spent])
    assert max(spent) < heard, spent
    assert max(spent[2:]) < 0.5 * heard, "a take that is known is made again"
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
    made = spoken_line()
    takes, kept_lines = module("blender_addon.takes"), module("blender_addon.kept_lines")
    bpy.ops.soliloquy.draw_takes(count=2)
    origin = takes.active_line(made).line_id
    kept_lines.store(made, replace(kept_lines.load(made)[0], line_id="copy", start_frame=200.0))
    takes.copy(made, origin, "copy")
    first, second = (takes.in_use(made, line_id) for line_id in (origin, "copy"))
    assert (first.name, first.head_seed) == (second.name, second.head_seed)
    assert takes.of_line(made, "copy").active == 1
