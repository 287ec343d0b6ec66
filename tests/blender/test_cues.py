"""Cues and curves from files and into them, and markers at the sounds of speech."""

from __future__ import annotations

import json

import bpy
import helpers
import numpy as np
from helpers import value_path

CUES = "0.00\t0.20\tsil\n0.20\t0.40\tPP\n0.40\t0.80\taa\n0.80\t1.00\tPP\n1.00\t1.20\tsil\n"


def _file(name, text):
    path = helpers.FOLDER / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def _value(face, key, frame):
    bpy.context.scene.frame_set(frame)
    keys = face.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.shape_keys.key_blocks
    return keys[key].value


def _face(name="Face"):
    face = helpers.arkit_mesh(name)
    helpers.set_up(blinks=False)
    return face


def test_the_mouth_follows_cues_of_every_kind():
    switch = "MohoSwitch1\n1 rest\n6 MBP\n11 AI\n21 MBP\n26 rest\n"
    rhubarb = {"mouthCues": [{"start": a / 5, "end": b / 5, "value": v} for a, b, v in
                             ((0, 1, "X"), (1, 2, "A"), (2, 4, "D"), (4, 5, "A"))]}  # fmt: skip
    for name, text in (("c.tsv", CUES), ("c.dat", switch), ("c.json", json.dumps(rhubarb))):
        helpers.empty_scene(25)
        face = _face()
        path = _file(name, text)
        assert bpy.ops.soliloquy.import_cues(filepath=path, start_frame=-10) == {"FINISHED"}
        vowel, press = _value(face, "jawOpen", -10 + 15), _value(face, "jawOpen", -10 + 23)
        assert vowel > 0.2, (name, vowel)
        closed = _value(face, "mouthClose", -10 + 7)
        assert press < vowel
        assert closed >= _value(face, "jawOpen", -10 + 7) - 0.02, "the lips meet on p"
        assert len(face.soliloquy_face.lines) == 1


def test_cues_of_a_line_take_the_place_of_the_ear():
    helpers.empty_scene(25)
    face = _face()
    scene = bpy.context.scene
    strips = helpers.module("blender_addon.compat").strips(scene.sequence_editor_create())
    strip = strips.new_sound("line", str(helpers.vowels("cued.wav", 1.2)), 1, 1)
    strip.soliloquy_line.character = face
    bpy.ops.soliloquy.animate_dialogue()
    heard = _value(face, "jawOpen", 3)
    path = _file("line.tsv", CUES)
    strip.soliloquy_line.cues = path
    bpy.ops.soliloquy.animate_dialogue()
    status = helpers.module("blender_addon.jobs").STATUS
    assert status.summary == "Animated 1 line of 1 character"
    assert _value(face, "jawOpen", 3) < heard, "the cues say silence there, the ear a vowel"
    bpy.ops.soliloquy.animate_dialogue()
    assert "1 unchanged" in status.summary
    _file("line.tsv", CUES.replace("aa", "U"))
    bpy.ops.soliloquy.animate_dialogue()
    assert status.summary == "Animated 1 line of 1 character"
    assert _value(face, "mouthPucker", 16) > 0.2


def test_the_speaker_of_several_is_the_one_of_the_targets_name():
    tier = '"IntervalTier" "{}" 0 1 1 0 1 "{}" '
    text = '"ooTextFile" "TextGrid" 0 1 <exists> 2 ' + tier.format("Anna - phones", "U")
    path = _file("two.TextGrid", text + tier.format("Bob - phones", "a"))
    anna, bob = _face("Anna"), _face("Bob")
    for face in (anna, bob):
        bpy.context.scene.soliloquy.target = face
        bpy.ops.soliloquy.import_cues(filepath=path)
    assert _value(anna, "mouthPucker", 12) > 0.2 > _value(bob, "mouthPucker", 12)


def test_export_and_import_of_every_format():
    for kind, name in (("ARKIT", "e.csv"), ("LIVE_LINK", "l.csv"), ("A2F", "a.json")):
        for fps, base, first in ((24, 1.001, 1), (25, 1.0, 101), (60, 1.0, -50)):
            scene = helpers.empty_scene(fps, base)
            scene.frame_start = min(first, 1)
            face = _face()
            helpers.animate(helpers.vowels("export.wav", 1.5), first)
            path = helpers.FOLDER / name
            assert bpy.ops.soliloquy.export_curves(filepath=str(path), kind=kind) == {"FINISHED"}
            again = _face("Again")
            scene.soliloquy.target = again
            bpy.ops.soliloquy.import_curves(filepath=str(path), start_frame=scene.frame_start)
            frames = range(max(first, scene.frame_start), first + fps)
            pairs = [(_value(face, "jawOpen", f), _value(again, "jawOpen", f)) for f in frames]
            assert max(a for a, _ in pairs) > 0.05
            worst = np.abs(np.diff(np.array(pairs), axis=1)).max()
            assert worst < (0.011 if kind != "LIVE_LINK" else 0.03), (kind, fps, worst)


def test_exports_are_refused_with_a_sentence():
    _face()
    said = helpers.error_of(RuntimeError, lambda: bpy.ops.soliloquy.export_curves(filepath="/tmp/x.csv"))
    assert "says nothing yet" in said
    scene = bpy.context.scene
    helpers.animate(helpers.vowels("early.wav", 0.5), 1)
    scene.frame_start = 500
    said = helpers.error_of(
        RuntimeError, lambda: bpy.ops.soliloquy.export_curves(filepath=str(helpers.FOLDER / "x.csv"))
    )
    assert "says nothing from frame 500 on" in said
    said = helpers.error_of(
        RuntimeError, lambda: bpy.ops.soliloquy.export_curves(filepath=str(helpers.FOLDER / "no" / "x.csv"))
    )
    assert "does not exist" in said
    before = helpers.snapshot()
    for operator, text in (("import_cues", "once upon a time\n"), ("import_curves", "no,table\n1,2\n")):
        path = _file("bad.csv", text)
        said = helpers.error_of(
            RuntimeError, lambda name=operator, path=path: getattr(bpy.ops.soliloquy, name)(filepath=path)
        )
        assert "bad.csv" in said
    assert helpers.snapshot() == before


def test_markers_at_the_sounds_and_only_ours_are_removed():
    scene = helpers.empty_scene(25)
    _face()
    mine = scene.timeline_markers.new("mine", frame=7)
    bpy.ops.soliloquy.import_cues(filepath=_file("m.tsv", CUES), start_frame=1)
    assert bpy.ops.soliloquy.add_markers() == {"FINISHED"}
    assert sorted((m.frame, m.name) for m in scene.timeline_markers if m != mine) == [
        (6, "PP"), (11, "aa"), (21, "PP"), (26, "sil"),
    ]  # fmt: skip
    bpy.ops.soliloquy.add_markers()
    assert len(scene.timeline_markers) == 5, "the old ones were replaced"
    next(m for m in scene.timeline_markers if m.name == "aa").frame = 13
    bpy.ops.soliloquy.remove_markers()
    assert sorted(m.name for m in scene.timeline_markers) == ["aa", "mine"], "what was moved is the user's"
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 20, 30
    bpy.ops.soliloquy.add_markers()
    assert sorted(m.frame for m in scene.timeline_markers) == [7, 13, 21, 26]


def test_too_many_markers_are_refused():
    _face()
    cues = "\n".join(f"{i / 10}\t{(i + 1) / 10}\t{('PP', 'aa')[i % 2]}" for i in range(2100))
    bpy.ops.soliloquy.import_cues(filepath=_file("many.tsv", cues))
    said = helpers.error_of(RuntimeError, bpy.ops.soliloquy.add_markers)
    assert "at most 2000" in said
    assert "preview range" in said
    assert not bpy.context.scene.timeline_markers


def test_an_imported_line_keeps_its_keys_when_another_follows():
    helpers.empty_scene(25)
    face = _face()
    bpy.ops.soliloquy.import_cues(filepath=_file("one.tsv", CUES), start_frame=1)
    before = _value(face, "jawOpen", 16)
    helpers.animate(helpers.vowels("two.wav", 1.0), 100)
    assert abs(_value(face, "jawOpen", 16) - before) < 0.011
    assert dict(helpers.curves(face)).keys() >= {value_path("jawOpen")}
    assert len(face.soliloquy_face.lines) == 2


def test_the_head_of_a_file_of_curves_turns_the_head():
    bpy.ops.soliloquy.add_head()
    head = bpy.context.active_object
    path = helpers.FOLDER / "nod.csv"
    path.write_text("time_s,jawOpen,headPitch,headYaw,headRoll\n0,0,0,0,0\n1,0.5,0.2,0.1,0\n", "utf-8")
    assert bpy.ops.soliloquy.import_curves(filepath=str(path), start_frame=1) == {"FINISHED"}
    neck = next(m.object for m in head.modifiers if m.type == "ARMATURE")
    bpy.context.scene.frame_set(25)
    turn = neck.pose.bones["head"].matrix_basis.to_quaternion()
    assert abs(turn.angle - 0.2236) < 0.02, turn.angle
    again = helpers.FOLDER / "nod_again.csv"
    assert bpy.ops.soliloquy.export_curves(filepath=str(again), kind="ARKIT") == {"FINISHED"}
    table = [line.split(",") for line in again.read_text("utf-8").splitlines()]
    pitch = [float(row[table[0].index("headPitch")]) for row in table[1:]]
    assert abs(max(pitch) - 0.2) < 0.01, max(pitch)
