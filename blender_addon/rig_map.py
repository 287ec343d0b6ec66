"""What follows which channel on a character of the scene.

A character is a mesh object, or an armature, and what belongs to it: its children, the armature that deforms
it and the meshes on that armature (eyes, teeth, tongue, brows, lashes are often objects of their own). Its
rig map is what its rows say (`rig_rows`); without rows it is found anew.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import bpy

from ..inference.channels import ARKIT_52
from ..inference.errors import RigError
from ..inference.names import match_channels
from ..inference.types import RigMap
from . import rig_drivers, rig_eyes, rig_rows, rig_store
from .rig_family import below
from .rig_mesh import driven_keys
from .rig_read import read_source

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ..inference.types import RigTarget

DOUBTFUL = 0.5
"""Matches below this confidence want a look."""
_found: OrderedDict[Hashable, tuple[RigMap, tuple[str, ...]]] = OrderedDict()
"""Maps that were found, by what the character looked like: drawing the panel must not match again."""
_FOUND_MAX = 16


@dataclass(frozen=True)
class Character:
    """A target and its parts, matched to the channels."""

    name: str
    """Name of the target object."""
    maps: tuple[RigMap, ...]
    """Targets name the object that owns what they move."""
    unmatched: tuple[str, ...]
    """Channels that move nothing on any part."""
    notices: tuple[str, ...] = ()
    """What the user should know, one sentence each."""


def refusal(target: bpy.types.Object | None) -> RigError | None:
    """Why an object cannot be driven at all, or None."""
    if target is None:
        return RigError(
            "No target mesh is chosen",
            "Choose the mesh that carries the face shape keys, or add one with Add > Mesh > Soliloquy Head",
        )
    if target.type not in ("MESH", "ARMATURE"):
        return RigError(f'"{target.name}" is not a mesh', "Choose the mesh that carries the face shape keys")
    if target.type == "ARMATURE":
        return None if target.is_editable else _linked(target, target)
    keys = target.data.shape_keys
    if keys is None or len(keys.key_blocks) < 2:
        if any(True for _ in armatures_of(target)):
            return None
        return RigError(
            f'"{target.name}" has no shape keys',
            "Choose a mesh with ARKit shape keys, or add one with Add > Mesh > Soliloquy Head",
        )
    return _uneditable(target, keys)


def _uneditable(part: bpy.types.Object, keys: bpy.types.Key) -> RigError | None:
    if not keys.is_editable:
        return _linked(part, keys)
    if keys.animation_data is not None and keys.animation_data.use_tweak_mode:
        return RigError(
            f'An NLA strip of "{part.name}" is being edited',
            "Press its layer below Edit again, or Tab in the NLA",
        )
    return None


def _linked(target: bpy.types.Object, data: bpy.types.ID) -> RigError:
    library = data.library or target.library
    origin = f" from {library.filepath}" if library is not None else ""
    moved = "bones" if target.type == "ARMATURE" else "shape keys"
    return RigError(
        f'The {moved} of "{target.name}" are linked{origin} and cannot be animated here',
        "Press Make Override below the target, or in the Outliner make a library override of the object "
        "and then of its mesh data (right click > Library Override > Make)",
    )


def read_character(target: bpy.types.Object, include_parts: bool = True) -> Character:
    """The rig map of a target and what belongs to it, as far as it can be animated.

    Raises:
        RigError: the target cannot be driven, or nothing of it follows a channel.
    """
    error = refusal(target)
    if error is not None:
        raise error
    found, notices = _wanted(target, include_parts)
    free, more = _animatable(found)
    if not (free.targets or free.solved):
        raise no_match(target, (*notices, *more))
    return Character(target.name, (free,), free.unmatched, (*notices, *more))


def _wanted(target: bpy.types.Object, include_parts: bool) -> tuple[RigMap, tuple[str, ...]]:
    if rig_rows.present(target):
        return rig_rows.rig_map(target)
    state, _ = _look(target, include_parts)
    find_map(target, include_parts)
    return _found[state]


def wanted_map(target: bpy.types.Object, include_parts: bool = True) -> RigMap:
    """What the rows say, or without rows what is found; also what cannot be animated here."""
    return _wanted(target, include_parts)[0]


def find_map(target: bpy.types.Object, include_parts: bool = True, basis: Path | None = None) -> RigMap:
    """Match a character anew, by names and by what its keys move; remembered until it looks different.

    Args:
        basis: file that says what the numbered keys of a 3DMM mean, see `rig_basis.read_basis`.

    Raises:
        RigError: the basis file cannot be read.
    """
    state, parts = _look(target, include_parts)
    if basis is not None:
        return _match(parts, basis)[0]
    if state not in _found:
        _found[state] = _match(parts, None)
        while len(_found) > _FOUND_MAX:
            _found.popitem(last=False)
    return _found[state][0]


def map_anew(target: bpy.types.Object, include_parts: bool = True) -> None:
    """Match a character by all that it is now; its rows say so, but for those that the user edited.

    Raises:
        RigError: nothing of it follows a channel; nothing was changed.
    """
    forget()
    found = find_map(target, include_parts)
    if not (found.targets or found.solved):
        raise no_match(target)
    rig_store.store(target, found, keep_by_hand=True)


@dataclass(frozen=True)
class _Parts:
    """The objects of a character."""

    meshes: tuple[bpy.types.Object, ...]
    armatures: tuple[bpy.types.Object, ...]
    eyes: tuple[bpy.types.Object, ...]


def _match(parts: _Parts, basis: Path | None) -> tuple[RigMap, tuple[str, ...]]:
    """The map, and what should be known about it."""
    # Matching is needed only here: Blender starts faster without it.
    from ..inference.rig_basis import read_basis
    from ..inference.rig_match import map_rig

    keyed = [part for part in parts.meshes if part.data.shape_keys is not None]
    handles = {part.name: rig_drivers.handles(part) for part in keyed}
    source = read_source(parts.meshes, parts.armatures, handles, parts.eyes)
    found = map_rig(source, read_basis(basis) if basis is not None else None)
    targets = tuple(_in_units(_through_drivers(one, handles)) for one in found.targets)
    notices = tuple(_left_to_drivers(part, handles[part.name]) for part in keyed)
    return replace(found, targets=targets), tuple(notice for notice in notices if notice)


def forget() -> None:
    """Look at the vertices again, even where a character looks the same."""
    _found.clear()


def coverage(target: bpy.types.Object) -> tuple[int, int]:
    """How many of the channels the rows of a character follow, and how many there are."""
    return len(ARKIT_52) - len(rig_rows.rig_map(target)[0].unmatched), len(ARKIT_52)


def is_matched(target: bpy.types.Object, include_parts: bool = True) -> bool:
    """Whether `read_character` answers at once: only then may it be asked while drawing."""
    return bool(rig_rows.present(target)) or _look(target, include_parts)[0] in _found


def _look(target: bpy.types.Object, include_parts: bool) -> tuple[Hashable, _Parts]:
    """What a match depends on, and the objects of a character."""
    meshes = [target] if target.type == "MESH" else []
    meshes += parts_of(target) if include_parts else ()
    eyes = rig_eyes.eyes_of(target) if include_parts else ()
    parts = _Parts(tuple(meshes), tuple(armatures_of(target)), tuple(eyes))
    balls = tuple((eye.name, eye.session_uid, eye.rotation_mode) for eye in parts.eyes)
    return (*map(_state, (*meshes, *parts.armatures)), balls), parts


def _state(part: bpy.types.Object) -> Hashable:
    """What a match depends on, without looking at every vertex."""
    data = part.data
    if part.type == "ARMATURE":
        bones = tuple((bone.name, bone.rotation_mode) for bone in part.pose.bones)
        return part.name, part.session_uid, data.session_uid, bones
    keys = data.shape_keys
    blocks = tuple(keys.key_blocks.keys()) if keys is not None else ()
    driven = driven_keys(keys) if keys is not None else frozenset()
    return part.name, part.session_uid, data.session_uid, len(data.vertices), blocks, driven


def _through_drivers(target: RigTarget, handles: Mapping[str, Mapping[str, rig_drivers.Handle]]) -> RigTarget:
    """A target on a driven key becomes one on the property that drives it."""
    of_part = handles.get(target.object) if target.kind == "SHAPE_KEY" else None
    name = rig_rows.key_name(target.data_path) if of_part else ""
    return of_part[name].follow(target) if of_part and name in of_part else target


def _in_units(target: RigTarget) -> RigTarget:
    """A shift of a bone in its armature's own unit of length: an FBX often comes at a scale of 0.01."""
    if target.kind != "BONE" or target.rotates:
        return target
    return replace(
        target, gain=target.gain / (bpy.data.objects[target.object].matrix_world.median_scale or 1.0)
    )


def _left_to_drivers(part: bpy.types.Object, handles: Mapping[str, rig_drivers.Handle]) -> str:
    """A sentence about driven keys that mean a channel but no property moves; empty without such keys."""
    driven = driven_keys(part.data.shape_keys) - handles.keys()
    meant = sum(map(len, match_channels(driven).values()))
    return f'{meant} shape keys of "{part.name}" follow drivers and were left to them' if meant else ""


def _animatable(found: RigMap) -> tuple[RigMap, tuple[str, ...]]:
    """The map without what cannot be keyed here, and a sentence for each object that is left out."""
    names = dict.fromkeys([t.object for t in found.targets] + [s.object for s in found.solved])
    names |= dict.fromkeys(name for one in found.solved for name, *_ in (*one.copies, *one.mixed))
    parts = {name: bpy.data.objects.get((name, None)) for name in names}
    reasons = {name: _closed(part, name) for name, part in parts.items()}
    driven = {name: _driven_paths(part) for name, part in parts.items()}
    targets = [t for t in found.targets if not reasons[t.object]]
    free = [t for t in targets if t.kind != "SHAPE_KEY" or t.data_path not in driven[t.object]]
    solved = [
        replace(
            one,
            copies=tuple(copy for copy in one.copies if not reasons[copy[0]]),
            mixed=tuple(key for key in one.mixed if not reasons[key[0]]),
        )
        for one in found.solved
        if not reasons[one.object]
    ]
    notices = [reason for reason in reasons.values() if reason]
    if len(free) < len(targets):
        left = len(targets) - len(free)
        notices.append(f"{left} shape keys of the rig map follow drivers and were left to them")
    moved = {t.channel for t in free}.union(*(one.channels for one in solved))
    unmatched = tuple(c for c in ARKIT_52 if c not in moved or c in found.unmatched)
    return RigMap(tuple(free), tuple(solved), unmatched), tuple(notices)


def _closed(part: bpy.types.Object | None, name: str) -> str:
    """Why nothing of an object can be keyed, as a sentence; empty when it can."""
    if part is None:
        return f'"{name}" of the rig map is not in this file any more'
    keys = part.data.shape_keys if part.type == "MESH" else None
    error = _uneditable(part, keys) if keys is not None else None
    if error is None and keys is None and not part.is_editable:
        error = _linked(part, part)
    return f'"{name}" was left as it is. {error}' if error is not None else ""


def _driven_paths(part: bpy.types.Object | None) -> frozenset[str]:
    keys = part.data.shape_keys if part is not None and part.type == "MESH" else None
    drivers = keys.animation_data.drivers if keys is not None and keys.animation_data is not None else ()
    return frozenset(driver.data_path for driver in drivers)


def no_match(target: bpy.types.Object, notices: Sequence[str] = ()) -> RigError:
    """What to say where nothing follows a channel."""
    keys = target.data.shape_keys if target.type == "MESH" else None
    names = [block.name for block in keys.key_blocks[1:4]] if keys is not None else []
    named = f" (its shape keys are named {', '.join(names)}, ...)" if names else ""
    why = f" ({notices[0]})" if notices else named
    return RigError(
        f'Nothing of "{target.name}" was found to follow a channel{why}',
        "Add rows below Rig for what should move, or name the shape keys as ARKit does, for example jawOpen",
    )


def parts_of(target: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """Meshes with shape keys that belong to a target: its children, and all meshes on its armature."""
    related = dict.fromkeys(below(target))
    for armature in armatures_of(target):
        related |= dict.fromkeys(below(armature))
    for part in related:
        if part != target and part.type == "MESH" and part.data.shape_keys is not None:
            yield part


def armatures_of(target: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """Armatures that move a target: itself, its parents, those of its modifiers."""
    found = [target, target.parent]
    found += [modifier.object for modifier in target.modifiers if modifier.type == "ARMATURE"]
    for one in dict.fromkeys(found):
        if one is not None and one.type == "ARMATURE":
            yield one
