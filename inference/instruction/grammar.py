"""What the words of one stretch of text say together: which state is said of which part, how much, or not.

Each state ("raised") is given to the nearest part ("brows") that can be in it, each degree ("quite") to the
nearest thing that has one; commas and "and" count as distance, ends of sentences part for good.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .claims import Claim, clipped, values_of
from .lexicon import Entry, lexicon
from .values import EMOTIONS
from .words import COMMA, SENTENCE, Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ELSEWHERE: Final = "elsewhere"
"""Parts of the body that no value moves: what is said of them is said of nothing else."""
_FAR: Final = 7.0
"""Distance beyond which words do not belong together."""
_NEAR: Final = 2.0
_COSTS: Final = {COMMA: 4.0, "and": 2.0, "or": 2.0, "while": 3.0, SENTENCE: math.inf}
_PAST: Final = 2.0
"""A state looks back rather than ahead over a break: "brows lowered, drawn together, lips pressed"."""


@dataclass(frozen=True)
class Meaning:
    """Values that a stretch of text gives, `said` in so many words or only `implied`."""

    said: dict[str, float]
    implied: dict[str, float]
    intensity: float | None
    unread: tuple[str, ...]
    notices: tuple[str, ...]
    anything: bool
    """Whether something was understood, be it that the face is neutral."""


def meaning_of(items: Sequence[Item]) -> Meaning:
    """What the items of one stretch of text say."""
    return _Stretch(list(items)).meaning()


class _Stretch:
    """The items while they are being put together; `used` says which of them have found their place."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items
        self.used = [bool(item.break_) or item.exact is not None for item in items]
        self.claims: list[Claim] = []
        self.sided: dict[int, str] = {}
        self.notices: list[str] = []
        self.intensity: float | None = None
        self.words = lexicon()

    def meaning(self) -> Meaning:
        self._sides()
        for at in range(len(self.items)):
            self._claim(at)
        self._share_states()
        self._refine()
        self._drop_weak()
        self._negate()
        self._degrees()
        exact = [pair for item in self.items for pair in (item.exact or {}).items()]
        said, implied = values_of(self.claims, exact, self.words.amounts, self.notices)
        anything = bool(self.claims or said or implied or self.intensity is not None)
        unread = tuple(item.text for at, item in enumerate(self.items) if self._unread(at))
        return Meaning(said, implied, self.intensity, unread, tuple(self.notices), anything)

    def _cost(self, at: int) -> float:
        """What an item adds to the distance of those on its two sides."""
        item, entry = self.items[at], self.items[at].entry
        if item.break_:
            return _COSTS[item.break_]
        if entry.degree is not None or entry.side:
            return 0.05
        return 1.5 if entry.parts and not entry.states else 0.3

    def _distance(self, a: int, b: int) -> float:
        """How far apart two items stand: what lies between them counts."""
        cost = 0.0
        for between in range(min(a, b) + 1, max(a, b)):
            cost += self._cost(between)
            if cost > _FAR:
                return math.inf
        return cost

    def _around(self, at: int) -> Iterator[tuple[int, float]]:
        """Other items and their distances, as far as they can belong to this one."""
        for step in (-1, 1):
            other, cost = at + step, 0.0
            while 0 <= other < len(self.items) and cost <= _FAR:
                yield other, cost
                cost += self._cost(other)
                other += step

    def _sides(self) -> None:
        """Left and right go to what turns or looks there; beside a part of the face they say which half."""
        for at, item in enumerate(self.items):
            side = item.entry.side
            if not side:
                continue
            carrier = self._carrier(at)
            following = self.items[at + 1].entry.parts if at + 1 < len(self.items) else ""
            if carrier is None and following in self.words.paired_parts:
                self.used[at] = True
                notices = self.notices
                notices.append(f"Both sides move alike: '{item.text}' is left out.")
            elif carrier is not None:
                self.used[at] = True
                self.sided[carrier] = side
                if not set(self.items[carrier].entry.states) & {"tilt", "turn"}:
                    sinks = any("down" in self._and_fallbacks(other) for other in range(carrier + 1, at))
                    state = f"tilt_{side}" if sinks and self.items[carrier].entry.parts == "head" else side
                    self.items[at] = replace(item, entry=Entry(states=[state]))
                    self.used[at] = False

    def _carrier(self, at: int) -> int | None:
        """The item that turns, tilts or looks to a side: one before it, else one right after it."""
        found: list[tuple[float, int]] = []
        for other, cost in self._around(at):
            entry = self.items[other].entry
            turns = bool(set(entry.states) & {"tilt", "turn"})
            looks = entry.parts in ("head", "face", "eyes", "gaze")
            if not turns and not looks:
                continue
            if other > at:
                adjacent_eye = entry.parts == "eyes" and other == at + 1
                cost += 1.0 + (math.inf if adjacent_eye and not turns else 0.0)
            if cost < _NEAR + 1.0:
                found.append((cost - (2.0 if turns else 0.0), other))
        return min(found)[1] if found else None

    def _claim(self, at: int) -> None:
        """Decide what an item is here: a state of a part, a word that says all, or only a degree."""
        item, entry = self.items[at], self.items[at].entry
        is_part_too = bool(entry.parts) and entry.says is not None  # "stares down" is a stare all the same
        if (self.used[at] and not is_part_too) or item.number is not None:
            return
        if entry.degree is not None and self._modifies_next(at):
            return
        if self._is_particle(at) and self._is_said_before(at):
            self.used[at] = True
            return
        if entry.states and self._bind(at):
            return
        if entry.says is not None:
            self.claims.append(Claim(at, entry.says))
            self.used[at] = True
        elif entry.intensity is not None:
            self.used[at] = True
            if not math.isnan(entry.intensity):
                self.intensity = entry.intensity

    def _is_particle(self, at: int) -> bool:
        return self.items[at].text in self.words.particles

    def _is_said_before(self, at: int) -> bool:
        """Whether a particle only completes the word before: "scrunched up", but not "eyes flick up"."""
        before = [claim for claim in self.claims[-2:] if claim.at == at - 1]
        return any(c.part < 0 or self.items[c.part].entry.parts not in ("eyes", "gaze") for c in before)

    def _modifies_next(self, at: int) -> bool:
        """Whether a word that can be a degree stands right before what has one."""
        following = self.items[at + 1] if at + 1 < len(self.items) else None
        if following is None or following.break_:
            return False
        entry, beyond = following.entry, self.items[at + 2 : at + 3]
        if beyond and beyond[0].entry.parts and self._state_values(at, beyond[0].entry.parts):
            return False  # "wide staring eyes"
        return bool((entry.states and not entry.parts) or entry.says is not None) and entry.degree is None

    def _bind(self, at: int) -> bool:
        """Give a state to the nearest part that can be in it."""
        found: list[tuple[float, int, Mapping[str, float]]] = []
        for other, cost in self._around(at):
            part = self.items[other].entry.parts
            values = self._state_values(at, part) if part else None
            if values is None:
                continue
            if other > at and cost >= _NEAR:
                cost += _PAST
            if other < at and any(c.part == other for c in self.claims):
                cost += 0.5
            entry = self.items[at].entry
            limit = _NEAR if entry.says is not None or entry.degree is not None else _FAR
            if self._is_particle(at):
                limit = 2 * _NEAR
            if cost < limit:
                found.append((cost, other, values))
        if found:
            cost, other, values = min(found, key=lambda one: one[:2])
            self.used[at] = self.used[other] = True
            self.claims.append(Claim(at, values, part=other))
            return True
        return self._bind_default(at)

    def _bind_default(self, at: int) -> bool:
        """A state that is of one part only needs not name it."""
        if self.items[at].entry.says is not None:
            return False
        for state in self._states(at):
            part = self.words.default_parts.get(state)
            if part:
                self.claims.append(Claim(at, self.words.part_states[part][state]))
                self.used[at] = True
                return True
        return False

    def _states(self, at: int) -> list[str]:
        side = self.sided.get(at)
        states = self.items[at].entry.states
        return [f"{s}_{side}" if side and s in ("tilt", "turn") else s for s in states]

    def _and_fallbacks(self, at: int) -> list[str]:
        states = self._states(at)
        return [*states, *(self.words.falls_back.get(state, "") for state in states)]

    def _state_values(self, at: int, part: str) -> Mapping[str, float] | None:
        if part == ELSEWHERE:
            return {}
        table = self.words.part_states[part]
        for state in self._and_fallbacks(at):
            if state in table:
                return table[state]
        return None

    def _share_states(self) -> None:
        """A part without a state has that of the part it is listed with: "brows and cheeks lifted"."""
        for step in (1, -1):
            order = range(len(self.items))[::-step]
            for at in order:
                if not self.used[at] and self.items[at].entry.parts:
                    self._share_state(at, step)

    def _share_state(self, at: int, step: int) -> None:
        beyond = at - step
        if 0 <= beyond < len(self.items) and not self.items[beyond].break_:
            return  # something else is said of it, be it in unknown words
        other = at + step
        while 0 <= other < len(self.items) and self.items[other].break_ in (COMMA, "and", "or"):
            other += step
        if not 0 <= other < len(self.items) or abs(other - at) == 1 or not self.items[other].entry.parts:
            return
        for claim in [c for c in self.claims if c.part == other]:
            values = self._state_values(claim.at, self.items[at].entry.parts)
            if values is not None:
                self.used[at] = True
                self.claims.append(Claim(claim.at, values, part=at))

    def _refine(self) -> None:
        """Brows that rise in the middle are inner brows."""
        for at, item in enumerate(self.items):
            if not item.entry.refines:
                continue
            near = [c for c in self.claims if c.at < at and self._distance(c.at, at) < _NEAR]
            for claim in near:
                if claim.part >= 0 and self.items[claim.part].entry.parts == "brows":
                    claim.values = {item.entry.refines: max(claim.values.values(), key=abs)}

    def _drop_weak(self) -> None:
        """A head that is tilted back is not tilted sideways: vague states yield to the others of a part."""
        for claim in list(self.claims):
            if claim.part < 0 or not self._is_weak(claim):
                continue
            others = [c for c in self.claims if c.part == claim.part and c.at != claim.at]
            if any(not self._is_weak(c) and self._distance(c.at, claim.at) < _NEAR for c in others):
                self.claims.remove(claim)

    def _is_weak(self, claim: Claim) -> bool:
        return any(state in self.words.weak_states for state in self._states(claim.at))

    def _negate(self) -> None:
        for at, item in enumerate(self.items):
            if "not" not in item.entry.flags:
                continue
            self.used[at] = True
            until = at + 1
            while until < len(self.items) and self.items[until].break_ in ("", "or"):
                until += 1
            hit = [c for c in self.claims if at < c.at < until]
            if not hit:  # "brows: not at all raised", "smiling, no"
                hit = [c for c in self.claims if c.part >= 0 and at < c.part < until]
            for claim in hit:
                claim.negated = True

    def _degrees(self) -> None:
        claims_at: dict[int, list[Claim]] = {}
        for claim in self.claims:
            claims_at.setdefault(claim.at, []).append(claim)
        for at, item in enumerate(self.items):
            scarce = "scarce" in item.entry.flags
            if self.used[at] or not (scarce or item.number is not None or item.entry.degree is not None):
                continue
            if self._is_of_intensity(at):
                self.used[at] = True
                continue
            claims = self._modified(at, claims_at)
            if claims:
                self.used[at] = True
            for claim in claims:
                self._set_degree(claim, item, scarce=scarce)

    def _is_of_intensity(self, at: int) -> bool:
        """Let a degree say how intense the performance is, where it stands beside that word."""
        item = self.items[at]
        for other in (at + 1, at - 1, at + 2, at - 2):
            if not 0 <= other < len(self.items) or self._distance(at, other) >= _NEAR:
                continue
            intensity = self.items[other].entry.intensity
            if intensity is not None and math.isnan(intensity):
                value = item.number if item.number is not None else item.entry.degree
                asked = 0.1 if value is None else value
                self.intensity = clipped("intensity", asked, 0.0, self.notices)
                return True
        return False

    def _modified(self, at: int, claims_at: Mapping[int, list[Claim]]) -> list[Claim]:
        """What a degree belongs to: the claim after it within its clause, else the one before it."""
        number = self.items[at].number is not None and "%" not in self.items[at].text
        for step in (-1, 1) if number and at - 1 in claims_at else (1, -1):
            other = at + step
            while 0 <= other < len(self.items) and not self.items[other].break_:
                if other in claims_at:
                    return claims_at[other]
                other += step
        return []

    def _set_degree(self, claim: Claim, item: Item, *, scarce: bool) -> None:
        if item.number is not None:
            name = next(iter(claim.values), "")
            claim.number = clipped(name, item.number, 0.0, self.notices)
        elif scarce:
            claim.scarce = True
        elif item.entry.degree is not None:
            claim.degrees.append(item.entry.degree)

    def _unread(self, at: int) -> bool:
        item, entry = self.items[at], self.items[at].entry
        if not item.known:
            return True
        if entry.parts == ELSEWHERE:
            return True
        if self.used[at] or "quiet" in entry.flags or entry.parts in self.words.silent_parts:
            return False
        if entry.parts:  # "angry brows": the word beside it has said what they do
            return not any(self._distance(c.at, at) < 1.0 for c in self.claims)
        if entry.flags or entry.time or entry.refines:
            return False
        return bool(entry.states or entry.side or entry.degree is not None or item.number is not None)


def is_emotion(entry: Entry) -> bool:
    """Whether a word says how someone feels (calm, too)."""
    return entry.says is not None and (not entry.says or next(iter(entry.says)) in EMOTIONS)
