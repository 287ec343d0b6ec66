"""The painted pass: what its files hold, what is kept or painted again, and where nothing is painted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

sys.path.append(str(Path(__file__).resolve().parents[1]))
oiio = pytest.importorskip("OpenImageIO")
pytest.importorskip("onnx")

import actor_helpers as tiny  # noqa: E402
from soliloquy.inference.actor.folder import ActorError  # noqa: E402
from soliloquy.inference.actor.media.images import read_channels, read_image  # noqa: E402
from soliloquy.inference.actor.painting import pass_jobs, passes, render  # noqa: E402
from soliloquy.inference.actor.painting.pass_jobs import DubJob, Line, paint_dub  # noqa: E402
from soliloquy.inference.actor.take import save_take  # noqa: E402
from soliloquy.inference.actor.types import Gap  # noqa: E402
from soliloquy.inference.cli import main  # noqa: E402
from soliloquy.inference.curves import sample_motion  # noqa: E402
from soliloquy.inference.errors import Cancelled, ModelError, OutputError  # noqa: E402
from soliloquy.inference.formats.arkit_csv import write_csv  # noqa: E402


@pytest.fixture
def actor(tmp_path):
    return tiny.make_tiny_actor(tmp_path)


def dub(actor, out, motion=None, **settings) -> DubJob:
    line = Line("curves", actor.actor.face, motion) if motion else None
    return DubJob(actor.actor.folder, actor.plate, line, out, **settings)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.exr")}


def test_files_are_numbered_and_hold_five_half_float_channels(actor, tmp_path):
    out = tmp_path / "pass"
    painted, count, rate_hz = paint_dub(dub(actor, out, tiny.tiny_motion(8), start_frame=101), None)
    assert (painted, count, rate_hz) == (8, 8, 24.0)
    assert names(out) == [f"pass.{n:04d}.exr" for n in range(101, 109)] + ["provenance.json"]
    spec = oiio.ImageInput.open(str(out / "pass.0101.exr")).spec()
    assert sorted(spec.channelnames) == ["B", "G", "R", "confidence.V", "matte.V"]
    assert str(spec.format) == "half"
    assert (spec.width, spec.height) == (tiny.WIDTH, tiny.HEIGHT)
    channels, texts = read_channels(out / "pass.0101.exr")
    assert texts["soliloquy:synthetic"] == "true"
    assert texts["soliloquy:actor"] == "Tiny"
    assert texts["soliloquy:digitalSourceType"].endswith("compositeWithTrainedAlgorithmicMedia")
    assert tiny.CONSENT in texts["soliloquy:consent"]
    assert actor.take.plate_sha256 in texts["soliloquy:sources"]
    for name in ("matte.V", "confidence.V"):
        assert channels[name].min() == 0
        assert 0.9 < channels[name].max() <= 1


def test_a_mouth_that_says_what_the_plate_says_is_the_plates(actor, tmp_path):
    """Colours go to the reference and back, crops into the plate and back, in scene linear light."""
    tiny.write_renderer(
        actor.actor.renderer, actor.actor.identifier, size=tiny.SIZE, keys=actor.bank.keys.shape[1], patches=1
    )
    paint_dub(dub(actor, tmp_path / "pass"), None)
    for number in (1, 4, 8):
        plate = read_image(actor.plate / f"plate.{number:04d}.png").astype(np.float32) / 255
        channels, _ = read_channels(tmp_path / "pass" / f"pass.{number:04d}.exr")
        shown = np.stack([channels[name] for name in "RGB"], 2)
        code = np.where(shown <= 0.0031308, shown * 12.92, 1.055 * np.maximum(shown, 0) ** (1 / 2.4) - 0.055)
        there = channels["matte.V"] > 0.5
        assert np.abs(code - plate)[there].mean() < 0.02
        beside = (channels["matte.V"] == 0) & (channels["confidence.V"] > 0)
        assert np.abs(code - plate)[beside].max() < 0.003


def test_what_has_not_changed_is_kept(actor, tmp_path):
    out, line = tmp_path / "pass", tiny.tiny_motion(8)
    paint_dub(dub(actor, out, line), None)
    before = times(out)
    (out / "pass.0003.exr").unlink()
    (out / "pass.0005.exr").write_bytes(b"torn")
    told = []
    assert paint_dub(dub(actor, out, line), None, notify=told.append)[0] == 2
    after = times(out)
    assert {name for name in after if after[name] != before[name]} == {"pass.0003.exr", "pass.0005.exr"}
    assert any("6 of 8 frames were there already" in sentence for sentence in told)
    assert paint_dub(dub(actor, out, line), None)[0] == 0


@pytest.mark.parametrize("what", ["line", "start", "renderer", "memory", "take", "consent"])
def test_what_has_changed_is_painted_again(actor, tmp_path, what):
    out, line = tmp_path / "pass", tiny.tiny_motion(8)
    paint_dub(dub(actor, out, line), None)
    settings = {}
    if what == "line":
        line = replace(line, values=line.values * np.float32(0.9))
    elif what == "start":
        settings = {"start_frame": 2}
    elif what == "renderer":
        keys = actor.bank.keys.shape[1]
        tiny.write_renderer(
            actor.actor.renderer, actor.actor.identifier, size=tiny.SIZE, keys=keys, version="2"
        )
    elif what == "memory":
        tiny.save_memory(actor.actor, replace(actor.bank, sharpness=actor.bank.sharpness * np.float32(2)))
    elif what == "take":
        save_take(actor.actor, "one", replace(actor.take, confidence=actor.take.confidence * np.float32(0.9)))
    else:
        about = json.loads((actor.actor.folder / "actor.json").read_text())
        about["consent"]["statement"] += ", and to this"
        (actor.actor.folder / "actor.json").write_text(json.dumps(about))
    assert paint_dub(dub(actor, out, line, **settings), None)[0] == 8
    if what == "start":
        assert names(out) == [f"pass.{n:04d}.exr" for n in range(2, 10)] + ["provenance.json"]


def test_files_of_others_in_the_folder_stay(actor, tmp_path):
    out = tmp_path / "pass"
    out.mkdir()
    (out / "pass.0900.exr").write_bytes(b"of somebody else")
    (out / "notes.txt").write_text("mine")
    paint_dub(dub(actor, out, tiny.tiny_motion(8)), None)
    assert (out / "pass.0900.exr").read_bytes() == b"of somebody else"
    assert (out / "notes.txt").read_text() == "mine"


def test_a_stopped_run_leaves_whole_frames_only_and_is_taken_up_again(actor, tmp_path):
    out, line = tmp_path / "pass", tiny.tiny_motion(40)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 12

    with pytest.raises(Cancelled):
        paint_dub(dub(actor, out, line), None, cancelled=cancelled)
    there = list(out.glob("*"))
    assert 0 < len(there) < 40
    for path in there:
        assert path.suffix == ".exr"
        assert len(read_channels(path)[0]) == 5
    assert paint_dub(dub(actor, out, line), None)[0] == 40 - len(there)


@pytest.mark.slow
def test_a_killed_run_is_taken_up_again(actor, tmp_path):
    out = tmp_path / "pass"
    write_csv(tmp_path / "line.csv", [tiny.tiny_motion(120)])
    command = [
        sys.executable, "-m", "soliloquy.inference", "actor", "render", str(actor.actor.folder),
        "--plate", str(actor.plate), "--curves", str(tmp_path / "line.csv"), "--out", str(out),
    ]  # fmt: skip
    environment = os.environ | {"SOLILOQUY_DATA": str(tmp_path / "data")}
    child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while len(list(out.glob("pass.*.exr"))) < 5 and child.poll() is None:
        time.sleep(0.01)
    child.kill()
    child.wait()
    before = whole = times(out)
    (out / ".pass.0007.exr.0a1b2c3d.tmp").write_bytes(b"what was being written")
    assert 5 <= len(whole) <= 120
    for name in whole:
        assert len(read_channels(out / name)[0]) == 5
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    after = times(out)
    assert {name for name in whole if after[name] != before[name]} == set()
    assert len(after) == 120
    assert not [name for name in names(out) if name.startswith(".")]


def test_gaps_of_the_plate_are_not_painted_and_are_named(actor, tmp_path):
    gaps = actor.take.gaps.copy()
    gaps[2:4] = Gap.COVERED_MOUTH
    save_take(actor.actor, "one", replace(actor.take, gaps=gaps))
    told = []
    paint_dub(dub(actor, tmp_path / "pass", start_frame=11), None, notify=told.append)
    assert any("no usable mouth in 13 to 14" in sentence for sentence in told)
    trust = []
    for number in range(11, 19):
        channels, _ = read_channels(tmp_path / "pass" / f"pass.{number:04d}.exr")
        trust.append(float(channels["confidence.V"].max()))
        assert (channels["matte.V"].max() == 0) == (number in (13, 14))
    assert trust[2] == trust[3] == 0
    assert np.abs(np.diff(trust)).max() <= 1 / 4 + 1e-3
    assert trust[-1] > 0.9


def test_a_take_without_any_usable_frame_gives_an_empty_pass(actor, tmp_path):
    save_take(actor.actor, "one", replace(actor.take, gaps=np.ones(8, np.uint8)))
    paint_dub(dub(actor, tmp_path / "pass", tiny.tiny_motion(8)), None)
    for path in (tmp_path / "pass").glob("*.exr"):
        assert all(not values.any() for values in read_channels(path)[0].values())


@pytest.mark.parametrize("fit", ["pingpong", "hold", "cut"])
def test_a_longer_line_is_fitted(actor, tmp_path, fit):
    told = []
    motion = tiny.tiny_motion(20)
    _, count, _ = paint_dub(dub(actor, tmp_path / "pass", motion, fit=fit), None, notify=told.append)
    assert count == (8 if fit == "cut" else 20)
    assert sum("the line lasts 0.83 s, the plate 0.33 s" in sentence for sentence in told) == 1


@given(
    st.sampled_from((12.0, 23.976, 24.0, 25.0, 30.0, 50.0, 59.94, 100.0)),
    st.sampled_from((23.976, 24.0, 25.0, 29.97, 30.0)),
    st.integers(2, 60),
)
def test_a_motion_of_another_rate_keeps_its_time(motion_hz, scene_hz, frames):
    """The jaw at a frame is the motion's at that frame's time, whatever the two rates are."""
    motion = tiny.tiny_motion(frames, motion_hz)
    face, take = tiny.tiny_face(), _take()
    shot = render.shot_of(face, take, motion, scene_hz, 1)
    jaw = motion.values[:, _JAW]
    line_s = frames / motion_hz
    wanted = np.interp(np.arange(len(shot.timeline)) / scene_hz, np.arange(frames) / motion_hz, jaw)
    assert len(shot.timeline) == max(len(take), int(np.ceil(line_s * scene_hz - 1e-6)))
    assert np.allclose(sample_motion(motion, shot.timeline.times_s)[:, _JAW], wanted, atol=1e-5)
    opened = shot.expression[:, 0]
    if np.ptp(wanted) > 0.05:
        assert np.corrcoef(opened, wanted)[0, 1] > 0.98


_JAW = tiny.ARKIT_52.index("jawOpen")


def _take():
    """The tiny take without its plate on disk."""
    face, frames = tiny.tiny_face(), 8
    expression, head = tiny.tiny_expressions(frames), tiny.tiny_heads(frames)
    landmarks = tiny.project(face, expression, head)
    return tiny.take_of(face, expression, head, landmarks, plate="p", sha256="0" * 64)


@given(arrays.arrays(np.float32, st.integers(1, 60), elements=st.floats(0, 1, width=32)))
def test_confidence_never_jumps_from_nothing(confidence):
    eased = render.eased(confidence)
    assert (eased <= confidence).all()
    assert ((eased == 0) == (confidence == 0)).all()
    zero = np.flatnonzero(confidence == 0)
    if len(zero):
        away = np.abs(np.arange(len(confidence))[:, None] - zero).min(1)
        assert (eased <= away / 4 + 1e-6).all()


def test_a_plate_that_is_not_captured_is_refused_by_name(actor, tmp_path, monkeypatch):
    monkeypatch.delenv("SOLILOQUY_FACE_MODEL", raising=False)
    other = tiny.write_plate(tmp_path / "other", np.zeros((3, 60, 80, 3), np.uint8))
    job = replace(dub(actor, tmp_path / "pass", tiny.tiny_motion(8)), plate=other)
    with pytest.raises(ActorError, match="not captured for Tiny yet"):
        paint_dub(job, None)
    assert not (tmp_path / "pass").exists()


def test_a_renderer_of_another_actor_is_refused(actor, tmp_path):
    tiny.write_renderer(actor.actor.renderer, "somebody", size=tiny.SIZE, keys=actor.bank.keys.shape[1])
    with pytest.raises(ModelError, match="another actor"):
        paint_dub(dub(actor, tmp_path / "pass", tiny.tiny_motion(8)), None)


def test_a_full_disk_is_said_and_what_was_whole_stays(actor, tmp_path, monkeypatch):
    written = []

    def full(self, frame):
        if len(written) == 3:
            raise OutputError("The disk is full", "Free some space")
        written.append(frame.number)

    monkeypatch.setattr(passes.PassFolder, "write", full)
    with pytest.raises(OutputError, match="disk is full"):
        paint_dub(dub(actor, tmp_path / "pass", tiny.tiny_motion(40)), None)
    assert written == [1, 2, 3]


def test_frames_are_painted_one_by_one_however_long_the_line_is(actor, tmp_path, monkeypatch):
    """What waits for the disk is bounded: a slow disk slows the painting."""
    in_memory, most = set(), 0
    made, wrote = render.PassFrame, passes.PassFolder.write

    def making(number, *rest):
        nonlocal most
        in_memory.add(number)
        most = max(most, len(in_memory))
        return made(number, *rest)

    def slow(self, frame):
        time.sleep(0.01)
        wrote(self, frame)
        in_memory.discard(frame.number)

    monkeypatch.setattr(render, "PassFrame", making)
    monkeypatch.setattr(passes.PassFolder, "write", slow)
    paint_dub(dub(actor, tmp_path / "pass", tiny.tiny_motion(60)), None)
    assert most <= 6


def test_the_command_tells_machines_how_far_it_is(actor, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SOLILOQUY_DATA", str(tmp_path / "data"))
    write_csv(tmp_path / "line.csv", [tiny.tiny_motion(8)])
    arguments = ["actor", "render", str(actor.actor.folder), "--plate", str(actor.plate)]
    arguments += ["--curves", str(tmp_path / "line.csv"), "--out", str(tmp_path / "pass"), "--json"]
    assert main(arguments) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    shares = [event["progress"] for event in events if event["event"] == "progress"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert events[-1]["event"] == "done"
    assert events[-1]["frames"] == 8


def test_curves_cannot_be_given_an_instruction(actor, tmp_path, capsys):
    write_csv(tmp_path / "line.csv", [tiny.tiny_motion(8)])
    arguments = ["actor", "render", str(actor.actor.folder), "--plate", str(actor.plate)]
    arguments += ["--curves", str(tmp_path / "line.csv"), "--out", str(tmp_path / "pass")]
    assert main([*arguments, "--instruction", "sad"]) == 2
    assert "Curves are painted as they are" in capsys.readouterr().err


def test_show_says_what_is_there_and_what_comes_next(actor, capsys):
    assert main(["actor", "show", str(actor.actor.folder)]) == 0
    said = capsys.readouterr().out
    assert tiny.CONSENT in said
    assert "8 patches of 32 pixels" in said
    assert "ready: soliloquy actor render" in said
    actor.actor.renderer.unlink()
    main(["actor", "show", str(actor.actor.folder), "--json"])
    assert "soliloquy actor train" in json.loads(capsys.readouterr().out)["next"]
    actor.actor.memory.write_bytes(b"nothing")
    main(["actor", "show", str(actor.actor.folder), "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert "damaged" in shown["memory"]["problem"]
    assert "soliloquy memory build" in shown["next"]


def test_the_preview_shows_plate_pass_and_label(actor, tmp_path):
    av = pytest.importorskip("av")
    preview = tmp_path / "dub.mp4"
    paint_dub(dub(actor, tmp_path / "pass", tiny.tiny_motion(8), preview=preview), None)
    with av.open(str(preview)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert container.metadata["soliloquy:synthetic"] == "true"
    assert len(frames) == 8
    plate = read_image(actor.plate / "plate.0001.png")
    corner = frames[0][-14:, : tiny.WIDTH // 4]
    assert corner.max() > 200  # the label's letters
    assert corner.min() < 90  # on a darkened ground
    top = np.abs(frames[0][:20].astype(int) - plate[:20]).mean()
    assert top < 12  # the plate, but for H.264


def test_the_preview_has_the_sound_of_the_line(actor, tmp_path):
    av = pytest.importorskip("av")
    soundfile = pytest.importorskip("soundfile")
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 16000)
    soundfile.write(tmp_path / "tone.wav", tone, 16000)
    preview = tmp_path / "dub.mp4"
    job = dub(actor, tmp_path / "pass", tiny.tiny_motion(24), preview=preview, sound=tmp_path / "tone.wav")
    paint_dub(job, None)
    with av.open(str(preview)) as container:
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    assert abs(len(heard) / rate - 0.5) < 0.1
    assert np.abs(heard).max() > 0.3


@pytest.mark.parametrize(
    ("text", "rate"),
    [("24", (24, 1.0)), ("24000/1001", (24, 1.001)), ("29.97", (30, 1.001)), ("12.5", (25, 2))],
)
def test_rates_become_blenders_pair(text, rate):
    from soliloquy.inference.commands.options import frame_rate

    found = pass_jobs._frame_rate(frame_rate(text))
    assert (found.fps, found.base) == rate
