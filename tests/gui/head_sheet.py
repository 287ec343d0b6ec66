"""Renders contact sheets of the embedded head: all 52 shapes, and visemes with some pairs.

    python tests/gui/head_sheet.py [--out out] [--tile 200] [--view front|quarter] [--engine WORKBENCH|CYCLES]

Needs bpy and Pillow. Writes `head_shapes_<view>.png` and `head_visemes_<view>.png`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import bpy
import head_tiles
from PIL import Image, ImageDraw
from soliloquy.blender_addon.heads import build_head, build_stage
from soliloquy.inference.channels import ARKIT_52

COLUMNS = 9
_PP = {"mouthPressLeft": 0.5, "mouthPressRight": 0.5, "mouthRollLower": 0.22, "mouthRollUpper": 0.22}
_PAIRED = (
    "mouthPress",
    "mouthSmile",
    "mouthStretch",
    "mouthDimple",
    "mouthUpperUp",
    "mouthLowerDown",
    "eyeBlink",
)


def _pose(**weights: float) -> dict[str, float]:
    """Weights by ARKit name; a name without its side stands for both."""
    result = {}
    for name, weight in weights.items():
        sides = ("Left", "Right") if name in _PAIRED else ("",)
        result.update({f"{name}{side}": weight for side in sides})
    return result


VISEMES = {
    "rest": {},
    "PP": _PP,
    "FF": _pose(mouthShrugLower=0.52, mouthUpperUp=0.3, mouthRollLower=0.3, jawOpen=0.07),
    "TH": _pose(tongueOut=0.95, jawOpen=0.12, mouthUpperUp=0.15, mouthLowerDown=0.15),
    "DD": _pose(jawOpen=0.24, tongueOut=0.28, mouthUpperUp=0.12),
    "kk": _pose(jawOpen=0.32, mouthLowerDown=0.12),
    "CH": _pose(mouthFunnel=0.6, mouthPucker=0.4, jawOpen=0.16),
    "SS": _pose(jawOpen=0.09, mouthStretch=0.3, mouthUpperUp=0.28, mouthLowerDown=0.28),
    "nn": _pose(jawOpen=0.2, tongueOut=0.22, mouthLowerDown=0.1),
    "RR": _pose(mouthPucker=0.45, mouthFunnel=0.3, jawOpen=0.18),
    "aa": _pose(jawOpen=0.6, mouthLowerDown=0.1),
    "E": _pose(jawOpen=0.42, mouthStretch=0.32, mouthDimple=0.22),
    "I": _pose(jawOpen=0.16, mouthStretch=0.5, mouthSmile=0.32, mouthUpperUp=0.2),
    "O": _pose(mouthFunnel=0.7, mouthPucker=0.42, jawOpen=0.42),
    "U": _pose(mouthPucker=0.85, mouthFunnel=0.5, jawOpen=0.12),
    "blink .5": _pose(eyeBlink=0.5),
    "blink": _pose(eyeBlink=1.0),
    "smile": _pose(mouthSmile=1.0),
    "smile + jawOpen .3": _pose(mouthSmile=1.0, jawOpen=0.3),
    "jawOpen .5 + mouthClose .5": _pose(jawOpen=0.5, mouthClose=0.5),
    "funnel + jawOpen .5": _pose(mouthFunnel=1.0, jawOpen=0.5),
}


def _shape_poses() -> dict[str, dict[str, float]]:
    poses: dict[str, dict[str, float]] = {"rest": {}}
    for name in ARKIT_52:
        poses[name] = {name: 1.0}
        if name == "mouthClose":
            poses["mouthClose + jawOpen"] = {name: 1.0, "jawOpen": 1.0}
    return poses


def _scene(engine: str, tile: int) -> bpy.types.Object:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    head = build_head()
    build_stage(head)
    scene = bpy.context.scene
    scene.render.engine = f"BLENDER_{engine}" if engine == "WORKBENCH" else engine
    scene.render.resolution_x = scene.render.resolution_y = tile
    if engine == "CYCLES":
        scene.cycles.samples = 16
        scene.cycles.use_denoising = False
    shading = scene.display.shading
    shading.light, shading.color_type = "STUDIO", "MATERIAL"
    shading.show_cavity, shading.cavity_type = True, "BOTH"
    shading.background_type, shading.background_color = "VIEWPORT", (0.12, 0.125, 0.13)
    return head


def _sheet(head: bpy.types.Object, poses: dict[str, dict[str, float]], tile: int, path: Path) -> None:
    rows = -(-len(poses) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * tile, rows * (tile + 14)), (24, 24, 26))
    draw = ImageDraw.Draw(sheet)
    for i, (label, weights) in enumerate(poses.items()):
        head_tiles.pose(head, weights)
        x, y = (i % COLUMNS) * tile, (i // COLUMNS) * (tile + 14)
        sheet.paste(head_tiles.render(), (x, y + 14))
        draw.text((x + 3, y + 1), label, fill=(230, 230, 230))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
    print(path)


def main() -> None:
    """Render both sheets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "out")
    parser.add_argument("--tile", type=int, default=200)
    parser.add_argument("--view", choices=tuple(head_tiles.VIEWS), default="front")
    parser.add_argument("--engine", choices=("WORKBENCH", "CYCLES"), default="WORKBENCH")
    options = parser.parse_args()
    head = _scene(options.engine, options.tile)
    head_tiles.look_at(options.view, 0.095, 0.235)
    _sheet(head, _shape_poses(), options.tile, options.out / f"head_shapes_{options.view}.png")
    head_tiles.look_at(options.view, 0.075, 0.165)
    _sheet(head, VISEMES, options.tile, options.out / f"head_visemes_{options.view}.png")


if __name__ == "__main__":
    main()
