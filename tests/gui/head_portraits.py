"""Renders portraits of the embedded head, its variants or Blender's engines in a sheet, or a turntable.

    python tests/gui/head_portraits.py [--out out] [--size 1080] [--samples 64]
    python tests/gui/head_portraits.py --variants [--size 320]
    python tests/gui/head_portraits.py --engines [--size 360]
    python tests/gui/head_portraits.py --turntable 48 [--size 400] [--samples 8]

Needs bpy and Pillow. Writes `front.jpg`, `quarter.jpg` and `side.jpg` of one of `style.VARIANTS` (--variant),
or a sheet with a row for each of them, `variants.jpg`, or one of them in every engine, `engines.jpg`, or one
turn under a light that stays, `turntable.mp4`.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import bpy
import head_tiles
from contact_sheet import ContactSheet, save
from soliloquy.blender_addon import demo, media
from soliloquy.blender_addon.heads import build_head, build_stage
from soliloquy.blender_addon.heads.style import VARIANTS

HEIGHT_M, FRAMED_M = 0.085, 0.38
SIZES_PX = {"portraits": 1080, "variants": 320, "engines": 360, "turntable": 400}
SAMPLES = {"portraits": 64, "variants": 12, "engines": 16, "turntable": 8}
ENGINES = {"cycles": "Cycles", "eevee": "EEVEE", "workbench": "solid view"}
"""By the names of `demo.empty_scene`."""


def _stage(variant: str, options: argparse.Namespace, engine: str = "cycles", *, quick: bool = False) -> None:
    """One of the variants in an empty scene, lit, skin and all; as quick as the demo, or finely denoised."""
    scene = demo.empty_scene(engine, options.size)
    if engine == "cycles":
        scene.cycles.samples = options.samples
    if engine == "cycles" and not quick:
        scene.cycles.max_bounces = 4
        scene.cycles.denoising_quality = "HIGH"
        scene.cycles.denoising_prefilter = "ACCURATE"
        scene.cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    scene.eevee.taa_render_samples = options.samples
    build_stage(build_head(style=VARIANTS[variant]))
    head_tiles.look_at("front", HEIGHT_M, FRAMED_M)


def _portraits(options: argparse.Namespace) -> None:
    _stage(options.variant, options)
    for view in head_tiles.VIEWS:
        head_tiles.look_at(view, HEIGHT_M, FRAMED_M)
        save(head_tiles.render(), options.out / f"{view}.jpg")


def _variants(options: argparse.Namespace) -> None:
    sheet = ContactSheet(options.size, len(head_tiles.VIEWS), len(VARIANTS))
    for row, variant in enumerate(VARIANTS):
        _stage(variant, options)
        for column, view in enumerate(head_tiles.VIEWS):
            head_tiles.look_at(view, HEIGHT_M, FRAMED_M)
            sheet.put(row * len(head_tiles.VIEWS) + column, head_tiles.render())
    sheet.save(options.out / "variants.jpg")


def _engines(options: argparse.Namespace) -> None:
    sheet = ContactSheet(options.size, len(ENGINES), 1, caption_px=28)
    for column, (engine, title) in enumerate(ENGINES.items()):
        _stage(options.variant, options, engine)
        head_tiles.look_at("quarter", HEIGHT_M, FRAMED_M)
        sheet.put(column, head_tiles.render(), title)
    sheet.save(options.out / "engines.jpg")


def _turntable(options: argparse.Namespace) -> None:
    """Camera and lights go round the head together, which looks as if it turned before them."""
    _stage(options.variant, options, quick=True)
    scene = bpy.context.scene
    table = bpy.data.objects.new("Turntable", None)
    scene.collection.objects.link(table)
    for one in scene.objects:
        if one.type in ("CAMERA", "LIGHT"):
            one.parent = table
    for frame in range(1, options.turntable + 1):
        table.rotation_euler.z = 2 * math.pi * (frame - 1) / options.turntable
        table.keyframe_insert("rotation_euler", index=2, frame=frame)
    path = options.out / "turntable.mp4"
    media.render_video(scene, str(path), 1, options.turntable)
    print(f"wrote {path}")


def main() -> None:
    """Render what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "out")
    parser.add_argument("--size", type=int, metavar="PX")
    parser.add_argument("--samples", type=int)
    parser.add_argument("--variant", choices=tuple(VARIANTS), default=next(iter(VARIANTS)))
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--variants", dest="make", action="store_const", const=_variants)
    wanted.add_argument("--engines", dest="make", action="store_const", const=_engines)
    wanted.add_argument("--turntable", type=int, metavar="FRAMES")
    options = parser.parse_args()
    make = _turntable if options.turntable else options.make or _portraits
    kind = make.__name__.removeprefix("_")
    options.size = options.size or SIZES_PX[kind]
    options.samples = options.samples or SAMPLES[kind]
    options.out.mkdir(parents=True, exist_ok=True)
    make(options)


if __name__ == "__main__":
    main()
