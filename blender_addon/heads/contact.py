"""Lips slide over the teeth: what a shape would press into them is held before them."""

from __future__ import annotations

import numpy as np

from . import mouth
from .geometry import head_geometry
from .lip_section import polar

_LEAST_MM = 1.1
"""Between the back of the lips and the teeth."""
_ANGLE_RAD, _HEIGHT_MM = np.radians(2.0), 1.0
_TEETH = ("teeth", "gum")


def clear_of_teeth(delta: np.ndarray, base: np.ndarray | float = 0.0) -> np.ndarray:
    """`delta` [V, 3] with lips and lining held before teeth and gums where `base + delta` puts them.

    What stands nearer at rest already may stay as near as it is.
    """
    head = head_geometry()
    teeth = np.concatenate([i for name, i in head.parts.items() if name.startswith(_TEETH)])
    index = np.unique(head.skin.mouth[mouth.OUTER_LAYERS : mouth.LINING_START + 3])
    if np.abs(delta[index]).max() < 1e-9:
        return delta
    spare = np.minimum(_spare(head.points[index], head.points[teeth]), _LEAST_MM)
    moved = head.points + base + delta
    lack = np.clip(spare - _spare(moved[index], moved[teeth]), 0.0, None)
    angle, _ = polar(moved[index])
    held = delta.copy()
    held[index, 0] += lack * np.sin(angle)
    held[index, 1] -= lack * np.cos(angle)
    return held


def _spare(points: np.ndarray, teeth: np.ndarray) -> np.ndarray:
    """How far (mm) `points` [N, 3] stand before the front of `teeth` [M, 3]; large where there are none."""
    front = _front(teeth)
    angle, radius = polar(points)
    row = np.clip((angle + np.pi / 2) / _ANGLE_RAD, 0, front.shape[0] - 1.001)
    column = np.clip((points[:, 2] - teeth[:, 2].min()) / _HEIGHT_MM + 1, 0, front.shape[1] - 1.001)
    r, c = row.astype(int), column.astype(int)
    return radius - np.max([front[r + i, c + j] for i in (0, 1) for j in (0, 1)], axis=0)


def _front(teeth: np.ndarray) -> np.ndarray:
    """Greatest distance of the teeth from the arch's axis, by angle and height; 0 where there are none."""
    angle, radius = polar(teeth)
    rows = int(np.pi / _ANGLE_RAD) + 2
    columns = int(np.ptp(teeth[:, 2]) / _HEIGHT_MM) + 4
    row = np.rint((angle + np.pi / 2) / _ANGLE_RAD).astype(int)
    column = np.rint((teeth[:, 2] - teeth[:, 2].min()) / _HEIGHT_MM).astype(int) + 1
    front = np.zeros((rows, columns))
    kept = (row >= 0) & (row < rows)
    np.maximum.at(front, (row[kept], column[kept]), radius[kept])
    for axis in (0, 1):  # vertices are sparse: let each stand for its neighbourhood
        for _ in range(2):
            front = np.maximum(front, 0.997 * np.maximum(np.roll(front, 1, axis), np.roll(front, -1, axis)))
    return front
