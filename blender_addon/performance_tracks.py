"""The sliders of a character as an instruction over the seconds of its scene, and the object it looks at."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from mathutils import Vector

from ..inference.instruction.values import (
    ACTION_NAMES,
    EMOTIONS,
    LOWS,
    NEUTRAL,
    Instruction,
    InstructionTrack,
)
from ..inference.performance.direction import Gaze
from . import media, performance_curves
from .performance_properties import SLIDERS

if TYPE_CHECKING:
    from collections.abc import Collection

    import bpy
    from numpy.typing import NDArray

PREFIX = "soliloquy_performance."
"""What the data paths of the sliders begin with."""
_STEP_S = 0.1
"""Keys are sampled so often: a face passes over within half a second."""
_SAMPLES_MAX = 20_000
_EYES = ("eyeBlinkLeft", "eyeBlinkRight", "eyeLookUpLeft", "eyeLookUpRight")


def instruction_of(values: dict[str, float]) -> Instruction:
    """From values by slider name, brought into their ranges: Blender keeps 32 bits, and keys may pass 1."""
    kept = {name: min(max(values.get(name, 0.0), LOWS.get(name, 0.0)), 1.0) for name in SLIDERS}
    return Instruction(
        tuple(round(kept[name], 4) for name in EMOTIONS),
        tuple(round(kept[name], 4) for name in ACTION_NAMES),
        round(kept["intensity"], 4),
    )


def now(obj: bpy.types.Object) -> Instruction:
    """What the sliders of a character show."""
    shown = obj.soliloquy_performance
    return instruction_of({name: getattr(shown, name) for name in SLIDERS})


def set_sliders(obj: bpy.types.Object, instruction: Instruction) -> None:
    """Let the sliders show an instruction; hold `edit_live` where that is not to act."""
    shown, values = obj.soliloquy_performance, {**instruction.values(), "intensity": instruction.intensity}
    for name in SLIDERS:
        setattr(shown, name, values.get(name, 0.0))


def keyed_sliders(obj: bpy.types.Object) -> dict[str, tuple[float, float]]:
    """Names of the sliders that have keys, with the frames of their first and last one."""
    found = performance_curves.animated(obj, PREFIX)
    return {
        path.removeprefix(PREFIX): frames
        for (path, _), frames in found.items()
        if path[len(PREFIX) :] in SLIDERS
    }


def scene_track(obj: bpy.types.Object, scene: bpy.types.Scene) -> InstructionTrack:
    """What the sliders say over time, in seconds from frame 0 of the scene; one instruction without keys."""
    keyed = keyed_sliders(obj)
    if not keyed:
        return InstructionTrack.constant(now(obj))
    hz = media.frame_rate(scene).hz
    frames = _sampled_frames(keyed.values(), hz)
    shown = obj.soliloquy_performance
    columns = {
        name: performance_curves.values(obj, (PREFIX + name, 0), frames, 1.0 if name == "intensity" else 0.0)
        if name in keyed
        else np.full(len(frames), getattr(shown, name))
        for name in SLIDERS
    }
    rows = _corners(np.column_stack(list(columns.values())))
    instructions = [
        instruction_of({name: float(columns[name][row]) for name in SLIDERS}) for row in rows.tolist()
    ]
    return InstructionTrack(tuple((frames[rows] / hz).tolist()), tuple(instructions))


def _sampled_frames(ranges: Collection[tuple[float, float]], hz: float) -> NDArray[np.float64]:
    """Frames, `_STEP_S` apart or a little less, from the first to the last key of all ranges of keys."""
    first, last = min(a for a, _ in ranges), max(b for _, b in ranges)
    count = int(min(max(2, np.ceil((last - first) / hz / _STEP_S) + 1), _SAMPLES_MAX))
    return np.linspace(first, last, count) if last > first else np.array([first])


def _corners(table: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows of [N, C] that are not on the straight line between their neighbours; the first one always."""
    bends = np.abs(np.diff(table, 2, axis=0)).max(axis=1) > 1e-5 if len(table) > 2 else np.zeros(0, bool)
    kept = np.concatenate([[True], bends, [len(table) > 1]])[: len(table)]
    rows = np.flatnonzero(kept)
    same = len(rows) == 2 and np.abs(table[rows[0]] - table[rows[1]]).max() < 1e-5
    return rows[:1] if same else rows


# --- the object that is looked at


def gaze(obj: bpy.types.Object, scene: bpy.types.Scene) -> Gaze | None:
    """Where the chosen object lies as seen from the character's eyes, in seconds from frame 0 of the scene.

    The character stands as it does now; the object moves by the keys of its own location.
    """
    target = obj.soliloquy_performance.target
    if target is None or target == obj:
        return None
    times_s, places = _places(target, media.frame_rate(scene).hz)
    eyes, inverse = eyes_of(obj), obj.matrix_world.inverted_safe()
    ways = np.array([inverse @ place - eyes for place in places])
    across, ahead, up = ways[:, 0], -ways[:, 1], ways[:, 2]
    yaw, pitch = np.arctan2(across, ahead), np.arctan2(up, np.hypot(across, ahead))
    return Gaze(times_s, tuple(np.round(yaw, 4).tolist()), tuple(np.round(pitch, 4).tolist()))


def _places(target: bpy.types.Object, hz: float) -> tuple[tuple[float, ...], list[Vector]]:
    keyed = performance_curves.animated(target, "location")
    if not keyed:
        return (0.0,), [target.matrix_world.translation.copy()]
    frames = _sampled_frames(keyed.values(), hz)
    columns = [
        performance_curves.values(target, ("location", i), frames, 0.0)
        if ("location", i) in keyed
        else np.full(len(frames), target.location[i])
        for i in range(3)
    ]
    above = target.parent.matrix_world @ target.matrix_parent_inverse if target.parent is not None else None
    places = [Vector(place) for place in np.column_stack(columns).tolist()]
    return tuple((frames / hz).tolist()), [above @ p for p in places] if above is not None else places


def eyes_of(obj: bpy.types.Object) -> Vector:
    """The middle between the eyes in the object's own space: where blinking and looking up move most."""
    keys = obj.data.shape_keys if obj.type == "MESH" else None
    blocks = keys.key_blocks if keys is not None else {}
    found = [blocks[name] for name in _EYES if name in blocks]
    if found:
        rest, moved = _points(keys.reference_key), np.stack([_points(block) for block in found])
        away = np.linalg.norm(moved - rest, axis=2).max(axis=0)
        if away.max() > 0:
            return Vector(rest[away > 0.5 * away.max()].mean(axis=0).tolist())
    corners = np.array([corner[:] for corner in obj.bound_box])
    low, high = corners.min(axis=0), corners.max(axis=0)
    return Vector(((low[0] + high[0]) / 2, low[1], low[2] + 0.6 * (high[2] - low[2])))


def _points(block: bpy.types.ShapeKey) -> NDArray[np.float32]:
    points = np.empty(3 * len(block.data), np.float32)
    block.data.foreach_get("co", points)
    return points.reshape(-1, 3)


# --- as text in the blend file


def packed(track: InstructionTrack) -> str:
    """A track as JSON; `unpacked` reads it. Empty for the neutral one."""
    if track == NEUTRAL:
        return ""
    rows = [{**one.values(), "intensity": one.intensity} for one in track.instructions]
    return json.dumps([[round(t, 4), row] for t, row in zip(track.times_s, rows, strict=True)])


@lru_cache(maxsize=256)
def unpacked(text: str) -> InstructionTrack:
    """The track of a text; neutral where it is damaged or empty."""
    try:
        rows = json.loads(text) if text else []
        return InstructionTrack(
            tuple(float(t) for t, _ in rows), tuple(instruction_of(row) for _, row in rows)
        )
    except (ValueError, TypeError, AttributeError):
        return NEUTRAL


def strongest(track: InstructionTrack) -> Instruction:
    """Of every value of a track the strongest: what a line is called after."""
    table = np.array([(*one.emotions, *one.actions, one.intensity) for one in track.instructions])
    most = table[np.abs(table).argmax(axis=0), np.arange(table.shape[1])].tolist()
    return Instruction(tuple(most[: len(EMOTIONS)]), tuple(most[len(EMOTIONS) : -1]), most[-1])
