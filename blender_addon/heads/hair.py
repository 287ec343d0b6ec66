"""Hair: a sculpted mass that flows from the parting to the hairline, with locks upon it. Millimetres.

The mass is one sheet of quads. Its columns are walked over the sculpt along the way the hair is combed, so
they follow any style's skull; every few columns make a lock with a ridge and a pointed tip. The locks on top
(`hair_locks`) are laid out in the sheet's own coordinates. Strands finer than these are the material's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .hair_flow import Flow, above_line, flow
from .hair_locks import Lock, locks
from .hair_styles import STYLES, Cut
from .mesh import strip
from .spline import bump, smoothstep
from .style import DEFAULT, HeadStyle

_TUCKED_MM = 0.7
"""How deep the roots begin below the scalp."""
_PARTED = 0.62
"""Share of its full height that hair has at the parting: less is a deeper furrow."""


@dataclass(frozen=True)
class HairMesh:
    """Hair in millimetres, all quads."""

    points: np.ndarray
    """float64 [V, 3]."""
    faces: np.ndarray
    """int [F, 4]."""
    uvs: np.ndarray
    """float64 [V, 2]: u across the strands, v along them from root (0) to tip (1)."""
    tints: np.ndarray
    """float64 [V, 4]: linear colour 0..1, and how dense the strands are (1 solid, 0 bare)."""


def cover(points: np.ndarray, style: HeadStyle = DEFAULT) -> np.ndarray:
    """How much [N] of the skin's colour the roots of the hair hide, 0..1."""
    return STYLES[style.hair_style].cover * smoothstep(-1.0, 13.0, above_line(points, style))


def hair(style: HeadStyle = DEFAULT) -> HairMesh:
    """The mass and all locks of the style."""
    cut = STYLES[style.hair_style]
    sheet = flow(style)
    height = _height(sheet, cut)
    points = sheet.feet + sheet.normals * height[..., None]
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    uvs = np.stack([np.broadcast_to(sheet.u, (rows, columns)), sheet.v], axis=-1)
    tints = np.concatenate(
        [_shade(sheet.v, sheet.lock[None] * np.ones_like(sheet.v), style), _density(sheet)[..., None]],
        axis=-1,
    )
    parts = [(points.reshape(-1, 3), strip(index, closed=False), uvs.reshape(-1, 2), tints.reshape(-1, 4))]
    for lock in locks(sheet, points, cut):
        parts.append(_lock_part(lock, style))
    return _joined(parts)


def _lock_part(lock: Lock, style: HeadStyle) -> tuple[np.ndarray, ...]:
    rows, columns = lock.points.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    colour = _shade(lock.uvs[..., 1], np.full((rows, columns), lock.number + 0.5), style)
    tints = np.concatenate([colour, lock.density[..., None]], axis=-1)
    return (
        lock.points.reshape(-1, 3),
        strip(index, closed=False),
        lock.uvs.reshape(-1, 2),
        tints.reshape(-1, 4),
    )


def _joined(parts: list[tuple[np.ndarray, ...]]) -> HairMesh:
    starts = np.cumsum([0, *(len(part[0]) for part in parts[:-1])])
    points, uvs, tints = (np.concatenate([part[k] for part in parts]) for k in (0, 2, 3))
    faces = np.concatenate([part[1] + start for part, start in zip(parts, starts, strict=True)])
    return HairMesh(points, faces, uvs, np.clip(tints, 0.0, 1.0))


def _height(sheet: Flow, cut: Cut) -> np.ndarray:
    """How far [rows, columns] the sheet stands off the scalp, mm."""
    x, y, z = np.moveaxis(sheet.feet, -1, 0)
    top = smoothstep(150, 212, z)
    nape = smoothstep(15, 60, y) * smoothstep(150, 80, z)
    full = cut.side_mm + (cut.top_mm - cut.side_mm) * top
    full = full + cut.quiff_mm * bump((y + 66) / 34, (x - cut.quiff_x) / 46) * smoothstep(168, 196, z)
    full = full * (1 - 0.62 * nape)
    if cut.from_hairline:  # there the sheet ends sideways, over the sideburns
        full = full * (0.2 + 0.8 * smoothstep(0.0, 3.5, np.minimum(sheet.u, 1 - sheet.u) * cut.locks))
    rise = smoothstep(0.0, 1.0, sheet.along / cut.ramp_mm) ** 0.75
    rise = np.maximum(rise, 1 - (1 - rise) * (1 - _PARTED * sheet.inner))
    left = sheet.along[-1] - sheet.along
    fall = smoothstep(0.0, 1.0, np.clip(left / cut.taper_mm, 0, 1)) ** 0.6
    w = sheet.across
    arch = 1 - np.abs(2 * w**1.35 - 1) ** 2.2
    ridge = cut.ridge_mm * (arch - 0.45) + cut.layer_mm * np.sin(2.4 * sheet.lock)
    ridge = ridge * (0.35 + 0.65 * smoothstep(0.05, 0.6, sheet.v)) * smoothstep(0, 14, sheet.along)
    body = (full + ridge) * fall
    return -_TUCKED_MM + (body + _TUCKED_MM) * rise + 0.9 * rise * (1 - fall)


def _density(sheet: Flow) -> np.ndarray:
    """Strands are sparse at the roots along the hairline, and at the tips."""
    root = smoothstep(-1.0, 7.0, sheet.along) * (1 - sheet.inner) + sheet.inner
    tip = 0.35 + 0.65 * smoothstep(0.0, 9.0, sheet.along[-1] - sheet.along)
    return root * tip


def _shade(v: np.ndarray, lock: np.ndarray, style: HeadStyle) -> np.ndarray:
    """Colour [..., 3]: darker at the root, lighter at the tip, no two locks alike."""
    light = 0.62 + 0.62 * smoothstep(0.0, 0.9, v)
    light = light * (1 + 0.16 * np.sin(4.7 * np.floor(lock)))
    warm = np.array([1.0, 0.96, 0.92]) ** (2.0 * v[..., None])
    return np.array(style.hair) * light[..., None] * warm
