"""Rows of a character's table to a rig map for the runtime, and back."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import bpy

from ..inference.channels import ARKIT_52
from ..inference.errors import RigError
from ..inference.retarget import shape_key_path
from ..inference.rig_bones import bone_path
from ..inference.rig_json import from_json, to_json
from ..inference.types import OBJECT_TURN, RigMap, RigTarget, SolvedKeys
from .rig_properties import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .rig_properties import SoliloquyRigRow

_NAMED = {
    "SHAPE_KEY": re.compile(r'key_blocks\["((?:[^"\\]|\\.)+)"\]\.value', re.DOTALL),
    "BONE": re.compile(r'pose\.bones\["((?:[^"\\]|\\.)+)"\](\.location)?', re.DOTALL),
}


def rig_map(owner: bpy.types.Object) -> tuple[RigMap, tuple[str, ...]]:
    """The map that a character's rows are.

    Returns:
        The map, without rows that are off or point to nothing; and what the user should know.
    """
    targets, solved, lost = [], [], []
    followed: set[str] = set()
    for row in owner.soliloquy_rig.rows:
        if not row.enabled:
            continue
        if problem(row, owner):
            lost.append(label(row))
        elif row.kind == "SOLVED":
            solved.append(_solved(row, owner))
            followed |= {*solved[-1].channels} - {*_packed(row.solved).unmatched}
        else:
            targets.append(_target(row, owner))
    followed |= {t.channel for t in targets if t.gain}
    unmatched = tuple(channel for channel in ARKIT_52 if channel not in followed)
    notices = []
    if lost:
        notices.append(f"{len(lost)} rows of the rig map point to nothing any more, such as {lost[0]}")
    return RigMap(tuple(targets), tuple(solved), unmatched), tuple(notices)


def problem(row: SoliloquyRigRow, owner: bpy.types.Object) -> str:
    """Why a row moves nothing; empty when it does."""
    held_by = row.object or owner
    keys = held_by.data.shape_keys if held_by.type == "MESH" else None
    if row.kind == "SOLVED":
        paths = _unpacked(row.solved).data_paths if row.solved else ()
        missing = [path for path in paths if keys is None or _resolves(keys, path) is None]
        return f'"{held_by.name}" lost {len(missing)} of these shape keys' if missing or not paths else ""
    if row.channel not in CHANNELS:
        return f'There is no channel "{row.channel}"'
    if row.kind == "SHAPE_KEY":
        found = keys is not None and row.item in keys.key_blocks
        return "" if found else f'"{held_by.name}" has no shape key "{row.item}"'
    if row.kind == "BONE":
        found = held_by.type == "ARMATURE" and row.item in held_by.pose.bones
        if found and row.motion == "ROTATION" and not any(row.axis):
            return "The axis of the turn has no direction"
        return "" if found else f'"{held_by.name}" has no bone "{row.item}"'
    if row.kind == "OBJECT":
        if held_by.rotation_mode == "AXIS_ANGLE":
            return f'"{held_by.name}" turns by axis and angle; choose another rotation mode for it'
        return "" if any(row.axis) else "The axis of the turn has no direction"
    value = _resolves(held_by, row.data_path)
    found = isinstance(value, float | int) or (hasattr(value, "__len__") and row.index < len(value))
    return "" if found and not isinstance(value, str) else f'"{held_by.name}" has no property {row.data_path}'


def label(row: SoliloquyRigRow) -> str:
    """What a row moves, as the table names it."""
    if row.kind == "SOLVED":
        count = len(_unpacked(row.solved).data_paths) if row.solved else 0
        return f"{count} keys"
    if row.kind == "OBJECT":
        return (row.object or row.id_data).name
    return row.data_path if row.kind == "PROPERTY" else row.item


def key_name(path: str) -> str:
    """The shape key that a path below a Key datablock names; empty for another path."""
    match = _NAMED["SHAPE_KEY"].fullmatch(path)
    return bpy.utils.unescape_identifier(match[1]) if match else ""


def key_names(row: SoliloquyRigRow) -> list[str]:
    """Names of the shape keys of a solved row."""
    return [key_name(path) for path in _unpacked(row.solved).data_paths] if row.solved else []


def store(owner: bpy.types.Object, found: RigMap, keep_by_hand: bool) -> None:
    """Make a character's rows say what a map says. Hold `edit_live` meanwhile: every value is a change.

    Args:
        keep_by_hand: rows that the user edited stay, in place of what the map says about the same thing.

    Raises:
        RigError: the map names an object that is not there, or a path that cannot be a row; nothing was
            changed. Or the rows come with the file that an override's character is linked from.
    """
    ready = [_Values.of_target(t) for t in found.targets] + [
        _Values.of_solved(s, found.unmatched) for s in found.solved
    ]
    rows = owner.soliloquy_rig.rows
    kept = [i for i, row in enumerate(rows) if keep_by_hand and row.by_hand]
    places = {_place(rows[i], owner) for i in kept}
    try:
        for i in reversed(range(len(rows))):
            if i not in kept:
                rows.remove(i)
    except TypeError as error:  # an override's rows that come with its library
        raise RigError(
            f'The map of "{owner.name}" comes with the file that the character is linked from',
            "Map it in that file, or change single rows here",
        ) from error
    for values in ready:
        if values.place not in places:
            values.write(add(owner), owner)
    _sort(rows)
    owner.soliloquy_rig.active = 0


def add(owner: bpy.types.Object) -> SoliloquyRigRow:
    """A new last row. Its name is its own: only so are the rows of a linked character kept apart."""
    rows = owner.soliloquy_rig.rows
    name = str(1 + max((int(row.name) for row in rows if row.name.isdigit()), default=0))
    row = rows.add()
    row.name = name
    return row


def _sort(rows: bpy.types.bpy_prop_collection) -> None:
    order = {channel: i for i, channel in enumerate(CHANNELS)}
    wanted = sorted(
        range(len(rows)), key=lambda i: (rows[i].kind == "SOLVED", order.get(rows[i].channel, 99))
    )
    for to, row in enumerate(wanted):
        if row != to:
            rows.move(row, to)
            wanted[to + 1 :] = [i + 1 if to <= i < row else i for i in wanted[to + 1 :]]


def unused(rows: Iterable[SoliloquyRigRow]) -> Iterator[str]:
    """Channels that no row that is on follows."""
    taken = {row.channel for row in rows if row.enabled}
    return (channel for channel in CHANNELS if channel not in taken)


def fitted(found: RigMap, owner: bpy.types.Object, armatures: Iterable[bpy.types.Object]) -> RigMap:
    """A map of a file for a character whose objects have other names.

    A name that no object has becomes the character's own where it can mean nothing else: the only mesh, the
    only armature.

    Raises:
        RigError: nothing in the map is on this character.
    """
    targets = list(found.targets)
    strange = [
        {
            t.object
            for t in targets
            if t.kind != "OBJECT" and (t.kind == "BONE") == is_bone and t.object not in bpy.data.objects
        }
        | ({s.object for s in found.solved if s.object not in bpy.data.objects} if not is_bone else set())
        for is_bone in (False, True)
    ]
    rigs = list(armatures)
    renamed = dict.fromkeys(strange[0], owner.name) if len(strange[0]) == 1 else {}
    renamed |= dict.fromkeys(strange[1], rigs[0].name) if len(strange[1]) == 1 and rigs else {}
    made = replace(
        found,
        targets=tuple(replace(t, object=renamed.get(t.object, t.object)) for t in targets),
        solved=tuple(
            replace(
                s,
                object=renamed.get(s.object, s.object),
                copies=tuple((renamed.get(name, name), path, k) for name, path, k in s.copies),
                mixed=tuple((renamed.get(name, name), *rest) for name, *rest in s.mixed),
            )
            for s in found.solved
        ),
    )
    if not any(_is_there(t.object, t.data_path, t.kind) for t in made.targets) and not any(
        _is_there(s.object, path) for s in made.solved for path in s.data_paths
    ):
        raise RigError(
            f'Nothing that the rig map names is on "{owner.name}"', "Load the map of this character"
        )
    return made


def _is_there(object_name: str, path: str, kind: str = "") -> bool:
    found = bpy.data.objects.get(object_name)
    if kind == "OBJECT":
        return found is not None
    keys = found.data.shape_keys if found is not None and found.type == "MESH" else None
    blocks = [block for block in (found, keys) if block is not None]
    return any(_resolves(block, path) is not None for block in blocks)


# --- rows to targets


def _target(row: SoliloquyRigRow, owner: bpy.types.Object) -> RigTarget:
    held_by = row.object or owner
    path, axis, mode = row.data_path, None, "QUATERNION"
    if row.kind == "SHAPE_KEY":
        path = shape_key_path(row.item)
    elif row.kind == "BONE":
        path = bone_path(row.item)
        if row.motion == "LOCATION":
            path += ".location"
        else:
            axis, mode = tuple(row.axis), held_by.pose.bones[row.item].rotation_mode
    elif row.kind == "OBJECT":
        path, axis, mode = OBJECT_TURN, tuple(row.axis), held_by.rotation_mode
    return RigTarget(
        row.channel,
        held_by.name,
        path,
        row.index if axis is None and row.kind != "SHAPE_KEY" else 0,
        row.gain,
        row.offset,
        row.confidence,
        row.kind,
        axis,
        mode,
    )


@lru_cache(maxsize=64)
def _packed(text: str) -> RigMap:
    """What a solved row keeps: a map of these keys alone, with the channels that they cannot reproduce."""
    return from_json(text)


def _unpacked(text: str) -> SolvedKeys:
    (solved,) = _packed(text).solved
    return solved


def _solved(row: SoliloquyRigRow, owner: bpy.types.Object) -> SolvedKeys:
    """The solved keys of a row, its gain worked in: x' = gain * x gives B' = B / gain."""
    solved, gain = _unpacked(row.solved), row.gain or 1e-6
    names = {part.name: part.object.name for part in row.parts if part.object is not None}
    copies = tuple((names[name], path, k) for name, path, k in solved.copies if name in names)
    names.setdefault(solved.object, (row.object or owner).name)
    mixed = tuple((names[name], *rest) for name, *rest in solved.mixed if name in names)
    return replace(
        solved,
        object=(row.object or owner).name,
        gram=solved.gram / gain**2,
        cross=solved.cross / gain,
        copies=copies,
        mixed=mixed,
    )


# --- targets to rows


class _Values:
    """What a row is going to be."""

    def __init__(
        self, place: tuple[object, ...], held_by: bpy.types.Object, values: dict[str, object]
    ) -> None:
        self.place = place
        self._held_by = held_by
        self._values = values
        self._parts: tuple[bpy.types.Object, ...] = ()

    @classmethod
    def of_target(cls, target: RigTarget) -> _Values:
        """Raises RigError where the target cannot be a row."""
        values = {name: getattr(target, name) for name in ("channel", "gain", "offset", "confidence", "kind")}
        values["index"] = target.index
        named = _NAMED.get(target.kind)
        if named is None:
            values["data_path"] = target.data_path
        else:
            match = named.fullmatch(target.data_path)
            if match is None:
                raise RigError(
                    f"The rig map has a path that is none of a {target.kind.lower().replace('_', ' ')}: "
                    f"{target.data_path}",
                    "Correct the file, or save the map again",
                )
            values["item"] = bpy.utils.unescape_identifier(match[1])
            if target.kind == "BONE":
                values["motion"] = "ROTATION" if target.rotates else "LOCATION"
        if target.axis is not None:
            values["axis"] = target.axis
        held_by = _object(target.object)
        place = (target.channel, held_by.name, target.data_path, target.index)
        return cls(place, held_by, values)

    @classmethod
    def of_solved(cls, solved: SolvedKeys, unmatched: tuple[str, ...]) -> _Values:
        """Raises RigError where an object is not there."""
        held_by = _object(solved.object)
        text = to_json(RigMap((), (solved,), tuple(c for c in solved.channels if c in unmatched)))
        values = {"kind": "SOLVED", "confidence": solved.confidence, "solved": text}
        made = cls(("", held_by.name, solved.data_paths, 0), held_by, values)
        others = dict.fromkeys(name for name, *_ in (*solved.copies, *solved.mixed) if name != solved.object)
        made._parts = tuple(map(_object, others))
        return made

    def write(self, row: SoliloquyRigRow, owner: bpy.types.Object) -> None:
        """Fill a new row."""
        for name, value in self._values.items():
            setattr(row, name, value)
        row.object = self._held_by if self._held_by != owner else None
        for part in self._parts:
            added = row.parts.add()
            added.name, added.object = part.name, part
        row.by_hand = False


def _place(row: SoliloquyRigRow, owner: bpy.types.Object) -> tuple[object, ...]:
    held_by = row.object or owner
    if row.kind == "SOLVED":
        return "", held_by.name, _unpacked(row.solved).data_paths if row.solved else (), 0
    if problem(row, owner):
        return ()
    target = _target(row, owner)
    return target.channel, target.object, target.data_path, target.index


def _object(name: str) -> bpy.types.Object:
    found = bpy.data.objects.get((name, None)) or bpy.data.objects.get(name)
    if found is None:
        raise RigError(
            f'The rig map is for an object "{name}", which is not in this file',
            "Load the map of this character, or rename the object",
        )
    return found


def _resolves(owner: bpy.types.ID, path: str) -> object:
    try:
        return owner.path_resolve(path)
    except (ValueError, IndexError, TypeError):
        return None
