"""Shapes that mend how ARKit shapes add up: where two meet, and half way where one turns.

Every corrective has a rule that says its weight from the weights of ARKit shapes. In Blender a driver is that
rule; nothing but the 52 shapes has to be animated. Their names begin with "corrective", which no reading of
names takes for a channel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from ...inference.channels import mirror
from . import shapes_mouth as lips
from .contact import clear_of_teeth
from .expressions import head_shapes
from .fields import FaceFields, face_fields
from .geometry import head_geometry
from .lid_motion import clear_of_eyes, closed_lids, turned_lids
from .lip_section import sealed
from .mesh import MIRROR_X
from .skin_motion import with_brows
from .spline import bump

PREFIX = "corrective"


@dataclass(frozen=True)
class Corrective:
    """One key more than the 52: its weight is the product of two shapes, or a hump half way of one."""

    of: tuple[str, ...]
    """One or two ARKit names."""

    @property
    def name(self) -> str:
        """As the shape key is named."""
        return "_".join((PREFIX, *self.of, *(("half",) if len(self.of) == 1 else ())))

    def weight(self, weights: Mapping[str, float]) -> float:
        """Its weight 0..1 where the ARKit shapes have these."""
        first, *others = (float(np.clip(weights.get(name, 0.0), 0.0, 1.0)) for name in self.of)
        return first * others[0] if others else 4.0 * first * (1.0 - first)

    @property
    def expression(self) -> str:
        """The same for a driver whose variables are a and b: simple enough to run without permission."""
        return "a * b" if len(self.of) == 2 else "4.0 * a * (1.0 - a)"


def names() -> tuple[str, ...]:
    """Names of all correctives in the order of their keys."""
    return tuple(one.name for one in RULES)


def weights_with_correctives(weights: Mapping[str, float]) -> dict[str, float]:
    """`weights` of ARKit shapes by name, and what their correctives get from them."""
    return {**weights, **{one.name: one.weight(weights) for one in RULES}}


@cache
def corrective_shapes() -> dict[str, np.ndarray]:
    """Displacements [V, 3] mm of every corrective at 1.0, by name."""
    head, fields = head_geometry(), face_fields()
    shapes: dict[str, np.ndarray] = {}
    for one in RULES:
        if one.of in _MADE:
            shapes[one.name] = with_brows(_MADE[one.of](fields))
        else:
            other = Corrective(tuple(mirror(name) for name in one.of))
            shapes[one.name] = shapes[other.name][head.mirror] * MIRROR_X
    return shapes


def posed(weights: Mapping[str, float]) -> np.ndarray:
    """The head's points [V, 3] mm with these weights of shapes, correctives included."""
    shapes = {**head_shapes(), **corrective_shapes()}
    moved = head_geometry().points.copy()
    for name, weight in weights_with_correctives(weights).items():
        if weight:
            moved += weight * shapes[name]
    return moved


# --- lids


def _half_blink(f: FaceFields) -> np.ndarray:
    """Half way the lids stand on their arc, not on its chord."""
    on_arc = closed_lids(f, 0.5)
    chord = 0.5 * head_shapes()["eyeBlinkLeft"]
    moved = np.abs(on_arc).max(axis=1) > 1e-9
    return clear_of_eyes(chord + (on_arc - chord) * moved[:, None]) - chord


def _undone_over_a_blink(name: str, left: float = 0.0) -> Callable[[FaceFields], np.ndarray]:
    """A closed eye stays closed: what another shape does to the lids goes back, but for a share `left`.

    Wholly on the lids' edges, less and less towards brow and cheek, which stay where the shape puts them.
    """

    def shape(f: FaceFields) -> np.ndarray:
        on_lids = np.abs(turned_lids(f, 1.0, 1.0)).max(axis=1) > 1e-9
        share = on_lids * np.where(f.soft_skin > 0, 1 - f.off_lid, 1.0)
        undone = -(1 - left) * head_shapes()[name] * share[:, None]
        together = head_shapes()["eyeBlinkLeft"] + head_shapes()[name]
        return clear_of_eyes(together + undone) - together

    return shape


# --- mouth


def _half_way(
    name: str, make: Callable[[FaceFields, float], np.ndarray]
) -> Callable[[FaceFields], np.ndarray]:
    """Half of a shape as it should be: in straight lines lips that roll would shrink, teeth meet teeth."""

    def shape(f: FaceFields) -> np.ndarray:
        straight = 0.5 * head_shapes()[name]
        return clear_of_teeth(make(f, 0.5) - straight, straight)

    return shape


def _mended(*names: str, shut: bool = False) -> Callable:
    """Decorator of a mouth's correction over the sum of `names`: kept off the teeth, sealed where `shut`."""

    def over(change: Callable[[FaceFields], np.ndarray]) -> Callable[[FaceFields], np.ndarray]:
        def shape(f: FaceFields) -> np.ndarray:
            base = np.sum([head_shapes()[name] for name in names], axis=0)
            delta = sealed(change(f), 0.5, base, only_apart=not shut)
            return clear_of_teeth(delta, base)

        return shape

    return over


@_mended("jawOpen", "mouthClose", shut=True)
def _closed_over_open_jaw(f: FaceFields) -> np.ndarray:
    """Lips that reach over a gap are drawn long: thinner, rolled in, the cheeks hollow."""
    hollow = -1.6 * f.both(f.soft(f.places.hollow, (14, 18)))
    return (
        lips.rolled_lip(f, 1, 14)
        + lips.rolled_lip(f, -1, 14)
        + f.section.moved(hollow - 0.5 * f.lips(9) * f.across)
    )


@_mended("mouthRollUpper", "mouthRollLower", shut=True)
def _both_rolled(f: FaceFields) -> np.ndarray:
    """Two lips that roll in meet on each other's red."""
    return np.zeros_like(f.points)


@_mended("jawOpen", "mouthFunnel")
def _funnel_over_open_jaw(f: FaceFields) -> np.ndarray:
    """An O, not a trumpet with a long chin: narrower, the lips reach over the teeth."""
    x = f.points[:, 0]
    upper, lower = (f.section.side > 0) * f.lips(11), (f.section.side < 0) * f.lips(11)
    heights = f.across * (-2.4 * upper + 4.4 * lower)
    return f.section.moved(1.0 * f.near_lips(12) * f.across, heights, -0.16 * x * f.near_lips(15))


@_mended("jawOpen", "mouthPucker")
def _pucker_over_open_jaw(f: FaceFields) -> np.ndarray:
    """A small round opening: the lips come nearer than the jaw alone leaves them."""
    upper, lower = (f.section.side > 0) * f.lips(11), (f.section.side < 0) * f.lips(11)
    return f.section.moved(0.8 * f.near_lips(12) * f.across, f.across * (-2.6 * upper + 6.0 * lower))


@_mended("mouthPucker", "mouthFunnel")
def _pucker_and_funnel(f: FaceFields) -> np.ndarray:
    """Both draw the corners in: together they would leave no mouth, and push it out too far."""
    x = f.points[:, 0]
    return f.section.moved(-4.0 * bump(x / 21) * f.near_lips(14), 0.0, 0.22 * x * f.near_lips(16))


@_mended("jawOpen", "mouthSmileLeft")
def _smile_over_open_jaw(f: FaceFields) -> np.ndarray:
    """A laugh: the corner gives way to the jaw, the upper lip is drawn up over its teeth."""
    upper = f.left * f.upper * f.near_lips(11) * f.arch_across
    lower = f.left * f.lower * f.near_lips(11) * f.arch_across
    given = lips.corner(f, -2.2, -2.6, -0.6, 15)
    return given + f.section.moved(-0.5 * lower, 1.6 * upper + 1.8 * lower)


@_mended("mouthSmileLeft", "mouthStretchLeft", shut=True)
def _smile_and_stretch(f: FaceFields) -> np.ndarray:
    """A corner that is at its end goes no further."""
    return lips.corner(f, -5.0, 0.8, 0.5, 17)


# --- cheeks and brows


def _smile_and_cheek(f: FaceFields) -> np.ndarray:
    """Both raise the cheek: it is full before they are both at their ends."""
    x, z = f.places.apple
    cheek = f.left * f.soft((x, z + 3), (18, 14)) * f.off_lid
    return f.section.moved(-3.6 * cheek, -4.4 * cheek)


def _sneer_and_brow(f: FaceFields) -> np.ndarray:
    """A brow that is down goes no further; the skin between brow and nose gathers instead."""
    x, z = f.places.brow_inner
    brow = f.left * f.soft((x, z - 3), (14, 11)) * f.off_lid
    gathered = f.left * f.soft((7.0, z - 9), (7, 5)) * f.off_lid
    return f.section.moved(1.2 * gathered, 2.8 * brow)


@_mended("noseSneerLeft", "mouthUpperUpLeft")
def _sneer_and_lip(f: FaceFields) -> np.ndarray:
    """Both raise the lip and the cheek beside the nose."""
    (x, z), lip = f.places.wing, f.left * f.upper * f.lips(12) * f.arch_across
    cheek = f.left * f.soft((x + 12, z + 3), (12, 14)) * f.off_lid
    return f.section.moved(-1.8 * cheek - lips.crease(f, 2.4, 1.6), -3.4 * lip - 3.2 * cheek)


def _grief(f: FaceFields) -> np.ndarray:
    """Raised and drawn together, the inner ends of the brows stand up and the outer ones sink."""
    x, z = f.places.brow_inner
    inner = f.left * f.soft((x, z - 1), (13, 16)) * f.off_lid
    middle = f.left * f.soft((x + 15, z), (10, 14)) * f.off_lid
    return f.section.moved(0.0, 5.6 * inner + 2.6 * middle)


_MADE: dict[tuple[str, ...], Callable[[FaceFields], np.ndarray]] = {
    ("eyeBlinkLeft",): _half_blink,
    ("eyeBlinkLeft", "eyeLookDownLeft"): _undone_over_a_blink("eyeLookDownLeft"),
    ("eyeBlinkLeft", "eyeLookUpLeft"): _undone_over_a_blink("eyeLookUpLeft"),
    ("eyeBlinkLeft", "eyeSquintLeft"): _undone_over_a_blink("eyeSquintLeft"),
    ("eyeBlinkLeft", "eyeWideLeft"): _undone_over_a_blink("eyeWideLeft"),
    ("eyeBlinkLeft", "cheekSquintLeft"): _undone_over_a_blink("cheekSquintLeft"),
    ("eyeBlinkLeft", "mouthSmileLeft"): _undone_over_a_blink("mouthSmileLeft"),
    ("mouthRollLower",): _half_way("mouthRollLower", lips.roll_lower),
    ("mouthRollUpper",): _half_way("mouthRollUpper", lips.roll_upper),
    ("mouthPressLeft",): _half_way("mouthPressLeft", lips.press),
    ("jawForward",): _half_way("jawForward", lips.jaw_forward),
    ("jawLeft",): _half_way("jawLeft", lips.jaw_left),
    ("tongueOut",): _half_way("tongueOut", lips.put_out_tongue),
    ("mouthRollUpper", "mouthRollLower"): _both_rolled,
    ("jawOpen", "mouthClose"): _closed_over_open_jaw,
    ("jawOpen", "mouthFunnel"): _funnel_over_open_jaw,
    ("jawOpen", "mouthPucker"): _pucker_over_open_jaw,
    ("mouthPucker", "mouthFunnel"): _pucker_and_funnel,
    ("jawOpen", "mouthSmileLeft"): _smile_over_open_jaw,
    ("mouthSmileLeft", "mouthStretchLeft"): _smile_and_stretch,
    ("mouthSmileLeft", "cheekSquintLeft"): _smile_and_cheek,
    ("noseSneerLeft", "browDownLeft"): _sneer_and_brow,
    ("noseSneerLeft", "mouthUpperUpLeft"): _sneer_and_lip,
    ("browInnerUp", "browDownLeft"): _grief,
}


def _rules() -> tuple[Corrective, ...]:
    rules: dict[tuple[str, ...], None] = {}
    for of in _MADE:
        rules.setdefault(of)
        rules.setdefault(tuple(mirror(name) if name[-4:] == "Left" else name for name in of))
    return tuple(Corrective(of) for of in rules)


RULES = _rules()
"""All correctives, left before right."""
