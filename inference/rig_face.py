"""One face: its keys gathered from all meshes, laid on the reference head, matched to movements."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from . import rig_align, rig_geometry
from .rig_assign import best_pairs
from .rig_movements import Movement, mirrored, movements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .rig_geometry import Fields, Placement
    from .rig_names import Reading
    from .rig_source import KeySet
    from .types import FloatArray

    Array = NDArray[np.float64]

CONFIDENT: Final = 0.3
"""Matches below this confidence are not made."""
_NAMELESS = re.compile(r"(shape *keys?|keys?|morphs?|targets?|blendshapes?)?[ ._-]*\d+", re.IGNORECASE)
_STILL, _OUT_OF_MEASURE = 1e-6, 10.0
"""A point that a key moves by less, or more, than this share of the mesh's size does not count."""
_MIRRORED_FROM: Final = 0.9
"""Keys whose fields are this alike after mirroring are a pair."""
_BOTH_AT_ONCE: Final = 0.7
"""Where keys for both sides at once and for single ones compete, the first count so much less."""
_HINT_FROM: Final = 0.7
"""Names this sure say where a face lies."""
_POINTS_MIN: Final = 24
"""With fewer moving points than this no mouth can be told from an eye, and names alone decide."""
_SIDED_MIN, _SIDED_SHARE, _OTHER_SIDE = 6, 0.8, 0.1
"""At least so many sided names, of which so many look this much more like the other side."""


@dataclass(frozen=True)
class Face:
    """All keys of a character's face; the same key on several meshes (head, teeth, beard) is one key."""

    names: tuple[str, ...]
    places: tuple[tuple[tuple[str, str], ...], ...]
    """(object, key name) of every part of each key that can be animated."""
    parts: tuple[tuple[KeySet, tuple[int, ...]], ...]
    """Meshes in a common unit, each with the number of the key that each of its keys is a part of."""

    @classmethod
    def of(cls, key_sets: Sequence[KeySet]) -> Face:
        """Gather the keys of several meshes; keys that have no real name stay apart."""
        numbers: dict[tuple[str, str], int] = {}
        names: list[str] = []
        places: list[list[tuple[str, str]]] = []
        parts = []
        for keys in _in_one_unit(key_sets):
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


def _in_one_unit(key_sets: Sequence[KeySet]) -> list[KeySet]:
    """The meshes as shares of their largest size, without what is no number or moves out of all measure."""
    size = max((_size(keys.points) for keys in key_sets), default=0.0) or 1.0
    return [_cleaned(keys, size) for keys in key_sets]


def _size(points: FloatArray) -> float:
    known = points[np.isfinite(points).all(axis=1)]
    return float(np.ptp(known.astype(np.float64), axis=0).max()) if len(known) else 0.0


def _cleaned(keys: KeySet, size: float) -> KeySet:
    known = np.isfinite(keys.points).all(axis=1)
    points = np.where(known[:, None], keys.points / size, 0.0).astype(np.float32)
    deltas = []
    for indices, offsets in keys.deltas:
        farthest = np.abs(offsets).max(axis=1, initial=0.0)
        seen = (farthest > _STILL * size) & (farthest < _OUT_OF_MEASURE * size) & known[indices]
        deltas.append((indices[seen], (offsets[seen] / size).astype(np.float32)))
    return replace(keys, points=points, deltas=tuple(deltas))


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


def _points_that_move(part: tuple[KeySet, tuple[int, ...]]) -> int:
    return len(
        np.unique(np.concatenate([np.zeros(0, np.int32), *(indices for indices, _ in part[0].deltas)]))
    )


def look(face: Face, reading: Reading) -> Seen | None:
    """Place a face on the reference and compare; None when too few points move to tell."""
    if sum(map(_points_that_move, face.parts)) < _POINTS_MIN:
        return None
    raster = rig_geometry.rasterise(face.parts, len(face.names))
    hints = {
        face.names.index(name): movement
        for name, (movement, sure) in reading.movements.items()
        if sure > _HINT_FROM
    }
    placement = rig_align.align(raster, hints)
    fields = rig_geometry.place(raster, placement)
    scale = (placement.x_scale + placement.z_scale) / 2
    known, _ = rig_geometry.movement_fields()
    likeness = rig_geometry.likeness(fields, known, rig_geometry.reference().fields.covered)
    in_mm = rig_geometry.Fields(fields.values * np.float32(scale), fields.covered)
    return Seen(placement, in_mm, _same_on_both_sides(likeness, fields), raster.peaks * scale)


def _same_on_both_sides(likeness: FloatArray, fields: Fields) -> Array:
    """Likeness with chance taken out: two keys that mirror each other are as like to mirrored movements."""
    flipped = fields.values[..., ::-1] * np.array([-1.0, 1.0, 1.0], np.float32)[:, None, None]
    alike = rig_geometry.likeness(fields, flipped, fields.covered[:, ::-1])
    partner = alike.argmax(axis=1)
    both = (alike.max(axis=1) > _MIRRORED_FROM) & (partner[partner] == np.arange(len(partner)))
    partner = np.where(both, partner, np.arange(len(partner)))
    names = list(movements())
    other = [names.index(mirrored(name)) for name in names]
    mean = (likeness + likeness[partner][:, other]) / 2
    return np.where(both[:, None], mean, likeness).astype(np.float64)


def seen_from_the_front(face: Face, reading: Reading, seen: Seen | None) -> Reading:
    """The reading with left and right exchanged, if the names are sided as somebody sees who faces it."""
    if seen is None:
        return reading
    index = {name: i for i, name in enumerate(movements())}
    gains = []
    for name, (movement, _) in reading.movements.items():
        other, key = mirrored(movement), face.names.index(name)
        if other != movement and seen.peaks_mm[key] > 0:
            gains.append(seen.likeness[key, index[other]] - seen.likeness[key, index[movement]])
    swapped = sum(gain > _OTHER_SIDE for gain in gains)
    if len(gains) < _SIDED_MIN or swapped < _SIDED_SHARE * len(gains):
        return reading
    exchanged = {name: (mirrored(movement), sure) for name, (movement, sure) in reading.movements.items()}
    return replace(reading, movements=exchanged)


def match_keys(face: Face, reading: Reading, seen: Seen | None) -> list[Match]:
    """The keys that make one movement each; sounds of a viseme set are left out."""
    known = list(movements().values())
    scores = _scores(face, reading, seen)
    scores[scores < CONFIDENT] = 0.0
    while True:
        pairs = best_pairs(scores)
        losers = _twice_claimed(pairs, scores)
        if not losers:
            break
        scores[:, losers] = 0.0  # and what is left finds its next best movement
    alike = np.zeros_like(scores) if seen is None else seen.likeness
    return [Match(key, known[m], float(scores[key, m]), float(alike[key, m])) for key, m in pairs]


def _twice_claimed(pairs: Sequence[tuple[int, int]], scores: Array) -> list[int]:
    """Movements of pairs that claim what a better pair claims; sides apart go before both at once."""
    known = list(movements().values())
    worth = {
        movement: scores[key, movement] * (_BOTH_AT_ONCE if len(known[movement].gains) > 1 else 1.0)
        for key, movement in pairs
    }
    claimed: set[tuple[str, str]] = set()
    losers = []
    for movement in sorted(worth, key=lambda one: -worth[one]):
        if known[movement].claims.isdisjoint(claimed):
            claimed |= known[movement].claims
        else:
            losers.append(movement)
    return losers


def _scores(face: Face, reading: Reading, seen: Seen | None) -> Array:
    """float64 [K, M], confidence 0..1 that a key makes a movement."""
    names = list(movements())
    said = np.zeros((len(face.names), len(names)))
    for name, (movement, sure) in reading.movements.items():
        said[face.names.index(name), names.index(movement)] = sure
    sounds = {name for one in reading.visemes for name in one.recipes} | reading.others
    animatable = np.array(
        [bool(places) and name not in sounds for name, places in zip(face.names, face.places, strict=True)]
    )
    if seen is None:
        return np.asarray(said * 0.5 * animatable[:, None])
    agreement = 0.4 + 0.6 * np.clip((seen.likeness + 0.1) / 0.6, 0.0, 1.0)
    moving = seen.peaks_mm > 0
    agreement[~moving] = 0.3
    alone = 0.8 * np.clip((seen.likeness - 0.3) / 0.7, 0.0, 1.0) * _usual(seen)
    scores: Array = (1 - (1 - said * agreement) * (1 - alone)) * animatable[:, None]
    return scores


def _usual(seen: Seen) -> Array:
    """float64 [K, M], 1 where a key moves as far as a usual movement does, less elsewhere."""
    _, peaks = rig_geometry.movement_fields()
    ratio = np.log2(np.maximum(seen.peaks_mm, 1e-3)[:, None] / peaks)
    usual = np.array([movement.usual for movement in movements().values()])
    return np.asarray(np.exp(-0.5 * (ratio / 2.5) ** 2) * usual)
