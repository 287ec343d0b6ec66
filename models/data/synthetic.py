"""Synthetic speech with exact phone times, made on demand by every synthesiser on this machine.

    python -m soliloquy.models.data.synthetic --out DIR --minutes 5     # wavs and phone times to listen to

The sentences are ours (`sentences.json`, per language); their words are shuffled, so that hours of speech
never repeat. These lines teach phones, and how the phone teacher moves a mouth to them: a person of its own
among the filmed ones, whose lips close on every m, b and p in any voice. They are always disturbed, for a net
trained on synthetic sound alone fails on people.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ...inference.articulation import articulate
from ...inference.loudness import level_gain
from ...inference.types import AudioClip
from ...inference.visemes import VISEMES, Segment
from .arkit_fit import symmetric_controls
from .corpora import RATE_HZ, Line
from .labelled import phone_line
from .synthesis import espeak, festival, flite, jtalk
from .synthesis.utterance import Utterance, revoice

SENTENCES: dict[str, str] = json.loads(Path(__file__).with_name("sentences.json").read_text("utf-8"))
"""Words to shuffle, by language (espeak-ng's name of it)."""
ACCENTS = {
    "en": ("en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029"),
    "en-us": ("en-us", "en-us-nyc"),
    "es": ("es", "es-419"),
    "fr": ("fr", "fr-be", "fr-ch"),
    "vi": ("vi", "vi-vn-x-central", "vi-vn-x-south"),
}
"""espeak-ng voices of a language; by default its name."""
SHARES = {"espeak": 0.6, "flite": 0.2, "festival": 0.2, "jtalk": 0.03}
"""How often each synthesiser is drawn; flite's and festival's voices come from recordings of people."""
TEACHER = "phone teacher"
"""Speaker of all these lines: their mouth is one person's."""
_ENGLISH = ("en", "en-us")
_MINUTES_PER_LINE = 3.15 / 60
_RATE_HZ = 16_000


@dataclass(frozen=True)
class Request:
    """One line to be spoken: by what, which words, how."""

    engine: str
    voice: str
    text: str
    stretch: float
    """Duration relative to the voice's own."""
    pitch: float
    """Pitch in 0..1 of what the synthesiser can do."""
    liveliness: float
    """Range of the pitch, 0..1."""
    size: float
    """Factor on tempo, pitch and formants together (`revoice`)."""


def _words(language: str, rng: np.random.Generator) -> str:
    """5 to 11 shuffled words of a language, half of the time with a pause between them."""
    text = " ".join(rng.permutation(SENTENCES[language].split())[: rng.integers(5, 12)])
    if rng.random() < 0.5:
        place = int(rng.integers(1, max(2, len(text) // 2)))
        text = text[:place] + text[place:].replace(" ", ", ", 1)
    return text


def _pick(names: tuple[str, ...], rng: np.random.Generator) -> str:
    return names[rng.integers(len(names))]


def _missing(engine: str) -> str | None:
    """Why a synthesiser cannot be used here, or None."""
    if engine == "festival":
        return None if festival.installed() else "apt install festival and festvox voices"
    if engine == "jtalk":
        return None if jtalk.installed() else "no Japanese HTS voice in /usr/share/hts-voice"
    try:
        if engine == "espeak":
            espeak.espeak()
        else:
            flite.speak("a", flite.VOICES[0])
    except RuntimeError as error:
        return str(error)
    return None


@cache
def available() -> dict[str, float]:
    """`SHARES` of the synthesisers that this machine has; says once which are left out.

    Raises:
        RuntimeError: there is none.
    """
    shares = {}
    for engine, share in SHARES.items():
        why = _missing(engine)
        if why is None:
            shares[engine] = share
        else:
            print(f"Synthetic speech goes without {engine}: {why}.", file=sys.stderr)
    if not shares:
        raise RuntimeError("no speech synthesiser is installed: apt install libespeak-ng1 espeak-ng-data")
    return shares


def draw_request(rng: np.random.Generator) -> Request:
    """A random line for a random synthesiser of this machine."""
    shares = available()
    weight = np.array(list(shares.values()))
    engine = list(shares)[rng.choice(len(shares), p=weight / weight.sum())]
    size = 1.0
    if engine == "espeak":
        # English is worth more than one language in fifty: most films and games are spoken in it
        language = _pick(_ENGLISH if rng.random() < 0.15 else tuple(sorted(SENTENCES)), rng)
        voice = _pick(ACCENTS.get(language, (language,)), rng) + _pick(espeak.VARIANTS, rng)
    else:
        size = rng.uniform(0.86, 1.18)  # few voices: make more heads of them
        if engine == "flite":
            language, voice = _pick(_ENGLISH, rng), _pick(flite.VOICES, rng)
        elif engine == "festival":
            voice = _pick(festival.installed(), rng)
            language = festival.VOICES[voice].language
        else:
            language, voice = "ja", _pick(jtalk.installed(), rng)
    return Request(
        engine, voice, _words(language, rng), stretch=rng.uniform(0.8, 1.35), pitch=rng.random(),
        liveliness=rng.random(), size=size,
    )  # fmt: skip


def language_of(engine: str, voice: str) -> str:
    """Key of `SENTENCES` whose words a voice speaks."""
    if engine == "espeak":
        name = voice.split("+")[0]
        return next((language for language, accents in ACCENTS.items() if name in accents), name)
    if engine == "festival":
        return festival.VOICES[voice].language
    return "ja" if engine == "jtalk" else "en-us"


def _speak(request: Request) -> Utterance:
    if request.engine == "espeak":
        return espeak.speak(
            request.text, request.voice, words_per_minute=round(165 / request.stretch),
            pitch=round(20 + 60 * request.pitch), pitch_range=round(20 + 60 * request.liveliness),
        )  # fmt: skip
    if request.engine == "flite":
        pitch_hz = (150 if request.voice == "slt" else 85) * 1.6**request.pitch
        return flite.speak(request.text, request.voice, stretch=request.stretch, pitch_hz=pitch_hz)
    if request.engine == "jtalk":
        return jtalk.speak(
            request.text, request.voice, speed=1 / request.stretch, semitones=6 * request.pitch - 3
        )
    return festival.speak(request.text, request.voice, stretch=request.stretch)


def speak_requests(requests: list[Request]) -> Iterator[tuple[int, Utterance]]:
    """(place in `requests`, speech) of every request; festival's come last, in one process per voice."""
    batches: dict[str, list[int]] = defaultdict(list)
    for i, request in enumerate(requests):
        if request.engine == "festival":
            batches[request.voice].append(i)
        else:
            yield i, revoice(_speak(request), request.size)
    for voice, places in batches.items():
        spoken = festival.speak_all([(requests[i].text, requests[i].stretch) for i in places], voice)
        for i, utterance in zip(places, spoken, strict=True):
            yield i, revoice(utterance, requests[i].size)


def taught_line(name: str, samples: np.ndarray, segments: list[Segment], basis: np.ndarray) -> Line:
    """A line whose mouth is the phone teacher's (`inference/articulation.py`), at given phone times."""
    line = phone_line("synthetic", name, TEACHER, samples, segments)
    frames = len(line.controls)
    motion = articulate(segments, frames / RATE_HZ, RATE_HZ, AudioClip(samples, _RATE_HZ))
    controls = symmetric_controls(motion.values[:frames], motion.channels).astype(np.float32)
    return replace(
        line,
        controls=controls,
        curves_mm=(controls @ basis.T).astype(np.float32),
        valid=np.ones(frames, bool),
    )


def synthetic_lines(basis: np.ndarray, count: int, seed: int) -> list[Line]:
    """`count` lines of shuffled words in random languages, voices, tempi and pitches.

    Args:
        basis: [6, K] mm per control, from `arkit_fit.ict_lip_basis`.
        count: how many.
        seed: same seed and same synthesisers, same lines.
    """
    rng = np.random.default_rng(seed)
    requests = [draw_request(rng) for _ in range(count)]
    lines: dict[int, Line] = {}
    for i, spoken in speak_requests(requests):
        samples = soxr.resample(spoken.samples, spoken.rate_hz, _RATE_HZ).astype(np.float32)
        samples *= np.float32(level_gain(samples))
        name = f"synthetic{i}-{requests[i].engine}-{requests[i].voice}"
        lines[i] = taught_line(name, samples, spoken.segments, basis)
    return [lines[i] for i in range(count)]


def main() -> None:
    """Write lines to listen to: NAME.wav, NAME.tsv (start_s, end_s, viseme), NAME.txt."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(arguments.seed)
    requests = [draw_request(rng) for _ in range(max(1, round(arguments.minutes / _MINUTES_PER_LINE)))]
    seconds = 0.0
    for i, spoken in speak_requests(requests):
        request = requests[i]
        stem = arguments.out / f"{i:05d}-{request.engine}-{request.voice.rsplit('/', 1)[-1]}"
        rows = [f"{a:.3f}\t{b:.3f}\t{VISEMES[k] if k >= 0 else '-'}\n" for a, b, k in spoken.segments]
        soundfile.write(stem.with_suffix(".wav"), spoken.samples, spoken.rate_hz, subtype="PCM_16")
        stem.with_suffix(".tsv").write_text("start_s\tend_s\tviseme\n" + "".join(rows), "utf-8")
        stem.with_suffix(".txt").write_text(request.text + "\n", "utf-8")
        seconds += len(spoken.samples) / spoken.rate_hz
    print(f"{len(requests)} lines, {seconds / 60:.1f} minutes of speech in {arguments.out}")


if __name__ == "__main__":
    main()
