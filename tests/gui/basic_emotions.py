"""Renders the six basic emotions on the embedded head: the face alone from two sides, and while it speaks.

    python tests/gui/basic_emotions.py [--out out/basic_emotions.jpg] [--tile 300] [--engine cycles|workbench]

Needs bpy and Pillow. The first two rows are a variant of each emotion of `performance/emotions.json` at 1.0;
the third is what the program makes of the embedded line when it is told the emotion, in a vowel of the line.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import emotion_sheet
import head_tiles
import look_sheet
import numpy as np
from contact_sheet import ContactSheet
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.curves import sample_motion
from soliloquy.inference.performance.emotions import emotions
from soliloquy.inference.session import load_speech_model

SHOWN = {
    "joy": ("joy", "broad smile"),
    "sadness": ("sadness", "with chin"),
    "anger": ("anger", "teeth bared"),
    "fear": ("fear", "lips stretched, jaw dropped"),
    "amazement": ("surprise", "mouth wide open"),
    "disgust": ("disgust", "nose wrinkled, chin up"),
}
"""The emotions of the instruction: the usual name of each of the six, and the variant shown in silence."""
_SPOKEN = look_sheet.SHOWN.index("aa")
_HEIGHT_M, _FRAMED_M = 0.108, 0.31


def main() -> None:
    """Render the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=emotion_sheet.ROOT / "out" / "basic_emotions.jpg")
    parser.add_argument("--tile", type=int, default=300)
    parser.add_argument("--engine", choices=("cycles", "workbench"), default="cycles")
    arguments = parser.parse_args()
    head = head_tiles.stage(arguments.tile, _HEIGHT_M, _FRAMED_M, engine=arguments.engine)
    alone = {(one.name, way.name): way.weights for one in emotions() for way in one.variants}
    sheet = ContactSheet(arguments.tile, len(SHOWN), 3, left_px=100, caption_px=30)
    for row, (label, view) in enumerate((("alone", "front"), ("from the\nside", "quarter"))):
        sheet.label(row, label)
        head_tiles.look_at(view, _HEIGHT_M, _FRAMED_M)
        for column, (emotion, (title, way)) in enumerate(SHOWN.items()):
            head_tiles.pose(head, dict(zip(ARKIT_52, map(float, alone[emotion, way]), strict=True)))
            sheet.put(row * len(SHOWN) + column, head_tiles.render(), title)
    sheet.label(2, f"saying\n/{look_sheet.SHOWN[_SPOKEN]}/")
    head_tiles.look_at("front", _HEIGHT_M, _FRAMED_M)
    model, time_s = load_speech_model(), np.array(look_sheet.shown_times()[_SPOKEN : _SPOKEN + 1])
    for column, (emotion, (title, _)) in enumerate(SHOWN.items()):
        motion = emotion_sheet.performed(emotion, 0, model)
        weights = sample_motion(motion, time_s)[0]
        head_tiles.pose(head, dict(zip(motion.channels, map(float, weights), strict=True)))
        sheet.put(2 * len(SHOWN) + column, head_tiles.render(), title)
    sheet.save(arguments.out)


if __name__ == "__main__":
    main()
