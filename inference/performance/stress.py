"""Which syllables a voice stresses, where its phrases are, and which of them ask.

Stress is heard as loudness and pitch above what is around it, in a vowel (Fry 1955, 1958; Kochanski et
al. 2005 give loudness the larger part). Head nods and brow raises go with it (Hadar et al. 1983; Graf et
al. 2002).
What is said of a moment depends on `CONTEXT_S` of sound on either side of it and on nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..visemes import VISEMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..types import FloatArray

    Array = NDArray[np.float64]

CONTEXT_S: Final = 2.0
"""Give this much sound before and after the moments asked about."""
PHRASE_PAUSE_S: Final = 0.3
"""A shorter silence does not end a phrase: closures of plosives reach 0.2 s."""
_VOWELS = tuple(VISEMES.index(name) for name in ("aa", "E", "I", "O", "U"))
_SILENCE = VISEMES.index("sil")
_AROUND_S = 1.5
"""Stress is relative to the vowels this far away."""
_APART_S = 0.28
"""Of two peaks closer than this the stronger one counts: people stress at most three syllables a second."""
_LEVEL_DB, _PITCH_OCTAVES = 5.0, 0.2
"""Loudness and pitch above the surroundings that count as much as each other: about one standard deviation
over the vowels of read speech."""
_LEAST, _FULL = 0.35, 1.6
"""Salience at which strength begins, and at which it is 1."""
_RISE_OCTAVES = (0.12, 0.45)
"""Final rise at which a question begins to be heard, and at which it is certain: 1.5 and 5.5 semitones."""


def stresses(prosody: FloatArray, visemes: FloatArray, rate_hz: float = 50.0) -> Array:
    """Stressed syllables.

    Args:
        prosody: [T, 3] level dB, level above 3 kHz dB, log2 of the pitch in Hz or NaN where unvoiced.
        visemes: [T, 15] posteriors, columns of `visemes.VISEMES`.
        rate_hz: rows per second; row 0 is at 0 s.

    Returns:
        [N, 2]: time in seconds of each syllable's loudest moment, ascending; strength above 0 up to 1.
    """
    if len(prosody) < 3:
        return np.zeros((0, 2))
    salience = _salience(prosody, visemes, rate_hz)
    reach = max(1, round(_APART_S * rate_hz))
    highest = _windows(salience, reach, -np.inf).max(axis=1)
    earlier = _windows(salience, reach, -np.inf)[:, :reach].max(axis=1)
    peak = (salience >= highest) & (salience > earlier) & (salience > _LEAST)
    rows = np.flatnonzero(peak)
    strength = np.clip((salience[rows] - _LEAST) / (_FULL - _LEAST), 0.0, 1.0)
    return np.stack([rows / rate_hz, strength], axis=1)


def phrases(visemes: FloatArray, rate_hz: float = 50.0) -> Array:
    """[N, 2] start and end in seconds of what is said between pauses of `PHRASE_PAUSE_S` or more."""
    silent = visemes[:, _SILENCE] > 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[True], silent, [True]]).astype(np.int8)))
    spans = edges.reshape(-1, 2) / rate_hz
    if not len(spans):
        return spans
    pause = spans[1:, 0] - spans[:-1, 1] >= PHRASE_PAUSE_S
    starts = np.concatenate([[True], pause])
    ends = np.concatenate([pause, [True]])
    return np.stack([spans[starts, 0], spans[ends, 1]], axis=1)


def questions(prosody: FloatArray, visemes: FloatArray, rate_hz: float = 50.0) -> Array:
    """Phrases whose pitch rises at the end, as of a question (Ladd 2008; not every question rises).

    Args:
        prosody, visemes, rate_hz: see `stresses`.

    Returns:
        [N, 3]: start and end in seconds of the rising part (at most 0.8 s) and strength above 0 up to 1.
    """
    found = []
    for start_s, end_s in phrases(visemes, rate_hz):
        first, last = round(max(start_s, end_s - CONTEXT_S) * rate_hz), round(end_s * rate_hz)
        pitch = prosody[first:last, 2].astype(np.float64)
        rows = np.flatnonzero(np.isfinite(pitch))
        if len(rows) < 0.5 * rate_hz:
            continue
        voiced = pitch[rows]
        tail = max(3, round(0.12 * rate_hz))
        final, before = np.median(voiced[-tail:]), np.median(voiced[: -2 * tail])
        strength = (final - before - _RISE_OCTAVES[0]) / (_RISE_OCTAVES[1] - _RISE_OCTAVES[0])
        if strength > 0.0 and final - before < 0.9:  # more is an error of the pitch tracker by an octave
            found.append((max(start_s, end_s - 0.8), end_s, min(1.0, strength)))
    return np.array(found).reshape(-1, 3)


def _salience(prosody: FloatArray, visemes: FloatArray, rate_hz: float) -> Array:
    """[T], how much a moment stands out from the vowels around it; 1 is plain stress."""
    vowel = visemes[:, _VOWELS].sum(axis=1).astype(np.float64)
    level = _smooth(prosody[:, 0].astype(np.float64), rate_hz)
    pitch = prosody[:, 2].astype(np.float64)
    voiced = np.isfinite(pitch)
    around = round(_AROUND_S * rate_hz)
    louder = (level - _mean_where(level, vowel, around)) / _LEVEL_DB
    filled = np.where(voiced, pitch, 0.0)
    higher = (filled - _mean_where(filled, vowel * voiced, around)) / _PITCH_OCTAVES
    higher = np.where(voiced, np.clip(higher, -2.0, 2.0), 0.0)
    raw: Array = vowel * (np.clip(louder, -2.0, 2.0) + 0.8 * higher)
    return _smooth(raw, rate_hz)


def _smooth(values: Array, rate_hz: float) -> Array:
    """Hann-weighted mean over 0.14 s."""
    weights = np.hanning(2 * round(0.07 * rate_hz) + 3)[1:-1]
    padded = np.pad(values, len(weights) // 2, mode="edge")
    return np.convolve(padded, weights / weights.sum(), mode="valid")


def _mean_where(values: Array, weight: Array, reach: int) -> Array:
    """Weighted mean over `reach` rows on either side; 0 where there is no weight."""
    ones = np.ones(2 * reach + 1)
    total = np.convolve(np.pad(values * weight, reach), ones, mode="valid")
    count = np.convolve(np.pad(weight, reach), ones, mode="valid")
    return np.where(count > 1e-6, total / np.maximum(count, 1e-6), 0.0)


def _windows(values: Array, reach: int, outside: float) -> Array:
    """[T, 2 * reach + 1] rows around every row."""
    padded = np.pad(values, reach, constant_values=outside)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
