"""Keys that follow no single channel (visemes, units of another system, a 3DMM): how they share the channels.

They are solved for, frame by frame (`rig_solve`). What they move is known from their names (recipes of ARKit
weights in `rigs/*.json`) or measured on the mesh. Either way it is compared with what the channels move on
the reference head: displacements all over the lower face, and for named sounds how far the lips open and
widen.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from . import rig_geometry
from .channels import ARKIT_52, JAW, LIPS
from .lip_basis import CHANNELS_MM
from .rig_names import presets
from .rig_solve import reproduction
from .types import SolvedKeys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .rig_movements import Movement
    from .types import FloatArray

    Array = NDArray[np.float64]

LOWER_FACE: Final = (*JAW, *LIPS)
"""Channels that visemes are made of."""
_TOP_MM, _BLEND_MM = 88.0, 6.0
_POSES_OF: Final = "Oculus"
_LIPS_COUNT: Final = 4.0
"""Opening and width count so many times as much as all the rest: with less, closed lips of spoken lines stay
1 to 2 mm apart; with more nothing is gained."""
REPRODUCED: Final = 0.25
"""A channel counts as driven when at least this share of its movement is reproduced."""


@dataclass(frozen=True)
class Space:
    """Where movements are compared: W W', and what carries a field into the space."""

    channels: tuple[str, ...]
    effects: FloatArray
    """float32 [C, D], what every channel moves, W."""


@cache
def named_space() -> Space:
    """The lower face, with how far the lips open and widen on top."""
    fields = _flat(_channel_fields(LOWER_FACE), lower_face=True)
    lips = np.array([CHANNELS_MM.get(channel, (0.0, 0.0)) for channel in LOWER_FACE], np.float32)
    balance = np.sqrt(np.square(fields).sum() / np.square(lips).sum())
    return Space(
        LOWER_FACE, np.concatenate([fields, lips * balance * _LIPS_COUNT], axis=1).astype(np.float32)
    )


@cache
def measured_space(whole_face: bool) -> Space:
    """The lower face, or the whole one, as displacements in millimetres."""
    channels = ARKIT_52 if whole_face else LOWER_FACE
    return Space(channels, _flat(_channel_fields(channels), lower_face=not whole_face))


def _channel_fields(channels: Sequence[str]) -> FloatArray:
    values = rig_geometry.reference().fields.values
    return values[[ARKIT_52.index(channel) for channel in channels]]


def _flat(values: FloatArray, lower_face: bool, covered: FloatArray | None = None) -> FloatArray:
    """float32 [N, D], fields with what is outside the compared region weighted away."""
    weight = rig_geometry.reference().fields.covered
    if covered is not None:
        weight = weight * covered
    if lower_face:
        weight = weight / (1 + np.exp((rig_geometry.GRID_Z - _TOP_MM) / _BLEND_MM))[:, None]
    return np.asarray((values * np.sqrt(weight)).reshape(len(values), -1), np.float32)


@cache
def speech_poses() -> FloatArray:
    """float32 [N, C], what speech needs of LOWER_FACE: the recipes of the sounds of one full set."""
    preset = next(preset for preset in presets() if preset.title.startswith(_POSES_OF))
    sounds = {id(recipe): recipe for recipe in preset.visemes.values() if recipe}
    return np.array([[recipe.get(c, 0.0) for c in LOWER_FACE] for recipe in sounds.values()], np.float32)


def direct_share(channels: frozenset[str]) -> float:
    """0..1, how much of speech single channels show: those of `LOWER_FACE` that have a key or bone."""
    space, poses = named_space(), speech_poses()
    missing = poses * np.array([c not in channels for c in space.channels], np.float32)
    lost = np.square(missing @ space.effects).sum(axis=1)
    return float(np.clip(1 - lost / np.square(poses @ space.effects).sum(axis=1), 0, 1).mean())


@dataclass(frozen=True)
class KeyShapes:
    """Keys to be solved for, and what they move: `effects` float32 [K, D] in the space."""

    keys: tuple[int, ...]
    effects: FloatArray
    space: Space
    open_mm: FloatArray | None = None
    """float32 [K], by how much they part the lips at weight 1, where that is known."""


def named_shapes(recipes: Mapping[int, Mapping[str, float]], direct: Mapping[int, Movement]) -> KeyShapes:
    """Keys that are sounds by name, with keys that make one movement of the lower face beside them.

    Args:
        recipes: ARKit weights by number of key.
        direct: movement by number of key.
    """
    space = named_space()
    rows = {key: dict(recipe) for key, recipe in recipes.items()}
    for key, movement in direct.items():
        rows[key] = {channel: 1.0 for channel, _ in movement.gains}
    weights = np.array([[row.get(c, 0.0) for c in space.channels] for row in rows.values()], np.float32)
    return KeyShapes(tuple(rows), weights @ space.effects, space, weights @ _open_mm(space.channels))


def _open_mm(channels: Sequence[str]) -> FloatArray:
    return np.array([CHANNELS_MM.get(channel, (0.0, 0.0))[0] for channel in channels], np.float32)


def measured_shapes(keys: Sequence[int], fields: rig_geometry.Fields, whole_face: bool) -> KeyShapes:
    """Keys by what they move on the mesh; `fields` in millimetres."""
    space = measured_space(whole_face)
    chosen = fields.values[np.asarray(keys, int)]
    return KeyShapes(tuple(keys), _flat(chosen, not whole_face, fields.covered), space)


def lower_face_share(fields: rig_geometry.Fields) -> Array:
    """float64 [K], 0..1, how much of what a key moves is on the lower face; 0 for keys that move nothing."""
    total = np.square(_flat(fields.values, False, fields.covered)).sum(axis=1, dtype=np.float64)
    lower = np.square(_flat(fields.values, True, fields.covered)).sum(axis=1, dtype=np.float64)
    return np.asarray(lower / np.maximum(total, 1e-12))


def solvable(
    shapes: KeyShapes,
    places: Sequence[Sequence[tuple[str, str]]],
    bounds: tuple[float, float] = (0.0, 1.0),
    ridge: float = 0.01,
) -> SolvedKeys:
    """The least-squares problem of some keys.

    Args:
        places: (object, RNA path) of every part of each key of `shapes`, at least one each. Keys without a
            part on the mesh that has most of them are left out.
        bounds: lowest and highest weight of a key.
        ridge: see `SolvedKeys`; small where the keys are known exactly.
    """
    if not places or not all(places):
        raise ValueError("every solved key needs a place")
    main = Counter(object_name for of_key in places for object_name, _ in of_key).most_common(1)[0][0]
    here = [k for k, of_key in enumerate(places) if any(object_name == main for object_name, _ in of_key)]
    first = [next(place for place in places[k] if place[0] == main) for k in here]
    copies = tuple(
        (object_name, path, i)
        for i, k in enumerate(here)
        for object_name, path in places[k]
        if (object_name, path) != first[i]
    )
    lips = shapes.open_mm
    effects = shapes.effects[here].astype(np.float64)
    goals = shapes.space.effects.astype(np.float64)
    return SolvedKeys(
        main,
        tuple(path for _, path in first),
        shapes.space.channels,
        (effects @ effects.T).astype(np.float32),
        (goals @ effects.T).astype(np.float32),
        minimum=bounds[0],
        maximum=bounds[1],
        ridge=ridge,
        channels_open_mm=() if lips is None else tuple(_open_mm(shapes.space.channels).tolist()),
        keys_open_mm=() if lips is None else tuple(lips[here].tolist()),
        copies=copies,
    )


def speech_share(solved: SolvedKeys, space: Space) -> float:
    """0..1, how much of speech solved keys show."""
    poses = np.zeros((len(speech_poses()), len(space.channels)), np.float32)
    for i, channel in enumerate(LOWER_FACE):
        if channel in space.channels:
            poses[:, space.channels.index(channel)] = speech_poses()[:, i]
    return float(reproduction(solved, poses, _energy(poses, space)).mean())


def channel_shares(solved: SolvedKeys, space: Space) -> dict[str, float]:
    """0..1 for every channel, how much of its movement solved keys show."""
    poses = np.eye(len(space.channels), dtype=np.float32)
    shares = reproduction(solved, poses, _energy(poses, space))
    return dict(zip(space.channels, shares.tolist(), strict=True))


def _energy(poses: FloatArray, space: Space) -> FloatArray:
    return np.asarray(np.square(poses @ space.effects).sum(axis=1), np.float32)
