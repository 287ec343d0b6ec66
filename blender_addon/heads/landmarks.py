"""Places of the face that expressions are laid out by, measured on the head at rest. Millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from . import lids, mouth
from .geometry import head_geometry


@dataclass(frozen=True)
class Landmarks:
    """(x, z) mm of the left half of the face, so that the same expressions fit another build."""

    eye: tuple[float, float]
    brow_inner: tuple[float, float]
    brow_middle: tuple[float, float]
    brow_outer: tuple[float, float]
    wing: tuple[float, float]
    """The wing of the nose."""
    corner: tuple[float, float]
    """Of the mouth."""
    apple: tuple[float, float]
    """The fullest part of the cheek when it is raised."""
    hollow: tuple[float, float]
    """The middle of the cheek's soft part, beside the mouth."""
    chin: tuple[float, float]

    @property
    def fold(self) -> np.ndarray:
        """The nasolabial fold [K, 2] from above the wing of the nose past the corner of the mouth."""
        (wx, wz), (cx, cz) = self.wing, self.corner
        return np.array(
            [
                (wx - 1.0, wz + 7.0),
                (wx + 4.0, wz),
                (0.55 * wx + 0.45 * cx + 5.5, 0.55 * wz + 0.45 * cz),
                (cx + 8.5, cz + 4.0),
                (cx + 9.0, cz - 7.0),
            ]
        )


@cache
def landmarks() -> Landmarks:
    """The landmarks of the head that `head_geometry` builds."""
    head = head_geometry()
    brow = head.points[head.parts["browLeft"]]
    inner, outer = np.quantile(brow[:, 0], [0.12, 0.86])
    nostril = head.faces[head.face_materials == head.materials.index("Nostril")]
    wing = head.points[np.unique(nostril[nostril >= 0])]
    eye = (float(lids.EYE_CENTRE[0]), float(lids.EYE_CENTRE[2]))
    corner_point = head.points[head.skin.mouth[mouth.OUTER_LAYERS + mouth.CONTACT_LAYER, 0]]
    corner = (float(corner_point[0]), float(corner_point[2]))
    wing_at = (float(wing[:, 0].max()) + 3.0, float(wing[:, 2].mean()) + 4.0)
    middle_z = 0.5 * (eye[1] + corner[1])
    return Landmarks(
        eye=eye,
        brow_inner=_near(brow, inner),
        brow_middle=_near(brow, 0.5 * (inner + outer)),
        brow_outer=_near(brow, outer),
        wing=wing_at,
        corner=corner,
        apple=(eye[0] + 6.0, middle_z),
        hollow=(corner[0] + 17.0, corner[1] + 8.0),
        chin=(0.0, 0.28 * corner[1]),
    )


def _near(brow: np.ndarray, x: float) -> tuple[float, float]:
    near = np.abs(brow[:, 0] - x) < 4.0
    return float(x), float(brow[near, 2].mean())
