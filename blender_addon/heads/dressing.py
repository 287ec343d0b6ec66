"""The shirt: a round neck and shoulders, laid over the sculpt of the body. Millimetres."""

from __future__ import annotations

from functools import partial

import numpy as np

from . import sculpt
from .mesh import strip
from .spline import smoothstep
from .style import DEFAULT, HeadStyle

_AROUND = 96
_COLLAR_ROWS = (
    (0.0, -1.5), (0.0, 3.2), (0.0, 5.2), (0.006, 6.0), (0.022, 6.2), (0.042, 5.8), (0.05, 4.6), (0.058, 4.8),
)  # fmt: skip
"""Share of the way from the neck to the hem, and height over the body in mm: a ribbed band with a seam."""
_ROWS = np.linspace(0.09, 1.0, 20)
_HEM_Z, _HEM_WIDTH, _HEM_DEPTH = -250.0, 172.0, 88.0


def shirt(style: HeadStyle = DEFAULT) -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of a crew neck with shoulders, open below and above."""
    theta = np.linspace(-np.pi, np.pi, _AROUND, endpoint=False)
    s, c = np.sin(theta), np.cos(theta)
    back = (1 - c) / 2
    neck = np.stack([62 * s, 17 - 55 * c, -70 + 26 * back], axis=-1)
    neck = sculpt.project(neck, style, 3, sculpt.torso)
    hem = np.stack([_HEM_WIDTH * s, 18 - _HEM_DEPTH * c, np.full_like(s, _HEM_Z)], axis=-1)
    shares = np.array([*(row[0] for row in _COLLAR_ROWS), *_ROWS])
    height = np.array([*(row[1] for row in _COLLAR_ROWS), *np.full(len(_ROWS), 5.4)])
    share = shares[:, None, None]
    over = np.sqrt(np.clip(1 - (1 - share) ** 2, 0, 1))  # first outwards, then down
    points = neck + (hem - neck) * np.concatenate([over, over, share**1.5], axis=-1)
    feet = sculpt.project(points.reshape(-1, 3), style, 5, sculpt.torso)
    normal = sculpt.gradient(partial(sculpt.torso, style=style), feet)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    folds = 1.3 * np.sin(feet[:, 0] * 0.09 + feet[:, 2] * 0.07) * smoothstep(-95, -150, feet[:, 2])
    stacked = feet + normal * (np.repeat(height, _AROUND) + folds)[:, None]
    index = np.arange(len(stacked)).reshape(len(shares), -1)
    return stacked, strip(index[::-1], closed=True)
