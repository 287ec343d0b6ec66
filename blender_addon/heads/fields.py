"""Weight fields over the head's vertices, from which the expressions are made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from . import lids, mouth
from .geometry import HeadGeometry, head_geometry
from .landmarks import Landmarks, landmarks
from .lip_section import LipSection, lip_section
from .spline import bump, smoothstep

_FAR_MM = 1000.0


@dataclass(frozen=True)
class FaceFields:
    """Fields [V], 0..1 unless said otherwise; `points` [V, 3] mm is the rest shape."""

    points: np.ndarray
    outwards: np.ndarray
    """Horizontal unit vectors [V, 3] away from the axis of the dental arch."""
    left: np.ndarray
    """The subject's left half, soft over the middle; with its mirror image it adds up to 1."""
    jaw: np.ndarray
    """What follows the jaw."""
    jaw_mouth: np.ndarray
    """The same near the mouth, before it fades out on neck and cheeks."""
    lower: np.ndarray
    upper: np.ndarray
    lip_distance: np.ndarray
    """Distance from the line between the lips in mm; far for what is no part of the mouth."""
    above_line: np.ndarray
    """Height above the line between the lips in mm (signed)."""
    red: np.ndarray
    """The red of the lips."""
    corner: np.ndarray
    """Near either corner of the mouth."""
    soft_skin: np.ndarray
    """1 for skin and brows, 0 for all else: what bumps may move."""
    off_lid: np.ndarray
    """1 away from the lids, 0 on their edges."""
    tongue: np.ndarray
    mouth_close: np.ndarray
    """How much takes part when the lips are closed over an open jaw."""
    section: LipSection
    places: Landmarks
    fold: np.ndarray
    """Signed distance (mm) from the left nasolabial fold, towards the ear positive."""
    fold_along: np.ndarray
    """1 beside the middle of that fold, 0 at and beyond its ends."""

    @property
    def across(self) -> np.ndarray:
        """1 in the middle of the mouth, 0 at and beyond its corners, flat."""
        return smoothstep(mouth.HALF_WIDTH + 3, mouth.HALF_WIDTH * 0.45, np.abs(self.points[:, 0]))

    @property
    def arch_across(self) -> np.ndarray:
        """1 in the middle of the mouth, 0 at its corners, round."""
        return np.sqrt(np.clip(1 - (self.points[:, 0] / (mouth.HALF_WIDTH + 0.5)) ** 2, 0, 1))

    @property
    def toward_corner(self) -> np.ndarray:
        """0 in the middle of the mouth, 1 at its left corner and beyond."""
        return smoothstep(4, mouth.HALF_WIDTH, self.points[:, 0])

    def near_lips(self, reach_mm: float) -> np.ndarray:
        """1 on the lips' line, falling off over `reach_mm`; nothing behind the jaw's angle."""
        return np.exp(-((np.maximum(self.lip_distance - 6, 0) / reach_mm) ** 2)) * self._before_neck

    def lips(self, reach_mm: float) -> np.ndarray:
        """1 on the red of the lips, gone `reach_mm` beyond."""
        return smoothstep(8 + reach_mm, 7, self.lip_distance)

    def left_corner(self, reach_mm: float) -> np.ndarray:
        """Bump round the left corner of the mouth."""
        at = (self.points[:, 0] - mouth.HALF_WIDTH) / reach_mm
        return bump(at, self.above_line / reach_mm) * (self.lip_distance < _FAR_MM / 2) * self._before_neck

    @property
    def _before_neck(self) -> np.ndarray:
        return smoothstep(0, -28, self.points[:, 1])

    def soft(self, at: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
        """Bump on the front of the skin round (x, z) mm."""
        x, _, z = self.points.T
        return bump((x - at[0]) / radii[0], (z - at[1]) / radii[1]) * self.soft_skin

    def both(self, left: np.ndarray) -> np.ndarray:
        """A field of the left half and its mirror image."""
        return left + left[head_geometry().mirror]

    def soft_middle(self, z: float, radii: tuple[float, float]) -> np.ndarray:
        """Bump on the middle line of the skin at height `z` mm."""
        return self.soft((0.0, z), radii)


@cache
def face_fields() -> FaceFields:
    """The fields of the head that `head_geometry` builds."""
    head = head_geometry()
    points = head.points
    x, y, _z = points.T
    above, distance = _lip_coordinates(head)
    lower, jaw = _jaw_fields(head, above)
    outwards = np.stack([x, y + 38.0, np.zeros_like(x)], axis=-1)
    outwards /= np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-6)
    count = len(points)
    in_mouth = np.zeros(count, bool)
    in_mouth[head.parts["skin"]] = True
    front = smoothstep(-25, -55, y)
    distance = np.where(in_mouth, distance + 40 * smoothstep(-85, 5, y), _FAR_MM)
    red = np.zeros(count)
    red[head.skin.mouth[mouth.RED_LAYERS]] = 1.0
    soft_skin = np.zeros(count)
    for part in ("skin", "browLeft", "browRight"):
        soft_skin[head.parts[part]] = 1.0
    soft_skin[head.skin.mouth[mouth.LINING_START + 1 :]] = 0
    soft_skin[head.skin.throat] = 0
    soft_skin *= front
    off_lid = np.ones(count)
    for rings in head.skin.eyes:
        off_lid[rings] = 1 - np.clip(lids.BLINK_SHARE * 1.05, 0, 1)[:, None]
    tongue = np.zeros(count)
    tongue[head.parts["tongue"]] = 1.0
    corner = bump((np.abs(x) - mouth.HALF_WIDTH) / 10, above / 12) * (distance < _FAR_MM)
    return FaceFields(
        points, outwards, smoothstep(-10, 10, x), jaw, lower, lower, 1 - lower, distance, above, red,
        corner, soft_skin, off_lid, tongue, smoothstep(34, 9, distance),
        lip_section(), landmarks(), *_beside_fold(points, landmarks().fold),
    )  # fmt: skip


def _lip_coordinates(head: HeadGeometry) -> tuple[np.ndarray, np.ndarray]:
    """Height above the lip line and distance from it (mm) of every vertex, along the skin into the mouth."""
    x, _, z = head.points.T
    above = z - mouth.line_z(x)
    rings = head.skin.mouth
    around, _ = lids.around(rings.shape[1])
    sign = np.where(np.sin(around) >= -1e-9, 1.0, -1.0)
    for k in range(mouth.LINING_START, len(rings)):
        above[rings[k]] = 0.02 * sign
    distance = np.hypot(np.maximum(np.abs(x) - mouth.HALF_WIDTH + 2, 0), above)
    inside = rings[mouth.LINING_START :]
    distance[inside] = lip_section().depth[inside]
    distance[head.skin.throat] = _FAR_MM
    return above, distance


def _jaw_fields(head: HeadGeometry, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What lies below the line between the lips (soft beyond the corners), and what follows the jaw."""
    x, y, z = head.points.T
    lateral = np.abs(x)
    rings = head.skin.mouth
    around, t = lids.around(rings.shape[1])
    for k in range(mouth.OUTER_LAYERS, len(rings)):
        lateral[rings[k]] = np.abs(t) * mouth.HALF_WIDTH
    inside = np.maximum(mouth.HALF_WIDTH - lateral, 0)
    beyond = np.maximum(lateral - mouth.HALF_WIDTH, 0)
    reach = 16.0 + 0.75 * beyond
    u = np.clip((np.abs(above) * 1.15 + inside) / reach, 0, 1)
    round_mouth = 0.62 + 0.5 * smoothstep(0, 14, beyond)  # an oval opening, but no crease in the cheek
    split = (1 - (1 - u) ** 2) ** round_mouth
    sign = np.sign(above)
    sign[rings[mouth.OUTER_LAYERS + 2 :]] = np.sign(np.round(np.sin(around), 6))
    lower = 0.5 - 0.5 * sign * split
    jaw = lower * smoothstep(28, -30, y) * smoothstep(-52, 2, z)
    jaw[rings[mouth.LINING_START + 3 :]] = lower[rings[mouth.LINING_START + 3 :]] * smoothstep(
        -14, -60, y[rings[mouth.LINING_START + 3 :]]
    )
    for part, indices in head.parts.items():
        if part.startswith(("eye", "lashes", "brow", "ear", "teethUpper", "gumUpper")):
            jaw[indices] = lower[indices] = 0.0
        elif part.startswith(("teethLower", "gumLower")):
            jaw[indices] = lower[indices] = 1.0
    tongue = head.parts["tongue"]
    jaw[tongue] = smoothstep(-4, -46, y[tongue])
    lower[tongue] = 1.0
    jaw[head.skin.throat] = 0.0
    # Rounding decides on which side of the line a vertex lies: let both halves agree.
    return 0.5 * (lower + lower[head.mirror]), 0.5 * (jaw + jaw[head.mirror])


def _beside_fold(points: np.ndarray, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance [V] mm on the front of the face from the line `fold` [K, 2] (x, z), and how far along.

    The second field is 1 beside the line's middle and 0 at its ends.
    """
    at = points[:, None, [0, 2]]
    start, way = fold[:-1], np.diff(fold, axis=0)
    length = np.linalg.norm(way, axis=1)
    share = np.clip(np.sum((at - start) * way, axis=-1) / length**2, 0, 1)
    away = at - (start + share[..., None] * way)
    distance = np.linalg.norm(away, axis=-1)
    nearest, rows = np.argmin(distance, axis=1), np.arange(len(points))
    along = (np.concatenate([[0.0], np.cumsum(length)])[:-1] + share * length)[rows, nearest]
    ended = smoothstep(0, 12, along) * smoothstep(length.sum(), length.sum() - 14, along)
    side = away[rows, nearest, 0] * -way[nearest, 1] + away[rows, nearest, 1] * way[nearest, 0]
    return np.sign(side) * distance[rows, nearest], ended
