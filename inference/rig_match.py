"""Any face to a rig map: names and what keys move, scored together; bones and properties beside keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from . import rig_align, rig_geometry
from .channels import ARKIT_52
from .retarget import shape_key_path
from .rig_assign import best_pairs
from .rig_basis import Basis, basis_shapes
from .rig_bones import bone_targets
from .rig_movements import Movement, movements
from .rig_names import Reading, read_names
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
from .types import RigMap, RigTarget, SolvedKeys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from .rig_geometry import Fields, Placement
    from .rig_source import KeySet, Property, RigSource

    Array = NDArray[np.float64]

_NAMELESS = re.compile(r"(shape *keys?|keys?|morphs?|targets?|blendshapes?)?[ ._-]*\d+", re.IGNORECASE)
CONFIDENT: Final = 0.3
"""Matches below this confidence are not made."""
_ENOUGH: Final = 0.9
"""Keys that follow single channels and show this share of speech need no others."""
_EXACT_RIDGE: Final = 1e-5
_MEASURED_RIDGE: Final = 0.05
"""What is measured from one face to another is no more exact: with less, weights run to their bounds."""
_SINGLY: Final = 0.4
"""Numbered keys are single movements when these show such a share of what solving for them shows."""
_BETTER: Final = 0.05
"""Solved keys must show so much more of speech than those."""


@dataclass(frozen=True)
class Face:
    """All keys of a character's face; the same key on several meshes (head, teeth, beard) is one key."""

    names: tuple[str, ...]
    places: tuple[tuple[tuple[str, str], ...], ...]
    """(object, key name) of every part of each key that can be animated."""
    parts: tuple[tuple[KeySet, tuple[int, ...]], ...]
    """Meshes, each with the number of the key that each of its keys is a part of."""

    @classmethod
    def of(cls, key_sets: Sequence[KeySet]) -> Face:
        """Gather the keys of several meshes; keys that have no real name stay apart."""
        numbers: dict[tuple[str, str], int] = {}
        names: list[str] = []
        places: list[list[tuple[str, str]]] = []
        parts = []
        for keys in key_sets:
            of_mesh = []
            for name in keys.names:
                shared = "" if not _NAMELESS.fullmatch(name) else keys.object
                number = numbers.setdefault((name, shared), len(names))
                if number == len(names):
                    names.append(name)
                    places.append([])
                if name not in keys.driven:
                    places[number].append((keys.object, name))
                of_mesh.append(number)
            parts.append((keys, tuple(of_mesh)))
        return cls(tuple(names), tuple(map(tuple, places)), tuple(parts))


@dataclass(frozen=True)
class Match:
    """A key that makes a movement."""

    key: int
    movement: Movement
    confidence: float
    likeness: float
    """Cosine -1..1 of what it moves with the reference."""


@dataclass(frozen=True)
class Seen:
    """What the keys of a face move, on the reference head."""

    placement: Placement
    fields: Fields
    """In millimetres."""
    likeness: Array
    """float64 [K, M], with every movement; 0 for keys that move nothing on the front of the face."""
    peaks_mm: Array
    """float64 [K]."""


@dataclass(frozen=True)
class Solved:
    """Keys that are solved for."""

    problem: SolvedKeys
    channels: tuple[str, ...]
    """Channels that they show."""
    keys: tuple[int, ...]


def map_rig(source: RigSource, basis: Basis | None = None) -> RigMap:
    """Map a character: shape keys by name and by what they move, bones, custom properties.

    Args:
        basis: for a mesh with numbered keys (the coefficients of a 3DMM), what they mean; without it that is
            measured on the mesh.

    Returns:
        The map. Targets come in the order of the channels; every match has a confidence 0..1. Channels that
        nothing was found for are `unmatched`. A character without a face gives a map without targets.
    """
    face = Face.of(source.key_sets)
    reading = read_names(face.names)
    seen = look(face, reading)
    matches = match_keys(face, reading, seen)
    solved = solve_basis(face, reading, seen, matches, basis)
    if solved:
        known = set(reading.movements)
        matches = [m for m in matches if face.names[m.key] in known and m.key not in solved[0].keys]
    else:
        solved = solve_for(face, reading, seen, matches)
    direct = frozenset(channel for match in matches for channel, _ in match.movement.gains)
    shown = frozenset(channel for one in solved for channel in one.channels)
    together = frozenset(key for one in solved for key in one.keys)
    targets = [t for match in matches if match.key not in together for t in _key_targets(face, match)]
    targets += _property_targets(source.properties, direct | shown)
    targets += bone_targets(source, frozenset(target.channel for target in targets) | shown)
    order = {channel: i for i, channel in enumerate(ARKIT_52)}
    targets.sort(key=lambda target: order.get(target.channel, len(order)))
    found = {target.channel for target in targets} | shown
    unmatched = tuple(channel for channel in ARKIT_52 if channel not in found)
    return RigMap(tuple(targets), tuple(one.problem for one in solved), unmatched)


def look(face: Face, reading: Reading) -> Seen | None:
    """Place a face on the reference and compare; None when no key moves anything."""
    hints = {
        face.names.index(name): movement for name, (movement, sure) in reading.movements.items() if sure > 0.7
    }
    count = len(face.names)
    if not any(len(indices) for keys, _ in face.parts for indices, _ in keys.deltas):
        return None
    raster = rig_geometry.rasterise(face.parts, count)
    placement = rig_align.align(raster, hints)
    fields = rig_geometry.place(raster, placement)
    scale = (placement.x_scale + placement.z_scale) / 2
    known, _ = rig_geometry.movement_fields()
    likeness = rig_geometry.likeness(fields, known, rig_geometry.reference().fields.covered)
    in_mm = rig_geometry.Fields(fields.values * np.float32(scale), fields.covered)
    return Seen(placement, in_mm, likeness.astype(np.float64), raster.peaks * scale)


def match_keys(face: Face, reading: Reading, seen: Seen | None) -> list[Match]:
    """The keys that make one movement each; sounds of a viseme set are left out."""
    known = list(movements().values())
    scores = _scores(face, reading, seen)
    taken: dict[tuple[str, str], int] = {}
    matches = []
    for score, key, movement in sorted(
        ((scores[key, m], key, m) for key, m in best_pairs(np.where(scores >= CONFIDENT, scores, 0.0))),
        reverse=True,
    ):
        if known[movement].claims.isdisjoint(taken):
            taken |= dict.fromkeys(known[movement].claims, key)
            alike = 0.0 if seen is None else float(seen.likeness[key, movement])
            matches.append(Match(key, known[movement], float(score), alike))
    return matches


def _scores(face: Face, reading: Reading, seen: Seen | None) -> Array:
    """float64 [K, M], confidence 0..1 that a key makes a movement."""
    names = list(movements())
    said = np.zeros((len(face.names), len(names)))
    for name, (movement, sure) in reading.movements.items():
        said[face.names.index(name), names.index(movement)] = sure
    sounds = {name for one in reading.visemes for name in one.recipes}
    animatable = np.array(
        [bool(places) and name not in sounds for name, places in zip(face.names, face.places, strict=True)]
    )
    if seen is None:
        return np.asarray(said * 0.5 * animatable[:, None])
    agreement = 0.4 + 0.6 * np.clip((seen.likeness + 0.1) / 0.6, 0.0, 1.0)
    moving = seen.peaks_mm > 0
    agreement[~moving] = 0.3
    alone = 0.8 * np.clip((seen.likeness - 0.3) / 0.7, 0.0, 1.0) * _same_size(seen)
    scores: Array = (1 - (1 - said * agreement) * (1 - alone)) * animatable[:, None]
    return scores


def _same_size(seen: Seen) -> Array:
    """float64 [K, M], 1 where a key moves as far as the movement does on the reference, less elsewhere."""
    _, peaks = rig_geometry.movement_fields()
    ratio = np.log2(np.maximum(seen.peaks_mm, 1e-3)[:, None] / peaks)
    return np.asarray(np.exp(-0.5 * (ratio / 2.5) ** 2))


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
    for shapes in _candidates(face, reading, seen, lower):
        places = [[(o, shape_key_path(name)) for o, name in face.places[key]] for key in shapes.keys]
        solved = solvable(shapes, places, _bounds(face, shapes.keys))
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
) -> Iterator[KeyShapes]:
    """Sets of keys that may show speech: sounds by name, and all that moves the lower face."""
    number = {name: i for i, name in enumerate(face.names) if face.places[i]}
    for sounds in reading.visemes:
        recipes = {number[name]: recipe for name, recipe in sounds.recipes.items() if name in number}
        if recipes:
            yield named_shapes(recipes, lower)
    if seen is not None and not reading.visemes:
        on_lower_face = lower_face_share(seen.fields) > 0.5
        keys = [
            i
            for name, i in number.items()
            if on_lower_face[i] and (i in lower or name not in reading.movements)
        ]
        if keys:
            yield measured_shapes(keys, seen.fields, whole_face=False)


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


def _key_targets(face: Face, match: Match) -> list[RigTarget]:
    return [
        RigTarget(
            channel, object_name, shape_key_path(name), gain=gain, confidence=round(match.confidence, 3)
        )
        for object_name, name in face.places[match.key]
        for channel, gain in match.movement.gains
    ]


def _property_targets(properties: Sequence[Property], driven: frozenset[str]) -> list[RigTarget]:
    """Custom properties with a name that means a channel which no key follows."""
    by_name = {one.name: one for one in properties}
    reading = read_names(tuple(by_name))
    known = movements()
    targets = []
    for name, (movement, sure) in reading.movements.items():
        one = by_name[name]
        for channel, gain in known[movement].gains:
            if channel not in driven and sure >= 0.8:
                span = one.maximum - one.default
                targets.append(
                    RigTarget(
                        channel,
                        one.object,
                        one.data_path,
                        0,
                        gain * span,
                        one.default * gain,
                        0.9 * sure,
                        "PROPERTY",
                    )
                )
    return targets
