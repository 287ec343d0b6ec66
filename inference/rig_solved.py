"""Which keys of a face are solved for instead of following single channels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .retarget import shape_key_path
from .rig_basis import Basis, basis_shapes
from .rig_shapes import (
    LOWER_FACE,
    REPRODUCED,
    KeyShapes,
    channel_shares,
    direct_share,
    lower_face_share,
    measured_shapes,
    named_shapes,
    solvable,
    speech_share,
)
from .types import SolvedKeys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .rig_face import Face, Match, Seen
    from .rig_movements import Movement
    from .rig_names import Reading

_ENOUGH: Final = 0.9
"""Keys that follow single channels and show this share of speech need no others."""
_BETTER: Final = 0.05
"""Solved keys must show so much more of speech than those."""
_UNKNOWN_MIN: Final = 3
"""Keys of the lower face that follow no channel; with fewer there is nothing to solve for."""
_EXACT_RIDGE: Final = 1e-5
_NAMED_RIDGE: Final = 0.002
"""With more, sounds that hardly move the face (p, b, m) are shown too weakly beside those that open it."""
_SOUNDS_RIDGE: Final = 0.01
_MEASURED_RIDGE: Final = 0.05
"""What is measured from one face to another is no more exact: with less, weights run to their bounds."""
_SINGLY: Final = 0.4
"""Numbered keys are single movements when these show such a share of what solving for them shows."""


@dataclass(frozen=True)
class Solved:
    """Keys that are solved for."""

    problem: SolvedKeys
    channels: tuple[str, ...]
    """Channels that they show."""
    keys: tuple[int, ...]


def solve_for(face: Face, reading: Reading, seen: Seen | None, matches: Sequence[Match]) -> list[Solved]:
    """Keys to be solved for, where keys that follow single channels do not show speech well enough.

    At most one set is found.
    """
    lower = {
        match.key: match.movement
        for match in matches
        if not {channel for channel, _ in match.movement.gains}.isdisjoint(LOWER_FACE)
    }
    direct = frozenset(channel for movement in lower.values() for channel, _ in movement.gains)
    enough = direct_share(direct)
    if enough >= _ENOUGH:
        return []
    best: tuple[float, KeyShapes, SolvedKeys] | None = None
    for shapes, ridge in _candidates(face, reading, seen, lower):
        places = [[(o, shape_key_path(name)) for o, name in face.places[key]] for key in shapes.keys]
        solved = solvable(shapes, places, _bounds(face, shapes.keys), ridge)
        share = speech_share(solved, shapes.space)
        if share > enough + _BETTER and (best is None or share > best[0]):
            best = share, shapes, replace(solved, confidence=round(share, 3))
    if best is None:
        return []
    _, shapes, solved = best
    shares = channel_shares(solved, shapes.space)
    return [Solved(solved, tuple(c for c, share in shares.items() if share >= REPRODUCED), shapes.keys)]


def solve_basis(
    face: Face, reading: Reading, seen: Seen | None, matches: Sequence[Match], basis: Basis | None
) -> list[Solved]:
    """Numbered keys as the coefficients of a 3DMM, unless they are single movements that lost their names."""
    number = {name: i for i, name in enumerate(face.names) if face.places[i]}
    chosen = [number[name] for name in reading.numbered if name in number]
    if basis is not None:
        mesh = max(face.parts, key=lambda part: sum(n in chosen for n in part[1]) or len(part[1]) / 1e6)
        own = [i for i, n in enumerate(mesh[1]) if face.places[n] and (n in chosen or not chosen)]
        shapes = basis_shapes(basis, mesh[0], own)
        shapes = replace(shapes, keys=tuple(mesh[1][i] for i in own))
        ridge = _EXACT_RIDGE
    elif chosen and seen is not None:
        shapes = measured_shapes(chosen, seen.fields, whole_face=True)
        ridge = _MEASURED_RIDGE
    else:
        return []
    places = [[(o, shape_key_path(name)) for o, name in face.places[key]] for key in shapes.keys]
    solved = solvable(shapes, places, _bounds(face, shapes.keys), ridge)
    shares = channel_shares(solved, shapes.space)
    if basis is None and _shown_singly(chosen, matches) > _SINGLY * sum(shares.values()):
        return []
    solved = replace(solved, confidence=round(speech_share(solved, shapes.space), 3))
    return [Solved(solved, tuple(c for c, share in shares.items() if share >= REPRODUCED), shapes.keys)]


def _shown_singly(keys: Sequence[int], matches: Sequence[Match]) -> float:
    """How many channels keys show that follow one movement each, in whole channels."""
    own = [match for match in matches if match.key in keys]
    return sum(max(match.likeness, 0.0) ** 2 * len(match.movement.gains) for match in own)


def _candidates(
    face: Face, reading: Reading, seen: Seen | None, lower: Mapping[int, Movement]
) -> Iterator[tuple[KeyShapes, float]]:
    """Sets of keys that may show speech, with their ridge: sounds by name, all that moves the lower face."""
    number = {name: i for i, name in enumerate(face.names) if face.places[i]}
    for sounds in reading.visemes:
        recipes = {number[name]: recipe for name, recipe in sounds.recipes.items() if name in number}
        if recipes:
            yield named_shapes(recipes, lower), _NAMED_RIDGE
    if seen is not None and not reading.visemes:
        on_lower_face = lower_face_share(seen.fields) > 0.5
        keys = [
            i
            for name, i in number.items()
            if on_lower_face[i] and (i in lower or name not in reading.movements)
        ]
        if len([i for i in keys if i not in lower]) >= _UNKNOWN_MIN:
            yield measured_shapes(keys, seen.fields, whole_face=False), _SOUNDS_RIDGE


def _bounds(face: Face, keys: Sequence[int]) -> tuple[float, float]:
    """The range that the sliders of all these keys have."""
    ranges = [
        part.ranges.get(name, (0.0, 1.0))
        for part, numbers in face.parts
        for name, number in zip(part.names, numbers, strict=True)
        if number in keys
    ]
    low, high = max(low for low, _ in ranges), min(high for _, high in ranges)
    return (low, high) if low < high else (0.0, 1.0)
