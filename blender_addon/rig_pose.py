"""Shows what channels do on a character, and puts everything back: for the preview and for contact sheets.

What is shown comes from `retarget`, as the keys do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..inference.retarget import retarget
from ..inference.types import FaceMotion, FrameRate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..inference.types import RigMap, RigOwner

    Place = tuple[RigOwner, str, str, int]
    """Which datablock of an object, the object's name, data path, index."""

RATE = FrameRate(25)


def poses(maps: Sequence[RigMap], channels: Sequence[str], values: np.ndarray) -> list[dict[Place, float]]:
    """What a character's properties are for each row of channel values.

    Args:
        values: [N, C], 0..1, radians for channels of the head.
    """
    motion = FaceMotion(np.asarray(values, np.float32), tuple(channels), RATE.hz)
    made: list[dict[Place, float]] = [{} for _ in values]
    for rig_map in maps:
        for curve in retarget(motion, rig_map, RATE, 0.0):
            place = (curve.owner, curve.object, curve.data_path, curve.index)
            for pose, value in zip(made, curve.values.tolist(), strict=True):
                pose[place] = value
    return made


def of_weights(maps: Sequence[RigMap], weights: Sequence[Mapping[str, float]]) -> list[dict[Place, float]]:
    """What a character's properties are for each set of channel weights; channels left out are at rest."""
    channels = tuple(dict.fromkeys(channel for one in weights for channel in one))
    return poses(maps, channels, np.array([[one.get(c, 0.0) for c in channels] for one in weights]))


class Posed:
    """Changes properties; `restore` puts back what they were. A context manager.

    Objects that are gone meanwhile (undo, another file) are passed over.
    """

    def __init__(self) -> None:
        self._before: dict[Place, float] = {}

    def __enter__(self) -> Posed:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.restore()

    def show(self, pose: Mapping[Place, float]) -> None:
        """Set the properties of a pose; others stay as they are."""
        for place, value in pose.items():
            found = _Place.find(place)
            if found is not None:
                self._before.setdefault(place, found.value)
                found.value = value
        bpy.context.view_layer.update()

    def restore(self) -> None:
        """Put everything back."""
        for place, value in self._before.items():
            found = _Place.find(place)
            if found is not None:
                found.value = value
        self._before.clear()
        bpy.context.view_layer.update()


class _Place:
    """One number of a datablock."""

    def __init__(self, block: bpy.types.ID, holder: bpy.types.bpy_struct, name: str, index: int) -> None:
        self._block, self._holder, self._name, self._index = block, holder, name, index

    @classmethod
    def find(cls, place: Place) -> _Place | None:
        """None where it is gone."""
        owner, object_name, path, index = place
        found = bpy.data.objects.get((object_name, None))
        block = found.data.shape_keys if owner == "KEY" and found is not None else found
        if block is None:
            return None
        head, name = _split(path)
        try:
            holder = block.path_resolve(head) if head else block
            made = cls(block, holder, name, index)
            float(made.value)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return None
        return made

    @property
    def value(self) -> float:
        """The number."""
        whole = self._whole()
        return float(whole[self._index] if hasattr(whole, "__len__") else whole)

    @value.setter
    def value(self, value: float) -> None:
        whole = self._whole()
        if hasattr(whole, "__len__"):
            whole[self._index] = value
        elif self._name.startswith("["):
            self._holder[self._custom()] = type(whole)(value)
            self._block.update_tag()  # of the others Blender knows; a tag would bring back what is keyed
        else:
            setattr(self._holder, self._name, value)

    def _whole(self) -> object:
        return (
            self._holder[self._custom()] if self._name.startswith("[") else getattr(self._holder, self._name)
        )

    def _custom(self) -> str:
        return bpy.utils.unescape_identifier(self._name[2:-2])


def _split(path: str) -> tuple[str, str]:
    """What has a property, and the property: `pose.bones["a"].location` and `pose.bones["a"]["Smile"]`."""
    if path.endswith('"]') and not path.startswith('key_blocks["'):
        start = path.rindex('["')
        while start > 0 and path[start - 1] == "\\":
            start = path.rindex('["', 0, start)
        return path[:start], path[start:]
    head, _, name = path.rpartition(".")
    return head, name
