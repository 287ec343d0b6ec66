"""Jaw, lips and tongue of the ARKit set: displacements [V, 3] mm of the head's vertices at 1.0.

Left and middle shapes only. `sealed` brings the lips together wherever a shape is spoken with a closed mouth.
"""

from __future__ import annotations

import numpy as np

from . import mouth
from .fields import FaceFields
from .lid_motion import turned_lids
from .lip_section import sealed
from .skin_motion import spread
from .spline import bump, rotate_x, rotate_z, smoothstep
from .tongue_shapes import tongue_out

JAW_JOINT = np.array([0.0, 6.0, 92.0])
JAW_OPEN_RAD = np.radians(17.5)
JAW_SIDE_RAD = np.radians(6.5)
JAW_FORWARD_MM = 7.0
JAW_FORWARD_DROP_MM, JAW_SIDE_DROP_MM = 2.4, 2.2
"""The lower teeth pass below the upper ones, which at rest overlap them."""
CLOSE_SHARE = 0.4
"""How far down the jaw's way the closed lips meet when the jaw is open."""
TONGUE_JAW = 0.3
"""How wide the jaw is open, as a weight of jawOpen, where the tongue is put out."""
_STRETCHED_MM = 1.6
"""How far the upper lip is lifted by a jaw that opens."""


def rolled_lip(f: FaceFields, side: int, degrees: float, out: float = -0.5, up: float = 0.45) -> np.ndarray:
    """Displacement of the upper (side 1) or lower (-1) lip rolled inwards, outwards for negative degrees.

    Args:
        out: mm before the line of the lips about which the lip turns.
        up: height of that place above the line, as a share of the lip's own height.
    """
    height = mouth.UPPER_HEIGHT if side > 0 else mouth.LOWER_HEIGHT
    weight = (f.section.side == side) * smoothstep(height + 11.0, height + 1.5, f.section.depth) * f.across
    turn = -side * np.radians(degrees) * weight
    return f.section.rolled(turn, out, side * up * height)


def corner(f: FaceFields, out: float, up: float, depth: float, reach: float = 15.0) -> np.ndarray:
    """The left corner of the mouth drawn `out` along the arch, `up`, and `depth` mm forwards; lips follow."""
    pull = f.left * f.near_lips(reach) * smoothstep(-6, mouth.HALF_WIDTH, f.points[:, 0])
    drawn = f.section.moved(
        depth * f.left_corner(reach), up * f.near_lips(reach) * f.toward_corner, out * pull
    )
    return spread(drawn, f.soft_skin * smoothstep(2.0, 9.0, f.lip_distance))


def crease(f: FaceFields, depth: float, swell: float) -> np.ndarray:
    """How far (mm) the left nasolabial fold sinks, and the cheek beside it swells."""
    z = f.places.corner[1]
    cheek = smoothstep(z - 4.0, z + 22.0, f.points[:, 2])
    line = bump(f.fold / 4.0) * -depth + bump((f.fold - 10.5) / 7.5) * swell * cheek
    return line * f.fold_along * f.soft_skin * f.left * (1 - f.red)


# --- jaw


def jaw_open(f: FaceFields, amount: float = 1.0) -> np.ndarray:
    """The jaw turned down about its joint; the cheeks are drawn in, the corners with them."""
    turned = rotate_x(f.points, JAW_JOINT, -JAW_OPEN_RAD * amount) - f.points
    inwards = -1.4 * amount * np.clip(f.points[:, 0] / 10, -1, 1) * f.corner * (f.points[:, 1] < -60)
    hollow = -2.2 * amount * f.both(f.soft(f.places.hollow, (15, 20)))
    lip = _STRETCHED_MM * amount * f.upper * f.near_lips(9) * f.across
    return turned * f.jaw[:, None] + f.section.moved(hollow, lip, inwards)


def jaw_forward(f: FaceFields, amount: float = 1.0) -> np.ndarray:
    """The jaw slid forwards; the lower lip comes before the upper one."""
    drop = _passing(JAW_FORWARD_DROP_MM, amount)
    forwards = f.jaw[:, None] * [0.0, -JAW_FORWARD_MM * amount, -drop]
    return sealed(
        forwards + f.section.moved(2.6 * amount * f.upper * f.near_lips(10) * f.across), wanted_mm=0.7
    )


def jaw_left(f: FaceFields, amount: float = 1.0) -> np.ndarray:
    """The jaw turned to the subject's left."""
    upper_lip = f.section.moved(along=6.2 * amount * f.upper * f.near_lips(10) * f.across)
    turned = rotate_z(f.points, JAW_JOINT, JAW_SIDE_RAD * amount) - f.points
    turned[:, 2] -= _passing(JAW_SIDE_DROP_MM, amount)
    return sealed(turned * f.jaw[:, None] + upper_lip, wanted_mm=0.3)


def _passing(drop_mm: float, amount: float) -> float:
    """The lower teeth have to pass below the upper ones before they are half way."""
    return drop_mm * min(1.0, 1.9 * amount)


# --- the whole mouth


def mouth_close(f: FaceFields) -> np.ndarray:
    """What closes the lips over a jaw that is wide open, and leaves the jaw where it is."""
    opened = rotate_x(f.points, JAW_JOINT, -JAW_OPEN_RAD) - f.points
    corners = 1.2 * np.clip(f.points[:, 0] / 10, -1, 1) * f.corner * (f.points[:, 1] < -60)
    back = opened * (CLOSE_SHARE - f.jaw_mouth)[:, None] * f.mouth_close[:, None]
    lip = -_STRETCHED_MM * f.upper * f.near_lips(9) * f.across
    return sealed(back + f.section.moved(0, lip, corners), 0.5, jaw_open(f))


def funnel(f: FaceFields) -> np.ndarray:
    """An open trumpet: corners in, lips forwards and flared."""
    x = f.points[:, 0]
    opening = np.sqrt(np.clip(1 - (x / (mouth.HALF_WIDTH - 1)) ** 2, 0, 1)) * f.lips(9)
    forwards = 6.0 * bump(x / 22) * f.near_lips(14) + 0.8 * f.red
    flare = rolled_lip(f, 1, -26, 0.0, 0.9) + rolled_lip(f, -1, -24, 0.0, 0.9)
    pulled = -0.31 * x * f.near_lips(15)
    opened = f.section.moved(forwards, opening * (3.2 * f.upper - 5.0 * f.lower), pulled)
    return sealed(flare + opened, only_apart=True)


def pucker(f: FaceFields) -> np.ndarray:
    """A kiss: the lips drawn together to a soft round, forwards, and closed."""
    x = f.points[:, 0]
    pulled = -0.40 * x * f.near_lips(17)
    forwards = 7.5 * bump(x / 19) * f.near_lips(14) + 0.9 * f.red
    # Drawn together, the lower lip would come to a point: its middle is kept flat.
    fuller = (0.14 * bump(x / 20) - 0.2 * f.lower * bump(x / 9)) * np.clip(f.above_line, -10, 10) * f.lips(12)
    flare = rolled_lip(f, 1, -10, 0.0, 0.8) + rolled_lip(f, -1, -12, 0.0, 0.8)
    hollow = -1.6 * f.both(f.soft(f.places.hollow, (12, 14)))
    return sealed(flare + f.section.moved(forwards + hollow, fuller, pulled))


def mouth_left(f: FaceFields) -> np.ndarray:
    """The whole mouth slid to the subject's left."""
    near = f.near_lips(24)
    return sealed(f.section.moved(0.0, 1.5 * f.left * f.near_lips(20), 8.5 * near))


# --- corners


def smile(f: FaceFields) -> np.ndarray:
    """The corner goes out, back and up, the cheek rises to the eye and folds beside the mouth."""
    apple = f.left * f.soft(f.places.apple, (18, 15)) * f.off_lid
    lift = f.left * f.near_lips(10) * (1 - f.toward_corner)
    x, z = f.places.corner
    pit = f.left * f.soft((x + 9, z + 5), (4.5, 6))
    out = 4.4 * apple + crease(f, 3.4, 4.0) - 1.4 * pit - 0.9 * f.left * f.red
    cheek = spread(f.section.moved(out, 6.0 * apple + 2.0 * lift), f.soft_skin * f.off_lid * (1 - f.red), 2)
    thin = f.section.moved(0, -0.14 * np.clip(f.above_line, -9, 9) * f.lips(9) * f.left)
    return sealed(corner(f, 8.6, 8.2, -1.4, 17) + cheek + thin + turned_lids(f, 0.0, 3.0))


def frown(f: FaceFields) -> np.ndarray:
    """The corner goes down, the chin gathers below it."""
    x, z = f.places.corner
    gathered = f.left * f.soft((x + 2, z - 17), (8, 9))
    chin = f.left * f.soft((9, f.places.chin[1] + 6), (12, 9))
    delta = corner(f, 1.0, -7.2, -0.6, 15) + f.section.moved(
        1.3 * gathered + 0.6 * chin - 0.8 * f.left * f.soft((x + 7, z - 6), (4, 9)),
        -1.0 * gathered + 1.5 * chin,
    )
    return sealed(delta + f.section.moved(0, 0.6 * f.left * f.lips(9) * f.across))


def dimple(f: FaceFields) -> np.ndarray:
    """The corner is drawn back into the cheek, which swells round it."""
    x, z = f.places.corner
    pit = f.left * f.soft((x + 6, z + 1), (5, 6))
    ring = f.left * f.soft((x + 13, z + 2), (6, 13))
    return sealed(corner(f, 5.0, 1.4, -3.0, 13) + f.section.moved(1.8 * ring - 1.6 * pit))


def stretch(f: FaceFields) -> np.ndarray:
    """The corner goes straight out and a little down; the lips grow thin, the neck tightens."""
    thin = -0.16 * np.clip(f.above_line, -10, 10) * f.lips(10) * f.left
    x, z = f.places.corner
    band = f.left * f.soft((x + 8, z - 34), (9, 20))
    delta = corner(f, 9.0, -3.0, -1.4, 18)
    return sealed(delta + f.section.moved(crease(f, 1.0, 1.0) + 1.1 * band - 0.8 * f.left * f.red, thin))


def press(f: FaceFields, amount: float = 1.0) -> np.ndarray:
    """Both lips pressed on each other: thin, rolled in a little, the skin about them swells."""
    rolled = (rolled_lip(f, 1, 32 * amount) + rolled_lip(f, -1, 32 * amount)) * f.left[:, None]
    thin = -0.16 * np.clip(f.above_line, -10, 10) * f.left * f.lips(10)
    swell = 0.8 * f.left * f.near_lips(14) * smoothstep(7, 13, f.section.depth)
    tucked = corner(f, 1.2, 0.6, -1.2, 12) + f.section.moved(swell - 0.6 * f.left * f.red, thin)
    return sealed(rolled + amount * tucked, wanted_mm=0.12)


# --- each lip


def roll_lower(f: FaceFields, amount: float = 1.0) -> np.ndarray:
    """The lower lip rolled in over its teeth; the lips stay shut."""
    drawn = f.section.moved(-1.5 * amount * (f.section.side < 0) * f.lips(11) * f.across)
    return sealed(rolled_lip(f, -1, 85 * amount, -1.0, 0.4) + drawn, 0.25)


def roll_upper(f: FaceFields, amount: float = 1.0) -> np.ndarray:
    """The upper lip rolled in over its teeth; the lips stay shut."""
    drawn = f.section.moved(-1.5 * amount * (f.section.side > 0) * f.lips(11) * f.across)
    return sealed(rolled_lip(f, 1, 85 * amount, -1.0, 0.4) + drawn, 0.75)


def shrug_lower(f: FaceFields) -> np.ndarray:
    """The chin pushes the lower lip up and out, and the upper one with it."""
    chin = f.soft_middle(f.places.chin[1], (20, 13))
    raised = 4.8 * f.near_lips(13) * f.across
    pout = 2.2 * (f.section.side < 0) * f.lips(9) * f.across + 1.0 * f.lips(10) * f.across
    delta = f.section.moved(pout + 1.2 * chin, raised * (f.lower + 0.9 * f.upper) + 4.2 * chin)
    return sealed(delta + rolled_lip(f, -1, -6, 0.0, 0.8))


def shrug_upper(f: FaceFields) -> np.ndarray:
    """The upper lip is raised and pushed out, the lower one follows it."""
    raised = f.lips(11) * f.across
    delta = f.section.moved(
        2.0 * f.upper * raised + 0.8 * f.lower * raised, 4.2 * raised * f.upper + 3.6 * raised * f.lower
    )
    return sealed(delta + rolled_lip(f, 1, -8, 0.0, 0.8), 0.2)


def lower_down(f: FaceFields) -> np.ndarray:
    """The left half of the lower lip drawn down off its teeth."""
    drop = f.left * f.lower * f.near_lips(13) * f.arch_across
    return f.section.moved(0.9 * drop, -7.2 * drop, 1.4 * drop)


def upper_up(f: FaceFields) -> np.ndarray:
    """The left half of the upper lip raised off its teeth; the fold beside the nose deepens."""
    rise = f.left * f.upper * f.near_lips(13) * f.arch_across
    wing_x, wing_z = f.places.wing
    wing = f.left * f.soft((wing_x, wing_z), (8, 8))
    beside = f.left * f.soft((wing_x + 13, wing_z - 2), (11, 15)) * f.off_lid
    folded = f.section.moved(2.2 * beside + crease(f, 3.8, 2.6), 4.4 * beside + 2.0 * wing)
    return f.section.moved(0.8 * rise, 7.2 * rise) + spread(folded, f.soft_skin * f.off_lid, 2)


def put_out_tongue(f: FaceFields, amount: float = 1.0) -> np.ndarray:
    """The tongue passes between lips and teeth, which have parted for it half way already."""
    passage = min(1.0, 2.0 * amount)
    opened = jaw_open(f, TONGUE_JAW * passage) * (1 - f.tongue)[:, None]
    part = f.lips(9) * np.sqrt(np.clip(1 - (f.points[:, 0] / 22.0) ** 2, 0, 1)) * passage
    parted = f.section.moved(0.8 * f.lower * part, part * (1.6 * f.upper - 1.6 * f.lower))
    return opened + parted + tongue_out(amount)


def cheek_puff(f: FaceFields) -> np.ndarray:
    """Both cheeks full of air, the lips held shut before it."""
    cheeks = f.both(f.soft(f.places.hollow, (21, 22))) * smoothstep(-26, -60, f.points[:, 1])
    lips = f.near_lips(20) * (1 - 0.5 * f.red)
    return sealed(f.section.moved(12.5 * cheeks + 3.4 * lips * f.across))
