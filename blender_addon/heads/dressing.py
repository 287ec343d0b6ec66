"""The shirt: a round neck and shoulders, laid over the sculpt of the body. Millimetres."""

from __future__ import annotations

from functools import partial

import numpy as np

from . import sculpt
from .mesh import strip
from .spline import natural_spline, smoothstep
from .style import DEFAULT, HeadStyle

_AROUND = 96
_COLLAR_ROWS = (
    (1.5, -2.0), (-0.6, 1.5), (-0.9, 4.2), (0.4, 6.0), (3.0, 6.9), (7.0, 7.0), (10.6, 6.5), (12.0, 5.2),
    (13.2, 4.7), (16.0, 4.9),
)  # fmt: skip
"""mm from the neck's line outwards along the body, and over it: a thick ribbed band with a seam."""
_ROWS = np.linspace(0.0, 1.0, 24)[1:]
_INSIDE = np.array([0.0, 34.0, -22.0])
_LINE_SHARE = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_LINE = np.array([(-48.0, -44.0), (-34.0, -31.0), (6.0, -10.0), (46.0, -12.0), (60.0, -17.0)])
_LINE_HALF_WIDTH = 58.0
"""Where the collar's rays aim from `_INSIDE` the neck: y and z from the front round to the back; x."""
_SMOOTHED = 24
_HEM_Z, _HEM_WIDTH, _HEM_DEPTH = -250.0, 172.0, 88.0


def _neck_line(theta: np.ndarray, style: HeadStyle) -> np.ndarray:
    """Where the collar lies on the body [N, 3]: rays from within the neck, so that it runs smoothly."""
    s, c = np.sin(theta), np.cos(theta)
    towards = natural_spline(_LINE_SHARE, _LINE, (1 - c) / 2)
    way = np.stack([_LINE_HALF_WIDTH * s, towards[:, 0], towards[:, 1]], axis=-1)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    out = np.full(len(way), 30.0)
    for _ in range(16):
        out -= 0.8 * sculpt.torso(_INSIDE + out[:, None] * way, style)
    for _ in range(_SMOOTHED):  # cloth does not follow the edge of every muscle
        out += (np.roll(out, 1) + np.roll(out, -1) - 2 * out) / 4
    return _INSIDE + out[:, None] * way


def shirt(style: HeadStyle = DEFAULT) -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of a crew neck with shoulders, open below and above."""
    theta = np.linspace(-np.pi, np.pi, _AROUND, endpoint=False)
    s, c = np.sin(theta), np.cos(theta)
    neck = _neck_line(theta, style)
    hem = np.stack([_HEM_WIDTH * s, 18 - _HEM_DEPTH * c, np.full_like(s, _HEM_Z)], axis=-1)
    outwards = np.cross(np.roll(neck, -1, axis=0) - np.roll(neck, 1, axis=0), _normals(neck, style))
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    along, height = np.array(_COLLAR_ROWS).T
    band = neck + along[:, None, None] * outwards
    share = _ROWS[:, None, None]
    over = np.sqrt(np.clip(1 - (1 - share) ** 2, 0, 1))  # first outwards, then down
    cloth = band[-1] + (hem - band[-1]) * np.concatenate([over, over, share**1.5], axis=-1)
    feet = sculpt.project(np.concatenate([band, cloth]).reshape(-1, 3), style, 5, sculpt.torso)
    height = np.concatenate([height, np.full(len(_ROWS), 5.2)])
    folds = 1.3 * np.sin(feet[:, 0] * 0.09 + feet[:, 2] * 0.07) * smoothstep(-95, -150, feet[:, 2])
    stacked = feet + _normals(feet, style) * (np.repeat(height, _AROUND) + folds)[:, None]
    index = np.arange(len(stacked)).reshape(len(height), -1)
    return stacked, strip(index[::-1], closed=True)


def _normals(points: np.ndarray, style: HeadStyle) -> np.ndarray:
    normal = sculpt.gradient(partial(sculpt.torso, style=style), points)
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)
