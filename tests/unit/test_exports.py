"""Curves for other programs: Live Link Face takes and Audio2Face's JSON, written and read back."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.errors import OutputError, UsageError
from soliloquy.inference.formats.a2f_json import read_a2f_json, write_a2f_json
from soliloquy.inference.formats.arkit_csv import read_csv
from soliloquy.inference.formats.live_link_csv import timecode, titles, write_live_link_csv
from soliloquy.inference.types import FaceMotion

few = settings(deadline=None, max_examples=30)


def motion(rows, rate_hz=60.0, start_s=0.0, channels=(*ARKIT_52, "headYaw")):
    values = np.random.default_rng(rows).random((rows, len(channels)), np.float32)
    return FaceMotion(values, channels, rate_hz, start_s)


@few
@given(rows=st.integers(1, 200))
def test_a_live_link_take_is_read_back_as_it_was(tmp_path_factory, rows):
    path, made = tmp_path_factory.mktemp("take") / "a.csv", motion(rows)
    write_live_link_csv(path, made)
    back = read_csv(path)
    assert (back.rate_hz, set(back.channels)) == (60.0, set(ARKIT_52))
    for channel in ARKIT_52:
        np.testing.assert_allclose(back.channel(channel), made.channel(channel), atol=1e-6)


def test_the_layout_of_a_take_is_the_apps(tmp_path):
    write_live_link_csv(tmp_path / "a.csv", motion(61, channels=("jawOpen", "mouthLeft")))
    lines = (tmp_path / "a.csv").read_text().splitlines()
    head = lines[0].split(",")
    assert head == titles()
    assert len(head) == 63
    assert head[:3] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft"]
    assert head[16:21] == ["JawForward", "JawRight", "JawLeft", "JawOpen", "MouthClose"]
    assert head[-9:-6] == ["HeadYaw", "HeadPitch", "HeadRoll"]
    assert lines[1].startswith("00:00:00:00.000,61,0.0000000000,")
    assert lines[-1].startswith("00:00:01:00.000,61,")
    assert all(line.count(",") == 62 for line in lines)
    assert timecode(60 * 3725 + 59) == "01:02:05:59.000"


@pytest.mark.parametrize("rate_hz", [24 / 1.001, 25.0, 50.0])
def test_other_rates_are_resampled_and_what_lies_before_zero_is_left_out(tmp_path, rate_hz):
    made = motion(100, rate_hz, -0.5)
    write_live_link_csv(tmp_path / "a.csv", made)
    back = read_csv(tmp_path / "a.csv")
    wanted = np.interp(back.times_s, made.times_s, made.channel("jawOpen"))
    np.testing.assert_allclose(back.channel("jawOpen"), wanted, atol=1e-6)
    assert back.times_s[-1] <= made.times_s[-1] < back.times_s[-1] + 1 / 60
    with pytest.raises(ValueError, match="after time 0"):
        write_live_link_csv(tmp_path / "b.csv", motion(10, 50.0, -9.0))


@few
@given(rows=st.integers(1, 50), rate_hz=st.sampled_from([24 / 1.001, 30.0, 59.94]))
def test_weights_of_audio2face_are_read_back_as_they_were(tmp_path_factory, rows, rate_hz):
    path, made = tmp_path_factory.mktemp("weights") / "a.json", motion(rows, rate_hz)
    write_a2f_json(path, made, "süß.wav")
    found = json.loads(path.read_text("utf-8"))
    assert (found["numPoses"], found["numFrames"], found["trackPath"]) == (52, rows, "süß.wav")
    assert found["facsNames"] == list(ARKIT_52)
    back = read_a2f_json(path)
    assert (back.channels, back.rate_hz) == (ARKIT_52, pytest.approx(rate_hz))
    np.testing.assert_allclose(back.values, made.values[:, :52], atol=1e-6)


GOOD = '{"exportFps": 30, "facsNames": ["JawOpen", "other"], "weightMat": [[0.5, 1], [1, 0]]}'


def test_poses_in_other_spellings(tmp_path):
    (tmp_path / "a.json").write_text(GOOD)
    back = read_a2f_json(tmp_path / "a.json")
    assert back.channels == ("jawOpen",)
    assert back.channel("jawOpen").tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not one JSON object"),
        (GOOD.replace("exportFps", "fps"), "is missing"),
        (GOOD.replace("30", "1e9"), "frames per second"),
        (GOOD.replace("[1, 0]", "[1]"), "is missing or not"),
        (GOOD.replace('"other"', '"other", "more"'), "3 weights each"),
        (GOOD.replace("0.5", "NaN"), "infinite or not a number"),
        (GOOD.replace("JawOpen", "what"), "names no ARKit channel"),
    ],
)
def test_what_is_wrong_with_weights_is_said(tmp_path, text, said):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(UsageError, match=r"bad\.json") as caught:
        read_a2f_json(tmp_path / "bad.json")
    assert said in str(caught.value)


def test_nothing_half_written_is_left(tmp_path):
    with pytest.raises(OutputError):
        write_live_link_csv(tmp_path / "no" / "a.csv", motion(3))
    with pytest.raises(OutputError):
        write_a2f_json(tmp_path / "no" / "a.json", motion(3))
    with pytest.raises(UsageError, match="does not exist"):
        read_a2f_json(tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def test_a_take_carries_the_turns_of_head_and_eyes_as_the_app_does(tmp_path):
    channels = ("eyeLookInLeft", "eyeLookOutRight", "eyeLookDownLeft", "headPitch", "headYaw", "headRoll")
    row = np.array([[0.5, 0.5, 0.2, 0.1, 0.2, -0.05]], np.float32)
    write_live_link_csv(tmp_path / "a.csv", FaceMotion(np.repeat(row, 4, axis=0), channels, 60.0))
    names, first = (line.split(",") for line in (tmp_path / "a.csv").read_text().splitlines()[:2])
    cells = dict(zip(names, first, strict=True))
    wanted = {
        "HeadPitch": 0.1, "HeadYaw": -0.2, "HeadRoll": 0.05, "LeftEyeYaw": 0.253, "RightEyeYaw": 0.253,
        "LeftEyePitch": 0.094, "RightEyePitch": 0.0,
    }  # fmt: skip
    assert {name: float(cells[name]) for name in wanted} == pytest.approx(wanted, abs=1e-3)
