"""The left ear: rings from the skin round its root over its back and rim into the bowl. Millimetres.

The ear's own plane has u backwards and w upwards; h is the height over it, away from the head.
"""

from __future__ import annotations

import numpy as np

from .spline import natural_spline, smoothstep

CENTRE = np.array([71.5, 15.0, 104.5])
TURN_RAD, LEAN_RAD, TILT_RAD = np.radians(27), np.radians(-11), np.radians(6)
# The ear's outline from its back over the top to the face's side and round the lobe: u, w
_OUTLINE = np.array([
    (18.5, 3), (18.8, 12), (16.5, 21), (11, 28.5), (3.5, 31.5), (-4.5, 30), (-10.5, 24), (-12.8, 16),
    (-12.6, 8), (-12.8, 0), (-13.2, -8), (-12.6, -16), (-11, -23), (-7, -28.5), (-1.5, -30), (3.5, -27.5),
    (6.5, -22), (10.5, -15), (15, -7),
])  # fmt: skip
_HELIX = np.array([
    (-3, 0), (-8, 4), (-11.2, 11), (-10.4, 20), (-5, 26.5), (2.5, 28.6), (9.3, 25.8), (14.2, 19.5),
    (16.2, 11.5), (15.8, 3), (13, -5.5), (9.5, -12.5),
])  # fmt: skip
_ANTIHELIX = np.array([(0.5, -14.5), (5, -10.5), (7.6, -4), (8, 3), (6.8, 9.5), (4.6, 15), (3.2, 19.5)])
_FORK = np.array([(6.4, 10.5), (2.6, 13.0), (-2.5, 14.8), (-7, 15.6)])
BACK_RINGS = ((0.80, 0.86, -5.5), (0.93, 0.95, -1.5), (0.985, 0.99, 1.0))
"""From root to rim: share of the outline's u and w, height."""
FRONT_SHARES = (1.0, 0.985, 0.95, 0.90, 0.85, 0.79, 0.72, 0.65, 0.57, 0.49, 0.41, 0.32, 0.22, 0.11)
_FOCUS = np.array([-3.5, -3.0])
"""Where the rings of the bowl run together."""
RINGS = 1 + len(BACK_RINGS) + len(FRONT_SHARES)


def _outline(count: int) -> np.ndarray:
    """`count` points [N, 2] at even steps along the outline."""
    closed = np.vstack([_OUTLINE, _OUTLINE, _OUTLINE, _OUTLINE[:1]])
    knots = np.arange(len(closed), dtype=float)
    at = np.linspace(len(_OUTLINE), 2 * len(_OUTLINE), 600)
    curve = natural_spline(knots, closed, at)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    even = np.linspace(0, length[-1], count, endpoint=False)
    return np.stack([np.interp(even, length, curve[:, k]) for k in range(2)], axis=-1)


def _ridge(uw: np.ndarray, line: np.ndarray, radius: float | np.ndarray) -> np.ndarray:
    """1 on a smooth curve through `line` [K, 2], falling off over `radius` mm; the curve's course [N]."""
    fine = natural_spline(np.arange(len(line), dtype=float), line, np.linspace(0, len(line) - 1, 80))
    gaps = np.linalg.norm(uw[:, None] - fine[None], axis=-1)
    near = gaps.argmin(axis=1)
    return np.exp(-((gaps.min(axis=1) / radius) ** 2)), near / 79.0


def _heights(uw: np.ndarray) -> np.ndarray:
    """The ear's front as heights [N] over its plane."""
    u, w = uw.T

    def blob(cu: float, cw: float, ru: float, rw: float) -> np.ndarray:
        return np.exp(-(((u - cu) / ru) ** 2) - ((w - cw) / rw) ** 2)

    helix, course = _ridge(uw, _HELIX, 2.7)
    h = 5.4 * helix * smoothstep(0.0, 0.22, course) * (1 - 0.55 * smoothstep(0.8, 1.0, course))
    anti, course = _ridge(uw, _ANTIHELIX, 3.1)
    h = np.maximum(h, 4.6 * anti * (1 - 0.45 * smoothstep(0.6, 1.0, course)))
    fork, course = _ridge(uw, _FORK, 2.6)
    h = np.maximum(h, 3.0 * fork * (1 - 0.5 * course))
    h -= 8.5 * blob(-3.0, -3.5, 7.0, 9.5) + 3.2 * blob(
        -4.5, 9.0, 5.5, 3.6
    )  # the bowl, above and below the crus
    h += 7.5 * blob(-11.5, -6.0, 3.6, 5.4)  # tragus
    h += 3.6 * blob(0.0, -16.5, 3.6, 3.2)  # antitragus
    return h + 2.6 * blob(-3.0, -24.5, 9.0, 5.5)  # lobe


def rings(count: int, scale: float = 1.0) -> np.ndarray:
    """Rings [RINGS, count, 3] of the left ear from its root to the bottom of the bowl; the root first.

    They start at the ear's back and run over its top. The root is only a guess: it belongs on the skin.
    """
    outline = _outline(count)
    u, w = outline.T
    backness = smoothstep(-9.0, 10.0, u)
    root = np.stack([np.full(count, -9.0), np.where(u > -8, -8 + (u + 8) * 0.52, u - 1.0), w * 0.86], axis=-1)
    made = [root]
    for share_u, share_w, height in BACK_RINGS:
        back_u = _FOCUS[0] + (u - _FOCUS[0]) * np.where(u > -8, share_u, 1.02)
        made.append(np.stack([height + 2.4 * backness - 2.4, back_u, w * share_w], axis=-1))
    for share in FRONT_SHARES:
        uw = _FOCUS + (outline - _FOCUS) * share
        h = _heights(uw) + 1.6
        edge = smoothstep(0.93, 1.0, share)
        lobe = smoothstep(-12, -22, w)
        made.append(np.stack([h * (1 - edge) + edge * (2.6 - 0.4 * lobe), uw[:, 0], uw[:, 1]], axis=-1))
    return _place(np.stack(made) * scale)


def _place(local: np.ndarray) -> np.ndarray:
    """From h, u, w to the head's x, y, z."""
    out, back, up = np.moveaxis(local, -1, 0)
    for angle, first in ((LEAN_RAD, True), (TURN_RAD, False)):
        c, s = np.cos(angle), np.sin(angle)
        if first:
            back, up = back * c - up * s, back * s + up * c
        else:
            out, back = out * c + back * s, -out * s + back * c
    c, s = np.cos(TILT_RAD), np.sin(TILT_RAD)
    out, up = out * c + up * s, -out * s + up * c
    return CENTRE + np.stack([out, back, up], axis=-1)
