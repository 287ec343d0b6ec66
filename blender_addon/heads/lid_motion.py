"""How lids and eyeballs move: lids turn about the eye's centre and stay outside of eyeball and cornea."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from . import lids
from .fields import FaceFields
from .geometry import head_geometry
from .spline import rotate_x, rotate_z

LOOK_RAD = {
    "Up": np.radians(24), "Down": np.radians(27), "In": np.radians(29), "Out": np.radians(29)
}  # fmt: skip
LID_FOLLOWS_DEG = {"Up": (9.0, 3.5), "Down": (-17.0, -6.0)}
"""How far the upper and the lower lid go along where the eye looks."""
_ON_LIDS = ("lashes", "wet")
_BALL_PARTS = ("eye", "cornea", "iris", "pupil")


def turned_lids(f: FaceFields, upper_deg: float, lower_deg: float) -> np.ndarray:
    """Displacement of the left lids and lashes turned by these angles, upwards for > 0."""

    def angle(x: np.ndarray, is_upper: np.ndarray) -> np.ndarray:
        t = np.clip(np.abs(x) / lids.HALF_WIDTH, 0, 1)
        return np.radians(np.where(is_upper, upper_deg, lower_deg)) * (1 - t**2.5)

    return _turned(f, angle)


def closed_lids(f: FaceFields, share: float = 1.0) -> np.ndarray:
    """Displacement of the left lids and lashes turned `share` of the way to where they meet."""

    def angle(x: np.ndarray, is_upper: np.ndarray) -> np.ndarray:
        return share * (lids.closed_phi(x) - lids.rim_phi(x, is_upper))

    return _turned(f, angle, swell_mm=0.35 * share)


def _turned(
    f: FaceFields, angle: Callable[[np.ndarray, np.ndarray], np.ndarray], swell_mm: float = 0.0
) -> np.ndarray:
    head = head_geometry()
    delta = np.zeros_like(f.points)
    rings = head.skin.eyes[0]
    around, t = lids.around(rings.shape[1])
    x = t * lids.HALF_WIDTH
    turn = angle(x, np.sin(around) >= 0)
    swell = swell_mm * (1 - np.abs(t) ** 3)
    for layer, share in zip(rings, lids.BLINK_SHARE, strict=True):
        rest = f.points[layer]
        turned = rotate_x(rest, lids.EYE_CENTRE, share * turn)
        away = turned - lids.EYE_CENTRE
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        delta[layer] = turned + away * (share * swell)[:, None] - rest
    for lash, root_x, is_upper in _lashes():
        rest = f.points[lash]
        delta[lash] = rotate_x(rest, lids.EYE_CENTRE, angle(root_x, is_upper)) - rest
    return delta


def met_lids(delta: np.ndarray) -> np.ndarray:
    """`delta` [V, 3] of a blink with the edges of the left lids brought onto each other."""
    head = head_geometry()
    rings = head.skin.eyes[0]
    edge = rings[lids.RIM_LAYER + 1]
    count = len(edge)
    columns = np.arange(1, count // 2)
    moved = head.points[edge] + delta[edge] - lids.EYE_CENTRE
    radius = np.linalg.norm(moved, axis=1)
    both = moved[columns] / radius[columns, None] + moved[-columns] / radius[-columns, None]
    both *= (np.maximum(radius[columns], radius[-columns]) / np.linalg.norm(both, axis=1))[:, None]
    delta = delta.copy()
    for chosen in (columns, -columns):
        missing = both - moved[chosen]
        for layer, share in zip(rings, lids.BLINK_SHARE, strict=True):
            delta[layer[chosen]] += (share**4)[..., None] * missing
    return delta


_ROOTS = {"lashesLeft": lids.LASH_X, "lashesLowerLeft": lids.LOWER_LASH_X}


def _lashes() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Vertices of what is on the edges of the left lids, where it is rooted, and whether in the upper lid.

    A lash turns as a whole, as its root does: its tip may lie beyond the eye's corner, which stands still.
    """
    head = head_geometry()
    found = []
    for name, indices in head.parts.items():
        if name.startswith(_ON_LIDS) and name.endswith("Left"):
            roots = _ROOTS.get(name)
            own = head.points[indices, 0] - lids.EYE_CENTRE[0]
            root_x = own if roots is None else roots[np.arange(len(indices)) % len(roots)]
            found.append((indices, root_x, np.array(name == "lashesLeft")))
    return found


@cache
def ball() -> np.ndarray:
    """Vertices of everything that turns with the left eye."""
    parts = head_geometry().parts
    return np.concatenate(
        [i for name, i in parts.items() if name.startswith(_BALL_PARTS) and name.endswith("Left")]
    )


def look(f: FaceFields, direction: str, share: float = 1.0) -> np.ndarray:
    """Displacement of the left eye turned `share` of the way to a side; the lids follow up and down."""
    turn = LOOK_RAD[direction] * share
    follow = LID_FOLLOWS_DEG.get(direction)
    delta = np.zeros_like(f.points) if follow is None else turned_lids(f, *(share * d for d in follow))
    rest = f.points[ball()]
    turned = {
        "Up": lambda: rotate_x(rest, lids.EYE_CENTRE, turn),
        "Down": lambda: rotate_x(rest, lids.EYE_CENTRE, -turn),
        "In": lambda: rotate_z(rest, lids.EYE_CENTRE, -turn),
        "Out": lambda: rotate_z(rest, lids.EYE_CENTRE, turn),
    }[direction]()
    delta[ball()] = turned - rest
    return delta


def outline(away: np.ndarray, ahead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far an eye reaches from its centre, with its cornea, by the angle from the way it looks.

    Args:
        away: its vertices [N, 3] from its centre.
        ahead: where it looks, [3].

    Returns:
        Angles (radians, ascending) and distances (mm).
    """
    radius = np.linalg.norm(away, axis=1)
    angle = np.arccos(np.clip(away @ ahead / np.maximum(radius * np.linalg.norm(ahead), 1e-9), -1, 1))
    knots = np.linspace(0, np.pi, 37)
    near = np.abs(angle - knots[:, None]) < 1.6 * knots[1]
    greatest = np.where(near, radius, 0.0).max(axis=1)
    return knots, np.where(greatest > 0, greatest, lids.EYE_RADIUS)


@cache
def _profile() -> tuple[np.ndarray, np.ndarray]:
    return outline(head_geometry().points[ball()] - lids.EYE_CENTRE, np.array([0.0, -1.0, 0.0]))


def clear_of_eyes(delta: np.ndarray) -> np.ndarray:
    """`delta` [V, 3] with the lids held off the eyeballs on the whole straight way.

    Shape keys blend in straight lines while the eyeball is round, so a turned lid would cut the corner.
    """
    head = head_geometry()
    delta = delta.copy()
    for rings, side in zip(head.skin.eyes, (1, -1), strict=True):
        lashes = [head.mirror[i] if side < 0 else i for i, _, _ in _lashes()]
        index = np.concatenate([rings[1:].ravel(), *lashes])
        if np.abs(delta[index]).max() > 1e-9:
            axis_delta = delta[pole(side)]
            moved = _keep_clear(head.points[index], delta[index], lids.EYE_CENTRE * [side, 1, 1], axis_delta)
            delta[index] = moved
    return delta


@cache
def pole(side: int) -> int:
    """The foremost vertex of an eye: where it goes says how the eye turns."""
    head = head_geometry()
    index = ball() if side > 0 else head.mirror[ball()]
    return int(index[np.argmin(head.points[index, 1])])


def _keep_clear(rest: np.ndarray, delta: np.ndarray, centre: np.ndarray, pole: np.ndarray) -> np.ndarray:
    """`delta` [N, 3] of points at `rest`, pushed out where their way would cross the eyeball."""
    share = np.linspace(0, 1, 21)[:, None, None]
    axis = np.array([0.0, -lids.EYE_RADIUS, 0.0]) + share * pole
    axis /= np.linalg.norm(axis, axis=-1, keepdims=True)
    knots, profile = _profile()

    def lack_of(points: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        away = points - centre
        distance = np.linalg.norm(away, axis=-1)
        angle = np.arccos(np.clip(np.sum(away * ahead, axis=-1) / np.maximum(distance, 1e-9), -1, 1))
        return np.interp(angle, knots, profile) + lids.CLEARANCE - distance

    sunk = np.maximum(lack_of(rest, np.array([0.0, -1.0, 0.0])), 0)  # the lining's end is behind the ball
    for _ in range(30):
        lack = np.max((lack_of(rest + share * delta, axis) - sunk) / np.maximum(share[..., 0], 0.3), axis=0)
        if (lack <= 0).all():
            break
        away = rest + delta - centre
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        delta = delta + away * (np.maximum(lack, 0) + 1e-3 * (lack > 0))[:, None]
    return delta
