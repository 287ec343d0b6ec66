"""Renders the six basic emotions on the embedded head, from the front and from the side, without speech.

    python tests/gui/basic_emotions.py [--out out/basic_emotions.png] [--tile 360] [--engine cycles|workbench]

Needs bpy and Pillow. Every face is the first variant of an emotion of `performance/emotions.json` at 1.0.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import head_tiles
from PIL import Image, ImageDraw, ImageFont
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.performance.emotions import emotions

ROOT = Path(__file__).resolve().parents[2]
SHOWN = {
    "joy": "happiness", "sadness": "sadness", "anger": "anger", "fear": "fear", "disgust": "disgust",
    "amazement": "surprise",
}  # fmt: skip
"""The emotions of the instruction by the names of Ekman's six."""
_CAPTION_PX = 34


def main() -> None:
    """Render the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "basic_emotions.png")
    parser.add_argument("--tile", type=int, default=360)
    parser.add_argument("--engine", choices=("cycles", "workbench"), default="cycles")
    arguments = parser.parse_args()
    tile, first = arguments.tile, {one.name: one.variants[0].weights for one in emotions()}
    head = head_tiles.stage(tile, 0.09, 0.27, engine=arguments.engine)
    sheet = Image.new("RGB", (tile * len(SHOWN), 2 * tile + _CAPTION_PX), (24, 24, 26))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(22)
    for row, view in enumerate(("front", "quarter")):
        head_tiles.look_at(view, 0.09, 0.27)
        for column, (emotion, title) in enumerate(SHOWN.items()):
            head_tiles.pose(head, dict(zip(ARKIT_52, map(float, first[emotion]), strict=True)))
            sheet.paste(head_tiles.render(), (tile * column, tile * row))
            draw.text((tile * column + 8, 2 * tile + 4), title, fill=(235, 235, 235), font=font)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(arguments.out)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
