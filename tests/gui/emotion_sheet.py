"""Renders the ten emotions on the embedded head, while it says the embedded line.

    python tests/gui/emotion_sheet.py [--out out/emotions.png] [--takes N] [--only joy ...]

Needs bpy and Pillow. A row is an emotion at 1.0 in one take, a column the middle of a phone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import head_tiles
import look_sheet
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from soliloquy.inference.curves import sample_motion
from soliloquy.inference.instruction.values import EMOTIONS, Instruction, InstructionTrack
from soliloquy.inference.performance.direction import Direction, Draw
from soliloquy.inference.pipeline import AnimateSettings, animate_file, collect
from soliloquy.inference.session import load_speech_model

ROOT = Path(__file__).resolve().parents[2]
TILE_PX, MARGIN_PX = 180, 110


def main() -> None:
    """Render the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "emotions.png")
    parser.add_argument("--takes", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=list(EMOTIONS))
    arguments = parser.parse_args()
    head = head_tiles.stage(TILE_PX, 0.085, 0.235)
    rows = [(emotion, seed) for emotion in arguments.only for seed in range(arguments.takes)]
    times = look_sheet.shown_times()
    sheet = Image.new("RGB", (MARGIN_PX + TILE_PX * len(times), TILE_PX * len(rows)), (24, 24, 26))
    draw, font, model = ImageDraw.Draw(sheet), ImageFont.load_default(16), load_speech_model()
    for row, (emotion, seed) in enumerate(rows):
        draw.text(
            (6, TILE_PX * row + TILE_PX // 2 - 8), f"{emotion}\n{seed}", fill=(235, 235, 235), font=font
        )
        track = InstructionTrack.constant(Instruction.of({emotion: 1.0}))
        settings = AnimateSettings(blinks=False, direction=Direction(track, Draw.of(seed)))
        motion = collect(animate_file(look_sheet.ASSETS / "sample.flac", model, settings))
        for column, weights in enumerate(sample_motion(motion, np.array(times))):
            head_tiles.pose(head, dict(zip(motion.channels, map(float, weights), strict=True)))
            sheet.paste(head_tiles.render(), (MARGIN_PX + TILE_PX * column, TILE_PX * row))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(256).save(arguments.out, optimize=True)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
