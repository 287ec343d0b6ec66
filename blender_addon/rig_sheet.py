"""A contact sheet of a rig map: one picture for each channel or pose, what moved in orange."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Vector

from . import rig_pose
from .outputs import check_writable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..inference.types import RigMap

TILE_PX = 220
COLUMNS = 9
_LABEL_PX = 14
_TURN_RAD = math.radians(22)
"""The face is seen a little from its left, so that what moves forward shows."""
_ROOM = 1.25
_MOVED = 0.04
"""A pixel whose brightness changed by more is tinted."""
_TINT = np.array((1.0, 0.55, 0.1), np.float32)
_BACKGROUND = (0.12, 0.125, 0.13)


def render(
    path: Path,
    maps: Sequence[RigMap],
    pictures: Mapping[str, Mapping[str, float]],
    seen: np.ndarray,
    front: np.ndarray,
) -> None:
    """Render and write a sheet. The scene is left without the character's animation and with other
    render settings: it is not to be saved.

    Args:
        path: the PNG file.
        pictures: weights of the channels by caption; the face at rest comes before them.
        seen: float [N, 3], points of the scene that are to be seen, at least one.
        front: [3], where the face looks.

    Raises:
        OutputError: the file cannot be written.
    """
    check_writable(path)
    scene = bpy.context.scene
    camera = _camera(seen, front)
    _set_up(scene, camera)
    _stop_animation(maps)
    poses = rig_pose.of_weights(maps, [{}, *pictures.values()])
    with rig_pose.Posed() as posed, tempfile.TemporaryDirectory() as folder:
        tiles = []
        for pose, caption in zip(poses, ("rest", *pictures), strict=True):
            posed.show(pose)
            tiles.append(_picture(scene, caption, Path(folder) / "tile.png"))
    _write(path, [tiles[0], *(_tinted(tile, tiles[0]) for tile in tiles[1:])])
    bpy.data.objects.remove(camera)


def _camera(seen: np.ndarray, front: np.ndarray) -> bpy.types.Object:
    data = bpy.data.cameras.new("Rig Sheet")
    made = bpy.data.objects.new("Rig Sheet", data)
    bpy.context.scene.collection.objects.link(made)
    turn = math.atan2(front[1], front[0]) + _TURN_RAD
    towards = Vector((math.cos(turn), math.sin(turn), 0.08)).normalized()
    made.rotation_euler = (-towards).to_track_quat("-Z", "Y").to_euler()
    axes = np.array(made.rotation_euler.to_matrix())
    there = seen @ axes
    low, high = there.min(axis=0), there.max(axis=0)
    size = max(float((high - low).max()), 1e-6)
    data.type, data.ortho_scale = "ORTHO", size * _ROOM
    data.clip_start, data.clip_end = size * 0.01, size * 20
    made.location = axes @ ((low + high) / 2) + np.array(towards) * size * 5
    return made


def _stop_animation(maps: Sequence[RigMap]) -> None:
    """What the file's own animation keys would be set again with every picture."""
    names = {t.object for m in maps for t in m.targets} | {s.object for m in maps for s in m.solved}
    objects = [bpy.data.objects[name] for name in names]
    for block in (*objects, *(o.data.shape_keys for o in objects if o.type == "MESH")):
        data = block.animation_data if block is not None else None
        if data is not None:
            data.action = None
            for track in data.nla_tracks:
                track.mute = True


def _set_up(scene: bpy.types.Scene, camera: bpy.types.Object) -> None:
    render = scene.render
    scene.camera = camera
    render.engine = "BLENDER_WORKBENCH"
    render.resolution_x, render.resolution_y = TILE_PX, TILE_PX + _LABEL_PX
    render.resolution_percentage = 100
    render.image_settings.file_format = "PNG"
    render.use_compositing = render.use_sequencer = False
    scene.view_settings.view_transform = "Standard"
    shading = scene.display.shading
    shading.light, shading.color_type = "STUDIO", "TEXTURE"
    shading.show_cavity, shading.cavity_type = True, "BOTH"
    shading.background_type, shading.background_color = "VIEWPORT", _BACKGROUND
    render.use_stamp = render.use_stamp_note = True
    for name in dir(render):
        if name.startswith("use_stamp_") and name not in ("use_stamp_note", "use_stamp_labels"):
            setattr(render, name, False)
    render.use_stamp_labels = False
    render.stamp_font_size = 11
    render.stamp_background = (0.0, 0.0, 0.0, 1.0)


def _picture(scene: bpy.types.Scene, caption: str, path: Path) -> np.ndarray:
    """float32 [H, W, 3], 0..1, the first row at the bottom."""
    scene.render.stamp_note_text = caption
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    try:
        width, height = image.size
        pixels = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[:, :, :3]


def _tinted(tile: np.ndarray, rest: np.ndarray) -> np.ndarray:
    moved = np.clip(np.abs(tile - rest).max(axis=2) / _MOVED - 1.0, 0.0, 1.0)[:, :, None] * 0.45
    moved[-_LABEL_PX:] = 0.0  # the caption, above the picture
    return tile * (1 - moved) + tile.mean(axis=2, keepdims=True) * _TINT * 1.4 * moved


def _write(path: Path, tiles: list[np.ndarray]) -> None:
    height, width, _ = tiles[0].shape
    rows = -(-len(tiles) // COLUMNS)
    sheet = np.zeros((rows * height, COLUMNS * width, 4), np.float32)
    sheet[..., 3] = 1.0
    for i, tile in enumerate(tiles):
        row, column = rows - 1 - i // COLUMNS, i % COLUMNS
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width, :3] = tile
    image = bpy.data.images.new("Rig Sheet", COLUMNS * width, rows * height)
    try:
        image.pixels.foreach_set(np.clip(sheet, 0.0, 1.0).ravel())
        image.filepath_raw, image.file_format = str(path), "PNG"
        image.save()
    finally:
        bpy.data.images.remove(image)
