"""One take of a performance: its styles, drawn from the seeds, and what they make of a block of speech."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from ..channels import ARKIT_52
from ..instruction.values import ACTION_NAMES, EMOTIONS
from .blinks import BlinkCues
from .breath import CHANNELS as BREATH
from .breath import PITCH_RAD, breaths
from .brows import LOWERS, RAISES, accents
from .combine import REACH_S as COMBINE_REACH_S
from .combine import combine
from .emotions import emotions
from .expression import REACH_S as EXPRESSION_REACH_S
from .expression import expression
from .eyes import LID_DOWN, LID_UP, LOOKS, aimed_at, head_towards, in_sockets, look_weights
from .gaze import GazeStream, gaze_shifts_s
from .head import HeadStream
from .style import Style, draw_style, instruction_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ..instruction.values import InstructionTrack
    from ..motion import Spoken
    from ..session import Graph
    from ..types import FloatArray
    from .direction import Direction
    from .events import Events
    from .head import HeadModel

    Array = NDArray[np.float64]

_RATE_HZ: Final = 50
_PANTS: Final = 1.5
"""By how much breaths are deeper when out of breath."""
_PERSON_BLINKS: Final = (0.8, 1.3)
"""Factor on the blink rate by which people differ: 12 to 20 a minute."""
_BLINKING = ACTION_NAMES.index("blinking")
_BREATHLESS = EMOTIONS.index("outofbreath")
_FROWNS = tuple(ARKIT_52.index(name) for name in LOWERS)


class Cast:
    """Plays a direction, block after block of one sound.

    Args:
        direction: what to play.
        head, style: opened weight files.
        head_gain: by how much the head's turns will be stronger in the end.
        start_s: seconds of the sound at its first row.
    """

    def __init__(
        self,
        direction: Direction,
        head: HeadModel,
        style: Graph,
        head_gain: float = 1.0,
        start_s: float = 0.0,
    ) -> None:
        draw = direction.draw

        @cache  # parts that share seed and instruction, as in most takes, are of one person
        def person(track: InstructionTrack, seed: int) -> Style:
            return draw_style(instruction_of(track), seed, style)

        self._direction, self._head_gain = direction, head_gain
        self._face = person(direction.track, draw.face)
        self._eyes = person(direction.track_of("eyes"), draw.eyes)
        self._start_s, self._head = start_s, None
        if direction.head:
            self._head = HeadStream(head, draw.head, person(direction.track_of("head"), draw.head).head)
        self._gaze = GazeStream(draw.eyes, self._eyes.gaze, is_led=direction.target is not None)

    def blinks(self) -> BlinkCues:
        """How often the eyes blink."""
        track = self._direction.track_of("eyes")
        felt, done = track.at(np.array(track.times_s))
        person = np.clip(self._eyes.blinks, *_PERSON_BLINKS)
        rates = person * 2.0 ** done[:, _BLINKING] * _dynamics(felt, "blinks")
        return BlinkCues(times_s=track.times_s, rates=tuple(map(float, rates)))

    def play(
        self, held: Spoken, voice: FloatArray, events: Events, times_s: Array, core: slice
    ) -> tuple[FloatArray, Array]:
        """Rows `core` of speech that is `held` with what is around it.

        Args:
            held: T rows with the channels of `ARKIT_52`.
            voice: float32 [T, 3] prosody.
            events: of these rows.
            times_s: [T] of these rows.

        Returns:
            float32 [core, 55], weights of `ARKIT_52` and radians of `HEAD`; [N] seconds of gaze shifts.
        """
        now_s = times_s[core]
        face = self._expressed(held, voice, times_s, core)
        self._accent(face, events, now_s)
        breath = self._breathe(face, events, now_s)
        head = self._turn(held.visemes[core], voice[core], events, now_s)
        head[:, 0] += PITCH_RAD * breath
        if self._direction.target is not None:
            towards = head_towards(self._direction.target, now_s)
            head[:, :2] += np.column_stack([-towards[:, 1], towards[:, 0]])
        head *= self._direction.head
        shifts_s = self._look(face, events, now_s, head * self._head_gain)
        return np.hstack([face, head]).astype(np.float32), shifts_s

    def _expressed(self, held: Spoken, voice: FloatArray, times_s: Array, core: slice) -> Array:
        """[core, 52] of speech and expression."""
        inner, outer = (
            slice(max(0, core.start - reach), core.stop + reach)
            for reach in (_rows(COMBINE_REACH_S), _rows(COMBINE_REACH_S) + _rows(EXPRESSION_REACH_S))
        )
        direction = self._direction
        wanted = expression(
            direction.track, self._face, times_s[outer], voice[outer], strength=direction.emotion
        )[inner.start - outer.start :]
        speech, visemes = held.motion.values[inner], held.visemes[inner]
        face = combine(speech, wanted[: len(speech)], visemes)
        return face[core.start - inner.start :][: core.stop - core.start].astype(np.float64)

    def _accent(self, face: Array, events: Events, now_s: Array) -> None:
        """Brows that go with the voice, in place."""
        if not self._direction.accents:
            return
        felt, _ = self._direction.track.at(now_s)
        moved = accents(now_s, events.stresses, events.questions, self._direction.draw.face)
        moved *= self._direction.accents * self._face.accents * _dynamics(felt, "accents")
        frown = np.clip(face[:, _FROWNS].mean(axis=1), 0.0, 1.0)
        _add(face, RAISES, moved * (1.0 - frown))
        _add(face, LOWERS, moved * frown)

    def _breathe(self, face: Array, events: Events, now_s: Array) -> Array:
        """[T] how far a breath is seen; the face takes it, in place."""
        felt, _ = self._direction.track.at(now_s)
        seen = breaths(now_s, events.pauses, self._direction.draw.face)
        seen *= self._direction.breath * (1.0 + _PANTS * felt[:, _BREATHLESS])
        _add(face, BREATH, seen)
        return seen

    def _turn(self, visemes: FloatArray, voice: FloatArray, events: Events, now_s: Array) -> Array:
        """[T, 3] radians of the head."""
        if self._head is None:
            return np.zeros((len(now_s), 3))
        _, done = self._direction.track_of("head").at(now_s)
        stresses = events.stresses - np.array([self._start_s, 0.0])
        return self._head.feed(voice, visemes, done, stresses).astype(np.float64)

    def _look(self, face: Array, events: Events, now_s: Array, head: Array) -> Array:
        """Turn the eyes, in place; [N] seconds of gaze shifts."""
        direction = self._direction
        felt, done = direction.track_of("eyes").at(now_s)
        gaze = self._gaze.feed(now_s, events.onsets_s, events.ends_s, done, _dynamics(felt, "gaze"))
        gaze[:, 2:] *= direction.gaze
        looks_at = gaze[:, :2] + gaze[:, 2:]
        if direction.target is not None:
            looks_at += aimed_at(direction.target, now_s)
        eyes = in_sockets(looks_at, head, is_led=direction.target is not None)
        looks = look_weights(eyes)
        for channel, weights in zip(LOOKS, looks.T, strict=True):
            face[:, ARKIT_52.index(channel)] = weights
        up, down = looks[:, LOOKS.index("eyeLookUpLeft")], looks[:, LOOKS.index("eyeLookDownLeft")]
        _add(face, {"eyeBlinkLeft": LID_DOWN, "eyeBlinkRight": LID_DOWN}, down)
        _add(face, {"eyeWideLeft": LID_UP, "eyeWideRight": LID_UP}, up)
        return gaze_shifts_s(gaze, now_s)


def _dynamics(felt: FloatArray, name: str) -> Array:
    """[T] factor of emotions [T, 10] on something that they make livelier or calmer."""
    gains = np.array([emotion.dynamics[name] - 1.0 for emotion in emotions()])
    return np.asarray(np.clip(1.0 + felt @ gains, 0.3, 2.0))


def _add(face: Array, weights: Mapping[str, float], amount: Array) -> None:
    """Add weights times an amount [T] in place, up to 1."""
    for channel, weight in weights.items():
        column = face[:, ARKIT_52.index(channel)]
        np.minimum(column + weight * amount, 1.0, out=column)


def _rows(seconds: float) -> int:
    return int(np.ceil(seconds * _RATE_HZ)) + 1
