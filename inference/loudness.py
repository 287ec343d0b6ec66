"""Speech level of a recording, and the gain that brings it to the level the model was trained at.

Measured over the active part only, so that silence around a line does not count, and robust to a
single click: frames of 25 ms every 10 ms are gathered in a histogram of decibels; active frames lie
within 30 dB below the 99th percentile; the level is their 75th percentile. A histogram can be fed
block by block, so a three-hour file costs no more memory than a short one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .types import FloatArray

TARGET_DB = -24.0
"""Level of active speech that the model expects, dB full scale."""
SILENCE_DB = -85.0
"""Frames below this are digital silence or dither, never speech: 16-bit dither lies near -93."""
MAX_GAIN_DB = 60.0

_RATE_HZ = 16_000
_WINDOW, _HOP = 400, 160
_LOWEST_DB, _STEP_DB, _BINS = -120.0, 0.5, 300
_ACTIVE_RANGE_DB = 30.0


class LevelMeter:
    """Feed it sound block by block (mono, 16 kHz), then read `level_db`, `gain` and `is_silent`."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self._tail = np.zeros(0, np.float32)

    def add(self, samples: FloatArray) -> None:
        """Count the frames of one more block: float32 [N]."""
        x = np.concatenate([self._tail, samples])
        frames = max(0, (len(x) - _WINDOW) // _HOP + 1)
        self._tail = x[frames * _HOP :]
        if frames:
            power = np.concatenate([[0.0], np.cumsum(np.square(x, dtype=np.float64))])
            starts = np.arange(frames) * _HOP
            self._count(power[starts + _WINDOW] - power[starts])

    def _count(self, energy: NDArray[np.float64]) -> None:
        level = 10.0 * np.log10(np.maximum(energy, 0.0) / _WINDOW + 1e-12)
        bins = ((level - _LOWEST_DB) / _STEP_DB).astype(np.int64)
        self._counts += np.bincount(np.clip(bins, 0, _BINS - 1), minlength=_BINS)

    def _percentile_db(self, counts: NDArray[np.int64], fraction: float) -> float:
        index = int(np.searchsorted(np.cumsum(counts), fraction * counts.sum()))
        return _LOWEST_DB + (index + 0.5) * _STEP_DB

    @property
    def level_db(self) -> float | None:
        """Level of the active part in dB full scale; None when nothing is louder than dither."""
        centres = _LOWEST_DB + (np.arange(_BINS) + 0.5) * _STEP_DB
        audible = np.where(centres > SILENCE_DB, self._counts, 0)
        if not audible.any():
            return None
        loudest = self._percentile_db(audible, 0.99)
        active = np.where(centres > loudest - _ACTIVE_RANGE_DB, audible, 0)
        return self._percentile_db(active, 0.75)

    @property
    def is_silent(self) -> bool:
        """True when no frame is louder than dither."""
        return self.level_db is None

    @property
    def gain(self) -> float:
        """Factor that brings the active part to `TARGET_DB`; 1 for silence."""
        level = self.level_db
        if level is None:
            return 1.0
        return float(10.0 ** (min(TARGET_DB - level, MAX_GAIN_DB) / 20.0))


def level_gain(samples: FloatArray) -> float:
    """The gain for a whole recording: float32 [N], mono, 16 kHz. Short clips (< 25 ms) are padded."""
    meter = LevelMeter()
    meter.add(np.pad(samples, (0, max(0, _WINDOW - len(samples)))))
    return meter.gain
