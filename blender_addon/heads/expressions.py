"""The 52 ARKit shapes as displacements of the head's vertices.

Every shape is a weight field over the rest positions times a motion: the jaw turns about its joint,
lids turn about the eye, lips slide along the dental arch, the rest is moved by soft bumps.
Only left and middle shapes are written; a right shape is its left one, mirrored.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ...inference.channels import ARKIT_52, mirror
from . import lids
from .fields import FaceFields, face_fields
from .geometry import head_geometry
from .mesh import MIRROR_X
from .spline import bump, rotate_x, rotate_z, smoothstep

JAW_JOINT = np.array([0.0, 6.0, 92.0])
JAW_OPEN_RAD = np.radians(17.5)
ARCH_AXIS = np.array([0.0, -38.0, 0.0])
CLOSE_SHARE = 0.4
"""How far down the jaw's way the closed lips meet when the jaw is open."""
LOOK_RAD = {
    "Up": np.radians(24), "Down": np.radians(27), "In": np.radians(29), "Out": np.radians(29)
}  # fmt: skip


@cache
def head_shapes() -> dict[str, np.ndarray]:
    """Displacements [V, 3] mm of every ARKit shape at 1.0, by name, in the order of `ARKIT_52`."""
    head, fields = head_geometry(), face_fields()
    shapes: dict[str, np.ndarray] = {}
    for name in ARKIT_52:
        other = mirror(name)
        if name in _SHAPES:
            shapes[name] = _SHAPES[name](fields)
        elif name.endswith("Left") and name.removesuffix("Left") in _SIDED:
            shapes[name] = _SIDED[name.removesuffix("Left")](fields)
        else:
            shapes[name] = shapes[other][head.mirror] * MIRROR_X
    return {name: _clear_of_eyes(delta) for name, delta in shapes.items()}


def _clear_of_eyes(delta: np.ndarray) -> np.ndarray:
    """`delta` [V, 3] with the lids held off the eyeballs on the whole straight way."""
    head = head_geometry()
    delta = delta.copy()
    for rings, side in zip(head.skin.eyes, (1, -1), strict=True):
        lashes = head.parts["lashesLeft" if side > 0 else "lashesRight"]
        index = np.concatenate([rings[1:].ravel(), lashes])
        rest = head.points[index]
        if np.abs(delta[index]).max() > 1e-9:
            moved = lids.keep_clear(rest, rest + delta[index], lids.EYE_CENTRE * [side, 1, 1])
            delta[index] = moved - rest
    return delta


def _along_arch(f: FaceFields, shift: np.ndarray) -> np.ndarray:
    """Displacement by `shift` [V] mm to the subject's left along the arch of the teeth."""
    radius = np.maximum(np.hypot(f.points[:, 0], f.points[:, 1] - ARCH_AXIS[1]), 20)
    return rotate_z(f.points, ARCH_AXIS, shift / radius) - f.points


def _move(f: FaceFields, out: np.ndarray | float = 0.0, up: np.ndarray | float = 0.0) -> np.ndarray:
    """Displacement by `out` [V] mm away from the arch's axis and `up` [V] mm."""
    delta = f.outwards * np.broadcast_to(out, len(f.points))[:, None]
    delta[:, 2] += up
    return delta


# --- jaw


def _jaw_open(f: FaceFields, amount: float = 1.0) -> np.ndarray:
    turned = rotate_x(f.points, JAW_JOINT, -JAW_OPEN_RAD * amount) - f.points
    corners = -1.0 * amount * np.clip(f.points[:, 0] / 10, -1, 1) * f.corner * (f.points[:, 1] < -60)
    lip = 1.6 * amount * f.upper * f.near_lips(9) * f.across
    return turned * f.jaw[:, None] + _along_arch(f, corners) + _move(f, 0, lip)


def _jaw_forward(f: FaceFields) -> np.ndarray:
    return f.jaw[:, None] * [0.0, -7.0, 0.8] + _move(f, 2.0 * f.upper * f.near_lips(10) * f.across)


def _jaw_left(f: FaceFields) -> np.ndarray:
    upper_lip = _along_arch(f, 2.5 * f.upper * f.near_lips(10) * f.across)
    return (rotate_z(f.points, JAW_JOINT, np.radians(5.0)) - f.points) * f.jaw[:, None] + upper_lip


# --- mouth


def _mouth_close(f: FaceFields) -> np.ndarray:
    opened = rotate_x(f.points, JAW_JOINT, -JAW_OPEN_RAD) - f.points
    corners = 1.0 * np.clip(f.points[:, 0] / 10, -1, 1) * f.corner * (f.points[:, 1] < -60)
    back = opened * (CLOSE_SHARE - f.jaw_mouth)[:, None] * f.mouth_close[:, None]
    lip = -1.6 * f.upper * f.near_lips(9) * f.across
    return back + _along_arch(f, corners) + _move(f, 0, lip)


def _funnel(f: FaceFields) -> np.ndarray:
    x = f.points[:, 0]
    ring = f.near_lips(15)
    opening = np.sqrt(np.clip(1 - (x / 24.5) ** 2, 0, 1)) * f.lips(9)
    delta = _along_arch(f, -0.36 * x * ring)
    out = 7.5 * bump(x / 23) * f.near_lips(14) + 1.5 * f.red
    return delta + _move(f, out, opening * (2.4 * f.upper - 3.0 * f.lower))


def _pucker(f: FaceFields) -> np.ndarray:
    x = f.points[:, 0]
    delta = _along_arch(f, -0.5 * x * f.near_lips(17))
    # Drawn together, the lower lip would come to a point: flatten its middle.
    swell = (0.06 * bump(x / 20) - 0.24 * f.lower * bump(x / 9)) * np.clip(f.above_line, -10, 10) * f.lips(12)
    return delta + _move(f, 9.0 * bump(x / 21) * f.near_lips(15) + 1.2 * f.red, swell)


def _mouth_left(f: FaceFields) -> np.ndarray:
    return _along_arch(f, 9.0 * f.near_lips(24)) + _move(f, 0, 1.5 * f.left * f.near_lips(20))


def _corner(f: FaceFields, out: float, up: float, depth: float, reach: float = 15.0) -> np.ndarray:
    """The left corner of the mouth drawn `out` along the arch, `up`, and `depth` mm forwards; lips follow."""
    x = f.points[:, 0]
    pull = f.left * f.near_lips(reach) * smoothstep(-6, 26, x)
    at_corner = f.left_corner(reach)
    return _along_arch(f, out * pull) + _move(f, depth * at_corner, up * f.near_lips(reach) * f.toward_corner)


def _smile(f: FaceFields) -> np.ndarray:
    cheek = f.soft((40, 80), (17, 15)) * f.left
    lift = f.left * f.near_lips(10) * (1 - f.toward_corner)
    fold = f.soft((33, 66), (6, 12)) * f.left
    delta = _corner(f, 8.0, 7.5, -1.0, 17) + _move(f, 4.2 * cheek - 1.2 * fold, 4.0 * cheek)
    return delta + _move(f, -1.2 * f.left * f.red, 2.6 * lift)


def _frown(f: FaceFields) -> np.ndarray:
    return _corner(f, 1.5, -7.0, -0.5, 15) + _move(f, 0, -1.0 * f.left * f.soft((30, 30), (12, 14)))


def _dimple(f: FaceFields) -> np.ndarray:
    return _corner(f, 5.0, 1.2, -4.0, 13) + _move(f, 1.5 * f.soft((36, 54), (7, 14)) * f.left)


def _stretch(f: FaceFields) -> np.ndarray:
    thin = -0.16 * np.clip(f.above_line, -10, 10) * f.lips(10) * f.left
    return _corner(f, 9.5, -2.2, -1.2, 17) + _move(f, -0.8 * f.left * f.red, thin)


def _roll_lower(f: FaceFields) -> np.ndarray:
    return _roll(f, f.lower, 8.8)


def _roll_upper(f: FaceFields) -> np.ndarray:
    return _roll(f, f.upper, 7.4)


def _roll(f: FaceFields, lip: np.ndarray, height: float) -> np.ndarray:
    share = np.clip(np.abs(f.above_line) / height, 0, 1.6)
    inside = f.lips(11) * lip * f.across
    tuck = -(1.8 + 2.6 * np.clip(1 - share, 0, 1)) * inside
    return _move(f, tuck, -0.62 * np.clip(f.above_line, -11, 11) * inside)


def _shrug_lower(f: FaceFields) -> np.ndarray:
    chin = f.soft_middle(14, (20, 13))
    raised = 4.6 * f.near_lips(13) * f.across
    return _move(
        f,
        (1.2 + 1.2 * f.lower) * f.lips(10) * f.across + 0.8 * chin,
        raised * (f.lower + 0.9 * f.upper) + 4.0 * chin,
    )


def _shrug_upper(f: FaceFields) -> np.ndarray:
    raised = f.lips(11) * f.across
    return _move(f, 2.0 * f.upper * raised + 0.8 * f.lower * raised, raised * (4.4 * f.upper + 3.6 * f.lower))


def _press(f: FaceFields) -> np.ndarray:
    squeeze = f.left * f.lips(10)
    thin = -0.3 * np.clip(f.above_line, -10, 10) * squeeze
    bulge = f.left * f.near_lips(16) * (1 - f.red)
    return _corner(f, 1.5, 0.8, -1.5, 12) + _move(f, -1.6 * squeeze * f.red + 0.7 * bulge, thin)


def _lower_down(f: FaceFields) -> np.ndarray:
    drop = f.left * f.lower * f.near_lips(13) * f.arch_across
    return _move(f, 1.0 * drop, -7.5 * drop) + _along_arch(f, 1.2 * drop)


def _upper_up(f: FaceFields) -> np.ndarray:
    rise = f.left * f.upper * f.near_lips(13) * f.arch_across
    cheek = f.left * f.soft((26, 74), (10, 13))
    return _move(f, 0.8 * rise + 0.8 * cheek, 6.5 * rise + 2.4 * cheek)


def _tongue_out(f: FaceFields) -> np.ndarray:
    opened = _jaw_open(f, 0.2)
    part = f.lips(9) * np.sqrt(np.clip(1 - (f.points[:, 0] / 22.0) ** 2, 0, 1))
    opened = opened + _move(f, 0.8 * f.lower * part, part * (2.0 * f.upper - 4.0 * f.lower))
    reach = smoothstep(-26, -82, f.points[:, 1]) * f.tongue
    tip = smoothstep(-60, -82, f.points[:, 1]) * f.tongue
    over_lip = smoothstep(-71, -83, f.points[:, 1]) * f.tongue
    delta = np.zeros_like(f.points)
    delta[:, 0] = -0.16 * f.points[:, 0] * reach - 0.1 * f.points[:, 0] * tip
    delta[:, 1] = -33.0 * reach
    delta[:, 2] = (6.2 * reach - 1.5 * tip - 8.5 * over_lip) - 0.34 * (f.points[:, 2] - 46) * reach
    return opened + delta


# --- cheeks and nose


def _cheek_puff(f: FaceFields) -> np.ndarray:
    both = f.soft((42, 58), (22, 22)) + f.soft((-42, 58), (22, 22))
    lips = f.near_lips(20) * (1 - 0.5 * f.red)
    return _move(f, 8.0 * both + 2.6 * lips * f.across)


def _cheek_squint(f: FaceFields) -> np.ndarray:
    cheek = f.left * f.soft((37, 92), (17, 12)) * f.off_lid
    return _move(f, 3.0 * cheek, 5.0 * cheek) + f.turn_lids(0.0, 7.0)


def _nose_sneer(f: FaceFields) -> np.ndarray:
    wing = f.left * f.soft((14, 80), (9, 10))
    fold = f.left * f.soft((24, 72), (9, 14))
    side = f.left * f.soft((9, 108), (7, 14)) * f.off_lid
    brow = f.left * f.soft((13, 138), (12, 9)) * f.off_lid
    lip = f.left * f.upper * f.lips(12) * f.arch_across
    return _move(f, 0.8 * wing + 1.2 * fold + 1.2 * side, 4.2 * wing + 2.2 * fold + 2.0 * lip - 1.8 * brow)


# --- brows


def _brow_down(f: FaceFields) -> np.ndarray:
    brow = f.left * f.soft((26, 141), (24, 11)) * f.off_lid
    inner = f.left * f.soft((13, 141), (12, 11)) * f.off_lid
    return _along_arch(f, -2.8 * inner) + _move(f, 1.2 * inner, -5.0 * brow - 1.8 * inner)


def _brow_inner_up(f: FaceFields) -> np.ndarray:
    inner = f.soft((13, 145), (17, 15)) + f.soft((-13, 145), (17, 15))
    return _move(f, 0.6 * np.minimum(inner, 1.1), 8.0 * np.minimum(inner, 1.1) * f.off_lid)


def _brow_outer_up(f: FaceFields) -> np.ndarray:
    outer = f.left * f.soft((43, 145), (18, 15)) * f.off_lid
    return _move(f, 0.5 * outer, 7.5 * outer)


# --- eyes


def _blink(f: FaceFields) -> np.ndarray:
    return f.close_lids()


def _squint(f: FaceFields) -> np.ndarray:
    cheek = f.left * f.soft((35, 98), (17, 9)) * f.off_lid
    return f.turn_lids(-6.0, 9.0) + _move(f, 1.0 * cheek, 2.2 * cheek)


def _wide(f: FaceFields) -> np.ndarray:
    brow = f.left * f.soft((32, 141), (20, 11)) * f.off_lid
    return f.turn_lids(9.0, -4.0) + _move(f, 0, 1.4 * brow)


def _look(direction: str) -> Callable[[FaceFields], np.ndarray]:
    turn = LOOK_RAD[direction]
    follow = {"Up": (8.0, 3.0), "Down": (-15.0, -5.0)}.get(direction)

    def shape(f: FaceFields) -> np.ndarray:
        delta = np.zeros_like(f.points) if follow is None else f.turn_lids(*follow)
        ball = head_geometry().parts["eyeLeft"]
        rest = f.points[ball]
        if direction in ("Up", "Down"):
            turned = rotate_x(rest, lids.EYE_CENTRE, turn if direction == "Up" else -turn)
        else:
            turned = rotate_z(rest, lids.EYE_CENTRE, turn if direction == "Out" else -turn)
        delta[ball] = turned - rest
        return delta

    return shape


_SHAPES: dict[str, Callable[[FaceFields], np.ndarray]] = {
    "jawForward": _jaw_forward, "jawLeft": _jaw_left, "jawOpen": _jaw_open,
    "mouthClose": _mouth_close, "mouthFunnel": _funnel, "mouthPucker": _pucker, "mouthLeft": _mouth_left,
    "mouthRollLower": _roll_lower, "mouthRollUpper": _roll_upper,
    "mouthShrugLower": _shrug_lower, "mouthShrugUpper": _shrug_upper,
    "browInnerUp": _brow_inner_up, "cheekPuff": _cheek_puff, "tongueOut": _tongue_out,
}  # fmt: skip
_SIDED: dict[str, Callable[[FaceFields], np.ndarray]] = {
    "eyeBlink": _blink, "eyeSquint": _squint, "eyeWide": _wide,
    "eyeLookDown": _look("Down"), "eyeLookIn": _look("In"), "eyeLookOut": _look("Out"),
    "eyeLookUp": _look("Up"),
    "mouthSmile": _smile, "mouthFrown": _frown, "mouthDimple": _dimple, "mouthStretch": _stretch,
    "mouthPress": _press, "mouthLowerDown": _lower_down, "mouthUpperUp": _upper_up,
    "browDown": _brow_down, "browOuterUp": _brow_outer_up,
    "cheekSquint": _cheek_squint, "noseSneer": _nose_sneer,
}  # fmt: skip
