"""What goes into what on the built-in head when it moves, and what keeps its volume.

    python tests/unit/head_contacts.py

prints the table: the deepest overlap in mm of every two parts over all shapes at 0.5 and 1.0, over pairs and
over the mouths of speech, with those poses that are over the limit; then volumes, and lips that should meet.
What the skin does is measured by `head_skin`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
from soliloquy.blender_addon.heads import lid_motion, lids, mouth
from soliloquy.blender_addon.heads.correctives import RULES, posed
from soliloquy.blender_addon.heads.geometry import head_geometry
from soliloquy.blender_addon.heads.lip_section import lip_gaps
from soliloquy.blender_addon.heads.style import DEFAULT, HeadStyle
from soliloquy.blender_addon.heads.tongue_shapes import USUAL_JAW, tongue_shapes
from soliloquy.inference.channels import ARKIT_52, mirror

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_MM = 0.25
"""Soft parts that touch may dip into each other so far: what presses is not modelled otherwise."""
CLOSED_MM = 0.3
"""Lips nearer than this let no light through."""
_FAR_MM = 8.0

Weights = dict[str, float]


def both_sides(**weights: float) -> Weights:
    """Weights by ARKit name; a name without its side stands for both."""
    result = {}
    for name, weight in weights.items():
        sides = ("",) if name in ARKIT_52 or name in tongue_shapes() else ("Left", "Right")
        result.update({f"{name}{side}": weight for side in sides})
    return result


def shapes() -> dict[str, Weights]:
    """Every shape at 0.5 and 1.0; of those with two sides both together, and the left one alone."""
    poses: dict[str, Weights] = {"rest": {}}
    for name in ARKIT_52:
        for amount in (0.5, 1.0):
            if name.endswith("Left") and mirror(name) in ARKIT_52 and name not in ("jawLeft", "mouthLeft"):
                poses[f"{name.removesuffix('Left')} {amount}"] = {name: amount, mirror(name): amount}
            if not name.endswith("Right"):
                poses[f"{name} {amount}"] = {name: amount}
    return poses


def pairs() -> dict[str, Weights]:
    """The pairs that have a corrective, on both sides, in four strengths."""
    poses = {}
    for rule in RULES:
        if len(rule.of) == 2 and not rule.name.endswith("Right"):
            for a, b in ((1.0, 1.0), (0.5, 0.5), (1.0, 0.5), (0.5, 1.0)):
                first, second = ({name: w, mirror(name): w} for name, w in zip(rule.of, (a, b), strict=True))
                poses[f"{rule.of[0]} {a} + {rule.of[1]} {b}"] = first | second
    return poses


SPOKEN: dict[str, Weights] = {
    "m b p": both_sides(mouthPress=0.5, mouthRollLower=0.22, mouthRollUpper=0.22),
    "m over a jaw": both_sides(jawOpen=0.15, mouthClose=0.15, mouthPress=0.35),
    "f v": both_sides(mouthShrugLower=0.4, mouthUpperUp=0.3, mouthRollLower=0.3, jawOpen=0.07),
    "s z": both_sides(jawOpen=0.09, mouthStretch=0.3, mouthUpperUp=0.28, mouthLowerDown=0.28),
    "sh ch": both_sides(mouthFunnel=0.6, mouthPucker=0.4, jawOpen=0.16),
    "r": both_sides(mouthPucker=0.45, mouthFunnel=0.3, jawOpen=0.18),
    "aa": both_sides(jawOpen=0.6, mouthLowerDown=0.1),
    "eh": both_sides(jawOpen=0.42, mouthStretch=0.32, mouthDimple=0.22),
    "ee": both_sides(jawOpen=0.16, mouthStretch=0.5, mouthSmile=0.32, mouthUpperUp=0.2),
    "oh": both_sides(mouthFunnel=0.7, mouthPucker=0.42, jawOpen=0.42),
    "oo": both_sides(mouthPucker=0.85, mouthFunnel=0.5, jawOpen=0.12),
    **{f"{name} with a jaw": {name: 1.0, "jawOpen": jaw} for name, jaw in USUAL_JAW.items()},
}
"""Mouths of speech."""

_SHUT = (
    "mouthPress", "mouthRollLower", "mouthRollUpper", "mouthPucker", "mouthSmile", "mouthFrown",
    "mouthDimple", "mouthStretch", "mouthShrugLower", "mouthShrugUpper", "cheekPuff", "mouthLeft",
)  # fmt: skip
CLOSED: dict[str, Weights] = {
    **{
        f"jawOpen + mouthClose {amount}": {"jawOpen": amount, "mouthClose": amount}
        for amount in (0.25, 0.5, 0.75, 1.0)
    },
    **{
        f"{name} {amount}": both_sides(**{name: amount})
        for name in _SHUT
        for amount in (0.25, 0.5, 0.75, 1.0)
    },
    "both lips rolled": {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
    "m b p": SPOKEN["m b p"],
    "m over a jaw": SPOKEN["m over a jaw"],
}
"""Mouths that let no light through."""


# --- solids


@dataclass(frozen=True)
class Solid:
    """A closed surface of the head's vertices."""

    triangles: np.ndarray
    """int [T, 3]."""

    @property
    def vertices(self) -> np.ndarray:
        """Those on it, each once."""
        return np.unique(self.triangles)

    def volume(self, points: np.ndarray) -> float:
        """mm3."""
        a, b, c = points[self.triangles].swapaxes(0, 1)
        return float(np.abs(np.sum(np.cross(a, b) * c)) / 6)

    def depth(self, points: np.ndarray, probes: np.ndarray) -> float:
        """How deep in mm the deepest of the places `probes` [N, 3] lies in it; 0 where all are outside."""
        corners = points[self.triangles]
        low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
        near = probes[((probes > low) & (probes < high)).all(axis=1)]
        if not len(near):
            return 0.0
        inside = near[np.abs(_winding(near, corners)) > 0.5]
        return float(_distance(inside, corners).max(initial=0.0)) if len(inside) else 0.0


def _winding(at: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """How often the surface of triangles [T, 3, 3] goes round each of the places [N, 3]."""
    a, b, c = (corners[:, i] - at[:, None] for i in range(3))
    la, lb, lc = (np.linalg.norm(v, axis=-1) for v in (a, b, c))
    above = np.einsum("nti,nti->nt", a, np.cross(b, c))
    below = la * lb * lc + np.sum(a * b, -1) * lc + np.sum(b * c, -1) * la + np.sum(c * a, -1) * lb
    return np.sum(np.arctan2(above, below), axis=1) / (2 * np.pi)


def _distance(at: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Least distance of each place [N, 3] from the triangles [T, 3, 3]."""
    a, b, c = corners.swapaxes(0, 1)
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    height = np.sum((at[:, None] - a) * normal, axis=-1)
    foot = at[:, None] - height[..., None] * normal
    on_it = np.ones(height.shape, bool)
    edge_distance = np.full(height.shape, np.inf)
    for p, q in ((a, b), (b, c), (c, a)):
        on_it &= np.sum(np.cross(q - p, foot - p) * normal, axis=-1) >= 0
        way = q - p
        share = np.clip(np.sum((at[:, None] - p) * way, -1) / np.maximum(np.sum(way**2, -1), 1e-12), 0, 1)
        away = at[:, None] - (p + share[..., None] * way)
        edge_distance = np.minimum(edge_distance, np.linalg.norm(away, axis=-1))
    return np.where(on_it, np.abs(height), edge_distance).min(axis=1)


def triangles(faces: np.ndarray) -> np.ndarray:
    """`faces` [F, 4] as triangles [T, 3]."""
    quads = faces[faces[:, 3] >= 0]
    return np.concatenate([faces[:, :3], quads[:, [0, 2, 3]]])


@cache
def part_solids(prefix: str) -> tuple[Solid, ...]:
    """Every closed piece of the parts whose names begin with `prefix`."""
    head = head_geometry()
    chosen = np.concatenate([i for name, i in head.parts.items() if name.startswith(prefix)])
    faces = head.faces[np.isin(head.faces[:, 0], chosen)]
    label = np.arange(len(head.points))
    while True:
        corners = np.where(faces < 0, faces[:, :1], faces)
        least = label[corners].min(axis=1)
        before = label.copy()
        np.minimum.at(label, corners.ravel(), np.repeat(least, 4))
        if (label == before).all():
            break
    piece = label[faces[:, 0]]
    return tuple(Solid(triangles(faces[piece == one])) for one in np.unique(piece))


@cache
def lip_solid(side: int) -> Solid:
    """The upper (1) or lower (-1) lip as a closed tube from corner to corner."""
    rings = head_geometry().skin.mouth[mouth.OUTER_LAYERS + 1 : mouth.LINING_START + 1]
    half = rings.shape[1] // 2
    columns = np.arange(half + 1) if side > 0 else -np.arange(half + 1)
    section = rings[:, columns % rings.shape[1]]
    loop = np.concatenate([section, section[:1]])
    a, b, c, d = loop[:-1, :-1], loop[:-1, 1:], loop[1:, 1:], loop[1:, :-1]
    body = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    caps = []
    for column, turned in ((0, 1), (-1, -1)):
        ring = section[:, column]
        fan = np.stack([np.full(len(ring) - 2, ring[0]), ring[1:-1], ring[2:]], axis=-1)
        caps.append(fan[:, ::turned])
    return Solid(np.concatenate([body, *caps]))


@cache
def _lip_probes(side: int) -> np.ndarray:
    """Faces [F, 4] of the upper or lower lip and its lining, from corner to corner but for these."""
    rings = head_geometry().skin.mouth[mouth.OUTER_LAYERS + 1 : mouth.LINING_START + 2]
    half = rings.shape[1] // 2
    columns = side * np.arange(2, half - 1)
    a, b = rings[:, columns], rings[:, columns + side]
    return np.stack([a[:-1], b[:-1], b[1:], a[1:]], axis=-1).reshape(-1, 4)


def _with_middles(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    return np.concatenate([points[np.unique(faces)], points[faces].mean(axis=1)])


# --- measures: each gives mm of overlap of a pose's points


def lids_in_eyes(points: np.ndarray) -> float:
    """Lids, from the crease to behind their edge, against eyeball and cornea."""
    return max(_lid_in_eye(points, side) for side in (1, -1))


def _lid_in_eye(points: np.ndarray, side: int) -> float:
    head = head_geometry()
    rings = head.skin.eyes[0 if side > 0 else 1][len(lids.OUTER_SHARES) : lids.RIM_LAYER + 2]
    following = np.roll(rings, -1, axis=1)
    faces = np.stack([rings[:-1], following[:-1], following[1:], rings[1:]], axis=-1).reshape(-1, 4)
    lid = _with_middles(points, faces)
    ball = lid_motion.ball() if side > 0 else head.mirror[lid_motion.ball()]
    centre = lids.EYE_CENTRE * [side, 1, 1]
    pole = points[lid_motion.pole(side)] - centre
    knots, profile = lid_motion.outline(points[ball] - centre, pole)
    away = lid - centre
    distance = np.linalg.norm(away, axis=1)
    angle = np.arccos(np.clip(away @ pole / (distance * np.linalg.norm(pole)), -1, 1))
    return float(np.max(np.interp(angle, knots, profile) - distance).clip(0))


def lids_in_lids(points: np.ndarray) -> float:
    """How far the upper lid's edge lies below the lower one's."""
    deepest = 0.0
    for rings in head_geometry().skin.eyes:
        edge = points[rings[lids.RIM_LAYER + 1], 2]
        columns = np.arange(1, len(edge) // 2)
        deepest = max(deepest, float((edge[-columns] - edge[columns]).max()))
    return deepest


def lips_in_lips(points: np.ndarray) -> float:
    """Each lip in the other."""
    return max(lip_solid(-side).depth(points, _with_middles(points, _lip_probes(side))) for side in (1, -1))


def lips_in(prefix: str, points: np.ndarray) -> float:
    """Lips and their lining in teeth or gums."""
    probes = np.concatenate([_with_middles(points, _lip_probes(side)) for side in (1, -1)])
    return max(solid.depth(points, probes) for solid in part_solids(prefix))


def part_in(part: str, prefix: str, points: np.ndarray) -> float:
    """Vertices of the parts that begin with `part` in the pieces that begin with `prefix`."""
    probes = np.concatenate([points[one.vertices] for one in part_solids(part)])
    return max(solid.depth(points, probes) for solid in part_solids(prefix))


def tongue_in_lips(points: np.ndarray) -> float:
    """The tongue in either lip."""
    (tongue,) = part_solids("tongue")
    return max(lip_solid(side).depth(points, points[tongue.vertices]) for side in (1, -1))


MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    "lids in eyes": lids_in_eyes,
    "upper in lower lid": lids_in_lids,
    "lip in lip": lips_in_lips,
    "lips in upper teeth": partial(lips_in, "teethUpper"),
    "lips in lower teeth": partial(lips_in, "teethLower"),
    "lips in gums": partial(lips_in, "gum"),
    "teeth in teeth": partial(part_in, "teethLower", "teethUpper"),
    "tongue in teeth": partial(part_in, "tongue", "teeth"),
    "teeth in tongue": partial(part_in, "teeth", "tongue"),
    "tongue in lips": tongue_in_lips,
}


def moved(weights: Weights, style: HeadStyle = DEFAULT) -> np.ndarray:
    """The head's points [V, 3] mm with these weights, the tongue's own shapes too, before `warp.bend`."""
    points = posed({name: w for name, w in weights.items() if name in ARKIT_52})
    points += head_geometry(style).points - head_geometry().points
    for name, weight in weights.items():
        if name in tongue_shapes():
            points += weight * tongue_shapes()[name]
    return points


@cache
def table() -> dict[str, dict[str, float]]:
    """mm of overlap by measure and pose."""
    poses = {name: moved(weights) for name, weights in {**shapes(), **pairs(), **SPOKEN}.items()}
    return {
        title: {name: measure(points) for name, points in poses.items()}
        for title, measure in MEASURES.items()
    }


def volumes() -> dict[str, tuple[float, float, str]]:
    """Least and greatest share of its volume at rest that each soft solid has, and the furthest pose."""
    solids = {"upper lip": lip_solid(1), "lower lip": lip_solid(-1), "tongue": part_solids("tongue")[0]}
    result = {}
    for title, solid in solids.items():
        rest = solid.volume(head_geometry().points)
        shares = {name: solid.volume(moved(w)) / rest for name, w in {**shapes(), **SPOKEN}.items()}
        worst = max(shares, key=lambda name: abs(np.log(shares[name])))
        result[title] = min(shares.values()), max(shares.values()), worst
    return result


def closed() -> dict[str, float]:
    """mm of light between lips that should be shut, by pose."""
    return {name: float(lip_gaps(moved(weights)).max()) for name, weights in CLOSED.items()}


def main() -> None:
    """Print the table."""
    found = table()
    count = len(next(iter(found.values())))
    print(f"{count} poses; limit {LIMIT_MM} mm\n{'':22}{'deepest':>8}  over the limit")
    for title, row in found.items():
        over = sorted(((mm, name) for name, mm in row.items() if mm > LIMIT_MM), reverse=True)
        print(
            f"{title:22}{max(row.values()):8.2f}  {len(over)}"
            + "".join(f"; {n} {mm:.2f}" for mm, n in over[:12])
        )
    print(f"\nvolume, share of rest{'least':>8}{'most':>8}  furthest at")
    for title, (least, most, worst) in volumes().items():
        print(f"{title:22}{least:7.2f}{most:8.2f}  {worst}")
    open_lips = {name: mm for name, mm in closed().items() if mm > CLOSED_MM}
    print(f"\n{len(CLOSED)} closed mouths, greatest gap {max(closed().values()):.2f} mm (limit {CLOSED_MM})")
    for name, mm in open_lips.items():
        print(f"  not shut: {name} {mm:.2f}")


if __name__ == "__main__":
    main()
