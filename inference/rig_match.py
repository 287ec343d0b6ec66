"""Any face to a rig map: names and what keys move, scored together; bones and properties beside keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .channels import ARKIT_52
from .retarget import shape_key_path
from .rig_bones import bone_targets
from .rig_face import Face, Match, look, match_keys, seen_from_the_front
from .rig_groups import grouped, ungrouped, used_groups
from .rig_movements import movements
from .rig_names import read_names
from .rig_solved import solve_basis, solve_for
from .types import RigMap, RigTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .rig_basis import Basis
    from .rig_source import Property, RigSource


_SURE: Final = 0.8
"""Names of properties less sure than this are not followed."""


def map_rig(source: RigSource, basis: Basis | None = None) -> RigMap:
    """Map a character: shape keys by name and by what they move, bones, custom properties.

    Args:
        basis: for a mesh with numbered keys (the coefficients of a 3DMM), what they mean; without it that is
            measured on the mesh.

    Returns:
        The map. Targets come in the order of the channels; every match has a confidence 0..1. Channels that
        nothing was found for are `unmatched`. A character without a face gives a map without targets.
    """
    groups = used_groups(source)
    if groups:
        return ungrouped(_map(grouped(source, groups), basis), groups)
    return _map(source, basis)


def _map(source: RigSource, basis: Basis | None) -> RigMap:
    face = Face.of(source.key_sets)
    reading = read_names(face.names)
    seen = look(face, reading)
    reading = seen_from_the_front(face, reading, seen)
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


def _key_targets(face: Face, match: Match) -> list[RigTarget]:
    return [
        RigTarget(
            channel, object_name, shape_key_path(name), gain=gain, confidence=round(match.confidence, 3)
        )
        for object_name, name in face.places[match.key]
        for channel, gain in match.movement.gains
    ]


def _property_targets(properties: Sequence[Property], driven: frozenset[str]) -> list[RigTarget]:
    """Custom properties that mean a channel which no key follows, by their names or what else is said."""
    known, targets = movements(), []
    for one, movement, sure in _meant(properties):
        span = one.maximum - one.default
        for channel, gain in known[movement].gains:
            if channel not in driven:
                confidence, path = 0.9 * sure, one.data_path
                targets.append(
                    RigTarget(
                        channel, one.object, path, 0, gain * span, one.default * gain, confidence, "PROPERTY"
                    )
                )
    return targets


def _meant(properties: Sequence[Property]) -> list[tuple[Property, str, float]]:
    """Properties with the movement that each makes and how sure that is; no two make the same."""
    found: dict[str, tuple[Property, str, float]] = {}
    named = read_names(tuple(dict.fromkeys(one.name for one in properties))).movements
    texts = {text: one for one in reversed(properties) if one.name not in named for text in one.also}
    described = read_names(tuple(texts)).movements
    for one in sorted(properties, key=lambda one: one.name not in named):
        for text, reading in ((one.name, named), *((text, described) for text in one.also)):
            movement, sure = reading.get(text, ("", 0.0))
            if movement and sure >= _SURE:
                found.setdefault(movement, (one, movement, sure))
                break
    return list(found.values())
