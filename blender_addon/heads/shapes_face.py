"""Eyes, brows, cheeks and nose of the ARKit set: displacements [V, 3] mm of the head's vertices at 1.0.

Left and middle shapes only.
"""

from __future__ import annotations

import numpy as np

from .fields import FaceFields
from .lid_motion import clear_of_eyes, closed_lids, met_lids, turned_lids
from .shapes_mouth import crease
from .spline import bump, smoothstep


def blink(f: FaceFields) -> np.ndarray:
    """The lids meet low on the eye; the brow gives way a little."""
    return met_lids(clear_of_eyes(closed_lids(f))) + f.section.moved(
        0, -0.7 * f.left * f.soft(f.places.brow_middle, (20, 9))
    )


def squint(f: FaceFields) -> np.ndarray:
    """The lower lid rises and the cheek gathers below it."""
    x, z = f.places.eye
    cheek = f.left * f.soft((x + 2, z - 20), (17, 9)) * f.off_lid
    outer = f.left * f.soft((x + 22, z - 2), (8, 10)) * f.off_lid
    return turned_lids(f, -6.0, 9.0) + f.section.moved(1.1 * cheek + 0.8 * outer, 2.4 * cheek)


def wide(f: FaceFields) -> np.ndarray:
    """Both lids drawn off the iris."""
    brow = f.left * f.soft(f.places.brow_middle, (20, 11)) * f.off_lid
    return turned_lids(f, 9.0, -4.0) + f.section.moved(0, 1.4 * brow)


def brow_down(f: FaceFields) -> np.ndarray:
    """The brow comes down and in, its inner end most; the skin over the nose gathers."""
    brow = f.left * f.soft(_lower(f.places.brow_middle, 2), (25, 11)) * f.off_lid
    inner = f.left * f.soft(_lower(f.places.brow_inner, 2), (12, 12)) * f.off_lid
    furrow = f.left * f.soft((3.0, f.places.brow_inner[1]), (3.4, 10))
    return f.section.moved(1.6 * inner - 1.3 * furrow, -5.8 * brow - 3.2 * inner, -3.6 * inner)


def brow_inner_up(f: FaceFields) -> np.ndarray:
    """The inner ends rise and come together; the forehead wrinkles above them."""
    x, z = f.places.brow_inner
    inner = np.minimum(f.both(f.soft((x, z + 3), (17, 15))), 1.1)
    inwards = -0.9 * np.clip(f.points[:, 0] / 6, -1, 1) * f.both(f.soft((x, z), (11, 11)))
    return f.section.moved(
        0.6 * inner + _wrinkles(f, z + 15, 0.7) * f.both(f.soft((x, z + 20), (18, 12))),
        8.0 * inner * f.off_lid,
        inwards,
    )


def brow_outer_up(f: FaceFields) -> np.ndarray:
    """The outer half of the brow rises."""
    x, z = f.places.brow_outer
    ((inner_x, _), lateral) = f.places.brow_inner, f.points[:, 0]
    across = smoothstep(inner_x - 4, x - 6, lateral) * smoothstep(x + 26, x + 4, lateral)
    outer = across * bump((f.points[:, 2] - z - 3) / 16) * f.soft_skin * f.off_lid
    fold = _wrinkles(f, z + 15, 0.6) * f.left * f.soft((x - 6, z + 20), (16, 11))
    return f.section.moved(0.5 * outer + fold, 7.5 * outer)


def cheek_squint(f: FaceFields) -> np.ndarray:
    """The cheek is pushed up under the eye, and the lower lid with it."""
    x, z = f.places.apple
    cheek = f.left * f.soft((x - 1, z + 8), (18, 12)) * f.off_lid
    return f.section.moved(3.2 * cheek + crease(f, 0.7, 0.6), 5.0 * cheek) + turned_lids(f, 0.0, 7.0)


def nose_sneer(f: FaceFields) -> np.ndarray:
    """The wing of the nose and the lip below it are raised, the side of the nose wrinkles, the brow sinks."""
    x, z = f.places.wing
    wing = f.left * f.soft((x, z), (8, 9))
    lip = f.left * f.upper * f.lips(12) * f.arch_across
    side = f.left * f.soft((0.62 * x, z + 27), (8, 14)) * f.off_lid
    ridges = np.cos((f.points[:, 2] - z - 27) / 9.0 * 2 * np.pi) * f.left * f.soft((0.6 * x, z + 28), (7, 13))
    brow = f.left * f.soft(_lower(f.places.brow_inner, 3), (12, 9)) * f.off_lid
    out = 1.2 * wing + 0.9 * side + 1.1 * ridges * f.off_lid + crease(f, 2.1, 2.0)
    return f.section.moved(out, 5.4 * wing + 3.0 * side + 3.4 * lip - 2.6 * brow, 1.0 * wing)


def _lower(place: tuple[float, float], mm: float) -> tuple[float, float]:
    return place[0], place[1] - mm


def _wrinkles(f: FaceFields, z: float, height: float) -> np.ndarray:
    """Lying folds of the forehead round the height `z`, mm outwards."""
    return height * np.cos((f.points[:, 2] - z) / 11.0 * 2 * np.pi)
