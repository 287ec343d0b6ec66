"""The whole performance: speech, expression, head, eyes, brows and breath on one face.

Made in blocks of fixed length from the start of the sound, each with `_AROUND` rows of what is before and
after it: the pieces in which a sound arrives cannot change a value, and memory is bounded. Head and gaze keep
a state from block to block; everything else is a function of time, seeds and what is heard around.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from ..channels import ARKIT_52, HEAD
from ..errors import UsageError
from ..motion import Spoken, all_channels, join
from ..types import FaceMotion
from .blinks import BlinkCues, BlinkFeed
from .cast import Cast
from .direction import versions
from .events import heard_events, voice_of
from .head import load_head_model
from .style import load_style_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from ..session import Graph
    from .direction import Direction
    from .head import HeadModel

    Array = NDArray[np.float64]

RATE_HZ: Final = 50.0
CHANNELS: Final = (*ARKIT_52, *HEAD)
"""What a performance moves."""
_BLOCK: Final = 1000
_AROUND: Final = 200
_AFTER_END_S: Final = 0.08
"""From the end of a phrase to the blink there."""


@dataclass(frozen=True)
class PerformanceModels:
    """The weight files of a performance."""

    head: HeadModel
    style: Graph

    @property
    def versions(self) -> str:
        """What a take notes of them, see `direction.versions`."""
        graphs = {"head": self.head.graph, "style": self.style}
        return versions({name: str(graph.card["version"]) for name, graph in graphs.items()})


@lru_cache(maxsize=1)
def load_performance_models() -> PerformanceModels:
    """The shipped weight files; opened once.

    Raises:
        ModelError: a file is missing or damaged.
    """
    return PerformanceModels(load_head_model(), load_style_model())


@dataclass(frozen=True)
class Performed:
    """A performance and when its eyes blink: see `blinks.add_blinks`."""

    motion: FaceMotion
    blinks: BlinkCues


def perform(
    spoken: Spoken, direction: Direction, models: PerformanceModels, head_gain: float = 1.0
) -> FaceMotion:
    """A line as it is to be performed: before the strengths of `curves.MotionControls`, without blinks.

    Args:
        spoken: at 50 rows a second, with any of the ARKit channels.
        direction: how, in seconds of the sound.
        models: see `load_performance_models`.
        head_gain: by how much the head's turns will be stronger in the end, which the eyes make up for.

    Returns:
        `CHANNELS` in the rows of `spoken`: weights 0..1, and radians of the head.

    Raises:
        UsageError: the motion has not 50 rows a second.
    """
    return perform_line(spoken, direction, models, head_gain).motion


def perform_line(
    spoken: Spoken, direction: Direction, models: PerformanceModels, head_gain: float = 1.0
) -> Performed:
    """`perform` with what the blinks go by."""
    feed = BlinkFeed()
    made = join(perform_pieces([spoken], direction, models, feed, head_gain))
    return Performed(made.motion, feed.cues(-np.inf))


def perform_pieces(
    pieces: Iterable[Spoken],
    direction: Direction,
    models: PerformanceModels,
    feed: BlinkFeed | None = None,
    head_gain: float = 1.0,
) -> Iterator[Spoken]:
    """`perform` for the consecutive pieces of one sound, in consecutive pieces of its own; they leave out the
    addresses of the memory.

    Args:
        feed: told the moments to blink at, more than `blinks.KNOWN_S` before a piece leaves.
    """
    performer: _Performer | None = None
    waiting: list[Spoken] = []  # a block leaves when the moments of the next one are known
    for piece in pieces:
        if performer is None:
            performer = _Performer(piece, direction, models, feed or BlinkFeed(), head_gain)
        for block in performer.feed(piece):
            waiting.append(block)
            if len(waiting) > 1:
                yield waiting.pop(0)
    if performer is not None:
        yield from [*waiting, performer.finish()]


class _Performer:
    def __init__(
        self,
        first: Spoken,
        direction: Direction,
        models: PerformanceModels,
        feed: BlinkFeed,
        head_gain: float,
    ) -> None:
        if first.motion.rate_hz != RATE_HZ:
            raise UsageError(
                f"A performance needs motion at {RATE_HZ:g} rows per second, not {first.motion.rate_hz:g}",
                "Use the shipped speech model, or lips alone",
            )
        self._start_s = first.motion.start_s
        self._cast = Cast(direction, models.head, models.style, head_gain, self._start_s)
        self._feed = feed
        feed.begin(self._cast.blinks())
        self._held: Spoken | None = None
        self._first_row = 0  # number of the first row held
        self._done = 0  # rows that have left

    def feed(self, piece: Spoken) -> Iterator[Spoken]:
        full = _full(piece)
        self._held = full if self._held is None else join([self._held, full])
        while self._first_row + len(self._held.motion.values) >= self._done + _BLOCK + _AROUND:
            yield self._block(self._done + _BLOCK, ends=False)

    def finish(self) -> Spoken:
        assert self._held is not None
        return self._block(self._first_row + len(self._held.motion.values), ends=True)

    def _block(self, stop: int, *, ends: bool) -> Spoken:
        """The rows up to number `stop`, performed."""
        assert self._held is not None
        held = _rows(self._held, 0, stop + _AROUND - self._first_row)
        core = slice(self._done - self._first_row, stop - self._first_row)
        if stop == self._done:
            return replace(
                _rows(held, core.start, core.stop),
                motion=FaceMotion(
                    np.zeros((0, len(CHANNELS)), np.float32),
                    CHANNELS,
                    RATE_HZ,
                    self._start_s + stop / RATE_HZ,
                ),
            )
        times_s = self._start_s + (self._first_row + np.arange(len(held.motion.values))) / RATE_HZ
        voice = voice_of(held.prosody, held.visemes)
        events = heard_events(
            voice, held.visemes, times_s[0], RATE_HZ, begins=self._first_row == 0, ends=ends
        )
        values, shifts_s = self._cast.play(held, voice, events, times_s, core)
        over_s = events.ends_s + _AFTER_END_S
        first_s, last_s = times_s[core.start], times_s[core.stop - 1] + 0.5 / RATE_HZ
        over_s = over_s[(over_s >= first_s) & ((over_s < last_s) | ends)]
        self._feed.add(np.sort(np.concatenate([over_s, shifts_s])))
        made = FaceMotion(values, CHANNELS, RATE_HZ, float(first_s))
        left = replace(_rows(held, core.start, core.stop), motion=made)
        drop = max(0, stop - _AROUND - self._first_row)
        self._held = _rows(self._held, drop, None)
        self._first_row, self._done = self._first_row + drop, stop
        return left


def _full(spoken: Spoken) -> Spoken:
    """With the 52 channels of ARKit in their order, without addresses of the memory."""
    motion = all_channels(spoken.motion, neutral=False)
    return replace(spoken, motion=motion, memory=spoken.memory[:, :0])


def _rows(spoken: Spoken, first: int, stop: int | None) -> Spoken:
    rows = slice(first, stop)
    motion = spoken.motion
    return Spoken(
        replace(motion, values=motion.values[rows], start_s=motion.start_s + first / motion.rate_hz),
        spoken.visemes[rows],
        spoken.memory[rows],
        None if spoken.prosody is None else spoken.prosody[rows],
    )
