"""Blinks: drawn at human intervals, and moved to where people who speak blink.

Where a blink is depends on the absolute time, the seed and the moments near it alone, so a motion may be made
piece by piece, from any start, on any machine, and always blinks at the same times. Speakers blink at ends of
phrases and in pauses (Nakano and Kitazawa 2010), and with large gaze shifts (Evinger et al. 1994).
"""

from __future__ import annotations

import unicodedata
import zlib
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..channels import BLINK, SQUINT, WIDE
from ..errors import UsageError
from ..types import FaceMotion
from .ease import ease

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from ..types import FloatArray

    Array = NDArray[np.float64]

PAUSE_MIN_S = 1.2
"""Shortest time from the start of one blink to the start of the next."""
_PAUSE_SCALE_S = 1.4
"""The rest of an interval is Erlang distributed, 2 x 1.4 s on average: 4.0 s in all, 15 a minute."""
_CLOSING_S = (0.08, 0.10)
_CLOSED_S = 0.04
"""With the slow ends of the two slopes the lids are at 95 % or more for over 70 ms: longer than a frame at
24 fps and a row at 50 Hz together, so a closure always falls on a frame."""
_OPENING_S = (0.15, 0.20)

_GIVE_WAY = ((WIDE, 1.0), (SQUINT, 0.5))
"""What moves the same lids, and by how much it goes back in a blink: many rigs add the two up."""

_EPOCH_S = 600.0
"""Blinks are drawn for spans of this length, each from its own seed: any time is reached at once."""
_DRAWS = int(_EPOCH_S / PAUSE_MIN_S) + 1


MOMENT_REACH_S = 1.0
"""A blink is moved by at most this much to a moment that people blink at."""
KNOWN_S = PAUSE_MIN_S + 2.0 * MOMENT_REACH_S
"""Moments must be known so far before and after the rows that are to blink."""
_KEPT_S = 2.0 * KNOWN_S
RATE_RANGE = (0.1, 2.5)
"""Factors on the blink rate that can be had."""


@dataclass(frozen=True)
class BlinkCues:
    """What blinks go by, beside chance."""

    moments_s: Array = field(default_factory=lambda: np.zeros(0))
    """float64 [N], ascending seconds on the clock of the motion: ends of phrases and gaze shifts."""
    times_s: tuple[float, ...] = (0.0,)
    rates: tuple[float, ...] = (1.0,)
    """Factor on the blink rate at these times, linear between them; kept within `RATE_RANGE`."""

    @property
    def most(self) -> float:
        """The highest factor."""
        return float(np.clip(max(self.rates), *RATE_RANGE))

    def share(self, at_s: Array) -> Array:
        """[N] factor at times in seconds, as a share of the highest one."""
        rates = np.interp(at_s, self.times_s, np.clip(self.rates, *RATE_RANGE))
        return np.asarray(rates / self.most)


class BlinkFeed:
    """Moments to blink at, in their order, between who performs and who closes the lids.

    Args:
        shift_s: seconds by which the motion is later than the sound that the moments are about.
    """

    def __init__(self, shift_s: float = 0.0) -> None:
        self._shift_s = shift_s
        self._cues = BlinkCues()

    def begin(self, cues: BlinkCues) -> None:
        """Set the rate, on the clock of the sound."""
        times_s = tuple(t + self._shift_s for t in cues.times_s)
        self._cues = replace(cues, times_s=times_s, moments_s=cues.moments_s + self._shift_s)

    def add(self, moments_s: Array) -> None:
        """Add what is new, on the clock of the sound."""
        moments = np.concatenate([self._cues.moments_s, moments_s + self._shift_s])
        self._cues = replace(self._cues, moments_s=moments)

    def cues(self, since_s: float) -> BlinkCues:
        """For motion from a time on, which never goes back."""
        moments = self._cues.moments_s
        kept = moments[np.searchsorted(moments, since_s - _KEPT_S) :]
        self._cues = replace(self._cues, moments_s=kept)
        return self._cues


def add_blinks(
    motion: FaceMotion,
    seed: int,
    strength: float = 1.0,
    *,
    whole_only: bool = False,
    cues: BlinkCues | None = None,
) -> FaceMotion:
    """Let both eyes blink at human intervals; where the motion closes a lid further, it wins.

    Args:
        motion: any rate of 24 Hz or more; widened and tightened lids give way to a blink, so that it is full;
            other channels stay as they are.
        seed: any whole number; another seed gives other moments.
        strength: how far the lids close, 0..1.
        whole_only: leave out a blink that the first or the last row cuts: where the values are held beyond
            the motion, the eyes would stay closed there.
        cues: moments to blink at, known to `KNOWN_S` before and after the motion, and the rate.
    """
    columns = [motion.channels.index(channel) for channel in BLINK if channel in motion.channels]
    if not columns or len(motion.values) == 0:
        return motion
    values = motion.values.copy()
    closure = _closure(motion.times_s, seed, whole_only, cues or BlinkCues()) * np.float32(strength)
    values[:, columns] = np.maximum(values[:, columns], closure[:, None])
    for names, share in _GIVE_WAY:
        lids = [motion.channels.index(channel) for channel in names if channel in motion.channels]
        values[:, lids] *= 1.0 - np.float32(share) * closure[:, None]
    return replace(motion, values=values)


def blink_seed(path: str | os.PathLike[str], seed: int) -> int:
    """A seed for one file: the lines of a batch must not all blink at the same moments."""
    name = unicodedata.normalize("NFC", Path(path).name)  # macOS hands out names in another form
    return seed + zlib.crc32(name.encode("utf-8", "surrogateescape"))


def check_eyes(blink_strength: float, eyelid_offset: float) -> None:
    """Refuse what `add_blinks` and `set_lids` cannot use.

    Raises:
        UsageError: a strength outside 0..1 or an offset outside -1..1.
    """
    if not 0.0 <= blink_strength <= 1.0:
        raise UsageError(f"{blink_strength:g} cannot be the strength of blinks", "Choose 0 to 1")
    if not -1.0 <= eyelid_offset <= 1.0:
        raise UsageError(f"{eyelid_offset:g} cannot be the eyelid offset", "Choose -1 to 1")


def set_lids(motion: FaceMotion, offset: float) -> FaceMotion:
    """Open the eyes wider (offset above 0, up to 1) or let the lids hang (below 0, down to -1).

    What is left of the way to a closed eye is shared: a full blink stays a full blink.
    """
    values = motion.values.copy()
    for blink, wide in zip(BLINK, WIDE, strict=True):
        if blink not in motion.channels:
            continue
        closed = values[:, motion.channels.index(blink)]
        still_open = np.clip(1.0 - closed, 0.0, 1.0)
        if offset < 0.0:
            closed += np.float32(-offset) * still_open
        elif wide in motion.channels:
            opened = values[:, motion.channels.index(wide)]
            np.clip(opened + np.float32(offset) * still_open, 0.0, 1.0, out=opened)
    return replace(motion, values=values)


def blink_times(start_s: float, end_s: float, seed: int, cues: BlinkCues | None = None) -> Array:
    """float64 [N], the times in seconds within [start_s, end_s] at which the lids start to close."""
    onset = _blinks(start_s, end_s, seed, cues or BlinkCues())[0]
    return onset[(onset >= start_s) & (onset <= end_s)]


def _closure(times_s: Array, seed: int, whole_only: bool, cues: BlinkCues) -> FloatArray:
    """Float32 [T], 0 open .. 1 closed, at ascending times in seconds."""
    onset, closing, opening = _blinks(float(times_s[0]), float(times_s[-1]), seed, cues)
    if whole_only:
        ends = onset + closing + _CLOSED_S + opening
        whole = (onset >= times_s[0]) & (ends <= times_s[-1])
        onset, closing, opening = onset[whole], closing[whole], opening[whole]
    if not len(onset):
        return np.zeros(len(times_s), np.float32)
    which = np.searchsorted(onset, times_s, side="right") - 1
    since = np.where(which >= 0, times_s - onset[which], np.inf)
    down = ease(since / closing[which])
    up = ease((since - closing[which] - _CLOSED_S) / opening[which])
    closure: FloatArray = (down * (1.0 - up)).astype(np.float32)
    return closure


def _blinks(start_s: float, end_s: float, seed: int, cues: BlinkCues) -> tuple[Array, Array, Array]:
    """Start, closing and opening time in seconds of each blink of the spans that hold [start_s, end_s]."""
    beside = 1 if len(cues.moments_s) else 0  # how far a blink is moved depends on the blinks beside it
    first, last = int(start_s // _EPOCH_S) - beside, int(end_s // _EPOCH_S) + beside
    spans = [_epoch(seed, epoch, cues.most) for epoch in range(first, last + 1)]
    onset, closing, opening, chance = np.concatenate(spans, axis=1)
    kept = chance < cues.share(onset)
    return _moved(onset[kept], cues.moments_s), closing[kept], opening[kept]


def _moved(onset: Array, moments_s: Array) -> Array:
    """[N] blinks at the nearest moment within reach; no two come closer than `PAUSE_MIN_S`."""
    if not len(moments_s) or not len(onset):
        return onset
    slack = np.clip((np.diff(onset) - PAUSE_MIN_S) / 2, 0.0, MOMENT_REACH_S)
    before, after = np.append(0.0, slack), np.append(slack, 0.0)
    at = np.searchsorted(moments_s, onset)
    later = moments_s[np.minimum(at, len(moments_s) - 1)] - onset
    earlier = moments_s[np.maximum(at - 1, 0)] - onset
    later = np.where((later >= 0.0) & (later <= after), later, np.inf)
    earlier = np.where((earlier <= 0.0) & (earlier >= -before), earlier, -np.inf)
    way = np.where(later <= -earlier, later, earlier)
    return np.asarray(onset + np.where(np.isfinite(way), way, 0.0))


@lru_cache(maxsize=16)
def _epoch(seed: int, epoch: int, rate: float) -> Array:
    """float64 [4, N]: start, closing time, opening time and chance of each blink wholly within one span.

    Only `random()` is drawn: numpy keeps its stream from version to version, those of its distributions not.
    """
    key = [seed % 2**64, epoch % 2**64]
    draw = np.random.Generator(np.random.PCG64(key)).random((6, _DRAWS))
    scale_s = max(0.0, (PAUSE_MIN_S + 2.0 * _PAUSE_SCALE_S) / rate - PAUSE_MIN_S) / 2
    interval = PAUSE_MIN_S - scale_s * np.log((1.0 - draw[0]) * (1.0 - draw[1]))
    since = np.cumsum(interval) - interval[0] * draw[4, 0]  # a span begins anywhere in an interval
    closing = _CLOSING_S[0] + (_CLOSING_S[1] - _CLOSING_S[0]) * draw[2]
    opening = _OPENING_S[0] + (_OPENING_S[1] - _OPENING_S[0]) * draw[3]
    blinks: Array = np.stack([epoch * _EPOCH_S + since, closing, opening, draw[5]])
    return blinks[:, since < _EPOCH_S - PAUSE_MIN_S]
