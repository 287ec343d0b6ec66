"""Renders portraits of the embedded head's variants, or a turntable.

    python tests/gui/head_portraits.py [--out out] [--size 1080] [--engine cycles|eevee|workbench]
        [--variant swept cropped pixie] [--samples 64] [--turntable 0]

Needs bpy and Pillow. Writes `head_<variant>_<view>.png` for the front, three quarters and the side, and a
sheet of them, `head_portraits.png`; with `--turntable N` instead N frames round the first variant,
`turntable/0001.png` and on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import bpy
import head_tiles
from PIL import Image
from soliloquy.blender_addon import demo
from soliloquy.blender_addon.heads import build_head, build_stage
from soliloquy.blender_addon.heads.style import VARIANTS

HEIGHT_M, FRAMED_M = 0.085, 0.38


def _stage(variant: str, options: argparse.Namespace) -> bpy.types.Object:
    """One of the variants in an empty scene, lit."""
    scene = demo.empty_scene(options.engine, options.size)
    if options.engine == "cycles":
        scene.cycles.samples = options.samples
        scene.cycles.max_bounces = 4
        scene.cycles.denoising_quality = "HIGH"
        scene.cycles.denoising_prefilter = "ACCURATE"
        scene.cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    head = build_head(style=VARIANTS[variant])
    build_stage(head)
    return head


def _portraits(options: argparse.Namespace) -> None:
    sheet = Image.new("RGB", (len(head_tiles.VIEWS) * options.size, len(options.variant) * options.size))
    for row, variant in enumerate(options.variant):
        _stage(variant, options)
        for column, view in enumerate(head_tiles.VIEWS):
            head_tiles.look_at(view, HEIGHT_M, FRAMED_M)
            picture = head_tiles.render()
            picture.save(options.out / f"head_{variant}_{view}.png")
            sheet.paste(picture, (column * options.size, row * options.size))
    sheet.save(options.out / "head_portraits.png")


def _turntable(options: argparse.Namespace) -> None:
    _stage(options.variant[0], options)
    folder = options.out / "turntable"
    folder.mkdir(exist_ok=True)
    for frame in range(options.turntable):
        head_tiles.look_from(360.0 * frame / options.turntable, HEIGHT_M, FRAMED_M)
        head_tiles.render().save(folder / f"{frame + 1:04d}.png")


def main() -> None:
    """Render what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "out")
    parser.add_argument("--size", type=int, default=1080)
    parser.add_argument("--engine", choices=("cycles", "eevee", "workbench"), default="cycles")
    parser.add_argument("--variant", nargs="+", choices=tuple(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--turntable", type=int, default=0, metavar="FRAMES")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    _turntable(options) if options.turntable else _portraits(options)


if __name__ == "__main__":
    main()
