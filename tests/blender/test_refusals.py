"""What cannot be done is said in one sentence with its remedy, and nothing in the scene changes."""

from __future__ import annotations

from pathlib import Path

import bpy
import helpers


def _check(said: str, *parts: str) -> None:
    for part in parts:
        assert part in said, f"{part!r} is missing in {said!r}"
    assert "Traceback" not in said
    assert said.rstrip().endswith("."), said


def _refused_unchanged(path, *parts, **settings):
    before = helpers.snapshot()
    _check(helpers.refused(path, **settings), *parts)
    assert helpers.snapshot() == before


def _error(path) -> str:
    try:
        helpers.animate(path)
    except RuntimeError as error:
        return str(error)
    return ""


def test_no_target():
    _refused_unchanged(helpers.vowels("a.wav", 0.5), "No target mesh is chosen")


def test_target_is_not_a_mesh():
    camera = bpy.data.objects.new("Cam", bpy.data.cameras.new("Cam"))
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.view_layer.objects.active = camera
    _refused_unchanged(helpers.vowels("a.wav", 0.5), '"Cam" is not a mesh')


def test_mesh_without_shape_keys():
    bpy.context.view_layer.objects.active = helpers.mesh_with_keys("Bare", ())
    _refused_unchanged(helpers.vowels("a.wav", 0.5), '"Bare" has no shape keys')


def test_no_shape_key_matches():
    bpy.context.view_layer.objects.active = helpers.mesh_with_keys("Fist", ("clench", "spread"))
    _refused_unchanged(helpers.vowels("a.wav", 0.5), '"Fist"', "clench", "jawOpen")


def test_missing_sound_folder_and_nothing():
    helpers.arkit_mesh()
    _refused_unchanged("/nowhere/line.wav", "/nowhere/line.wav does not exist")
    _refused_unchanged(helpers.FOLDER, "is a folder")
    _refused_unchanged("", "No sound file is chosen")
    _refused_unchanged("//line.wav", "not saved yet")


def test_sounds_that_cannot_be_read():
    helpers.arkit_mesh()
    text, empty = helpers.FOLDER / "text.wav", helpers.FOLDER / "empty.wav"
    text.write_text("this is not a sound file\n" * 20)
    empty.write_bytes(b"")
    _refused_unchanged(text, "text.wav")
    _refused_unchanged(empty, "empty.wav")


def test_every_bad_file_of_the_collection_is_survived():
    folder = helpers.data("bad_audio")
    for row in (folder / "index.csv").read_text("utf-8").splitlines()[1:]:
        name, _, expected = row.split(",")[:3]
        helpers.empty_scene()
        face = helpers.arkit_mesh()
        if expected == "error":
            _refused_unchanged(folder / name)
            continue
        said = _error(folder / name)
        if said:
            _check(said)
            assert expected == "accept_warn", (name, said)
        else:
            values = [v for keys in helpers.curves(face).values() for _, v in keys]
            assert all(0.0 <= v <= 1.0 for v in values), name


def test_silence_keeps_the_mouth_neutral_with_a_notice():
    face = helpers.arkit_mesh()
    assert helpers.animate(helpers.vowels("silent.wav", 1.0, ()), blinks=False) == {"FINISHED"}
    spoken = [helpers.value_path(c) for c in helpers.module("inference.channels").PARTS["mouth"]]
    assert all(v < 0.05 for path in spoken for _, v in helpers.curves(face)[path])
    assert any("silent" in n for n in helpers.module("blender_addon.jobs").STATUS.notices)


def test_non_ascii_path():
    face = helpers.arkit_mesh()
    path = helpers.vowels("Grüße 音声 🎙.wav", 1.0)
    assert helpers.animate(path) == {"FINISHED"}
    assert helpers.speech_strip(face.data.shape_keys).action.name == "Grüße 音声 🎙 Soliloquy"


def test_linked_object_says_how_and_the_button_makes_the_override():
    library = helpers.FOLDER / "library.blend"
    helpers.mesh_with_keys("Teeth", ("jawOpen",), parent=helpers.arkit_mesh("Hero"))
    collection = bpy.data.collections.new("Character")
    bpy.context.scene.collection.children.link(collection)
    for made in list(bpy.context.scene.collection.objects):
        collection.objects.link(made)
        bpy.context.scene.collection.objects.unlink(made)
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    helpers.empty_scene()
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.collections = ["Character"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    hero = bpy.context.scene.objects["Hero"]
    bpy.context.view_layer.objects.active = hero
    path = helpers.vowels("linked.wav", 1.0)
    _refused_unchanged(path, '"Hero"', "library.blend", "override")
    assert bpy.ops.soliloquy.make_override() == {"FINISHED"}
    assert helpers.animate(path) == {"FINISHED"}
    saved = helpers.FOLDER / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(saved))
    bpy.ops.wm.open_mainfile(filepath=str(saved))
    for name, count in (("Hero", 52), ("Teeth", 1)):
        (kept,) = (o for o in bpy.context.scene.objects if o.name == name)
        assert len(helpers.curves(kept)) == count, "the keys are still there after saving and loading"


def test_damaged_and_missing_weights():
    face = helpers.arkit_mesh()
    line, media = helpers.module("blender_addon.line"), helpers.module("blender_addon.media")
    settings = helpers.module("inference.pipeline").AnimateSettings()
    source = media.source_from_file(str(helpers.vowels("w.wav", 0.5)), 1)
    damaged = helpers.FOLDER / "damaged.onnx"
    damaged.write_bytes(b"\x08\x07not a model")
    before = helpers.snapshot()
    for weights in (damaged, Path("/nowhere/speech.onnx")):
        described = line.describe(bpy.context.scene, face, source, settings, model=weights)
        try:
            line.run_now(bpy.context.scene, described)
        except helpers.module("inference.errors").ModelError as error:
            _check(str(error), weights.name)
        else:
            raise AssertionError("not refused")
    assert helpers.snapshot() == before


def test_a_failure_while_writing_leaves_the_scene_as_it_was():
    face = helpers.arkit_mesh()
    layers, bezier = helpers.module("blender_addon.layers"), helpers.module("inference.bezier")
    import numpy as np

    plan = layers.plan(face, bpy.context.scene, helpers.module("blender_addon.rig_map").read_character(face))
    curve = bezier.through(np.arange(3.0), np.arange(3.0))
    good = bezier.KeyedCurve("KEY", face.name, helpers.value_path("jawOpen"), 0, curve)
    gone = bezier.KeyedCurve("KEY", "Removed", helpers.value_path("jawOpen"), 0, curve)
    before = helpers.snapshot()
    for broken in ([good, gone], [good, good]):
        try:
            layers.write(face, plan, broken)
        except (RuntimeError, helpers.module("inference.errors").RigError):
            assert helpers.snapshot() == before
        else:
            raise AssertionError("not refused")
