"""Eyelids and eyeballs: the lids lie on a shell round the eyeball and close by turning about its centre.

Millimetres; the left eye (+X). Angles phi are about the X axis through the eye's centre,
0 straight ahead, positive upwards.
"""

from __future__ import annotations

import numpy as np

from . import shape
from .mesh import strip
from .spline import natural_spline, smoothstep

EYE_CENTRE = np.array([33.0, -62.5, 118.0])
EYE_RADIUS = 17.0
IRIS_RADIUS = 8.4
PUPIL_RADIUS = 3.7
LID_RADIUS = EYE_RADIUS + 1.3
CLEARANCE = 0.12
HALF_WIDTH = 16.2
SHELL_HALF_WIDTH = 20.0
CORNER_Z = (-1.2, 0.6)
"""Height of the inner and outer corner above the eye's centre."""
UPPER_HEIGHT, LOWER_HEIGHT = 6.6, 6.8
CLOSED_SHARE = 0.27
"""Where the closed line lies between the lower (0) and the upper (1) rim."""

# Layers of the lid from the crease inwards: step outwards along x (mm) at the corners, step in phi
# (degrees) of the upper and of the lower lid, height over the eyeball, share in a blink, and how
# far the corners follow the face's surface instead of the lids' shell (negative: mm sunk behind it)
LAYERS = (
    ("fold", 3.4, 26.0, 25.0, 2.6, 0.36, 1.0),
    ("crease", 2.4, 17.5, 17.5, 1.1, 0.66, 0.8),
    ("lid", 1.5, 11.0, 11.0, 1.5, 0.86, 0.45),
    ("lid", 0.8, 4.5, 4.5, 1.6, 0.97, 0.15),
    ("rim", 0.3, 0.8, 0.8, 1.3, 1.0, 0.0),
    ("rim_inner", 0.0, 0.0, 0.0, 0.4, 1.0, 0.0),
    ("lining", 0.2, 6.0, 6.0, 0.45, 1.0, -2.2),
    ("lining", 0.2, 20.0, 20.0, 0.6, 0.9, -5.0),
)
OUTER_SHARES = (0.0, 0.03, 0.1, 0.2)
"""Share in a blink of the loop that the rings start from, and of the rings between it and the fold."""
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


def lid_rings(theta: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Rings from the cut-out's loop (given by its `theta`, `v` [N]) to the lids' lining.

    Returns positions [K, N, 3] of the left eye without the loop itself, and the material of every strip.
    """
    a, t = around(len(theta))
    is_upper = np.sin(a) >= 0
    rim_x = t * HALF_WIDTH
    rim = rim_phi(rim_x, is_upper)
    rings = []
    cornerness = np.abs(np.cos(a)) ** 4
    for _name, step_x, step_up, step_down, height, _share, on_face in LAYERS:
        x = rim_x + step_x * np.sign(np.cos(a)) * np.abs(np.cos(a)) ** 3
        step = np.where(is_upper, step_up, -step_down) * np.abs(np.sin(a)) ** 0.7
        phi = rim + np.radians(step)
        rho = (EYE_RADIUS + height) * shell_radius(x) + min(on_face, 0.0) * np.abs(np.cos(a)) ** 2
        ring = EYE_CENTRE + np.stack([x, -rho * np.cos(phi), rho * np.sin(phi)], axis=-1)
        face = shape.front_point(ring[:, 0], ring[:, 2])
        rings.append(ring + (face - ring) * (max(on_face, 0.0) * cornerness)[:, None])
    outer = _blend_to_surface(theta, v, rings[0])
    materials = ["Skin"] * (len(outer) + 5) + ["Lid rim"] + ["Mouth"] * 2
    return np.stack([*outer, *rings]), materials


def _blend_to_surface(theta: np.ndarray, v: np.ndarray, inner: np.ndarray) -> list[np.ndarray]:
    """Rings that leave the skin's surface at the loop and arrive at the `inner` ring [N, 3]."""
    inner_v = inner[:, 2]
    inner_theta = shape.front_theta(inner[:, 0], inner_v)
    rest = inner - shape.surface(inner_theta, inner_v)
    rings = []
    for share in np.arange(1, len(OUTER_SHARES)) / len(OUTER_SHARES):
        point = shape.surface(theta + share * (inner_theta - theta), v + share * (inner_v - v))
        rings.append(point + rest * (share**1.6))
    return rings


def eyeball() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Points, faces and the material of each face of the left eyeball, its axis straight ahead."""
    iris = np.arcsin(IRIS_RADIUS / EYE_RADIUS)
    pupil = np.arcsin(PUPIL_RADIUS / EYE_RADIUS)
    polar = np.concatenate(
        [[pupil * 0.5, pupil], np.linspace(pupil, iris, 4)[1:], np.linspace(iris, np.radians(150), 13)[1:]]
    )
    a = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    ring = np.stack([np.cos(a), np.zeros_like(a), np.sin(a)], axis=-1)
    rings = EYE_CENTRE + EYE_RADIUS * (
        np.sin(polar)[:, None, None] * ring - np.cos(polar)[:, None, None] * np.array([0, 1.0, 0])
    )
    tip = EYE_CENTRE - [0, EYE_RADIUS, 0]
    index = np.arange(rings.shape[0] * rings.shape[1]).reshape(rings.shape[:2])
    quads = strip(index, closed=True)
    names = ["Pupil"] + ["Iris"] * 2 + ["Iris edge"] + ["Sclera"] * 12
    middle = np.stack([np.roll(index[0], -1), index[0], np.full(28, index.size), np.full(28, -1)], axis=-1)
    faces = np.concatenate([quads, middle])
    return (
        np.concatenate([rings.reshape(-1, 3), tip[None]]),
        faces,
        [name for name in names for _ in range(28)] + ["Pupil"] * 28,
    )


LASH_X = np.linspace(-0.93, 0.99, 19) * HALF_WIDTH
"""Lateral positions of the lashes' columns; vertex i of the lashes stands at column i % 19."""


def lashes() -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of the left upper lashes: a thin tapered band standing off the lid's edge."""
    x, t = LASH_X, LASH_X / HALF_WIDTH
    phi = rim_phi(x, np.True_)
    length = natural_spline(np.array([-1, -0.4, 0.3, 0.8, 1.0]), np.array([0.3, 1.3, 2.2, 2.9, 1.6]), t)
    rows = []
    for reach, lift in ((0.0, 0.2), (0.55, 0.35), (1.0, 1.2)):
        rho = (LID_RADIUS + 0.1) * shell_radius(x) + reach * length
        height = lift * length * 0.6
        xx = x + reach * length * 0.5 * smoothstep(-0.2, 1.0, t)
        rows.append(EYE_CENTRE + np.stack([xx, -rho * np.cos(phi), rho * np.sin(phi) + height], axis=-1))
    band = np.stack(rows)
    below = band[::-1] - [0, 0, 0.45]
    below[0, :, 2] += 0.3
    loop = np.concatenate([band, below])
    index = np.arange(loop.shape[0] * loop.shape[1]).reshape(loop.shape[:2])
    faces = strip(np.concatenate([index, index[:1]]), closed=False)
    return loop.reshape(-1, 3), faces


def keep_clear(rest: np.ndarray, moved: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """`moved` [N, 3], pushed out where the straight way from `rest` would cross the eyeball.

    Shape keys blend in straight lines while the eyeball is round, so a turned lid cuts the corner.
    """
    share = np.linspace(0, 1, 21)[:, None, None]
    floor = np.minimum(np.linalg.norm(rest - centre, axis=1), EYE_RADIUS + CLEARANCE)
    for _ in range(30):
        path = (1 - share) * rest + share * moved - centre
        distance = np.linalg.norm(path, axis=-1)
        lack = np.max((floor + 1e-3 - distance) / np.maximum(share[..., 0], 0.3), axis=0)
        if (lack <= 0).all():
            break
        away = moved - centre
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        moved = moved + away * np.maximum(lack, 0)[:, None]
    return moved
