"""VRM files whose expressions say what their keys and bones mean."""

from __future__ import annotations

import json
import struct

import bpy
import helpers


def _rewritten(version, change):
    """A copy of a VRM whose JSON part was changed."""
    source = helpers.data(f"rigs/godette/godette_vrm{version}.vrm")
    data = source.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    document = json.loads(data[20 : 20 + length])
    change(document)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text + data[20 + length :]
    path = helpers.FOLDER / f"changed_{version}.vrm"
    path.write_bytes(struct.pack("<III", 0x46546C67, 2, 12 + len(body)) + body)
    return path


def _without_names(document):
    """Keys whose names say nothing, and a mouth `ah` of two of them; bones named in no language."""
    for mesh in document["meshes"]:
        for extras in (mesh.get("extras"), *(p.get("extras") for p in mesh["primitives"])):
            if extras and "targetNames" in extras:
                extras["targetNames"] = [f"Shape.{i * 7}x" for i in range(len(extras["targetNames"]))]
    groups = document["extensions"].get("VRM", {}).get("blendShapeMaster", {}).get("blendShapeGroups", [])
    for group in groups:
        if group["presetName"] == "a":
            group["binds"].append({**group["binds"][0], "index": 9, "weight": 30})
    expressions = document["extensions"].get("VRMC_vrm", {}).get("expressions", {}).get("preset", {})
    if expressions:
        binds = expressions["aa"]["morphTargetBinds"]
        binds.append({**binds[0], "index": 9, "weight": 0.3})
    for node in document["nodes"]:
        if node.get("name") == "head_Armature":
            node["name"] = "atama"


def _channels(path):
    helpers.empty_scene()
    with helpers.module("blender_addon.rig_command").without_chatter():
        target = helpers.module("blender_addon.rig_import").add_rig(path, bpy.context.scene)
    return target, helpers.module("blender_addon.rig_map").find_map(target)


def test_expressions_name_keys_that_have_no_names():
    for version in (0, 1):
        _, plain = _channels(helpers.data(f"rigs/godette/godette_vrm{version}.vrm"))
        target, found = _channels(_rewritten(version, _without_names))
        brows = {"browDownLeft", "browDownRight"}  # a key by name, and in no expression that means brows
        assert set(found.unmatched) == set(plain.unmatched) | brows, version
        assert {t.channel for t in found.targets} == {t.channel for t in plain.targets} - brows, version
        (solved,) = found.solved
        keyed = {(path.split('"')[1], share) for _, path, _, share in solved.mixed}
        assert {("Shape.35x", 1.0), ("Shape.63x", 0.3), ("Shape.63x", 1.0)} <= keyed, keyed
        blink = [t for t in found.targets if t.channel == "eyeBlinkLeft"]
        assert len(blink) == 1 and "Shape." in blink[0].data_path  # noqa: PT018
        head = [t for t in found.targets if t.channel == "headYaw"]
        assert [t.data_path for t in head] == ['pose.bones["atama"]']
        assert target.soliloquy_rig is not None


def test_a_line_plays_on_the_keys_of_the_expressions():
    target, _ = _channels(_rewritten(0, _without_names))
    bpy.context.scene.soliloquy.target = target
    bpy.context.view_layer.objects.active = target
    assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
    path = helpers.FOLDER / "open.csv"
    path.write_text("time_s,jawOpen\n0,0\n0.5,0.7\n1,0\n", "utf-8")
    assert bpy.ops.soliloquy.import_curves(filepath=str(path), start_frame=1) == {"FINISHED"}
    blocks = target.data.shape_keys.key_blocks
    bpy.context.scene.frame_set(13)
    assert blocks["Shape.35x"].value > 0.4
    assert abs(blocks["Shape.63x"].value - 0.3 * blocks["Shape.35x"].value) < 0.1
    (row,) = (row for row in target.soliloquy_rig.rows if row.kind == "SOLVED")
    assert not helpers.module("blender_addon.rig_rows").problem(row, target)


def test_expressions_stay_with_a_second_import_of_the_same_name():
    path = _rewritten(1, _without_names)
    _channels(path)
    with helpers.module("blender_addon.rig_command").without_chatter():
        second = helpers.module("blender_addon.rig_import").add_rig(path, bpy.context.scene)
    assert second.name.endswith(".001")
    assert "Shape.35x" in second.data.shape_keys.key_blocks
    groups = helpers.module("blender_addon.rig_vrm").groups_of([second])
    assert {owner for group in groups for owner, *_ in group.binds} == {second.name}


def test_damaged_expressions_are_refused_in_one_sentence():
    def damage(document):
        document["extensions"]["VRM"]["blendShapeMaster"]["blendShapeGroups"][1]["binds"] = [{"mesh": 0}]

    said = ""
    try:
        _channels(_rewritten(0, damage))
    except helpers.module("inference.errors").RigError as error:
        said = str(error)
    assert "expressions that are damaged" in said
