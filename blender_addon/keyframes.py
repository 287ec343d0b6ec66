"""Writing curves into the scene: one new Action, one bulk write, existing animation kept in the NLA.

Layering: the new Action becomes the active one. Animation that a Key datablock already had is pushed
down to an NLA track of its own, untouched and below, so that it still shows outside the new line's
frames and on shape keys that the new line does not move. An older take of the same sound would only
mix with the new one, so it is pushed down muted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..inference.errors import RigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..inference.types import RigCurve

SOURCE_PROPERTY = "soliloquy_audio"
"""Custom property of an Action that we wrote: the sound file it was made from."""
_LINEAR = 1
"""Index of LINEAR in Keyframe.interpolation; `foreach_set` copies bytes at once, but ints one by one."""


@dataclass(frozen=True)
class _Channelbag:
    """The new curves of one Key datablock."""

    keys: bpy.types.Key
    slot: bpy.types.ActionSlot
    paths: frozenset[str]


def write(name: str, source: str, curves: Sequence[RigCurve]) -> bpy.types.Action:
    """Key curves on the shape keys of their objects, in a new Action with one slot per Key datablock.

    The Action is complete before anything in the scene changes, so a failure leaves the scene as it was.

    Args:
        name: name of the Action; Blender adds a number when it is taken.
        source: path of the sound, remembered on the Action.
        curves: `object` names mesh objects, `data_path` starts at their Key datablock.

    Raises:
        RigError: an object or its shape keys are gone or not editable.
    """
    by_keys = _group(curves)
    action = bpy.data.actions.new(name)
    try:
        action[SOURCE_PROPERTY] = source
        strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
        bags = [_fill(action, strip, keys, of_keys) for keys, of_keys in by_keys.items()]
    except Exception:
        bpy.data.actions.remove(action)
        raise
    for bag in bags:
        _activate(action, bag)
    return action


def _group(curves: Sequence[RigCurve]) -> dict[bpy.types.Key, list[RigCurve]]:
    by_keys: dict[bpy.types.Key, list[RigCurve]] = {}
    for curve in curves:
        by_keys.setdefault(_editable_keys(curve.object), []).append(curve)
    return by_keys


def _editable_keys(object_name: str) -> bpy.types.Key:
    owner = bpy.data.objects.get((object_name, None))
    keys = owner.data.shape_keys if owner is not None and owner.type == "MESH" else None
    if keys is None or not keys.is_editable:
        raise RigError(
            f'"{object_name}" lost its shape keys or was removed meanwhile', "Choose the target mesh again"
        )
    return keys


def _fill(
    action: bpy.types.Action, strip: bpy.types.ActionStrip, keys: bpy.types.Key, curves: Sequence[RigCurve]
) -> _Channelbag:
    slot = action.slots.new(id_type="KEY", name=keys.name)
    fcurves = strip.channelbag(slot, ensure=True).fcurves
    for curve in curves:
        _key(fcurves.new(curve.data_path, index=curve.index), curve)
    return _Channelbag(keys, slot, frozenset(c.data_path for c in curves))


def _key(fcurve: bpy.types.FCurve, curve: RigCurve) -> None:
    count = len(curve.frames)
    points = fcurve.keyframe_points
    points.add(count)
    points.foreach_set("co", np.column_stack([curve.frames, curve.values]).ravel())
    points.foreach_set("interpolation", np.full(count, _LINEAR, np.uint8))
    fcurve.update()


def _activate(action: bpy.types.Action, bag: _Channelbag) -> None:
    data = bag.keys.animation_data_create()
    if data.action is not None:
        _push_down(data, muted=data.action.get(SOURCE_PROPERTY) == action[SOURCE_PROPERTY])
    data.action = action
    data.action_slot = bag.slot
    data.action_blend_type = "REPLACE"
    data.action_influence = 1.0
    # Outside its frames the new Action gives way only where something below gives every value:
    # Blender sets a shape key that no strip covers to its default, which is 1 from 5.0 on.
    data.action_extrapolation = "NOTHING" if bag.paths <= _held_paths(data) else "HOLD"
    bag.keys.update_tag()


def _push_down(data: bpy.types.AnimData, muted: bool) -> None:
    action, slot = data.action, data.action_slot
    track = data.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, int(action.frame_range[0]), action)
    if slot is not None:
        strip.action_slot = slot
    strip.blend_type = data.action_blend_type
    strip.extrapolation = data.action_extrapolation
    strip.influence = data.action_influence
    # A strip's start is a whole number on creation; the Action may begin between two frames.
    strip.action_frame_start, strip.action_frame_end = action.frame_range
    strip.frame_start, strip.frame_end = (
        strip.action_frame_start,
        max(strip.action_frame_end, strip.action_frame_start + 1.0),
    )
    track.mute = muted


def _held_paths(data: bpy.types.AnimData) -> set[str]:
    held: set[str] = set()
    for track in data.nla_tracks:
        for strip in track.strips:
            if not (track.mute or strip.mute) and strip.extrapolation == "HOLD" and strip.action is not None:
                held |= _paths(strip.action, strip.action_slot)
    return held


def _paths(action: bpy.types.Action, slot: bpy.types.ActionSlot | None) -> set[str]:
    bags = [strip.channelbag(slot) for layer in action.layers for strip in layer.strips] if slot else []
    return {fcurve.data_path for bag in bags if bag is not None for fcurve in bag.fcurves}
