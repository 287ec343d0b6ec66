"""The rig map in Blender: found in one click, kept in the file, edited, previewed, saved and loaded."""

from __future__ import annotations

import json
import math

import bpy
import helpers
from helpers import value_path


def _head():
    """The built-in head, active; every shape key of it makes one movement."""
    bpy.ops.soliloquy.add_head()
    return bpy.context.active_object


def _rows(made):
    return {(row.channel, row.item or row.data_path): row for row in made.soliloquy_rig.rows}


def _state(made):
    keys = made.data.shape_keys
    return tuple(round(block.value, 6) for block in keys.key_blocks)


def _jaw_armature(name="Rig"):
    """An armature with a head, a jaw and two eyes; the face looks to -y."""
    data = bpy.data.armatures.new(name)
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, head, tail, parent in (
        ("head", (0, 0, 1.5), (0, 0, 1.7), None),
        ("jaw", (0, -0.02, 1.55), (0, -0.1, 1.5), "head"),
        ("eye.L", (0.03, -0.08, 1.6), (0.03, -0.1, 1.6), "head"),
        ("eye.R", (-0.03, -0.08, 1.6), (-0.03, -0.1, 1.6), "head"),
    ):
        edit = data.edit_bones.new(bone)
        edit.head, edit.tail = head, tail
        edit.parent = data.edit_bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    return made


def test_one_click_maps_the_head_and_the_file_remembers_it():
    head = _head()
    assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
    assert len(head.soliloquy_rig.rows) == 55
    keys = {row.channel: row.item for row in head.soliloquy_rig.rows if row.kind == "SHAPE_KEY"}
    assert list(keys.keys()) == list(keys.values())
    assert {row.item for row in head.soliloquy_rig.rows if row.kind == "BONE"} == {"head"}
    assert min(row.confidence for row in head.soliloquy_rig.rows) >= 0.9 - 1e-6
    path = helpers.FOLDER / "mapped.blend"
    head.soliloquy_rig.rows[3].gain = 0.5
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    (head,) = (o for o in bpy.data.objects if o.type == "MESH" and o.data.shape_keys is not None)
    assert len(head.soliloquy_rig.rows) == 55
    assert head.soliloquy_rig.rows[3].gain == 0.5
    assert head.soliloquy_rig.rows[3].by_hand


def test_keys_without_names_are_told_by_what_they_move():
    head = _head()
    names = {}
    for i, block in enumerate(head.data.shape_keys.key_blocks[1:]):
        names[f"k{i:03}x"] = block.name
        block.name = f"k{i:03}x"
    head.rotation_euler.z, head.scale = 2.2, (3.0, 3.0, 3.0)
    bpy.context.view_layer.update()
    assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
    right = sum(names.get(row.item) == row.channel for row in head.soliloquy_rig.rows)
    assert right >= 49, f"{right} of 52, turned by 126 degrees and scaled"


def test_a_row_that_was_edited_acts_and_stays_when_mapped_again():
    head = _head()
    bpy.ops.soliloquy.rig_map()
    row = _rows(head)["jawOpen", "jawOpen"]
    row.gain, row.offset = 0.5, 0.1
    _rows(head)["eyeBlinkLeft", "eyeBlinkLeft"].enabled = False
    assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
    assert len(head.soliloquy_rig.rows) == 55
    row = _rows(head)["jawOpen", "jawOpen"]
    assert (round(row.gain, 6), round(row.offset, 6)) == (0.5, 0.1)
    bpy.context.view_layer.objects.active = head
    assert helpers.animate(helpers.vowels("rows.wav", 1.0), keys="DENSE", lips_meet=False) == {"FINISHED"}
    curves = helpers.curves(head)
    assert value_path("eyeBlinkLeft") not in curves
    before = dict(curves[value_path("jawOpen")])
    _rows(head)["jawOpen", "jawOpen"].gain = 1.0  # acts at once, on the keys that are there
    after = dict(helpers.curves(head)[value_path("jawOpen")])
    assert len(before.keys() & after.keys()) > 25
    assert all(abs((after[f] - 0.1) - 2 * (before[f] - 0.1)) < 1e-5 for f in before.keys() & after.keys())
    assert max(before.values()) - 0.1 > 0.02


def test_wiggle_puts_everything_back():
    head = _head()
    bpy.ops.soliloquy.rig_map()
    head.data.shape_keys.key_blocks["mouthSmileLeft"].value = 0.3
    rig = head.soliloquy_rig
    rig.active = [row.channel for row in rig.rows].index("mouthSmileLeft")
    before, pose = _state(head), helpers.module("blender_addon.rig_pose")
    seen = []
    show = pose.Posed.show

    def recorded(self, values):
        show(self, values)
        seen.append(head.data.shape_keys.key_blocks["mouthSmileLeft"].value)

    pose.Posed.show = recorded
    try:
        assert bpy.ops.soliloquy.rig_wiggle() == {"FINISHED"}
    finally:
        pose.Posed.show = show
    assert max(seen) > 0.95
    assert min(seen) == 0.0
    assert _state(head) == before


def test_save_and_load_as_json_also_on_a_renamed_character():
    head = _head()
    bpy.ops.soliloquy.rig_map()
    _rows(head)["jawOpen", "jawOpen"].gain = 0.7
    path = helpers.FOLDER / "map.json"
    assert bpy.ops.soliloquy.rig_save(filepath=str(path)) == {"FINISHED"}
    assert json.loads(path.read_text("utf-8"))["targets"]
    head.name = "Renamed"
    assert bpy.ops.soliloquy.rig_clear() == {"FINISHED"}
    assert len(head.soliloquy_rig.rows) == 0
    assert bpy.ops.soliloquy.rig_load(filepath=str(path)) == {"FINISHED"}
    assert len(head.soliloquy_rig.rows) == 55
    assert abs(_rows(head)["jawOpen", "jawOpen"].gain - 0.7) < 1e-6
    path.write_text("{}", "utf-8")
    said = helpers.error_of(RuntimeError, lambda: bpy.ops.soliloquy.rig_load(filepath=str(path)))
    assert "is not a rig map" in said
    assert len(head.soliloquy_rig.rows) == 55


def test_rows_follow_renamed_objects_and_tell_what_is_lost():
    face = helpers.arkit_mesh("Face")
    beard = helpers.mesh_with_keys("Beard", ("jawOpen",), parent=face)
    assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
    assert len(face.soliloquy_rig.rows) == 53
    beard.name = "Long Beard"
    read = helpers.module("blender_addon.rig_map").read_character
    assert {t.object for t in read(face).maps[0].targets} == {"Face", "Long Beard"}
    bpy.data.objects.remove(beard)
    face.shape_key_remove(face.data.shape_keys.key_blocks["cheekPuff"])
    character = read(face)
    assert {t.object for t in character.maps[0].targets} == {"Face"}
    assert character.unmatched == ("cheekPuff",)
    assert "point to nothing any more" in character.notices[0]


def test_bones_are_keyed_in_their_own_rotation_mode():
    rig = _jaw_armature()
    rig.pose.bones["jaw"].rotation_mode = "XYZ"
    face = helpers.mesh_with_keys("Face", ("eyeBlinkLeft", "eyeBlinkRight"), parent=rig)
    bpy.context.view_layer.objects.active = face
    assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
    moved = {row.channel: row for row in face.soliloquy_rig.rows if row.kind == "BONE"}
    assert {"jawOpen", "eyeLookUpLeft", "eyeLookOutRight", "headYaw"} <= set(moved)
    assert moved["jawOpen"].object == rig
    face.soliloquy_performance.enabled = False  # the jaw alone: else the head turns it, too
    assert helpers.animate(helpers.vowels("bones.wav", 1.5), keys="DENSE") == {"FINISHED"}
    strip = helpers.speech_strip(rig)
    path = 'pose.bones["jaw"].rotation_euler'
    assert path in helpers.action_curves(strip.action, strip.action_slot)
    lowest, widest = rig.pose.bones["jaw"].tail.z, 0.0
    rest = lowest
    for frame in range(1, 37):
        bpy.context.scene.frame_set(frame)
        lowest = min(lowest, rig.pose.bones["jaw"].tail.z)
        widest = max(widest, abs(rig.pose.bones["jaw"].tail.x))
    assert rest - lowest > 0.001, "the chin goes down when the mouth opens"
    assert widest < 1e-3


def test_an_armature_alone_can_be_the_target():
    rig = _jaw_armature()
    assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
    assert all(row.object is None and row.kind == "BONE" for row in rig.soliloquy_rig.rows)
    assert helpers.animate(helpers.vowels("only.wav", 1.0)) == {"FINISHED"}
    assert helpers.speech_strip(rig).action is not None


def test_a_driven_key_is_reached_through_the_property_that_drives_it():
    rig = _jaw_armature()
    face = helpers.mesh_with_keys("Face", ("jawOpen", "mouthPucker", "mouthFunnel"), parent=rig)
    bone = rig.pose.bones["head"]
    bone["Open"], rig["Kiss"] = 0.0, 20.0
    bone.id_properties_ui("Open").update(min=0.0, max=1.0)
    rig.id_properties_ui("Kiss").update(min=0.0, max=100.0, default=20.0)
    rig.update_tag()
    bpy.context.view_layer.update()  # a driver that met an old copy of the rig would count as invalid
    for key, path, expression in (
        ("jawOpen", 'pose.bones["head"]["Open"]', "var * 0.5"),
        ("mouthPucker", '["Kiss"]', "(var - 20) / 80"),
        ("mouthFunnel", '["Kiss"]', "abs(var - 50) / 50"),
    ):
        driver = face.data.shape_keys.key_blocks[key].driver_add("value").driver
        variable = driver.variables.new()
        variable.targets[0].id, variable.targets[0].data_path = rig, path
        driver.expression = expression
    bpy.context.view_layer.objects.active = face
    assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
    assert (bone["Open"], rig["Kiss"]) == (0.0, 20.0), "measuring leaves the properties as they were"
    by_channel = {row.channel: row for row in face.soliloquy_rig.rows if row.kind == "PROPERTY"}
    assert set(by_channel) == {"jawOpen", "mouthPucker"}, "a driver that folds back cannot be followed"
    jaw, kiss = by_channel["jawOpen"], by_channel["mouthPucker"]
    assert (jaw.data_path, round(jaw.gain, 4), round(jaw.offset, 4)) == (
        'pose.bones["head"]["Open"]',
        2.0,
        0.0,
    )
    assert math.isclose(kiss.gain, 80.0, rel_tol=1e-4)
    assert math.isclose(kiss.offset, 20.0, rel_tol=1e-4)
    assert helpers.animate(helpers.vowels("driven.wav", 1.0)) == {"FINISHED"}
    curves = helpers.action_curves(helpers.speech_strip(rig).action, helpers.speech_strip(rig).action_slot)
    assert {'pose.bones["head"]["Open"]', '["Kiss"]'} <= set(curves)


def test_disabled_reasons_and_refusals():
    rig = helpers.module("blender_addon.operators.rig")
    assert "target" in rig.SOLILOQUY_OT_rig_map.disabled_reason(bpy.context)
    odd = helpers.mesh_with_keys("Odd", ("something", "else"))
    bpy.context.view_layer.objects.active = odd
    assert "no rig map yet" in rig.SOLILOQUY_OT_rig_remove.disabled_reason(bpy.context)
    before = helpers.snapshot()
    said = helpers.error_of(RuntimeError, bpy.ops.soliloquy.rig_map)
    assert 'Nothing of "Odd" was found' in said
    assert helpers.snapshot() == before
    assert len(odd.soliloquy_rig.rows) == 0
    assert bpy.ops.soliloquy.rig_add(channel="jawOpen") == {"FINISHED"}
    odd.soliloquy_rig.rows[0].item = "else"
    assert helpers.animate(helpers.vowels("by_hand.wav", 1.0)) == {"FINISHED"}
    assert list(helpers.curves(odd)) == [value_path("else")]
