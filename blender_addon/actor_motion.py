"""The motion that a pass is painted from, taken out of the scene: as the lines make it, or as it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..inference import reapply
from ..inference.channels import ARKIT_52
from ..inference.curves import sample_motion
from ..inference.errors import UsageError
from ..inference.formats.arkit_csv import write_csv
from ..inference.readback import places, read_back
from ..inference.types import FaceMotion
from . import layers, media
from .actor_properties import EDITED
from .bake import value_of
from .rig_map import read_character

if TYPE_CHECKING:
    import bpy

    from ..inference.types import RigMap


def write(
    scene: bpy.types.Scene, character: bpy.types.Object, path: str, first: int, last: int, motion: str
) -> None:
    """Write the motion of a character on the frames `first` to `last` as curves; time 0 is `first`.

    Args:
        motion: PREDICTED or EDITED, see `actor_properties`.

    Raises:
        UsageError: the character neither speaks nor is animated there.
        RigError: it cannot be driven.
        OutputError: the file cannot be written.
    """
    made = spoken(scene, character, first, last)
    if motion == EDITED:
        made = edited(scene, character, made, first)
    write_csv(path, [made])


def spoken(scene: bpy.types.Scene, character: bpy.types.Object, first: int, last: int) -> FaceMotion:
    """What the character's lines and sliders make, a row for each frame; at rest where it says nothing."""
    found = read_character(character, character.soliloquy_face.include_parts)
    motion = reapply.face_motion(layers.plan(character, scene, found))
    hz = media.frame_rate(scene).hz
    frames = np.arange(first, last + 1)
    if motion is None:
        return FaceMotion(np.zeros((len(frames), len(ARKIT_52)), np.float32), ARKIT_52, hz)
    times = frames / hz
    values = sample_motion(motion, times)
    begins, ends = motion.times_s[0], motion.times_s[-1]
    values[(times < begins) | (times > ends)] = 0.0
    return FaceMotion(values, motion.channels, hz)


def edited(scene: bpy.types.Scene, character: bpy.types.Object, motion: FaceMotion, first: int) -> FaceMotion:
    """What the character shows, from all layers, keys and drivers; rotations of bones are the lines' own.

    Steps through the frames; the scene's current frame is put back.
    """
    (rig_map,) = read_character(character, character.soliloquy_face.include_parts).maps
    shown = _shown(scene, rig_map, first, len(motion.values))
    return read_back(rig_map, shown, motion)


def _shown(
    scene: bpy.types.Scene, rig_map: RigMap, first: int, count: int
) -> dict[tuple[str, str, int], np.ndarray]:
    kinds = {(t.object, t.data_path, t.index): t.kind for t in rig_map.targets}
    owners = {}
    for place in places(rig_map):
        owner = scene.objects.get(place[0])
        if owner is not None and kinds[place] == "SHAPE_KEY":
            owner = owner.data.shape_keys
        if owner is not None and value_of(owner, place[1], place[2]) is not None:
            owners[place] = owner
    values = {place: np.zeros(count, np.float32) for place in owners}
    with media.current_frame_kept(scene):
        for row in range(count):
            scene.frame_set(first + row)
            for place, owner in owners.items():
                values[place][row] = value_of(owner, place[1], place[2])
    return values


def refusal(context: bpy.types.Context, character: bpy.types.Object | None) -> UsageError | None:
    """Why a character gives no motion, or None."""
    if character is None:
        return UsageError("No character is chosen whose motion is painted", "Choose the target above")
    keys = character.data.shape_keys if character.type == "MESH" else None
    is_moved = any(owner.animation_data is not None for owner in (character, keys) if owner is not None)
    if not len(character.soliloquy_face.lines) and not is_moved:
        return UsageError(f'"{character.name}" says nothing yet', "Animate a line first")
    return None
