"""Real speech with phone times but no filmed mouth: LibriSpeech (recognised) and LJ Speech (known text).

Its lines teach the encoder what is being said; no frame of theirs has a mouth target.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from ...inference.visemes import frame_classes
from .arkit_fit import CONTROLS
from .corpora import RATE_HZ, Line, load_audio
from .tracked import CURVES

if TYPE_CHECKING:
    from pathlib import Path

    from ...inference.visemes import Segment
    from .force_align import PhoneAligner


def phone_line(corpus: str, name: str, speaker: str, samples: np.ndarray, segments: list[Segment]) -> Line:
    """A line whose frames have phone classes but no mouth targets."""
    frames = int(len(samples) / 16_000 * RATE_HZ)
    return Line(
        corpus=corpus,
        name=name,
        speaker=speaker,
        samples=samples,
        controls=np.zeros((frames, len(CONTROLS)), np.float32),
        curves_mm=np.zeros((frames, len(CURVES)), np.float32),
        valid=np.zeros(frames, bool),
        phones=frame_classes(segments, frames, RATE_HZ),
    )


def load_speech(shared: Path, corpus: str, aligner: PhoneAligner) -> list[Line]:
    """Lines of `librispeech` (words recognised) or `ljspeech` (words known), where they can be aligned."""
    folder = shared / "data" / "speech" / corpus
    texts: dict[str, str] = {}
    if corpus == "ljspeech":
        with (folder / "transcript.csv").open(encoding="utf-8", newline="") as file:
            texts = {row[next(iter(row))]: list(row.values())[-1] for row in csv.DictReader(file)}
    lines = []
    for path in sorted(folder.rglob("*.ogg")):
        samples = load_audio(path)
        text = next((t for name, t in texts.items() if name.startswith(path.stem)), None)
        segments = aligner.align(samples, _plain(text) if text else None)
        if segments:
            lines.append(
                phone_line(corpus, path.stem, f"{corpus}/{path.stem.split('-')[0]}", samples, segments)
            )
    return lines


def grid_text(name: str) -> str:
    """The sentence of a GRID clip, spelt out in its name (e.g. bbaf2n: bin blue at f two now)."""
    words = (
        {"b": "bin", "l": "lay", "p": "place", "s": "set"},
        {"b": "blue", "g": "green", "r": "red", "w": "white"},
        {"a": "at", "b": "by", "i": "in", "w": "with"},
    )
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    digits = dict(zip("z123456789", names, strict=True))
    adverbs = {"a": "again", "n": "now", "p": "please", "s": "soon"}
    head = [table[letter] for table, letter in zip(words, name, strict=False)]
    return " ".join([*head, name[3], digits[name[4]], adverbs[name[5]]])


def _plain(text: str) -> str:
    return "".join(c if c.isalpha() or c in "' " else " " for c in text)
