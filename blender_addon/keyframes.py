"""Curves in an Action: written in bulk, read back, and what a person changed in them since.

With every Action of ours goes a record of the keys as we wrote them, 17 bytes each. Keys that are not in
it are a person's, and stay.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..inference.bezier import BezierCurve, KeyedCurve
from ..inference.errors import RigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from ..inference.bezier import Span
    from ..inference.types import RigOwner

    Table = NDArray[np.void]
    Place = tuple[int, str, int]
    """A curve of an Action: handle of its slot, data path, index. Stays when objects are renamed."""

RECORD = "soliloquy_written"
"""Custom property of an Action that we wrote: its record."""
_LINES = "soliloquy_lines"
_LENGTH = struct.Struct("<I")
_KEY = np.dtype([("frame", "<f4"), ("value", "<f4"), ("handles", "<f2", 4), ("interpolation", "u1")])
"""One key in the record: handles are (frame, value) from the key, left and right."""
_DIRECTING = "soliloquy_performance."
"""Paths of the performance's sliders: their keys are a person's, wherever they lie."""
_SAME_FRAME, _SAME_VALUE, _SAME_HANDLE = 1e-3, 2e-6, 4e-3


def animated(owner: RigOwner, object_name: str) -> bpy.types.ID:
    """The datablock that carries the animation: the object, or its shape keys.

    Raises:
        RigError: it is gone or not editable.
    """
    found = bpy.data.objects.get((object_name, None))
    if owner == "KEY":
        found = found.data.shape_keys if found is not None and found.type == "MESH" else None
    if found is None or not found.is_editable:
        raise RigError(
            f'"{object_name}" lost its shape keys or was removed meanwhile', "Choose the target mesh again"
        )
    return found


def by_owner(curves: Iterable[KeyedCurve]) -> dict[bpy.types.ID, list[KeyedCurve]]:
    """Curves of each animated datablock.

    Raises:
        RigError: one is gone or not editable.
    """
    grouped: dict[bpy.types.ID, list[KeyedCurve]] = {}
    for curve in curves:
        grouped.setdefault(animated(curve.owner, curve.object), []).append(curve)
    return grouped


def new_action(name: str) -> bpy.types.Action:
    """An Action with the one layer and strip that keys lie in."""
    action = bpy.data.actions.new(name)
    action.layers.new("Layer").strips.new(type="KEYFRAME")
    return action


def channelbag(
    action: bpy.types.Action, slot: bpy.types.ActionSlot | None
) -> bpy.types.ActionChannelbag | None:
    """The curves of a slot, or None."""
    bags = [strip.channelbag(slot) for layer in action.layers for strip in layer.strips] if slot else []
    return next((bag for bag in bags if bag is not None), None)


def paths(action: bpy.types.Action, slot: bpy.types.ActionSlot | None) -> set[str]:
    """Data paths that a slot animates."""
    bag = channelbag(action, slot)
    return {fcurve.data_path for fcurve in bag.fcurves} if bag is not None else set()


def fill(action: bpy.types.Action, slot: bpy.types.ActionSlot, curves: Sequence[KeyedCurve]) -> None:
    """Make the curves of a slot exactly these; curves that were there already keep colour, group and mute.

    Keys on the sliders of the performance stay.
    """
    fcurves = action.layers[0].strips[0].channelbag(slot, ensure=True).fcurves
    present = {(f.data_path, f.array_index): f for f in fcurves}
    for curve in curves:
        at = (curve.data_path, curve.index)
        _key(present.pop(at, None) or fcurves.new(curve.data_path, index=curve.index), curve.curve)
    for fcurve in present.values():
        if not fcurve.data_path.startswith(_DIRECTING):
            fcurves.remove(fcurve)


def _key(fcurve: bpy.types.FCurve, curve: BezierCurve) -> None:
    points, count = fcurve.keyframe_points, len(curve.keys)
    if len(points) != count:
        points.clear()
        points.add(count)
    points.foreach_set("co", curve.keys.ravel())
    # Whole bytes are copied at once; ints would be taken one by one.
    points.foreach_set("interpolation", curve.interpolation)
    points.foreach_set("handle_left_type", np.ascontiguousarray(curve.handle_types[:, 0]))
    points.foreach_set("handle_right_type", np.ascontiguousarray(curve.handle_types[:, 1]))
    points.foreach_set("handle_left", curve.left.ravel())
    points.foreach_set("handle_right", curve.right.ravel())
    fcurve.update()


def read(fcurve: bpy.types.FCurve) -> BezierCurve:
    """The keys of a curve."""
    points = fcurve.keyframe_points
    count = len(points)
    co, left, right = (np.empty(2 * count, np.float32) for _ in range(3))
    points.foreach_get("co", co)
    points.foreach_get("handle_left", left)
    points.foreach_get("handle_right", right)
    kinds = [np.empty(count, np.uint8) for _ in range(3)]
    for name, into in zip(("interpolation", "handle_left_type", "handle_right_type"), kinds, strict=True):
        points.foreach_get(name, into)
    return BezierCurve(
        co.reshape(-1, 2), left.reshape(-1, 2), right.reshape(-1, 2), kinds[0], np.column_stack(kinds[1:])
    )


def curves_of(action: bpy.types.Action) -> dict[Place, BezierCurve]:
    """All curves of an Action."""
    found: dict[Place, BezierCurve] = {}
    for slot in action.slots:
        bag = channelbag(action, slot)
        for fcurve in bag.fcurves if bag is not None else ():
            found[slot.handle, fcurve.data_path, fcurve.array_index] = read(fcurve)
    return found


def note(action: bpy.types.Action, lines: Mapping[str, tuple[float, float, float]]) -> None:
    """Remember, by line id, the start of the sound and the first and last frame that lines had."""
    action[_LINES] = json.dumps(lines)


def noted(action: bpy.types.Action) -> dict[str, tuple[float, float, float]]:
    """What `note` was told."""
    text = action.get(_LINES)
    return {line: tuple(place) for line, place in json.loads(text).items()} if text else {}


def set_record(
    action: bpy.types.Action,
    curves: Mapping[Place, BezierCurve],
    spans: Mapping[Place, Sequence[Span]],
) -> None:
    """Remember the keys as they are now; those inside the spans are a person's."""
    header = [[*place, len(c.keys), [list(s) for s in spans.get(place, ())]] for place, c in curves.items()]
    text = json.dumps(header).encode()
    tables = [_table(curve).tobytes() for curve in curves.values()]
    if RECORD in action:
        del action[RECORD]  # Blender cuts bytes that replace others at their first zero
    action[RECORD] = _LENGTH.pack(len(text)) + text + b"".join(tables)


def hand_spans(action: bpy.types.Action, curves: Mapping[Place, BezierCurve]) -> dict[Place, list[Span]]:
    """Where a person changed, added or took away keys since we wrote them: spans of frames per curve.

    A change reaches to the nearest untouched keys on both sides. Curves that we never wrote are not told.
    """
    found: dict[Place, list[Span]] = {}
    for place, (table, kept) in _record(action).items():
        curve = curves.get(place)
        if curve is None or not len(curve.keys):
            continue  # the whole curve was deleted: it is made again
        spans = [*kept, *_changes(_table(curve), table, kept)]
        if spans:
            found[place] = spans
    return found


def _changes(now: Table, then: Table, kept: Sequence[Span]) -> list[Span]:
    same = _found_in(now, then)
    touched = np.concatenate([now["frame"][~same], then["frame"][~_found_in(then, now)]])
    for first, last in kept:
        touched = touched[(touched < first) | (touched > last)]
    untouched = now["frame"][same]
    spans = []
    for frame in np.unique(touched):
        before, after = untouched[untouched < frame], untouched[untouched > frame]
        spans.append((float(before[-1] if len(before) else frame), float(after[0] if len(after) else frame)))
    return spans


def _found_in(keys: Table, others: Table) -> NDArray[np.bool_]:
    """bool [K], whether a key stands in the same place, with the same handles, among the others."""
    if not len(others):
        return np.zeros(len(keys), bool)
    at = np.clip(np.searchsorted(others["frame"], keys["frame"] - _SAME_FRAME), 0, len(others) - 1)
    other = others[at]
    handles = np.abs(other["handles"].astype(np.float32) - keys["handles"].astype(np.float32))
    # Blender turns aligned handles by what rounding moves them, again on every change of the curve.
    same: NDArray[np.bool_] = (
        (np.abs(other["frame"] - keys["frame"]) <= _SAME_FRAME)
        & (np.abs(other["value"] - keys["value"]) <= _SAME_VALUE)
        & (handles <= _SAME_HANDLE * (1.0 + np.abs(keys["handles"].astype(np.float32)))).all(axis=1)
        & (other["interpolation"] == keys["interpolation"])
    )
    return same


def _record(action: bpy.types.Action) -> dict[Place, tuple[Table, list[Span]]]:
    data = action.get(RECORD)
    if not isinstance(data, bytes) or len(data) < _LENGTH.size:
        return {}
    (length,) = _LENGTH.unpack_from(data)
    header = json.loads(data[_LENGTH.size : _LENGTH.size + length])
    table = np.frombuffer(data, _KEY, offset=_LENGTH.size + length)
    found, done = {}, 0
    for handle, path, index, count, spans in header:
        found[handle, path, index] = (table[done : done + count], [(a, b) for a, b in spans])
        done += count
    return found


def _table(curve: BezierCurve) -> Table:
    """What can be seen of every key."""
    table = np.zeros(len(curve.keys), _KEY)
    table["frame"], table["value"] = curve.keys[:, 0], curve.keys[:, 1]
    table["handles"] = np.clip(np.hstack([curve.left, curve.right]) - np.tile(curve.keys, 2), -6e4, 6e4)
    table["interpolation"] = curve.interpolation
    return table
