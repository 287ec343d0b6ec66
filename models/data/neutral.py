"""Sound that no mouth makes: silence, noise, tones, hum, music-like chords; the face stays neutral.

Made on demand from a seed, nothing stored.
"""

from __future__ import annotations

import numpy as np

from .arkit_fit import CONTROLS
from .corpora import RATE_HZ, Line
from .tracked import CURVES

_SAMPLE_RATE_HZ = 16_000


def _noise(length: int, rng: np.random.Generator) -> np.ndarray:
    spectrum = rng.standard_normal(length // 2 + 1) + 1j * rng.standard_normal(length // 2 + 1)
    frequency = np.maximum(np.arange(length // 2 + 1), 20)
    noise = np.fft.irfft(spectrum * frequency ** -rng.uniform(0, 1.2), length)
    return noise / np.abs(noise).max()


def _tones(length: int, rng: np.random.Generator) -> np.ndarray:
    """A tone, mains hum with harmonics, or chords that change now and then."""
    time = np.arange(length) / _SAMPLE_RATE_HZ
    out = np.zeros(length)
    kind = rng.integers(3)
    if kind == 0:
        return np.sin(2 * np.pi * rng.uniform(80, 4000) * time)
    if kind == 1:
        base = rng.choice([50.0, 60.0])
        for harmonic in range(1, 12):
            out += (
                rng.uniform(0, 1) / harmonic * np.sin(2 * np.pi * base * harmonic * time + rng.uniform(0, 6))
            )
        return out / np.abs(out).max()
    for start in np.arange(0, time[-1], rng.uniform(0.3, 0.8)):
        envelope = np.where(time >= start, np.exp(-3 * np.maximum(time - start, 0)), 0)
        for note in rng.choice(25, size=3, replace=False):
            for harmonic in range(1, 5):
                out += envelope / harmonic * np.sin(2 * np.pi * 110 * 2 ** (note / 12) * harmonic * time)
    return out / np.abs(out).max()


def neutral_lines(count: int, seed: int, seconds: float = 4.0) -> list[Line]:
    """`count` lines of sound without speech at random levels; a quarter of them nearly silent."""
    rng = np.random.default_rng(seed)
    length, frames = int(seconds * _SAMPLE_RATE_HZ), int(seconds * RATE_HZ)
    lines = []
    for i in range(count):
        kind = rng.integers(4)
        sound = _tones(length, rng) if kind == 0 else _noise(length, rng)
        level_db = rng.uniform(-100, -55) if kind == 3 else rng.uniform(-45, -15)
        lines.append(
            Line(
                corpus="neutral",
                name=f"neutral{i}",
                speaker="neutral",
                samples=(sound * 10 ** (level_db / 20)).astype(np.float32),
                controls=np.zeros((frames, len(CONTROLS)), np.float32),
                curves_mm=np.zeros((frames, len(CURVES)), np.float32),
                valid=np.ones(frames, bool),
                phones=np.zeros(frames, np.int64),
            )
        )
    return lines
