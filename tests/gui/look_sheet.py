"""Renders the shipped looks on the embedded head, saying the embedded line, for the manual.

    python tests/gui/look_sheet.py [--out docs/manual/pictures/looks.jpg]

Needs bpy and Pillow. A row is a look, a column the middle of a phone.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import head_tiles
import numpy as np
from contact_sheet import ContactSheet
from soliloquy.blender_addon import presets
from soliloquy.inference.curves import MotionControls, sample_motion
from soliloquy.inference.pipeline import AnimateSettings, animate_file, collect
from soliloquy.inference.session import load_speech_model

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "blender_addon" / "assets"
SHOWN = ("m", "ay", "aa", "f", "uw", "iy")
"""In the order of the line; each is looked for after the one before."""
TILE_PX, MARGIN_PX = 180, 100


def shown_times() -> list[float]:
    """Middle of each phone of `SHOWN` in seconds."""
    with (ASSETS / "sample.phones.tsv").open(newline="") as file:
        rows = iter(list(csv.DictReader(file, delimiter="\t")))
    times = []
    for phone in SHOWN:
        row = next(row for row in rows if row["phone"] == phone)
        times.append((float(row["start_s"]) + float(row["end_s"])) / 2)
    return times


def controls(look: presets.Look) -> MotionControls:
    """What the look says about the motion; blinks are left out."""
    known = MotionControls.__dataclass_fields__
    return MotionControls(**{name: value for name, value in look.values.items() if name in known})


def main() -> None:
    """Render the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "manual" / "pictures" / "looks.jpg")
    arguments = parser.parse_args()
    head = head_tiles.stage(TILE_PX, 0.055, 0.17, engine="cycles")
    looks = [presets.read_look(path) for path in sorted(presets.SHIPPED.glob("*.json"))]
    sheet = ContactSheet(TILE_PX, len(SHOWN), len(looks), left_px=MARGIN_PX, caption_px=24)
    model, times = load_speech_model(), np.array(shown_times())
    for row, look in enumerate(looks):
        sheet.label(row, look.name)
        settings = AnimateSettings(controls(look), blinks=False)
        motion = collect(animate_file(ASSETS / "sample.flac", model, settings))
        for column, weights in enumerate(sample_motion(motion, times)):
            head_tiles.pose(head, dict(zip(motion.channels, map(float, weights), strict=True)))
            sheet.put(row * len(SHOWN) + column, head_tiles.render(), f"/{SHOWN[column]}/")
    sheet.save(arguments.out)


if __name__ == "__main__":
    main()
