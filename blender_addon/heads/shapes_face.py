"""Eyes, brows, cheeks and nose of the ARKit set: displacements [V, 3] mm of the head's vertices at 1.0.

Left and middle shapes only.
"""

from __future__ import annotations

import numpy as np

from . import lids
from .fields import FaceFields
from .lid_motion import clear_of_eyes, closed_lids, met_lids, turned_lids
from .shapes_mouth import crease
from .skin_motion import spread
from .spline import bump, smoothstep

_WHITE_ABOVE_MM = 1.5
"""Of the eye, above the iris of an eye opened wide."""
_FURROW_MM = 20.0
"""From the eye's centre down to the furrow of a raised cheek."""
_WRINKLE_MM = 12.5


def blink(f: FaceFields) -> np.ndarray:
    """The lids meet low on the eye; the brow gives way a little."""
    return met_lids(clear_of_eyes(closed_lids(f))) + f.section.moved(
        0, -0.7 * f.left * f.soft(f.places.brow_middle, (20, 9))
    )


def squint(f: FaceFields) -> np.ndarray:
    """The lower lid rises, the cheek and the skin beside the eye gather round it."""
    x, z = f.places.eye
    cheek = f.left * f.soft((x + 2, z - 20), (17, 9)) * f.off_lid
    outer = f.left * f.soft((x + 22, z - 2), (8, 10)) * f.off_lid
    brow = f.left * f.soft(f.places.brow_middle, (24, 10)) * f.off_lid
    gathered = 1.8 * cheek + 1.2 * outer + _under_eye(f, 0.9)
    return turned_lids(f, -7.0, 10.5) + f.section.moved(gathered, 3.2 * cheek - 1.4 * brow, -1.5 * outer)


def wide(f: FaceFields) -> np.ndarray:
    """The upper lid drawn off the iris, so that white shows above it; the lower one gives way a little."""
    brow = f.left * f.soft(f.places.brow_middle, (22, 12)) * f.off_lid
    lifted = np.degrees(_angle_above_iris() - lids.rim_phi(np.zeros(1), np.True_)[0])
    return turned_lids(f, lifted, -4.5) + f.section.moved(0, 2.0 * brow)


def _angle_above_iris() -> float:
    return float(np.arcsin((lids.IRIS_RADIUS + _WHITE_ABOVE_MM) / lids.LID_RADIUS))


def brow_down(f: FaceFields) -> np.ndarray:
    """The brow comes down and in, its inner end most; the skin over the nose gathers in upright folds."""
    x, z = f.places.brow_inner
    brow = f.left * f.soft(_lower(f.places.brow_middle, 1), (26, 14)) * f.off_lid
    inner = f.left * f.soft((x, z - 1), (13, 14)) * f.off_lid
    furrow = f.left * f.soft((4.0, z - 2), (3.2, 11))
    beside = f.left * f.soft((10.0, z - 2), (5.0, 11)) * f.off_lid
    root = f.soft_middle(z - 17, (11, 3.4)) * f.left
    out = 1.0 * brow + 1.6 * inner + 1.4 * beside - 2.2 * furrow - 1.3 * root
    return spread(
        f.section.moved(out, -8.6 * brow - 4.4 * inner, -4.4 * inner - 1.0 * brow), f.soft_skin * f.off_lid, 2
    )


def brow_inner_up(f: FaceFields) -> np.ndarray:
    """The inner ends rise and come together; the forehead wrinkles above them."""
    x, z = f.places.brow_inner
    inner = np.minimum(f.both(f.soft((x, z + 3), (18, 17))), 1.1)
    inwards = -1.6 * np.clip(f.points[:, 0] / 6, -1, 1) * f.both(f.soft((x, z), (11, 11)))
    return f.section.moved(
        0.6 * inner + _wrinkles(f, z + 17, 1.0) * f.both(f.soft((x - 4, z + 25), (20, 15))),
        10.0 * inner * f.off_lid,
        inwards,
    )


def brow_outer_up(f: FaceFields) -> np.ndarray:
    """The outer half of the brow rises."""
    x, z = f.places.brow_outer
    ((inner_x, _), lateral) = f.places.brow_inner, f.points[:, 0]
    across = smoothstep(inner_x - 6, x - 6, lateral) * smoothstep(x + 26, x + 4, lateral)
    outer = across * bump((f.points[:, 2] - z - 3) / 18) * f.soft_skin * f.off_lid
    fold = _wrinkles(f, z + 17, 0.9) * f.left * f.soft((x - 8, z + 25), (17, 14))
    return f.section.moved(0.6 * outer + fold, 10.0 * outer)


def cheek_squint(f: FaceFields) -> np.ndarray:
    """The cheek is pushed up under the eye, the lower lid with it; a furrow forms between the two."""
    (x, z), (_, eye_z) = f.places.apple, f.places.eye
    cheek = f.left * f.soft((x, z + 5), (18, 13)) * f.off_lid
    outer = f.left * f.soft((x + 18, eye_z - 8), (9, 12)) * f.off_lid
    out = 5.0 * cheek + 1.6 * outer + _under_eye(f, 2.0) + crease(f, 1.6, 1.6)
    lip = f.left * f.near_lips(10) * f.toward_corner * f.upper
    raised = f.section.moved(out, 7.0 * cheek + 2.2 * outer + 1.0 * lip)
    return turned_lids(f, -1.0, 7.5) + spread(raised, f.soft_skin * f.off_lid * (1 - f.red), 2)


def nose_sneer(f: FaceFields) -> np.ndarray:
    """The wing of the nose and the lip below it are raised, the side of the nose wrinkles, the brow sinks."""
    (x, z), (brow_x, brow_z) = f.places.wing, f.places.brow_inner
    wing = f.left * f.soft((x, z), (8, 9))
    lip = f.left * f.upper * f.lips(12) * f.arch_across
    side = f.left * f.soft((0.62 * x, z + 27), (8, 14)) * f.off_lid
    cheek = f.left * f.soft((x + 12, z + 8), (12, 14)) * f.off_lid
    brow = f.left * f.soft((brow_x, brow_z - 3), (14, 11)) * f.off_lid
    root = f.left * f.soft_middle(brow_z - 20, (10, 3.4))
    out = 1.6 * wing + 1.0 * side + 2.4 * cheek + _nose_folds(f) - 1.8 * root + crease(f, 4.4, 3.4)
    up = 6.6 * wing + 3.8 * side + 4.8 * cheek - 3.6 * brow
    lifted = spread(
        f.section.moved(out, up, 2.0 * wing - 0.8 * brow), f.soft_skin * f.off_lid * (1 - f.red), 2
    )
    return lifted + f.section.moved(0, 4.6 * lip)


def _nose_folds(f: FaceFields) -> np.ndarray:
    """mm outwards of the slanting folds on the left side of the nose's bridge."""
    x, z = f.places.wing
    along = f.points[:, 2] - 0.5 * f.points[:, 0] - (z + 27)
    return 2.3 * np.cos(along / 10.5 * 2 * np.pi) * f.left * f.soft((0.7 * x, z + 29), (8, 13)) * f.off_lid


def _under_eye(f: FaceFields, depth_mm: float) -> np.ndarray:
    """mm outwards of the furrow that the cheek pushes up below the left lower lid."""
    x, z = f.places.eye
    across, below = (f.points[:, 0] - x) / 1.3, z - f.points[:, 2]
    round_eye = bump((np.hypot(across, below) - _FURROW_MM) / 2.6) * smoothstep(4, 14, below)
    return -depth_mm * round_eye * f.soft_skin * f.left * f.off_lid


def _lower(place: tuple[float, float], mm: float) -> tuple[float, float]:
    return place[0], place[1] - mm


def _wrinkles(f: FaceFields, z: float, height: float) -> np.ndarray:
    """Lying folds of the forehead round the height `z`, mm outwards."""
    return height * np.cos((f.points[:, 2] - z) / _WRINKLE_MM * 2 * np.pi)
