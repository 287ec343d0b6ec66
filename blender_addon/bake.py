"""Bake: everything that animates a character becomes one plain Action, for export and for other programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..inference.bezier import KeyedCurve, through
from ..inference.errors import RigError
from ..inference.key_reduction import reduce_keys
from . import edit_layers, kept_lines, keyframes, layers, media

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..inference.types import FloatArray

BAKED = "soliloquy_baked"
"""Custom property of an Action that we baked: the tracks that were muted for it."""


def bake(obj: bpy.types.Object, scene: bpy.types.Scene) -> bpy.types.Action:
    """Put all that animates a character into one Action; the layers stay, muted.

    Where the speech is all there is, its keys are copied. Otherwise the sum of the layers is read on every
    frame, from the first to the last key of any of them, and thinned as the character's keys are.

    Raises:
        RigError: the character has no speech, or is baked already.
    """
    speech = layers.speech_action(obj)
    if speech is None:
        raise kept_lines.no_speech(obj)
    if baked_action(obj) is not None:
        raise RigError(f'"{obj.name}" is baked already', "Press Unbake first")
    edit_layers.leave(obj)
    owners = list(dict.fromkeys(layers.users(speech)))
    if all(map(_is_alone, owners)):
        curves = {owner: _copied(speech, owner) for owner in owners}
    else:
        curves = _summed(obj, scene, owners)
    action = keyframes.new_action(f"{obj.name} Baked")
    muted = []
    for owner, of_owner in curves.items():
        slot = action.slots.new(id_type=owner.id_type, name=owner.name)
        keyframes.fill(action, slot, of_owner)
        muted += [[slot.handle, i] for i, t in enumerate(owner.animation_data.nla_tracks) if not t.mute]
        _play(owner, action, slot)
    action[BAKED] = json.dumps(muted)
    return action


def unbake(obj: bpy.types.Object) -> None:
    """Show the layers again; the baked Action stays in the file.

    Raises:
        RigError: the character is not baked.
    """
    action = baked_action(obj)
    if action is None:
        raise RigError(f'"{obj.name}" is not baked', "Press Bake first")
    muted = json.loads(action[BAKED])
    for owner in dict.fromkeys(layers.users(action)):
        data = owner.animation_data
        for index, track in enumerate(data.nla_tracks):
            if [data.action_slot_handle, index] in muted:
                track.mute = False
        data.action = None
        data.action_blend_type = "ADD"
        owner.update_tag()
    action.use_fake_user = True


def baked_action(obj: bpy.types.Object) -> bpy.types.Action | None:
    """The baked Action that a character plays, or None."""
    for owner in layers.own_ids(obj):
        data = owner.animation_data
        if data is not None and data.action is not None and BAKED in data.action:
            return data.action
    return None


def _play(owner: bpy.types.ID, action: bpy.types.Action, slot: bpy.types.ActionSlot) -> None:
    data = owner.animation_data
    for track in data.nla_tracks:
        track.mute = True
    data.action, data.action_slot = action, slot
    data.action_blend_type, data.action_influence, data.action_extrapolation = "REPLACE", 1.0, "HOLD"
    owner.update_tag()


def _strips(owner: bpy.types.ID) -> list[bpy.types.NlaStrip]:
    return [s for t in owner.animation_data.nla_tracks if not t.mute for s in t.strips if not s.mute]


def _is_alone(owner: bpy.types.ID) -> bool:
    """Whether nothing but the speech animates a datablock."""
    strips = _strips(owner)
    return owner.animation_data.action is None and len(strips) == 1 and not strips[0].use_animated_influence


def _copied(speech: bpy.types.Action, owner: bpy.types.ID) -> list[KeyedCurve]:
    slot = owner.animation_data.nla_tracks and _strips(owner)[0].action_slot
    bag = keyframes.channelbag(speech, slot)
    return [KeyedCurve("KEY", "", f.data_path, f.array_index, keyframes.read(f)) for f in bag.fcurves]


def _summed(
    obj: bpy.types.Object, scene: bpy.types.Scene, owners: Sequence[bpy.types.ID]
) -> dict[bpy.types.ID, list[KeyedCurve]]:
    """What is shown on every frame, thinned."""
    frames = np.arange(*_range(owners), dtype=np.float64)
    places = {owner: _places(owner) for owner in owners}
    values = {owner: np.zeros((len(frames), len(places[owner])), np.float32) for owner in owners}
    with media.current_frame_kept(scene):
        for row, frame in enumerate(frames):
            scene.frame_set(int(frame))
            for owner, of_owner in places.items():
                values[owner][row] = [value_of(owner, path, index) for path, index in of_owner]
    return {owner: _thinned(obj, frames, places[owner], values[owner]) for owner in owners}


def _thinned(
    obj: bpy.types.Object, frames: np.ndarray, places: Sequence[tuple[str, int]], values: FloatArray
) -> list[KeyedCurve]:
    face = obj.soliloquy_face
    if face.keys == "DENSE":
        curves = [through(frames, values[:, i]) for i in range(len(places))]
    else:
        curves = [through(k.frames, k.values, k.slopes) for k in reduce_keys(frames, values, face.tolerance)]
    return [KeyedCurve("KEY", "", *place, curve) for place, curve in zip(places, curves, strict=True)]


def _range(owners: Sequence[bpy.types.ID]) -> tuple[int, int]:
    """First frame, and the one after the last, of everything that plays."""
    ends = [(strip.frame_start, strip.frame_end) for owner in owners for strip in _strips(owner)]
    actions = [owner.animation_data.action for owner in owners if owner.animation_data.action is not None]
    ends += [tuple(action.frame_range) for action in actions]
    return int(np.floor(min(a for a, _ in ends))), int(np.ceil(max(b for _, b in ends))) + 1


def _places(owner: bpy.types.ID) -> list[tuple[str, int]]:
    """Data path and index of everything that is animated on a datablock."""
    data = owner.animation_data
    played = [(strip.action, strip.action_slot) for strip in _strips(owner) if strip.action is not None]
    if data.action is not None:
        played.append((data.action, data.action_slot))
    bags = [keyframes.channelbag(action, slot) for action, slot in played]
    found = dict.fromkeys(
        (f.data_path, f.array_index) for bag in bags if bag is not None for f in bag.fcurves
    )
    return [(path, index) for path, index in found if value_of(owner, path, index) is not None]


def value_of(owner: bpy.types.ID, path: str, index: int) -> float | None:
    """The value of a property; None where there is no such number."""
    try:
        value = owner.path_resolve(path)
    except ValueError:
        return None
    if isinstance(value, (bool, int, float)):
        return float(value)
    return float(value[index]) if hasattr(value, "__getitem__") and not isinstance(value, str) else None
