"""Make the speech that the demo speaks: `.venv/bin/python build_tools/make_sample.py`.

Needs the synthesiser flite (Debian: `apt-get install flite`); version 2.2 gives the file that is in the
repository, sample for sample. Beside the sound goes the list of its phones, which flite knows exactly.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

SENTENCES = (
    "My mother bought five blue buttons before the window.",
    "Maybe Bob will move the warm water above the fire.",
    "Wow, very funny people have vivid hopes.",
)
"""Plenty of m b p f v w, where lips must touch or round, and most of English's vowels."""
VOICE = "rms"
PAUSE_S = 0.25
PEAK = 0.7
ASSETS = Path(__file__).resolve().parent.parent / "blender_addon" / "assets"

Phone = tuple[float, float, str]


def speak(sentence: str, voice: str = VOICE) -> tuple[Any, int, list[Phone]]:
    """Synthesise one sentence.

    Returns:
        Samples float64 [N] in -1..1, their rate in Hz, and (start in s, end in s, phone) rows.
    """
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "sentence.wav"
        command = ["flite", "-voice", voice, "-psdur", "-t", sentence, "-o", str(wav)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        samples, rate_hz = soundfile.read(wav)
    phones: list[Phone] = []
    start_s = 0.0
    for entry in told.split():
        phone, end = entry.split(":")
        phones.append((start_s, float(end), phone))
        start_s = float(end)
    return samples, int(rate_hz), phones


def main() -> int:
    """Write sample.flac and sample.phones.tsv into the add-on's assets."""
    ASSETS.mkdir(exist_ok=True)
    parts: list[Any] = []
    rows: list[Phone] = []
    at_s, rate_hz = PAUSE_S, 16000
    for sentence in SENTENCES:
        samples, rate_hz, phones = speak(sentence)
        parts += [np.zeros(round(PAUSE_S * rate_hz)), samples]
        rows += [(start + at_s, end + at_s, phone) for start, end, phone in phones if phone != "pau"]
        at_s += len(samples) / rate_hz + PAUSE_S
    sound = np.concatenate([*parts, np.zeros(round(PAUSE_S * rate_hz))])
    soundfile.write(ASSETS / "sample.flac", sound * (PEAK / np.abs(sound).max()), rate_hz, subtype="PCM_16")
    table = "start_s\tend_s\tphone\n" + "".join(f"{a:.3f}\t{b:.3f}\t{phone}\n" for a, b, phone in rows)
    (ASSETS / "sample.phones.tsv").write_text(table, "utf-8")
    print(f"{ASSETS / 'sample.flac'}: {len(sound) / rate_hz:.2f} s, {len(rows)} phones")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError:
        sys.exit("flite is not installed: `sudo apt-get install flite`")
