"""Eyelids and eyeballs: the lids lie on a shell round the eyeball and close by turning about its centre.

Millimetres; the left eye (+X). Angles phi are about the X axis through the eye's centre,
0 straight ahead, positive upwards.
"""

from __future__ import annotations

import numpy as np

from . import sculpt

EYE_CENTRE = np.array([33.5, -63.0, 117.5])
EYE_RADIUS = 18.0
"""All of the eye lies within it: the cornea's tip touches it, the white is smaller."""
SCLERA_RADIUS = 17.15
IRIS_RADIUS = 9.0
PUPIL_RADIUS = 3.8
LID_RADIUS = EYE_RADIUS + 1.4
CLEARANCE = 0.12
HALF_WIDTH = 17.0
SHELL_HALF_WIDTH = 21.2
CORNER_Z = (-1.2, 0.6)
"""Height of the inner and outer corner above the eye's centre."""
UPPER_HEIGHT, LOWER_HEIGHT = 6.7, 6.9
CLOSED_SHARE = 0.27
"""Where the closed line lies between the lower (0) and the upper (1) rim."""

# Layers of the lid from the crease inwards: step outwards along x (mm) at the corners, step in phi
# (degrees) of the upper and of the lower lid, height over the eyeball, share in a blink, and how
# far the corners follow the face's surface instead of the lids' shell (negative: mm
# sunk behind it; the height of the lower lid, which has no crease
LAYERS = (
    ("fold", 3.4, 24.0, 25.0, 4.5, 0.36, 1.0, 2.1),
    ("crease", 2.4, 19.5, 17.5, 0.6, 0.66, 0.8, 1.35),
    ("lid", 1.5, 14.0, 11.0, 1.65, 0.86, 0.45, 1.6),
    ("lid", 0.8, 5.0, 4.5, 1.75, 0.97, 0.15, 1.7),
    ("rim", 0.3, 0.8, 0.8, 1.4, 1.0, 0.0, 1.4),
    ("rim_inner", 0.0, 0.0, 0.0, 0.4, 1.0, 0.0, 0.4),
    ("lining", 0.2, 6.0, 6.0, 0.45, 1.0, -2.2, 0.45),
    ("lining", 0.2, 20.0, 20.0, 0.6, 0.9, -5.0, 0.6),
)
OUTER_SHARES = (0.0, 0.03, 0.1, 0.2)
"""Share in a blink of the loop that the rings start from, and of the rings between it and the fold."""
LASH_X = np.linspace(-0.90, 0.985, 42) * HALF_WIDTH
"""Lateral positions of the upper lashes; vertex i of their part stands at lash i % N."""
LOWER_LASH_X = np.linspace(-0.62, 0.96, 20) * HALF_WIDTH
BLINK_SHARE = np.array([*OUTER_SHARES, *(layer[5] for layer in LAYERS)])
RIM_LAYER = len(OUTER_SHARES) + 4


def around(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Angle round the opening [N] from the outer corner over the top, and lateral place -1..1 on the rim."""
    a = 2 * np.pi * np.arange(count) / count
    straight = 1 - 2 * (1 - np.abs(1 - a / np.pi))
    return a, 0.65 * np.cos(a) + 0.35 * straight


def shell_radius(x: np.ndarray) -> np.ndarray:
    """Distance of the lids' shell from the X axis through the eye, relative to its middle, at `x` mm."""
    edge = np.clip(np.abs(x), 0, HALF_WIDTH)
    inside = np.sqrt(1 - (edge / SHELL_HALF_WIDTH) ** 2)
    slope = -edge / SHELL_HALF_WIDTH**2 / inside
    steepness = np.where(x < 0, -0.35, 0.9)
    return np.maximum(inside + steepness * slope * (np.abs(x) - edge), 0.1)


def rim_phi(x: np.ndarray, is_upper: np.ndarray) -> np.ndarray:
    """Angle (radians) of the open lid's edge at the lateral position `x` mm from the eye's centre."""
    t = np.clip(x / HALF_WIDTH, -1, 1)
    corner = CORNER_Z[0] + (CORNER_Z[1] - CORNER_Z[0]) * (t + 1) / 2
    upper = (1 - np.abs(t + 0.06 * (1 - t * t)) ** 2.3) ** 0.9 * UPPER_HEIGHT
    lower = (1 - np.abs(t - 0.10 * (1 - t * t)) ** 2.2) ** 0.95 * LOWER_HEIGHT
    z = corner + np.where(is_upper, upper, -lower)
    return np.arcsin(np.clip(z / (LID_RADIUS * shell_radius(x)), -0.95, 0.95))


def closed_phi(x: np.ndarray) -> np.ndarray:
    """Angle (radians) of the line where the closed lids meet."""
    low, high = rim_phi(x, np.False_), rim_phi(x, np.True_)
    return low + CLOSED_SHARE * (high - low)


def lid_rings(count: int) -> tuple[np.ndarray, list[str]]:
    """Rings of `count` vertices from the fold over the lid to the lids' lining.

    Returns positions [K, N, 3] of the left eye, and the material of every strip from the skin's cut-out on:
    `OUTER_SHARES` says how many rings of plain skin come first.
    """
    a, t = around(count)
    is_upper = np.sin(a) >= 0
    rim_x = t * HALF_WIDTH
    rim = rim_phi(rim_x, is_upper)
    rings = []
    cornerness = np.abs(np.cos(a)) ** 4
    for _name, step_x, step_up, step_down, high_up, _share, on_face, high_down in LAYERS:
        x = rim_x + step_x * np.sign(np.cos(a)) * np.abs(np.cos(a)) ** 3
        step = np.where(is_upper, step_up, -step_down) * np.abs(np.sin(a)) ** 0.7
        phi = rim + np.radians(step)
        height = np.where(is_upper, high_up, high_down)
        rho = (EYE_RADIUS + height) * shell_radius(x) + min(on_face, 0.0) * np.abs(np.cos(a)) ** 2
        ring = EYE_CENTRE + np.stack([x, -rho * np.cos(phi), rho * np.sin(phi)], axis=-1)
        face = sculpt.front_point(ring[:, 0], ring[:, 2])
        rings.append(ring + (face - ring) * (max(on_face, 0.0) * cornerness)[:, None])
    materials = ["Skin"] * (len(OUTER_SHARES) + 4) + ["Lid rim"] + ["Mouth"] * 2
    return np.stack(rings), materials
