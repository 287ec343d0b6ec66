"""What the skin wears: ears, brows, hair and a shirt. Millimetres."""

from __future__ import annotations

import numpy as np

from . import shape
from .mesh import outward, strip, tube
from .spline import bump, natural_spline, smoothstep

EAR_CENTRE = np.array([75.5, 14.0, 104.0])
EAR_TURN_RAD = np.radians(24)
EAR_LEAN_RAD = np.radians(-9)


def ear() -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of the left ear: a dish with a rolled rim, sunk into the head at its front edge."""
    a = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    # outline in the ear's own plane: u backwards, w up
    outline_u = 17.0 * np.cos(a) * (1 + 0.16 * np.sin(a)) + 1.5
    outline_w = 31.0 * np.sin(a) + 2.0 * np.cos(a)
    rings = []
    # share of the outline, height of the dish above the ear's plane
    profile = ((0.80, -7.0), (0.93, -2.5), (1.0, 1.0), (0.985, 3.4), (0.92, 4.2), (0.85, 3.0), (0.78, 1.8))
    for share, height in profile:
        rings.append((share, np.full_like(a, height)))
    antihelix = 2.6 * smoothstep(-0.9, 0.2, np.cos(a - 0.1))
    rings += [
        (0.68, 2.0 + antihelix),
        (0.56, 1.0 + antihelix * 0.9),
        (0.44, -3.5 + 0 * a),
        (0.26, -8.0 + 0 * a),
    ]
    points = []
    for share, height in rings:
        flat = 2.4 if share < 0.95 else 0.5
        lobe = smoothstep(-8, -25, outline_w * share)
        lifted = height + (flat - height) * lobe * (0.5 < share < 0.99)
        centre_u, centre_w = -3.0 * (1 - share), 4.0 * (1 - share)
        points.append(np.stack([lifted, outline_u * share + centre_u, outline_w * share + centre_w], axis=-1))
    stack = np.stack(points)
    local, faces = tube(stack, stack[0].mean(axis=0), stack[-1].mean(axis=0) - [1.5, 0, 0])
    return _place_ear(local), outward(local, faces)


def _place_ear(local: np.ndarray) -> np.ndarray:
    out, back, up = local.T
    c, s = np.cos(EAR_LEAN_RAD), np.sin(EAR_LEAN_RAD)
    back, up = back * c - up * s, back * s + up * c
    c, s = np.cos(EAR_TURN_RAD), np.sin(EAR_TURN_RAD)
    out, back = out * c + back * s, -out * s + back * c
    return EAR_CENTRE + np.stack([out, back, up], axis=-1)


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
    skin = shape.surface(np.broadcast_to(theta, v.shape), v)
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
