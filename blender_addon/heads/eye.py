"""What lies between the lids: eyeball, iris, cornea, the line of tears; the lashes. Millimetres, left eye."""

from __future__ import annotations

import numpy as np

from .lids import (
    EYE_CENTRE,
    EYE_RADIUS,
    HALF_WIDTH,
    IRIS_RADIUS,
    LASH_X,
    LID_RADIUS,
    LOWER_LASH_X,
    PUPIL_RADIUS,
    SCLERA_RADIUS,
    rim_phi,
    shell_radius,
)
from .mesh import strip
from .spline import natural_spline, smoothstep

AROUND = 32
_LIMBUS_RADIUS = 10.0
_IRIS_DEPTH = 13.5
"""Distance of the iris' edge before the eye's centre; towards the pupil it sinks."""
Piece = tuple[np.ndarray, np.ndarray, list[str]]


def _turned(radius: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Rings [K, AROUND, 3] round the eye's axis at `radius` [K], `forward` [K] mm before its centre."""
    a = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    ring = np.stack([np.cos(a), np.zeros_like(a), np.sin(a)], axis=-1)
    return EYE_CENTRE + radius[:, None, None] * ring - forward[:, None, None] * np.array([0, 1.0, 0])


def _capped(rings: np.ndarray, tip: np.ndarray, names: list[str]) -> Piece:
    """Points, faces and their materials of `rings` [K, N, 3] closed by a fan at `tip`; `names` [K]."""
    count, around = rings.shape[:2]
    index = np.arange(count * around).reshape(count, around)
    middle = np.stack(
        [np.roll(index[0], -1), index[0], np.full(around, index.size), np.full(around, -1)], axis=-1
    )
    faces = np.concatenate([middle, strip(index, closed=True)])
    points = np.concatenate([rings.reshape(-1, 3), tip[None]])
    return points, faces, [name for name in names for _ in range(around)]


def _profile() -> tuple[np.ndarray, np.ndarray]:
    """Radius and distance before the centre [K] of the rings from the pupil over the iris round the white."""
    iris = np.array([PUPIL_RADIUS, PUPIL_RADIUS + 0.25, 5.2, 6.6, 7.8, IRIS_RADIUS, 9.3])
    iris_forward = np.array([12.4, 12.9, 13.0, 13.15, 13.3, _IRIS_DEPTH, 14.1])
    polar = np.linspace(np.arcsin(9.8 / SCLERA_RADIUS), np.radians(150), 12)
    radius = np.concatenate([[PUPIL_RADIUS * 0.5], iris, SCLERA_RADIUS * np.sin(polar)])
    forward = np.concatenate([[12.3], iris_forward, SCLERA_RADIUS * np.cos(polar)])
    return radius, forward


def profile_arcs() -> np.ndarray:
    """Length [K] in mm of the way from the middle of the pupil to each ring of the eyeball."""
    radius, forward = _profile()
    steps = np.hypot(np.diff(radius, prepend=0.0), np.diff(forward, prepend=forward[0]))
    return np.cumsum(steps)


def eyeball() -> Piece:
    """The pupil, the bowl of the iris and the white of the left eye, its axis straight ahead."""
    radius, forward = _profile()
    names = ["Pupil", "Pupil", "Iris edge", *["Iris"] * 3, "Iris edge", *["Sclera"] * (len(radius) - 7)]
    return _capped(_turned(radius, forward), EYE_CENTRE - [0, forward[0], 0], names)


def cornea() -> Piece:
    """The clear bulge before the iris."""
    base_forward = np.sqrt(SCLERA_RADIUS**2 - _LIMBUS_RADIUS**2)
    sag = EYE_RADIUS - 0.02 - base_forward
    curvature = (_LIMBUS_RADIUS**2 + sag**2) / (2 * sag)
    radius = _LIMBUS_RADIUS * np.array([0.12, 0.3, 0.5, 0.7, 0.86, 0.96, 1.02])
    forward = np.sqrt(curvature**2 - radius**2) - curvature + EYE_RADIUS - 0.02
    forward[-1] = np.sqrt(SCLERA_RADIUS**2 - radius[-1] ** 2) - 0.05
    rings = _turned(radius, forward)
    return _capped(rings, EYE_CENTRE - [0, EYE_RADIUS - 0.02, 0], ["Cornea"] * len(radius))


def tears() -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of the line of tears where the lower lid meets the eye."""
    x = np.linspace(-0.95, 0.97, 25) * HALF_WIDTH
    phi = rim_phi(x, np.False_)
    rows = []
    for rho, lift in (
        (EYE_RADIUS + 0.75, -0.2),
        (EYE_RADIUS + 0.2, 1.4),
        (SCLERA_RADIUS + 0.25, 3.2),
        (SCLERA_RADIUS - 0.2, 4.8),
    ):
        r, at = rho * shell_radius(x) ** (1.0 if rho > EYE_RADIUS else 0.98), phi + np.radians(lift)
        rows.append(EYE_CENTRE + np.stack([x, -r * np.cos(at), r * np.sin(at)], axis=-1))
    index = np.arange(4 * len(x)).reshape(4, -1)
    return np.concatenate(rows), strip(index[::-1], closed=False)


def caruncle() -> Piece:
    """The small pink flesh in the inner corner."""
    x = -0.9 * HALF_WIDTH
    rho = (SCLERA_RADIUS + 0.2) * float(shell_radius(np.array(x)))
    polar = np.radians([20, 45, 70, 95, 120])
    rings = _turned(np.sin(polar), np.cos(polar)) - EYE_CENTRE
    middle = EYE_CENTRE + np.array([x, -rho, -0.9])
    size = np.array([2.6, 2.0, 1.7])
    return _capped(middle + rings * size, middle - [0, size[1], 0], ["Lid rim"] * len(polar))


def lashes() -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of the left upper lashes, tapered and curved upwards."""
    t = LASH_X / HALF_WIDTH
    length = natural_spline(np.array([-1, -0.5, 0.2, 0.75, 1.0]), np.array([2.6, 4.8, 6.4, 7.6, 6.0]), t)
    length *= 1 + 0.20 * np.sin(np.arange(len(t)) * 2.4)
    sideways = -0.18 + 0.75 * smoothstep(-0.6, 1.0, t) + _clumped(len(t), 3) / length
    return _strands(LASH_X, np.True_, length, sideways, curl=0.6, radius=0.31)


def lower_lashes() -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of the left lower lashes."""
    t = LOWER_LASH_X / HALF_WIDTH
    length = 1.5 + 0.9 * smoothstep(-0.6, 0.8, t) + 0.5 * np.sin(np.arange(len(t)) * 2.4)
    sideways = -0.1 + 0.7 * smoothstep(-0.5, 1.0, t) + _clumped(len(t), 2) / length
    return _strands(LOWER_LASH_X, np.False_, length, sideways, curl=-0.75, radius=0.13)


def _clumped(count: int, size: int) -> np.ndarray:
    """Sideways mm [count] by which the tips of every `size` neighbouring lashes come together."""
    number = np.arange(count)
    place = number % size - 0.5 * (size - 1)
    return -0.62 * place + 0.3 * np.sin(number * 4.1)


def _strands(
    x: np.ndarray, is_upper: np.bool_, length: np.ndarray, sideways: np.ndarray, curl: float, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Three-sided lashes that stand at `x` [N] on a lid's edge: 5 x 3 rows of N vertices."""
    phi = rim_phi(x, is_upper)
    rho = (LID_RADIUS + 0.05) * shell_radius(x)
    root = EYE_CENTRE + np.stack([x, -rho * np.cos(phi), rho * np.sin(phi) + 0.25 * np.sign(curl)], axis=-1)
    rows = []
    for share in (0.0, 0.3, 0.6, 0.85, 1.0):
        out = length * (share - 0.32 * share**2)
        up = length * curl * (0.12 * share + 0.72 * share**2)
        middle = root + np.stack([sideways * length * share * 0.8, -out, up], axis=-1)
        thick = radius * (1 - 0.88 * share)
        for angle in np.radians([90, 210, 330]):
            rows.append(middle + thick * np.array([np.cos(angle), 0.3 * np.sin(angle), np.sin(angle)]))
    points = np.stack(rows).reshape(5, 3, len(x), 3)
    index = np.arange(15 * len(x)).reshape(5, 3, len(x))
    following = np.roll(index, -1, axis=1)
    quads = np.stack([index[:-1], following[:-1], following[1:], index[1:]], axis=-1)
    tips = np.stack([*index[-1], np.full(len(x), -1)], axis=-1)
    return points.reshape(-1, 3), np.concatenate([quads.reshape(-1, 4), tips])
