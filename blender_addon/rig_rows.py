"""Rows of a character's table to a rig map for the runtime; `rig_store` is the way back."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import bpy

from ..inference.channels import ARKIT_52
from ..inference.retarget import shape_key_path
from ..inference.rig_bones import bone_path
from ..inference.rig_json import from_json
from ..inference.types import OBJECT_TURN, RigMap, RigTarget, SolvedKeys
from .rig_properties import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .rig_properties import SoliloquyRigRow

NAMED = {
    "SHAPE_KEY": re.compile(r'key_blocks\["((?:[^"\\]|\\.)+)"\]\.value', re.DOTALL),
    "BONE": re.compile(r'pose\.bones\["((?:[^"\\]|\\.)+)"\](\.location)?', re.DOTALL),
}
"""Data paths of the kinds that are named, by kind; the first group is the name."""


def present(owner: bpy.types.Object) -> list[SoliloquyRigRow]:
    """The rows of a character, without those of its library that were taken out here."""
    return [row for row in owner.soliloquy_rig.rows if not row.removed]


def active(owner: bpy.types.Object) -> SoliloquyRigRow | None:
    """The row that is chosen in the table, or None."""
    rig = owner.soliloquy_rig
    row = rig.rows[rig.active] if 0 <= rig.active < len(rig.rows) else None
    return row if row is not None and not row.removed else None


def rig_map(owner: bpy.types.Object) -> tuple[RigMap, tuple[str, ...]]:
    """The map that a character's rows are.

    Returns:
        The map, without rows that are off or point to nothing; and what the user should know.
    """
    targets, solved, lost = [], [], []
    followed: set[str] = set()
    for row in present(owner):
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
        missing = [path for path in paths if keys is None or resolves(keys, path) is None]
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
    value = resolves(held_by, row.data_path)
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
    match = NAMED["SHAPE_KEY"].fullmatch(path)
    return bpy.utils.unescape_identifier(match[1]) if match else ""


def key_names(row: SoliloquyRigRow) -> list[str]:
    """Names of the shape keys of a solved row."""
    return [key_name(path) for path in _unpacked(row.solved).data_paths] if row.solved else []


def unused(rows: Iterable[SoliloquyRigRow]) -> Iterator[str]:
    """Channels that no row that is on follows."""
    taken = {row.channel for row in rows if row.enabled}
    return (channel for channel in CHANNELS if channel not in taken)


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


def place(row: SoliloquyRigRow, owner: bpy.types.Object) -> tuple[object, ...]:
    """What a row moves with what: rows of the same place say the same thing. Empty where it moves nothing."""
    held_by = row.object or owner
    if row.kind == "SOLVED":
        return "", held_by.name, _unpacked(row.solved).data_paths if row.solved else (), 0
    if problem(row, owner):
        return ()
    target = _target(row, owner)
    return target.channel, target.object, target.data_path, target.index


def resolves(owner: bpy.types.ID, path: str) -> object:
    """What a data path leads to, or None."""
    try:
        return owner.path_resolve(path)
    except (ValueError, IndexError, TypeError):
        return None
