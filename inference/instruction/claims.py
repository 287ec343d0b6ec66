"""What is said, with how much and whether at all, as values; and what becomes of contrary demands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .lexicon import PLAIN
from .values import ACTIONS, LOWS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_NEGATED_AMOUNT: Final = -PLAIN
"""Of what everybody does, like blinking, there can be less than usual: "without blinking"."""
_SCARCE_AMOUNT: Final = 0.8 * _NEGATED_AMOUNT
_SCARCE: Final = 0.1
_CONTRAST: Final = {action.name: (action.plus, action.minus) for action in ACTIONS}


@dataclass
class Claim:
    """Something that has a degree: a state of a part, or a word that says all by itself."""

    at: int
    """Index of its item."""
    values: Mapping[str, float]
    part: int = -1
    """Index of the part's item; -1 without one."""
    degrees: list[float] = field(default_factory=list)
    number: float | None = None
    negated: bool = False
    scarce: bool = False

    def value(self, name: str, amounts: Collection[str]) -> float:
        """-1..1, what this claim makes of one of its values; of `amounts` there can be less than usual."""
        factor = self.values[name]
        if name in amounts and factor > 0.0 and (self.negated or self.scarce):
            return _NEGATED_AMOUNT if self.negated else _SCARCE_AMOUNT
        if self.negated:  # "not very sad" is a little sad
            return 0.3 * PLAIN * factor if any(degree >= 0.8 for degree in self.degrees) else 0.0
        degree = _SCARCE if self.scarce else _together(self.degrees)
        return max(-1.0, min(1.0, factor * (degree if self.number is None else self.number)))


def clipped(name: str, value: float, low: float, notices: list[str]) -> float:
    """A number that the user gives, within its range; a notice where it was not."""
    inside = min(max(value, low), 1.0)
    if inside != value and name:
        notices.append(f"{name} goes from {low:g} to 1: {value:g} is taken as {inside:g}.")
    return inside


def values_of(
    claims: Sequence[Claim],
    exact: Sequence[tuple[str, float]],
    amounts: Collection[str],
    notices: list[str],
) -> tuple[dict[str, float], dict[str, float]]:
    """Values that are said in so many words, and values that only go with what is said.

    Args:
        claims: what is said in words.
        exact: values that are said as numbers.
        amounts: names of what there can be less of than usual.
        notices: takes sentences about what was clipped or contrary.
    """
    said: dict[str, list[float]] = {}
    implied: dict[str, float] = {}
    for name, value in exact:
        said.setdefault(name, []).append(clipped(name, value, LOWS[name], notices))
    for claim in claims:
        for place, name in enumerate(claim.values):
            value = claim.value(name, amounts)
            if place == 0 or claim.part >= 0:
                said.setdefault(name, []).append(value)
            elif abs(value) > abs(implied.get(name, 0.0)):
                implied[name] = value
    return {name: _one_of(name, values, notices) for name, values in said.items()}, implied


def _one_of(name: str, values: Sequence[float], notices: list[str]) -> float:
    """Of contrary values the stronger; equal ones cancel."""
    high, low = max(values), min(values)
    stronger = high if high > -low else low
    if high <= 0.0 or low >= 0.0:
        return stronger
    plus, minus = _CONTRAST[name]
    if abs(high + low) < 1e-6:
        notices.append(f"'{plus}' and '{minus}' cancel each other.")
        return 0.0
    wins, loses = (plus, minus) if high > -low else (minus, plus)
    notices.append(f"'{wins}' and '{loses}' are both asked for: the stronger, '{wins}', is taken.")
    return stronger


def _together(degrees: Sequence[float]) -> float:
    """Several degrees of one thing: "very, very" is the most, and a small one stays small."""
    if not degrees:
        return PLAIN
    if min(degrees) < 0.5:
        return min(degrees)
    return 1.0 if len(degrees) > 1 and min(degrees) >= 0.85 else sum(degrees) / len(degrees)
