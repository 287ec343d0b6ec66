"""Add > Mesh > Soliloquy Head: where the head is put, how large, and where it cannot be."""

from __future__ import annotations

import math

import bpy
import helpers


def _add(**options: object) -> bpy.types.Object:
    assert bpy.ops.soliloquy.add_head(**options) == {"FINISHED"}
    bpy.context.view_layer.update()
    return bpy.context.active_object


def _reason() -> str:
    bpy.context.view_layer.update()
    operator = helpers.module("blender_addon.operators.add_head").SOLILOQUY_OT_add_head
    return operator.disabled_reason(bpy.context)


def _collection(name: str = "Cast") -> bpy.types.LayerCollection:
    made = bpy.data.collections.new(name)
    bpy.context.scene.collection.children.link(made)
    return bpy.context.view_layer.layer_collection.children[name]


def test_it_is_put_at_the_cursor_as_other_meshes_are() -> None:
    cursor = bpy.context.scene.cursor
    cursor.location, cursor.rotation_euler = (1.0, 2.0, 3.0), (0.0, 0.0, 1.0)
    head = _add()
    assert head.matrix_world.translation[:] == (1.0, 2.0, 3.0)
    assert head.matrix_world.to_euler().z == 0.0
    edit = bpy.context.preferences.edit
    for preference, turn in (("CURSOR", 1.0), ("VIEW", 0.0)):  # no view here: as in the world
        edit.object_align = preference
        try:
            head = _add()
        finally:
            edit.object_align = "WORLD"
        assert math.isclose(head.matrix_world.to_euler().z, turn, abs_tol=1e-6), preference
    head = _add(location=(0.0, 0.0, 1.0), rotation=(0.0, 0.0, 0.5), with_stage=True)
    assert head.matrix_world.translation[:] == (0.0, 0.0, 1.0)
    assert math.isclose(head.matrix_world.to_euler().z, 0.5, abs_tol=1e-6)
    camera = head.matrix_world.inverted() @ bpy.context.scene.camera.matrix_world.translation
    assert camera.y < -0.5, "the camera stands before the face, wherever it looks"


def test_it_is_life_size_whatever_the_unit_of_the_scene() -> None:
    units = bpy.context.scene.unit_settings
    heights = []
    for scale, system in ((1.0, "METRIC"), (0.01, "METRIC"), (0.001, "METRIC"), (0.01, "NONE")):
        units.system, units.scale_length = system, scale
        head = _add(with_stage=True)
        heights.append(head.dimensions.z * (scale if system != "NONE" else 1.0))
        camera = bpy.context.scene.camera
        away = (camera.matrix_world.translation - head.matrix_world.translation).length
        assert camera.data.clip_end > 2.0 * away, "the camera sees it"
    assert 0.3 < heights[0] < 0.5
    assert max(heights) - min(heights) < 1e-4
    assert helpers.module("blender_addon.rig_map").coverage(head) == (52, 52)


def test_in_another_mode_or_a_collection_that_cannot_show_it_the_entry_says_why() -> None:
    cast = _collection()
    bpy.context.view_layer.active_layer_collection = cast
    assert _reason() == ""
    cast.hide_viewport = True
    bpy.context.view_layer.active_layer_collection = cast  # Blender turns to the parent; one can click back
    assert '"Cast" is hidden' in _reason()
    cast.hide_viewport = False
    bpy.context.view_layer.active_layer_collection = cast
    head = _add()
    assert head.users_collection[:] == (cast.collection,)
    cast.exclude = True
    assert _reason() == "", "Blender turns to the parent"
    assert _add().users_collection[:] == (bpy.context.scene.collection,)
    bpy.ops.object.mode_set(mode="EDIT")
    assert "Tab" in _reason()
    bpy.ops.object.mode_set(mode="OBJECT")


def test_it_is_not_added_to_a_linked_collection_or_to_its_override() -> None:
    _collection()
    library = helpers.FOLDER / "cast.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    helpers.empty_scene()
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.collections = ["Cast"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    layers = bpy.context.view_layer.layer_collection
    bpy.context.view_layer.active_layer_collection = layers.children["Cast"]
    assert '"Cast" is linked' in _reason()
    made = wanted.collections[0].override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
    bpy.context.scene.collection.children.unlink(wanted.collections[0])
    bpy.context.view_layer.active_layer_collection = layers.children[made.name]
    assert '"Cast" is linked' in _reason()


def test_names_that_are_taken_are_numbered_and_the_second_has_its_own_neck() -> None:
    bpy.data.objects.new("Soliloquy Head", None)
    bpy.data.objects.new("Soliloquy Head.001 Neck", None)
    first, second = _add(), _add()
    assert first.name != second.name
    for head in (first, second):
        turns = {row.object for row in head.soliloquy_rig.rows if row.kind == "BONE"}
        assert turns == {head.parent}
        assert {m.object for part in head.parent.children for m in part.modifiers} == {head.parent}
    assert first.parent != second.parent


def test_pieces_are_vertex_groups_that_no_bone_moves() -> None:
    head = _add()
    groups = {group.name: group.index for group in head.vertex_groups}
    wanted = set(helpers.module("blender_addon.heads.groups").PIECES)
    assert (
        {"teeth_upper", "teeth_lower", "gums_upper", "gums_lower", "tongue", "skin"} <= wanted <= set(groups)
    )
    assert not wanted & set(head.parent.data.bones.keys())
    materials = [slot.material.name.removeprefix("Soliloquy ") for slot in head.material_slots]
    of_group = {name: set() for name in wanted}
    members = {name: set() for name in wanted}
    for vertex in head.data.vertices:
        for part in vertex.groups:
            name = head.vertex_groups[part.group].name
            if name in wanted:
                assert part.weight == 1.0
                members[name].add(vertex.index)
    for polygon in head.data.polygons:
        for name, there in members.items():
            inside = [vertex in there for vertex in polygon.vertices]
            assert all(inside) or not any(inside), "a piece is not connected to another one"
            if inside[0]:
                of_group[name].add(materials[polygon.material_index])
    assert of_group["teeth_upper"] == of_group["teeth_lower"] == {"Teeth"}
    assert of_group["gums_upper"] == of_group["gums_lower"] == {"Gums"}
    assert of_group["tongue"] == {"Tongue"}
    heights = {name: max(head.data.vertices[i].co.z for i in there) for name, there in members.items()}
    assert heights["teeth_upper"] > heights["teeth_lower"]
    assert heights["gums_upper"] > heights["gums_lower"]
