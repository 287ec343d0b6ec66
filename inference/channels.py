"""Names of the motion channels, and which part of the face each moves.

Weights of face channels are 0..1, as in ARKit. Head channels are radians:
`headPitch` > 0 looks down, `headYaw` > 0 turns to the subject's left, `headRoll` > 0 tilts
the head's top to the subject's right. Left and right are the subject's own.
"""

from __future__ import annotations

import math
from typing import Final

ARKIT_52: Final[tuple[str, ...]] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft",
    "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight",
    "jawForward", "jawLeft", "jawRight", "jawOpen",
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
    "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthUpperUpLeft", "mouthUpperUpRight",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""The 52 ARKit face channels in Apple's order: eyes, jaw, mouth, brows, cheeks, nose, tongue."""

HEAD: Final[tuple[str, ...]] = ("headPitch", "headYaw", "headRoll")

EYE_UP_RAD, EYE_DOWN_RAD, EYE_SIDE_RAD = math.radians(24), math.radians(27), math.radians(29)
"""How far the eyes turn where eyeLookUp, eyeLookDown and eyeLookIn or eyeLookOut are 1."""

JAW: Final[tuple[str, ...]] = ("jawForward", "jawLeft", "jawRight", "jawOpen")
LIPS: Final[tuple[str, ...]] = (*(c for c in ARKIT_52 if c.startswith("mouth")), "tongueOut")
UPPER_FACE: Final[tuple[str, ...]] = tuple(
    c for c in ARKIT_52 if c.startswith(("eye", "brow", "cheek", "nose"))
)
BROWS: Final[tuple[str, ...]] = tuple(c for c in ARKIT_52 if c.startswith("brow"))
BLINK: Final[tuple[str, ...]] = ("eyeBlinkLeft", "eyeBlinkRight")
WIDE: Final[tuple[str, ...]] = ("eyeWideLeft", "eyeWideRight")
SQUINT: Final[tuple[str, ...]] = ("eyeSquintLeft", "eyeSquintRight")


def mirror(channel: str) -> str:
    """The same movement on the other side of the face; middle channels mirror to themselves."""
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if channel.endswith(side):
            return channel.removesuffix(side) + other
    return channel


PARTS: Final[dict[str, tuple[str, ...]]] = {
    "jaw": JAW,
    "lips": LIPS,
    "mouth": (*JAW, *LIPS),
    "brows": BROWS,
    "eyes": tuple(c for c in ARKIT_52 if c.startswith("eye")),
    "blinks": BLINK,
    "cheeks": tuple(c for c in ARKIT_52 if c.startswith(("cheek", "nose"))),
    "upper face": UPPER_FACE,
    "head": HEAD,
}
"""Parts of the face by the names that people give them."""


def channels_named(text: str) -> frozenset[str]:
    """Channels of a list such as `brows, jawOpen`: channels and `PARTS`; other names are ignored."""
    names = [name.strip() for name in text.split(",")]
    found = {channel for name in names for channel in PARTS.get(name.lower(), (name,))}
    return frozenset(found & {*ARKIT_52, *HEAD})
