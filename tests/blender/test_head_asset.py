"""The head in an asset library: what is written, what comes out of it, what is refused."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType

import bpy
import helpers
import numpy as np
from helpers import module

OTHER = "11111111-2222-3333-4444-555555555555:Props/Chairs:Props-Chairs"


def _asset() -> ModuleType:
    return module("blender_addon.head_asset")


def test_a_library_gets_the_head_and_its_catalogue_and_the_open_file_stays_as_it_is() -> None:
    before = {
        name: len(getattr(bpy.data, name)) for name in ("objects", "meshes", "collections", "armatures")
    }
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "My Assets"
        assert bpy.ops.soliloquy.head_asset(directory=str(library)) == {"FINISHED"}
        assert {name: len(getattr(bpy.data, name)) for name in before} == before
        with bpy.data.libraries.load(str(library / "soliloquy_head.blend"), assets_only=True) as (
            inside,
            wanted,
        ):
            assert list(inside.collections) == ["Soliloquy Head"]
            assert not inside.objects
            wanted.collections = inside.collections
        (head_collection,) = wanted.collections
        assert head_collection.asset_data.catalog_id == str(_asset().CATALOGUE)
        about = head_collection.asset_data
        assert (about.license, about.author) == ("CC0-1.0", "Soliloquy")
        assert "52 ARKit shape keys" in about.description
        assert {"head", "ARKit"} <= {tag.name for tag in about.tags}
        bpy.context.scene.collection.children.link(head_collection)
        (head,) = (o for o in head_collection.objects if o.type == "MESH" and o.data.shape_keys is not None)
        assert module("blender_addon.rig_map").find_map(head).unmatched == ()
        assert module("blender_addon.rig_map").coverage(head) == (52, 52), "it comes mapped"
        assert {row.object for row in head.soliloquy_rig.rows if row.kind == "BONE"} == {head.parent}
        head.data.shape_keys.key_blocks["eyeBlinkLeft"].value = 0.5
        bpy.context.view_layer.update()
        shown = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.shape_keys.key_blocks
        assert abs(shown["corrective_eyeBlinkLeft_half"].value - 1.0) < 1e-6
        assert {o.parent for o in head_collection.objects if o.type == "MESH"} == {head.parent}
        bpy.context.view_layer.objects.active = head
        assert helpers.animate(helpers.vowels("asset.wav", 1.0)) == {"FINISHED"}
        assert len(helpers.curves(head)) == 52


def test_the_asset_has_a_picture_of_a_head() -> None:
    if bpy.app.version[:2] == (5, 0):
        raise helpers.Skip("Blender 5.0 writes no pictures of collections")
    with tempfile.TemporaryDirectory() as folder:
        written = _asset().write(Path(folder))
        with bpy.data.libraries.load(str(written), assets_only=True) as (inside, wanted):
            wanted.collections = inside.collections
        preview = wanted.collections[0].preview
        assert preview.image_size[:] == (256, 256)
        pixels = np.empty(256 * 256 * 4, np.float32)
        preview.image_pixels_float.foreach_get(pixels)
    picture = pixels.reshape(256, 256, 4)
    face, corner = picture[100:180, 90:150, :3].mean(axis=(0, 1)), picture[-20:, -20:, :3].mean(axis=(0, 1))
    assert face[0] > face[2] + 0.1, "skin, and the right way up"
    assert abs(corner[0] - corner[2]) < 0.05, "the backdrop"


def test_other_catalogues_stay_and_ours_is_added_once() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "blender_assets.cats.txt"
        path.write_text(f"VERSION 1\n\n{OTHER}", encoding="utf-8")
        for _ in range(2):
            _asset().write(Path(folder))
        lines = path.read_text(encoding="utf-8").splitlines()
        assert OTHER in lines
        assert [line.split(":")[1] for line in lines if str(_asset().CATALOGUE) in line] == [
            "Soliloquy/Characters"
        ]
        assert sorted(p.name for p in Path(folder).iterdir()) == [
            "blender_assets.cats.txt",
            "soliloquy_head.blend",
        ]


def _refusal(**options: str) -> str:
    try:
        bpy.ops.soliloquy.head_asset(**options)
    except RuntimeError as error:
        return str(error)
    return ""


def test_a_folder_that_cannot_be_written_is_a_sentence() -> None:
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / "file"
        taken.write_text("x")
        said = _refusal(directory=str(taken))
        assert "file" in said
        assert "Traceback" not in said
        assert taken.read_text() == "x"
    assert "No folder is chosen" in _refusal()
