"""Editing by hand: enter a layer, protect frames, let go of edits, play a sentence stronger, bake."""

from __future__ import annotations

import math

import bpy

from ..inference import reapply
from ..inference.errors import RigError, UsageError
from . import kept_lines, keyframes, layers, media

_ABOVE = (layers.SPEECH, layers.PERFORMANCE, layers.HAND)
"""Tracks of ours, from below."""


def enter(obj: bpy.types.Object, scene: bpy.types.Scene, layer: str) -> None:
    """Open the strip of a layer for editing, on every datablock of the character; it is made where needed.

    Args:
        layer: SPEECH, PERFORMANCE or HAND of `layers`.

    Raises:
        RigError: there is no speech to edit.
    """
    action = layers.speech_action(obj)
    if action is None:
        raise kept_lines.no_speech(obj)
    leave(obj)
    for owner in set(layers.users(action)):
        strip = _strip(owner, layer) if layer == layers.SPEECH else _layer_strip(obj, owner, scene, layer)
        data = owner.animation_data
        for track in data.nla_tracks:
            for other in track.strips:
                other.select = other == strip
            if strip in list(track.strips):
                data.nla_tracks.active = track
        data.use_tweak_mode = True


def leave(obj: bpy.types.Object) -> None:
    """Close whatever layer is being edited."""
    for owner in layers.own_ids(obj):
        if owner.animation_data is not None and owner.animation_data.use_tweak_mode:
            owner.animation_data.use_tweak_mode = False


def edited_layer(obj: bpy.types.Object) -> str:
    """Name of the layer that is being edited; empty for none."""
    for owner in layers.own_ids(obj):
        data = owner.animation_data
        if data is not None and data.use_tweak_mode:
            played = [t.name for t in data.nla_tracks if any(s.action == data.action for s in t.strips)]
            return played[0].split(".")[0] if played else ""
    return ""


def _strip(owner: bpy.types.ID, layer: str) -> bpy.types.NlaStrip | None:
    for track in owner.animation_data.nla_tracks:
        if track.name.split(".")[0] == layer and len(track.strips):
            return track.strips[0]
    return None


def _layer_strip(
    obj: bpy.types.Object, owner: bpy.types.ID, scene: bpy.types.Scene, layer: str
) -> bpy.types.NlaStrip:
    """The strip of a layer above the speech, over all frames of scene and speech."""
    found = _strip(owner, layer)
    if found is not None:
        return found
    action = next((s.action for o in layers.own_ids(obj) if (s := _of(o, layer)) is not None), None)
    action = action or keyframes.new_action(f"{obj.name} {layer}")
    slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    data = owner.animation_data
    tracks = list(data.nla_tracks)
    below = _ABOVE[: _ABOVE.index(layer)]
    under = [track for track in tracks if track.name.split(".")[0] in below]
    track = data.nla_tracks.new(prev=under[-1]) if under else data.nla_tracks.new()
    track.name = layer
    first, last = scene.frame_start, scene.frame_end
    speech = layers.speech_action(obj)
    if speech is not None:
        first, last = min(first, int(speech.frame_range[0])), max(last, int(speech.frame_range[1]) + 1)
    action.use_frame_range = True
    action.frame_start, action.frame_end = first, last
    strip = track.strips.new(action.name, first, action)
    strip.action_slot = slot
    # Combine counts from a property's default, and that of a shape key is 1 from Blender 5.0 on.
    combines = layer == layers.PERFORMANCE and owner.id_type != "KEY"
    strip.blend_type = "COMBINE" if combines else "ADD"
    strip.extrapolation = "HOLD"
    return strip


def _of(owner: bpy.types.ID, layer: str) -> bpy.types.NlaStrip | None:
    return _strip(owner, layer) if owner.animation_data is not None else None


def release(obj: bpy.types.Object, scene: bpy.types.Scene, first: float, last: float) -> int:
    """Let go of a person's keys between two frames, both included: they are computed again.

    Returns:
        In how many places there were some.
    """
    action = layers.speech_action(obj)
    if action is None:
        return 0
    curves = keyframes.curves_of(action)
    spans = keyframes.hand_spans(action, curves)
    dropped = {place: [s for s in found if s[1] >= first and s[0] <= last] for place, found in spans.items()}
    kept = {place: [s for s in found if s not in dropped[place]] for place, found in spans.items()}
    keyframes.set_record(action, curves, kept)
    layers.rebuild(obj, scene)
    return sum(map(len, dropped.values()))


def sentence_at(obj: bpy.types.Object, scene: bpy.types.Scene) -> tuple[str, float, float]:
    """Line id, begin and end in seconds of the sound of the sentence at the current frame, or the nearest.

    Raises:
        RigError: the character has no line.
    """
    hz = media.frame_rate(scene).hz
    found = [
        (line.line_id, start_s, end_s, line.start_frame)
        for line in kept_lines.lines(obj)
        for start_s, end_s in reapply.sentences(line)
    ]
    if not found:
        raise RigError(f'"{obj.name}" has no sentence yet', "Animate a line first")

    def away(sentence: tuple[str, float, float, float]) -> float:
        now_s = (scene.frame_current - sentence[3]) / hz
        return max(sentence[1] - now_s, now_s - sentence[2])

    line_id, start_s, end_s, _ = min(found, key=away)
    return line_id, start_s, end_s


def sentence_frames(obj: bpy.types.Object, scene: bpy.types.Scene) -> tuple[int, int]:
    """First and last frame of the sentence at the current frame.

    Raises:
        RigError: the character has no line.
    """
    line_id, start_s, end_s = sentence_at(obj, scene)
    start_frame = obj.soliloquy_face.lines[kept_lines.items_index(obj, line_id)].start_frame
    hz = media.frame_rate(scene).hz
    return math.floor(start_frame + start_s * hz), math.ceil(start_frame + end_s * hz)


def redo_sentence(
    obj: bpy.types.Object, scene: bpy.types.Scene, lower_face: float, upper_face: float
) -> tuple[int, int]:
    """Compute the sentence at the current frame again, stronger or weaker; the rest stays as it is.

    Keys of a person's own in it are let go.

    Args:
        lower_face, upper_face: factors on top of the character's strengths, 0..4.

    Returns:
        Its first and last frame.

    Raises:
        RigError: the character has no line.
        UsageError: a factor out of its range.
    """
    for factor in (lower_face, upper_face):
        if not 0.0 <= factor <= 4.0:
            raise UsageError(f"{factor:g} cannot be the strength of a sentence", "Choose a value from 0 to 4")
    line_id, start_s, end_s = sentence_at(obj, scene)
    first, last = sentence_frames(obj, scene)
    item = obj.soliloquy_face.lines[kept_lines.items_index(obj, line_id)]
    kept_lines.set_accent(item, reapply.Accent(start_s, end_s, lower_face, upper_face))
    release(obj, scene, first, last)
    return first, last
