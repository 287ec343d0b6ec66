"""Data sheet of the training data: numbers from the lines themselves, facts and traps from their sources.

python -m soliloquy.models.data.sheet [--shared DIR] > models/data/DATASHEET.md
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...inference.visemes import VISEMES
from ..evaluate import held_out_split
from . import compare_labels, synthetic
from .corpora import RATE_HZ, Line
from .library import load_lines

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Facts:
    """What the lines do not say about themselves."""

    what: str
    languages: str
    licence: str
    used_for: str
    attribution: str


CORPORA = {
    "grid_s1": Facts(
        "one filmed man, six-word sentences", "English", "CC BY 4.0", "lips and phones",
        "Cooke, Barker, Cunningham, Shao (2006), An audio-visual corpus for speech perception and automatic "
        "speech recognition, JASA 120(5), https://doi.org/10.5281/zenodo.3625687. Models and pictures of "
        "speaker 1 derive from it.",
    ),
    "us_gov": Facts(
        "one filmed man, natural speech", "English", "public domain (work of the US government)",
        "lips", "White House weekly address. For motion only: nobody's likeness is rendered from it.",
    ),
    "lrc_ar": Facts(
        "filmed news presenters, single words", "Arabic",
        "MIT as published by the author; the recordings are broadcast footage", "lips",
        "Copyright (c) 2024 Essa Ramzy, Lip Reading Corpus - Arabic. Nobody's likeness is shown.",
    ),
    "facegood": Facts(
        "one speaker with hand-finished animation", "not stated, probably Mandarin", "MIT", "lips",
        "FACEGOOD-Audio2Face, Copyright (c) 2022-2032 The FACEGOOD Authors.",
    ),
    "ljspeech": Facts(
        "one woman reading, text known", "English", "public domain", "phones",
        "LJ Speech 1.1, Keith Ito and Linda Johnson, 2017.",
    ),
    "librispeech": Facts(
        "many readers, words recognised", "English", "CC BY 4.0", "phones",
        "LibriSpeech, copyright (c) 2014 Vassil Panayotov; Panayotov, Chen, Povey, Khudanpur, ICASSP 2015.",
    ),
    "synthetic": Facts(
        "speech of espeak-ng, flite, festival", "see below", "made on demand from our own sentences",
        "phones and the phone teacher's mouth, always disturbed",
        "Voices of Debian's packages, named above; nothing of theirs is kept.",
    ),
    "neutral": Facts(
        "sound without speech", "none", "made on demand", "a still face", "None needed.",
    ),
}  # fmt: skip

TRAPS = """\
- `grid_s1`, `us_gov`, `lrc_ar`: labels come from a face tracker that smooths over time, not from a film
  marked by hand. Closures of p, b, m are often not complete in its blendshapes; the lip landmarks show them
  (table above).
- `grid_s1`: 51 words, one man; the corners of his mouth move against the jaw, unlike other people's. Width
  is learnt beyond what the aperture implies, and his own coupling is taken out.
- `lrc_ar`: a speaker is a cluster of faces, not a known person. Words are cut out of running speech, so 0.1
  s at both ends has no target. The copies shift sound against picture, each a little differently; the
  offset is estimated per clip.
- `facegood`: 14 independent channels; left equals right; rounding channels are missing in its own ARKit
  sheet. Take 1114_2_04 is a public benchmark and never trained on.
- `librispeech`: words are recognised, not known; phones of misheard words are wrong.
- `synthetic`: espeak-ng reports voiceless stops at their burst, 50 ms after lips or tongue have closed:
  they are moved back to where their silence begins. Words are shuffled: no grammar, no natural intonation.
  A net trained on such speech alone fails on people (0.79 to 0.32 frame accuracy), so these lines are the
  smaller part.
- `neutral`: coughs and laughs move real faces; here they keep the face still, because this model speaks
  only.
"""


def _minutes(frames: float) -> str:
    return f"{frames / RATE_HZ / 60:.1f}"


def corpus_table(lines: dict[str, list[Line]], held_out: dict[str, int]) -> str:
    """One row per corpus; `held_out` counts its lines that are never trained on."""
    rows = [
        "| corpus | what | language | lines | minutes | speakers | minutes with lips | minutes with phones "
        "| lines held out | used for | licence |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for corpus, items in lines.items():
        facts = CORPORA[corpus]
        labelled = sum(int((x.phones >= 0).sum()) for x in items if x.phones is not None)
        speakers = len({_voice(x) for x in items}) if corpus != "neutral" else 0
        rows.append(
            f"| {corpus} | {facts.what} | {facts.languages} | {len(items)} "
            f"| {_minutes(sum(len(x.controls) for x in items))} | {speakers} "
            f"| {_minutes(sum(int(x.valid.sum()) for x in items))} | {_minutes(labelled)} "
            f"| {held_out[corpus]} | {facts.used_for} | {facts.licence} |"
        )
    return "\n".join(rows)


def _voice(line: Line) -> str:
    if line.corpus == "synthetic":
        return line.name.split("-", 1)[1]
    return line.corpus if line.corpus == "ljspeech" else line.speaker  # whose speakers are its chapters


def viseme_table(lines: dict[str, list[Line]]) -> str:
    """Share of every viseme among the frames with phones, in per cent."""
    rows = ["| corpus | " + " | ".join(VISEMES) + " |", "|---" * (len(VISEMES) + 1) + "|"]
    for corpus, items in lines.items():
        known = [x.phones[x.phones >= 0] for x in items if x.phones is not None]
        if known and corpus != "neutral":
            count = np.bincount(np.concatenate(known), minlength=len(VISEMES))
            rows.append(f"| {corpus} | " + " | ".join(f"{100 * c / count.sum():.1f}" for c in count) + " |")
    return "\n".join(rows)


def synthetic_table(items: list[Line]) -> str:
    """Minutes and voices per synthesiser, then the languages."""
    frames: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    voices: dict[str, set[str]] = {}
    for line in items:
        _, engine, voice = line.name.split("-", 2)
        frames[engine] += len(line.controls)
        voices.setdefault(engine, set()).add(voice.split("+")[0] if engine == "espeak" else voice)
        languages[synthetic.language_of(engine, voice)] += len(line.controls)
    rows = ["| synthesiser | minutes | voices |", "|---|---|---|"]
    for engine, count in frames.most_common():
        named = ", ".join(sorted(voices[engine])) if engine != "espeak" else (
            f"{len(voices[engine])} languages and accents, each in {len(synthetic.espeak.VARIANTS)} variants"
        )  # fmt: skip
        rows.append(f"| {engine} | {_minutes(count)} | {named} |")
    told = ", ".join(f"{name} {_minutes(count)}" for name, count in languages.most_common())
    return "\n".join(rows) + f"\n\nMinutes by language ({len(languages)}): {told}."


def neutral_table(items: list[Line]) -> str:
    """Minutes per kind of sound."""
    frames: Counter[str] = Counter()
    for line in items:
        frames[line.name.split("-", 1)[1]] += len(line.controls)
    return ", ".join(f"{kind} {_minutes(count)}" for kind, count in frames.most_common())


def sheet(shared: Path, cache: Path) -> str:
    """The whole data sheet as Markdown; makes lines that are not in the cache yet."""
    lines = {corpus: load_lines(shared, (corpus,), cache) for corpus in CORPORA}
    held_out = {corpus: len(held_out_split(items, shared)[1]) for corpus, items in lines.items()}
    credits = "\n".join(f"- `{name}`: {facts.attribution}" for name, facts in CORPORA.items())
    return f"""\
# Data sheet

Printed by `python -m soliloquy.models.data.sheet`; numbers are those of the training lines after filtering
(clips without a face, clusters with fewer than {compare_labels.FEWEST_FRAMES} frames and recordings whose
words were not found are left out). Sound is 16 kHz mono at the level that the runtime brings speech to;
targets are at {RATE_HZ} Hz.

## Corpora

{corpus_table(lines, held_out)}

Held out: six face clusters of `lrc_ar` and the development sentences of `grid_s1`. Speakers of `synthetic`
are voices, those of `lrc_ar` clusters of faces.

## Visemes, per cent of labelled frames

{viseme_table(lines)}

## Synthetic speech

{synthetic_table(lines["synthetic"])}

## Neutral sounds, minutes

{neutral_table(lines["neutral"])}

## Lip labels: the tracker's blendshapes against our fit

{compare_labels.table(shared)}

Both are put on the ICT face and compared with the lips that the landmarks show; "scaled" is after the best
gain and offset per speaker; "lips meet" counts closures with a gap of at most 0.3 mm on the ICT face;
jitter is the root mean square second difference of the controls. The blendshapes are kept as the prior of
the fit only: they miss closures, show some that are not there, and on `grid_s1` say little about the width
of the mouth. "Lips meet" is low for both because the landmarks themselves rarely meet: the tracker smooths,
and zero is where the lowest two per cent of a speaker's frames are.

## Traps

{TRAPS}
## Attribution

{credits}
- Faces: ICT-FaceKit, Copyright (c) 2020 USC Institute for Creative Technologies, MIT. Tracking: MediaPipe
  Face Landmarker, Google, Apache-2.0.
"""


def main() -> None:
    """Print the data sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder of the data sets")
    parser.add_argument(
        "--cache", type=Path, default=ROOT / "runs" / "cache", help="folder of the made lines"
    )
    arguments = parser.parse_args()
    print(sheet(arguments.shared, arguments.cache), end="")


if __name__ == "__main__":
    main()
