"""What one key of a face can do: follow a channel, both sides of one, half of one, the gaze of both eyes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from .channels import ARKIT_52, mirror

_HALVED = 0.85
_LOOKING = 0.85
"""Lids follow the gaze: a key that lowers a lid is rather a blink than a look."""


@dataclass(frozen=True)
class Movement:
    """A movement that a single key makes. A key that makes it has the value `sum of gain * channel`."""

    name: str
    gains: tuple[tuple[str, float], ...]
    """(channel, gain): a key that closes both eyes follows each blink by half."""
    half: str = ""
    """Left or Right where a key moves only this side of a channel that moves both."""
    usual: float = 1.0
    """0..1, how readily a key without a name is taken for this movement."""

    @property
    def claims(self) -> frozenset[tuple[str, str]]:
        """(channel, half of the face) that are taken when a key makes this movement."""
        halves = (self.half,) if self.half else ("Left", "Right")
        return frozenset((channel, half) for channel, _ in self.gains for half in halves)


def mirrored(name: str) -> str:
    """The movement on the other side of the face."""
    base, _, half = name.partition(".")
    swapped = {"eyesLeft": "eyesRight", "eyesRight": "eyesLeft"}.get(base) or mirror(base)
    return f"{swapped}.{mirror(half)}" if half else swapped


@cache
def movements() -> dict[str, Movement]:
    """Every movement by name, single channels first, in a fixed order."""
    found = [
        Movement(channel, ((channel, 1.0),), usual=_LOOKING if channel.startswith("eyeLook") else 1.0)
        for channel in ARKIT_52
    ]
    for channel in ARKIT_52:
        base = channel.removesuffix("Left")
        other = mirror(channel)
        if base == channel and other == channel:
            usual = 0.0 if channel.startswith(("jaw", "tongue")) else _HALVED
            found += [
                Movement(f"{channel}.{side}", ((channel, 1.0),), side, usual) for side in ("Left", "Right")
            ]
        elif base != channel and base not in ("mouth", "jaw", "eyeLookIn", "eyeLookOut"):
            found.append(Movement(base, ((channel, 0.5), (other, 0.5))))
    found.append(Movement("eyesLeft", (("eyeLookOutLeft", 0.5), ("eyeLookInRight", 0.5))))
    found.append(Movement("eyesRight", (("eyeLookInLeft", 0.5), ("eyeLookOutRight", 0.5))))
    return {movement.name: movement for movement in found}
