"""The 52 ARKit shapes as displacements of the head's vertices.

Every shape is a weight field over the rest positions times a motion: the jaw turns about its joint,
lids turn about the eye, lips roll in their own cut and slide along the dental arch, the rest is moved by
soft bumps. Only left and middle shapes are written; a right shape is its left one, mirrored.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from ...inference.channels import ARKIT_52, mirror
from . import shapes_face as face
from . import shapes_mouth as lips
from .contact import clear_of_teeth
from .fields import FaceFields, face_fields
from .geometry import head_geometry
from .lid_motion import clear_of_eyes, look
from .mesh import MIRROR_X
from .skin_motion import with_brows

Shape = Callable[[FaceFields], np.ndarray]


@cache
def head_shapes() -> dict[str, np.ndarray]:
    """Displacements [V, 3] mm of every ARKit shape at 1.0, by name, in the order of `ARKIT_52`."""
    head, fields = head_geometry(), face_fields()
    shapes: dict[str, np.ndarray] = {}
    for name in ARKIT_52:
        if name in _SHAPES:
            shapes[name] = _apart(name, _SHAPES[name](fields))
        elif name.endswith("Left") and name.removesuffix("Left") in _SIDED:
            shapes[name] = _apart(name, _SIDED[name.removesuffix("Left")](fields))
        else:
            shapes[name] = shapes[mirror(name)][head.mirror] * MIRROR_X
    return shapes


def _apart(name: str, delta: np.ndarray) -> np.ndarray:
    """`delta` with the lids off the eyes, the lips off the teeth and the brows on the skin."""
    base = lips.jaw_open(face_fields()) if name == "mouthClose" else 0.0
    return with_brows(clear_of_teeth(clear_of_eyes(delta), base))


_SHAPES: dict[str, Shape] = {
    "jawForward": lips.jaw_forward, "jawLeft": lips.jaw_left, "jawOpen": lips.jaw_open,
    "mouthClose": lips.mouth_close, "mouthFunnel": lips.funnel, "mouthPucker": lips.pucker,
    "mouthLeft": lips.mouth_left, "mouthRollLower": lips.roll_lower, "mouthRollUpper": lips.roll_upper,
    "mouthShrugLower": lips.shrug_lower, "mouthShrugUpper": lips.shrug_upper,
    "browInnerUp": face.brow_inner_up, "cheekPuff": lips.cheek_puff, "tongueOut": lips.put_out_tongue,
}  # fmt: skip
_SIDED: dict[str, Shape] = {
    "eyeBlink": face.blink, "eyeSquint": face.squint, "eyeWide": face.wide,
    **{f"eyeLook{way}": partial(look, direction=way) for way in ("Down", "In", "Out", "Up")},
    "mouthSmile": lips.smile, "mouthFrown": lips.frown, "mouthDimple": lips.dimple,
    "mouthStretch": lips.stretch, "mouthPress": lips.press, "mouthLowerDown": lips.lower_down,
    "mouthUpperUp": lips.upper_up, "browDown": face.brow_down, "browOuterUp": face.brow_outer_up,
    "cheekSquint": face.cheek_squint, "noseSneer": face.nose_sneer,
}  # fmt: skip
