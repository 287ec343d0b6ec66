import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_helpers import cut, piece_lengths, random_motion, rates_hz
from soliloquy.inference.channels import ARKIT_52, HEAD
from soliloquy.inference.errors import UsageError
from soliloquy.inference.formats.arkit_csv import read_csv, write_csv
from soliloquy.inference.types import FaceMotion


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 70),
    rate_hz=rates_hz,
    start_s=st.sampled_from([0.0, -0.5, 3.25, 7200.0]),
    channels=st.sampled_from(
        [ARKIT_52, ("jawOpen",), (*ARKIT_52, *HEAD), ("headYaw", "jawOpen", "tongueOut")]
    ),
    lengths=piece_lengths,
)
def test_what_is_written_is_read_back(tmp_path_factory, rows, rate_hz, start_s, channels, lengths):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    motion = random_motion(rows, rate_hz, start_s, channels)
    write_csv(path, cut(motion, lengths))
    back = read_csv(path)
    assert set(back.channels) == set(channels)
    for channel in channels:
        np.testing.assert_allclose(back.channel(channel), motion.channel(channel), atol=5.1e-5)
    assert back.start_s == pytest.approx(start_s, abs=1e-6)
    if rows > 1:
        assert back.rate_hz == pytest.approx(rate_hz, abs=1e-9)


def test_the_layout_is_the_documented_one(tmp_path):
    values = np.array([[0.0, 1.0, -0.25], [0.12345, 2.0, 3.0]], np.float32)
    write_csv(tmp_path / "a.csv", [FaceMotion(values, ("jawOpen", "tongueOut", "headYaw"), 60.0, 1.0)])
    assert (tmp_path / "a.csv").read_bytes() == (
        b"time_s,jawOpen,tongueOut,headYaw\n1.000000,0.0000,1.0000,-0.2500\n1.016667,0.1234,1.0000,3.0000\n"
    )


def test_every_value_is_written_as_python_would(tmp_path):
    values = np.linspace(-0.1, 1.1, 5_200, dtype=np.float32).reshape(100, 52)
    write_csv(tmp_path / "a.csv", [FaceMotion(values, ARKIT_52, 50.0)])
    with (tmp_path / "a.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["time_s", *ARKIT_52]
    written = np.array([[float(cell) for cell in row[1:]] for row in rows[1:]])
    np.testing.assert_allclose(written, np.clip(values, 0.0, 1.0), atol=5.1e-5)
    assert {len(cell) for row in rows[1:] for cell in row[1:]} == {6}


def test_motion_that_is_not_finite_or_changes_its_channels_writes_nothing(tmp_path):
    bad = random_motion(3)
    bad.values[1, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        write_csv(tmp_path / "a.csv", [random_motion(3), bad])
    with pytest.raises(ValueError, match="channels"):
        write_csv(tmp_path / "a.csv", [random_motion(3), random_motion(3, channels=("jawOpen",))])
    with pytest.raises(ValueError, match="at least one"):
        write_csv(tmp_path / "a.csv", [])
    assert list(tmp_path.iterdir()) == []


def table(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_live_link_face_recording(tmp_path):
    rows = [f"10:59:59:{f:02d}.250,61,{f / 100:.3f},0.5,0.1" for f in range(60)] + [
        "11:00:00:00.250,61,0.6,0.5,0.1"
    ]
    text = "Timecode,BlendShapeCount,EyeBlinkLeft,JawOpen,HeadYaw\r\n" + "\r\n".join(rows) + "\r\n"
    motion = read_csv(table(tmp_path, text, "utf-8-sig"))
    assert set(motion.channels) == {"eyeBlinkLeft", "jawOpen"}
    assert motion.rate_hz == 60.0
    assert motion.start_s == 0.0
    np.testing.assert_allclose(motion.channel("eyeBlinkLeft"), np.arange(61) / 100, atol=1e-3)


def test_a_table_of_another_tool(tmp_path):
    text = ",timeCode,blendShapes.EyeBlinkLeft,blendShapes.JawOpen\n"
    text += "0,0.000,0.1,0.2\n1,0.033,0.3,0.4\n2,0.067,0.5,0.6\n"
    motion = read_csv(table(tmp_path, text))
    assert motion.rate_hz == pytest.approx(30.0, abs=0.05)
    np.testing.assert_allclose(motion.channel("jawOpen"), [0.2, 0.4, 0.6])


def test_semicolons_quotes_spaces_and_empty_lines(tmp_path):
    text = '"time_s"; "jaw_open"\n"0.0"; "0.25"\n\n0.02; 0.5\n'
    motion = read_csv(table(tmp_path, text))
    np.testing.assert_allclose(motion.channel("jawOpen"), [0.25, 0.5])
    assert motion.rate_hz == 50.0


def test_rows_at_uneven_times_are_resampled(tmp_path):
    times_s = [0.0, 0.02, 0.04, 0.1, 0.12, 0.14]
    text = "time_s,jawOpen\n" + "\n".join(f"{t},{t * 5:.3f}" for t in times_s)
    motion = read_csv(table(tmp_path, text))
    assert motion.rate_hz == pytest.approx(50.0)
    np.testing.assert_allclose(motion.channel("jawOpen"), motion.times_s * 5, atol=1e-3)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "has no rows"),
        ("time_s,jawOpen\n", "has no rows"),
        ("jawOpen,mouthClose\n0,1\n", "no time column"),
        ("time_s,smile\n0,1\n", "names no ARKit channel"),
        ("time_s,jawOpen\n0,0.1\n0.02,wide\n", "row 3, column 2 holds 'wide'"),
        ("time_s,jawOpen,mouthClose\n0,0.1\n", "row 2 has 2 cells"),
        ("time_s,jawOpen\nsoon,0.1\n", "a time"),
        ("time_s,jawOpen\n0,nan\n", "not numbers"),
        ("time_s,jawOpen\n0,0.1\n0,0.2\n", "do not rise at row 3"),
        ("Timecode,JawOpen\n1:2:3:4,0.1\n1-2-3-5,0.2\n", "a time"),
    ],
)
def test_a_broken_table_is_refused_with_its_name_and_the_place(tmp_path, text, complaint):
    with pytest.raises(UsageError, match=complaint) as caught:
        read_csv(table(tmp_path, text))
    assert "table.csv" in str(caught.value)


def test_what_is_no_table_at_all(tmp_path):
    (tmp_path / "b.csv").write_bytes(b"RIFF\xff\xfe\x00\x81WAVE")
    with pytest.raises(UsageError, match="not a text file"):
        read_csv(tmp_path / "b.csv")
    with pytest.raises(UsageError, match="does not exist"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="cannot be read"):
        read_csv(tmp_path)
