"""What the skin wears: ears, brows, hair and a shirt. Millimetres."""

from __future__ import annotations

import numpy as np

from . import sculpt, shape
from .mesh import outward, strip, tube
from .spline import bump, natural_spline, smoothstep


def brow() -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of the left brow: a tapered, slightly ragged band on the brow ridge."""
    t = np.linspace(0, 1, 22)
    x = 11.0 + 42.0 * t
    v = natural_spline(np.array([0, 0.3, 0.65, 1.0]), np.array([141.8, 144.2, 145.4, 140.5]), t)
    half = natural_spline(np.array([0, 0.15, 0.5, 0.8, 1.0]), np.array([2.6, 3.4, 2.9, 1.9, 0.5]), t)
    thick = 1.3 * np.sin(np.pi * np.clip(0.12 + 0.8 * t, 0, 1)) ** 0.5
    rings = []
    for angle in np.linspace(0, 2 * np.pi, 8, endpoint=False):
        ragged = 0.15 * np.sin(9.0 * np.pi * t + 2 * angle) * half / 3
        row = shape.front_point(x, v + np.sin(angle) * (half + ragged))
        rings.append(row + _normals(x, v) * (0.35 + thick * np.cos(angle))[:, None])
    stack = np.stack(rings, axis=1)
    points, faces = tube(stack, stack[0].mean(axis=0), stack[-1].mean(axis=0))
    return points, outward(points, faces)


def _normals(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    across = shape.front_point(x + 1.5, v) - shape.front_point(x - 1.5, v)
    upwards = shape.front_point(x, v + 1.5) - shape.front_point(x, v - 1.5)
    normal = np.cross(across, upwards)
    return normal / np.linalg.norm(normal, axis=-1, keepdims=True)


HAIRLINE_ANGLE = np.radians([0, 18, 32, 42, 52, 62, 72, 82, 96, 108, 120, 140, 160, 180])
HAIRLINE_V = np.array([187, 189, 186, 176, 160, 143, 118, 112, 134, 116, 82, 52, 42, 38.0])


def hair() -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of the hair: a sculpted cap with a parting on the subject's left."""
    columns, rows = 112, 30
    theta = np.linspace(-np.pi, np.pi, columns, endpoint=False)
    line = natural_spline(HAIRLINE_ANGLE, HAIRLINE_V, np.abs(theta))
    share = np.linspace(0, 1, rows) ** 1.25
    v = line[None] + share[:, None] * (257.5 - line[None])
    skin = sculpt.project(shape.loft(np.broadcast_to(theta, v.shape), v).reshape(-1, 3)).reshape(*v.shape, 3)
    outwards = skin - np.array([0, 14.0, 130.0])
    outwards /= np.linalg.norm(outwards, axis=-1, keepdims=True)
    front = smoothstep(0.0, 0.9, np.cos(theta))
    volume = 7.5 + 6.0 * front * bump((v - 208) / 22) + 3.5 * bump((v - 245) / 20)
    edge = smoothstep(0.0, 0.16, share)[:, None] ** 0.6
    comb = 1.1 * np.sin(skin[..., 0] * 0.16 + 0.055 * skin[..., 2] + 11 * theta * (1 - front * 0.6))
    comb += 0.5 * np.sin(skin[..., 0] * 0.37 - 0.1 * skin[..., 1] + 23 * theta)
    parting = -4.0 * bump((skin[..., 0] - 27) / 4.0) * (skin[..., 1] < 20) * smoothstep(150, 195, v)
    height = edge * np.maximum(volume + comb + parting, 2.0) - 1.2
    points = skin + outwards * height[..., None]
    inner = skin[:1] - outwards[:1] * 4.0
    rings = np.concatenate([inner, points])
    top = np.array([0, 17.0, 238.5 + 9.5])
    stacked, faces = tube(rings, None, top)
    return stacked, faces


def shirt() -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of a shirt's collar and shoulders, open below and above."""
    # height, middle y, half width, half depth, squareness
    rings = (
        (-44, 23.5, 45.5, 50.0, 2.0), (-38, 23.5, 49.0, 52.5, 2.0), (-37, 23.5, 52.0, 55.5, 2.0),
        (-44, 24, 54.5, 57.0, 2.0), (-57, 25, 59.0, 59.0, 2.0), (-67, 26, 71.0, 63.0, 2.0),
        (-74, 27, 100.0, 68.0, 2.1), (-83, 28, 132.0, 74.0, 2.2), (-96, 28, 160.0, 79.0, 2.3),
        (-114, 28, 178.0, 84.0, 2.4), (-140, 27, 187.0, 89.0, 2.5), (-175, 26, 188.0, 93.0, 2.5),
        (-215, 25, 184.0, 96.0, 2.5),
    )  # fmt: skip
    theta = np.linspace(-np.pi, np.pi, 72, endpoint=False)
    s, c = np.sin(theta), np.cos(theta)
    stack = []
    for z, y, width, depth, power in rings:
        r = ((np.abs(s) / width) ** power + (np.abs(c) / depth) ** power) ** (-1 / power)
        drop = -14.0 * c * smoothstep(-30, -70, np.array(z)) - 6.0 * c * smoothstep(-60, -40, np.array(z))
        stack.append(np.stack([r * s, y - r * c, z + drop], axis=-1))
    points = np.concatenate(stack)
    index = np.arange(len(points)).reshape(len(rings), -1)
    return points, strip(index[::-1], closed=True)
