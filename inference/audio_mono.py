"""Many channels at any rate -> one channel at 16 kHz: which channels, which offset, and resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .audio_decoders import load_package
from .timing import nearest_sample

if TYPE_CHECKING:
    from .types import FloatArray

SAMPLE_RATE_HZ = 16_000
_LARGEST = 1e6
"""Float samples beyond this are no sound (flipped bits); 16-bit values stored as float lie far below."""
_FULL_SCALE = 0.99
"""Samples above count as clipped: 8-bit sound clips at 127/128."""
_MATRIX_CHANNELS = 16
"""Up to here correlations between channels are measured; above, only each channel's power."""
_STATISTICS_HZ = 8_000
"""Power and correlation are measured on samples about this far apart; aliasing does not change them."""
_QUIET_CHANNEL = 10.0 ** (-20.0 / 10.0)
_CANCELLING = -0.25
_OFFSET_SHARE = 0.03


def _in_range(high: float, low: float) -> bool:
    return high <= _LARGEST and low >= -_LARGEST  # False for NaN, too


def valid_numbers(block: FloatArray) -> FloatArray:
    """The block itself, or a copy with 0 in place of NaN, infinite and absurdly large values."""
    if _in_range(float(block.max()), float(block.min())):
        return block
    return np.where(np.abs(block) <= _LARGEST, block, np.float32(0.0))


@dataclass(frozen=True)
class Mix:
    """One channel from many: the mean of the chosen `columns`, less a constant `offset`."""

    columns: tuple[int, ...]
    offset: float
    level: float
    """Root mean square of the mixed sound, 1 = full scale."""

    def apply(self, block: FloatArray) -> FloatArray:
        """float32 [N, channels] -> float32 [N]."""
        if len(self.columns) == 1:
            mono = block[:, self.columns[0]]
        elif len(self.columns) == block.shape[1] == 2:
            mono = (block[:, 0] + block[:, 1]) * np.float32(0.5)
        else:
            weights = np.full(len(self.columns), 1.0 / len(self.columns), np.float32)
            chosen = block if len(self.columns) == block.shape[1] else block[:, self.columns]
            mono = np.einsum("nc,c->n", chosen, weights)  # matmul would wake the BLAS threads for this
        return np.asarray(mono - np.float32(self.offset), np.float32)

    def serves_as(self, other: Mix) -> bool:
        """True where the two differ by no more than an inaudible rest of offset."""
        tolerance = _OFFSET_SHARE * other.level + 1e-7
        return self.columns == other.columns and abs(self.offset - other.offset) <= tolerance


class ChannelMeter:
    """Feed it every block of a recording; it then chooses the channels to listen to.

    A plain mean over the channels would make speech on one of six channels 16 dB too quiet and would
    cancel channels in antiphase. Here channels 20 dB below the loudest are left out, and so is any
    channel that would cancel part of those already chosen.
    """

    def __init__(self, channels: int, rate_hz: float) -> None:
        self.frames = 0
        self.invalid = 0
        """Samples that were no numbers, or absurdly large, and were replaced by 0."""
        self._stride = max(1, int(rate_hz / _STATISTICS_HZ))
        self._counted = 0
        self._clipped = 0
        self._peak = 0.0
        self._sums = np.zeros(channels)
        self._products = np.zeros((channels, channels) if channels <= _MATRIX_CHANNELS else channels)

    def add(self, block: FloatArray) -> FloatArray:
        """Count one block, float32 [N, channels] with N >= 1, and return it with only valid numbers."""
        high, low = float(block.max()), float(block.min())
        if not _in_range(high, low):
            self.invalid += int(np.count_nonzero(~(np.abs(block) <= _LARGEST)))
            block = valid_numbers(block)
            high, low = float(block.max()), float(block.min())
        self._peak = max(self._peak, high, -low)
        if max(high, -low) >= _FULL_SCALE:
            self._clipped += int(np.count_nonzero(np.abs(block) >= _FULL_SCALE))
        self.frames += len(block)
        few = np.ascontiguousarray(block[:: self._stride].T)
        self._counted += few.shape[1]
        self._sums += few.sum(axis=1)
        self._products += few @ few.T if self._products.ndim == 2 else np.square(few).sum(axis=1)
        return block

    @property
    def clipped_share(self) -> float:
        """Share of all samples that lie at full scale; 0 for sound that goes beyond (float files)."""
        if self._peak > 1.01 or not self.frames:
            return 0.0
        return self._clipped / (self.frames * len(self._sums))

    def choose(self) -> Mix:
        """The mix for everything that was fed so far (at least one frame)."""
        means = self._sums / self._counted
        if self._products.ndim == 2:
            covariance = self._products / self._counted - np.outer(means, means)
        else:
            covariance = np.diag(self._products / self._counted - means**2)
        power = np.maximum(np.diag(covariance), 0.0)
        order = [int(column) for column in np.argsort(-power, kind="stable")]
        kept = order[:1]
        for column in order[1:]:
            if power[column] <= power[order[0]] * _QUIET_CHANNEL:
                break
            shared = covariance[kept, column].sum()
            together = max(float(covariance[np.ix_(kept, kept)].sum()), 0.0)
            if shared > _CANCELLING * math.sqrt(together * power[column]):
                kept.append(column)
        columns = tuple(sorted(kept))
        level = math.sqrt(max(float(covariance[np.ix_(kept, kept)].sum()), 0.0)) / len(kept)
        return Mix(columns, float(means[list(columns)].mean()), level)


class Resampler:
    """Mono sound at any rate -> 16 kHz, block by block, without a shift in time."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._taken = 0
        self._given = 0
        self._stream = None
        if rate_hz != SAMPLE_RATE_HZ:
            soxr = load_package("soxr")
            self._stream = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="HQ")

    def feed(self, samples: FloatArray) -> FloatArray:
        """float32 [N] -> float32 [M]: what is ready so far; the filter holds some back."""
        self._taken += len(samples)
        if self._stream is None:
            self._given += len(samples)
            return samples
        out: FloatArray = self._stream.resample_chunk(samples)
        self._given += len(out)
        return out

    def finish(self) -> FloatArray:
        """The rest, float32 [M]: the whole is then as long as the input, to the nearest sample."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        out: FloatArray = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        wanted = max(1, nearest_sample(self._taken / self._rate_hz, SAMPLE_RATE_HZ)) if self._taken else 0
        missing = wanted - self._given - len(out)
        return np.pad(out, (0, missing)) if missing > 0 else out[: len(out) + missing]
