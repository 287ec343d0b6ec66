"""Brows: single tapered hairs on the brow ridge that turn from upwards to outwards. Millimetres, left."""

from __future__ import annotations

import numpy as np

from . import sculpt
from .spline import natural_spline
from .style import DEFAULT, HeadStyle

COUNT = 110
_SHARES = (0.0, 0.45, 1.0)


def brow(style: HeadStyle = DEFAULT) -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of the left brow's hairs; as many for every style."""
    k = np.arange(COUNT)
    t = (k + 0.5) / COUNT
    across = 2 * ((k * 0.618034) % 1.0) - 1  # -1 the lower edge, 1 the upper
    x = 11.0 + 41.0 * t
    middle = natural_spline(np.array([0, 0.3, 0.66, 1.0]), np.array([141.2, 144.0, 145.8, 139.5]), t)
    half = natural_spline(np.array([0, 0.2, 0.55, 0.85, 1.0]), np.array([2.6, 3.2, 2.6, 1.4, 0.4]), t)
    z = middle + across * half * (0.6 + 0.8 * style.brow_hair)
    slope = natural_spline(np.array([0, 0.15, 0.5, 0.75, 1.0]), np.radians([78, 48, 20, -12, -34]), t)
    slope = slope - 0.28 * across + 0.2 * np.sin(k * 2.1)
    length = natural_spline(np.array([0, 0.2, 0.7, 1.0]), np.array([5.0, 8.5, 8.5, 5.5]), t)
    length = length * (1 + 0.24 * np.sin(k * 3.7))
    thick = (0.21 + 0.16 * style.brow_hair) * (1 - 0.25 * t) * (1 - 0.3 * np.abs(across))
    rings = []
    for share in _SHARES:
        bent = slope - 0.35 * share
        foot = sculpt.front_point(
            x + np.cos(bent) * length * share, z + np.sin(bent) * length * share * 0.9, style
        )
        normal = sculpt.normals(foot, style)
        middle_line = foot + normal * (0.12 + 0.72 * np.sin(np.pi * (0.15 + 0.7 * share)))
        along = np.stack([np.cos(bent), 0 * bent, np.sin(bent)], axis=-1)
        side = np.cross(along, normal)
        radius = (thick * (1.0, 1.15, 0.08)[_SHARES.index(share)])[:, None]
        for angle in np.radians([90, 210, 330]):
            rings.append(middle_line + radius * (1.5 * np.cos(angle) * side + np.sin(angle) * normal))
    points = np.stack(rings).reshape(len(_SHARES), 3, COUNT, 3)
    index = np.arange(points[..., 0].size).reshape(len(_SHARES), 3, COUNT)
    following = np.roll(index, -1, axis=1)
    quads = np.stack([index[:-1], following[:-1], following[1:], index[1:]], axis=-1).reshape(-1, 4)
    tips = np.stack([*index[-1], np.full(COUNT, -1)], axis=-1)
    return points.reshape(-1, 3), np.concatenate([quads, tips])
