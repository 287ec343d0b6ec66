"""Hair: locks that grow from the scalp, follow a field of combing directions and taper out. Millimetres.

A lock is walked step by step over the sculpt, at a height that swells and comes down again, so that it lies
on the head whatever the style's skull is like. Below the locks the scalp itself is painted (`cover`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from . import sculpt, shape
from .mesh import fan, strip
from .spline import bump, natural_spline, smoothstep
from .style import DEFAULT, HeadStyle

_CENTRE = np.array([0.0, 14.0, 142.0])
_SECTION = 8
# Hairline: degrees round the head from the middle of the face, height in mm
_LINE_DEG = np.array([0, 14, 26, 36, 46, 55, 63, 70, 77, 84, 90, 100, 108, 116, 126, 145, 180.0])
_LINE_Z = np.array([187, 188, 187, 182, 172, 159, 144, 122, 106, 122, 139, 141, 128, 100, 66, 46, 40.0])
_RECEDED = np.array([14, 16, 22, 26, 18, 8, 2, 0, 0, 0, 0, 0, 2, 10, 20, 24, 24.0])


@dataclass(frozen=True)
class _Cut:
    """How a hairstyle is cut and combed. Lengths in mm."""

    roots: int
    top_mm: float
    side_mm: float
    nape_mm: float
    lift_mm: float
    """How far the top stands off the head."""
    quiff_mm: float
    """What the lift gains above the forehead."""
    width_mm: float
    parting_x: float | None
    hang: float = 0.0
    """0: sides are combed back, 1: they fall straight down."""
    receded: float = 0.0
    wave: float = 1.0
    ruffle: float = 0.12
    """How far neighbouring locks point apart, as a tangent."""
    cover: float = 0.94
    """How much of the scalp's own colour is painted over, 0..1."""
    steps: int = 10
    """Rows of vertices along a lock."""


STYLES = {
    "swept": _Cut(380, 92, 50, 40, 11, 10, 22.0, 27.0),
    "pixie": _Cut(260, 120, 125, 48, 9, 5, 26.0, -16.0, hang=1.0),
    "cropped": _Cut(
        760, 20, 15, 13, 3.6, 1.0, 10.0, None, receded=1.0, wave=0.5, ruffle=0.75, cover=0.7, steps=5
    ),
}


def _round(points: np.ndarray) -> np.ndarray:
    """Degrees [N] round the head from the middle of the face, the same on either side."""
    return np.degrees(np.arctan2(np.abs(points[:, 0]), _CENTRE[1] - points[:, 1]))


def above_line(points: np.ndarray, style: HeadStyle = DEFAULT) -> np.ndarray:
    """Height [N] in mm of points of the skin above the hairline."""
    line = _LINE_Z + STYLES[style.hair_style].receded * _RECEDED
    return points[:, 2] - natural_spline(_LINE_DEG, line, _round(points))


def cover(points: np.ndarray, style: HeadStyle = DEFAULT) -> np.ndarray:
    """How much [N] of the skin's colour the roots of the hair hide, 0..1."""
    return STYLES[style.hair_style].cover * smoothstep(-3.0, 9.0, above_line(points, style))


def hair(style: HeadStyle = DEFAULT) -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of all locks."""
    cut = STYLES[style.hair_style]
    roots = _roots(cut, style)
    lines, normals = _walk(roots, cut, style)
    points, faces = _locks(lines, normals, cut)
    below, cap = _cap(cut, style)
    return np.concatenate([points, below]), np.concatenate([faces, cap + len(points)])


def _cap(cut: _Cut, style: HeadStyle) -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of a closely lying cap, so that no scalp shows between the locks."""
    theta = np.linspace(-np.pi, np.pi, 80, endpoint=False)
    line = natural_spline(_LINE_DEG, _LINE_Z + cut.receded * _RECEDED, np.degrees(np.abs(theta)))
    share = np.linspace(0, 1, 20)[:, None] ** 1.15
    template = shape.loft(theta, line + share * (259.0 - line)).reshape(-1, 3)
    feet = sculpt.project(template, style)
    height = 0.2 + (0.42 * cut.lift_mm - 0.2) * smoothstep(0.0, 0.35, np.repeat(share[:, 0], 80))
    points = feet + sculpt.normals(feet, style) * height[:, None]
    index = np.arange(len(points)).reshape(20, 80)
    return points, np.concatenate([strip(index, closed=True), fan(index[-1], len(points) - 1)[:78]])


def _roots(cut: _Cut, style: HeadStyle) -> np.ndarray:
    """Points [N, 3] spread evenly over the hairy part of the scalp (a spiral on a sphere)."""
    k = np.arange(cut.roots) + 0.5
    z = 1 - 1.55 * k / cut.roots
    turn = np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(np.clip(1 - z * z, 0, 1))
    ball = np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=-1)
    points = sculpt.project(_CENTRE + ball * [76, 98, 92], style, 4)
    burns = (_round(points) < 92) & (points[:, 2] < 138)  # painted only: a lock there would stand alone
    return points[(above_line(points, style) > 1.5) & (points[:, 2] > 44) & ~burns]


def _comb(points: np.ndarray, cut: _Cut) -> np.ndarray:
    """Directions [N, 3] in which hair lies at `points` on the head."""
    x, y, z = points.T
    top = smoothstep(160, 205, z)
    side = np.sign(x) if cut.parting_x is None else np.where(x > cut.parting_x, 1.0, -1.0)
    away = smoothstep(0, 14, np.abs(x - (cut.parting_x or 0.0)))
    if cut.parting_x is None:
        over = np.stack([0.1 * side, np.full_like(x, -1.0), 0 * x], axis=-1)
    else:
        back = 0.62 - 0.35 * cut.hang
        over = np.stack(
            [side * (0.55 + 0.45 * away), back + 0.25 * smoothstep(-20, 60, y), -0.1 + 0 * x], axis=-1
        )
    backwards = (1 - cut.hang) * 0.62 * smoothstep(75, -10, y)
    down = np.stack([0 * x, backwards, np.full_like(x, -1.0)], axis=-1)
    comb = down + (over - down) * top[:, None]
    comb[:, 0] += 0.07 * cut.wave * np.sin(0.11 * z + 0.05 * y)
    return comb


def _walk(roots: np.ndarray, cut: _Cut, style: HeadStyle) -> tuple[np.ndarray, np.ndarray]:
    """Middle lines and outward normals of the locks, both [steps, N, 3]."""
    _, y, z = roots.T
    top = smoothstep(165, 205, z)
    nape = smoothstep(40, 80, y) * smoothstep(130, 70, z)
    length = cut.side_mm + (cut.top_mm - cut.side_mm) * top + (cut.nape_mm - cut.side_mm) * nape
    length = length * (1 + 0.14 * np.sin(np.arange(len(roots)) * 2.7))
    lift = 2.6 + (cut.lift_mm - 2.6) * top + cut.quiff_mm * bump((y + 62) / 26) * top
    lift = lift * (1 + 0.16 * np.sin(np.arange(len(roots)) * 1.9))
    ruffle = cut.ruffle * np.sin(np.arange(len(roots)) * 7.7)
    solid = partial(sculpt.distance, style=style)
    foot, lines, normals = roots, [], []
    for k in range(cut.steps):
        share = k / (cut.steps - 1)
        slope = sculpt.gradient(solid, foot)
        normal = slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
        height = lift * (0.12 + 0.88 * np.sin(np.pi * min(share * 0.86 + 0.06, 1.0)) ** 0.8) + 1.2 * share
        lines.append(foot + normal * (height - (3.0 if k == 0 else 0.8))[:, None])
        normals.append(normal)
        comb = _comb(foot, cut)
        comb -= np.einsum("ni,ni->n", comb, normal)[:, None] * normal
        comb += np.cross(normal, comb) * ruffle[:, None]
        comb /= np.maximum(np.linalg.norm(comb, axis=1, keepdims=True), 1e-6)
        # towards the hairline a lock grows shorter rather than into the face or over the ear
        room = smoothstep(-2.0 - 40.0 * cut.hang, 12.0, above_line(foot, style))
        step = comb * (length / (cut.steps - 1) * (0.25 + 0.75 * room))[:, None]
        foot, _ = sculpt.draw(solid, foot + step)
    return np.stack(lines), np.stack(normals)


def _locks(lines: np.ndarray, normals: np.ndarray, cut: _Cut) -> tuple[np.ndarray, np.ndarray]:
    """Flat, ridged, tapered tubes along `lines` [steps, N, 3]."""
    count = lines.shape[1]
    share = np.linspace(0, 1, cut.steps)[:, None]
    along = np.gradient(lines, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
    across = np.cross(along, normals)
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    roll = 0.35 * np.sin(np.arange(count) * 5.3)[None, :, None]
    up = np.cross(across, along)
    across, up = across * np.cos(roll) + up * np.sin(roll), up * np.cos(roll) - across * np.sin(roll)
    vary = 1 + 0.22 * np.sin(np.arange(count) * 3.1)[None]
    width = cut.width_mm * vary * (0.3 + 0.9 * share**0.6) * (1 - share**2.4) ** 0.9 + 0.25
    thick = 0.15 * width * (1 - 0.3 * share) + 0.3
    a = 2 * np.pi * np.arange(_SECTION) / _SECTION
    ridged = 1 + 0.22 * np.cos(4 * a) * (np.sin(a) > -0.1)
    points = (
        lines[:, :, None]
        + across[:, :, None] * (np.cos(a) * width[..., None] * 0.5)[..., None]
        + up[:, :, None] * (np.sin(a) * ridged * thick[..., None])[..., None]
    )
    index = np.arange(points[..., 0].size).reshape(cut.steps, count, _SECTION)
    faces = [strip(index[:, n, ::-1], closed=True) for n in range(count)]
    return points.reshape(-1, 3), np.concatenate(faces)
