"""The template that the skin's mesh starts from: a loft of closed rows round the head, without features.

Millimetres throughout, chin at z = 0, crown near z = 238, +X the subject's left, the face towards -Y.
A point of the loft is `loft(theta, v)`: theta radians round the head from the face's middle (towards the
subject's left), v the row, which on the face's middle line is about the height in mm. `sculpt` has the form.
"""

from __future__ import annotations

import numpy as np

from .spline import natural_spline

ROW_V = (-130, -105, -85, -60, -30, -20, -10, 0, 14, 30, 50, 74, 100, 128, 145, 165, 190, 215, 235, 250, 260)
# Per row: front y z, side x y z, back y z, narrowing of the front quarter, squareness
ROW_SHAPE = (
    (-30, -106, 106, 39, -88, 105, -80, 0.00, 2.0),
    (-16, -79, 78, 41, -62, 97, -54, 0.00, 2.0),
    (-13, -58, 60, 38, -45, 90, -37, 0.00, 2.0),
    (-23, -39, 51, 29, -29, 80, -22, 0.00, 2.0),
    (-36, -17, 47, 20, -12, 69, -6, 0.04, 2.0),
    (-50, -9, 48, 17, 0, 65, 5, 0.10, 2.0),
    (-72, -2, 49, 15, 14, 65, 17, 0.16, 2.0),
    (-86, 4, 53, 15, 26, 68, 30, 0.18, 2.0),
    (-93, 15, 58, 12, 38, 74, 43, 0.17, 2.0),
    (-89, 30, 62, 10, 51, 82, 57, 0.155, 2.0),
    (-92, 50, 66, 10, 65, 98, 72, 0.105, 2.0),
    (-92, 74, 70, 10, 81, 102, 88, 0.055, 2.0),
    (-90, 100, 73, 11, 102, 106, 108, 0.015, 2.0),
    (-90, 128, 75, 13, 128, 110, 130, 0.0, 2.1),
    (-92, 145, 76, 15, 146, 112, 147, 0.0, 2.1),
    (-88, 166, 75, 17, 167, 111, 167, 0.0, 2.1),
    (-76, 193, 68, 19, 194, 102, 192, 0.0, 2.1),
    (-57, 215, 53, 19, 217, 84, 215, 0.0, 2.05),
    (-33, 229, 35, 19, 231, 60, 230, 0.0, 2.0),
    (-9, 236, 18, 18, 236, 38, 236, 0.0, 2.0),
    (14, 237.5, 0.01, 14, 237.5, 14, 237.5, 0.0, 2.0),
)


def loft(theta: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The bare skull and neck, [..., 3] mm."""
    theta, v = np.broadcast_arrays(np.asarray(theta, float), np.asarray(v, float))
    row = natural_spline(np.array(ROW_V), np.array(ROW_SHAPE), v)
    front_y, front_z, side_x, side_y, side_z, back_y, back_z, narrowing, power = np.moveaxis(row, -1, 0)
    s, c = np.sin(theta), np.cos(theta)
    is_front = c >= 0
    depth = np.maximum(np.where(is_front, side_y - front_y, back_y - side_y), 0.01)
    side_x = np.maximum(side_x, 0.01)
    r = ((np.abs(s) / side_x) ** power + (np.abs(c) / depth) ** power) ** (-1 / power)
    r = r * np.where(is_front, 1 - narrowing * np.sin(2 * theta) ** 2, 1.0)
    end_z = np.where(is_front, front_z, back_z)
    return np.stack([r * s, side_y - r * c, side_z + (end_z - side_z) * c**2], axis=-1)
