"""The way hair lies: lines walked over the sculpt from the parting to the hairline. Millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from . import sculpt
from .hair_styles import STYLES, Cut
from .spline import natural_spline, smoothstep
from .style import DEFAULT, HeadStyle

_CENTRE = np.array([0.0, 14.0, 142.0])
# Hairline: degrees round the head from the middle of the face, height in mm
_LINE_DEG = np.array([0, 14, 26, 36, 46, 55, 63, 70, 77, 84, 90, 100, 108, 116, 126, 145, 180.0])
_LINE_Z = np.array([187, 188, 187, 182, 172, 159, 144, 122, 106, 122, 139, 141, 128, 104, 80, 66, 62.0])
_RECEDED = np.array([12, 14, 20, 24, 18, 8, 2, 0, 0, 0, 0, 0, 2, 4, 6, 6, 6.0])
_OVERHANG_DEG = np.array([0, 40, 75, 100, 130, 180.0])
_STEP_MM, _STEPS = 3.5, 84
_SLIT_MM = 0.3
_WANDER_MM = 1.1
"""How far the parting strays from a straight line."""
_TEMPLE_DEG = 66.0
"""From here over the forehead to the other temple hair is combed back from the hairline."""


@dataclass(frozen=True)
class Flow:
    """The sheet of hair on the scalp: rows from root to tip, columns side by side."""

    feet: np.ndarray
    """float64 [rows, columns, 3] mm on the skin."""
    normals: np.ndarray
    """float64 [rows, columns, 3], unit."""
    along: np.ndarray
    """float64 [rows, columns], mm of the way from the root."""
    v: np.ndarray
    """float64 [rows, columns], 0 at the root to 1 at the tip."""
    u: np.ndarray
    """float64 [columns], 0..1."""
    lock: np.ndarray
    """float64 [columns], the number of the lock."""
    across: np.ndarray
    """float64 [columns], place 0..1 in the lock."""
    inner: np.ndarray
    """float64 [columns], 1 where the root is at the parting, 0 where it is at the hairline."""


def _round(points: np.ndarray) -> np.ndarray:
    """Degrees [N] round the head from the middle of the face, the same on either side."""
    return np.degrees(np.arctan2(np.abs(points[..., 0]), _CENTRE[1] - points[..., 1]))


def _line_z(degrees: np.ndarray, cut: Cut) -> np.ndarray:
    return natural_spline(_LINE_DEG, _LINE_Z + cut.receded * _RECEDED, degrees)


def above_line(points: np.ndarray, style: HeadStyle = DEFAULT) -> np.ndarray:
    """Height [N] in mm of points of the skin above the hairline."""
    return points[..., 2] - _line_z(_round(points), STYLES[style.hair_style])


def _starts(cut: Cut, style: HeadStyle) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Roots [N, 3] in order round the parting, how they are combed at first [N, 2], which are inner [N]."""
    x, front, back = cut.parting
    y = np.linspace(front, back, 90)
    turn = np.linspace(0, np.pi, 41)[1:-1]
    ring = np.concatenate(
        [
            np.stack([0 * y + 1, 0 * y, 0 * y, y], axis=-1),
            np.stack([np.cos(turn), np.sin(turn), 0 * turn, 0 * turn + back], axis=-1),
            np.stack([0 * y - 1, 0 * y, 0 * y, y[::-1]], axis=-1),
        ]
    )
    if not cut.from_hairline:
        turn = turn + np.pi
        ring = np.concatenate(
            [ring, np.stack([np.cos(turn), np.sin(turn), 0 * turn, 0 * turn + front], axis=-1), ring[:1]]
        )
    out, at_y = ring[:, :2].copy(), ring[:, 3]
    x = x + _WANDER_MM * np.sin(0.19 * at_y)
    at = np.column_stack([x + _SLIT_MM * out[:, 0], at_y + _SLIT_MM * out[:, 1], np.full(len(ring), 262.0)])
    out[:, 0] += cut.sweep * smoothstep(0.5, 0.0, (at_y - front) / max(back - front, 1.0))
    out[:, 1] += cut.back + cut.fan * (at_y - 0.5 * (front + back)) / max(0.5 * (back - front), 1.0)
    roots = sculpt.cast(at, (0, 0, -1), style, 40)
    inner = np.ones(len(roots))
    if cut.from_hairline:
        roots, out, inner = _with_hairline(roots, out, cut, style)
    return roots, out / np.linalg.norm(out, axis=1, keepdims=True), inner


def _with_hairline(
    roots: np.ndarray, out: np.ndarray, cut: Cut, style: HeadStyle
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same with the hairline's roots before and after those of the parting."""
    front = np.degrees(np.arctan2(roots[0, 0], _CENTRE[1] - roots[0, 1]))
    pieces = []
    for side, start, end in ((1.0, _TEMPLE_DEG, front + 2.0), (-1.0, front - 2.0, -_TEMPLE_DEG)):
        degrees = np.linspace(start, end, 120)
        a = np.radians(degrees)
        plan = np.stack([np.sin(a), -np.cos(a)], axis=-1) * 130
        outside = np.column_stack([plan + _CENTRE[:2], _line_z(np.abs(degrees), cut)])
        hit = sculpt.cast(outside, np.column_stack([-plan / 130, 0 * degrees]), style, 40)
        way = np.stack([side * (0.25 + 0.75 * np.cos(a)), 0.45 + 0.5 * np.abs(np.sin(a))], axis=-1)
        pieces.append((hit, way))
    (left, left_way), (right, right_way) = pieces
    inner = np.concatenate([np.zeros(len(left)), np.ones(len(roots)), np.zeros(len(right))])
    return np.concatenate([left, roots, right]), np.concatenate([left_way, out, right_way]), inner


def _comb(points: np.ndarray, out: np.ndarray, cut: Cut) -> np.ndarray:
    """Directions [N, 3] in which hair lies at `points` on the head."""
    _, y, z = points.T
    top = smoothstep(162, 208, z)
    forehead = smoothstep(-40, -72, y) * smoothstep(150, 180, z) if cut.from_hairline else 0 * z
    over = np.column_stack([out, 0 * z])
    back = cut.sides_back * smoothstep(112, 170, z) * smoothstep(95, 0, y)
    sweep = 0.55 * (1 - cut.sides_back) * smoothstep(-35, -75, y) * np.sign(out[:, 0]) * cut.fan
    down = np.column_stack([sweep, back + 0.12 * cut.sides_back, np.full_like(z, -1.0)])
    comb = down + (over - down) * np.maximum(top, forehead)[:, None]
    comb[:, 0] += 0.05 * np.sin(0.09 * z + 0.05 * y)
    return comb


def _walk(roots: np.ndarray, out: np.ndarray, cut: Cut, style: HeadStyle) -> tuple[np.ndarray, np.ndarray]:
    """Lines [steps, N, 3] from `roots` and their length [N] to where hairline and overhang end them."""
    solid = partial(sculpt.distance, style=style)
    foot, lines = roots, [roots]
    for _ in range(_STEPS):
        moved, slope = sculpt.draw(solid, foot)
        normal = slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
        comb = _comb(moved, out, cut)
        comb -= np.einsum("ni,ni->n", comb, normal)[:, None] * normal
        comb /= np.maximum(np.linalg.norm(comb, axis=1, keepdims=True), 1e-6)
        lines[-1] = moved
        foot = moved + comb * _STEP_MM
        lines.append(foot)
    lines = np.stack(lines)
    slant = 1 + cut.slant * np.tanh(lines[..., 0] / 30.0) * smoothstep(-20, -60, lines[..., 1])
    limit = -slant * natural_spline(_OVERHANG_DEG, np.array(cut.overhang), _round(lines))
    outside = above_line(lines, style) < limit
    outside[:4] = False
    ended = np.where(outside.any(axis=0), outside.argmax(axis=0), _STEPS)
    return lines, ended * _STEP_MM


@cache
def flow(style: HeadStyle = DEFAULT) -> Flow:
    """The sheet of the style's hair."""
    cut = STYLES[style.hair_style]
    roots, out, inner = _starts(cut, style)
    lines, length = _walk(roots[::3], out[::3], cut, style)
    spread = np.linalg.norm(np.diff(_resampled(lines, length, 8), axis=1), axis=-1).max(axis=0)
    ways = np.concatenate([[0.0], np.cumsum(np.minimum(spread, 30.0) + 0.4)])
    number = np.arange(cut.locks + 1)
    borders = (number + 0.28 * np.sin(number * 2.3) * (number > 0) * (number < cut.locks)) / cut.locks
    at = np.arange(cut.locks * cut.columns + 1) / cut.columns
    place = np.interp(
        np.interp(at, number, borders) * ways[-1], ways, np.arange(len(roots))[::3].astype(float)
    )
    pick = partial(_pick, place)
    roots, out, inner = pick(roots), pick(out), pick(inner)
    lock = np.minimum(np.floor(at), cut.locks - 1)
    across = at - lock
    lines, length = _walk(roots, out, cut, style)
    length = _evened(length) + cut.ragged_mm * (
        np.sin(np.pi * across) ** 1.2 * (1.1 + 0.5 * np.sin(lock * 1.7)) - 0.5
    )
    feet = _resampled(lines, np.maximum(length, 8.0), cut.rows)
    along = np.linspace(0, 1, cut.rows)[:, None] ** 1.1 * np.maximum(length, 8.0)
    feet = sculpt.project(feet.reshape(-1, 3), style, 2)
    normals = sculpt.normals(feet, style)
    shape = (cut.rows, len(at), 3)
    v = np.broadcast_to(np.linspace(0, 1, cut.rows)[:, None] ** 1.1, shape[:2])
    return Flow(feet.reshape(shape), normals.reshape(shape), along, v, at / cut.locks, lock, across, inner)


def _pick(place: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`values` [N] or [N, D] read at fractional indices `place`."""
    low = np.minimum(place.astype(int), len(values) - 2)
    share = (place - low).reshape(-1, *([1] * (values.ndim - 1)))
    return values[low] * (1 - share) + values[low + 1] * share


def _evened(length: np.ndarray) -> np.ndarray:
    """Lengths [N] without the jumps that steps of the walk leave."""
    padded = np.pad(length, 3, mode="edge")
    return np.convolve(padded, np.array([1, 2, 3, 4, 3, 2, 1]) / 16, mode="valid")


def _resampled(lines: np.ndarray, length: np.ndarray, rows: int) -> np.ndarray:
    """`rows` points [rows, N, 3] along `lines` [steps, N, 3] up to `length` [N] mm."""
    at = np.linspace(0, 1, rows)[:, None] ** 1.1 * length / _STEP_MM
    low = np.minimum(at.astype(int), len(lines) - 2)
    share = (at - low)[..., None]
    column = np.arange(lines.shape[1])
    return lines[low, column] * (1 - share) + lines[low + 1, column] * share
