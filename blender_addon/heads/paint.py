"""The skin's colours: zones of blood, lips, lids, the shade of hair below brows and scalp. Linear RGB.

The fourth channel is the roughness: the middle of the face is a little oilier than the rest.
"""

from __future__ import annotations

import numpy as np

from . import hair, lids, mouth
from .geometry import HeadGeometry
from .spline import bump, smoothstep
from .style import HeadStyle

LINED_AGE = 0.5
"""From this share on the skin has wrinkles and spots."""


def tints(head: HeadGeometry, style: HeadStyle) -> np.ndarray:
    """Colour and roughness [V, 4] of every vertex; what is no skin has the skin's plain colour."""
    x, y, z = head.points.T
    x = np.abs(x)
    front = smoothstep(-5, -45, y)
    colour = np.broadcast_to(np.array(style.skin), (len(x), 3)).copy()
    blood = 0.65 * bump((x - 41) / 20, (z - 83) / 15) + 0.80 * bump(x / 17, (z - 80) / 11, (y + 110) / 22)
    blood += 0.30 * bump(x / 20, (z - 12) / 12) + 0.16 * bump((x - 33.5) / 21, (z - 117) / 17)
    blood *= front
    for ring in head.skin.ears:
        blood[ring[2:]] = 0.85
    colour = _toward(colour, colour * [1.02, 0.70, 0.66], style.blush * blood)
    tired = (0.50 + 0.4 * style.age) * front * bump((x - 30) / 15, (z - 104) / 7)
    tired += 0.45 * front * bump((x - 33) / 20, (z - 129) / 6)
    colour = _toward(colour, colour * [0.80, 0.68, 0.72], tired)
    shadow = style.stubble * front * _beard(x, y, z)
    colour = _toward(colour, colour * [0.55, 0.58, 0.66], shadow)
    pale = 0.35 * front * bump(x / 34, (z - 172) / 26)
    colour = _toward(colour, colour * [1.06, 1.08, 1.06], pale)
    brow = np.exp(-(((z - _brow_line(x)) / (2.4 + 1.6 * style.brow_hair)) ** 2)) * smoothstep(9, 15, x)
    colour = _toward(colour, np.array(style.hair), 0.5 * brow * smoothstep(54, 46, x) * front)
    rough = np.full(len(x), 0.57)
    rough -= (
        0.10
        * front
        * (bump(x / 15, (z - 95) / 26) + bump(x / 30, (z - 165) / 18) + 0.6 * bump(x / 12, (z - 14) / 9))
    )
    scalp = hair.cover(head.points, style) * _no_ear(head)
    colour = _toward(colour, np.array(style.hair) * 1.25, scalp)
    rough += 0.2 * scalp
    _paint_rings(head, style, colour, rough)
    return np.column_stack([np.clip(colour, 0, 1), rough])


def wrinkles(head: HeadGeometry, style: HeadStyle) -> np.ndarray:
    """Phase and depth (0..1) [V, 3] of the wrinkles of forehead and outer corners of the eyes (and 0)."""
    x, y, z = head.points.T
    x = np.abs(x)
    front = smoothstep(-5, -45, y)
    forehead = front * bump(x / 34, (z - 166) / 13)
    across, up = x - 51.0, z - 117.0
    angle = np.arctan2(up, np.maximum(across, 0.1))
    feet = (
        bump((np.hypot(across, up) - 10) / 6.5)
        * smoothstep(1.05, 0.6, np.abs(angle))
        * smoothstep(1, 4, across)
    )
    phase = np.where(feet > forehead, angle / 0.36, (z + 0.0022 * x * x) / 7.5)
    return np.column_stack([phase, style.age * np.maximum(forehead, feet), 0 * x])


def _toward(colour: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    return colour + (other - colour) * np.clip(share, 0, 1)[:, None]


def _beard(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Where a beard would grow: lip, chin and jaw."""
    jaw = smoothstep(64, 38, z - 0.25 * np.maximum(x - 25, 0)) * smoothstep(-34, -8, z)
    return np.maximum(jaw, bump(x / 24, (z - 63) / 7)) * smoothstep(10, -30, y)


def _brow_line(x: np.ndarray) -> np.ndarray:
    return np.interp(x, [10, 24, 38, 53], [142.0, 145.5, 147.0, 140.0])


def _no_ear(head: HeadGeometry) -> np.ndarray:
    keep = np.ones(len(head.points))
    for ring in head.skin.ears:
        keep[ring[2:]] = 0.0
    return keep


def _paint_rings(head: HeadGeometry, style: HeadStyle, colour: np.ndarray, rough: np.ndarray) -> None:
    """Lips from their border inwards, and the edges of the lids."""
    lip = np.array(style.lip_colour)
    first = mouth.OUTER_LAYERS + mouth.BORDER_LAYER
    rings = head.skin.mouth
    shares = ((0.10, 1.15, 0.52), (0.62, 1.05, 0.47), (0.95, 1.0, 0.43), (1.0, 0.95, 0.40), (1.0, 0.82, 0.38))
    for layer, (share, dark, gloss) in enumerate((*shares, (1.0, 0.55, 0.36)), first - 1):
        ring = rings[layer]
        colour[ring] = colour[ring] * (1 - share) + lip * dark * share
        rough[ring] = gloss
    colour[rings[first + 5 :]] = lip * 0.5
    for rings in head.skin.eyes:
        rim = rings[lids.RIM_LAYER : lids.RIM_LAYER + 2]
        colour[rim] = colour[rim] * [0.97, 0.74, 0.71]
        rough[rim] = 0.3
        upper = np.sin(lids.around(rings.shape[1])[0]) > 0.05
        colour[rings[lids.RIM_LAYER, upper]] *= 0.35
        lid = rings[lids.RIM_LAYER - 3 : lids.RIM_LAYER]
        colour[lid] = colour[lid] * [0.93, 0.84, 0.84]
    for part in ("caruncleLeft", "caruncleRight"):
        colour[head.parts[part]] = np.array(style.skin) * 0.5 + [0.20, 0.02, 0.02]
    for rings in head.skin.nostrils:
        colour[rings[1:]] = np.array(style.skin) * [0.55, 0.35, 0.32]
        colour[rings[2:]] = np.array(style.skin) * [0.16, 0.08, 0.07]
