import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from motion_helpers import random_motion
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.names import match_channels
from soliloquy.inference.retarget import map_by_name, retarget, shape_key_path
from soliloquy.inference.types import OBJECT_TURN, FaceMotion, FrameRate, RigMap, RigTarget, SolvedKeys

FACECAP = Path(__file__).resolve().parents[3] / "shared/data/rigs/facecap/facecap.glb"

RATES = [
    FrameRate(24, 1.001),
    FrameRate(24),
    FrameRate(25),
    FrameRate(30, 1.001),
    FrameRate(30),
    FrameRate(60),
]


def short(channel):
    """eyeBlinkLeft -> eyeBlink_L."""
    for side in ("Left", "Right"):
        if channel.endswith(side):
            return f"{channel.removesuffix(side)}_{side[0]}"
    return channel


def words(channel, separator):
    return "".join(separator + c.lower() if c.isupper() else c for c in channel)


PARTS = [
    "eye",
    "Blink",
    "mouth",
    "Left",
    "_L",
    "r",
    "jaw",
    "Open",
    ".",
    " ",
    "brow",
    "Inner",
    "Up",
    "ARKit_",
    "01",
]

SPELLINGS = {
    "as Apple writes it": lambda c: c,
    "capital first": lambda c: c[0].upper() + c[1:],
    "short side": short,
    "short side, capital": lambda c: short(c)[0].upper() + short(c)[1:],
    "side after a dot": lambda c: short(c).replace("_", "."),
    "side attached": lambda c: short(c).replace("_", ""),
    "snake case": lambda c: words(c, "_"),
    "snake case, short side": lambda c: words(short(c).replace("_", ""), "_"),
    "words": lambda c: words(c, " ").title(),
    "words, short side": lambda c: words(short(c).replace("_", ""), " ").title(),
    "dashes": lambda c: words(c, "-"),
    "lower case": str.lower,
    "upper case": str.upper,
    "upper case, short side": lambda c: short(c).upper(),
    "lower case, short side": lambda c: short(c).lower(),
    "side first": lambda c: f"{short(c)[-1].lower()}_{short(c)[:-2]}" if short(c) != c else c,
    "ARKit prefix": lambda c: f"ARKit_{c}",
    "dotted node": lambda c: f"blendShape1.{c}",
    "head mesh": lambda c: f"Head_{c}",
    "BS prefix": lambda c: f"BS_{short(c)}",
    "NVIDIA table": lambda c: f"blendShapes.{c[0].upper()}{c[1:]}",
    "numbered": lambda c: f"A{ARKIT_52.index(c):02d}_{words(c, '_').title()}",
    "an artist's own prefix": lambda c: f"Vincent_{c}",
    "name space": lambda c: f"rig:Vincent:{short(c)}",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_channel_is_found_in_the_usual_spellings(spelling):
    names = ["Basis", *(SPELLINGS[spelling](channel) for channel in ARKIT_52)]
    expected = {channel: (SPELLINGS[spelling](channel),) for channel in ARKIT_52}
    assert match_channels(names) == expected


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("mouthLeft", "mouthLeft"),
        ("mouth_L", "mouthLeft"),
        ("mouthSmileLeft", "mouthSmileLeft"),
        ("mouthSmile_L", "mouthSmileLeft"),
        ("MouthLowerDown_R", "mouthLowerDownRight"),
        ("Mouth Roll Lower", "mouthRollLower"),
        ("jaw_left", "jawLeft"),
        ("Eye_L_Look_Down", "eyeLookDownLeft"),
        ("lefteyeblink", "eyeBlinkLeft"),
        ("Face.M_F00.jawOpen", None),
        ("arkit.browInnerUp", "browInnerUp"),
    ],
)
def test_single_names(name, channel):
    assert match_channels([name]) == ({channel: (name,)} if channel else {})


@pytest.mark.parametrize(
    "name",
    [
        "Basis",
        "",
        "...",
        "mouth",
        "eyeBlink",  # one key for both eyes cannot follow two channels
        "mouthSmile",
        "smileMouthLeft",
        "Smile_MouthLeft",
        "jawOpen_mouthPucker",
        "combo_jawOpen",
        "corrective_eyeBlinkLeft",
        "neg_jawOpen",
        "jawOpenWide",
        "jawOpen_corrective",
        "jawOpened",
        "mouthCloseUp",
        "eyeLookDown",
        "Eye_L_Look_L",
        "blink_left",
        "look_up",
        "tongueOutLeft",  # half of a channel without the other half
        "mouth_smile_left_right",
        "xjawOpen",
        "目を閉じる",
    ],
)
def test_other_shapes_are_not_taken_for_channels(name):
    assert match_channels([name]) == {}


@given(st.lists(st.text(max_size=12) | st.builds("".join, st.lists(st.sampled_from(PARTS), max_size=6))))
def test_any_names_at_all_are_matched_at_most_once(names):
    used = [name for found in match_channels(names).values() for name in found]
    assert len(used) == len(set(used))
    assert set(used) <= set(names)


def test_many_corrective_shapes_do_not_become_a_prefix():
    assert match_channels([f"corrective_{channel}" for channel in ARKIT_52]) == {}
    found = match_channels([*(f"fix_{channel}" for channel in ARKIT_52), "jawOpen"])
    assert found == {"jawOpen": ("jawOpen",)}


def test_the_plainest_of_several_names_wins_whatever_their_order():
    for names in (["ARKit_jawOpen", "JawOpen", "jawOpen"], ["jawOpen", "JawOpen", "ARKit_jawOpen"]):
        assert match_channels(names) == {"jawOpen": ("jawOpen",)}
    assert match_channels(["Head_jaw_open", "jaw_open"]) == {"jawOpen": ("jaw_open",)}


def test_a_channel_that_a_rig_splits_in_halves_drives_both():
    rig = map_by_name("Face", ["Basis", "browInnerUp_L", "browInnerUp_R", "cheekPuff_L"])
    assert [(t.channel, t.data_path) for t in rig.targets] == [
        ("browInnerUp", 'key_blocks["browInnerUp_L"].value'),
        ("browInnerUp", 'key_blocks["browInnerUp_R"].value'),
    ]
    assert "cheekPuff" in rig.unmatched
    assert "browInnerUp" not in rig.unmatched


def test_a_map_names_its_object_and_lists_what_found_nothing():
    rig = map_by_name("Head", ["Basis", "jawOpen", "Smile"])
    assert rig.targets == (RigTarget("jawOpen", "Head", 'key_blocks["jawOpen"].value'),)
    assert rig.unmatched == tuple(c for c in ARKIT_52 if c != "jawOpen")
    assert map_by_name("Head", []).unmatched == ARKIT_52


def test_a_real_face_capture_rig_is_mapped_completely():
    if not FACECAP.is_file():
        pytest.skip("the face capture rig is not on this machine")
    data = FACECAP.read_bytes()
    document = json.loads(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])
    names = next(
        m["extras"]["targetNames"] for m in document["meshes"] if m.get("extras", {}).get("targetNames")
    )
    assert map_by_name("facecap", names).unmatched == ()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("jawOpen", 'key_blocks["jawOpen"].value'),
        ('say "ah"', r'key_blocks["say \"ah\""].value'),
        ("back\\slash", r'key_blocks["back\\slash"].value'),
        ("two\nlines\t", r'key_blocks["two\nlines\t"].value'),
        ("mâchoire", 'key_blocks["mâchoire"].value'),
    ],
)
def test_paths_escape_names_as_blender_does(name, path):
    assert shape_key_path(name) == path


def ramp_motion(rows, rate_hz=50.0, start_s=0.0, slope_per_s=1e-3):
    """jawOpen grows in proportion to the time on the scene clock."""
    times_s = start_s + np.arange(rows) / rate_hz
    values = (0.5 + slope_per_s * times_s).astype(np.float32)[:, None]
    return FaceMotion(values, ("jawOpen",), rate_hz, start_s)


RIG = map_by_name("Head", ["jawOpen"])


@given(
    rate=st.sampled_from(RATES) | st.builds(FrameRate, st.integers(1, 240), st.floats(0.5, 2.0)),
    start_frame=st.integers(-5_000, 100_000) | st.floats(-500, 500),
    start_s=st.floats(-60, 60),
    rows=st.integers(2, 1_000),
    motion_rate_hz=st.sampled_from([30.0, 50.0, 60.0]),
)
def test_keys_sit_on_whole_frames_with_the_value_of_exactly_that_time(
    rate, start_frame, start_s, rows, motion_rate_hz
):
    motion = ramp_motion(rows, motion_rate_hz, start_s)
    (curve,) = retarget(motion, RIG, rate, start_frame)
    frames = curve.frames.astype(np.float64)
    np.testing.assert_array_equal(frames, np.round(frames))
    np.testing.assert_array_equal(np.diff(frames), 1.0)
    end_s = start_s + (rows - 1) / motion_rate_hz
    times_s = np.clip((frames - start_frame) / rate.hz, start_s, end_s)
    np.testing.assert_allclose(curve.values, 0.5 + 1e-3 * times_s, atol=1e-6)
    first, last = start_frame + start_s * rate.hz, start_frame + end_s * rate.hz
    if math.floor(last) >= math.ceil(first):  # it covers whole frames: all of them, and no other
        assert abs(frames[0] - math.ceil(first)) <= (1 if abs(first - round(first)) < 1e-5 else 0)
        assert abs(frames[-1] - math.floor(last)) <= (1 if abs(last - round(last)) < 1e-5 else 0)
    else:
        assert len(frames) == 1


@pytest.mark.parametrize("rate", RATES)
def test_a_second_of_motion_is_a_second_of_frames(rate):
    (curve,) = retarget(ramp_motion(501), RIG, rate, 1.0)
    assert curve.frames[0] == 1.0
    assert curve.frames[-1] == 1 + math.floor(10.0 * rate.hz + 1e-6)


def test_gain_offset_index_and_object_come_from_the_target():
    targets = (
        RigTarget("jawOpen", "Jaw", "rotation_euler", 2, gain=-0.5, offset=0.1),
        RigTarget("headYaw", "Neck", "rotation_euler"),
    )
    (curve,) = retarget(ramp_motion(51, slope_per_s=0.0), RigMap(targets), FrameRate(25), 1.0)
    assert (curve.object, curve.data_path, curve.index) == ("Jaw", "rotation_euler", 2)
    np.testing.assert_allclose(curve.values, -0.15, atol=1e-6)


def test_nothing_to_drive_or_to_show_gives_no_curve():
    assert retarget(random_motion(10), RigMap(()), FrameRate(25), 1.0) == []
    assert retarget(random_motion(0), map_by_name("Head", ARKIT_52), FrameRate(25), 1.0) == []


def test_one_row_is_keyed_at_the_nearest_frame():
    (curve,) = retarget(ramp_motion(1, start_s=0.99), RIG, FrameRate(24), 1.0)
    assert curve.frames.tolist() == [25.0]


def bone_target(channel, axis=(1.0, 0.0, 0.0), gain=1.0, mode="QUATERNION"):
    path = 'pose.bones["jaw"]'
    return RigTarget(channel, "Rig", path, gain=gain, kind="BONE", axis=axis, rotation_mode=mode)


@pytest.mark.parametrize(
    ("mode", "name", "components"),
    [
        ("QUATERNION", "rotation_quaternion", 4),
        ("AXIS_ANGLE", "rotation_axis_angle", 4),
        ("XYZ", "rotation_euler", 3),
        ("ZXY", "rotation_euler", 3),
    ],
)
def test_a_bone_turns_in_its_own_rotation_mode(mode, name, components):
    motion = ramp_motion(51, slope_per_s=0.2)
    rig = RigMap((bone_target("jawOpen", gain=0.4, mode=mode),))
    curves = retarget(motion, rig, FrameRate(25), 1.0)
    assert [(c.object, c.data_path, c.index, c.owner) for c in curves] == [
        ("Rig", f'pose.bones["jaw"].{name}', i, "OBJECT") for i in range(components)
    ]
    angle = 0.4 * (0.5 + 0.2 * (curves[0].frames - 1) / 25)
    expected = {"QUATERNION": np.cos(angle / 2), "AXIS_ANGLE": angle}.get(mode, angle)
    np.testing.assert_allclose(curves[0].values, expected, atol=1e-5)


def test_turns_of_one_bone_become_one_set_of_curves():
    values = np.full((11, 2), 0.3, np.float32)
    motion = FaceMotion(values, ("headYaw", "headPitch"), 10.0)
    targets = (bone_target("headYaw", (0.0, 0.0, 1.0)), bone_target("headPitch"))
    curves = retarget(motion, RigMap(targets), FrameRate(10), 0.0)
    assert len(curves) == 4
    half = 0.15
    yaw = np.array([np.cos(half), 0, 0, np.sin(half)])
    pitch = np.array([np.cos(half), np.sin(half), 0, 0])
    expected = [
        yaw[0] * pitch[0],
        yaw[0] * pitch[1],
        yaw[3] * pitch[1],
        yaw[3] * pitch[0],
    ]
    np.testing.assert_allclose([c.values[0] for c in curves], expected, atol=1e-6)


def test_a_whole_object_turns_by_its_delta_rotation():
    """Axes are those of the parent; how the user turned the object is another property."""
    for mode, path, value in (("XYZ", "delta_rotation_euler", [0, 0, 0.5]), ("QUATERNION", None, None)):
        target = RigTarget(
            "eyeLookOutLeft", "Eye", OBJECT_TURN, gain=0.5, kind="OBJECT", axis=(0, 0, 2), rotation_mode=mode
        )
        motion = FaceMotion(np.ones((2, 1), np.float32), ("eyeLookOutLeft",), 25.0)
        curves = retarget(motion, RigMap((target,)), FrameRate(25), 0.0)
        assert {c.owner for c in curves} == {"OBJECT"}
        assert {c.data_path for c in curves} == {path or "delta_rotation_quaternion"}
        if value is not None:
            np.testing.assert_allclose([c.values[0] for c in curves], value, atol=1e-6)


def test_a_bone_may_be_moved_as_well():
    path = 'pose.bones["jaw"].location'
    rig = RigMap((RigTarget("jawOpen", "Rig", path, 2, gain=-0.02, kind="BONE"),))
    (curve,) = retarget(ramp_motion(51, slope_per_s=0.0), rig, FrameRate(25), 1.0)
    assert (curve.data_path, curve.index, curve.owner) == (path, 2, "OBJECT")
    np.testing.assert_allclose(curve.values, -0.01, atol=1e-6)


def test_targets_of_one_property_add_up():
    motion = FaceMotion(np.tile(np.float32([0.2, 0.6]), (11, 1)), ("eyeBlinkLeft", "eyeBlinkRight"), 10.0)
    path = shape_key_path("blink")
    targets = tuple(RigTarget(channel, "Face", path, gain=0.5, offset=0.05) for channel in motion.channels)
    (curve,) = retarget(motion, RigMap(targets), FrameRate(10), 0.0)
    np.testing.assert_allclose(curve.values, 0.5, atol=1e-6)


def test_custom_properties_belong_to_the_object():
    rig = RigMap((RigTarget("jawOpen", "Rig", '["Open"]', gain=100.0, kind="PROPERTY"),))
    (curve,) = retarget(ramp_motion(51, slope_per_s=0.0), rig, FrameRate(25), 1.0)
    assert (curve.object, curve.owner) == ("Rig", "OBJECT")
    np.testing.assert_allclose(curve.values, 50.0, atol=1e-4)


def test_solved_keys_are_keyed_on_every_mesh_that_has_them():
    gram = np.eye(2, dtype=np.float32)
    cross = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    solved = SolvedKeys(
        "Face", ("a", "b"), ("jawOpen", "mouthPucker"), gram, cross, ridge=1e-6, copies=(("Teeth", "a", 0),)
    )
    curves = retarget(ramp_motion(51, slope_per_s=0.0), RigMap((), (solved,)), FrameRate(25), 1.0)
    assert [(c.object, c.data_path, c.owner) for c in curves] == [
        ("Face", "a", "KEY"),
        ("Face", "b", "KEY"),
        ("Teeth", "a", "KEY"),
    ]
    np.testing.assert_allclose([c.values[5] for c in curves], [0.5, 0.0, 0.5], atol=1e-4)
