"""Locks that lie on the sheet of hair, tapered to both ends. Millimetres."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .hair_flow import Flow
from .hair_styles import Cut
from .spline import smoothstep

_ROWS, _SECTION = 9, 5
_FIRST_V = 0.1
"""Where the first locks begin, so that their roots are hidden where the mass is high."""
_SUNK_MM = 4.0
"""How deep the root of a lock lies in the mass that it comes out of."""
_TIP_MM = 7.0
"""How far the tips of the lowest locks reach beyond the sheet."""


@dataclass(frozen=True)
class Lock:
    """A tapered ribbon with an arched section."""

    number: int
    points: np.ndarray
    """float64 [rows, section, 3] mm."""
    uvs: np.ndarray
    """float64 [rows, section, 2]."""
    density: np.ndarray
    """float64 [rows, section]."""


def locks(sheet: Flow, surface: np.ndarray, cut: Cut) -> Iterator[Lock]:
    """Every lock on the `surface` [rows, columns, 3] that the sheet's mass has."""
    columns = surface.shape[1]
    length = sheet.along[-1]
    for number in range(cut.top_locks):
        u = (0.5 + number * 0.618034) % 1.0
        depth = (0.31 + number * 0.7548777) % 1.0
        column = u * (columns - 1)
        whole = float(np.interp(column, np.arange(columns), length))
        if whole < 14:
            continue
        span = min(cut.lock_mm[0] * (0.75 + 0.5 * ((number * 0.37) % 1.0)) / whole, 0.85)
        start = _FIRST_V + depth * max(1.0 + _TIP_MM / whole - span - _FIRST_V, 0.0)
        share = np.linspace(0, 1, _ROWS)
        v = start + span * share
        drift = (columns / cut.locks) * 0.7 * np.sin(number * 2.9) * (share - 0.3)
        middle = _read(surface, v, column + drift)
        normal = _read(sheet.normals, v, column + drift)
        yield _ribbon(number, middle, normal, v, u, cut)


def _read(values: np.ndarray, v: np.ndarray, column: np.ndarray) -> np.ndarray:
    """`values` [rows, columns, 3] at places along (0..1, on beyond the end) and columns, [N, 3]."""
    rows, columns = values.shape[:2]
    row = np.clip(v, 0, None) ** (1 / 1.1) * (rows - 1)
    column = np.clip(column, 0, columns - 1.001)
    r, c = np.minimum(row.astype(int), rows - 2), column.astype(int)
    a, b = (row - r)[:, None], (column - c)[:, None]
    near = values[r, c] * (1 - b) + values[r, c + 1] * b
    far = values[r + 1, c] * (1 - b) + values[r + 1, c + 1] * b
    return near * (1 - a) + far * a


def _ribbon(number: int, middle: np.ndarray, normal: np.ndarray, v: np.ndarray, u: float, cut: Cut) -> Lock:
    share = np.linspace(0, 1, _ROWS)
    along = np.gradient(middle, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = np.cross(along, normal)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    vary = 0.7 + 0.6 * ((number * 0.531) % 1.0)
    width = cut.lock_mm[1] * vary * (0.4 + 0.6 * smoothstep(0, 0.4, share))
    width = width * (1 - 0.97 * share**3.2)
    loose = 1.0 + 1.6 * (number % 5 == 0)
    lift = loose * cut.lift_mm * smoothstep(0.0, 0.55, share) * (1 - 0.75 * share**4) - _SUNK_MM * smoothstep(
        0.35, 0.0, share
    )
    at = np.linspace(-1, 1, _SECTION)
    arch = (1 - at**2) * 0.16
    skew = 0.10 * np.sin(number * 5.3)
    points = (
        middle[:, None]
        + side[:, None] * (0.5 * width[:, None] * at)[..., None]
        + normal[:, None]
        * (lift[:, None] + width[:, None] * (arch + skew * at * 0.5) - (np.abs(at) > 0.9) * 1.6)[..., None]
    )
    uvs = np.stack(
        np.broadcast_arrays(u + 0.0125 * at[None] * (width / cut.lock_mm[1])[:, None], v[:, None]), axis=-1
    )
    density = np.broadcast_to((1 - 0.6 * smoothstep(0.75, 1.0, share))[:, None], (_ROWS, _SECTION))
    return Lock(number, points, uvs, density)
