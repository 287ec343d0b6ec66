"""How a line is to be performed: everything that a take is made again from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from ..errors import UsageError
from ..instruction.values import NEUTRAL, InstructionTrack

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTS: Final[tuple[str, ...]] = ("face", "head", "eyes")
"""What is drawn on its own: expression and brows; head; gaze and blinks."""


@dataclass(frozen=True)
class Draw:
    """Seeds of the parts; the same numbers give the same performance of the same sound and instruction."""

    face: int = 0
    head: int = 0
    eyes: int = 0

    @staticmethod
    def of(seed: int) -> Draw:
        """One seed for all parts."""
        return Draw(seed, seed, seed)


@dataclass(frozen=True)
class Gaze:
    """Where the eyes are led: `yaw` > 0 to the subject's left, `pitch` > 0 up, radians from straight ahead
    of the head at rest, at `times_s` seconds of the sound, linear between them."""

    times_s: tuple[float, ...]
    yaw: tuple[float, ...]
    pitch: tuple[float, ...]


Timed = TypeVar("Timed", InstructionTrack, Gaze)


@dataclass(frozen=True)
class Direction:
    """What an animator asks of a performance. Strengths: 0 is off, 1 is as in people, 2 the most."""

    track: InstructionTrack = NEUTRAL
    draw: Draw = field(default_factory=Draw)
    emotion: float = 1.0
    """Strength of the instruction on the face."""
    head: float = 1.0
    """Strength of head motion; 0 keeps the head still."""
    gaze: float = 1.0
    """Strength of saccades and wandering; the eyes follow a target all the same."""
    accents: float = 1.0
    """Strength of brows on stress and questions."""
    breath: float = 1.0
    """Strength of breathing in pauses."""
    target: Gaze | None = None
    head_track: InstructionTrack | None = None
    """What head and neck were drawn for, where they come from another take than the face; None: `track`."""
    eyes_track: InstructionTrack | None = None
    """The same for gaze and blinks."""

    def track_of(self, part: str) -> InstructionTrack:
        """The instruction that one of `PARTS` is drawn for."""
        own = {"head": self.head_track, "eyes": self.eyes_track}.get(part)
        return self.track if own is None else own

    def shifted(self, by_s: float) -> Direction:
        """The same on a clock that is `by_s` seconds ahead."""
        tracks = {
            name: later(track, by_s)
            for name in ("track", "head_track", "eyes_track", "target")
            if (track := getattr(self, name)) is not None
        }
        return replace(self, **tracks)

    def __post_init__(self) -> None:
        for name in ("emotion", "head", "gaze", "accents", "breath"):
            value = getattr(self, name)
            if not 0.0 <= value <= 2.0:
                raise UsageError(f"{value:g} cannot be the strength of {name}", "Choose 0 to 2")


def later(timed: Timed, by_s: float) -> Timed:
    """A track or a gaze on a clock that is `by_s` seconds ahead.

    What says one thing all the time is the same on every clock and stays the same object.
    """
    if len(timed.times_s) == 1:
        return timed
    return replace(timed, times_s=tuple(t + by_s for t in timed.times_s))


def versions(cards: Mapping[str, str]) -> str:
    """What a take notes beside its seeds, e.g. "head 1.0.0, style 1.0.0": the models it was made with."""
    return ", ".join(f"{name} {version}" for name, version in sorted(cards.items()))
