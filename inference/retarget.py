"""From channels to a character: the curves to key, and the map of a rig that carries ARKit's names.

Knows names and numbers only, nothing of Blender: the add-on reads names from a mesh and writes the curves.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from . import rotation
from .channels import ARKIT_52
from .curves import sample_motion
from .names import match_channels
from .rig_solve import solve_keys
from .timing import first_step_at_or_after, scene_frame
from .types import RigCurve, RigMap, RigTarget

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from .types import FaceMotion, FloatArray, FrameRate, RigKind, RigOwner, SolvedKeys

_ESCAPES = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)


def shape_key_path(name: str) -> str:
    """RNA path of a shape key's value below its Key datablock, with Blender's own escaping of the name."""
    return f'key_blocks["{name.translate(_ESCAPES)}"].value'


def map_by_name(object_name: str, shape_key_names: Sequence[str]) -> RigMap:
    """Let every shape key that carries an ARKit name, in one of the usual spellings, follow its channel.

    Args:
        object_name: the mesh object that owns the keys.
        shape_key_names: all of its keys, in any order; those without an ARKit name are left alone.

    Returns:
        The map; `unmatched` lists the ARKit channels for which no key was found.
    """
    found = match_channels(shape_key_names)
    targets = tuple(
        RigTarget(channel, object_name, shape_key_path(name))
        for channel, names in found.items()
        for name in names
    )
    return RigMap(targets, unmatched=tuple(channel for channel in ARKIT_52 if channel not in found))


def retarget(motion: FaceMotion, rig_map: RigMap, rate: FrameRate, start_frame: float) -> list[RigCurve]:
    """Sample motion at every whole scene frame that it covers, for every target and solved key of a map.

    Args:
        motion: its time 0 is at `start_frame`; a `start_s` other than 0 (an offset of the sound) counts.
        rig_map: targets whose channel the motion lacks are skipped; so are solved keys whose channels it
            lacks altogether (channels that it lacks are at rest for the others).
        rate: the scene's.
        start_frame: may lie between frames; a frame F shows the motion at (F - start_frame) / hz seconds.

    Returns:
        One curve per property, all with the same ascending whole frames; the rotation of a bone or an object
        takes as many curves as its rotation mode has components. A motion that is too short to cover a frame
        is keyed at the nearest one.
    """
    targets = [target for target in rig_map.targets if target.channel in motion.channels]
    solved = [keys for keys in rig_map.solved if not set(keys.channels).isdisjoint(motion.channels)]
    if len(motion.values) == 0 or not (targets or solved):
        return []
    frames = _covered_frames(motion, rate, start_frame)
    values = sample_motion(motion, (frames - start_frame) / rate.hz)
    columns = {channel: np.ascontiguousarray(values[:, i]) for i, channel in enumerate(motion.channels)}
    frames_f32 = frames.astype(np.float32)
    curves = [
        *_property_curves([t for t in targets if not t.rotates], columns, frames_f32),
        *_turned_curves([t for t in targets if t.rotates], columns, frames_f32),
    ]
    for keys in solved:
        curves += _solved_curves(keys, columns, frames_f32)
    return curves


def _property_curves(
    targets: Sequence[RigTarget], columns: dict[str, FloatArray], frames: FloatArray
) -> list[RigCurve]:
    summed: dict[tuple[RigOwner, str, str, int], FloatArray] = {}
    for target in targets:
        values = columns[target.channel] * np.float32(target.gain) + np.float32(target.offset)
        owner: RigOwner = "KEY" if target.kind == "SHAPE_KEY" else "OBJECT"
        place = owner, target.object, target.data_path, target.index
        summed[place] = summed[place] + values if place in summed else values
    return [
        RigCurve(object_name, path, index, frames, values, owner)
        for (owner, object_name, path, index), values in summed.items()
    ]


def _turned_curves(
    targets: Sequence[RigTarget], columns: dict[str, FloatArray], frames: FloatArray
) -> Iterator[RigCurve]:
    turned: dict[tuple[RigKind, str, str, str], list[NDArray[np.float64]]] = {}
    for target in targets:
        angles = columns[target.channel].astype(np.float64) * target.gain + target.offset
        turn = rotation.about_axis(target.axis or (0.0, 1.0, 0.0), angles)
        place = target.kind, target.object, target.data_path, target.rotation_mode
        turned.setdefault(place, []).append(turn)
    for (kind, object_name, path, mode), turns in turned.items():
        name, components = rotation.columns(rotation.product(turns), mode)
        whole = f"{path}.{name}" if kind == "BONE" else path + name.removeprefix("rotation")
        for index, values in enumerate(components.T.astype(np.float32)):
            yield RigCurve(object_name, whole, index, frames, values, "OBJECT")


def _solved_curves(keys: SolvedKeys, columns: dict[str, FloatArray], frames: FloatArray) -> list[RigCurve]:
    still = np.zeros(len(frames), np.float32)
    weights = solve_keys(keys, np.stack([columns.get(c, still) for c in keys.channels], axis=1))
    places = [(keys.object, path, k, 1.0) for k, path in enumerate(keys.data_paths)]
    places += [(*copy, 1.0) for copy in keys.copies]
    summed: dict[tuple[str, str], FloatArray] = {}
    for object_name, path, k, share in keys.mixed or places:
        values = np.float32(share) * weights[:, k]
        at = object_name, path
        summed[at] = summed[at] + values if at in summed else values
    return [RigCurve(name, path, 0, frames, np.ascontiguousarray(v)) for (name, path), v in summed.items()]


def _covered_frames(motion: FaceMotion, rate: FrameRate, start_frame: float) -> NDArray[np.float64]:
    """float64 [K], the whole frames from the motion's first row to its last."""
    end_s = motion.start_s + (len(motion.values) - 1) / motion.rate_hz
    first = first_step_at_or_after(scene_frame(motion.start_s, rate, start_frame), 1.0)
    last = -first_step_at_or_after(-scene_frame(end_s, rate, start_frame), 1.0)
    if last < first:
        first = last = math.floor(scene_frame((motion.start_s + end_s) / 2, rate, start_frame) + 0.5)
    return np.arange(first, last + 1, dtype=np.float64)
