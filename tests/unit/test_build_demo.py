"""The demo's Blender part on a second of speech: three files, sound and picture of the same length."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from build_tools import demo
from build_tools.common import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("bpy") is None or importlib.util.find_spec("av") is None,
        reason="needs Blender's module and PyAV",
    ),
]
LENGTH_S = 1.0


def _make(audio: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "soliloquy.blender_addon.demo",
        "--audio",
        str(audio),
        "--out",
        str(folder),
    ]
    return subprocess.run(
        [*command, "--size", "64"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "BLENDER_USER_RESOURCES": str(folder)},
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder with the three files, and what was printed."""
    import soundfile

    folder = tmp_path_factory.mktemp("demo")
    samples, rate_hz = soundfile.read(demo.SAMPLE, stop=round(LENGTH_S * 16000))
    soundfile.write(folder / "line.wav", samples, rate_hz)
    done = _make(folder / "line.wav", folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_video_has_picture_and_sound_of_the_same_length(made: tuple[Path, str]) -> None:
    probe = [sys.executable, str(ROOT / "build_tools" / "probe_video.py"), str(made[0] / "demo.mp4")]
    facts = json.loads(subprocess.run(probe, capture_output=True, text=True, check=True).stdout)
    assert (facts["width"], facts["height"], facts["rate_hz"]) == (64, 64, 25.0)
    assert (facts["video_codec"], facts["audio_codec"]) == ("h264", "aac")
    assert facts["video_s"] == pytest.approx(LENGTH_S, abs=0.08)
    assert facts["audio_s"] == pytest.approx(facts["video_s"], abs=0.08)


def test_curves_cover_the_sound(made: tuple[Path, str]) -> None:
    with (made[0] / "demo.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[-1]["time_s"]) == pytest.approx(LENGTH_S, abs=0.04)
    jaw = [float(row["jawOpen"]) for row in rows]
    assert max(jaw) - min(jaw) > 0.05


def test_every_stage_is_told(made: tuple[Path, str]) -> None:
    for step in range(1, 6):
        assert f"[{step}/5] " in made[1]


def test_blend_file_is_a_blend_file(made: tuple[Path, str]) -> None:
    head = (made[0] / "demo.blend").read_bytes()[:7]
    assert head == b"BLENDER" or head[:4] == b"\x28\xb5\x2f\xfd"  # plain or zstandard


def test_sound_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"this is no sound")
    done = _make(bad, tmp_path)
    assert done.returncode == 2
    assert "bad.wav" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.glob("demo*")) == []
