"""Proportions: a bending of space that carries a finished head and its shapes to another build. Millimetres.

It is applied to the rest shape and to every key's target alike, so what touches at rest still touches.
"""

from __future__ import annotations

import numpy as np

from . import age
from .lids import EYE_CENTRE
from .spline import bump, smoothstep
from .style import HeadStyle

_EYE_REACH_MM = 34.0
_EYE_GROWTH, _EYE_GROWTH_BY_STYLE = 0.11, 0.09
_MIDFACE_MM, _LOWER_FACE_MM = 6.0, 2.5
_MOUTH_NARROWING = 0.09
_NECK_UP_MM, _NECK_FORWARD_MM = 12.0, 4.0
"""What sets the character apart from the anatomy it is sculpted with, before any style."""
_HOOD_MM = 3.0
"""How far the oldest skin hangs over the upper lid."""


def bend(points: np.ndarray, style: HeadStyle) -> np.ndarray:
    """Where `points` [N, 3] of the sculpted head lie on this person's."""
    points = np.array(points, float)
    grow = _EYE_GROWTH + _EYE_GROWTH_BY_STYLE * style.eye_size
    bent = points.copy()
    for side in (1, -1):
        away = points - EYE_CENTRE * [side, 1, 1]
        near = np.exp(-((np.linalg.norm(away, axis=1) / _EYE_REACH_MM) ** 6))
        bent += away * (grow * near)[:, None]
    x, y, z = points.T
    mouth = np.exp(-((x / 44) ** 4) - ((z - 50) / 32) ** 4) * smoothstep(-25, -60, y)
    bent[:, 0] -= _MOUTH_NARROWING * x * mouth
    bent[:, 2] -= _MIDFACE_MM * smoothstep(58, 114, z) + _LOWER_FACE_MM * smoothstep(0, 46, z)
    body = smoothstep(-6, -62, z)
    bent += np.stack([0 * x, -_NECK_FORWARD_MM * body, _NECK_UP_MM * body], axis=-1)
    hood = bump((np.abs(x) - 42) / 13, (z - 133) / 5) * smoothstep(-55, -68, y)
    bent[:, 2] -= _HOOD_MM * age.share(style) * hood
    bent[:, 2] += 7.0 * style.face_length * smoothstep(0, 105, z)
    bent[:, 0] *= 1 + 0.055 * style.head_width * smoothstep(-60, 0, z)
    return bent
