"""Makes the two shots of the photoreal pass that the docs show, from an actor folder, in Blender.

    python tests/gui/actor_shots.py ACTOR --plate FILE --sound FILE --out DIR [--work DIR] [--only dub|skin]

*dub*: the line on the plate; `dub.png` shows four frames as filmed and with the pass. *skin*: the embedded
head says the line under a camera that goes round it, and the pass is locked onto the head; `skin.png` shows
five frames as the 3D render alone and with the pass, `skin.mp4` the whole shot with its sound. All three say
that they are synthetic, in the picture, in the header and in their content credentials.

Needs bpy, Pillow and what an actor needs. The scenes and the passes stay in --work; painted frames that are
there already are kept. The shot takes some minutes.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
import soliloquy.blender_addon as addon
from mathutils import Matrix, Vector
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin
from soliloquy.blender_addon import compositor
from soliloquy.blender_addon.jobs import STATUS
from soliloquy.blender_addon.operators.actor_composite import render_before_after
from soliloquy.inference.actor.folder import open_actor
from soliloquy.inference.actor.media.images import read_channels
from soliloquy.inference.actor.media.movie_writer import write_movie
from soliloquy.inference.actor.media.plate import open_plate
from soliloquy.inference.actor.painting.dub_preview import label, labelled
from soliloquy.inference.actor.trust.credentials import find_credentials
from soliloquy.inference.actor.trust.provenance import Provenance, provenance_of, sign_media
from soliloquy.inference.files import file_sha256
from soliloquy.inference.types import FrameRate

ROOT = Path(__file__).resolve().parents[2]
HZ, FRAMES = 25, 62
SIDE_PX = 480
"""Of the skin shot's square picture."""
SAMPLES, BOUNCES = 4, 2
DUB_SHOWN = (16, 22, 30, 39)
DUB_REACH = 2
"""How many times wider than the painted part the pictures of the dub are."""
SKIN_SHOWN = (8, 20, 30, 39, 54)
CAMERA = ((1, -38.0, 1.0), (20, -15.0, 0.8), (40, 15.0, 0.8), (FRAMES, 38.0, 1.0))
"""Frame, degrees to the head's side, and distance as a share of the portrait camera's."""
CENTRE = Vector((0.0, -0.02, 0.08))
"""What the camera looks at."""
TILE_PX, STRIP_PX, NAME_PX = 320, 22, 70
INK, GROUND = (235, 235, 235), (24, 24, 26)
BY = "plates: GRID corpus, speaker 1, CC BY 4.0"


def main() -> None:
    """Make the shots that were asked for."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    options.work.mkdir(parents=True, exist_ok=True)
    addon.register()
    for name, shot in (("dub", dub), ("skin", skin)):
        if options.only in (None, name):
            folder = options.work / name
            folder.mkdir(exist_ok=True)
            shot(options, folder)


def dub(options: argparse.Namespace, folder: Path) -> None:
    """The line on the plate."""
    scene = _spoken(options)
    _paint(scene, folder, options.plate, playable(options.plate, folder))
    box = _around_mouth(folder)
    pairs = [tuple(p.crop(box) for p in _pair(scene, frame, folder)) for frame in DUB_SHOWN]
    about = _provenance(options, "plate and dubbed plate side by side", options.plate)
    rows = ("filmed", "dubbed")
    _write_sheet(options.out / "dub.png", rows, pairs, DUB_SHOWN, f"Lower row SYNTHETIC; {BY}", about)


def skin(options: argparse.Namespace, folder: Path) -> None:
    """The pass on the embedded head under a moving camera."""
    scene = _spoken(options)
    scene.frame_start, scene.frame_end = 1, FRAMES
    scene.render.resolution_x = scene.render.resolution_y = SIDE_PX
    _move_camera(scene.camera)
    bpy.ops.soliloquy.place_face_points()
    scene.soliloquy_actor.way = "SKIN"
    _paint(scene, folder)
    _render_quickly(scene)
    scene.view_settings.view_transform = "Standard"
    about = _provenance(options, "face painted onto a 3D head", None)
    pairs = [_pair(scene, frame, folder) for frame in SKIN_SHOWN]
    rows = ("3D render", "with pass")
    _write_sheet(options.out / "skin.png", rows, pairs, SKIN_SHOWN, f"Lower row SYNTHETIC; {BY}", about)
    _write_shot(scene, options, folder, about)


def _render_quickly(scene: bpy.types.Scene) -> None:
    scene.render.engine, scene.render.use_persistent_data = "CYCLES", True
    scene.cycles.samples, scene.cycles.max_bounces, scene.cycles.use_denoising = SAMPLES, BOUNCES, True
    scene.cycles.denoising_quality, scene.cycles.denoising_prefilter = "FAST", "FAST"


def playable(plate: Path, folder: Path) -> Path:
    """The plate as a film that Blender plays right: MPEG-1 clips begin with wrong pictures in it."""
    if plate.suffix.lower() not in (".mpg", ".mpeg"):
        return plate
    film = folder / f"{plate.stem}.mp4"
    if not film.exists():
        with open_plate(plate) as source:
            info = source.info
            with write_movie(film, (info.width, info.height), info.rate, quality=6) as put:
                for frame in source.frames():
                    put(frame.rgb)
    return film


def _spoken(options: argparse.Namespace) -> bpy.types.Scene:
    """A new scene in which the embedded head says the line."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = HZ
    scene.render.compositor_device = "CPU"
    bpy.ops.soliloquy.add_head(with_stage=True)
    scene.soliloquy.audio_path, scene.soliloquy.start_frame = str(options.sound), 1
    bpy.ops.soliloquy.animate()
    scene.soliloquy_actor.folder = str(options.actor)
    return scene


def _move_camera(camera: bpy.types.Object) -> None:
    base = camera.location.copy()
    for frame, degrees, distance in CAMERA:
        around = Matrix.Rotation(math.radians(degrees), 3, "Z")
        camera.location = CENTRE + (around @ (base - CENTRE)) * distance
        camera.rotation_euler = (CENTRE - camera.location).to_track_quat("-Z", "Y").to_euler()
        camera.keyframe_insert("location", frame=frame)
        camera.keyframe_insert("rotation_euler", frame=frame)


def _paint(
    scene: bpy.types.Scene, folder: Path, plate: Path | None = None, shown: Path | None = None
) -> None:
    """Render the pass, of a plate that was captured, and put it into the compositor over the film shown."""
    chosen = scene.soliloquy_actor
    chosen.pass_folder, chosen.plate_path, chosen.plate_start = str(folder), str(plate or ""), 1
    bpy.ops.soliloquy.render_pass()
    print(STATUS.summary, *STATUS.notices, sep="\n  ")
    chosen.plate_path = str(shown or "")
    bpy.ops.soliloquy.build_composite()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))


def _pair(scene: bpy.types.Scene, frame: int, folder: Path) -> tuple[Image.Image, Image.Image]:
    """A frame without and with the pass."""
    scene.frame_set(frame)
    before, after = render_before_after(scene, folder)
    return Image.open(before).convert("RGB"), Image.open(after).convert("RGB")


def _around_mouth(folder: Path) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a square around what was painted in the first frame shown."""
    matte = read_channels(folder / f"pass.{DUB_SHOWN[0]:04d}.exr")[0]["matte.V"]
    rows, columns = np.flatnonzero(matte.any(1)), np.flatnonzero(matte.any(0))
    x, y = int(columns.mean()), int(rows.mean())
    reach = min(DUB_REACH * len(columns) // 2, *np.array(matte.shape) // 2)
    x, y = (int(np.clip(at, reach, size - reach)) for at, size in ((x, matte.shape[1]), (y, matte.shape[0])))
    return x - reach, y - reach, x + reach, y + reach


def _write_shot(scene: bpy.types.Scene, options: argparse.Namespace, folder: Path, about: Provenance) -> None:
    """The whole shot with the pass."""
    compositor.group_node(scene).inputs["Show Pass"].default_value = True
    scene.render.image_settings.file_format = "PNG"
    mark, film = label(SIDE_PX), options.out / "skin.mp4"
    size, rate = (SIDE_PX, SIDE_PX), FrameRate(HZ)
    with write_movie(film, size, rate, sound=options.sound, tags=about.texts(), quality=23) as put:
        for frame in range(1, FRAMES + 1):
            scene.frame_set(frame)
            file = folder / f"after_{frame:04d}.png"
            if frame not in SKIN_SHOWN:
                scene.render.filepath = str(file)
                bpy.ops.render.render(write_still=True)
            put(labelled(np.array(Image.open(file).convert("RGB")), mark))
    sign_media(film, about, find_credentials())
    print(film, film.stat().st_size)


def _provenance(options: argparse.Namespace, kind: str, plate: Path | None) -> Provenance:
    files = {"sound": options.sound, "plate": plate}
    files |= {name: options.actor / name for name in ("memory.npz", "renderer.onnx")}
    sources = {Path(name).stem: file_sha256(file) for name, file in files.items() if file is not None}
    return provenance_of(open_actor(options.actor), kind, sources)


def _write_sheet(
    path: Path,
    rows: Sequence[str],
    pairs: Sequence[tuple[Image.Image, Image.Image]],
    frames: Sequence[int],
    caption: str,
    about: Provenance,
) -> None:
    """One column for each frame, the two pictures of it below each other."""
    width, height = pairs[0][0].size
    tile = TILE_PX, round(TILE_PX * height / width)
    size = NAME_PX + len(pairs) * tile[0], STRIP_PX + 2 * tile[1] + STRIP_PX
    sheet = Image.new("RGB", size, GROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for column, (pair, frame) in enumerate(zip(pairs, frames, strict=True)):
        x = NAME_PX + column * tile[0]
        draw.text((x + 4, 3), f"frame {frame}", INK, font)
        for row, picture in enumerate(pair):
            sheet.paste(picture.resize(tile, Image.Resampling.LANCZOS), (x, STRIP_PX + row * tile[1]))
    for row, name in enumerate(rows):
        draw.text((4, STRIP_PX + (row + 0.5) * tile[1] - 8), name, INK, font)
    draw.text((NAME_PX + 4, STRIP_PX + 2 * tile[1] + 3), caption, INK, font)
    texts = PngImagePlugin.PngInfo()
    for name, text in about.texts().items():
        texts.add_itxt(name, text)
    sheet.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True, pnginfo=texts)
    sign_media(path, about, find_credentials())
    print(path, path.stat().st_size)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("actor", type=Path, help="folder of an actor with a renderer")
    parser.add_argument("--plate", type=Path, required=True, help="film that is dubbed")
    parser.add_argument("--sound", type=Path, required=True, help="what is said")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "actor_shots", help="scenes and passes")
    parser.add_argument("--only", choices=("dub", "skin"), help="one of the two")
    options = parser.parse_args()
    for name in ("actor", "plate", "sound", "out", "work"):
        setattr(options, name, getattr(options, name).resolve())
    for name in ("actor", "plate", "sound"):
        if not getattr(options, name).exists():
            parser.error(f"there is no '{getattr(options, name)}'")
    return options


if __name__ == "__main__":
    sys.exit(main())
