"""One click composes a pass: what the group does to pixels, twice is once, and removal leaves no trace."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy
import helpers
import numpy as np
from exr_files import read_picture, write_exr

WIDTH, HEIGHT = 96, 64
FIRST, LAST = 11, 14
PAINTED = (0.5, 0.25, 0.125)
LEFT, RIGHT, TOP, BOTTOM = 30, 66, 16, 48
"""The pass's square, with a border of one pixel at half."""


def _compositor():
    return helpers.module("blender_addon.compositor")


def _files(folder: Path) -> object:
    return helpers.module("blender_addon.pass_files").pass_files(folder)


def _folder(name: str) -> Path:
    folder = helpers.FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _matte() -> np.ndarray:
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    matte[TOP - 1 : BOTTOM + 1, LEFT - 1 : RIGHT + 1] = 0.5
    matte[TOP:BOTTOM, LEFT:RIGHT] = 1.0
    return matte


def _pass(name: str = "pass", frames: range = range(FIRST, LAST + 1), confidence: float = 1.0) -> Path:
    """A square of one colour; it is painted some pixels beyond the matte."""
    folder = _folder(name)
    colour = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    colour[TOP - 8 : BOTTOM + 8, LEFT - 8 : RIGHT + 8] = PAINTED
    layers = {letter: colour[..., i] for i, letter in enumerate("RGB")}
    layers |= {"matte.V": _matte(), "confidence.V": np.full((HEIGHT, WIDTH), confidence)}
    for frame in frames:
        write_exr(folder / f"pass_{frame:04d}.exr", layers)
    return folder


def _plate(name: str = "plate") -> object:
    """A sequence of pictures that lies on the pass's frames; each has its own blue."""
    folder = _folder(name)
    for number in range(1, 5):
        ramp = np.zeros((HEIGHT, WIDTH, 4), np.float32)
        ramp[..., 0] = np.linspace(0.1, 0.9, WIDTH)
        ramp[..., 1] = np.linspace(0.1, 0.9, HEIGHT)[:, None]
        ramp[..., 2], ramp[..., 3] = number / 10, 1.0
        image = bpy.data.images.new("ramp", WIDTH, HEIGHT)
        image.pixels.foreach_set(ramp.ravel())
        image.filepath_raw, image.file_format = str(folder / f"plate_{number:04d}.png"), "PNG"
        image.save()
        bpy.data.images.remove(image)
    return helpers.module("blender_addon.pass_files").PlateFiles(str(folder / "plate_0001.png"), FIRST, 1, 4)


def _rendered(frame: int = FIRST + 1) -> np.ndarray:
    """What the compositor shows, in scene linear numbers."""
    scene = bpy.context.scene
    scene.render.compositor_device = "CPU"
    settings = scene.render.image_settings
    settings.file_format, settings.color_depth, settings.color_mode = "OPEN_EXR", "32", "RGBA"
    scene.render.filepath = str(helpers.FOLDER / "rendered.exr")
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    return read_picture(helpers.FOLDER / "rendered.exr")


def _built(plate: bool = True, **settings: object) -> bpy.types.Node:
    files = _files(_pass())
    node, _ = _compositor().build(bpy.context.scene, files, _plate() if plate else None, settings)
    return node


def _set(node: bpy.types.Node, **values: object) -> None:
    for name, value in values.items():
        node.inputs[name.replace("_", " ")].default_value = value


def _inside(picture: np.ndarray) -> np.ndarray:
    return picture[TOP + 2 : BOTTOM - 2, LEFT + 2 : RIGHT - 2, :3]


def _tree_state(tree: bpy.types.NodeTree) -> tuple:
    nodes = sorted((n.name, n.bl_idname, tuple(n.location)) for n in tree.nodes)
    links = sorted(
        (k.from_node.name, k.from_socket.identifier, k.to_node.name, k.to_socket.identifier)
        for k in tree.links
    )
    return nodes, links


def test_switched_off_is_the_plate_to_the_last_bit():
    node = _built()
    _set(node, Show_Pass=False)
    off = _rendered()
    tree = node.id_data
    output = helpers.module("blender_addon.compat").compositor_output(tree)
    origin = node.inputs["Background"].links[0].from_socket
    tree.links.new(origin, output)
    assert np.array_equal(off, _rendered())
    assert not np.array_equal(off, _rendered(FIRST)), "every frame has its own picture of the plate"


def test_the_pass_lies_where_its_matte_is_and_only_on_its_frames():
    node = _built()
    _set(node, Show_Pass=False)
    plate, late_plate = _rendered(), _rendered(LAST + 1)
    _set(node, Show_Pass=True)
    shown = _rendered()
    assert np.abs(_inside(shown) - PAINTED).max() < 1e-3
    outside = _matte() == 0.0
    assert np.array_equal(shown[outside], plate[outside])
    border = shown[TOP + 5, LEFT - 1, :3]
    half = 0.5 * (plate[TOP + 5, LEFT - 1, :3] + PAINTED)
    assert np.abs(border - half).max() < 2e-3, "mixed by the matte, in scene linear light"
    assert np.array_equal(_rendered(LAST + 1), late_plate), "the last picture is not held"


def test_mix_edge_gain_and_offset_act_as_told():
    node = _built()
    _set(node, Show_Pass=False)
    plate = _rendered()
    _set(node, Show_Pass=True, Mix=0.25)
    assert np.abs(_inside(_rendered()) - (0.75 * _inside(plate) + 0.25 * np.array(PAINTED))).max() < 1e-3
    _set(node, Mix=1.0, Grow=-6)
    shrunk = _rendered()
    assert np.array_equal(shrunk[TOP + 3, LEFT + 3], plate[TOP + 3, LEFT + 3])
    assert np.abs(shrunk[HEIGHT // 2, WIDTH // 2, :3] - PAINTED).max() < 1e-3
    _set(node, Grow=4)
    assert np.abs(_rendered()[HEIGHT // 2, LEFT - 4, :3] - PAINTED).max() < 1e-3
    _set(node, Grow=0, Feather=8.0)
    row = _rendered()[HEIGHT // 2, :, 2]
    share = (row - plate[HEIGHT // 2, :, 2]) / (PAINTED[2] - plate[HEIGHT // 2, :, 2])
    assert (np.diff(share[LEFT - 6 : WIDTH // 2]) >= -1e-3).all(), "a soft edge only rises inwards"
    assert 0.2 < share[LEFT] < 0.8
    _set(node, Feather=0.0, Gain=(2.0, 1.0, 0.5, 1.0), Offset=(0.0, 0.1, 0.0, 1.0))
    wanted = np.array(PAINTED) * (2.0, 1.0, 0.5) + (0.0, 0.1, 0.0)
    assert np.abs(_inside(_rendered()) - wanted).max() < 1e-3


def test_colour_match_takes_on_the_colours_along_the_edge():
    node = _built()
    _set(node, Show_Pass=False)
    plate = _rendered()
    _set(node, Show_Pass=True)
    plain = _rendered()
    _set(node, Colour_Match=1.0, Match_Reach=6.0)
    matched = _rendered()
    at_edge = (slice(TOP + 2, BOTTOM - 2), LEFT + 1, slice(3))
    before = np.abs(plain[at_edge] - plate[at_edge]).mean()
    after = np.abs(matched[at_edge] - plate[at_edge]).mean()
    assert after < 0.35 * before, (before, after)
    assert (matched[..., :3] >= 0.0).all()


def test_match_without_tint_changes_how_bright_the_pass_is_and_no_hue():
    node = _built()
    _set(node, Colour_Match=1.0, Match_Reach=6.0)
    tinted = _rendered()[HEIGHT // 2, LEFT + 1, :3] / PAINTED
    assert tinted.max() / tinted.min() > 1.5, "the ramp has another hue"
    _set(node, Match_Tint=0.0)
    plain = _inside(_rendered()) / PAINTED
    assert np.abs(plain.max(-1) / plain.min(-1) - 1.0).max() < 2e-3


def test_match_with_little_tint_does_not_count_an_edge_of_another_hue():
    node = _built()
    _set(node, Colour_Match=1.0, Match_Reach=6.0, Match_Tint=0.0, Gain=(0.0, 0.0, 1.0, 1.0))
    blue = _inside(_rendered())
    assert np.abs(blue - np.array(PAINTED) * (0.0, 0.0, 1.0)).max() < 2e-3, "far from the ramp's hues"


def test_grain_has_its_strength_and_changes_with_the_frame():
    node = _built()
    _set(node, Grain=0.1)
    one, other = _inside(_rendered(FIRST)), _inside(_rendered(FIRST + 1))
    assert abs((one / PAINTED).std() - 0.1) < 0.015
    assert abs((one / PAINTED).mean() - 1.0) < 0.02
    assert abs(np.corrcoef(one[..., 0].ravel(), other[..., 0].ravel())[0, 1]) < 0.2
    assert np.array_equal(one, _inside(_rendered(FIRST))), "a frame is the same whenever it is rendered"


def test_blur_softens_the_pass_and_keeps_its_colour_up_to_the_border():
    node = _built()
    _set(node, Blur=6.0, Grow=7)
    shown = _rendered()
    assert np.abs(_inside(shown) - PAINTED).max() < 2e-3
    assert np.abs(shown[HEIGHT // 2, LEFT - 7, :3] - PAINTED).max() < 0.02, "no dark rim"


def test_low_confidence_gives_way_to_the_background():
    folder = _pass("doubtful", confidence=0.3)
    files = _files(folder)
    node, _ = _compositor().build(bpy.context.scene, files, _plate())
    _set(node, Show_Pass=False)
    plate = _rendered()
    _set(node, Show_Pass=True, Hidden_Below=0.1, Full_From=0.5)
    assert np.abs(_inside(_rendered()) - 0.5 * (_inside(plate) + np.array(PAINTED))).max() < 2e-3
    _set(node, Hidden_Below=0.4)
    assert np.array_equal(_rendered(), plate)
    _set(node, Confidence_Fade=0.0)
    assert np.abs(_inside(_rendered()) - PAINTED).max() < 1e-3


def test_a_second_click_changes_the_files_and_nothing_else():
    node = _built()
    _set(node, Mix=0.5)
    state = _tree_state(node.id_data)
    counts = len(bpy.data.node_groups), len(bpy.data.images)
    files = _files(_pass("again", range(FIRST + 2, FIRST + 9)))
    again, _ = _compositor().build(bpy.context.scene, files, _plate(), {"Mix": 1.0})
    assert again == node
    assert _tree_state(node.id_data) == state
    assert (len(bpy.data.node_groups), len(bpy.data.images)) == counts
    assert node.inputs["Mix"].default_value == 0.5, "what a person set stays"
    assert node.inputs["First Frame"].default_value == FIRST + 2
    assert np.abs(_inside(_rendered(FIRST + 8)) - 0.5 * np.array(PAINTED)).max() < 0.5


def _user_tree() -> bpy.types.NodeTree:
    """Nodes of a person: the render through an exposure to the output."""
    scene, compat = bpy.context.scene, helpers.module("blender_addon.compat")
    tree = compat.make_compositor_tree(scene)
    output = compat.compositor_output(tree)
    exposure = tree.nodes.new("CompositorNodeExposure")
    exposure.inputs["Exposure"].default_value = 0.25
    layers = next(node for node in tree.nodes if node.type == "R_LAYERS")
    tree.links.new(layers.outputs["Image"], exposure.inputs["Image"])
    tree.links.new(exposure.outputs["Image"], output)
    return tree


def test_removal_restores_the_user_s_nodes_with_and_without_a_plate():
    tree, scene = _user_tree(), bpy.context.scene
    before = _tree_state(tree), scene.view_settings.view_transform, tuple(_size(scene))
    images, groups = len(bpy.data.images), len(bpy.data.node_groups)
    for plate in (False, True):
        node = _built(plate)
        assert node.id_data == tree
        assert (scene.view_settings.view_transform == "Standard") == plate
        assert (tuple(_size(scene)) == (WIDTH, HEIGHT)) == plate
        origin = node.inputs["Background"].links[0].from_node
        assert (origin.bl_idname == "CompositorNodeExposure") != plate
        assert _compositor().remove(scene)
        assert (_tree_state(tree), scene.view_settings.view_transform, tuple(_size(scene))) == before
        assert not _compositor().remove(scene)
    assert len(bpy.data.node_groups) == groups
    assert len(bpy.data.images) <= images + 1, "the plate may stay, as other images do"


def _size(scene: bpy.types.Scene) -> tuple[int, int]:
    return scene.render.resolution_x, scene.render.resolution_y


def test_removal_of_nodes_that_we_made_leaves_none():
    compat, scene = helpers.module("blender_addon.compat"), bpy.context.scene
    assert compat.compositor_tree(scene) is None
    for plate in (False, True):
        _built(plate)
        assert _compositor().remove(scene)
        assert compat.compositor_tree(scene) is None
        assert not bpy.data.node_groups


def test_from_plate_to_render_and_back_keeps_what_the_scene_showed():
    tree, scene = _user_tree(), bpy.context.scene
    node, files = _built(plate=True), _files(helpers.FOLDER / "pass")
    _compositor().build(scene, files, None)
    assert node.inputs["Background"].links[0].from_node.bl_idname == "CompositorNodeExposure"
    assert scene.view_settings.view_transform == "AgX"
    _compositor().build(scene, files, _plate())
    assert node.inputs["Background"].links[0].from_node.label == "Plate"
    assert _compositor().remove(scene)
    output = helpers.module("blender_addon.compat").compositor_output(tree)
    assert output.links[0].from_node.bl_idname == "CompositorNodeExposure"


def test_a_node_put_behind_the_group_stays_there():
    scene, node = bpy.context.scene, _built(plate=False)
    tree, output = node.id_data, helpers.module("blender_addon.compat").compositor_output(node.id_data)
    after = tree.nodes.new("CompositorNodeExposure")
    tree.links.new(node.outputs["Image"], after.inputs["Image"])
    tree.links.new(after.outputs["Image"], output)
    assert _compositor().remove(scene)
    assert output.links[0].from_node == after
    assert after.inputs["Image"].links[0].from_node.type in ("R_LAYERS", "REROUTE")


def test_a_saved_file_keeps_everything():
    node = _built()
    _set(node, Mix=0.4, Grain=0.05)
    tree_name, state, shown = node.id_data.name, _tree_state(node.id_data), _rendered()
    path = str(helpers.FOLDER / "composed.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    helpers.empty_scene()
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.context.scene
    node = _compositor().group_node(scene)
    assert node.id_data.name == tree_name
    assert _tree_state(node.id_data) == state
    assert np.array_equal(_rendered(), shown)
    assert len(_compositor().group_node(scene).inputs["Matte"].links) == 1
    assert _compositor().remove(scene)
    assert scene.view_settings.view_transform == "AgX"


def test_files_that_are_no_pass_are_refused_and_leave_nothing():
    errors, scene = helpers.module("inference.errors"), bpy.context.scene
    empty = _folder("empty")
    assert "holds no pass" in helpers.error_of(errors.UsageError, _files, empty)
    plain = _folder("plain")
    write_exr(plain / "a_0001.exr", {letter: np.zeros((4, 4)) for letter in "RGB"})
    said = helpers.error_of(errors.UsageError, _compositor().build, scene, _files(plain))
    assert "is no pass" in said
    assert helpers.module("blender_addon.compat").compositor_tree(scene) is None
    (plain / "a_0001.exr").write_text("not an image")
    said = helpers.error_of(errors.UsageError, _compositor().build, scene, _files(plain))
    assert "can't be read" in said


def test_missing_frames_are_told_and_show_the_background():
    folder = _pass("holes")
    (folder / f"pass_{FIRST + 1:04d}.exr").unlink()
    files = _files(folder)
    assert files.missing == (FIRST + 1,)
    node, notices = _compositor().build(bpy.context.scene, files, _plate())
    assert "1 frames of the pass are missing" in notices[-1] or "missing" in notices[-1]
    shown = _rendered(FIRST + 1)
    _set(node, Show_Pass=False)
    assert np.array_equal(shown, _rendered(FIRST + 1))


def test_every_node_of_the_group_lies_in_a_labelled_frame_and_none_on_another():
    tree = _built().node_tree
    frames = {node for node in tree.nodes if node.type == "FRAME"}
    assert all(frame.label for frame in frames)
    assert len(frames) >= 6
    free = [n for n in tree.nodes if n.parent is None and n not in frames and n.type != "GROUP_OUTPUT"]
    assert not free, free
    nodes = [node for node in tree.nodes if node not in frames]
    places = [tuple(node.location_absolute) for node in nodes]
    for i, (x, y) in enumerate(places):
        for other_x, other_y in places[:i]:
            assert abs(x - other_x) > 145 or abs(y - other_y) > 150, (nodes[i].name, x, y, other_x, other_y)
    for link in tree.links:
        assert link.is_valid
        assert link.from_node.location_absolute.x < link.to_node.location_absolute.x, "left to right"
