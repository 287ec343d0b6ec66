"""Which channel a foreign name means: `eyeBlink_L`, `ARKit_EyeBlinkLeft`, "Eye Blink L": `eyeBlinkLeft`.

A name is cut into words at separators and capitals. It means a channel when its words do, with the side
written as left/l/right/r at either end or in between. Words before that are a prefix, and a prefix counts
only when it is a usual one ("ARKit_", "blendShape1.") or when many names of the same list share it:
`Smile_MouthLeft` must not be taken for `mouthLeft`.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from .channels import ARKIT_52

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")
_SIDES: Final = {"left": "Left", "l": "Left", "lft": "Left", "right": "Right", "r": "Right", "rgt": "Right"}

_USUAL_PREFIX = re.compile(
    r"(arkit|ak|perfectsync|blendshapes?|bs|shapes?|shapekeys?|morphs?|morphtargets?|targets?|keys?|face|facial|"
    r"head|headmesh|mesh|body|ccbasebody|expressions?|exp|fac|fcl|ctrl|[a-z])?[0-9]*"
)
_OTHER = """
combo combination corrective correctives corr fix inverse inv inverted neg negative not off wrinkle wrinkles
old backup bak test copy delta half
"""
_MEANS_ANOTHER_SHAPE: Final = frozenset(_OTHER.split())
_SHARED_BY = 10
"""An unknown prefix counts when at least so many channels of one list carry it."""


class _Reading(NamedTuple):
    channel: str
    side: str  # "" unless a channel without sides is split in two, as in browInnerUp_L
    prefix: tuple[str, ...]
    rank: int  # 0 is the exact name; the lowest wins when two names mean the same channel


def _split(name: str) -> tuple[str, ...]:
    return tuple(_WORDS.findall(name))


_WHOLE: Final = {c.lower(): c for c in ARKIT_52}
_PAIRED: Final = {
    c.removesuffix("Left").removesuffix("Right").lower() for c in ARKIT_52 if c.endswith(("Left", "Right"))
}
_CASED: Final = {c.lower(): c.removesuffix("Left").removesuffix("Right") for c in ARKIT_52} | {
    c.removesuffix("Left").removesuffix("Right").lower(): c.removesuffix("Left").removesuffix("Right")
    for c in ARKIT_52
}


def _sided(base: str, side: str) -> tuple[str, str] | None:
    if base in _PAIRED:
        return _CASED[base] + side, ""
    if base in _WHOLE and _WHOLE[base] == _CASED[base]:
        return _WHOLE[base], side
    return None


def _meaning(words: Sequence[str]) -> tuple[str, str] | None:
    """(channel, side) of lower-case words that are a channel's name and nothing else."""
    joined = "".join(words)
    if joined in _WHOLE:
        return _WHOLE[joined], ""
    sides = [i for i, word in enumerate(words) if word in _SIDES]
    if len(sides) == 1:
        base = "".join(words[: sides[0]]) + "".join(words[sides[0] + 1 :])
        return _sided(base, _SIDES[words[sides[0]]])
    if len(words) == 1:  # all in one case: eyeblinkl, lefteyeblink
        for mark, side in _SIDES.items():
            for base in (joined.removesuffix(mark), joined.removeprefix(mark)):
                if base != joined and base in _PAIRED:
                    return _CASED[base] + side, ""
    return None


def _read(name: str) -> _Reading | None:
    if name in ARKIT_52:
        return _Reading(name, "", (), 0)
    words = tuple(word.lower() for word in _split(name))
    for start in range(len(words)):
        found = _meaning(words[start:])
        if found is None:
            continue
        prefix = words[:start]
        rank = 1 if not prefix else 2 if _USUAL_PREFIX.fullmatch("".join(prefix)) else 3
        return _Reading(*found, prefix, rank)
    return None


def match_channels(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Find the names that mean ARKit channels.

    Args:
        names: shape key names, column titles, ...

    Returns:
        For every channel that was found, the name that means it. Two names where a rig splits a channel that
        has no sides into a left and a right half (`browInnerUp_L`, `browInnerUp_R`). A name never means
        two channels; where several names mean the same one the plainest wins.
    """
    readings = [(name, reading) for name in dict.fromkeys(names) if (reading := _read(name)) is not None]
    shared = Counter(reading.prefix for _, reading in readings)
    best: dict[tuple[str, str], tuple[int, str]] = {}
    for name, reading in readings:
        if reading.rank == 3 and (
            shared[reading.prefix] < _SHARED_BY or not _MEANS_ANOTHER_SHAPE.isdisjoint(reading.prefix)
        ):
            continue
        key = (reading.channel, reading.side)
        if key not in best or reading.rank < best[key][0]:
            best[key] = (reading.rank, name)
    return {channel: found for channel in ARKIT_52 if (found := _names_of(channel, best))}


def _names_of(channel: str, best: dict[tuple[str, str], tuple[int, str]]) -> tuple[str, ...]:
    if (channel, "") in best:
        return (best[channel, ""][1],)
    halves = [best.get((channel, side)) for side in ("Left", "Right")]
    return tuple(half[1] for half in halves if half is not None) if all(halves) else ()
