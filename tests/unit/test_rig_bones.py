"""Jaw, eye and head bones: which they are, and which way they turn."""

from dataclasses import replace

import numpy as np
import pytest
import rig_helpers as faces
from soliloquy.inference import rotation
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.rig_bones import bone_path, bone_targets, find_parts
from soliloquy.inference.rig_source import RigSource

FACE_NAMES = {
    "Rigify": ("head", "jaw_master", "master_eye.L", "master_eye.R"),
    "Rigify's old face": ("ORG-head", "jaw", "ORG-eye.L", "ORG-eye.R"),
    "glTF humanoid": ("Head", "Jaw", "LeftEye", "RightEye"),
    "VRoid": ("J_Bip_C_Head", "jaw", "J_Adj_L_FaceEye", "J_Adj_R_FaceEye"),
    "Character Creator": ("CC_Base_Head", "CC_Base_JawRoot", "CC_Base_L_Eye", "CC_Base_R_Eye"),
    "Mixamo": ("mixamorig:Head", "mixamorig:Jaw", "mixamorig:LeftEye", "mixamorig:RightEye"),
    "Auto-Rig Pro": ("head.x", "jaw.x", "eye.l", "eye.r"),
}
OTHERS = (
    "neck",
    "spine.006",
    "eyelid.L",
    "lid.T.L.001",
    "brow.T.L",
    "headphones",
    "jawline_hair",
    "eye_target",
)


def face_bones(names, mode="QUATERNION"):
    head, jaw, left, right = names
    places = {head: (0, 0, 1.5), jaw: (0, 0, 1.55), left: (0.03, -0.1, 1.6), right: (-0.03, -0.1, 1.6)}
    return tuple(faces.bone(name, place, mode=mode) for name, place in places.items())


@pytest.mark.parametrize("rig", FACE_NAMES)
def test_parts_are_found_in_the_usual_rigs(rig):
    names = FACE_NAMES[rig]
    others = tuple(faces.bone(name, (0.01, -0.1, 1.6)) for name in OTHERS)
    parts = find_parts((*others, *face_bones(names)))
    assert {part: bone.name for part, bone in parts.items()} == dict(
        zip(("head", "jaw", "eyeLeft", "eyeRight"), names, strict=True)
    )


def moved(target, points, weight=1.0):
    """Where a rotation takes offsets from the bone's joint, in the character's space (bone axes UPRIGHT)."""
    turn = rotation.about_axis(target.axis, np.array([target.gain * weight]))[0]
    w, vector = turn[0], turn[1:]
    local = np.asarray(points, float) @ faces.UPRIGHT
    twice = 2 * np.cross(vector, np.cross(vector, local) + w * local)
    return (local + twice) @ faces.UPRIGHT.T


@pytest.mark.parametrize(
    ("channel", "point", "goes"),
    [
        ("jawOpen", (0, -1, 0), (0, 0, -1)),
        ("jawLeft", (0, -1, 0), (1, 0, 0)),
        ("jawRight", (0, -1, 0), (-1, 0, 0)),
        ("eyeLookUpLeft", (0, -1, 0), (0, 0, 1)),
        ("eyeLookDownRight", (0, -1, 0), (0, 0, -1)),
        ("eyeLookOutLeft", (0, -1, 0), (1, 0, 0)),
        ("eyeLookInLeft", (0, -1, 0), (-1, 0, 0)),
        ("eyeLookOutRight", (0, -1, 0), (-1, 0, 0)),
        ("headPitch", (0, -1, 0), (0, 0, -1)),
        ("headYaw", (0, -1, 0), (1, 0, 0)),
        ("headRoll", (0, 0, 1), (-1, 0, 0)),
    ],
)
def test_bones_turn_the_way_their_channel_means(channel, point, goes):
    """The character looks to -y, its left is +x: see channels.py."""
    targets = bone_targets(RigSource(bones=face_bones(FACE_NAMES["Rigify"])), frozenset())
    (target,) = [t for t in targets if t.channel == channel and t.axis is not None]
    way = moved(target, [point], 0.2)[0] - point
    assert way @ goes > 0.8 * np.linalg.norm(way)


def test_the_jaw_moves_forward_along_the_face():
    targets = bone_targets(RigSource(bones=face_bones(FACE_NAMES["Rigify"])), frozenset())
    (target,) = [t for t in targets if t.channel == "jawForward"]
    assert target.data_path == f"{bone_path('jaw_master')}.location"
    way = faces.UPRIGHT @ (np.eye(3)[target.index] * target.gain)
    np.testing.assert_allclose(way, [0, -0.007, 0], atol=1e-6)


def test_keys_that_open_the_jaw_leave_its_bone_alone():
    source = RigSource(bones=face_bones(FACE_NAMES["VRoid"]))
    channels = {t.channel for t in bone_targets(source, frozenset({"jawOpen", "jawForward"}))}
    assert not channels & {"jawOpen", "jawForward"}
    assert {"jawLeft", "eyeLookUpLeft", "headYaw"} <= channels


def test_eyes_that_keys_turn_are_not_turned_again():
    """The built-in head's eyeLook keys turn its eyeballs; a face without eyeballs needs the bones."""
    head = faces.built_in_head()
    scale = 0.001
    in_metres = replace(
        head, points=head.points * scale, deltas=tuple((i, offsets * scale) for i, offsets in head.deltas)
    )
    eye = faces.bone("eye.L", (0.033, -0.0665, 0.118))
    looks = frozenset(c for c in ARKIT_52 if c.startswith("eyeLook"))
    assert bone_targets(RigSource((in_metres,), (eye,)), looks) == []
    lids = ("eyeBlinkLeft", "browInnerUp", "eyeWideLeft")
    chosen = [head.names.index(name) for name in lids]
    without = replace(in_metres, names=lids, deltas=tuple(in_metres.deltas[i] for i in chosen))
    assert len(bone_targets(RigSource((without,), (eye,)), frozenset())) == 4


def test_the_rotation_mode_is_the_bones():
    targets = bone_targets(RigSource(bones=face_bones(FACE_NAMES["Mixamo"], "YZX")), frozenset())
    assert {t.rotation_mode for t in targets if t.axis is not None} == {"YZX"}


def test_paths_escape_names():
    assert bone_path('a "b" \\c') == 'pose.bones["a \\"b\\" \\\\c"]'


def test_rigifys_eyes_follow_their_goals_and_its_jaw_the_master():
    goals = [faces.bone(f"eye.{side}", (x, -0.6, 1.6)) for side, x in (("L", 0.03), ("R", -0.03))]
    tweak = faces.bone("jaw", (0, -0.1, 1.5))
    source = RigSource(bones=(*goals, tweak, *face_bones(FACE_NAMES["Rigify"])))
    targets = {target.channel: target for target in bone_targets(source, frozenset())}
    assert targets["jawOpen"].data_path == bone_path("jaw_master")
    for channel, goes in (("eyeLookUpLeft", (0, 0, 1)), ("eyeLookOutLeft", (1, 0, 0))):
        target = targets[channel]
        assert target.data_path == f"{bone_path('eye.L')}.location"
        shift = np.zeros(3)
        shift[target.index] = target.gain
        shift = faces.UPRIGHT @ shift
        assert shift @ goes == pytest.approx(np.linalg.norm(shift), rel=1e-6)
        assert 0.2 < np.linalg.norm(shift) < 0.3, "the goal is half a metre away"
