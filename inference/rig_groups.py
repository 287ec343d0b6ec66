"""Expressions of a VRM: several keys that move together under one name, each by its own share.

A group counts where its name says more than the names of its keys do: "A" of two keys `face_12` and
`face_13` is one key for the matching, and both are keyed. Groups of keys that have ARKit's names are left
alone, and so are names that mean no movement of speech or gaze, such as Joy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from .retarget import shape_key_path
from .rig_names import read_names
from .rig_source import KeyGroup, KeySet, RigSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import RigMap, RigTarget, SolvedKeys

    Shares = dict[tuple[str, str], tuple[tuple[str, float], ...]]
    """(path, share) of the keys of a group, by object and by what would be the path of the group."""

_SURE: Final = 0.8
"""Names at least this likely mean what they say."""


def used_groups(source: RigSource) -> tuple[KeyGroup, ...]:
    """The groups that stand for their keys."""
    there = {(keys.object, name) for keys in source.key_sets for name in keys.names}
    groups = [
        replace(group, binds=tuple(bind for bind in group.binds if bind[:2] in there))
        for group in source.groups
    ]
    groups = [group for group in groups if group.binds]
    own = read_names(tuple(dict.fromkeys(name for _, name in there)))
    plain = {name for name, (_, sure) in own.movements.items() if sure >= _SURE}
    sounds = {name for one in own.visemes for name in one.recipes}
    meant = read_names(tuple(dict.fromkeys(group.name for group in groups)))
    said = {name for one in meant.visemes for name in one.recipes}
    moves = {name for name, (_, sure) in meant.movements.items() if sure >= _SURE}

    def tells_more(group: KeyGroup, known: set[str]) -> bool:
        names = {name for _, name, _ in group.binds}
        is_known = names <= known if len(names) == 1 else names <= plain
        return not is_known

    visemes = [group for group in groups if group.name in said]
    if not any(tells_more(group, sounds | plain) for group in visemes):
        visemes = []  # all of them or none: a set with gaps is none
    others = [group for group in groups if group.name in moves and tells_more(group, plain)]
    return (*visemes, *others)


def grouped(source: RigSource, groups: Sequence[KeyGroup]) -> RigSource:
    """The source with one key in place of those that a group moves; keys with ARKit's names stay as well."""
    names = tuple({name: None for keys in source.key_sets for name in keys.names})
    plain = {name for name, (_, sure) in read_names(names).movements.items() if sure >= _SURE}
    return replace(source, key_sets=tuple(_with_groups(keys, groups, plain) for keys in source.key_sets))


def _with_groups(keys: KeySet, groups: Sequence[KeyGroup], plain: set[str]) -> KeySet:
    mine = {
        group.name: [(name, share) for owner, name, share in group.binds if owner == keys.object]
        for group in groups
    }
    mine = {name: binds for name, binds in mine.items() if binds}
    hidden = {key for binds in mine.values() for key, _ in binds} - plain | mine.keys()
    kept = [i for i, name in enumerate(keys.names) if name not in hidden]
    number = {name: i for i, name in enumerate(keys.names)}
    summed = []
    for binds in mine.values():
        moved = np.zeros_like(keys.points)
        for key, share in binds:
            indices, offsets = keys.deltas[number[key]]
            moved[indices] += np.float32(share) * offsets
        where = np.flatnonzero(np.abs(moved).max(axis=1) > 0.0).astype(np.int32)
        summed.append((where, moved[where]))
    return replace(
        keys,
        names=(*(keys.names[i] for i in kept), *mine),
        deltas=(*(keys.deltas[i] for i in kept), *summed),
    )


def ungrouped(found: RigMap, groups: Sequence[KeyGroup]) -> RigMap:
    """The map with the keys of each group in place of the group."""
    shares: Shares = {}
    for group in groups:
        for owner, name, share in group.binds:
            at = owner, shape_key_path(group.name)
            shares[at] = (*shares.get(at, ()), (shape_key_path(name), share))
    targets = tuple(one for target in found.targets for one in _keys_of(target, shares))
    return replace(found, targets=targets, solved=tuple(_solved(one, shares) for one in found.solved))


def _keys_of(target: RigTarget, shares: Shares) -> list[RigTarget]:
    keys = shares.get((target.object, target.data_path), ()) if target.kind == "SHAPE_KEY" else ()
    return [replace(target, data_path=path, gain=target.gain * share) for path, share in keys] or [target]


def _solved(solved: SolvedKeys, shares: Shares) -> SolvedKeys:
    places = [*((solved.object, path, k) for k, path in enumerate(solved.data_paths)), *solved.copies]
    if not any((owner, path) in shares for owner, path, _ in places):
        return solved
    mixed = tuple(
        (owner, key, k, share)
        for owner, path, k in places
        for key, share in shares.get((owner, path), ((path, 1.0),))
    )
    first = [shares.get((solved.object, path), ((path, 1.0),))[0][0] for path in solved.data_paths]
    return replace(solved, data_paths=tuple(first), copies=(), mixed=mixed)
