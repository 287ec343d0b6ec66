"""Guarantees of the mouth, kept after the model: lips that meet on p, b and m, a lip at the teeth on f and v,
a mouth that is still in silence.

Everything is measured on the linear lip model of `lip_basis`, at the rows of the motion: where rows are the
frames of the scene, the lips meet on a frame. A contact fades in and out over `RAMP_S`, so nothing pops, and
a row further away than that is not touched. Streamed: a row leaves when all that can change it is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from .channels import JAW, LIPS
from .lip_basis import CHANNELS_MM, lip_curves
from .visemes import VISEMES, Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from .types import FaceMotion, FloatArray

RAMP_S: Final = 0.07
"""Time in which a contact is made, and in which it is left."""
STILL_FROM_S: Final = 0.3
"""Silences that last at least this long are still."""
PRESSED_MM: Final = -0.1
"""Aperture of lips that meet: a little below 0, so that rounding in a file does not part them."""
TEETH_GAP_MM: Final = 2.5
"""Largest aperture with the lip at the teeth: the upper lip gives way, in films by 2 to 6 mm (GRID)."""
TEETH_JAW: Final = 0.08
TEETH_POSE: Final = {
    "mouthRollLower": 0.3,
    "mouthShrugLower": 0.4,
    "mouthUpperUpLeft": 0.3,
    "mouthUpperUpRight": 0.3,
}
"""What a lip at the teeth has at least, and `TEETH_JAW` how far the jaw is open at most."""

_SIL, _PP, _FF = (VISEMES.index(name) for name in ("sil", "PP", "FF"))
_SETTLE_S = 0.15  # at both ends of a silence: the mouth comes to rest, and opens ahead of the next sound
_TRIM_S, _POSE_S = 0.1, 0.6  # the still pose is the mean of this part of the silence
_EDGE_S = 0.04  # of a long contact, in which the lips are on their way
_CENTRE_MM_PER_S = 5.0  # between equally narrow rows the one nearest to the middle of the sound is taken
_TOUCH_S = 1e-6
_CLOSERS = ("mouthRollLower", "mouthPressLeft", "mouthPressRight")


@dataclass(frozen=True)
class Guarantees:
    """What is to hold of the motion."""

    lips_meet: bool = False
    """On every PP (p, b, m) the lips meet in at least one row."""
    lip_to_teeth: bool = False
    """On every FF (f, v) the lower lip reaches the upper teeth in at least one row."""
    still_in_silence: bool = False
    """The mouth does not move in silences of `STILL_FROM_S` and more."""
    hold_s: float = 0.0
    """Seconds that a contact lasts at least: one frame's time where the rows are not the frames shown."""

    def __bool__(self) -> bool:
        return self.lips_meet or self.lip_to_teeth or self.still_in_silence


class SegmentFeed:
    """Segments in their order as they become known, between who hears them and who keeps the guarantees.

    Args:
        shift_s: seconds by which the motion is later than the sound that the segments are about.
    """

    def __init__(self, shift_s: float = 0.0) -> None:
        self._shift_s = shift_s
        self.waiting: list[Segment] = []
        self.known_until_s = -np.inf
        """Up to here nothing more will come, on the clock of the motion."""

    def add(self, segments: Iterable[Segment], known_until_s: float) -> None:
        """Add what is new, on the clock of the sound; `known_until_s` is infinite after the last one."""
        for new in segments:
            shifted = new._replace(start_s=new.start_s + self._shift_s, end_s=new.end_s + self._shift_s)
            self.waiting.append(shifted)
        self.known_until_s = known_until_s + self._shift_s


def keep_guarantees(
    pieces: Iterable[FaceMotion], feed: SegmentFeed, guarantees: Guarantees
) -> Iterator[FaceMotion]:
    """The consecutive pieces of one motion with the guarantees kept, in consecutive pieces.

    Args:
        pieces: motion with the ARKit mouth channels (those of `lip_basis.CHANNELS_MM`), in 0..1.
        feed: read as far as it goes after every piece; it must be complete when the pieces end.
        guarantees: which of them.

    Raises:
        ValueError: a mouth channel is missing.
    """
    keeper = _Keeper(feed, guarantees)
    last = None
    for piece in pieces:
        last = piece
        if len(piece.values):
            yield keeper.feed(piece)
    if keeper.started:
        yield keeper.finish()
    elif last is not None:
        yield last


@dataclass(frozen=True)
class _Contact:
    kind: int
    start_s: float
    end_s: float


@dataclass
class _Silence:
    start_s: float
    end_s: float
    pose: FloatArray | None = None


class _Keeper:
    def __init__(self, feed: SegmentFeed, guarantees: Guarantees) -> None:
        self._feed, self._guarantees = feed, guarantees
        self._kinds = [_PP] * guarantees.lips_meet + [_FF] * guarantees.lip_to_teeth
        self._like: FaceMotion | None = None
        self._held: FloatArray = np.zeros((0, 0), np.float32)
        self._first_row = 0  # number of the first row in `_held`; rows before it have left
        self._contacts: list[_Contact] = []
        self._silences: list[_Silence] = []

    @property
    def started(self) -> bool:
        return self._like is not None

    def feed(self, piece: FaceMotion) -> FaceMotion:
        if self._like is None:
            self._like, self._held = piece, piece.values
            missing = [name for name in CHANNELS_MM if name not in piece.channels]
            if missing:
                raise ValueError(f"the motion has no channel {missing[0]}")
        else:
            self._held = np.concatenate([self._held, piece.values])
        return self._leave(ended=False)

    def finish(self) -> FaceMotion:
        return self._leave(ended=True)

    def _leave(self, *, ended: bool) -> FaceMotion:
        like = self._like
        assert like is not None
        reach_s = np.inf if ended else self._time_s(self._first_row + len(self._held) - 1)
        known_s = self._take_segments(reach_s)
        step_s = 1.0 / like.rate_hz
        ahead_s = RAMP_S + step_s + self._guarantees.hold_s
        if self._guarantees.still_in_silence:
            ahead_s = max(ahead_s, _TRIM_S + _POSE_S + step_s)
        times_s = self._times_s()
        ready = len(times_s) if ended else int(np.searchsorted(times_s, min(known_s, reach_s) - ahead_s))
        values, start_s = self._kept(times_s[:ready]), self._time_s(self._first_row)
        self._held, self._first_row = self._held[ready:], self._first_row + ready
        self._forget(self._time_s(self._first_row))
        return replace(like, values=values, start_s=start_s)

    def _time_s(self, row: int) -> float:
        assert self._like is not None
        return self._like.start_s + row / self._like.rate_hz

    def _times_s(self) -> NDArray[np.float64]:
        assert self._like is not None
        rows = self._first_row + np.arange(len(self._held))
        return self._like.start_s + rows / self._like.rate_hz

    def _take_segments(self, reach_s: float) -> float:
        """Turn the segments whose rows are all here into contacts; returns up to where all are."""
        assert self._like is not None
        waiting, taken = self._feed.waiting, 0
        for segment in waiting:
            if segment.end_s + 1.0 / self._like.rate_hz > reach_s:
                break
            if segment.viseme in self._kinds:
                self._contacts += self._contact(segment)
            if segment.viseme == _SIL and self._guarantees.still_in_silence:
                self._add_silence(segment)
            taken += 1
        known_s = waiting[taken].start_s if taken < len(waiting) else self._feed.known_until_s
        del waiting[:taken]
        return min(known_s, self._feed.known_until_s)

    def _contact(self, segment: Segment) -> list[_Contact]:
        """Where the contact is full: the narrowest row of the sound, and the inside of a long sound.

        A sound shorter than a row has the row nearest to it; one outside the motion has none.
        """
        assert self._like is not None
        times_s = self._times_s()
        centre_s = (segment.start_s + segment.end_s) / 2
        inside = np.flatnonzero((times_s >= segment.start_s) & (times_s <= segment.end_s))
        if len(inside):
            apart_mm, _ = lip_curves(self._held[inside], self._like.channels)
            far_s = np.abs(times_s[inside] - centre_s)
            at = inside[np.argmin(np.maximum(apart_mm, 0.0) + _CENTRE_MM_PER_S * far_s)]
        else:
            at = np.argmin(np.abs(times_s - centre_s))
            if abs(times_s[at] - centre_s) > 1.0 / self._like.rate_hz:
                return []
        at_s, half_s = float(times_s[at]), self._guarantees.hold_s / 2
        start_s, end_s = at_s - half_s, at_s + half_s
        if segment.end_s - segment.start_s > 2 * _EDGE_S:
            start_s, end_s = min(start_s, segment.start_s + _EDGE_S), max(end_s, segment.end_s - _EDGE_S)
        return [_Contact(segment.viseme, start_s, end_s)]

    def _add_silence(self, segment: Segment) -> None:
        if self._silences and segment.start_s - self._silences[-1].end_s <= _TOUCH_S:
            self._silences[-1].end_s = segment.end_s
        else:
            self._silences.append(_Silence(segment.start_s, segment.end_s))

    def _forget(self, now_s: float) -> None:
        self._contacts = [c for c in self._contacts if c.end_s + RAMP_S >= now_s]
        last = self._silences[-1:]  # it may still grow
        self._silences = [s for s in self._silences[:-1] if s.end_s >= now_s] + last

    def _kept(self, times_s: NDArray[np.float64]) -> FloatArray:
        """float32 [R, C]: the first rows of `_held` as they leave."""
        assert self._like is not None
        values = self._held[: len(times_s)].copy()
        if not len(values):
            return values
        for silence in self._silences:
            self._still(values, times_s, silence)
        channels = self._like.channels
        teeth, lips = (_strength(times_s, self._contacts, kind) for kind in (_FF, _PP))
        if (rows := teeth > 0.0).any():
            values[rows] = _lip_at_teeth(values[rows], channels, teeth[rows])
        if (rows := lips > 0.0).any():
            values[rows] = _closed(values[rows], channels, lips[rows], PRESSED_MM)
        return values

    def _still(self, values: FloatArray, times_s: NDArray[np.float64], silence: _Silence) -> None:
        """Hold the mouth inside one silence, in place."""
        assert self._like is not None
        start_s, end_s = silence.start_s, silence.end_s
        if end_s - start_s < STILL_FROM_S or times_s[-1] < start_s or times_s[0] > end_s:
            return
        mouth = [i for i, name in enumerate(self._like.channels) if name in JAW or name in LIPS]
        if silence.pose is None:
            held_s = self._times_s()
            rest = (held_s >= start_s + _TRIM_S) & (held_s <= min(end_s - _TRIM_S, start_s + _POSE_S))
            rest[np.argmin(np.abs(held_s - start_s - STILL_FROM_S / 2))] = (
                True  # at low rates none may lie in
            )
            silence.pose = self._held[rest][:, mouth].mean(axis=0)
        share = _smooth(np.minimum(times_s - start_s, end_s - times_s) / _SETTLE_S)[:, None]
        values[:, mouth] += share * (silence.pose - values[:, mouth])


def _smooth(share: NDArray[np.float64]) -> FloatArray:
    """0 below 0, 1 above 1, without a corner between."""
    share = np.clip(share, 0.0, 1.0)
    curve: FloatArray = (share * share * (3.0 - 2.0 * share)).astype(np.float32)
    return curve


def _strength(times_s: NDArray[np.float64], contacts: Sequence[_Contact], kind: int) -> FloatArray:
    """float32 [R] in 0..1: how far the nearest contact of a kind is made."""
    strength = np.zeros(len(times_s), np.float32)
    for contact in contacts:
        if contact.kind == kind:
            away_s = np.maximum(contact.start_s - times_s, times_s - contact.end_s)
            np.maximum(strength, _smooth(1.0 - away_s / RAMP_S), out=strength)
    return strength


def _lip_at_teeth(values: FloatArray, channels: Sequence[str], strength: FloatArray) -> FloatArray:
    """The lower lip under the upper teeth, as far as `strength` [R] says; float32 [R, C] -> the same."""
    values = values.copy()

    def move(name: str, goal: Callable[[FloatArray], FloatArray]) -> None:
        column = values[:, channels.index(name)]
        column += strength * (goal(column) - column)

    move("jawOpen", lambda jaw: np.minimum(jaw, np.float32(TEETH_JAW)))
    for name, least in TEETH_POSE.items():
        move(name, lambda weight, least=least: np.maximum(weight, np.float32(least)))  # type: ignore[misc]
    for name in ("mouthClose", "mouthLowerDownLeft", "mouthLowerDownRight"):
        move(name, np.zeros_like)
    return _closed(values, channels, strength, TEETH_GAP_MM)


def _closed(values: FloatArray, channels: Sequence[str], strength: FloatArray, goal_mm: float) -> FloatArray:
    """Bring lips that are further apart than `goal_mm` to it, as far as `strength` [R] says.

    First `mouthClose` up to `jawOpen` (above it the lips would cross); then what opens the lips beside the
    jaw goes back in proportion; what is left, less than the gap of the face at rest, the lips press away.
    Lowering the jaw under a `mouthClose` of its size would not help: the two together close.
    """
    values = values.copy()
    column = channels.index
    apart_mm, _ = lip_curves(values, channels)
    need_mm = np.maximum(apart_mm - np.float32(goal_mm), 0.0) * strength
    close_mm, close = -CHANNELS_MM["mouthClose"][0], column("mouthClose")
    most = np.maximum(values[:, close], values[:, column("jawOpen")])
    moved = np.minimum(values[:, close] + need_mm / np.float32(close_mm), most)
    need_mm = need_mm - (moved - values[:, close]) * np.float32(close_mm)
    values[:, close] = moved
    openers = [column(name) for name, (mm, _) in CHANNELS_MM.items() if mm > 0.0 and name != "jawOpen"]
    each_mm = np.array([CHANNELS_MM[channels[i]][0] for i in openers], np.float32)
    opened_mm = values[:, openers] @ each_mm
    share = np.minimum(need_mm / np.maximum(opened_mm, 1e-6), 1.0)
    values[:, openers] *= 1.0 - share[:, None]
    need_mm = np.maximum(need_mm - share * opened_mm, 0.0)
    pressing_mm = -sum(CHANNELS_MM[name][0] for name in _CLOSERS)
    for name in _CLOSERS:
        values[:, column(name)] = np.minimum(values[:, column(name)] + need_mm / np.float32(pressing_mm), 1.0)
    return values
