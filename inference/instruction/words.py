"""A text into the items that the grammar works on: known words and phrases, numbers, breaks."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from .lexicon import PLAIN, Entry, lexicon
from .values import ACTION_NAMES, EMOTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMA, SENTENCE = ",", "."
_FACS_LEVELS: Final = {"a": 0.2, "b": 0.35, "c": 0.6, "d": 0.85, "e": 1.0}
"""A trace to maximum, FACS intensities as shares of the full movement."""


@dataclass
class Item:
    """One thing that is said: what it can be (`entry`), and how it stands in the text."""

    text: str
    entry: Entry = field(default_factory=Entry)
    break_: str = ""
    """`COMMA`, `SENTENCE`, "and", "or", "while", or empty for what is no break."""
    number: float | None = None
    exact: dict[str, float] | None = None
    """Values as they are written, inside their ranges or not: "brows -0.5", "AU12C"."""
    known: bool = True


def items_of(text: str) -> list[Item]:
    """The items of a text, without the words that only hold it together."""
    return _phrases(list(_tokens(text)))


def clean(text: str) -> str:
    """Lower case, plain quotes and hyphens, figures of speech such as "a bit" as one word."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub("[‘’ʼ`´]", "'", text)
    text = text.replace("\u2212", "-")
    text = re.sub("[–—]|--+|\\s-\\s", " , ", text)
    text = re.sub(r"(?<=[^\W\d_])[-/](?=[^\W\d_])", " ", text)
    text = text.replace("can't", "can not").replace("won't", "will not")
    text = re.sub(r"n't\b", " not", text)
    text = re.sub(r"\b(\w+), (?=\1\b)", r"\1 ", text)  # "very, very"
    text = re.sub(r"'(s|re|ll|ve|d|m)\b", " ", text)
    pattern, table = _raw()
    return pattern.sub(lambda found: f" {table[found.group()]} ", text)


@lru_cache(maxsize=1)
def _raw() -> tuple[re.Pattern[str], dict[str, str]]:
    table = {key.replace("-", " "): value for key, value in lexicon().raw.items()}
    keys = sorted(table, key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(map(re.escape, keys)) + r")\b"), table


@lru_cache(maxsize=1)
def _token_pattern() -> re.Pattern[str]:
    names = sorted((*EMOTIONS, *ACTION_NAMES), key=len, reverse=True)
    named = "|".join(name.replace("_", "[ _]") for name in names)
    return re.compile(
        rf"(?P<named>\b(?:{named}))\s*[:=]?\s*(?P<named_value>(?>-?\d+(?:\.\d+)?))\s*(?P<named_percent>%|percent\b)?"
        r"(?=\s*(?:$|[,;.!?\n)]|and\b))"
        r"|\bau\s?(?P<units>\d+(?:\s?\+\s?(?:au\s?)?\d+)*)(?P<level>[a-e]\b)?"
        r"|(?P<number>(?<![\w.])[-+]?(?:\d+(?:\.\d+)?|\.\d+))\s*(?P<percent>%|percent\b|per cent\b)?"
        r"|(?P<word>[^\W\d_]+)"
        r"|(?P<sentence>[.;!?\n])|(?P<comma>[,()\[\]])"
    )


def _tokens(text: str) -> Iterator[Item]:
    """Items of single words, with `text` as written; phrases are not found yet."""
    for found in _token_pattern().finditer(text):
        groups = found.groupdict()
        if groups["named"]:
            yield _named(groups["named"].replace(" ", "_"), groups)
        elif groups["units"]:
            yield _units(found.group(), groups["units"], groups["level"])
        elif groups["number"]:
            share = 0.01 if groups["percent"] else 1.0
            yield Item(found.group().strip(), number=float(groups["number"]) * share)
        elif groups["word"]:
            yield Item(groups["word"])
        else:
            yield Item(found.group(), break_=SENTENCE if groups["sentence"] else COMMA)


def _named(name: str, groups: dict[str, str | None]) -> Item:
    value = float(groups["named_value"] or 0.0) * (0.01 if groups["named_percent"] else 1.0)
    return Item(name, exact={name: value})


def _units(text: str, units: str, level: str | None) -> Item:
    degree = _FACS_LEVELS.get(level or "", PLAIN)
    values: dict[str, float] = {}
    known = True
    numbers = re.findall(r"\d+", units)
    if numbers == ["1", "2"]:
        numbers = ["1+2"]
    for unit in numbers:
        found = lexicon().action_units.get(unit)
        known = known and found is not None
        for name, factor in (found or {}).items():
            values[name] = max(-1.0, min(1.0, factor * degree))
    return Item(text, exact=values, known=known)


def _phrases(tokens: list[Item]) -> list[Item]:
    """Words joined into the longest phrases that the lexicon has; fillers go."""
    words = lexicon()
    kept: list[tuple[Item, str]] = []
    apart: set[int] = set()
    for token in tokens:
        plain = not (token.break_ or token.exact is not None or token.number is not None)
        stem = words.mended(token.text) if plain else ""
        if plain and words.is_filler(stem):
            apart.add(len(kept))  # "lower the lids" is not "lower lids"
        else:
            kept.append((token, stem))
    items: list[Item] = []
    at = 0
    while at < len(kept):
        token, stem = kept[at]
        ahead = 1 if stem == "lower" and at + 1 in apart else words.longest
        length = _longest([s for _, s in kept[at : at + ahead]]) if stem else 0
        if length:
            text = " ".join(t.text for t, _ in kept[at : at + length])
            entry = words.entries[tuple(s for _, s in kept[at : at + length])]
            break_ = next((kind for kind in ("or", "and", "while") if kind in entry.flags), "")
            items.append(Item(text, entry, break_))
        else:
            items.append(replace(token, known=token.known and not stem))
        at += length or 1
    return items


def _longest(stems: list[str]) -> int:
    """How many of the stems, from the first on, make the longest phrase; 0 where none does."""
    until = next((i for i, stem in enumerate(stems) if not stem), len(stems))
    return next((n for n in range(until, 0, -1) if tuple(stems[:n]) in lexicon().entries), 0)
