"""The skin's rest shape: a loft of closed rows round the head, and the features set into it.

Millimetres throughout, chin at z = 0, crown near z = 238, +X the subject's left, the face towards -Y.
A point of the surface is `surface(theta, v)`: theta radians round the head from the face's middle
(towards the subject's left), v the row, which on the face's middle line is the height in mm.
Proportions are general anatomical ones (eyes half way up, the mouth a third of the way from nose to chin).
"""

from __future__ import annotations

import numpy as np

from .spline import bump, natural_spline, smoothstep

ROW_V = (-90, -60, -30, -20, -10, 0, 14, 30, 50, 74, 100, 128, 145, 165, 190, 215, 235, 250, 260)
# Per row: front y z, side x y z, back y z, narrowing of the front quarter, squareness
ROW_SHAPE = (
    (-36, -88, 56, 28, -78, 80, -60, 0.00, 2.0),
    (-30, -50, 46, 26, -46, 71, -34, 0.00, 2.0),
    (-34, -17, 45, 24, -12, 68, -4, 0.04, 2.0),
    (-50, -8, 46, 22, 2, 69, 8, 0.10, 2.0),
    (-70, -2, 49, 19, 14, 72, 18, 0.16, 2.0),
    (-84, 5, 52, 15, 26, 78, 30, 0.20, 2.0),
    (-90, 15, 57, 12, 38, 85, 44, 0.19, 2.0),
    (-89, 30, 62, 10, 51, 91, 58, 0.155, 2.0),
    (-92, 50, 67, 10, 65, 96, 72, 0.105, 2.0),
    (-92, 74, 71, 10, 81, 100, 88, 0.055, 2.0),
    (-91, 100, 74, 11, 102, 102, 108, 0.015, 2.0),
    (-93, 128, 76, 13, 128, 103, 130, 0.0, 2.1),
    (-96, 145, 77, 15, 146, 103, 147, 0.0, 2.2),
    (-95, 166, 77, 17, 167, 101, 167, 0.0, 2.2),
    (-84, 193, 72, 19, 194, 92, 192, 0.0, 2.15),
    (-62, 217, 57, 19, 217, 76, 215, 0.0, 2.1),
    (-35, 231, 37, 19, 231, 55, 230, 0.0, 2.0),
    (-9, 237, 18, 18, 237, 36, 237, 0.0, 2.0),
    (17, 238.5, 0.01, 17, 238.5, 17, 238.5, 0.0, 2.0),
)

NOSE_V = (68, 71, 73, 75, 77, 80, 84, 90, 100, 112, 122, 130, 138)
NOSE_HEIGHT = (0.0, 1.2, 5.5, 13.0, 19.5, 23.5, 23.5, 20.0, 13.6, 7.2, 3.2, 1.0, 0.0)
NOSE_WIDTH = (13, 13.0, 13.0, 12.8, 12.0, 11.4, 10.8, 9.6, 8.0, 7.2, 7.4, 8.0, 9.0)


def loft(theta: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The bare skull and neck without features, [..., 3] mm."""
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


def surface(theta: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The skin at (theta, v) with all features but lids, lips and ears, [..., 3] mm."""
    point = loft(theta, v)
    v = np.broadcast_to(np.asarray(v, float), point.shape[:-1])
    x = np.abs(point[..., 0])
    front = smoothstep(0.15, 0.6, np.cos(theta))
    forward = (
        3.2 * bump((x - 27 - 0.1 * (v - 140)) / 17, (v - 139 - 0.06 * (x - 20)) / 7.5)  # brow ridge
        + 1.0 * bump(x / 10, (v - 143) / 8)
        - 5.0 * bump((x - 33) / 15, (v - 119) / 11)  # eye socket
        - 2.5 * bump((x - 15) / 6, (v - 124) / 9)
        + 2.6 * bump(x / 24, (v - 54) / 17)  # the muzzle round the mouth
        - 1.6 * bump(x / 18, (v - 30) / 6)  # the hollow under the lip
        + 3.0 * bump(x / 13, (v - 12) / 9)  # chin
        + 2.0 * bump((x - 30) / 13, (v - 88) / 14)  # front of the cheek
        - 1.2 * bump((x - 21 - 0.35 * (76 - v)) / 5, (v - 72) / 14)  # nasolabial line
    )
    nose = _nose(x, v)
    out = (
        3.2 * bump((x - 54) / 13, (v - 96) / 13)  # cheekbone
        - 2.6 * bump((x - 52) / 15, (v - 56) / 18)  # hollow of the cheek
        - 2.5 * bump((x - 68) / 12, (v - 142) / 18)  # temple
        + 2.0 * bump((x - 55) / 12, (v - 12) / 14)  # corner of the jaw
    )
    axis = np.stack([point[..., 0], point[..., 1] - 12, np.zeros_like(x)], axis=-1)
    axis /= np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-6)
    point = point + axis * (out * front)[..., None]
    point[..., 1] -= front * (forward + nose[0])
    point[..., 2] += front * nose[1]
    return point


def _nose(x: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far the nose stands forward, and how far it is lifted, in mm."""
    knots = np.array(NOSE_V)
    height = np.maximum(natural_spline(knots, np.array(NOSE_HEIGHT), v), 0)
    width = natural_spline(knots, np.array(NOSE_WIDTH), v)
    inside = (v > NOSE_V[0]) & (v < NOSE_V[-1])
    ridge = height * np.exp(-((x / width) ** 2.3))
    wing = 5.0 * bump((x - 12.0) / 4.2, (v - 79.0) / 4.5)
    tip = 1.5 * bump(x / 7, (v - 82) / 4.5)
    lift = -2.2 * bump(x / 11, (v - 75.5) / 4.0)
    return np.where(inside, ridge + wing + tip, 0.0), np.where(inside, lift, 0.0)


def front_point(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The skin's point of row `v` at the lateral position `x` mm (front half only), [..., 3]."""
    x, v = np.broadcast_arrays(np.asarray(x, float), np.asarray(v, float))
    return surface(front_theta(x, v), v)


def front_theta(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The theta at which row `v` has lateral position `x` mm, by secants within the front half."""
    x, v = np.broadcast_arrays(np.asarray(x, float), np.asarray(v, float))
    wanted = np.abs(x)
    theta, before = wanted / 95.0, np.zeros_like(x)
    miss_before = -wanted
    for _ in range(7):
        miss = surface(theta, v)[..., 0] - wanted
        change = miss - miss_before
        step = np.where(np.abs(change) > 1e-9, miss * (theta - before) / np.where(change, change, 1), 0)
        before, miss_before = theta, miss
        theta = np.clip(theta - step, 0, 1.5)
    return np.sign(x) * theta
