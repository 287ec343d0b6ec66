"""The mouth cut across: how far a vertex stands before the lips' line, how high above it, how far along it.

Lips roll, flare and thin within such a cut, whatever their shape at rest. All arrays are of all vertices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from . import lids, mouth
from .geometry import HeadGeometry, head_geometry
from .spline import smoothstep

ARCH_AXIS = np.array([0.0, -38.0, 0.0])
"""The upright axis that the front of the dental arch goes round."""
_SAMPLES = 33


def polar(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angle round the arch's axis (radians, left > 0) and distance from it (mm) of points [..., 3]."""
    x, y = points[..., 0], points[..., 1] - ARCH_AXIS[1]
    return np.arctan2(x, -y), np.hypot(x, y)


@dataclass(frozen=True)
class LipSection:
    """Where the vertices [V] lie in the cut across the lips that goes through them."""

    angle: np.ndarray
    """Round the arch's axis, radians."""
    radius: np.ndarray
    """mm from that axis."""
    out: np.ndarray
    """mm before the line between the lips."""
    up: np.ndarray
    """mm above it."""
    side: np.ndarray
    """1 for the upper lip, -1 for the lower one, 0 at the corners and for what is neither."""
    depth: np.ndarray
    """mm along the skin from the line between the lips, into the mouth as well; 0 where they touch."""

    def moved(
        self, out: np.ndarray | float = 0.0, up: np.ndarray | float = 0.0, along: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """Displacement [V, 3] by mm outwards, upwards and to the subject's left along the arch."""
        start = np.maximum(self.radius, 20.0)
        angle, radius = self.angle + np.asarray(along) / start, self.radius + out
        return np.stack(
            [
                radius * np.sin(angle) - self.radius * np.sin(self.angle),
                self.radius * np.cos(self.angle) - radius * np.cos(angle),
                np.broadcast_to(np.asarray(up, float), self.angle.shape),
            ],
            axis=-1,
        )

    def rolled(self, turn_rad: np.ndarray, out: float, up: np.ndarray | float) -> np.ndarray:
        """Displacement of each vertex turned by `turn_rad` [V] within its cut about the place (`out`, `up`).

        Positive from the front upwards: that rolls the lower lip in and the upper lip out.
        """
        c, s = np.cos(turn_rad), np.sin(turn_rad)
        ahead, above = self.out - out, self.up - up
        return self.moved(ahead * c - above * s - ahead, ahead * s + above * c - above)


@cache
def lip_section() -> LipSection:
    """The cut of the head that `head_geometry` builds."""
    head = head_geometry()
    angle, radius = polar(head.points)
    line = head.points[head.skin.mouth[mouth.OUTER_LAYERS + mouth.CONTACT_LAYER]]
    half = len(line) // 2
    line_angle, line_radius = polar(line[half::-1])
    out = radius - np.interp(angle, line_angle, line_radius)
    up = head.points[:, 2] - np.interp(angle, line_angle, line[half::-1, 2])
    return LipSection(angle, radius, out, up, _sides(head), _depth(head))


def _sides(head: HeadGeometry) -> np.ndarray:
    side = np.zeros(len(head.points))
    around, _ = lids.around(head.skin.mouth.shape[1])
    side[head.skin.mouth] = np.sign(np.round(np.sin(around), 9))
    return side


def _depth(head: HeadGeometry) -> np.ndarray:
    """Along the middle column the rings' distances are added up from where the lips touch."""
    rings = head.skin.mouth
    contact = mouth.OUTER_LAYERS + mouth.CONTACT_LAYER
    quarter = rings.shape[1] // 4
    middle = head.points[rings[:, [quarter, -quarter]]]
    steps = np.linalg.norm(np.diff(middle, axis=0), axis=-1).mean(axis=1)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    depth = np.full(len(head.points), 1e3)
    depth[rings] = np.abs(way - way[contact])[:, None]
    return depth


def lip_gaps(points: np.ndarray) -> np.ndarray:
    """mm of light between the lips in every column from the left to the right corner; negative: overlap."""
    return _gaps(points)[0]


def _gaps(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gaps and the angles round the arch of their columns at rest."""
    head = head_geometry()
    first = mouth.OUTER_LAYERS + 2
    rings = head.skin.mouth[first : mouth.LINING_START + 1]
    half = rings.shape[1] // 2
    columns = np.arange(1, half)
    sections = []
    for chosen in (rings[:, columns], rings[:, rings.shape[1] - columns]):
        _, radius = polar(points[chosen])
        sections.append((radius, points[chosen][..., 2]))
    gaps = np.array([_gap(*(a[:, k] for pair in sections for a in pair)) for k in range(len(columns))])
    contact = head.skin.mouth[mouth.OUTER_LAYERS + mouth.CONTACT_LAYER]
    angle, _ = polar(head.points[contact[columns]])
    return gaps, angle


def _gap(upper_r: np.ndarray, upper_z: np.ndarray, lower_r: np.ndarray, lower_z: np.ndarray) -> float:
    """Least height between two cuts: the least over those depths at which both lips are."""
    low, high = max(upper_r.min(), lower_r.min()), min(upper_r.max(), lower_r.max())
    if high <= low:  # one lip wholly behind the other: nearest heights count
        return float(upper_z.min() - lower_z.max())
    at = np.linspace(low, high, _SAMPLES)
    return float((_extreme(upper_r, upper_z, at, -1) - _extreme(lower_r, lower_z, at, 1)).min())


def _extreme(r: np.ndarray, z: np.ndarray, at: np.ndarray, sign: int) -> np.ndarray:
    """Lowest (sign -1) or highest (1) z of the polyline (r, z) at the depths `at`."""
    a, b = r[:-1, None], r[1:, None]
    inside = (np.minimum(a, b) <= at) & (at <= np.maximum(a, b))
    share = np.clip((at - a) / np.where(np.abs(b - a) > 1e-9, b - a, 1.0), 0.0, 1.0)
    height = z[:-1, None] + share * (z[1:, None] - z[:-1, None])
    return sign * np.where(inside, sign * height, -np.inf).max(axis=0)


def sealed(
    delta: np.ndarray,
    upper_share: float = 0.5,
    base: np.ndarray | float = 0.0,
    wanted_mm: float = 0.08,
    only_apart: bool = False,
) -> np.ndarray:
    """`delta` [V, 3] with the lips brought together: `base + delta` leaves `wanted_mm` between them.

    Args:
        upper_share: how much of the way the upper lip goes; the lower one goes the rest.
        base: displacement of another shape over which the lips are to meet.
        only_apart: leave them open where they are; only take them out of each other.
    """
    head, section = head_geometry(), lip_section()
    falloff = smoothstep(17.0, 8.0, section.depth)
    share = np.where(section.side > 0, -upper_share, 1 - upper_share) * (section.side != 0) * falloff
    sealed_delta = delta.copy()
    for _ in range(4):
        gaps, angle = _gaps(head.points + base + sealed_delta)
        missing = gaps - wanted_mm
        if only_apart:
            missing = np.minimum(missing, 0.0)
        smooth = np.convolve(np.pad(missing, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
        corner, _ = polar(head.points[head.skin.mouth[mouth.OUTER_LAYERS + mouth.CONTACT_LAYER, 0]])
        knots = np.concatenate([[corner], angle, [-corner]])[::-1]
        heights = np.concatenate([[0.0], smooth, [0.0]])[::-1]
        sealed_delta[:, 2] += share * np.interp(section.angle, knots, heights)
    return sealed_delta
