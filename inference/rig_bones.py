"""Jaw, eye and head bones: found by name and place, turned about the character's own axes.

Angles are those of a face at full weight: the jaw opens by 17.5 degrees, eyes look up by 24, down by 27 and
to the sides by 29. The head's channels are radians already.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from .channels import HEAD
from .types import OBJECT_TURN, RigTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .rig_source import Bone, KeySet, RigSource
    from .types import FloatArray, RigKind

_X, _Z, _BACK = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)
_JAW_OPEN, _JAW_SIDE = math.radians(17.5), math.radians(5.0)
_UP, _DOWN, _SIDE = math.radians(24), math.radians(27), math.radians(29)
_JAW_FORWARD: Final = 0.07
"""Way of the jaw at jawForward 1, as a share of the jaw bone's length (7 mm of a jaw 100 mm long)."""
_TURNS: Final = {
    "head": (("headYaw", _Z, 1.0), ("headPitch", _X, 1.0), ("headRoll", _BACK, 1.0)),
    "jaw": (("jawLeft", _Z, _JAW_SIDE), ("jawRight", _Z, -_JAW_SIDE), ("jawOpen", _X, _JAW_OPEN)),
    "eyeLeft": (
        ("eyeLookOutLeft", _Z, _SIDE),
        ("eyeLookInLeft", _Z, -_SIDE),
        ("eyeLookUpLeft", _X, -_UP),
        ("eyeLookDownLeft", _X, _DOWN),
    ),
    "eyeRight": (
        ("eyeLookInRight", _Z, _SIDE),
        ("eyeLookOutRight", _Z, -_SIDE),
        ("eyeLookUpRight", _X, -_UP),
        ("eyeLookDownRight", _X, _DOWN),
    ),
}
"""(channel, axis in the character's space, radians at weight 1) of every part; applied from the last to the
first."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_MASTER: Final = "master_"
_TOLD: Final = 10.0
"""A file that says which bone the jaw is counts for more than any name."""
_SIDES: Final = {"l": "Left", "left": "Left", "r": "Right", "right": "Right"}
_WITH_THE_PART = """
def org ctrl control bip bip01 mixamorig cc base j adj face facial c m bind jnt joint bone armature root rig
head master main center mid fk x
"""
_OTHER_PART = """
lid lids brow brows lash lashes target aim end nub tip top bottom upper lower corner socket iris pupil mch
helper ik hair hat camera front back tweak muscle twist
"""
_NOISE: Final = frozenset(_WITH_THE_PART.split())
"""Words that may stand beside the part's own in a bone's name."""
_NOT_THE_PART: Final = frozenset(_OTHER_PART.split())


def bone_targets(source: RigSource, driven: frozenset[str]) -> list[RigTarget]:
    """Targets on the bones of a character.

    Args:
        source: its bones, and its meshes to see whether keys turn the eyeballs.
        driven: channels that already have a target. A jaw that opens by a key is not turned as well; eyes
            that look by keys are turned when these keys move the lids alone.
    """
    balls = find_parts(source.eyes)
    parts = {part: ball for part, ball in balls.items() if part.startswith("eye")} | find_parts(source.bones)
    targets: list[RigTarget] = []
    for part, bone in parts.items():
        if part == "jaw":
            free = {"jawOpen", "jawLeft", "jawRight", "jawForward"} - driven
        elif part == "head":
            free = set(HEAD)
        elif _keys_turn_eyeball(source.key_sets, bone):
            continue
        else:
            free = {channel for channel, *_ in _TURNS[part]}
            goal = _goal(source.bones, bone) if bone not in source.eyes else None
            if goal is not None:
                targets += [_aim(goal, bone, *turn) for turn in _TURNS[part]]
                continue
        kind: RigKind = "OBJECT" if bone is balls.get(part) else "BONE"
        targets += [_turn(bone, kind, *turn) for turn in _TURNS[part] if turn[0] in free]
        if part == "jaw" and "jawForward" in free:
            targets += _forward(bone)
    return targets


def _goal(bones: Sequence[Bone], eye: Bone) -> Bone | None:
    """The bone that an eye looks at, where there is one: Rigify's `eye.L` in front of `master_eye.L`."""
    return next((bone for bone in bones if eye.name == f"{_MASTER}{bone.name}"), None)


def _aim(goal: Bone, eye: Bone, channel: str, axis: tuple[float, float, float], radians: float) -> RigTarget:
    """The goal is shifted along its own axis that is nearest to the way in which the look goes."""
    away = float(np.linalg.norm(goal.head - eye.head)) * math.tan(radians)
    way = goal.axes.T @ np.cross(axis, (0.0, -1.0, 0.0)) * away
    index = int(np.abs(way).argmax())
    path = f"{bone_path(goal.name)}.location"
    return RigTarget(channel, goal.object, path, index, float(way[index]), confidence=0.9, kind="BONE")


def find_parts(bones: Sequence[Bone]) -> dict[str, Bone]:
    """The bones of jaw, eyes and head, by part; the best-named one of each."""
    found: dict[str, tuple[float, Bone]] = {}
    for bone in bones:
        named = (bone.part, _TOLD) if bone.part else part_named(bone.name)
        if named is not None and (named[0] not in found or named[1] > found[named[0]][0]):
            found[named[0]] = named[1], bone
    parts = {part: bone for part, (_, bone) in found.items()}
    if "head" in parts:  # parts of a face are on the head
        above = parts["head"].head[2] - 2.0 * np.linalg.norm(parts["head"].tail - parts["head"].head)
        parts = {part: bone for part, bone in parts.items() if bone.head[2] >= above}
    left, right = parts.get("eyeLeft"), parts.get("eyeRight")
    if left is not None and right is not None and left.head[0] < right.head[0]:
        parts["eyeLeft"], parts["eyeRight"] = right, left  # named as seen from the front
    return {part: parts[part] for part in _TURNS if part in parts}


def part_named(name: str) -> tuple[str, float] | None:
    """(part, how plain the name is) that a bone or an eyeball is by its name; None for other parts."""
    words = [word.lower() for word in _WORDS.findall(name)]
    sides = {_SIDES[word] for word in words if word in _SIDES}
    rest = [word for word in words if word not in _SIDES]
    if not _NOT_THE_PART.isdisjoint(rest):
        return None
    plain = -0.1 * len(words) - (0.5 if words and words[0] in ("def", "org") else 0.0)
    plain += 0.5 if "master" in words else 0.0  # Rigify: `jaw` and `eye.L` beside it are other controls
    extra = {word for word in rest if not word.isdigit()}
    for names, part in (({"jaw", "lowerjaw", "mandible"}, "jaw"), ({"eye", "eyeball", "faceeye"}, "eye")):
        if extra & names and extra - names <= _NOISE:
            if part == "jaw":
                return "jaw", plain
            return (part + sides.pop(), plain) if len(sides) == 1 else None
    if "head" in extra and extra - {"head"} <= _NOISE and not sides:
        return "head", plain
    return None


def _turn(
    bone: Bone, kind: RigKind, channel: str, axis: tuple[float, float, float], radians: float
) -> RigTarget:
    mirrored = np.sign(np.linalg.det(bone.axes))  # in a mirrored space a turn goes the other way round
    x, y, z = (float(part) for part in mirrored * (bone.axes.T @ np.array(axis)))
    return RigTarget(
        channel,
        bone.object,
        bone_path(bone.name) if kind == "BONE" else OBJECT_TURN,
        gain=radians,
        confidence=0.9,
        kind=kind,
        axis=(round(x, 6), round(y, 6), round(z, 6)),
        rotation_mode=bone.rotation_mode,
    )


def _forward(bone: Bone) -> Iterable[RigTarget]:
    way = bone.axes.T @ np.array([0.0, -1.0, 0.0]) * _JAW_FORWARD * np.linalg.norm(bone.tail - bone.head)
    for index, part in enumerate(way):
        if abs(part) > 0.05 * np.linalg.norm(way):
            path = f"{bone_path(bone.name)}.location"
            yield RigTarget(
                "jawForward", bone.object, path, index, gain=float(part), confidence=0.8, kind="BONE"
            )


def bone_path(name: str) -> str:
    """RNA path of a pose bone below its armature object, with Blender's own escaping of the name."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'pose.bones["{escaped}"]'


def _keys_turn_eyeball(key_sets: Sequence[KeySet], bone: Bone) -> bool:
    """Whether a key moves points behind the middle of an eye, which only a turning eyeball does."""
    for keys in key_sets:
        radius = _eye_radius(keys.points, bone)
        away = keys.points - bone.head
        behind = np.hypot(away[:, 0], away[:, 2]) < radius
        behind &= (away[:, 1] > 0.2 * radius) & (away[:, 1] < 2.0 * radius)
        if behind.any() and any(
            behind[indices].any() and len(indices) < 0.3 * len(keys.points) for indices, _ in keys.deltas
        ):
            return True
    return False


def _eye_radius(points: FloatArray, bone: Bone) -> float:
    """Distance from the middle of an eye to its front, along the line of sight."""
    away = points - bone.head
    off_axis = np.hypot(away[:, 0], away[:, 2])
    ahead = -away[:, 1]
    near = ahead > 0
    if not near.any():
        return 0.0
    cone = near & (off_axis < 0.4 * ahead)
    return float(ahead[cone].min()) * 1.1 if cone.any() else 0.0
