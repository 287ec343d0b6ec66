"""Renders the ten emotions on the embedded head, while it says the embedded line.

    python tests/gui/emotion_sheet.py [--out out/emotions.jpg] [--takes N] [--only joy ...]

Needs bpy and Pillow. A row is an emotion at 1.0 in one take, a column the middle of a phone.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import head_tiles
import look_sheet
import numpy as np
from contact_sheet import ContactSheet
from soliloquy.inference.curves import sample_motion
from soliloquy.inference.instruction.values import EMOTIONS, Instruction, InstructionTrack
from soliloquy.inference.performance.direction import Direction, Draw
from soliloquy.inference.pipeline import AnimateSettings, animate_file, collect
from soliloquy.inference.session import load_speech_model

if TYPE_CHECKING:
    from soliloquy.inference.session import SpeechModel
    from soliloquy.inference.types import FaceMotion

ROOT = Path(__file__).resolve().parents[2]
TILE_PX, MARGIN_PX = 180, 110


def performed(emotion: str, seed: int, model: SpeechModel) -> FaceMotion:
    """The embedded line by a speaker who is told one emotion at 1.0; blinks are left out."""
    track = InstructionTrack.constant(Instruction.of({emotion: 1.0}))
    settings = AnimateSettings(blinks=False, direction=Direction(track, Draw.of(seed)))
    return collect(animate_file(look_sheet.ASSETS / "sample.flac", model, settings))


def main() -> None:
    """Render the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "emotions.jpg")
    parser.add_argument("--takes", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=list(EMOTIONS))
    parser.add_argument("--engine", choices=("cycles", "workbench"), default="cycles")
    arguments = parser.parse_args()
    head = head_tiles.stage(TILE_PX, 0.095, 0.25, engine=arguments.engine)
    rows = [(emotion, seed) for emotion in arguments.only for seed in range(arguments.takes)]
    times, model = look_sheet.shown_times(), load_speech_model()
    sheet = ContactSheet(TILE_PX, len(times), len(rows), left_px=MARGIN_PX)
    for row, (emotion, seed) in enumerate(rows):
        sheet.label(row, f"{emotion}\n{seed}" if arguments.takes > 1 else emotion)
        motion = performed(emotion, seed, model)
        for column, weights in enumerate(sample_motion(motion, np.array(times))):
            head_tiles.pose(head, dict(zip(motion.channels, map(float, weights), strict=True)))
            sheet.put(row * len(times) + column, head_tiles.render())
    sheet.save(arguments.out)


if __name__ == "__main__":
    main()
