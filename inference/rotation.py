"""Rotations of bones over time, in the three ways in which Blender stores them.

Quaternions are float64 [T, 4] as w, x, y, z.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

PROPERTY_OF_MODE: Final = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
"""Name of the property that a rotation mode animates; every other mode is an order of Euler angles."""


def about_axis(axis: tuple[float, float, float], angles: Array) -> Array:
    """Turns by `angles` [T] radians about one axis (any length above 0)."""
    unit = np.asarray(axis, float) / np.linalg.norm(axis)
    return np.concatenate([np.cos(angles / 2)[:, None], np.sin(angles / 2)[:, None] * unit], axis=1)


def product(turns: Iterable[Array]) -> Array:
    """One turn after the other: the last one is applied first, each about the axes at rest."""
    first, *others = turns
    for turn in others:
        first = _multiply(first, turn)
    return first


def _multiply(a: Array, b: Array) -> Array:
    scalar = a[:, 0] * b[:, 0] - (a[:, 1:] * b[:, 1:]).sum(axis=1)
    vector = a[:, :1] * b[:, 1:] + b[:, :1] * a[:, 1:] + np.cross(a[:, 1:], b[:, 1:])
    return np.concatenate([scalar[:, None], vector], axis=1)


def columns(turns: Array, mode: str) -> tuple[str, Array]:
    """What to key for a rotation mode of Blender: the property, and its components over time [T, 3 or 4]."""
    if mode == "QUATERNION":
        return PROPERTY_OF_MODE[mode], turns
    if mode == "AXIS_ANGLE":
        return PROPERTY_OF_MODE[mode], _axis_angle(turns)
    return "rotation_euler", _euler(turns, mode)


def _axis_angle(turns: Array) -> Array:
    sine = np.linalg.norm(turns[:, 1:], axis=1)
    angle = 2 * np.arctan2(sine, turns[:, 0])
    axis = np.where(sine[:, None] > 1e-9, turns[:, 1:] / np.maximum(sine, 1e-9)[:, None], (0.0, 1.0, 0.0))
    return np.concatenate([angle[:, None], axis], axis=1)


def _euler(turns: Array, order: str) -> Array:
    """Euler angles x, y, z; in Blender's order XYZ the turn about x is applied first."""
    w, x, y, z = turns.T
    matrix = np.empty((len(turns), 3, 3))
    matrix[:, 0] = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], axis=1)
    matrix[:, 1] = np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], axis=1)
    matrix[:, 2] = np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], axis=1)
    i, j, k = ("XYZ".index(letter) for letter in order)
    sign = 1.0 if (i, j, k) in ((0, 1, 2), (1, 2, 0), (2, 0, 1)) else -1.0
    angles = np.empty((len(turns), 3))
    angles[:, i] = np.arctan2(sign * matrix[:, k, j], matrix[:, k, k])
    angles[:, j] = np.arctan2(-sign * matrix[:, k, i], np.hypot(matrix[:, i, i], matrix[:, j, i]))
    angles[:, k] = np.arctan2(sign * matrix[:, j, i], matrix[:, i, i])
    return np.unwrap(angles, axis=0)
