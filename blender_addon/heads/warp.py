"""Proportions: a bending of space that carries a finished head and its shapes to another build. Millimetres.

It is applied to the rest shape and to every key's target alike, so what touches at rest still touches.
"""

from __future__ import annotations

import numpy as np

from .lids import EYE_CENTRE
from .spline import smoothstep
from .style import HeadStyle

_EYE_REACH_MM = 34.0


def bend(points: np.ndarray, style: HeadStyle) -> np.ndarray:
    """Where `points` [N, 3] of the average head lie on this person's."""
    points = np.array(points, float)
    if style.eye_size:
        for side in (1, -1):
            away = points - EYE_CENTRE * [side, 1, 1]
            near = np.exp(-((np.linalg.norm(away, axis=1) / _EYE_REACH_MM) ** 4))
            points += away * (0.10 * style.eye_size * near)[:, None]
    if style.face_length:
        points[:, 2] += 7.0 * style.face_length * smoothstep(0, 105, points[:, 2])
    if style.head_width:
        points[:, 0] *= 1 + 0.055 * style.head_width * smoothstep(-60, 0, points[:, 2])
    return points
