"""What years add to the sculpt: furrows with the skin gathered beside them, bags, jowls. Millimetres."""

from __future__ import annotations

import numpy as np

from .spline import bump, smoothstep
from .style import HeadStyle

_YOUNG_UNTIL = 0.3
# Courses (x, z) of the furrows of the left half, depth, half width, share of it that the skin beside swells
_FURROWS = (
    (((0, 158.5), (14, 160.5), (28, 159.5), (42, 156)), 1.9, 2.5, 0.6),
    (((0, 169.5), (14, 171.5), (28, 171), (43, 167)), 1.9, 2.5, 0.6),
    (((0, 180.5), (14, 182.5), (36, 179)), 1.4, 2.5, 0.6),
    (((6, 135), (7.5, 153)), 2.0, 2.2, 0.4),  # of the frown
    (((53, 120), (64, 128)), 1.1, 1.9, 0.5),  # crow's feet
    (((54, 115), (65, 116)), 1.1, 1.9, 0.5),
    (((53, 110), (63, 103)), 1.1, 1.9, 0.5),
    (((17, 106), (24, 98), (36, 94.5), (48, 98.5)), 1.9, 2.4, 0.3),  # below the bags
    (((18.5, 87), (26, 72), (33, 57), (35, 44)), 3.9, 3.3, 0.3),  # from nose to mouth
    (((28.5, 44), (31, 32), (31, 20)), 2.2, 2.6, 0.3),  # from mouth to chin
)
# Middles and radii of what swells (or sinks, negative) and by how much
_SWELLINGS = (
    ((33, -84, 102.5), (13, 9, 3.6), 1.5),  # bag below the eye
    ((35, -86, 70), (8, 14, 16), 2.6),  # the cheek hangs over the fold
    ((41, -46, 20), (9, 15, 10), 3.6),  # jowl
    ((24, -66, 8), (8, 9, 8), -1.2),  # before the jowl
    ((0, -50, -2), (18, 20, 12), 3.0),  # below the chin
    ((69, -44, 142), (14, 22, 20), -1.6),  # temple
)


def share(style: HeadStyle) -> float:
    """How old a face is, 0 up to thirty or so, 1 at the end."""
    return max(style.age - _YOUNG_UNTIL, 0.0) / (1.0 - _YOUNG_UNTIL)


def relief(left: np.ndarray, style: HeadStyle) -> np.ndarray:
    """How far [N] mm age lifts (or sinks, negative) the skin at the points `left` [N, 3] of the left half."""
    lifted = furrows(left) + sum(
        mm * bump(*((left - np.array(middle)) / radii).T) for middle, radii, mm in _SWELLINGS
    )
    return share(style) * lifted


def furrows(left: np.ndarray) -> np.ndarray:
    """The furrows alone [N] mm at full age: negative within, positive beside them."""
    seen, lifted = left[:, [0, 2]], np.zeros(len(left))
    for course, depth, half_width, beside in _FURROWS:
        away, ended = _beside(seen, np.array(course, float))
        groove = bump(away / half_width) - beside * bump((away - 2.3 * half_width) / (1.2 * half_width))
        lifted -= depth * ended * groove
    return lifted * smoothstep(-8, -25, left[:, 1])


def _beside(points: np.ndarray, course: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance [N] of `points` [N, 2] from the line `course` [K, 2]; 1 beside it, fading to its ends."""
    nearest, along = np.full(len(points), np.inf), np.zeros(len(points))
    lengths = np.linalg.norm(np.diff(course, axis=0), axis=1)
    total, start = lengths.sum(), 0.0
    for a, b, length in zip(course[:-1], course[1:], lengths, strict=True):
        t = np.clip((points - a) @ (b - a) / length**2, 0, 1)
        away = np.linalg.norm(points - a - t[:, None] * (b - a), axis=1)
        along = np.where(away < nearest, start + t * length, along)
        nearest = np.minimum(nearest, away)
        start += length
    fade = min(10.0, 0.35 * total)
    first = 1.0 if course[0, 0] == 0 else smoothstep(0, fade, along)
    return nearest, first * smoothstep(total, total - fade, along)
