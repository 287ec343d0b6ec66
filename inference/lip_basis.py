"""How far the ARKit mouth channels open and widen the lips, in millimetres on one neutral head.

Measured on ICT-FaceKit (Li et al., Learning Formation of Physically-Based Face Attributes, CVPR 2020) at its
Multi-PIE landmarks: aperture is the vertical gap of the inner lips (62 - 66), width the distance of the
mouth corners (48 - 54). The aperture is linear in the weights, the width nearly so while left and right move
alike; a test compares the table with the face itself. Channels that are not listed (`mouthLeft`, the jaw's
sideways and forward movements) shift the mouth more than they shape it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import FloatArray

REST_MM: Final[tuple[float, float]] = (0.76, 50.7)
"""Aperture and width of the face at rest."""

CONTROLS_MM: Final[dict[str, tuple[float, float]]] = {
    "jawOpen": (32.75, -5.70),
    "mouthClose": (-38.94, 2.83),
    "mouthFunnel": (13.73, -6.83),
    "mouthPucker": (-0.52, -9.28),
    "mouthSmile": (0.07, 14.13),
    "mouthFrown": (-0.25, 3.77),
    "mouthDimple": (-0.72, 1.69),
    "mouthStretch": (-0.31, 13.18),
    "mouthRollLower": (-3.75, 0.67),
    "mouthRollUpper": (1.82, 3.18),
    "mouthShrugLower": (-6.88, 1.39),
    "mouthShrugUpper": (5.26, -0.08),
    "mouthPress": (-2.54, -0.24),
    "mouthLowerDown": (6.76, -0.06),
    "mouthUpperUp": (7.09, 0.36),
}
"""Change of (aperture, width) at weight 1.0; for channels with two sides, of left and right together."""

_SIDES = ("Left", "Right")
_TWO_SIDED = frozenset(
    {
        "mouthSmile",
        "mouthFrown",
        "mouthDimple",
        "mouthStretch",
        "mouthPress",
        "mouthLowerDown",
        "mouthUpperUp",
    }
)


def _per_channel() -> dict[str, tuple[float, float]]:
    table = {}
    for control, (aperture, width) in CONTROLS_MM.items():
        if control in _TWO_SIDED:
            table.update({control + side: (aperture / 2, width / 2) for side in _SIDES})
        else:
            table[control] = (aperture, width)
    return table


CHANNELS_MM: Final[dict[str, tuple[float, float]]] = _per_channel()
"""The same by ARKit channel name: a side counts half of the pair."""


def lip_curves(values: FloatArray, channels: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Aperture and width of a motion, millimetres, float32 [T] each.

    Args:
        values: [T, C] weights 0..1, or [C] for one face (then both results are scalars).
        channels: names of the columns; those outside `CHANNELS_MM` count as nothing.

    The aperture is not clipped: below 0 the lips press on each other.
    """
    rows = [CHANNELS_MM.get(name, (0.0, 0.0)) for name in channels]
    basis, rest = np.array(rows, np.float32).reshape(-1, 2), np.array(REST_MM, np.float32)
    curves: FloatArray = np.add(np.asarray(values, np.float32) @ basis, rest, dtype=np.float32)
    return curves[..., 0], curves[..., 1]
