"""The nose's patch of the skin: loops round the nose, a grid over it, and rings that go into the nostrils.

Millimetres. The grid's rows run from the base of the nose over its underside and tip up the bridge; its
columns from wing to wing. All positions here are first guesses, which the skin draws onto the sculpt.
"""

from __future__ import annotations

import numpy as np

from .spline import natural_spline

RINGS = 2
"""New loops between the cut-out in the skin and the grid over the nose."""
_ROWS = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], float)
_MIDDLE_YZ = np.array([
    (-96.5, 72.3), (-98.5, 73), (-103, 73.6), (-108, 74.6), (-112.5, 76.6), (-116, 79.6), (-117, 83.2),
    (-116, 85.6), (-114.3, 87.5), (-112.5, 89), (-111, 90.4), (-109.6, 91.7), (-108.4, 93),
])  # fmt: skip
_SIDE = np.array([
    (11, -93.5, 72), (14.4, -92, 72.6), (16.8, -91, 74), (18.2, -90.4, 76.2), (18.9, -90, 78.6),
    (19, -89.7, 80.8), (18.7, -89.4, 82.8), (18.1, -89, 84.6), (17.4, -88.5, 86.3), (16.7, -88, 88),
    (16, -87.5, 89.6), (15.4, -87, 91.2), (14.9, -86.5, 92.8),
])  # fmt: skip
NOSTRIL_ROWS, NOSTRIL_COLUMNS = (1, 5), (3, 6)
"""The nostril's hole in the grid: rows, and columns from the middle outwards."""
_NOSTRIL_MIDDLE, _NOSTRIL_AXIS = np.array([7.3, -102.8]), np.radians(64)
_NOSTRIL_LONG_MM, _NOSTRIL_BROAD_MM = 5.6, 2.7
# Rings inside the nostril: share of its outline, height above it, backwards
_INSIDE = ((0.93, 1.0, 0.2), (0.9, 3.0, 1.0), (0.72, 6.5, 3.0), (0.3, 9.2, 5.2))


def grid(columns: int, rows: int, style_wide: float, style_long: float) -> np.ndarray:
    """First positions [1 + rows, 1 + 2 * columns, 3] of the grid over the nose."""
    u = np.linspace(-1, 1, 2 * columns + 1)
    at = np.linspace(_ROWS[0], _ROWS[-1], rows + 1)
    middle = natural_spline(_ROWS, _MIDDLE_YZ, at)[:, None]
    side = natural_spline(_ROWS, _SIDE, at)[:, None]
    x = side[..., 0] * u * (1 + 0.12 * style_wide)
    round_ = np.sqrt(np.clip(1 - np.abs(u) ** 2.4, 0, 1))
    y = side[..., 1] + (middle[..., 0] - 3.0 * style_long * (at[:, None] > 1) - side[..., 1]) * round_
    z = middle[..., 1] + (side[..., 2] - middle[..., 1]) * np.abs(u) ** 1.6
    return np.stack([x, y, np.broadcast_to(z, x.shape)], axis=-1)


def nostril(count: int, style_wide: float, style_long: float) -> np.ndarray:
    """Rim of the left nostril as x and y [count, 2], in the order of a loop from its outer side.

    `count` points; outer means away from the middle, the loop runs as `skin.loop_path` does (to higher rows
    first, which on the underside lie further forwards).
    """
    a = 2 * np.pi * (np.arange(count) + 0.0) / count
    long, broad = np.sin(a) * _NOSTRIL_LONG_MM, np.cos(a) * _NOSTRIL_BROAD_MM
    c, s = np.cos(_NOSTRIL_AXIS), np.sin(_NOSTRIL_AXIS)
    # long axis: from back and outside to front and inside
    forward = np.array([-c, -s])
    across = np.array([s, -c])
    plan = _NOSTRIL_MIDDLE + long[:, None] * forward + broad[:, None] * across * [1, 1]
    return plan * [1 + 0.14 * style_wide, 1.0] - [0.0, 1.6 * style_long]


def nostril_rings(rim: np.ndarray) -> np.ndarray:
    """Rings [K, N, 3] that lead from the nostril's rim [N, 3] up into the nose."""
    centre = rim.mean(axis=0)
    return np.stack([
        centre + (rim - centre) * [share, share, 0.4] + [0, back, up] for share, up, back in _INSIDE
    ])  # fmt: skip
