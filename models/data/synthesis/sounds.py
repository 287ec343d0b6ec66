"""Sounds that are not speech, made from a seed: noise, tones, music, breaths, coughs, clicks, knocks, babble.

Every generator takes a length in samples at 16 kHz and a random generator, and returns float64 [length]
with a peak of 1 (or all zeros). Used as lines with a neutral face and as background of speech.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache

import numpy as np
import soxr
from scipy.signal import lfilter

from .espeak import speak

RATE_HZ = 16_000
Sound = Callable[[int, np.random.Generator], np.ndarray]


def _peak(sound: np.ndarray) -> np.ndarray:
    return sound / max(float(np.abs(sound).max()), 1e-9)


def noise(length: int, rng: np.random.Generator) -> np.ndarray:
    """Steady noise whose spectrum falls with a random exponent (white to brown)."""
    spectrum = rng.standard_normal(length // 2 + 1) + 1j * rng.standard_normal(length // 2 + 1)
    frequency = np.maximum(np.arange(length // 2 + 1), 30.0 * length / RATE_HZ)
    return _peak(np.fft.irfft(spectrum * frequency ** -rng.uniform(0.0, 1.2), length))


def tone(length: int, rng: np.random.Generator) -> np.ndarray:
    """A tone with up to eight harmonics, steady, gliding (a chirp) or trembling (a siren)."""
    time = np.arange(length) / RATE_HZ
    pitch_hz = np.full(length, 10 ** rng.uniform(1.9, 3.5))
    kind = rng.integers(3)
    if kind == 1:
        pitch_hz = np.geomspace(*(10 ** rng.uniform(2.0, 3.6, 2)), length)
    if kind == 2:
        pitch_hz = pitch_hz * 2 ** (rng.uniform(0.02, 0.4) * np.sin(2 * np.pi * rng.uniform(0.5, 8) * time))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    fall = rng.uniform(0.5, 2.5)
    partials = [
        np.sin(k * phase) * k**-fall * (k * pitch_hz < RATE_HZ / 2) for k in range(1, rng.integers(2, 10))
    ]
    return _peak(np.sum(partials, axis=0))


def hum(length: int, rng: np.random.Generator) -> np.ndarray:
    """Mains hum with harmonics."""
    time, base = np.arange(length) / RATE_HZ, rng.choice([50.0, 60.0])
    partials = [
        rng.uniform(0, 1) / k * np.sin(2 * np.pi * base * k * time + rng.uniform(0, 6)) for k in range(1, 12)
    ]
    return _peak(np.sum(partials, axis=0))


def music(length: int, rng: np.random.Generator) -> np.ndarray:
    """Decaying chords in a steady beat, sometimes with drums."""
    beat = int(rng.uniform(0.25, 0.8) * RATE_HZ)
    out = np.zeros(length)
    time = np.arange(2 * beat) / RATE_HZ
    decay = np.exp(-rng.uniform(1.5, 6.0) * time)
    for start in range(0, length, beat):
        chord = np.zeros(len(time))
        for note in rng.choice(30, size=3, replace=False):
            base = 2 * np.pi * 98 * 2 ** (note / 12)
            for harmonic in range(1, 5):
                chord += np.sin(base * harmonic * time) / harmonic
        stop = min(length, start + len(time))
        out[start:stop] += (chord * decay)[: stop - start]
    if rng.random() < 0.5:
        drums = np.zeros(length)
        drums[::beat] = 1.0
        out = _peak(out) + rng.uniform(0.3, 1.0) * _peak(_ring(drums, rng.uniform(60, 200), 30.0))
    return _peak(out)


def _ring(excitation: np.ndarray, hz: float, bandwidth_hz: float) -> np.ndarray:
    """Through a two-pole resonance."""
    radius = np.exp(-np.pi * bandwidth_hz / RATE_HZ)
    return lfilter([1 - radius], [1, -2 * radius * np.cos(2 * np.pi * hz / RATE_HZ), radius**2], excitation)


def breath(length: int, rng: np.random.Generator) -> np.ndarray:
    """Breathing in and out: shaped noise that swells and fades, with pauses."""
    out = np.zeros(length)
    at = int(rng.uniform(0, 0.8) * RATE_HZ)
    while at < length:
        size = int(rng.uniform(0.3, 1.4) * RATE_HZ)
        air = rng.standard_normal(size)
        air = air + 3 * _ring(air, rng.uniform(500, 2200), 400) + 2 * _ring(air, rng.uniform(2200, 5000), 700)
        swell = np.sin(np.pi * np.arange(size) / size) ** rng.uniform(0.7, 2.0)
        stop = min(length, at + size)
        out[at:stop] += (air * swell * rng.uniform(0.3, 1))[: stop - at]
        at += size + int(rng.uniform(0.2, 1.2) * RATE_HZ)
    return _peak(out)


def coughs(length: int, rng: np.random.Generator) -> np.ndarray:
    """One to four bursts of air, each with a hard onset and a breathy tail."""
    out = np.zeros(length)
    at = int(rng.uniform(0.1, 0.6) * length)
    for _ in range(rng.integers(1, 5)):
        size = int(rng.uniform(0.15, 0.4) * RATE_HZ)
        time = np.arange(size) / RATE_HZ
        air = rng.standard_normal(size) * np.exp(-time * rng.uniform(8, 20))
        burst = (
            air + 4 * _ring(air, rng.uniform(400, 900), 250) + 2 * _ring(air, rng.uniform(1200, 2600), 400)
        )
        burst[: RATE_HZ // 200] *= np.linspace(0, 1, RATE_HZ // 200)
        stop = min(length, at + size)
        out[at:stop] += burst[: max(0, stop - at)]
        at = min(length, at + size + int(rng.uniform(0.02, 0.3) * RATE_HZ))
    return _peak(out)


def laughs(length: int, rng: np.random.Generator) -> np.ndarray:
    """Breathy bursts four to six times a second, each weaker than the one before."""
    out = np.zeros(length)
    at, level = int(rng.uniform(0.05, 0.5) * length), 1.0
    place, period = rng.uniform(500, 900), rng.uniform(0.16, 0.26)
    for _ in range(rng.integers(3, 12)):
        size = int(period * rng.uniform(0.5, 0.8) * RATE_HZ)
        air = rng.standard_normal(size) * np.hanning(size)
        stop = min(length, at + size)
        out[at:stop] += (level * (air + 2 * _ring(air, place, 300)))[: max(0, stop - at)]
        at, level = min(length, at + int(period * RATE_HZ)), level * rng.uniform(0.8, 1.0)
    return _peak(out)


def _struck(
    length: int, rng: np.random.Generator, *, every_s: tuple[float, float], **ring: float
) -> np.ndarray:
    """Impulses at random times through one random resonance; `low_hz`, `high_hz`, `bandwidth_hz`."""
    hits = np.zeros(length)
    at = rng.uniform(0, min(every_s[1], 0.9 * length / RATE_HZ))  # at least one
    while at * RATE_HZ < length - 1:
        hits[int(at * RATE_HZ)] = rng.uniform(0.3, 1.0)
        at += rng.uniform(*every_s)
    hits = np.convolve(hits, rng.standard_normal(24))[:length]  # contact is not one sample long
    return _peak(_ring(hits, rng.uniform(ring["low_hz"], ring["high_hz"]), ring["bandwidth_hz"]))


def smacks(length: int, rng: np.random.Generator) -> np.ndarray:
    """Lip smacks and tongue clicks."""
    return _struck(length, rng, every_s=(0.2, 1.5), low_hz=900, high_hz=3500, bandwidth_hz=250)


def knocks(length: int, rng: np.random.Generator) -> np.ndarray:
    """Knocks on wood, steps."""
    return _struck(length, rng, every_s=(0.15, 0.7), low_hz=90, high_hz=450, bandwidth_hz=40)


def keys(length: int, rng: np.random.Generator) -> np.ndarray:
    """Typing: press and release."""
    press = _struck(length, rng, every_s=(0.06, 0.4), low_hz=1500, high_hz=6000, bandwidth_hz=500)
    later = int(rng.uniform(0.05, 0.1) * RATE_HZ)
    return _peak(press + 0.4 * np.pad(press, (later, 0))[:length])


def _windows(length: int, rng: np.random.Generator) -> np.ndarray:
    """float64 [length]: 1 during one to four events in silence, with hard or soft edges."""
    gate = np.zeros(length)
    count = rng.integers(1, 5)
    edges = np.sort(rng.choice(np.arange(1, length), 2 * count, replace=False))
    for start, stop in edges.reshape(-1, 2):
        gate[start:stop] = 1.0
    edge = int(RATE_HZ * 10 ** rng.uniform(-3.5, -1.0))
    return gate if edge < 2 else np.convolve(gate, np.hanning(edge + 2) / np.hanning(edge + 2).sum(), "same")


def events(length: int, rng: np.random.Generator) -> np.ndarray:
    """Noise, tones or music that begin and end suddenly in silence."""
    kind: Sound = (noise, tone, tone, music)[rng.integers(4)]
    return _peak(kind(length, rng) * _windows(length, rng))


def beating(length: int, rng: np.random.Generator) -> np.ndarray:
    """Noise or a tone that swells as fast as syllables do, 2 to 8 times a second."""
    time = np.arange(length) / RATE_HZ
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(2, 8) * time + rng.uniform(0, 6))
    return _peak((noise if rng.random() < 0.6 else tone)(length, rng) * swell ** rng.uniform(0.5, 3.0))


@cache
def _voices() -> tuple[np.ndarray, ...]:
    """Reversed speech of espeak-ng at 16 kHz, the material of babble; empty without espeak-ng."""
    words = "many people talk about the weather and some more people laugh while a few of them listen"
    try:
        spoken = [
            speak(words, f"en-us{v}", words_per_minute=140 + 12 * i, pitch=25 + 7 * i)
            for i, v in enumerate(("+m1", "+f2", "+m3", "+f4", "+m7", "+f5", "+anika", "+adam"))
        ]
    except RuntimeError as error:
        print(f"Babble is left out: {error}", file=sys.stderr)
        return ()
    return tuple(soxr.resample(u.samples[::-1], u.rate_hz, RATE_HZ).astype(np.float64) for u in spoken)


def babble(length: int, rng: np.random.Generator) -> np.ndarray:
    """Many voices at once, speaking backwards; zeros where espeak-ng is missing."""
    out = np.zeros(length)
    for voice in _voices():
        for _ in range(rng.integers(1, 3)):
            offset = rng.integers(len(voice))
            out += rng.uniform(0.4, 1.0) * np.resize(np.roll(voice, offset), length)
    return _peak(out)


@cache
def backgrounds() -> tuple[np.ndarray, ...]:
    """A fixed store of 8 s backgrounds for augmentation, float32, unit power: babble, music, small sounds."""
    rng = np.random.default_rng(3)
    makers: tuple[Sound, ...] = (*[babble] * 10, *[music] * 8, hum, keys, knocks, breath, events, beating)
    made = [make(8 * RATE_HZ, rng) for make in makers]
    return tuple((x / x.std()).astype(np.float32) for x in made if x.std() > 0)
