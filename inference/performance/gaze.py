"""Where the eyes look: fixations and the saccades between them, as of someone who speaks to a listener.

How long people look at a listener and away while they speak, and how far and where to their saccades go, is
from Lee, Badler and Badler, "Eyes Alive", SIGGRAPH 2002. Speakers look away as a phrase begins and back as it
ends (Kendon 1967; Andrist, Mutlu and Gleicher 2013). Between, the eyes hop between the eyes and the mouth of
the listener.

Angles are yaw and pitch in radians from straight ahead of the head at rest: yaw > 0 to the subject's left,
pitch > 0 up. The stream is fed blocks of one sound in order and draws its numbers in the order of time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..instruction.values import ACTION_NAMES
from .ease import ease

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..types import FloatArray

    Array = NDArray[np.float64]

AHEAD_S: Final = 1.0
"""Phrases must be known so far beyond the block that is fed."""
SHIFT_RAD: Final = 0.1
"""A saccade of this size or more is a gaze shift, at which people tend to blink."""
_TOWARDS_S: Final = 3.13
"""Mean time of looking at the listener while speaking (93.9 frames at 30 a second), and away (27.8)."""
_AWAY_S: Final = 0.93
_LONGEST_AWAY_S: Final = 1.6
_LISTENING_S: Final = 7.9
"""The first in silence (237.5 frames)."""
_MEAN_RAD: Final = np.radians(6.9)
"""Saccade sizes fall off exponentially: frequency in percent is 15.7 exp(-size / 6.9 degrees)."""
_LEAST_RAD, _MOST_RAD = np.radians(4.0), np.radians(16.0)
_WAYS = np.radians([0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0])
_SHARES = np.cumsum([15.54, 6.46, 17.69, 7.44, 16.80, 7.89, 20.38, 7.80])
"""Share in percent of the directions of saccades: right, up and right, up, and so on around."""
_SACCADE_S, _SACCADE_S_PER_RAD = 0.025, 0.0024 / np.radians(1.0)
_SACCADE_MOST_S: Final = 0.1
"""Main sequence: a saccade takes 25 ms and 2.4 ms for every degree."""
_FACE = np.radians([(1.4, 0.0), (-1.4, 0.0), (0.0, -2.8)])
"""Eyes and mouth of a listener at 1.3 m, seen from between his eyes."""
_JITTER_RAD: Final = np.radians(0.3)
_FIXATION_S: Final = (0.3, 0.9)
_ASIDE_RAD: Final = (0.42, 0.3)
"""Yaw and pitch that the actions gaze_side and gaze_height ask for at 1."""
_STRAY_RAD: Final = np.radians(3.0)
"""As far as the eyes may be off what an instruction asks for before they jump there."""
_AVERTS, _RETURNS = 0.6, 0.85
"""Share of phrases at whose start the eyes turn away, and at whose end they are back."""
_SETTLED_S: Final = 1.2
"""At the start of a sound the eyes are on the listener so long."""
_LED_AVERTS, _LED_TOWARDS = 0.3, 3.0
"""Factors on looking away from a target, and on the time of looking at it."""
_TURN: Final = 2.0 * np.pi
_SALT: Final = 0x6A7E

_SIDE, _HEIGHT, _DART = (ACTION_NAMES.index(name) for name in ("gaze_side", "gaze_height", "gaze_motion"))


class GazeStream:
    """The eyes over one sound.

    Args:
        seed: any whole number.
        wander: factor on how often and how far the eyes leave the listener; 1 as people do on average.
        is_led: the eyes follow a target, which they leave less than a listener.
    """

    def __init__(self, seed: int, wander: float = 1.0, *, is_led: bool = False) -> None:
        self._random = np.random.Generator(np.random.PCG64([seed % 2**64, _SALT]))
        self._wander, self._is_led = wander, is_led
        self._shifts: list[tuple[float, ...]] = []
        """Start in s; yaw and pitch of wandering and of what the instruction asks for, from then on."""
        self._next_s = self._away_until_s = self._turn_s = -np.inf

    def feed(
        self, times_s: Array, onsets_s: Array, ends_s: Array, actions: FloatArray, lively: Array
    ) -> Array:
        """The next block.

        Args:
            times_s: [T] evenly spaced, following those of the last block without a gap.
            onsets_s, ends_s: of phrases, from the first time to `AHEAD_S` beyond the last one at least.
            actions: float32 [T, A], see `InstructionTrack.at`.
            lively: [T], factor on how restless the eyes are.

        Returns:
            [T, 4] yaw and pitch that the instruction asks for, yaw and pitch of wandering about it.
        """
        wanted = np.column_stack([actions[:, _SIDE] * _ASIDE_RAD[0], actions[:, _HEIGHT] * _ASIDE_RAD[1]])
        pace = self._wander * lively * 2.0 ** actions[:, _DART].astype(np.float64)
        block = _Block(times_s, wanted, np.maximum(pace, 0.1), onsets_s, ends_s)
        if not self._shifts:
            self._shifts.append((times_s[0] - 1.0, 0.0, 0.0, *wanted[0]))
            self._next_s, self._turn_s = float(times_s[0]) + 0.3, float(times_s[0]) + _SETTLED_S
        for at_s, away_s in self._asked(block):
            self._run(block, at_s - _SACCADE_MOST_S)
            if away_s:
                self._look_away(block, at_s, away_s)
            else:
                self._look_back(block, at_s, anew=True)
        self._run(block, np.inf)
        gaze = _sampled(np.array(self._shifts), times_s)
        self._shifts = self._shifts[-2:]
        return gaze

    def _asked(self, block: _Block) -> list[tuple[float, float]]:
        """(time, seconds to look away or 0 to look back) that the phrases ask for within the block."""
        first_s, last_s = block.times_s[0] + AHEAD_S / 2, block.end_s + AHEAD_S / 2
        found = []
        for onset_s in block.onsets_s[(block.onsets_s >= first_s) & (block.onsets_s < last_s)]:
            chance, lead, length = self._random.random(3)
            share = _AVERTS * min(1.4, block.pace_at(onset_s)) * (_LED_AVERTS if self._is_led else 1.0)
            if chance < share:
                found.append((float(onset_s) - 0.1 - 0.35 * lead, 0.6 + 1.2 * length))
        for end_s in block.phrase_ends_s[(block.phrase_ends_s >= first_s) & (block.phrase_ends_s < last_s)]:
            chance, lead = self._random.random(2)
            if chance < _RETURNS:
                found.append((float(end_s) - 0.05 - 0.4 * lead, 0.0))
        return sorted(found)

    def _run(self, block: _Block, until_s: float) -> None:
        """What the eyes do of themselves up to a time, or to the end of the block."""
        end_s = min(until_s, block.end_s)
        while (at_s := min(self._next_s, self._strays(block))) < end_s:
            if at_s < self._away_until_s:
                _, yaw, pitch, *_ = self._shifts[-1]
                size, way = self._random.random(2)
                step = _JITTER_RAD * (1.0 + 4.0 * size)
                self._shift(block, at_s, yaw + step * np.cos(_TURN * way), pitch + step * np.sin(_TURN * way))
            elif at_s >= self._turn_s and self._away_until_s == -np.inf:
                length_s = -np.log(1.0 - self._random.random()) * _AWAY_S
                self._look_away(block, at_s, 0.3 + min(length_s, _LONGEST_AWAY_S))
            else:
                self._look_back(block, at_s, anew=self._away_until_s > -np.inf)

    def _strays(self, block: _Block) -> float:
        """When the instruction asks for another direction than the eyes have."""
        since_s, *_, yaw, pitch = self._shifts[-1]
        if block.is_steady and np.allclose(block.wanted[0], (yaw, pitch)):
            return np.inf
        off = np.abs(block.wanted - (yaw, pitch)).max(axis=1) > _STRAY_RAD
        rows = np.flatnonzero(off & (block.times_s > since_s + 0.2))
        return float(block.times_s[rows[0]]) if len(rows) else np.inf

    def _look_away(self, block: _Block, at_s: float, length_s: float) -> None:
        size, way = self._random.random(2)
        away = min(_LEAST_RAD - _MEAN_RAD * np.log(1.0 - size), _MOST_RAD)
        angle = _WAYS[np.searchsorted(_SHARES, way * _SHARES[-1])]
        self._away_until_s = at_s + length_s
        self._shift(block, at_s, -away * np.cos(angle), 0.8 * away * np.sin(angle))

    def _look_back(self, block: _Block, at_s: float, *, anew: bool) -> None:
        if anew:
            mean_s = _TOWARDS_S if block.speaks(at_s) else _LISTENING_S
            mean_s *= _LED_TOWARDS if self._is_led else 1.0
            draw = self._random.random(2)
            length_s = -0.5 * mean_s * np.log((1.0 - draw[0]) * (1.0 - draw[1]))
            self._turn_s = at_s + 0.6 + length_s / block.pace_at(at_s)
            self._away_until_s = -np.inf
        which, *jitter = self._random.random(3)
        spot = _FACE[int(which * 2.5)] + _JITTER_RAD * (2.0 * np.array(jitter) - 1.0)
        self._shift(block, at_s, *spot)

    def _shift(self, block: _Block, at_s: float, yaw: float, pitch: float) -> None:
        asked = block.wanted[block.row(at_s + 0.1)]
        self._shifts.append((at_s, float(yaw), float(pitch), float(asked[0]), float(asked[1])))
        low, high = _FIXATION_S
        self._next_s = at_s + (low + (high - low) * self._random.random()) / block.pace_at(at_s) ** 0.5


class _Block:
    """What a block of time tells the eyes."""

    def __init__(self, times_s: Array, wanted: Array, pace: Array, onsets_s: Array, ends_s: Array) -> None:
        self.times_s, self.wanted, self._pace = times_s, wanted, pace
        self.onsets_s, self.phrase_ends_s = onsets_s, ends_s
        step_s = times_s[1] - times_s[0] if len(times_s) > 1 else 0.0
        self.end_s = float(times_s[-1] + step_s / 2)
        self.is_steady = bool((wanted == wanted[0]).all())

    def row(self, at_s: float) -> int:
        return min(int(np.searchsorted(self.times_s, at_s)), len(self.times_s) - 1)

    def pace_at(self, at_s: float) -> float:
        return float(self._pace[self.row(at_s)])

    def speaks(self, at_s: float) -> bool:
        """Whether the last thing that happened before a time is that a phrase began."""
        began, ended = self.onsets_s[self.onsets_s <= at_s], self.phrase_ends_s[self.phrase_ends_s <= at_s]
        return len(began) > 0 and (len(ended) == 0 or bool(began[-1] > ended[-1]))


def gaze_shifts_s(gaze: Array, times_s: Array) -> Array:
    """[N] seconds at which the eyes of `GazeStream.feed` jump by `SHIFT_RAD` or more."""
    moved = np.abs(np.diff(gaze[:, :2] + gaze[:, 2:], axis=0)).max(axis=1, initial=0.0)
    rows = np.flatnonzero(moved > SHIFT_RAD / 3)
    return np.asarray(times_s[rows[np.diff(rows, prepend=-9) > 4]])


def _sampled(shifts: Array, times_s: Array) -> Array:
    """Shifts [N, 5] -> [T, 4]: where the eyes are, asked for and wandering."""
    places = shifts[:, [3, 4, 1, 2]]
    to = np.maximum(np.searchsorted(shifts[:, 0], times_s, side="right") - 1, 0)
    origin = places[np.maximum(to - 1, 0)]
    way = places[to] - origin
    size = np.hypot(way[:, 0] + way[:, 2], way[:, 1] + way[:, 3])
    lasts_s = np.minimum(_SACCADE_S + _SACCADE_S_PER_RAD * size, _SACCADE_MOST_S)
    return np.asarray(origin + ease((times_s - shifts[to, 0]) / lasts_s)[:, None] * way)
