"""What the names of a rig's keys say: movements, sounds of a viseme set, or numbers of a basis.

The sets are data (`rigs/*.json`). A key belongs to a set when what is left of its name after a prefix that
many keys share ("viseme_", "vrc.v_", "Face.M_F00_000_00_Fcl_MTH_") is one of the set's names, and enough of
the set is there: a lone key "A" means nothing.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .channels import mirror
from .names import match_channels
from .rig_movements import movements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FOLDER: Final = Path(__file__).parent / "rigs"
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")
_BASIS = """
exp expr expression coef coeff pca pc basis component mode psi flame bfm id blendshape key shape morph target
"""
_NUMBERED = re.compile(rf"(?:.*?(?:{'|'.join(_BASIS.split())})s?)?[ ._-]*\d+", re.IGNORECASE)
_EXPRESSION = re.compile(r".*?(exp|psi)", re.IGNORECASE)
_USUAL = re.compile(
    r"(arkit|blendshapes?|bs|shapes?|shapekeys?|morphs?|keys?|face|facial|head|mesh|body|expressions?|exp|fcl|"
    r"ctrl|mh|facem?f?[0-9]*|facem[0-9]*|genesis[0-9]*[mf]?|ectrl|phm|facs)?[0-9]*"
)
_SHARED_BY: Final = 3
_LIKENESS_MIN: Final = 0.6
_NUMBERED_MIN: Final = 8


@dataclass(frozen=True)
class Preset:
    """One file of `rigs/`: names are folded as by `fold`."""

    title: str
    least: int
    """So many sounds must be there for a set of visemes to count."""
    visemes: Mapping[str, Mapping[str, float]]
    """ARKit weights 0..1 of every sound, by folded name."""
    direct: Mapping[str, str]
    """Movement of every other key, by folded name; empty where a key moves as no channel does."""


@dataclass(frozen=True)
class NamedVisemes:
    """The keys of a rig that are a viseme set."""

    title: str
    recipes: Mapping[str, Mapping[str, float]]
    """ARKit weights 0..1 by key name."""


@dataclass(frozen=True)
class Reading:
    """What names say; no key is in more than one of the three."""

    movements: Mapping[str, tuple[str, float]]
    """Movement and likeness 0..1 (1: the very name) by key name."""
    visemes: tuple[NamedVisemes, ...]
    numbered: tuple[str, ...]
    """Keys that are numbers of a basis, in their order."""
    others: frozenset[str] = frozenset()
    """Keys that are known to follow no channel."""


def fold(name: str) -> str:
    """A name without case, separators and typographic variants."""
    return "".join(_words(name))


def _words(name: str) -> list[str]:
    return [word.casefold() for word in _WORDS.findall(unicodedata.normalize("NFKC", name))]


def _endings(name: str) -> list[tuple[str, str]]:
    """Every (prefix, ending) of a name that is cut between words, the whole name as an ending first."""
    words = _words(name)
    return [("".join(words[:i]), "".join(words[i:])) for i in range(len(words))]


@cache
def presets() -> tuple[Preset, ...]:
    """Every set of `rigs/*.json`."""
    return tuple(_read(file) for file in sorted(FOLDER.glob("*.json")))


def _read(file: Path) -> Preset:
    fields = json.loads(file.read_text(encoding="utf-8"))
    return Preset(
        fields["title"],
        fields["least"],
        {fold(name): recipe for names, recipe in fields["visemes"].items() for name in names.split("|")},
        {fold(name): movement for names, movement in fields["direct"].items() for name in names.split("|")},
    )


def read_names(names: Sequence[str]) -> Reading:
    """Read the names of all keys of a face (without doubles)."""
    visemes = _viseme_sets(names)
    rest = [name for name in names if not any(name in one.recipes for one in visemes)]
    found = {name: (movement, 1.0) for name, movement in _arkit(rest).items()}
    rest = [name for name in rest if name not in found]
    found |= _direct(rest, found)
    others = frozenset(name for name, (movement, _) in found.items() if not movement)
    rest = [name for name in rest if name not in found]
    found = {name: said for name, said in found.items() if name not in others}
    numbered = [name for name in rest if _NUMBERED.fullmatch(name)]
    if len(numbered) >= _NUMBERED_MIN:
        rest = [name for name in rest if name not in numbered]
        expressions = [name for name in numbered if _EXPRESSION.match(name)]
        if len(expressions) >= _NUMBERED_MIN:  # the others say whose face it is, or correct a pose
            others |= {*numbered} - {*expressions}
            numbered = expressions
    else:
        numbered = []
    found |= _alike(rest)
    return Reading(found, visemes, tuple(numbered), others)


def _arkit(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for channel, keys in match_channels(names).items():
        if len(keys) == 1:
            found[keys[0]] = channel
        else:
            found |= {key: f"{channel}.{side}" for key, side in zip(keys, ("Left", "Right"), strict=True)}
    return found


def _viseme_sets(names: Iterable[str]) -> tuple[NamedVisemes, ...]:
    """The best set first, then what is left of the names for further ones."""
    endings = {name: _endings(name) for name in names}
    sets: list[NamedVisemes] = []
    while True:
        best: tuple[float, NamedVisemes] | None = None
        for preset in presets():
            keys = _with_one_prefix(endings, preset.visemes)
            sounds = {id(preset.visemes[sound]) for sound in keys.values()}
            if preset.visemes and len(sounds) >= preset.least:
                score = len(sounds) + len(sounds) / len({id(r) for r in preset.visemes.values()})
                if best is None or score > best[0]:
                    recipes = {key: preset.visemes[sound] for key, sound in keys.items()}
                    best = score, NamedVisemes(preset.title, recipes)
        if best is None:
            return tuple(sets)
        sets.append(best[1])
        endings = {name: cuts for name, cuts in endings.items() if name not in best[1].recipes}


def _with_one_prefix(
    endings: Mapping[str, list[tuple[str, str]]], sounds: Mapping[str, Mapping[str, float]]
) -> dict[str, str]:
    """Sound by key name, for the prefix that gives most sounds. Numbers are sounds of "viseme..." only."""
    by_prefix: dict[str, dict[str, str]] = defaultdict(dict)
    for name, cuts in endings.items():
        for prefix, ending in cuts:
            if ending in sounds and ("vis" in prefix or not ending.isdigit()):
                by_prefix[prefix][name] = ending
    return max(by_prefix.values(), key=lambda keys: len(set(keys.values())), default={})


def _direct(names: Iterable[str], taken: Mapping[str, tuple[str, float]]) -> dict[str, tuple[str, float]]:
    """Keys of the sets that are no sounds; a movement that an ARKit name means is not looked for again."""
    known = {text: movement for preset in presets() for text, movement in preset.direct.items()}
    candidates = [
        (name, prefix, known[ending])
        for name in names
        for prefix, ending in _endings(name)
        if ending in known
    ]
    shared = Counter(prefix for _, prefix, _ in candidates)
    claimed = {movement for movement, _ in taken.values()}
    found: dict[str, tuple[str, float]] = {}
    for name, prefix, movement in sorted(candidates, key=lambda candidate: len(candidate[1])):
        if name in found or (movement and movement in claimed):
            continue
        if prefix == "" or _USUAL.fullmatch(prefix) or shared[prefix] >= _SHARED_BY:
            found[name] = movement, 0.9 if prefix == "" else 0.8
    return found


def _alike(names: Iterable[str]) -> dict[str, tuple[str, float]]:
    """Misspelt names: the movement whose name shares most letter triples."""
    known = _vocabulary()
    found = {}
    for name in names:
        triples = _triples(_spelt_sides(name))
        scores = {movement: _dice(triples, other) for movement, other in known.items()}
        movement = max(scores, key=lambda one: scores[one])
        second = max(score for other, score in scores.items() if other not in (movement, mirror(movement)))
        if scores[movement] >= _LIKENESS_MIN and scores[movement] > second + 0.05:
            found[name] = movement, min(0.75, scores[movement])
    return found


@cache
def _vocabulary() -> dict[str, frozenset[str]]:
    return {name: _triples(fold(name)) for name in movements()}


def _spelt_sides(name: str) -> str:
    """The folded name with a lone l or r written out, so that it is compared as left or right."""
    sides = {"l": "left", "r": "right", "lft": "left", "rgt": "right", "lt": "left", "rt": "right"}
    spelt = [sides.get(word, word) for word in _words(name)]
    moved = [word for word in spelt if word in ("left", "right")]
    return "".join([word for word in spelt if word not in moved] + moved)


def _triples(text: str) -> frozenset[str]:
    padded = f"^{text}$"
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def _dice(a: frozenset[str], b: frozenset[str]) -> float:
    return 2 * len(a & b) / max(len(a) + len(b), 1)
