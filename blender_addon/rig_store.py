"""A rig map to rows of a character's table, and the rows of that table: `rig_rows` is the way back.

Rows that came with a library cannot leave a library override, nor change places. They are marked as removed,
and taken up again where a map wants the same thing.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy

from ..inference.errors import RigError
from ..inference.rig_json import to_json
from ..inference.types import RigMap, RigTarget, SolvedKeys
from . import rig_rows
from .rig_properties import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .rig_properties import SoliloquyRigRow


def store(owner: bpy.types.Object, found: RigMap, keep_by_hand: bool) -> None:
    """Make a character's rows say what a map says. Hold `edit_live` meanwhile: every value is a change.

    Args:
        keep_by_hand: rows that the user edited stay, in place of what the map says about the same thing.

    Raises:
        RigError: the map names an object that is not there, or a path that cannot be a row; nothing was
            changed.
    """
    ready = [_Values.of_target(t) for t in found.targets] + [
        _Values.of_solved(s, found.unmatched) for s in found.solved
    ]
    rows = owner.soliloquy_rig.rows
    kept = [keep_by_hand and row.by_hand and not row.removed for row in rows]
    places = {rig_rows.place(row, owner) for row, stays in zip(rows, kept, strict=True) if stays}
    for i in reversed(range(len(rows))):
        if not kept[i]:
            remove(owner, i)
    again = {rig_rows.place(row, owner): row.name for row in rows if row.removed}
    for values in ready:
        if values.place not in places:
            name = again.pop(values.place, None)
            values.write(add(owner) if name is None else _restored(rows[name]), owner)
    if not _has_linked_rows(owner):
        _sort(rows)
    choose(owner, 0)


def add(owner: bpy.types.Object) -> SoliloquyRigRow:
    """A new last row. Its name is its own: only so are the rows of a linked character kept apart."""
    rows = owner.soliloquy_rig.rows
    name = str(1 + max((int(row.name) for row in rows if row.name.isdigit()), default=0))
    if _has_linked_rows(owner):  # the library's next row is going to have that number
        name = f"here {secrets.token_hex(4)}"
    row = rows.add()
    row.name = name
    return row


def remove(owner: bpy.types.Object, index: int) -> None:
    """Take a row out."""
    rows = owner.soliloquy_rig.rows
    try:
        rows.remove(index)
    except TypeError:  # Blender's word for a row that comes with the library of an override
        rows[index].removed = True


def clear(owner: bpy.types.Object) -> None:
    """Take all rows out."""
    for i in reversed(range(len(owner.soliloquy_rig.rows))):
        remove(owner, i)


def choose(owner: bpy.types.Object, index: int) -> None:
    """Make the row at an index active, or the nearest one that is there."""
    rig = owner.soliloquy_rig
    there = [i for i, row in enumerate(rig.rows) if not row.removed]
    rig.active = min(there, key=lambda i: abs(i - index), default=0)


def _restored(row: SoliloquyRigRow) -> SoliloquyRigRow:
    """A removed row with the values of a new one."""
    for name in [prop.identifier for prop in row.bl_rna.properties]:
        if name not in ("rna_type", "name", "parts"):
            row.property_unset(name)
    return row


def _has_linked_rows(owner: bpy.types.Object) -> bool:
    """Whether rows of an override come with its library."""
    made = owner.override_library
    return made is not None and made.reference is not None and len(made.reference.soliloquy_rig.rows) > 0


def _sort(rows: bpy.types.bpy_prop_collection) -> None:
    order = {channel: i for i, channel in enumerate(CHANNELS)}
    wanted = sorted(
        range(len(rows)), key=lambda i: (rows[i].kind == "SOLVED", order.get(rows[i].channel, 99))
    )
    for to, row in enumerate(wanted):
        if row != to:
            rows.move(row, to)
            wanted[to + 1 :] = [i + 1 if to <= i < row else i for i in wanted[to + 1 :]]


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
    return any(rig_rows.resolves(block, path) is not None for block in blocks)


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
        named = rig_rows.NAMED.get(target.kind)
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
        """Fill a new or restored row."""
        for name, value in self._values.items():
            setattr(row, name, value)
        row.object = self._held_by if self._held_by != owner else None
        for part in self._parts:
            added = row.parts.get(part.name) or row.parts.add()
            added.name, added.object = part.name, part
        row.by_hand = False


def _object(name: str) -> bpy.types.Object:
    found = bpy.data.objects.get((name, None)) or bpy.data.objects.get(name)
    if found is None:
        raise RigError(
            f'The rig map is for an object "{name}", which is not in this file',
            "Load the map of this character, or rename the object",
        )
    return found
