"""Dialogue: strips as lines of several characters, what is redone, and what follows a strip."""

from __future__ import annotations

import shutil
import types

import bpy
import helpers
from helpers import value_path

JAW = value_path("jawOpen")


def _strip(path, frame_start, character=None, channel=1, name="line"):
    scene = bpy.context.scene
    editor = scene.sequence_editor or scene.sequence_editor_create()
    made = (
        helpers.module("blender_addon.compat").strips(editor).new_sound(name, str(path), channel, frame_start)
    )
    made.soliloquy_line.character = character
    return made


def _dialogue():
    return helpers.module("blender_addon.dialogue")


def _strips():
    return helpers.module("blender_addon.dialogue_strips")


def _animate(**options):
    return bpy.ops.soliloquy.animate_dialogue(**options)


def _summary():
    return helpers.module("blender_addon.jobs").STATUS.summary


def _jaw(face, frame):
    """Value of the jaw on a frame, as Blender evaluates it."""
    scene = bpy.context.scene
    scene.frame_set(int(frame), subframe=frame % 1.0)
    return (
        face.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.shape_keys.key_blocks["jawOpen"].value
    )


def _range(face):
    frames = [frame for frame, _ in helpers.curves(face)[JAW]]
    return min(frames), max(frames)


def _cast():
    """Two characters and the sound of a line."""
    return helpers.arkit_mesh("Anna"), helpers.arkit_mesh("Bob"), helpers.vowels("line.wav", 1.0)


def test_lines_of_several_characters_in_one_go():
    anna, bob, path = _cast()
    other = helpers.vowels("other.wav", 0.6)
    _strip(path, 1, anna, name="a1")
    _strip(other, 30, bob, 2, name="b1")
    _strip(path, 60, anna, name="a2")
    _strip(other, 200, channel=3, name="music")
    assert _animate() == {"FINISHED"}
    assert _summary() == "Animated 3 lines of 2 characters"
    assert _range(anna)[1] > 80
    assert 14 < _range(bob)[0] < 30 < _range(bob)[1] < 70
    assert _jaw(anna, 10) > 0.05
    assert abs(_jaw(anna, 10) - _jaw(anna, 69)) < 0.05, "the same sound, the same mouth"
    assert _jaw(anna, 45) < 0.001, "silence between lines is rest"
    assert _jaw(bob, 10) == 0.0


def test_only_what_changed_is_heard_again():
    anna, bob, path = _cast()
    other = helpers.FOLDER / "changing.wav"
    shutil.copy(helpers.vowels("changing_a.wav", 0.8), other)
    _strip(path, 1, anna, name="a")
    strip = _strip(other, 40, bob, 2, name="b")
    _animate()
    _animate()
    assert _summary() == "Animated 0 lines of 2 characters, 2 unchanged"
    shutil.copy(helpers.vowels("changing_b.wav", 0.8, ((0.0, 0.2),)), other)
    assert _jaw(bob, 52) > 0.05
    _animate()
    assert _summary() == "Animated 1 line of 2 characters, 1 unchanged"
    assert _jaw(bob, 52) < 0.05, "the new sound is silent there"
    strip.soliloquy_line.transcript = "Aha"
    assert _strips().state(strip, bpy.context.scene) == "CHANGED"
    _animate(again=True)
    assert _summary() == "Animated 2 lines of 2 characters"


def test_the_animation_follows_a_moved_and_trimmed_strip():
    for fps, base in ((24, 1.001), (24, 1.0), (25, 1.0), (30, 1.001), (30, 1.0), (60, 1.0)):
        scene = helpers.empty_scene(fps, base)
        anna, _, path = _cast()
        strip = _strip(path, 5, anna)
        _animate()
        before = _jaw(anna, 5 + fps // 4)
        assert not _strips().is_behind(scene)
        strip.frame_start = -100
        assert _strips().is_behind(scene)
        assert _strips().state(strip, scene) == "MOVED"
        assert bpy.ops.soliloquy.follow_strips() == {"FINISHED"}
        after = _jaw(anna, -100 + fps // 4)
        assert abs(after - before) < 0.011, (fps, before, after)  # two thinned curves, each off by 0.005
        assert _jaw(anna, 5 + fps // 4) == 0.0
        strip.frame_offset_start = 10
        _dialogue().follow(scene)
        settle = helpers.SETTLE_S * fps + 1
        assert -90 - settle <= _range(anna)[0] < -90
        assert not _strips().is_behind(scene)


def test_a_copied_strip_speaks_where_it_lies_and_has_a_line_of_its_own():
    anna, _, path = _cast()
    first = _strip(path, 1, anna, name="first")
    _animate()
    again = _strip(path, 101, anna, name="again")
    again.soliloquy_line.line_id = first.soliloquy_line.line_id  # what duplicating and cutting a strip do
    assert _strips().is_behind(bpy.context.scene)
    assert _dialogue().follow(bpy.context.scene) == ("Anna",)
    assert first.soliloquy_line.line_id != again.soliloquy_line.line_id
    assert abs(_jaw(anna, 110) - _jaw(anna, 10)) < 0.05
    assert _jaw(anna, 10) > 0.05
    assert len(anna.soliloquy_face.lines) == 2
    _animate()
    assert _summary() == "Animated 0 lines of 1 character, 2 unchanged"


def test_a_line_that_changes_hands_leaves_its_old_character():
    anna, bob, path = _cast()
    strip = _strip(path, 1, anna)
    _strip(path, 101, anna, name="stays")
    _animate()
    strip.soliloquy_line.character = bob
    _animate()
    assert _jaw(anna, 10) == 0.0
    assert _jaw(anna, 110) > 0.05
    assert _jaw(bob, 10) > 0.05


def test_a_line_that_fails_does_not_lose_the_others():
    anna, bob, path = _cast()
    broken = helpers.FOLDER / "broken.wav"
    broken.write_bytes(b"RIFF....WAVEno sound at all")
    _strip(broken, 1, anna, name="broken")
    gone = _strip(helpers.vowels("gone.wav", 0.5), 50, anna, name="gone")
    bpy.path.abspath(gone.sound.filepath)
    (helpers.FOLDER / "gone.wav").unlink()
    _strip(path, 100, anna, name="good")
    flat = helpers.mesh_with_keys("Flat", ())
    _strip(path, 1, flat, 2, name="flat")
    assert _animate() == {"FINISHED"}
    status = helpers.module("blender_addon.jobs").STATUS
    assert _summary() == "Animated 1 line of 1 character, 3 failed"
    strips = {strip.name: strip.soliloquy_line.problem for strip in _strips().lines(bpy.context.scene)}
    assert strips["good"] == ""
    assert "cannot be read" in strips["gone"]
    assert "has no shape keys" in strips["flat"]
    assert strips["broken"]
    assert any(notice.startswith("flat: ") for notice in status.notices)
    assert _jaw(anna, 110) > 0.05
    assert not bob.soliloquy_face.lines


def test_muted_strips_are_passed_over_and_keep_what_they_have():
    anna, _, path = _cast()
    strip = _strip(path, 1, anna)
    _strip(path, 60, anna, name="second")
    _animate()
    strip.mute = True
    _animate()
    assert _summary() == "Animated 0 lines of 1 character, 1 unchanged, 1 muted"
    assert _jaw(anna, 10) > 0.05


def test_a_line_made_from_the_panel_is_the_strips_line_and_follows_it():
    scene = bpy.context.scene
    anna = helpers.arkit_mesh("Anna")
    path = helpers.vowels("panel.wav", 1.0)
    helpers.animate(path, 20)
    (strip,) = _strips().sound_strips(scene)
    assert strip.soliloquy_line.character == anna
    assert not _strips().is_behind(scene)
    _animate()
    assert _summary() == "Animated 0 lines of 1 character, 1 unchanged"
    before = _jaw(anna, 30)
    strip.frame_start = 60
    assert _dialogue().follow(scene) == ("Anna",)
    after = _jaw(anna, 70)
    assert abs(after - before) < 0.011, (before, after, _range(anna), strip.soliloquy_line.whole[:])
    assert len(anna.soliloquy_face.lines) == 1
    helpers.animate(path, 200)
    assert [s.soliloquy_line.character for s in _strips().sound_strips(scene)] == [None, anna]
    assert not _strips().is_behind(scene)
    assert len(anna.soliloquy_face.lines) == 1


def test_the_active_strip_keeps_its_line_when_the_panel_animates_it():
    scene = bpy.context.scene
    anna, bob, path = _cast()
    first, second = _strip(path, 1, anna, name="first"), _strip(path, 60, anna, name="second")
    _animate()
    ids = [first.soliloquy_line.line_id, second.soliloquy_line.line_id]
    scene.soliloquy.target, scene.soliloquy.source = anna, "STRIP"
    for strip in (first, second):
        scene.sequence_editor.active_strip = strip
        bpy.ops.soliloquy.animate()
    assert len(anna.soliloquy_face.lines) == 2
    assert [first.soliloquy_line.line_id, second.soliloquy_line.line_id] == ids
    scene.soliloquy.target = bob
    bpy.ops.soliloquy.animate()
    assert second.soliloquy_line.character == bob
    assert _jaw(bob, 70) > 0.05


def test_removing_a_line():
    anna, _, path = _cast()
    strip = _strip(path, 1, anna)
    _strip(path, 101, anna, name="stays")
    _animate()
    bpy.ops.soliloquy.remove_line(character="Anna", line_id=strip.soliloquy_line.line_id)
    assert _jaw(anna, 10) == 0.0
    assert _jaw(anna, 110) > 0.05
    assert _strips().state(strip, bpy.context.scene) == "NEW"
    said = helpers.error_of(
        RuntimeError, lambda: bpy.ops.soliloquy.remove_line(character="Anna", line_id="no")
    )
    assert "keeps no such line" in said


def test_assigning_selected_strips():
    anna, bob, path = _cast()
    strips = [_strip(path, 1 + 50 * i, name=f"s{i}") for i in range(3)]
    strips[2].select = False
    bpy.context.scene.soliloquy.target = anna
    assert bpy.ops.soliloquy.assign_lines() == {"FINISHED"}
    assert [s.soliloquy_line.character for s in strips] == [anna, anna, None]
    bpy.ops.soliloquy.assign_lines(character="Bob")
    assert strips[0].soliloquy_line.character == bob
    bpy.ops.soliloquy.assign_lines(clear=True)
    assert _strips().lines(bpy.context.scene) == []
    said = helpers.error_of(RuntimeError, lambda: bpy.ops.soliloquy.assign_lines(character="Nobody"))
    assert "no object" in said
    reason = helpers.module("blender_addon.operators.dialogue_lines").SOLILOQUY_OT_animate_dialogue
    assert "No sound strip in the sequencer has a character" in reason.disabled_reason(bpy.context)


def test_lines_survive_saving_and_opening():
    anna, _, path = _cast()
    _strip(path, 1, anna)
    _animate()
    value = _jaw(anna, 10)
    file = helpers.FOLDER / "dialogue.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    bpy.ops.wm.open_mainfile(filepath=str(file))
    helpers.enable()
    assert abs(_jaw(bpy.data.objects["Anna"], 10) - value) < 1e-6
    _animate()
    assert _summary() == "Animated 0 lines of 1 character, 1 unchanged"


def test_stopping_leaves_the_scene_as_it_was():
    anna, _, path = _cast()
    strip = _strip(path, 1, anna)
    before = helpers.snapshot()
    dialogue, job = _dialogue(), helpers.module("blender_addon.dialogue_job")
    asked, _ = dialogue.request(bpy.context.scene, [strip])
    errors = helpers.module("inference.errors")
    said = helpers.error_of(errors.Cancelled, job.compute, asked, lambda _share: None, lambda: True)
    assert said == "Stopped. Nothing was changed."
    assert helpers.snapshot() == before
    assert strip.soliloquy_line.line_id == ""


def test_progress_rises_to_one_and_the_same_sound_is_heard_once():
    anna, bob, path = _cast()
    strips = [_strip(path, 1 + 30 * i, (anna, bob)[i % 2], 1 + i % 2, name=f"s{i}") for i in range(6)]
    job = helpers.module("blender_addon.dialogue_job")
    asked, refused = _dialogue().request(bpy.context.scene, strips)
    shares, heard = [], []
    listen = job.listen
    job.listen = lambda *args, **kwargs: heard.append(args[0]) or listen(*args, **kwargs)
    try:
        job.compute(asked, shares.append, lambda: False)
    finally:
        job.listen = listen
    assert not refused
    assert len(heard) == 1
    assert shares == sorted(shares)
    assert abs(shares[-1] - 1.0) < 1e-9


def test_of_a_long_recording_only_what_plays_is_heard():
    anna = helpers.arkit_mesh("Anna")
    strip = _strip(helpers.vowels("long.wav", 60.0), 1, anna)
    strip.frame_final_start, strip.frame_final_end = 1 + 24 * 20, 1 + 24 * 22
    assert _animate() == {"FINISHED"}
    (kept,) = anna.soliloquy_face.lines
    assert [round(value) for value in kept.heard] == [10, 32]
    (line,) = helpers.module("blender_addon.kept_lines").load(anna)
    motion = line.spoken.motion
    assert abs(len(motion.values) / motion.rate_hz - 60.0) < 0.1
    moving = abs(motion.values[:, motion.channels.index("jawOpen")]) > 0.05
    assert moving[20 * 50 : 22 * 50].any()
    assert not moving[: 9 * 50].any()
    assert not moving[33 * 50 :].any()
    assert max(_jaw(anna, frame) for frame in range(490, 520)) > 0.05
    strip.frame_final_end = 1 + 24 * 29  # within what was heard around it
    assert _strips().state(strip, bpy.context.scene) == "MOVED"
    _dialogue().follow(bpy.context.scene)
    assert max(_jaw(anna, frame) for frame in range(600, 680)) > 0.05
    strip.frame_final_end = 1 + 24 * 50
    assert _strips().state(strip, bpy.context.scene) == "CHANGED"
    assert _animate() == {"FINISHED"}
    assert _summary() == "Animated 1 line of 1 character"
    assert max(_jaw(anna, frame) for frame in range(1100, 1180)) > 0.05
    assert _strips().state(strip, bpy.context.scene) == "DONE"


def test_strips_inside_a_meta_strip_play_as_far_as_it_shows_them():
    scene = bpy.context.scene
    anna, _, path = _cast()
    strip = _strip(path, 10, anna)
    for other in helpers.module("blender_addon.compat").all_strips(scene.sequence_editor):
        other.select = True
    meta = helpers.module("blender_addon.compat").strips(scene.sequence_editor).new_meta("m", 2, 10)
    strip.move_to_meta(meta)
    meta.frame_final_end = 20
    source = helpers.module("blender_addon.media").source_from_strip(
        strip, helpers.module("inference.types").FrameRate(24)
    )
    assert source.audible[1] == 20.0
    _animate()
    assert _range(anna)[1] < 20 + 24 * helpers.SETTLE_S + 1


class _Layout:
    """Takes in what a panel draws; every other layout call returns another such layout."""

    def __init__(self, texts):
        self.texts = texts

    def label(self, text="", icon="NONE"):
        self.texts.append(f"{icon} {text}")

    def prop(self, data, name, **_):
        assert hasattr(data, name)

    def operator(self, name, text="", **_):
        assert hasattr(bpy.types, "SOLILOQUY_OT_" + name.partition(".")[2])
        self.texts.append(text or name)
        return types.SimpleNamespace()

    def template_list(self, kind, _id, data, name, settings, active, **_):
        assert hasattr(settings, active)
        cls = getattr(helpers.module("blender_addon.panels.dialogue"), kind)
        listed = types.SimpleNamespace(bitflag_filter_item=1 << 30)
        shown, order = cls.filter_items(listed, None, data, name)
        strips = list(getattr(data, name))
        for i in sorted(range(len(strips)), key=lambda i: order[i]):
            if shown[i]:
                cls.draw_item(listed, bpy.context, self, data, strips[i], 0, None, "")

    def __getattr__(self, name):
        if name.startswith("use_") or name in ("enabled", "scale_y"):
            raise AttributeError(name)
        return lambda *_args, **_named: _Layout(self.texts)


class _Context:
    """The context with a sidebar of a window: without one Blender's scale is 0."""

    region = types.SimpleNamespace(width=300)
    preferences = types.SimpleNamespace(system=types.SimpleNamespace(ui_scale=1.0))

    def __getattr__(self, name):
        return getattr(bpy.context, name)


def _drawn():
    texts = []
    panel = helpers.module("blender_addon.panels.dialogue").SOLILOQUY_PT_dialogue
    panel.draw(types.SimpleNamespace(layout=_Layout(texts)), _Context())
    return texts


def test_the_panel_lists_lines_in_the_order_in_which_they_play():
    assert "Add the sounds" in " ".join(_drawn())
    anna, _, path = _cast()
    _strip(path, 60, anna, name="later")
    strip = _strip(path, 1, anna, 2, name="first")
    _strip(path, 100, channel=3, name="music")
    shown = [text for text in _drawn() if text.endswith(("later", "first", "music"))]
    assert shown == ["RADIOBUT_OFF first", "RADIOBUT_OFF later", "BLANK1 music"]
    _animate()
    strip.frame_start = 5
    shown = _drawn()
    assert "ARROW_LEFTRIGHT first" in shown
    assert "CHECKMARK later" in shown
    editor = bpy.context.scene.sequence_editor
    listed = helpers.module("blender_addon.compat").all_strips(editor)
    bpy.context.scene.soliloquy_dialogue.active = listed.index(strip)
    assert "Animate This Line" in _drawn()
    assert any("has moved" in text for text in _drawn())
