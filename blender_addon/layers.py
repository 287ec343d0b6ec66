"""The animation of a character: one Action on the NLA track Speech, made again from the lines that are kept.

Tracks from below: what the user had, Speech (replaces), Performance (combines), Hand (adds). The Action of
the Speech track is ours to write; keys that a person changes in it, and protected ranges, stay when it is
made again. What the user had is pushed down once, untouched, and shows where nothing is spoken.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import bpy

from ..inference import reapply
from ..inference.bezier import shifted
from ..inference.channels import channels_named
from . import edit_properties, kept_lines, keyframes, media, takes
from .rig_eyes import eyes_of
from .rig_map import parts_of, read_character

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..inference.bezier import Address, BezierCurve, KeyedCurve, Span
    from ..inference.performance.direction import Direction
    from ..inference.types import RigMap
    from .keyframes import Place
    from .rig_map import Character

SPEECH, PERFORMANCE, HAND = "Speech", "Performance", "Hand"
"""Names of the NLA tracks."""
_DIRECTED = "soliloquy_directed"
"""Custom property of our Action: what tells how it was directed."""


@dataclass(frozen=True)
class Outcome:
    """What became of a character. Frames are those of its first and last key; 0, 0 without a line."""

    curves: int
    keys: int
    first_frame: float
    last_frame: float
    kept_spans: int
    """Places in which keys of a person's own were left alone."""


def rebuild(obj: bpy.types.Object, scene: bpy.types.Scene) -> Outcome:
    """Make the animation of a character again from all its kept lines, its sliders and its rig map.

    Nothing changes before everything is computed. Without a kept line our Action is removed.

    Raises:
        SoliloquyError: with the reason; the scene is as it was.
    """
    character = read_character(obj, obj.soliloquy_face.include_parts)
    decided = plan(obj, scene, character)
    return write(obj, decided, reapply.build(decided))


def plan(
    obj: bpy.types.Object,
    scene: bpy.types.Scene,
    character: Character,
    starts: Mapping[str, float] = MappingProxyType({}),
) -> reapply.Plan:
    """Everything that decides the keys, copied out of the scene: `reapply.build` may run in a thread.

    Args:
        starts: start frame, by line id, of lines that are about to lie elsewhere than they are stored.
    """
    face, lines = obj.soliloquy_face, kept_lines.lines(obj)
    direction = takes.scene_direction(obj, scene)
    return reapply.Plan(
        lines=takes.directed(obj, lines, direction, media.frame_rate(scene)),
        settings=edit_properties.animate_settings(face),
        maps=character.maps,
        rate=media.frame_rate(scene),
        seed=edit_properties.blink_seed(obj),
        tolerance=face.tolerance if face.keys == "THINNED" else None,
        kept=_kept(obj, character.maps, {line.line_id: line.start_frame for line in lines} | dict(starts)),
        direction=direction,
    )


def is_behind(obj: bpy.types.Object, scene: bpy.types.Scene) -> bool:
    """Whether the performance was directed otherwise since the keys were made."""
    action = speech_action(obj)
    if action is None:
        return False
    direction = takes.scene_direction(obj, scene)
    lines = takes.directed(obj, kept_lines.lines(obj), direction, media.frame_rate(scene))
    return action.get(_DIRECTED) != _directed(direction, lines)


def _directed(direction: Direction | None, lines: Sequence[reapply.Line]) -> int:
    """Another number as soon as a line is to be performed otherwise."""
    return zlib.crc32(repr((direction, [line.direction for line in lines])).encode()) & 0x7FFFFFFF


def write(
    obj: bpy.types.Object, decided: reapply.Plan, curves: Sequence[KeyedCurve], name: str = ""
) -> Outcome:
    """Put the curves that `reapply.build` made of a plan onto the Speech track of a character.

    A first Action is complete before anything in the scene changes, so a failure leaves the scene as it was.

    Args:
        name: what a first Action is called; Blender adds a number where it is taken.

    Raises:
        RigError: a part of the character is gone; nothing was changed.
    """
    grouped = keyframes.by_owner(curves)
    action = speech_action(obj)
    if action is not None:
        for owner in set(users(action)) - set(grouped):
            _take_off(owner, action)
    if not curves:
        if action is not None:
            bpy.data.actions.remove(action)
        return Outcome(0, 0, 0.0, 0.0, 0)
    if action is not None:
        slots = _fill(action, grouped)
    else:
        action = keyframes.new_action(name or f"{obj.name} Soliloquy")
        try:
            slots = _fill(action, grouped)
        except Exception:
            bpy.data.actions.remove(action)
            raise
    action[_DIRECTED] = _directed(decided.direction, decided.lines)
    keyframes.note(action, {line.line_id: _place(line, decided) for line in decided.lines})
    for owner, slot in slots.items():
        _show(owner, action, slot)
    first = min(float(curve.curve.frames[0]) for curve in curves)
    last = max(float(curve.curve.frames[-1]) for curve in curves)
    keys = sum(len(curve.curve.keys) for curve in curves)
    return Outcome(len(curves), keys, first, last, sum(len(curve.spans) for curve in curves))


def _place(line: reapply.Line, decided: reapply.Plan) -> tuple[float, float, float]:
    return (line.start_frame, *reapply.line_frames(line, decided.rate))


def _fill(
    action: bpy.types.Action, grouped: Mapping[bpy.types.ID, Sequence[KeyedCurve]]
) -> dict[bpy.types.ID, bpy.types.ActionSlot]:
    """Key every datablock in a slot of its own, and remember what was written."""
    slots: dict[bpy.types.ID, bpy.types.ActionSlot] = {}
    spans: dict[Place, Sequence[Span]] = {}
    for owner, curves in grouped.items():
        slot = slots[owner] = _slot(action, owner)
        keyframes.fill(action, slot, curves)
        spans |= {(slot.handle, c.data_path, c.index): c.spans for c in curves if c.spans}
    keyframes.set_record(action, keyframes.curves_of(action), spans)
    return slots


def speech_action(obj: bpy.types.Object) -> bpy.types.Action | None:
    """Our Action of this character. One that another character plays as well is not it: a copy of a character
    makes an Action of its own."""
    strip = next((s for s in map(_speech_strip, own_ids(obj)) if s is not None), None)
    action = strip.action if strip is not None else None
    if action is None or not action.is_editable:
        return None
    others = {_face_id(o) for o in bpy.data.objects if len(o.soliloquy_face.lines)} - {_face_id(obj)}
    return action if others.isdisjoint(users(action)) else None


def hand_edits(obj: bpy.types.Object) -> int:
    """In how many curves of our Action a person changed keys, which will stay."""
    action = speech_action(obj)
    return len(keyframes.hand_spans(action, keyframes.curves_of(action))) if action is not None else 0


def _face_id(obj: bpy.types.Object) -> bpy.types.ID:
    """What tells one character's animation from another's: the shape keys of the target."""
    keys = obj.data.shape_keys if obj.type == "MESH" else None
    return keys if keys is not None else obj


def own_ids(obj: bpy.types.Object) -> list[bpy.types.ID]:
    """Datablocks of a character that can be animated, the face first."""
    objects = dict.fromkeys([obj, *parts_of(obj)])
    rigs = [o.parent for o in objects if o.parent is not None and o.parent.type == "ARMATURE"]
    rigs += [m.object for o in objects for m in o.modifiers if m.type == "ARMATURE" and m.object is not None]
    return list(dict.fromkeys([*map(_face_id, objects), *objects, *rigs, *eyes_of(obj)]))


def _speech_strip(owner: bpy.types.ID) -> bpy.types.NlaStrip | None:
    data = owner.animation_data
    for track in data.nla_tracks if data is not None else ():
        for strip in track.strips:
            if strip.action is not None and keyframes.RECORD in strip.action:
                return strip
    return None


def users(action: bpy.types.Action) -> Iterable[bpy.types.ID]:
    """Datablocks that an Action animates."""
    return (user for slot in action.slots for user in slot.users())


def _kept(
    obj: bpy.types.Object, maps: Sequence[RigMap], starts: Mapping[str, float]
) -> dict[Address, tuple[reapply.Kept, ...]]:
    """Curves with keys that must stay: changed by a person, or protected. They move with their line."""
    action = speech_action(obj)
    if action is None:
        return {}
    curves = keyframes.curves_of(action)
    by_hand, moves = keyframes.hand_spans(action, curves), _moves(action, starts)
    kept = {}
    for place, address in _addresses(action, curves).items():
        hand = _moved(curves[place], by_hand.get(place, ()), moves)
        protected = tuple(_protected(obj, address, maps))
        still = (reapply.Kept(curves[place], protected, is_hand=False),) if protected else ()
        if still or hand:
            kept[address] = (*still, *hand)
    return kept


def _moves(action: bpy.types.Action, starts: Mapping[str, float]) -> list[tuple[float, float, float]]:
    """First and last frame that moved lines had when the Action was written, and by how much they moved."""
    then = keyframes.noted(action)
    moves = [
        (then[line_id][1], then[line_id][2], start - then[line_id][0])
        for line_id, start in starts.items()
        if line_id in then
    ]
    return [move for move in moves if abs(move[2]) > 1e-4]


def _moved(
    curve: BezierCurve, spans: Sequence[Span], moves: Sequence[tuple[float, float, float]]
) -> tuple[reapply.Kept, ...]:
    by_shift: dict[float, list[Span]] = {}
    for first, last in spans:
        middle = (first + last) / 2
        shift = next((by for begin, end, by in moves if begin <= middle <= end), 0.0)
        by_shift.setdefault(shift, []).append((first + shift, last + shift))
    return tuple(
        reapply.Kept(shifted(curve, shift) if shift else curve, tuple(moved))
        for shift, moved in by_shift.items()
    )


def _addresses(action: bpy.types.Action, curves: Mapping[Place, BezierCurve]) -> dict[Place, Address]:
    """What each curve animates, by the names that objects have now."""
    owners = {}
    for slot in action.slots:
        for user in slot.users():
            if user.id_type == "KEY":
                named = [o for o in bpy.data.objects if o.type == "MESH" and o.data.shape_keys == user]
                owners[slot.handle] = [("KEY", o.name) for o in named]
            else:
                owners[slot.handle] = [("OBJECT", user.name)]
    return {place: (*owner, place[1], place[2]) for place in curves for owner in owners.get(place[0], [])[:1]}


def _protected(obj: bpy.types.Object, address: Address, maps: Sequence[RigMap]) -> list[Span]:
    found: list[Span] = []
    for item in obj.soliloquy_face.protections:
        if not item.channels.strip() or _channels_of(address, maps) & channels_named(item.channels):
            found.append((min(item.first, item.last), max(item.first, item.last)))
    return found


def _channels_of(address: Address, maps: Sequence[RigMap]) -> set[str]:
    """Channels that move a property."""
    _, name, path, _ = address
    found = {
        t.channel
        for m in maps
        for t in m.targets
        if t.object == name and path.startswith(t.data_path)  # of a bone: the path of its rotation
    }
    solved = [s for m in maps for s in m.solved]
    return found.union(*(s.channels for s in solved if path in (*s.data_paths, *(p for _, p, *_ in s.mixed))))


def _slot(action: bpy.types.Action, owner: bpy.types.ID) -> bpy.types.ActionSlot:
    for slot in action.slots:
        if owner in slot.users():
            return slot
    return action.slots.new(id_type=owner.id_type, name=owner.name)


def _show(owner: bpy.types.ID, action: bpy.types.Action, slot: bpy.types.ActionSlot) -> None:
    """Let the Speech track of a datablock play a slot of our Action over the frames of its keys."""
    data = owner.animation_data_create()
    strip = _speech_strip(owner)
    if strip is not None and data.use_tweak_mode and data.action == action:
        owner.update_tag()
        return  # its keys are being edited: the strip takes on their range when that ends
    if strip is None:
        if data.action is not None:
            _push_down(data)
        track = data.nla_tracks.new()
        track.name = SPEECH
        strip = track.strips.new(action.name, int(action.frame_range[0]), action)
        data.action_blend_type = "ADD"  # keys that a person sets on top add to the speech
    if strip.action != action:
        strip.action = action
    if strip.action_slot != slot:
        strip.action_slot = slot
    strip.blend_type = "REPLACE"
    strip.use_auto_blend = False
    strip.use_sync_length = True
    _set_range(strip, *action.frame_range)
    # Outside its frames our Action gives way only where something below gives every value:
    # Blender sets a shape key that no strip covers to its default, which is 1 from 5.0 on.
    below = _held_paths(data, strip)
    strip.extrapolation = "NOTHING" if keyframes.paths(action, slot) <= below else "HOLD"
    owner.update_tag()


def _take_off(owner: bpy.types.ID, action: bpy.types.Action) -> None:
    """Remove our strip from a datablock that is not driven any more."""
    data = owner.animation_data
    for track in list(data.nla_tracks) if data is not None else []:
        for strip in list(track.strips):
            if strip.action == action:
                track.strips.remove(strip)
        if track.name.startswith(SPEECH) and not len(track.strips):
            data.nla_tracks.remove(track)


def _push_down(data: bpy.types.AnimData) -> None:
    """What the user had becomes an NLA track of its own, and shows as before."""
    action, slot = data.action, data.action_slot
    track = data.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, int(action.frame_range[0]), action)
    if slot is not None:
        strip.action_slot = slot
    strip.blend_type = data.action_blend_type
    strip.extrapolation = data.action_extrapolation
    strip.influence = data.action_influence
    _set_range(strip, *action.frame_range)
    data.action = None


def _set_range(strip: bpy.types.NlaStrip, first: float, last: float) -> None:
    """Let a strip play these frames of its Action where they are: an Action may begin between two frames."""
    last = max(last, first + 1.0)
    for start, end in (("action_frame_start", "action_frame_end"), ("frame_start", "frame_end")):
        # Blender lets neither end pass the other one.
        order = (
            ((end, last), (start, first)) if first > getattr(strip, end) else ((start, first), (end, last))
        )
        for name, frame in order:
            setattr(strip, name, frame)
    strip.scale = 1.0


def _held_paths(data: bpy.types.AnimData, above: bpy.types.NlaStrip) -> set[str]:
    held: set[str] = set()
    for track in data.nla_tracks:
        for strip in track.strips:
            if strip == above:
                return held
            if not (track.mute or strip.mute) and strip.extrapolation == "HOLD" and strip.action is not None:
                held |= keyframes.paths(strip.action, strip.action_slot)
    return held
