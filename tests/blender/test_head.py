"""The embedded head in Blender: keys, materials, children, stage."""

from __future__ import annotations

from types import ModuleType

import bpy
import numpy as np
from helpers import module


def _build() -> bpy.types.Object:
    return module("blender_addon.heads").build_head()


def _coordinates(block: bpy.types.ShapeKey) -> np.ndarray:
    values = np.empty(len(block.data) * 3, np.float32)
    block.data.foreach_get("co", values)
    return values.reshape(-1, 3)


def test_the_head_carries_all_52_keys_at_zero_and_each_moves_it() -> None:
    blocks = _build().data.shape_keys.key_blocks
    arkit = module("inference.channels").ARKIT_52
    assert tuple(b.name for b in blocks[1:53]) == arkit
    assert {b.name for b in blocks[53:]} == {*_correctives().names(), *_tongue_names()}
    basis = _coordinates(blocks[0])
    for block in blocks[1:53]:
        assert block.value == 0.0
        assert block.slider_max == 1.0
        assert np.abs(_coordinates(block) - basis).max() > 0.001, block.name


def _correctives() -> ModuleType:
    return module("blender_addon.heads.correctives")


def _tongue_names() -> tuple[str, ...]:
    return tuple(module("blender_addon.heads.tongue_shapes").tongue_shapes())


def test_correctives_follow_their_shapes_as_their_rules_say_also_on_a_copy() -> None:
    first = _build()
    bpy.ops.object.select_all(action="DESELECT")
    first.select_set(True)
    bpy.context.view_layer.objects.active = first
    assert bpy.ops.object.duplicate() == {"FINISHED"}
    weights = {name: 0.1 + 0.015 * i for i, name in enumerate(module("inference.channels").ARKIT_52)}
    expected = _correctives().weights_with_correctives(weights)
    copy = bpy.context.active_object
    for name, weight in weights.items():
        copy.data.shape_keys.key_blocks[name].value = weight
    bpy.context.view_layer.update()
    shown = copy.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.shape_keys.key_blocks
    for name in _correctives().names():
        assert abs(shown[name].value - expected[name]) < 1e-5, name
    drivers = copy.data.shape_keys.animation_data.drivers
    assert all(d.driver.is_simple_expression for d in drivers), "needs permission to run scripts"
    of_first = first.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.shape_keys.key_blocks
    assert all(of_first[name].value == 0.0 for name in _correctives().names())


def test_no_corrective_and_no_tongue_key_is_taken_for_a_channel_even_where_drivers_are_lost() -> None:
    head = _build()
    keys = head.data.shape_keys
    rig_map = module("blender_addon.rig_map")
    for with_drivers in (True, False):
        if not with_drivers:
            for name in _correctives().names():
                keys.key_blocks[name].driver_remove("value")
            rig_map.forget()
        targets = [t for t in rig_map.find_map(head).targets if t.kind == "SHAPE_KEY"]
        moved = sorted(keys.path_resolve(t.data_path.removesuffix(".value")).name for t in targets)
        assert moved == sorted(module("inference.channels").ARKIT_52)


def test_the_eyes_bones_turn_the_eyeballs_within_limits_and_the_map_leaves_them_to_the_animator() -> None:
    head = _build()
    bones = head.parent.pose.bones
    assert {bone.name for bone in bones} == {"neck", "head", "eye.L", "eye.R"}
    targets = module("blender_addon.rig_map").find_map(head).targets
    assert not [t for t in targets if t.kind == "BONE" and "eye" in t.data_path]
    rest = _placed(head)
    eye = bones["eye.L"]
    eye.rotation_mode = "XYZ"
    eye.rotation_euler.x = 2.0
    bpy.context.view_layer.update()
    moved = np.linalg.norm(_placed(head) - rest, axis=1)
    group = head.vertex_groups["eye.L"].index
    ball = [v.index for v in head.data.vertices if any(g.group == group for g in v.groups)]
    assert moved[ball].max() > 0.004
    assert np.delete(moved, ball).max() < 1e-6
    assert moved[ball].max() < 0.013, "limited to 30 degrees"
    pupil = ball[int(rest[ball, 1].argmin())]
    assert _placed(head)[pupil, 2] > rest[pupil, 2]


def test_it_is_a_head_in_metres_that_faces_minus_y() -> None:
    head = _build()
    skin = head.data.materials.find("Soliloquy Pupil")
    pupils = [p.center for p in head.data.polygons if p.material_index == skin]
    assert all(p.y < -0.07 for p in pupils)
    assert 0.2 < max(v.co.z for v in head.data.vertices) < 0.26


def test_the_mesh_is_valid_and_smooth() -> None:
    mesh = _build().data
    assert not mesh.copy().validate(verbose=True), "Blender had to mend the mesh"
    assert 8_000 <= len(mesh.polygons) <= 20_000
    assert all(p.use_smooth for p in mesh.polygons)
    normals = [p.normal.y for p in mesh.polygons if p.center.y < -0.09 and abs(p.center.x) < 0.02]
    assert np.mean(normals) < -0.4, "the face's normals point inwards"


def test_the_neck_carries_head_hair_and_shirt_and_materials_are_shared_by_a_second_head() -> None:
    first, second = _build(), _build()
    assert first.name != second.name
    neck = first.parent
    assert neck.type == "ARMATURE"
    assert neck.parent is None
    assert {part.name for part in neck.children} == {first.name, f"{first.name} Hair", f"{first.name} Shirt"}
    assert all((*p.lock_location, *p.lock_rotation, *p.lock_scale) == (True,) * 9 for p in neck.children)
    assert second.parent != neck
    assert [m.name for m in first.data.materials] == [m.name for m in second.data.materials]
    assert len(first.data.materials) >= 9


def test_the_head_goes_into_the_collection_that_is_asked_for() -> None:
    collection = bpy.data.collections.new("Cast")
    bpy.context.scene.collection.children.link(collection)
    head = module("blender_addon.heads").build_head("Ada", collection)
    assert head.name == "Ada"
    assert {o.name for o in collection.objects} == {"Ada", "Ada Hair", "Ada Shirt", "Ada Neck"}


def _placed(made: bpy.types.Object) -> np.ndarray:
    """Where the vertices of a mesh are in the scene, [V, 3] metres."""
    seen = made.evaluated_get(bpy.context.evaluated_depsgraph_get())
    values = np.empty(len(seen.data.vertices) * 3, np.float32)
    seen.data.vertices.foreach_get("co", values)
    return values.reshape(-1, 3)


def test_the_channels_of_the_head_nod_turn_and_tilt_it_on_a_neck_that_stays_in_the_collar() -> None:
    head = _build()
    (hair,) = [child for child in head.parent.children if child.name.endswith("Hair")]
    character = module("blender_addon.rig_map").read_character(head)
    rig_pose = module("blender_addon.rig_pose")
    rest, rest_of_hair = _placed(head), _placed(hair)
    nose, crown = int(rest[:, 1].argmin()), int(rest[:, 2].argmax())
    collar = rest[:, 2] < -0.06
    ways = {"headPitch": (nose, 2, -1.0), "headYaw": (nose, 0, 1.0), "headRoll": (crown, 0, -1.0)}
    for channel, (vertex, axis, sign) in ways.items():
        (pose,) = rig_pose.of_weights(character.maps, [{channel: 0.2}])
        with rig_pose.Posed() as posed:
            posed.show(pose)
            moved = _placed(head) - rest
            assert sign * moved[vertex, axis] > 0.01, channel
            assert np.abs(moved[collar]).max() < 0.002, channel
            assert np.abs(_placed(hair) - rest_of_hair).max() > 0.01, channel
    assert np.abs(_placed(head) - rest).max() < 1e-6


def test_a_head_that_was_moved_and_turned_nods_about_its_own_neck() -> None:
    head = _build()
    neck = head.parent
    neck.location, neck.rotation_euler.z, neck.scale = (3.0, -2.0, 1.0), 1.0, (2.0, 2.0, 2.0)
    bpy.context.view_layer.update()
    assert (head.matrix_world.translation - neck.location).length < 1e-6
    rest = _placed(head)
    collar = rest[:, 2] < -0.06
    (pose,) = module("blender_addon.rig_pose").of_weights(
        module("blender_addon.rig_map").read_character(head).maps, [{"headPitch": 0.2}]
    )
    with module("blender_addon.rig_pose").Posed() as posed:
        posed.show(pose)
        moved = _placed(head) - rest
    assert moved[int(rest[:, 1].argmin()), 2] < -0.01
    assert np.abs(moved[collar]).max() < 0.002
    assert np.abs(moved).max() < 0.08


def test_an_added_head_is_moved_copied_and_deleted_as_one() -> None:
    bpy.ops.object.select_all(action="SELECT")
    bpy.ops.object.delete()
    assert bpy.ops.soliloquy.add_head() == {"FINISHED"}
    head = bpy.context.active_object
    assert head == bpy.context.scene.soliloquy.target
    assert all(name in head.data.shape_keys.key_blocks for name in module("inference.channels").ARKIT_52)
    ours = {head, head.parent, *head.parent.children}
    assert set(bpy.context.selected_objects) == ours
    assert bpy.ops.object.duplicate() == {"FINISHED"}
    copy = bpy.context.active_object
    theirs = {copy, copy.parent, *copy.parent.children}
    assert len(theirs) == len(ours) == 4
    assert not theirs & ours
    assert all(m.object == copy.parent for o in theirs for m in o.modifiers)
    assert bpy.ops.transform.translate(value=(1.0, 0.0, 0.0)) == {"FINISHED"}
    bpy.context.view_layer.update()
    assert [o.matrix_world.translation.x for o in theirs] == [1.0] * 4
    assert [o.matrix_world.translation.x for o in ours] == [0.0] * 4
    assert bpy.ops.object.delete() == {"FINISHED"}
    assert set(bpy.context.scene.objects) == ours


def test_adding_a_head_leaves_what_was_active_and_the_mode() -> None:
    first = _build()
    bpy.context.view_layer.objects.active = first
    first.select_set(True)
    _build()
    assert bpy.context.view_layer.objects.active == first
    assert bpy.context.selected_objects == [first]
    assert bpy.context.mode == "OBJECT"


def test_the_stage_has_four_lights_a_world_and_a_camera_that_sees_the_face() -> None:
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    heads = module("blender_addon.heads")
    head = heads.build_head()
    head.location = (1.0, 2.0, 0.5)
    bpy.context.view_layer.update()
    heads.build_stage(head)
    scene = bpy.context.scene
    scene.render.resolution_x = scene.render.resolution_y = 540
    bpy.context.view_layer.update()
    assert sum(o.type == "LIGHT" for o in scene.objects) == 4
    assert scene.world is not None
    for point in ((0, -0.1, 0.0), (0, -0.1, 0.24), (-0.08, 0, 0.12), (0.08, 0, 0.12), (0.15, 0, -0.07)):
        x, y, depth = world_to_camera_view(scene, scene.camera, head.matrix_world @ Vector(point))
        assert 0.02 < x < 0.98, point
        assert 0.02 < y < 0.98, point
        assert depth > 0, point
