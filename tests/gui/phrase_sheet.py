"""Says a text and lays the head's mouth at every phone beside each other, to be looked at.

    python tests/gui/phrase_sheet.py "My mother put five blue buttons before the window" --out sheet.jpg
    python tests/gui/phrase_sheet.py --audio line.wav --cues line.TextGrid --out sheet.jpg

Needs bpy and Pillow, and for a text the synthesiser flite (Debian: `apt-get install flite`), which knows its
phone times exactly. A tile is the middle of a phone, or for p, b, m, f and v the moment in it when the lips
are nearest, with how far they are apart and how wide the mouth is in mm on a neutral head (0.8 and 50.7 at
rest). Captions in orange, listed too, break a rule of thumb: look there first. By default the sound alone is
heard; with --guided the program knows the text. Blinks are left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import head_tiles
import numpy as np
import soundfile
from contact_sheet import INK, ContactSheet
from PIL import Image, ImageFont
from soliloquy.inference.curves import sample_motion
from soliloquy.inference.formats.cue import Cue
from soliloquy.inference.formats.cues import read_cues
from soliloquy.inference.lip_basis import lip_curves
from soliloquy.inference.pipeline import AnimateSettings, animate_file, collect
from soliloquy.inference.session import load_speech_model
from soliloquy.inference.visemes import VISEMES, visemes_of_labels

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # build_tools belongs to no installed package
from build_tools.make_sample import speak  # noqa: E402

PHRASE = "My mother put five blue buttons before the window"
_FAINT = (165, 165, 165)
_DOUBTED = (255, 150, 60)
_CAPTION_PX = 40
_FRAMED = (0.033, 0.1)
"""Height of the middle of a tile on the head, and how much of it a tile shows, in metres: mouth and chin."""
_LONGEST = 80
_LOOKED_AT = {"PP": (0, 11), "FF": (2, 9)}
"""Moments of a phone, out of eleven, among which the narrowest is shown; the middle one for all others. At
the ends of an f the lips may still be at a b."""


@dataclass(frozen=True)
class Tile:
    """One mouth: the phone, the moment in seconds, weights by ARKit name, lips in mm."""

    phone: str
    time_s: float
    weights: dict[str, float]
    aperture_mm: float
    width_mm: float
    viseme: str
    """Its class, empty where the label means nothing."""

    @property
    def doubt(self) -> str:
        """Which rule of thumb this mouth breaks; empty for none."""
        checks = {
            "PP": (self.aperture_mm > 0.9, "the lips do not meet"),
            "FF": (self.aperture_mm > 4.0, "the lip is not at the teeth"),
            "aa": (self.aperture_mm < 5.0, "hardly open"),
            "O": (self.width_mm > 49.5, "not rounded"),
            "U": (self.width_mm > 49.5, "not rounded"),
            "CH": (self.width_mm > 50.0, "not rounded"),
        }
        broken, text = checks.get(self.viseme, (False, ""))
        return text if broken else ""


def synthesise(text: str, voice: str, wav: Path) -> list[Cue]:
    """Say a text into a file; returns its phones without the pauses."""
    try:
        samples, rate_hz, phones = speak(text, voice)
    except FileNotFoundError:
        sys.exit("flite is not installed: `sudo apt-get install flite`, or give --audio and --cues")
    soundfile.write(wav, samples, rate_hz)
    return [Cue(start_s, end_s, phone) for start_s, end_s, phone in phones if phone != "pau"]


def tiles(sound: Path, cues: list[Cue], model: Path | None, text: str) -> list[Tile]:
    """The face at every phone, by the way that animates a sound everywhere else; `text` may be empty."""
    settings = AnimateSettings(blinks=False, text=text)
    motion = collect(animate_file(sound, load_speech_model(model), settings))
    found = []
    for cue, index in zip(cues, visemes_of_labels([cue.label for cue in cues]), strict=True):
        viseme = VISEMES[index] if index is not None and index >= 0 else ""
        times_s = np.linspace(cue.start_s, cue.end_s, 11)
        values = sample_motion(motion, times_s)
        apertures, widths = lip_curves(values, motion.channels)
        first, last = _LOOKED_AT.get(viseme, (5, 6))
        row = first + int(apertures[first:last].argmin())
        weights = dict(zip(motion.channels, map(float, values[row]), strict=True))
        aperture_mm = max(0.0, float(apertures[row]))
        found.append(Tile(cue.label, float(times_s[row]), weights, aperture_mm, float(widths[row]), viseme))
    return found


def render(shown: list[Tile], view: str, engine: str, size_px: int) -> list[Image.Image]:
    """One picture per tile on the embedded head."""
    head = head_tiles.stage(size_px, *_FRAMED, view=view, engine=engine)
    pictures = []
    for tile in shown:
        head_tiles.pose(head, tile.weights)
        pictures.append(head_tiles.render())
    return pictures


def lay_out(shown: list[Tile], pictures: list[Image.Image], columns: int, title: str) -> ContactSheet:
    """The sheet: rows of tiles in the order of the line, captions below them."""
    size, rows = pictures[0].width, -(-len(shown) // columns)
    sheet = ContactSheet(size, columns, rows, caption_px=_CAPTION_PX, top_px=34)
    sheet.title(title)
    large, small = ImageFont.load_default(20), ImageFont.load_default(round(size / 16))
    for i, (tile, picture) in enumerate(zip(shown, pictures, strict=True)):
        sheet.put(i, picture)
        x, y = sheet.corner(i)
        sheet.draw.text((x + 6, y + size + 6), tile.phone, fill=_DOUBTED if tile.doubt else INK, font=large)
        measured = f"{tile.time_s:.2f} s  {tile.aperture_mm:.1f} x {tile.width_mm:.1f} mm"
        ink = _DOUBTED if tile.doubt else _FAINT
        sheet.draw.text((x + 36, y + size + 13), measured, fill=ink, font=small)
    return sheet


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("text", nargs="?", default=PHRASE)
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "phrase_sheet.jpg")
    parser.add_argument("--voice", default="slt", help="voice of flite")
    parser.add_argument("--audio", type=Path, help="a recording instead of the text (with --cues)")
    parser.add_argument("--cues", type=Path, help="its phone times")
    parser.add_argument("--guided", action="store_true", help="let the program know the text")
    parser.add_argument("--model", type=Path, help="another weight file")
    parser.add_argument("--view", choices=tuple(head_tiles.VIEWS), default="front")
    parser.add_argument("--engine", choices=("cycles", "workbench"), default="cycles")
    parser.add_argument("--tile", type=int, default=220, metavar="PX")
    parser.add_argument("--columns", type=int, default=9)
    options = parser.parse_args()
    if (options.audio is None) != (options.cues is None):
        parser.error("--audio and --cues go together")
    with tempfile.TemporaryDirectory() as folder:
        sound = options.audio or Path(folder) / "phrase.wav"
        cues = read_cues(options.cues) if options.cues else synthesise(options.text, options.voice, sound)
        if len(cues) > _LONGEST:
            sys.exit(f"{len(cues)} phones are too many for one sheet (at most {_LONGEST}): give less text")
        shown = tiles(sound, cues, options.model, options.text if options.guided else "")
    pictures = render(shown, options.view, options.engine, options.tile)
    card = load_speech_model(options.model).card
    line = options.audio.name if options.audio else options.text
    guided = ", text known" if options.guided else ""
    title = f"{line}   ({card.name} {card.version}{guided})"
    lay_out(shown, pictures, options.columns, title).save(options.out)
    for tile in shown:
        if tile.doubt:
            lips = f"{tile.aperture_mm:.1f} x {tile.width_mm:.1f} mm"
            print(f"{tile.phone:4} {tile.time_s:5.2f} s  {lips}: {tile.doubt}")


if __name__ == "__main__":
    main()
