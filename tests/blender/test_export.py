"""A baked performance leaves Blender and comes back the same: glTF and FBX."""

from __future__ import annotations

import bpy
import helpers
import numpy as np

CHANNELS = ("jawOpen", "mouthClose", "mouthFunnel", "mouthSmileRight", "eyeBlinkRight")
FPS = 24


def _performance():
    """A baked character; its name and what it shows on frames 1 to 60."""
    scene = helpers.empty_scene(FPS)
    scene.frame_start, scene.frame_end = 1, 60
    face = helpers.arkit_mesh("Actor")
    assert helpers.animate(helpers.vowels("export.wav", 2.0), blinks=True) == {"FINISHED"}
    assert bpy.ops.soliloquy.bake() == {"FINISHED"}
    shown = _shown(face)
    assert np.ptp(shown, axis=0).max() > 0.05, "something moves"
    bpy.ops.object.select_all(action="DESELECT")
    face.select_set(True)
    return shown


def _shown(face, later=0):
    """What it shows on the frames 1 to 60, each so many frames `later`."""
    blocks = face.data.shape_keys.key_blocks
    values = []
    for frame in range(1 + later, 61 + later):
        bpy.context.scene.frame_set(frame)
        values.append([blocks[name].value for name in CHANNELS])
    return np.array(values)


def _came_back():
    return next(o for o in bpy.context.scene.objects if o.type == "MESH" and o.data.shape_keys is not None)


def _needs(operator, name):
    if name not in dir(operator):
        raise helpers.Skip(f"this Blender has no {name}")


def test_gltf_round_trip():
    _needs(bpy.ops.export_scene, "gltf")
    shown, path = _performance(), helpers.FOLDER / "actor.glb"
    bpy.ops.export_scene.gltf(
        filepath=str(path), export_format="GLB", export_animation_mode="ACTIVE_ACTIONS", export_morph=True
    )
    helpers.empty_scene(FPS)
    bpy.ops.import_scene.gltf(filepath=str(path))
    back = _came_back()
    # glTF counts from its own first frame: find the shift of whole frames that fits, and then compare.
    errors = [np.abs(_shown(back, by) - shown).max() for by in range(-20, 21)]
    assert min(errors) < 0.01, errors


def test_fbx_round_trip():
    _needs(bpy.ops.export_scene, "fbx")
    shown, path = _performance(), helpers.FOLDER / "actor.fbx"
    bpy.ops.export_scene.fbx(
        filepath=str(path), use_selection=True, bake_anim=True, bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False, bake_anim_simplify_factor=0.0,
    )  # fmt: skip
    helpers.empty_scene(FPS)
    bpy.ops.import_scene.fbx(filepath=str(path))
    errors = [np.abs(_shown(_came_back(), by) - shown).max() for by in range(-2, 3)]
    assert min(errors) < 0.01, errors
