"""Lips, the mouth's lining, teeth, gums and tongue. Millimetres, closed mouth."""

from __future__ import annotations

from functools import cache

import numpy as np

from . import sculpt
from .lids import around
from .mesh import outward, tube
from .spline import bump, natural_spline, smoothstep
from .style import DEFAULT, HeadStyle

HALF_WIDTH = 25.5
LINE_Z = 50.0
UPPER_HEIGHT, LOWER_HEIGHT = 7.4, 8.8
CONTACT_HALF_GAP = 0.04
THROAT = np.array([0.0, -14.0, 52.0])

_STATIONS = np.array([0.0, 0.27, 0.6, 0.85, 1.0])
"""Share of the mouth's half width at which the lips' profiles below are given: the middle, the peak of
Cupid's bow, ..., the corner. Every layer: step along x at the corner; then height from the lips' line and
distance before the line's arch in mm at each station, for the upper lip and for the lower."""
LIP_LAYERS = (
    ("outside", 3.8, ((11.0, 0.6), (11.4, 0.8), (9.5, 0.6), (5.2, 0.3), (0.9, 0.0)),
     ((12.2, -0.9), (12.0, -0.8), (10.2, -0.4), (5.7, 0.0), (0.9, 0.0))),
    ("roll", 2.3, ((8.0, 2.0), (8.9, 2.25), (7.0, 1.9), (3.9, 1.0), (1.3, 0.0)),
     ((9.6, 0.7), (9.4, 0.9), (7.5, 0.8), (4.2, 0.5), (1.3, 0.0))),
    ("border", 1.8, ((6.8, 2.3), (8.0, 2.6), (6.2, 2.2), (3.2, 1.1), (0.7, -0.2)),
     ((8.6, 1.7), (8.4, 1.9), (6.6, 1.6), (3.5, 0.8), (0.7, -0.2))),
    ("front", 1.2, ((4.6, 3.1), (5.6, 3.3), (4.2, 2.5), (2.1, 1.2), (0.45, -0.5)),
     ((6.3, 3.5), (6.1, 3.6), (4.6, 2.7), (2.2, 1.0), (0.45, -0.5))),
    ("front", 0.6, ((2.7, 4.0), (2.9, 3.9), (2.2, 2.8), (1.1, 1.2), (0.25, -0.8)),
     ((3.7, 4.6), (3.5, 4.6), (2.6, 3.1), (1.3, 1.1), (0.25, -0.8))),
    ("front", 0.3, ((1.0, 3.6), (1.0, 3.4), (0.8, 2.3), (0.4, 0.7), (0.1, -1.1)),
     ((1.3, 4.0), (1.3, 3.8), (1.0, 2.4), (0.5, 0.6), (0.1, -1.1))),
    ("contact", 0.0, ((0.0, 2.1), (0.0, 1.9), (0.0, 1.0), (0.0, -0.2), (0.0, -1.4)),
     ((0.0, 2.1), (0.0, 1.9), (0.0, 1.0), (0.0, -0.2), (0.0, -1.4))),
    ("contact", -0.5, ((0.0, -0.8), (0.0, -0.9), (0.0, -1.3), (0.0, -1.9), (0.0, -2.4)),
     ((0.0, -0.8), (0.0, -0.9), (0.0, -1.3), (0.0, -1.9), (0.0, -2.4))),
)  # fmt: skip
CONTACT_LAYER = 6
BORDER_LAYER = 2
"""Of `LIP_LAYERS`: where the red begins."""
# Behind the lips: share of the mouth's width, height above and below the line, distance behind the
# lips' arch in the middle and at the corners
LINING = (
    ("inner", 0.96, 3.0, 3.0, -4.6, -6.0),
    ("inner", 1.04, 13.0, 9.5, -5.6, -8.0),
    ("fold", 1.08, 16.5, 13.0, -10.0, -12.0),
)
# Further back: share of the mouth's width, height above and below the line, y
BAG = ((1.02, 17.0, 16.5, -66.0), (0.85, 15.0, 14.0, -46.0), (0.5, 9.0, 8.0, -24.0))
OUTER_LAYERS = 4
"""The cut-out's loop and the rings of plain skin; ring `OUTER_LAYERS` is the first of `LIP_LAYERS`."""
RED_LAYERS = slice(OUTER_LAYERS + BORDER_LAYER, OUTER_LAYERS + len(LIP_LAYERS))
LINING_START = OUTER_LAYERS + len(LIP_LAYERS)

TOOTH_WIDTHS = (8.4, 6.8, 7.6, 6.8, 6.8, 9.0)
ARCH_HALF_WIDTH, ARCH_FRONT_Y, ARCH_BACK_Y = 24.5, -87.0, -48.0
UPPER_EDGE_Z, LOWER_EDGE_Z = 46.9, 48.7
LOWER_ARCH_INSET = 3.4


def arch_y(x: np.ndarray) -> np.ndarray:
    """y of the closed lips' line at lateral position `x` mm."""
    knots, along = _arch_table()
    return natural_spline(knots, along, np.clip(np.abs(x), 0, knots[-1])) + 0.8


@cache
def _arch_table() -> tuple[np.ndarray, np.ndarray]:
    knots = np.linspace(0, HALF_WIDTH + 6, 12)
    return knots, sculpt.front_point(knots, np.full_like(knots, LINE_Z))[:, 1]


def line_z(x: np.ndarray) -> np.ndarray:
    """Height of the closed lips' line at lateral position `x` mm."""
    t = np.clip(np.abs(x) / HALF_WIDTH, 0, 1.3)
    return LINE_Z + 1.5 * t**2 - 0.5 * bump(x / 4.0)


def _profile(
    t: np.ndarray, is_upper: np.ndarray, layer: tuple, fullness: float
) -> tuple[np.ndarray, np.ndarray]:
    """Height from the line and distance before the arch [N] of a layer of the lips at `t` [N], -1..1."""
    _name, _step, *tables = layer
    upper, lower = (natural_spline(_STATIONS, np.array(table), np.abs(t)) for table in tables)
    height, out = np.moveaxis(np.where(is_upper[:, None], upper, lower), -1, 0)
    grow = 1 + fullness * np.where(out > 0, 1 - np.abs(t) ** 3, 0)
    return height * (1 + 0.75 * (grow - 1)), out * grow


def lip_height(x: np.ndarray, is_upper: np.ndarray) -> np.ndarray:
    """Height of the red of the upper or lower lip at `x` mm, nearly zero at the corners."""
    t, is_upper = np.broadcast_arrays(np.clip(np.asarray(x) / HALF_WIDTH, -1, 1), is_upper)
    return _profile(t.ravel(), is_upper.ravel(), LIP_LAYERS[BORDER_LAYER], 0.0)[0].reshape(t.shape)


def lip_rings(count: int, style: HeadStyle = DEFAULT) -> tuple[np.ndarray, list[str]]:
    """Rings of `count` vertices from the skin round the lips over the lips into the throat.

    Returns positions [K, N, 3], and the material of every strip from the skin's cut-out on: the first
    `OUTER_LAYERS` of them are plain skin.
    """
    a, t = around(count)
    is_upper = np.sin(a) >= 0
    rings = [*(_lip_layer(a, t, is_upper, layer, 0.28 * style.lips) for layer in LIP_LAYERS)]
    rings += [_lining_layer(a, t, is_upper, layer) for layer in LINING]
    rings += [_bag_layer(a, is_upper, layer) for layer in BAG]
    materials = ["Skin"] * (OUTER_LAYERS + BORDER_LAYER) + ["Lips"] * (len(LIP_LAYERS) - BORDER_LAYER)
    materials += ["Mouth"] * (len(LINING) - 1 + len(BAG))
    return np.stack(rings), materials


def _lip_layer(
    a: np.ndarray, t: np.ndarray, is_upper: np.ndarray, layer: tuple, fullness: float
) -> np.ndarray:
    line_x = t * HALF_WIDTH
    x = line_x + layer[1] * np.sign(np.cos(a)) * np.abs(np.cos(a)) ** 8
    height, out = _profile(t, is_upper, layer, fullness)
    at_corner = np.abs(np.sin(a)) <= 1e-9
    sign = np.where(at_corner, 0, np.where(is_upper, 1, -1))
    away = _arch_normal(line_x)
    z = line_z(x) + sign * (height + CONTACT_HALF_GAP)
    return np.stack([x + away[:, 0] * out, arch_y(x) + away[:, 1] * out, z], axis=-1)


def _arch_normal(x: np.ndarray) -> np.ndarray:
    slope = arch_y(x + 0.5) - arch_y(x - 0.5)
    normal = np.stack([slope, -np.ones_like(slope)], axis=-1)
    return normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def _lining_layer(a: np.ndarray, t: np.ndarray, is_upper: np.ndarray, layer: tuple) -> np.ndarray:
    _name, width, above, below, out_middle, out_corner = layer
    x = t * HALF_WIDTH * width
    out = out_middle + (out_corner - out_middle) * t**2
    rise = np.where(is_upper, above, -below) * np.abs(np.sin(a)) ** 0.7
    away = _arch_normal(x)
    return np.stack([x + away[:, 0] * out, arch_y(x) + away[:, 1] * out, line_z(x) + rise], axis=-1)


def _bag_layer(a: np.ndarray, is_upper: np.ndarray, layer: tuple) -> np.ndarray:
    width, above, below, y = layer
    x = HALF_WIDTH * width * np.cos(a)
    rise = np.where(is_upper, above, below) * np.sin(a)
    return np.stack([x, np.full_like(x, y), LINE_Z + rise], axis=-1)


def _arch_point(angle: np.ndarray, inset: float) -> tuple[np.ndarray, np.ndarray]:
    """Points [.., 2] on the dental arch and the outward normals there; angle 0 in the middle."""
    width, depth = ARCH_HALF_WIDTH - inset, ARCH_BACK_Y - ARCH_FRONT_Y - inset
    point = np.stack([width * np.sin(angle), ARCH_BACK_Y - depth * np.cos(angle)], axis=-1)
    normal = np.stack([np.sin(angle) / width, -np.cos(angle) / depth], axis=-1)
    return point, normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def _arch_angles(inset: float, scale: float) -> list[tuple[float, float]]:
    """Middle angle and width (mm) of each tooth of the left half."""
    angle = np.linspace(0, np.pi / 2 + 0.3, 400)
    point, _ = _arch_point(angle, inset)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(point, axis=0), axis=1))])
    at, result = 0.0, []
    for width in TOOTH_WIDTHS:
        width *= scale
        result.append((float(np.interp(at + width / 2, length, angle)), width))
        at += width
    return result


def _tooth(
    angle: float, width: float, inset: float, edge_z: float, height: float
) -> tuple[np.ndarray, np.ndarray]:
    """A rounded box that stands on the arch; `height` mm away from its edge (negative: downwards)."""
    (centre, normal) = (p for p in _arch_point(np.array(angle), inset))
    along = np.array([-normal[1], normal[0]])
    thickness = 3.0 + 4.0 * smoothstep(0.5, 1.1, np.array(angle))
    around = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    c, s = np.cos(around), np.sin(around)
    wide = np.sign(c) * np.abs(c) ** 0.45 * width * 0.49
    deep = np.sign(s) * np.abs(s) ** 0.7 * thickness
    rings = []
    for share, swell, lean in (
        (0.0, 0.72, 0.45),
        (0.05, 0.9, 0.62),
        (0.2, 1.0, 0.85),
        (0.6, 0.96, 1.0),
        (1.0, 0.8, 1.0),
    ):
        plan = centre + np.outer(wide * swell, along) + np.outer(deep * lean * 0.62 - 2.0, normal)
        rings.append(np.column_stack([plan, np.full(12, edge_z + share * height)]))
    tip = rings[0].mean(axis=0)
    return tube(np.stack(rings), tip, rings[-1].mean(axis=0))


def teeth(upper: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Points and faces of every left tooth of one jaw."""
    inset, scale = (0.0, 1.0) if upper else (LOWER_ARCH_INSET, 0.93)
    heights = (10.5, 9.6, 10.6, 9.2, 8.6, 8.0) if upper else (9.0, 9.0, 9.6, 8.8, 8.2, 8.0)
    result = []
    for k, (angle, width) in enumerate(_arch_angles(inset, scale)):
        edge = (
            UPPER_EDGE_Z + (0.0, 0.7, 0.1, 0.9, 1.2, 1.4)[k]
            if upper
            else LOWER_EDGE_Z - (0, 0.1, 0.5, 1.0, 1.1, 1.1)[k]
        )
        points, faces = _tooth(angle, width, inset, edge, heights[k] if upper else -heights[k])
        result.append((points, outward(points, faces)))
    return result


def gum(upper: bool) -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of one jaw's gum: a ridge along the arch with a palate or floor inside it."""
    inset = 0.0 if upper else LOWER_ARCH_INSET
    sign = 1 if upper else -1
    base = UPPER_EDGE_Z + 8.6 if upper else LOWER_EDGE_Z - 7.6
    half = np.linspace(0, np.pi / 2 + 0.12, 15)
    angle = np.concatenate([-half[:0:-1], half])
    point, normal = _arch_point(angle, inset)
    around = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    reach = 3.3 * np.cos(around) - 2.2
    rise = sign * (4.6 * np.sin(around) + 3.4)
    plan = point[:, None] + normal[:, None] * reach[None, :, None]
    rings = np.concatenate(
        [plan, np.broadcast_to((base + rise)[None, :, None], (*plan.shape[:2], 1))], axis=-1
    )
    points, faces = tube(rings, rings[0].mean(axis=0), rings[-1].mean(axis=0))
    return points, outward(points, faces)


TONGUE_Y = np.array([-20.0, -31, -42, -53, -62, -69, -74, -76.0])
TONGUE_TOP = np.array([39.0, 45, 48, 48.6, 48, 46.8, 45.8, 45.0])
TONGUE_UNDER = np.array([32.0, 34, 36, 38, 39.5, 41, 42.2, 43.4])
TONGUE_HALF_WIDTH = np.array([12.0, 14, 14.2, 14, 13, 11, 8.2, 4.6])


def tongue() -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of the tongue at rest behind the lower teeth."""
    y = natural_spline(np.linspace(0, 1, 8), TONGUE_Y, np.linspace(0, 1, 15))
    top, under, half = (
        natural_spline(-TONGUE_Y, table, -y) for table in (TONGUE_TOP, TONGUE_UNDER, TONGUE_HALF_WIDTH)
    )
    around = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    c, s = np.cos(around), np.sin(around)
    x = half[:, None] * c
    middle, thick = 0.5 * (top + under), 0.5 * (top - under)
    groove = (
        -1.3 * bump(x / 4.0) * (s > 0.3) * smoothstep(-30, -45, y)[:, None] * smoothstep(-80, -70, y)[:, None]
    )
    z = middle[:, None] + thick[:, None] * s + groove
    rings = np.stack([x, np.broadcast_to(y[:, None], x.shape), z], axis=-1)
    tip = np.array([0, y[-1] - 1.6, middle[-1]])
    points, faces = tube(rings, rings[0].mean(axis=0), tip)
    return points, outward(points, faces)
