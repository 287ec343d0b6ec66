"""What the head hears: prosody and visemes as inputs of its model, the same in training and at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..loudness import TARGET_DB
from ..visemes import VISEMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..types import FloatArray

RATE_HZ: Final = 25
"""Rows per second of features and of the model: every second row of speech."""
WIDTH: Final = 4 + len(VISEMES)
_SILENCE = VISEMES.index("sil")
_MEMORY_ROWS = 200
"""Loudness and pitch are relative to those of about the last 4 s of speech."""
_PITCH_OCTAVES = 7.2
"""Of a voice that has not been heard yet: 147 Hz, between men and women."""


class HeadFeatures:
    """Prosody and visemes, piece by piece -> float32 [K, 19], one row for every second row of speech.

    Columns: loudness relative to the voice's own, 10 dB each; brightness; pitch relative to the voice's own,
    1/3 octave each, 0 where unvoiced; whether voiced; viseme posteriors. Row k knows rows up to 2k.
    """

    def __init__(self) -> None:
        self._level, self._pitch = _Running(TARGET_DB), _Running(_PITCH_OCTAVES)
        self._odd: NDArray[np.float64] | None = None
        """The row before the next even one."""
        self._rows = 0

    def feed(self, prosody: FloatArray, visemes: FloatArray) -> FloatArray:
        """Add rows at 50 Hz: prosody [T, 3] (level dB, level above 3 kHz dB, log2 pitch Hz or NaN), visemes
        [T, 15]. Returns the features that are complete."""
        if not len(prosody):
            return np.zeros((0, WIDTH), np.float32)
        rows = self._fine(prosody.astype(np.float64), visemes)
        first = self._rows % 2  # of the even rows among these
        before = rows[:1] if self._odd is None else self._odd[None]
        held = np.concatenate([before, rows])
        even = held[1 + first :: 2]
        made: FloatArray = (0.5 * (even + held[first : first + 2 * len(even) : 2])).astype(np.float32)
        self._odd = rows[-1]
        self._rows += len(rows)
        return made

    def _fine(self, prosody: NDArray[np.float64], visemes: FloatArray) -> NDArray[np.float64]:
        level, high, pitch = prosody.T
        known, voiced = np.isfinite(level), np.isfinite(pitch)
        speech = visemes[:, _SILENCE] < 0.5
        louder = np.where(known, level, 0.0) - self._level.follow(level, speech & known)
        higher = np.where(voiced, pitch, 0.0) - self._pitch.follow(pitch, voiced & speech)
        columns = [
            np.where(known, np.clip(louder / 10.0, -3.0, 2.0), np.where(speech, 0.0, -3.0)),
            np.where(known, np.clip((high - level + 20.0) / 10.0, -2.0, 2.0), 0.0),
            np.where(voiced, np.clip(3.0 * higher, -2.0, 2.0), 0.0),
            voiced.astype(np.float64),
        ]
        return np.concatenate([np.stack(columns, axis=1), visemes], axis=1)


class _Running:
    """A mean that follows: of all values at first, of about the last `_MEMORY_ROWS` later on; `start` before
    there is a value."""

    def __init__(self, start: float) -> None:
        self._mean, self._count = start, 0

    def follow(self, values: NDArray[np.float64], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The mean, at every value, of those up to it that count."""
        out = np.empty(len(values))
        mean, count = self._mean, self._count
        for i, (value, taken) in enumerate(zip(values.tolist(), counts.tolist(), strict=True)):
            if taken:
                count = min(count + 1, _MEMORY_ROWS)
                mean = value if count == 1 else mean + (value - mean) / count
            out[i] = mean
        self._mean, self._count = mean, count
        return out
