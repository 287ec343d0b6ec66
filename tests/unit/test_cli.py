import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_model import fake_model
from soliloquy.inference import cli, files, session
from soliloquy.inference.channels import ARKIT_52, HEAD
from soliloquy.inference.console import signals_unwind
from soliloquy.inference.formats.arkit_csv import read_csv

ROOT = Path(__file__).resolve().parents[2]
RATE_HZ = 16_000


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """Every run uses the small model; returns the list of its openings."""
    calls = []

    def load(path=None, threads=1, **_):
        calls.append((path, threads))
        return fake_model()

    monkeypatch.setattr(session, "load_speech_model", load)
    return calls


def sound(path, duration_s=2.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(1).normal(0.0, 0.1, int(duration_s * RATE_HZ))
    soundfile.write(path, noise, RATE_HZ)
    return path


def run(*arguments):
    return cli.main(["animate", *map(str, arguments)])


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_one_file(tmp_path, capsys):
    wav = sound(tmp_path / "hé llo.wav")
    assert run(wav, "--out", tmp_path / "out.csv") == 0
    motion = read_csv(tmp_path / "out.csv")
    assert motion.channels == (*ARKIT_52, *HEAD)
    assert len(motion.values) == 101
    told = capsys.readouterr()
    assert "hé llo.wav" in told.out
    assert "101 frames at 50 fps" in told.out
    assert told.err == ""


@pytest.mark.parametrize(("fps", "rate_hz"), [("60", 60.0), ("29.97", 29.97), ("30000/1001", 30_000 / 1_001)])
def test_frames_per_second(tmp_path, fps, rate_hz):
    assert run(sound(tmp_path / "a.wav", 10.0), "--fps", fps, "--out", tmp_path / "a.csv") == 0
    assert read_csv(tmp_path / "a.csv").rate_hz == pytest.approx(rate_hz, rel=2e-6)


def test_controls_reach_the_motion(tmp_path):
    wav = sound(tmp_path / "a.wav", 8.0)

    def curve(channel, *options):
        assert run(wav, "--out", tmp_path / "a.csv", "--quiet", *options) == 0
        return read_csv(tmp_path / "a.csv").channel(channel)

    plain = curve("jawOpen", "--no-blinks")
    np.testing.assert_allclose(curve("jawOpen", "--jaw", "0.5"), plain * 0.5, atol=2e-4)
    assert not curve("mouthPucker", "--lips", "0").any()
    assert not curve("browInnerUp", "--upper-face", "0").any()
    assert curve("jawOpen", "--smoothing", "0.2")[20:-20].std() < plain[20:-20].std()
    np.testing.assert_allclose(curve("jawOpen", "--delay", "0.1")[5:], plain[:-5], atol=2e-4)
    np.testing.assert_allclose(curve("jawOpen", "--delay", "-0.1")[:-5], plain[5:], atol=2e-4)
    assert np.abs(curve("eyeBlinkLeft", "--seed", "1") - curve("eyeBlinkLeft", "--seed", "2")).max() > 0.5
    assert curve("eyeBlinkLeft", "--no-blinks").max() < 0.9


def test_without_out_the_result_lies_beside_the_sound_and_replaces_nothing_unasked(tmp_path, capsys):
    wav = sound(tmp_path / "a.wav")
    assert run(wav) == 0
    (tmp_path / "a.csv").write_text("mine")
    assert run(wav) == 2
    assert (tmp_path / "a.csv").read_text() == "mine"
    assert "exists already. Give --overwrite" in capsys.readouterr().err
    assert run(wav, "--overwrite") == 0
    assert read_csv(tmp_path / "a.csv").channels == (*ARKIT_52, *HEAD)


def test_an_explicit_out_is_replaced(tmp_path):
    (tmp_path / "out.csv").write_text("old")
    assert run(sound(tmp_path / "a.wav"), "--out", tmp_path / "out.csv") == 0
    assert read_csv(tmp_path / "out.csv").channels == (*ARKIT_52, *HEAD)


def test_a_folder_as_out_of_one_file(tmp_path):
    wav = sound(tmp_path / "a.wav")
    assert run(wav, "--out", f"{tmp_path}/new/") == 0
    assert names(tmp_path / "new") == ["a.csv"]
    assert run(wav, "--out", tmp_path / "new") == 0


def test_a_folder_of_sounds_opens_the_model_once_and_ignores_other_files(tmp_path, opened, capsys):
    for name in ("b.wav", "a.flac", "C.WAV"):
        sound(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("x")
    (tmp_path / "in" / "._a.wav").write_text("x")
    (tmp_path / "in" / "folder.wav").mkdir()
    assert run(tmp_path / "in", "--out", tmp_path / "new/out", "--model", "w.onnx", "--threads", "2") == 0
    assert names(tmp_path / "new/out") == ["C.csv", "a.csv", "b.csv"]
    assert opened == [(Path("w.onnx"), 2)]
    assert "3 animated, 0 failed" in capsys.readouterr().err


def test_one_bad_file_does_not_stop_the_others(tmp_path, capsys):
    sound(tmp_path / "a.wav")
    (tmp_path / "b.wav").write_bytes(b"not a sound")
    sound(tmp_path / "c.wav")
    assert run(tmp_path, "--out", tmp_path / "out") == 1
    assert names(tmp_path / "out") == ["a.csv", "c.csv"]
    told = capsys.readouterr()
    assert "b.wav" in told.err
    assert "2 animated, 1 failed" in told.err
    assert "Traceback" not in told.err


def test_several_files_of_which_one_is_missing(tmp_path):
    assert run(sound(tmp_path / "x/a.wav"), tmp_path / "none.wav", "--out", tmp_path / "out") == 1
    assert names(tmp_path / "out") == ["a.csv"]


def test_a_single_bad_input_exits_with_2_and_writes_nothing(tmp_path, capsys):
    (tmp_path / "in.wav").write_bytes(b"")
    for source in (tmp_path / "in.wav", tmp_path / "none.wav"):
        assert run(source, "--out", tmp_path / "out.csv") == 2
    assert names(tmp_path) == ["in.wav"]
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 2


def test_sounds_that_differ_in_their_ending_keep_it(tmp_path, capsys):
    for name in ("a.wav", "a.flac", "b.wav"):
        sound(tmp_path / "in" / name)
    assert run(tmp_path / "in", "--out", tmp_path / "out") == 0
    assert names(tmp_path / "out") == ["a.flac.csv", "a.wav.csv", "b.csv"]
    assert "More than one input is called 'a'" in capsys.readouterr().err


def test_results_that_would_meet_are_refused_before_any_work(tmp_path, opened, capsys):
    one, two = sound(tmp_path / "x/a.wav"), sound(tmp_path / "y/a.wav")
    assert run(one, two, "--out", tmp_path / "out") == 2
    assert "Two inputs would both become" in capsys.readouterr().err
    assert run(one, two) == 0  # beside their inputs they do not meet
    assert run(one, "--out", one) == 2
    assert "would replace an input" in capsys.readouterr().err
    assert soundfile.info(one).duration == 2.0
    assert len(opened) == 1


def test_the_same_file_twice_is_done_once(tmp_path):
    wav = sound(tmp_path / "a.wav")
    assert run(wav, wav, "--out", tmp_path / "out") == 0
    assert names(tmp_path / "out") == ["a.csv"]


def test_a_folder_without_sounds(tmp_path, capsys):
    assert run(tmp_path) == 2
    assert "no sound file in the folder" in capsys.readouterr().err


def test_machines_get_one_object_per_line(tmp_path, capsys):
    sound(tmp_path / "in/a.wav", 50.0)
    (tmp_path / "in/b.wav").write_bytes(b"not a sound")
    assert run(tmp_path / "in", "--out", tmp_path / "out", "--json") == 1
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds.count("progress") >= 3
    assert [kind for kind in kinds if kind != "progress"] == ["done", "error", "summary"]
    done = next(event for event in events if event["event"] == "done")
    assert (done["frames"], done["rate_hz"]) == (2_501, 50.0)
    assert done["output"].endswith("a.csv")
    assert events[-1] == {"event": "summary", "done": 1, "failed": 1}


def test_quiet_prints_errors_only(tmp_path, capsys):
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE_HZ), RATE_HZ)
    assert run(tmp_path / "silence.wav", "--quiet") == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "")
    assert run(tmp_path / "silence.wav", "--overwrite") == 0
    assert "silent" in capsys.readouterr().err
    assert run(tmp_path / "none.wav", "--quiet") == 2
    assert "none.wav" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--fps", "fast"],
        ["--fps", "1/0"],
        ["--fps", "nan"],
        ["--threads", "0"],
        ["--seed", "x"],
        ["--unknown"],
    ],
)
def test_usage_errors_exit_with_2(tmp_path, arguments, capsys):
    assert run(tmp_path / "a.wav", *arguments) == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--fps", "0"], ["--fps", "1e9"], ["--jaw", "-1"], ["--smoothing", "inf"]]
)
def test_values_out_of_range_exit_with_2_and_one_sentence(tmp_path, arguments, capsys):
    assert run(sound(tmp_path / "a.wav"), *arguments) == 2
    assert "Choose" in capsys.readouterr().err
    assert names(tmp_path) == ["a.wav"]


def test_no_command_and_help(capsys):
    assert cli.main([]) == 2
    assert cli.main(["--help"]) == 0
    assert cli.main(["animate", "--help"]) == 0
    assert "--upper-face" in capsys.readouterr().out


def test_the_version_is_the_manifests(capsys):
    assert cli.main(["--version"]) == 0
    line = next(
        x for x in (ROOT / "blender_manifest.toml").read_text().splitlines() if x.startswith("version")
    )
    assert capsys.readouterr().out.split() == ["soliloquy", line.split('"')[1]]


def test_outputs_that_cannot_be_written(tmp_path, capsys):
    wav = sound(tmp_path / "a.wav")
    assert run(wav, "--out", tmp_path / "no/such/out.csv") == 2
    assert "Create the folder first" in capsys.readouterr().err
    assert run(tmp_path, "--out", wav) == 2
    assert "a file stands where a folder is needed" in capsys.readouterr().err
    assert run(tmp_path, "--out", wav / "sub") == 2
    assert names(tmp_path) == ["a.wav"]


def test_a_disk_that_fills_up_on_the_way(tmp_path, monkeypatch, capsys):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    assert run(sound(tmp_path / "in/a.wav"), "--out", tmp_path / "a.csv") == 2
    assert "disk is full" in capsys.readouterr().err
    assert names(tmp_path) == ["in"]


def test_weights_that_are_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.undo()
    assert run(sound(tmp_path / "a.wav"), "--model", tmp_path / "none.onnx") == 2
    assert "none.onnx does not exist" in capsys.readouterr().err


def test_a_fault_of_ours_costs_one_file_and_shows_its_place_on_request(tmp_path, monkeypatch, capsys):
    from soliloquy.inference import pipeline

    real = pipeline.animate_file

    def faulty(path, *rest, **options):
        if Path(path).name == "b.wav":
            raise ZeroDivisionError("oops")
        return real(path, *rest, **options)

    monkeypatch.setattr(pipeline, "animate_file", faulty)
    for name in ("a.wav", "b.wav", "c.wav"):
        sound(tmp_path / name)
    assert run(tmp_path, "--out", tmp_path / "out") == 1
    assert names(tmp_path / "out") == ["a.csv", "c.csv"]
    assert "fault in Soliloquy itself (ZeroDivisionError: oops)" in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, "--out", tmp_path / "out", "--debug")


def test_an_interrupt_leaves_finished_files_only(tmp_path, monkeypatch, capsys):
    for name in ("a.wav", "b.wav"):
        sound(tmp_path / "in" / name)
    monkeypatch.setattr(cli.Console, "done", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run(tmp_path / "in", "--out", tmp_path / "out") == 130
    assert names(tmp_path / "out") == ["a.csv"]
    assert "Interrupted" in capsys.readouterr().err


SLOW = """
import sys, time
sys.path.insert(0, {unit!r})
from fake_model import fake_model
from soliloquy.inference import cli, session

model = fake_model()
run = model.run
def slow(samples):
    print("running", flush=True)
    time.sleep(0.3)
    return run(samples)
model.run = slow
session.load_speech_model = lambda path=None, **_: model
sys.exit(cli.main(sys.argv[1:]))
"""


def test_signals_unwind_in_the_block_and_are_given_back():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        with signals_unwind():
            signal.raise_signal(signal.SIGINT)  # as whoever started us wants it
            with pytest.raises(SystemExit, match="143"):
                signal.raise_signal(signal.SIGTERM)
        with signals_unwind(ctrl_c=True), pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_nothing_half_written(tmp_path, number, code):
    wav = sound(tmp_path / "a.wav", 300.0)
    script = SLOW.format(unit=str(Path(__file__).parent))
    process = subprocess.Popen(
        [sys.executable, "-c", script, "animate", str(wav), "--out", str(tmp_path / "a.csv")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background job ignores Ctrl-C, and its children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout.readline() == "running\n"
    time.sleep(0.4)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert names(tmp_path) == ["a.wav"]


LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_disk_that_takes_only_a_part_of_the_table(tmp_path):
    wav = sound(tmp_path / "a.wav", 60.0)
    (tmp_path / "a.csv").write_text("old")
    script = LIMITED + SLOW.format(unit=str(Path(__file__).parent)).replace("0.3", "0")
    done = subprocess.run(
        [sys.executable, "-c", script, "animate", str(wav), "--out", str(tmp_path / "a.csv")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "larger than this system allows" in done.stderr
    assert "Traceback" not in done.stderr
    assert names(tmp_path) == ["a.csv", "a.wav"]
    assert (tmp_path / "a.csv").read_text() == "old"


@pytest.mark.skipif(not session.SPEECH_WEIGHTS.is_file(), reason="the shipped weights are not there")
def test_the_shipped_model_end_to_end(tmp_path):
    wav = sound(tmp_path / "a.wav", 45.0)
    done = subprocess.run(
        [sys.executable, "-m", "soliloquy", "animate", str(wav), "--fps", "60", "--no-blinks"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "2701 frames at 60 fps" in done.stdout
    motion = read_csv(tmp_path / "a.csv")
    assert motion.channels == (*ARKIT_52, *HEAD)
    assert motion.values.std(axis=0).max() > 0.0


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="needs /dev/stdout")
def test_the_table_can_go_into_a_pipe(tmp_path):
    script = SLOW.format(unit=str(Path(__file__).parent)).replace("running", "").replace("0.3", "0")
    arguments = ["animate", str(sound(tmp_path / "a.wav")), "--out", "/dev/stdout", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    rows = [line for line in done.stdout.splitlines() if line]
    assert rows[0].startswith("time_s,")
    assert len(rows) == 102


def test_it_runs_as_a_module():
    for module in ("soliloquy", "soliloquy.inference"):
        done = subprocess.run(
            [sys.executable, "-m", module, "--version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.startswith("soliloquy ")
