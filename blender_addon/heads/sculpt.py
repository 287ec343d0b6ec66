"""The head as a solid: a signed distance made of soft unions of simple bodies.

Millimetres; the chin at z = 0, the face towards -Y, +X the subject's left. Negative inside. The skin's mesh
is drawn onto the zero of `distance`; lids, lips and ears are built on top of it.
Every body stands where anatomy has one (skull, cheekbone, jaw, cartilage of the nose, muscle of the neck), so
that a style moves or swells bodies and everything between follows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from . import age
from .style import DEFAULT, HeadStyle

Solid = Callable[[np.ndarray], np.ndarray]
_MIDDLE_SOFTNESS_MM = 1.5
_STEP_MM = 0.05


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("...i,...i->...", vectors, vectors))


def ellipsoid(p: np.ndarray, centre: tuple, radii: tuple, pitch_deg: float = 0.0) -> np.ndarray:
    """Distance (near enough to blend) of `p` [N, 3] to an ellipsoid pitched about X (front up for > 0)."""
    q = p - np.asarray(centre, float)
    if pitch_deg:
        c, s = np.cos(np.radians(pitch_deg)), np.sin(np.radians(pitch_deg))
        q = np.stack([q[..., 0], q[..., 1] * c - q[..., 2] * s, q[..., 1] * s + q[..., 2] * c], axis=-1)
    scaled = q / np.asarray(radii, float)
    k0 = np.maximum(_length(scaled), 1e-6)
    return k0 * (k0 - 1.0) / np.maximum(_length(scaled / np.asarray(radii, float)), 1e-9)


def capsule(p: np.ndarray, a: tuple, b: tuple, radius_a: float, radius_b: float) -> np.ndarray:
    """Distance to a round bar from `a` to `b` whose radius goes from one to the other."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    along = np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0.0, 1.0)
    return _length(p - a - along[..., None] * (b - a)) - (radius_a + (radius_b - radius_a) * along)


def join(a: np.ndarray, b: np.ndarray, soft_mm: float) -> np.ndarray:
    """Union of two solids, filleted over about `soft_mm`."""
    h = np.maximum(soft_mm - np.abs(a - b), 0.0) / soft_mm
    return np.minimum(a, b) - h * h * h * soft_mm / 6.0


def carve(a: np.ndarray, b: np.ndarray, soft_mm: float) -> np.ndarray:
    """`a` without `b`, rounded over about `soft_mm`."""
    return -join(-a, b, soft_mm)


def sided(p: np.ndarray) -> np.ndarray:
    """`p` folded onto the subject's left, without a crease over the middle."""
    return np.concatenate([np.hypot(p[..., :1], _MIDDLE_SOFTNESS_MM), p[..., 1:]], axis=-1)


def distance(p: np.ndarray, style: HeadStyle = DEFAULT) -> np.ndarray:
    """Signed distance in mm of the points [N, 3] to the skin without lids, lips and ears."""
    left = sided(p)
    head = _skull(p, left, style)
    head = _face(head, p, left, style)
    head = join(head, _body(p, left, style), 16)
    head = _sockets(head, p, left, style)
    head = _nose(head, p, left, style)
    return _details(head, p, left, style)


def _skull(p: np.ndarray, left: np.ndarray, s: HeadStyle) -> np.ndarray:
    head = ellipsoid(p, (0, 11, 150), (75, 96, 87))
    head = join(head, ellipsoid(p, (0, -30, 160), (59, 59, 60)), 28)
    head = join(head, ellipsoid(left, (20, 60, 128), (46, 46, 54)), 24)
    temple = ellipsoid(left, (89, -46, 144), (14, 34, 32))
    return carve(head, temple, 34)


def _face(head: np.ndarray, p: np.ndarray, left: np.ndarray, s: HeadStyle) -> np.ndarray:
    wide = 3.0 * s.build
    head = join(head, ellipsoid(p, (0, -26, 80), (60 + wide, 61, 76)), 20)
    head = join(head, ellipsoid(p, (0, -60, 53), (38, 36.5, 31)), 20)  # the teeth push the muzzle forward
    head = _mandible(head, p, left, s)
    head = join(head, ellipsoid(left, (40, -56, 90), (23, 21, 17), -12), 24)  # cheekbone
    head = join(head, capsule(left, (46, -46, 94), (62, -2, 102), 8.0, 7.5), 32)
    head = join(head, ellipsoid(left, (33, -44, 60), (20 + wide, 28, 27)), 26)  # the cheek's fat
    head = join(head, ellipsoid(left, (45, -34, 114), (20, 26, 26)), 24)  # below the temple
    head = join(head, ellipsoid(left, (47, -30, 78), (13 + 0.5 * wide, 30, 22)), 26)
    hollow = s.age - 0.45 * s.build
    cheek = ellipsoid(left, (74, -56, 54), (13 + 3.0 * hollow, 26, 24))
    head = carve(head, cheek, 24)
    ridge = 6.4 + 1.3 * s.brow
    head = join(head, capsule(left, (12, -84.5, 138), (34, -82.5, 144), ridge, ridge - 0.4), 16)
    head = join(head, capsule(left, (34, -82.5, 144), (49, -66, 138), ridge - 0.4, 6.2), 18)
    return join(head, capsule(left, (49, -64, 137), (50, -57, 102), 7.0, 7.5), 22)  # outer rim of the orbit


def _mandible(head: np.ndarray, p: np.ndarray, left: np.ndarray, s: HeadStyle) -> np.ndarray:
    """One bow from the chin over the angle of the jaw to its joint before the ear."""
    wide = 3.0 * s.build
    chin = (0, -77.5 - 2.0 * s.chin, 14.0 - 1.5 * s.chin)
    corner = (10 + 3.0 * s.jaw, -74 - 1.5 * s.chin, 14.5 - 1.0 * s.chin)
    body = (27 + 3.5 * s.jaw + 0.8 * wide, -46, 20.5 - 1.0 * s.jaw)
    angle = (41 + 4.0 * s.jaw + wide, -4, 40 - 4.0 * s.jaw)
    bow = capsule(left, corner, body, 11.5, 11.0)
    bow = join(bow, capsule(left, body, angle, 11.0, 10.0), 16)
    bow = join(bow, capsule(left, angle, (55 + 0.6 * wide, 9, 92), 10.0, 11.0), 16)
    head = join(head, bow, 24)
    return join(head, ellipsoid(p, chin, (17 + 4.0 * s.jaw, 14.5, 13.0)), 20)


def torso(p: np.ndarray, style: HeadStyle = DEFAULT) -> np.ndarray:
    """Signed distance in mm of `p` [N, 3] to neck and shoulders as cloth sees them: without sinews."""
    left, thick, broad = sided(p), 4.5 * style.build, 11.0 * style.build
    body = capsule(p * [1.03, 1.0, 1.0], (0, 46, -72), (0, -4, 48), 52 + thick, 45 + thick)
    body = join(body, capsule(left, (17, 50, 74), (13, 38, 14), 19, 24 + thick), 22)  # muscles of the nape
    body = join(body, capsule(left, (13, 38, 14), (9, 64, -52), 24 + thick, 27 + thick), 22)
    body = join(body, capsule(left, (8, 42, 20), (50, 47, -50), 12, 16 + thick), 22)  # trapezius
    shoulder = (116 + broad, 40, -88)
    body = join(body, capsule(left, (50, 47, -50), shoulder, 16 + thick, 25 + thick), 24)
    body = join(body, capsule(left, shoulder, (139 + broad, 37, -150), 25 + thick, 35 + thick), 32)
    body = join(
        body, capsule(p, (0, 64, -60), (0, 72, -150), 29, 36 + thick), 34
    )  # between the shoulder blades
    body = join(body, capsule(left, (30, 4, -120), (98, 22, -112), 36 + thick, 33 + thick), 36)  # chest
    return join(body, ellipsoid(p, (0, 30, -198), (146 + broad, 80 + thick, 118)), 40)


def _body(p: np.ndarray, left: np.ndarray, s: HeadStyle) -> np.ndarray:
    body = join(torso(p, s), ellipsoid(p, (0, 88, -48), (11, 9, 13)), 16)  # the 7th vertebra
    half_way = (36 + 3.5 * s.build, -13 - 3.0 * s.build, 12)
    body = join(body, capsule(left, (50, 18, 76), half_way, 7.0, 7.0), 14)  # sternomastoid
    body = join(body, capsule(left, half_way, (10, -13 - 4.5 * s.build, -55), 7.0, 5.5), 13)
    collarbone = (15, -11 - 4.5 * s.build, -60)
    body = join(body, ellipsoid(left, collarbone, (10, 5.5, 4.5)), 10)
    body = join(body, capsule(p, (0, -29, -5), (0, -17, -38), 9.0, 7.5), 20)  # larynx
    return carve(body, ellipsoid(p, (0, -25 - 4.5 * s.build, -53), (7, 8, 9)), 12)  # pit of the neck


def _sockets(head: np.ndarray, p: np.ndarray, left: np.ndarray, s: HeadStyle) -> np.ndarray:
    head = carve(head, ellipsoid(left, (34.5, -93, 116), (18.5, 12, 13.5)), 14)
    return carve(head, ellipsoid(left, (17, -91, 121), (6.0, 9, 10)), 10)


def _nose(head: np.ndarray, p: np.ndarray, left: np.ndarray, s: HeadStyle) -> np.ndarray:
    wide, long, arch = 1.0 + 0.16 * s.nose_width, 3.0 * s.nose_length, 1.8 * s.nose_bridge
    tip = (0, -104.5 - long, 82.9 - 0.3 * long)
    middle = (0, -96.0 - arch - 0.4 * long, 103)
    nose = capsule(p, (0, -84.5, 131), middle, 5.4 * wide, 5.2 * wide)
    nose = join(nose, capsule(p, middle, tip, 5.2 * wide, 7.0 * wide), 8)
    nose = join(nose, ellipsoid(p, tip, (9.0 * wide, 9.8, 8.8)), 7)
    side = capsule(left, (7.0 * wide, -80.5, 112), (9.5 * wide, -88.5, 86), 5.5, 7.0)
    nose = join(nose, side, 12)
    head = join(head, nose, 12)
    columella = capsule(p, (0, -108 - long, 77.4), (0, -95, 75.6), 4.2, 4.8)
    head = join(head, columella, 5)
    wing = ellipsoid(left, (12.2 * wide, -98 - 0.4 * long, 79.6), (5.8 * wide, 9.2, 6.6), -14)
    return join(head, wing, 5)


def _details(head: np.ndarray, p: np.ndarray, left: np.ndarray, s: HeadStyle) -> np.ndarray:
    """Grooves and small forms that lie on what stands already."""
    philtrum = capsule(p, (0, -100.8, 71), (0, -102.8, 60), 2.0, 2.4)
    head = carve(head, philtrum, 5)
    chin_crease = capsule(left, (0, -100, 32.5), (15, -96, 34), 3.6, 3.0)
    head = carve(head, chin_crease, 9)
    fold = capsule(left, (21.5, -96.2, 82), (32, -91.5, 54), 2.1, 1.3)
    head = carve(head, fold, 7)
    return head - age.relief(left, s) if age.share(s) else head


def gradient(solid: Solid, p: np.ndarray) -> np.ndarray:
    """Gradient of `solid` at `p` [N, 3], by differences over the corners of a tetrahedron."""
    corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], float)
    values = solid((p[None] + corners[:, None] * _STEP_MM).reshape(-1, 3)).reshape(4, -1)
    return np.einsum("kn,ki->ni", values, corners) / (4 * _STEP_MM)


def normals(p: np.ndarray, style: HeadStyle = DEFAULT) -> np.ndarray:
    """Unit normals of the solid's level surfaces at `p` [N, 3]."""
    g = gradient(partial(distance, style=style), p)
    return g / np.maximum(_length(g), 1e-9)[:, None]


def draw(solid: Solid, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`p` [N, 3] one step nearer to the zero of `solid`, and the gradients [N, 3] it went along."""
    g = gradient(solid, p)
    step = solid(p) / np.maximum(np.einsum("ni,ni->n", g, g), 0.2)
    return p - np.clip(step, -12, 12)[:, None] * g, g


def project(
    p: np.ndarray, style: HeadStyle = DEFAULT, rounds: int = 3, solid: Callable = distance
) -> np.ndarray:
    """`p` [N, 3] drawn onto the skin (or another `solid` of the style) along the gradient."""
    whole = partial(solid, style=style)
    for _ in range(rounds):
        p, _ = draw(whole, p)
    return p


def cast(
    start: np.ndarray, direction: tuple | np.ndarray, style: HeadStyle = DEFAULT, rounds: int = 24
) -> np.ndarray:
    """Where rays from `start` [N, 3] along `direction` (unit; one, or [N, 3]) meet the skin, [N, 3] mm."""
    p = np.array(start, float)
    for _ in range(rounds):
        p = p + np.clip(distance(p, style) * 0.9, -20, 20)[:, None] * np.asarray(direction, float)
    return p


def front_point(x: np.ndarray, z: np.ndarray, style: HeadStyle = DEFAULT) -> np.ndarray:
    """The skin of the face at the lateral position `x` and height `z` mm, [..., 3]."""
    x, z = np.broadcast_arrays(np.asarray(x, float), np.asarray(z, float))
    start = np.stack([x, np.full_like(x, -122.0), z], axis=-1).reshape(-1, 3)
    return cast(start, (0, 1, 0), style).reshape(*x.shape, 3)
