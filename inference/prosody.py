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
_BLOCK_S = 1  # more at once would not stay in the cache


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


class ProsodyStream:
    """Prosody of sound that arrives piece by piece; a frame leaves when all of its window has arrived.

    Args:
        rate_hz: samples per second of the sound.
        frames_hz: frames per second.
    """

    def __init__(self, rate_hz: int, frames_hz: int = RATE_HZ) -> None:
        self._rate_hz, self._frames_hz = rate_hz, frames_hz
        self._window = round(_WINDOW_S * rate_hz)
        self._held = np.zeros(round(_WINDOW_S * rate_hz / 2), np.float32)  # frame 0 is centred at the start
        self._done = 0  # frames so far

    def feed(self, samples: FloatArray) -> Array:
        """Add sound (float32 [N], mono); float64 [F, 3] of the frames now complete: level in dB full scale,
        level above 3 kHz, log2 of the pitch in Hz (NaN where unvoiced)."""
        self._held = np.concatenate([self._held, samples])
        frames = [np.zeros((0, 3))]
        while count := self._complete():
            frames.append(self._take(count))
        return np.concatenate(frames)

    def finish(self) -> Array:
        """The frames up to the end of the sound, as if silence followed. The stream ends here."""
        return self.feed(np.zeros(round(_WINDOW_S * self._rate_hz / 2), np.float32))

    def _start(self, frame: int) -> int:
        return round(frame * self._rate_hz / self._frames_hz)

    def _complete(self) -> int:
        """How many frames (at most 1 s of them) lie wholly within what is held, the first at its start."""
        room = len(self._held) - self._window
        count = int(room * self._frames_hz // self._rate_hz) + 1 if room >= 0 else 0
        while count and self._start(self._done + count - 1) - self._start(self._done) > room:
            count -= 1
        return min(count, _BLOCK_S * self._frames_hz)

    def _take(self, count: int) -> Array:
        base = self._start(self._done)
        starts = np.array([self._start(self._done + i) - base for i in range(count)])
        window = np.lib.stride_tricks.sliding_window_view(self._held, self._window)[starts]
        made = _frame_features(window, self._rate_hz)
        self._held = self._held[self._start(self._done + count) - base :]
        self._done += count
        return made


def measure(blocks: Iterable[AudioClip]) -> Prosody:
    """Prosody of consecutive blocks of one sound, in bounded memory beside the result."""
    stream: ProsodyStream | None = None
    frames = [np.zeros((0, 3))]
    for block in blocks:
        stream = stream or ProsodyStream(block.rate_hz)
        frames.append(stream.feed(block.samples))
    if stream:
        frames.append(stream.finish())
    level, high, pitch = np.concatenate(frames).T
    return Prosody(level, high, pitch)


def _frame_features(window: FloatArray, rate_hz: int) -> Array:
    """[F, N] samples -> [F, 3]: level and high band in dB, pitch in octaves by autocorrelation."""
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
    return np.stack([level, high, pitch], axis=1)
