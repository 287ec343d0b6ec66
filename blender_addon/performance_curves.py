"""What an animated property of an object is on any frame, without changing the frame.

Blender's own animation, from below: NLA tracks, then the Action that is being edited. Drivers and the
modifiers of strips (repeats apart) are not followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import keyframes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import bpy
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Place = tuple[str, int]
    """Data path and index."""


def animated(owner: bpy.types.ID, prefix: str) -> dict[Place, tuple[float, float]]:
    """Properties that have keys, by path and index, with the scene frames of their first and last key.

    Args:
        prefix: what their data paths begin with.
    """
    found: dict[Place, tuple[float, float]] = {}
    for layer in _layers(owner):
        for place, curve in layer.curves(prefix).items():
            first, last = (layer.scene_frame(float(frame)) for frame in curve.range())
            known = found.get(place, (first, last))
            found[place] = min(first, known[0]), max(last, known[1])
    return found


def values(owner: bpy.types.ID, place: Place, frames: Array, unanimated: float) -> Array:
    """What a property is on scene frames.

    Args:
        frames: float64 [N], whole or not.
        unanimated: what it is where nothing below the lowest layer says anything: its default.

    Returns:
        float64 [N].
    """
    result = np.full(len(frames), unanimated)
    for layer in _layers(owner):
        curve = layer.curves(place[0]).get(place)
        if curve is not None:
            result = layer.over(result, curve, frames)
    return result


class _Layer:
    """One Action and how it is laid over what is below it."""

    def __init__(
        self,
        action: bpy.types.Action,
        slot: bpy.types.ActionSlot | None,
        blend: str,
        influence: float = 1.0,
        strip: bpy.types.NlaStrip | None = None,
    ) -> None:
        self.action = action
        self._bag = keyframes.channelbag(action, slot)
        self._blend, self._influence, self._strip = blend, influence, strip

    def curves(self, prefix: str) -> dict[Place, bpy.types.FCurve]:
        """Its curves with keys, of paths that begin with `prefix`."""
        found = self._bag.fcurves if self._bag is not None else ()
        return {
            (curve.data_path, curve.array_index): curve
            for curve in found
            if not curve.mute and len(curve.keyframe_points) and curve.data_path.startswith(prefix)
        }

    def scene_frame(self, frame: float) -> float:
        """Where a frame of the Action lies in the scene (its first repeat)."""
        strip = self._strip
        if strip is None:
            return frame
        return float(strip.frame_start + (frame - strip.action_frame_start) * strip.scale)

    def over(self, below: Array, curve: bpy.types.FCurve, frames: Array) -> Array:
        """What shows when this layer lies over `below`."""
        inside, at = self._action_frames(frames)
        own, share = _evaluated(curve, at), self._influence_on(frames)
        if self._blend == "REPLACE":
            mixed = below + share * (own - below)
        elif self._blend == "MULTIPLY":
            mixed = below * (1.0 + share * (own - 1.0))
        else:  # ADD and COMBINE are one for numbers whose rest is 0
            mixed = below + (-share if self._blend == "SUBTRACT" else share) * own
        return np.where(inside, mixed, below)

    def _influence_on(self, frames: Array) -> Array | float:
        """How much of the layer shows; Blender heeds that of a strip only where it is animated."""
        strip = self._strip
        if strip is None:
            return self._influence
        if not strip.use_animated_influence:
            return 1.0
        curve = strip.fcurves.find("influence")
        return float(strip.influence) if curve is None else _evaluated(curve, frames)

    def _action_frames(self, frames: Array) -> tuple[NDArray[np.bool_], Array]:
        """Where the layer says something, and the frames of its Action there."""
        strip = self._strip
        if strip is None:
            return np.ones(len(frames), bool), frames
        after, before = frames > strip.frame_end, frames < strip.frame_start
        inside = ~(after | before)
        if strip.extrapolation != "NOTHING":
            inside |= after
        if strip.extrapolation == "HOLD":
            inside |= before
        held = np.clip(frames, strip.frame_start, strip.frame_end)
        length = max(strip.action_frame_end - strip.action_frame_start, 1e-6)
        passed = (held - strip.frame_start) / strip.scale
        passed = np.where(passed >= length * strip.repeat - 1e-6, length, np.mod(passed, length))
        if strip.use_reverse:
            passed = length - passed
        return inside, strip.action_frame_start + passed


def _evaluated(curve: bpy.types.FCurve, frames: Array) -> Array:
    return np.array([curve.evaluate(frame) for frame in frames.tolist()])


def _layers(owner: bpy.types.ID) -> Iterator[_Layer]:
    data = owner.animation_data
    if data is None:
        return
    tracks = list(data.nla_tracks) if data.use_nla else []
    solo = [track for track in tracks if track.is_solo]
    for track in solo or tracks:
        for strip in track.strips:
            hidden = track.mute or strip.mute or strip.action is None
            edited = data.use_tweak_mode and strip.action == data.action
            if not (hidden or edited):
                yield _Layer(strip.action, strip.action_slot, strip.blend_type, strip=strip)
    if data.action is not None:
        alone = not any(len(track.strips) for track in tracks)
        blend = "REPLACE" if alone else data.action_blend_type
        yield _Layer(data.action, data.action_slot, blend, 1.0 if alone else data.action_influence)


def actions(owner: bpy.types.ID, prefix: str) -> Iterator[bpy.types.Action]:
    """Actions with keys on properties whose paths begin with `prefix`."""
    return (layer.action for layer in _layers(owner) if layer.curves(prefix))
