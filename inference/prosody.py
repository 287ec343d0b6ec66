"""How loud, how high and how bright a voice is: what moves jaw and lips beyond the phones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from .types import AudioClip, FloatArray

    Array = NDArray[np.float64]

RATE_HZ = 50
_WINDOW_S = 0.04
_PITCH_HZ = (70.0, 400.0)
_VOICED = 0.5
_HIGH_HZ = 3_000.0
_FLOOR = 1e-9
_BLOCK_S = 20


@dataclass(frozen=True)
class Prosody:
    """`level_db` and `high_db` (above 3 kHz) dB full scale, `pitch_octaves` log2 of Hz, NaN where unvoiced;
    float64 [F] each, frame i is centred at i / 50 s from the start of the sound."""

    level_db: Array
    high_db: Array
    pitch_octaves: Array

    def during(self, start_s: Array, end_s: Array) -> Array:
        """Means over spans of time: float64 [S] seconds each -> [S, 3] in the order of the fields.

        NaN where a span has no (voiced) frame.
        """
        first = np.clip(np.round(start_s * RATE_HZ), 0, len(self.level_db)).astype(np.int64)
        last = np.clip(np.round(end_s * RATE_HZ), 0, len(self.level_db)).astype(np.int64)
        means = []
        for values in (self.level_db, self.high_db, self.pitch_octaves):
            known = np.isfinite(values)
            sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
            counts = np.concatenate([[0], np.cumsum(known)])
            count = counts[last] - counts[first]
            mean = (sums[last] - sums[first]) / np.maximum(count, 1)
            means.append(np.where(count > 0, mean, np.nan))
        return np.stack(means, axis=1)


def measure(blocks: Iterable[AudioClip]) -> Prosody:
    """Prosody of consecutive blocks of one sound, in bounded memory beside the result."""
    frames: list[Array] = []
    held = np.zeros(0, np.float32)
    rate_hz, done = 0, 0  # frames so far
    for block in blocks:
        if not rate_hz:
            rate_hz = block.rate_hz
            held = np.zeros(round(_WINDOW_S * rate_hz / 2), np.float32)  # frame 0 is centred at the start
        held = np.concatenate([held, block.samples])
        while (count := _complete(len(held), done, rate_hz)) >= _BLOCK_S * RATE_HZ:
            made, held, done = _take(held, done, count, rate_hz)
            frames.append(made)
    if rate_hz:
        held = np.concatenate([held, np.zeros(round(_WINDOW_S * rate_hz / 2), np.float32)])
        made, held, done = _take(held, done, _complete(len(held), done, rate_hz), rate_hz)
        frames.append(made)
    level, high, pitch = np.concatenate(frames, axis=1) if frames else np.zeros((3, 0))
    return Prosody(level, high, pitch)


def _start(frame: int, rate_hz: int) -> int:
    return round(frame * rate_hz / RATE_HZ)


def _complete(held: int, done: int, rate_hz: int) -> int:
    """How many frames (at most 20 s of them) lie wholly within `held` samples, the first one at its start."""
    room = held - round(_WINDOW_S * rate_hz)
    count = int(room * RATE_HZ // rate_hz) + 1 if room >= 0 else 0
    while count and _start(done + count - 1, rate_hz) - _start(done, rate_hz) > room:
        count -= 1
    return min(count, _BLOCK_S * RATE_HZ)


def _take(held: FloatArray, done: int, count: int, rate_hz: int) -> tuple[Array, FloatArray, int]:
    """float64 [3, count] of the next frames, and what of the sound remains."""
    if count == 0:
        return np.zeros((3, 0)), held, done
    base = _start(done, rate_hz)
    starts = np.array([_start(done + i, rate_hz) - base for i in range(count)])
    window = np.lib.stride_tricks.sliding_window_view(held, round(_WINDOW_S * rate_hz))[starts]
    return _frame_features(window, rate_hz), held[_start(done + count, rate_hz) - base :], done + count


def _frame_features(window: FloatArray, rate_hz: int) -> Array:
    """[F, N] samples -> [3, F]: level and high band in dB, pitch in octaves by autocorrelation."""
    length = window.shape[1]
    shortest, longest = (round(rate_hz / hz) for hz in reversed(_PITCH_HZ))
    size = 1 << (length + longest).bit_length()  # enough that no lag of interest wraps around
    spectrum = np.fft.rfft(window * np.hanning(length).astype(np.float32), size)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    scale = 2.0 / (size * length * 0.375)  # Parseval, and the mean square of the window
    level = 10.0 * np.log10(power.sum(1) * scale + _FLOOR)
    high = 10.0 * np.log10(power[:, int(_HIGH_HZ * size / rate_hz) :].sum(1) * scale + _FLOOR)
    low_only = power.copy()
    low_only[:, int(1_000.0 * size / rate_hz) :] = 0.0
    correlation = np.fft.irfft(low_only, size)
    lags = correlation[:, shortest : longest + 1]
    best = lags.argmax(1)
    voiced = lags[np.arange(len(lags)), best] > _VOICED * np.maximum(correlation[:, 0], _FLOOR)
    pitch = np.where(voiced, np.log2(rate_hz / (best + shortest)), np.nan)
    return np.stack([level, high, pitch])
