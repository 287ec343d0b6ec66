"""The words that the reader knows, from `lexicon.json`, and the same word in its other forms and misspelt."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Stems = tuple[str, ...]

PLAIN: Final = 0.7
"""What a word says without a degree: "brows lowered"."""
_VOWEL: Final = re.compile("[aeiouy]")
_DOUBLED: Final = re.compile(r"([bdgmnprt])\1$")
_SHORTEST_TYPO: Final = 5
"""Letters that a word has at least to be taken for another one misspelt."""


@dataclass
class Entry:
    """All that one word or phrase can be; what it is tells the sentence around it."""

    parts: str = ""
    states: list[str] = field(default_factory=list)
    says: Mapping[str, float] | None = None
    degree: float | None = None
    """0..1, what it makes of a plain word's 0.7."""
    refines: str = ""
    """Part that brows become where this follows them: "brows raised in the middle"."""
    side: str = ""
    time: str = ""
    """When: first, next, middle, end."""
    intensity: float | None = None
    """0..1 for all of the performance; NaN for the word "intensity" itself, whose degree says it."""
    flags: set[str] = field(default_factory=set)
    """Any of: not, scarce, and, or, while, becomes, quiet."""


class Lexicon:
    """Entries by the stems of their words."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._irregular: dict[str, str] = data["irregular"]
        self._fixed = frozenset(data["fixed"])
        self.part_states: Mapping[str, Mapping[str, Mapping[str, float]]] = data["part_states"]
        self.falls_back: Mapping[str, str] = data["state_falls_back"]
        self.default_parts: Mapping[str, str] = data["default_parts"]
        self.silent_parts = frozenset(data["silent_parts"])
        self.paired_parts = frozenset(data["paired_parts"])
        self.weak_states = frozenset(data["weak_states"])
        self.particles = frozenset(data["particles"].split(", "))
        self.amounts = frozenset(data["amounts"])
        self.action_units: Mapping[str, Mapping[str, float]] = data["action_units"]
        self.raw: Mapping[str, str] = data["raw"]
        self.entries: dict[Stems, Entry] = {}
        self._words: set[str] = set()
        self._fillers = frozenset(self.stem(word) for word in data["fillers"].split())
        self._fill(data)
        self.longest = max(len(stems) for stems in self.entries)
        self._known = {stem for stems in self.entries for stem in stems} | self._fillers
        self._other = frozenset(data["other_words"].split())

    def _fill(self, data: Mapping[str, Any]) -> None:
        for part, phrases in data["parts"].items():
            for entry in self._entries(phrases):
                entry.parts = part
        for state, phrases in data["states"].items():
            for entry in self._entries(phrases):
                entry.states.append(state)
        for phrases, values in data["says"]:
            for entry in self._entries(phrases):
                entry.says = entry.says if entry.says is not None else values
        for degree, phrases in data["degrees"].items():
            for entry in self._entries(phrases):
                entry.degree = float(degree)
        for degree, phrases in data["performance_degrees"].items():
            for entry in self._entries(phrases):
                entry.intensity = float(degree)
        for entry in self._entries(data["intensity"]):
            entry.intensity = float("nan")
        for part, phrases in data["refines"].items():
            for entry in self._entries(phrases):
                entry.refines = part
        for side, phrases in data["sides"].items():
            for entry in self._entries(phrases):
                entry.side = side
        for time, phrases in data["times"].items():
            for entry in self._entries(phrases):
                entry.time = time
        for flag in ("not", "scarce", "and", "or", "while", "becomes", "quiet"):
            for entry in self._entries(data[flag]):
                entry.flags.add(flag)
        for entry in self._entries(data["carriers"]):
            entry.flags.add("quiet")

    def _entries(self, phrases: str) -> Iterator[Entry]:
        for phrase in phrases.split(","):
            self._words.update(phrase.split())
            stems = tuple(self.stem(word) for word in phrase.split())
            yield self.entries.setdefault(tuple(s for s in stems if s not in self._fillers) or stems, Entry())

    def stem(self, word: str) -> str:
        """What all forms of a word share: "lowered" and "lowers" give "lower"."""
        word = self._irregular.get(word, word)
        if word in self._fixed or len(word) <= 2:
            return word
        return _stem(word)

    def is_filler(self, stem: str) -> bool:
        """Whether a word only holds the sentence together."""
        return stem in self._fillers

    def knows(self, stem: str) -> bool:
        """Whether a stem is in some entry."""
        return stem in self._known

    def mended(self, word: str) -> str:
        """The stem that a misspelt word must mean: one letter wrong, missing, too many, or two swapped.

        The word's own stem where it is short, known, an English word of another meaning, or near to none.
        """
        stem = self.stem(word)
        if word in self._other:
            return stem
        if stem not in self._known and stem.endswith(("er", "est")):  # "rounder", "roundest"
            shorter = self.stem(stem.removesuffix("er").removesuffix("est"))
            stem = shorter if shorter in self._known else stem
        if len(word) < _SHORTEST_TYPO or stem in self._known or stem in self._other:
            return stem
        for length in (len(word), len(word) + 1, len(word) - 1):
            for near in self._forms.get((word[0], length), ()):
                if _one_apart(word, near):
                    return self.stem(near)
        return stem

    @cached_property
    def _forms(self) -> Mapping[tuple[str, int], list[str]]:
        """All words of the entries in their usual forms, by first letter and length: what typos may mean."""
        forms = self._words | set(self._irregular)
        for word in self._words:
            bare = word.removesuffix("e")
            forms |= {
                f for f in (word + "s", bare + "ed", bare + "ing", word + "ly") if len(f) > _SHORTEST_TYPO
            }
        found: dict[tuple[str, int], list[str]] = {}
        for form in sorted(forms):
            if len(form) >= _SHORTEST_TYPO and self.stem(form) in self._known:
                found.setdefault((form[0], len(form)), []).append(form)
        return found


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The words of this version; read once."""
    path = Path(__file__).with_name("lexicon.json")
    return Lexicon(json.loads(path.read_text(encoding="utf-8")))


def _stem(word: str) -> str:
    if word.endswith("ically"):
        word = word[:-4]
    elif word.endswith("ly") and len(word) > 4:
        word = word[:-2]
    if word.endswith("ness") and len(word) > 6:
        word = word[:-4]
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ied", "ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 2 and _VOWEL.search(word[: -len(ending)]):
            word = word[: -len(ending)] + ("y" if ending == "ied" else "")
            word = _DOUBLED.sub(r"\1", word)
            break
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    if len(word) > 2 and word.endswith("y") and word[-2] not in "aeiou":
        word = word[:-1] + "i"
    return word


def _one_apart(a: str, b: str) -> bool:
    """One letter replaced, inserted, left out, or two neighbours swapped."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) == len(b):
        swapped = a[start + 1 : start + 2] + a[start : start + 1] + a[start + 2 :]
        return a[start + 1 :] == b[start + 1 :] or swapped == b[start:]
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer[start + 1 :] == shorter[start:]
