"""The head that is mapped when it is added: it speaks, and its map can be edited, wherever it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import helpers

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 55  # the 52 of ARKit, and the head's three turns


def _added() -> bpy.types.Object:
    assert bpy.ops.soliloquy.add_head() == {"FINISHED"}
    return bpy.context.active_object


def _aim_at(head: bpy.types.Object) -> bpy.types.Object:
    bpy.context.view_layer.objects.active = head
    bpy.context.scene.soliloquy.target = head
    return head


def _library(name: str) -> Path:
    """A file with a head, mapped, in a collection "Cast"."""
    helpers.empty_scene()
    cast = bpy.data.collections.new("Cast")
    bpy.context.scene.collection.children.link(cast)
    bpy.context.view_layer.active_layer_collection = bpy.context.view_layer.layer_collection.children["Cast"]
    _added()
    path = helpers.FOLDER / name
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    helpers.empty_scene()
    return path


def _appended() -> bpy.types.Object:
    library = _library("append.blend")
    with bpy.data.libraries.load(str(library)) as (_, wanted):
        wanted.collections = ["Cast"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    return _aim_at(bpy.data.objects["Soliloquy Head"])


def _overridden() -> bpy.types.Object:
    library = _library("link.blend")
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.collections = ["Cast"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    _aim_at(wanted.collections[0].all_objects["Soliloquy Head"])
    assert bpy.ops.soliloquy.make_override() == {"FINISHED"}
    return _aim_at(bpy.context.scene.soliloquy.target)


def _copied() -> bpy.types.Object:
    first = _added()
    assert bpy.ops.object.duplicate() == {"FINISHED"}
    copy = bpy.context.active_object
    assert copy != first
    bpy.data.batch_remove([first.parent, first])  # the copy needs nothing of it
    return _aim_at(copy)


SITUATIONS = {"added": _added, "appended": _appended, "overridden": _overridden, "copied": _copied}


def _rows(head: bpy.types.Object) -> list:
    return helpers.module("blender_addon.rig_rows").present(head)


def _row(head: bpy.types.Object, channel: str) -> bpy.types.PropertyGroup:
    (row,) = [row for row in _rows(head) if row.channel == channel]
    return row


def _saved_and_opened(head: bpy.types.Object, name: str) -> bpy.types.Object:
    called = head.name
    path = helpers.FOLDER / f"{name}_shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return _aim_at(bpy.data.objects[called, None])


def _check_whole(head: bpy.types.Object) -> None:
    assert helpers.module("blender_addon.rig_map").coverage(head) == (52, 52)
    assert len(_rows(head)) == ROWS
    turns = [row for row in _rows(head) if row.kind == "BONE"]
    assert {row.object for row in turns} == {head.parent}, "the turns are of its own neck"


def _each(check: object) -> None:
    for name, make in SITUATIONS.items():
        helpers.empty_scene()
        try:
            check(make(), name)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


def test_it_speaks_at_once() -> None:
    def check(head: bpy.types.Object, name: str) -> None:
        _check_whole(head)
        assert helpers.animate(helpers.vowels(f"{name}.wav", 1.0)) == {"FINISHED"}
        assert len(helpers.curves(head)) == 52
        neck = helpers.speech_strip(head.parent)
        assert helpers.action_curves(neck.action, neck.action_slot)

    _each(check)


def test_an_edited_row_is_kept_by_the_file_and_by_mapping_again_and_it_acts() -> None:
    def check(head: bpy.types.Object, name: str) -> None:
        _row(head, "jawOpen").gain = 0.25
        head = _saved_and_opened(head, name)
        assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
        _check_whole(head)
        assert _row(head, "jawOpen").by_hand
        assert _row(head, "jawOpen").gain == 0.25
        assert [row.channel for row in _rows(head) if row.by_hand] == ["jawOpen"]
        sound = helpers.vowels(f"{name}.wav", 1.0)
        assert helpers.animate(sound) == {"FINISHED"}
        little = helpers.channel(head, "jawOpen")[:, 1].max()
        _row(head, "jawOpen").gain = 1.0
        assert helpers.channel(head, "jawOpen")[:, 1].max() > 2.0 * little > 0.0

    _each(check)


def test_the_map_can_be_made_anew_after_anything_that_was_done_to_it() -> None:
    def check(head: bpy.types.Object, name: str) -> None:
        head.data.shape_keys.key_blocks["jawOpen"].name = "drop_it"
        assert bpy.ops.soliloquy.rig_clear() == {"FINISHED"}
        assert not _rows(head)
        head = _saved_and_opened(head, name)
        assert not _rows(head), "cleared stays cleared"
        assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
        again = {row.channel: row.item for row in _rows(head) if row.kind == "SHAPE_KEY"}
        assert again["jawOpen"] == "drop_it"
        assert len(again) == 52
        head = _saved_and_opened(head, name)
        _check_whole(head)

    for name in ("added", "appended", "copied"):  # an override cannot rename the keys of its library
        helpers.empty_scene()
        check(SITUATIONS[name](), name)


def test_rows_of_a_library_leave_an_override_and_come_back_and_new_ones_stay() -> None:
    head = _overridden()
    for channel in ("tongueOut", "headRoll"):
        head.soliloquy_rig.active = next(
            i for i, row in enumerate(head.soliloquy_rig.rows) if row.channel == channel
        )
        assert bpy.ops.soliloquy.rig_remove() == {"FINISHED"}
    assert {row.channel for row in _rows(head)}.isdisjoint({"tongueOut", "headRoll"})
    assert helpers.module("blender_addon.rig_rows").active(head) is not None
    assert bpy.ops.soliloquy.rig_add(channel="jawOpen") == {"FINISHED"}
    added = helpers.module("blender_addon.rig_rows").active(head)
    added.item, added.gain = "mouthPucker", 0.1
    head = _saved_and_opened(head, "removed")
    assert len(_rows(head)) == ROWS - 2 + 1
    assert {row.channel for row in _rows(head)}.isdisjoint({"tongueOut", "headRoll"})
    assert any(row.item == "mouthPucker" and row.channel == "jawOpen" for row in _rows(head))
    saved = helpers.FOLDER / "override.json"
    assert bpy.ops.soliloquy.rig_save(filepath=str(saved)) == {"FINISHED"}
    assert len(helpers.module("inference.rig_json").read_map(saved).targets) == ROWS - 2 + 1
    assert bpy.ops.soliloquy.rig_clear() == {"FINISHED"}
    assert not _rows(head)
    reason = helpers.module("blender_addon.operators.rig").SOLILOQUY_OT_rig_remove.disabled_reason
    assert "no rig map" in reason(bpy.context)
    assert bpy.ops.soliloquy.rig_load(filepath=str(saved)) == {"FINISHED"}
    assert len(_rows(head)) == ROWS - 2 + 1
    assert bpy.ops.soliloquy.rig_clear() == {"FINISHED"}
    assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
    _check_whole(head)
    assert len(head.soliloquy_rig.rows) == ROWS, "rows of the library were taken up again"
    _check_whole(_saved_and_opened(head, "back"))


def test_a_row_that_the_library_gets_later_and_a_row_that_was_added_here_are_both_there() -> None:
    head = _overridden()
    assert bpy.ops.soliloquy.rig_add(channel="jawOpen") == {"FINISHED"}
    helpers.module("blender_addon.rig_rows").active(head).item = "mouthPucker"
    shot = helpers.FOLDER / "two_rows.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(shot))
    bpy.ops.wm.open_mainfile(filepath=str(helpers.FOLDER / "link.blend"))
    _aim_at(bpy.data.objects["Soliloquy Head"])
    assert bpy.ops.soliloquy.rig_add(channel="jawOpen") == {"FINISHED"}
    helpers.module("blender_addon.rig_rows").active(bpy.context.active_object).item = "mouthFunnel"
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(shot))
    head = _aim_at(bpy.data.objects["Soliloquy Head", None])
    assert sorted(row.item for row in _rows(head) if row.channel == "jawOpen") == [
        "jawOpen",
        "mouthFunnel",
        "mouthPucker",
    ]
