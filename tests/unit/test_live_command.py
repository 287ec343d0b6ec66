import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_model import fake_model
from live_helpers import RATE_HZ, Clock, lines_of, voice, wav_stream
from soliloquy.inference import cli, session
from soliloquy.inference.audio import open_audio
from soliloquy.inference.channels import ARKIT_52, LIPS
from soliloquy.inference.curves import MotionControls
from soliloquy.inference.formats.live_link import decode
from soliloquy.inference.pipeline import AnimateSettings, animate_file, collect

UNIT = str(Path(__file__).parent)


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "vöice.wav"
    soundfile.write(path, voice(3.0), RATE_HZ, subtype="PCM_16")
    return path


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(session, "load_speech_model", lambda path=None, **_: fake_model())


def file_gain_db(path):
    with open_audio(path) as reader:
        return float(20.0 * np.log10(reader.gain))


@pytest.mark.parametrize("fps", [None, "24", "60"])
@pytest.mark.parametrize("block_s", ["0.02", "0.013", "0.5"])
def test_with_the_files_own_gain_live_is_animate(wav, small, capsys, fps, block_s):
    shape = ["--jaw", "0.7", "--lips", "1.2", "--seed", "3"]
    rate = ["--fps", fps] if fps else []
    gain = f"--gain={file_gain_db(wav)!r}"
    assert cli.main(["live", str(wav), "--fast", "--all", gain, "--block", block_s, *shape, *rate]) == 0
    frames = lines_of(capsys.readouterr().out)
    controls = MotionControls(jaw=0.7, lips=1.2)
    made = AnimateSettings(controls, seed=3, rate_hz=float(fps) if fps else None)
    expected = collect(animate_file(wav, fake_model(), made))
    np.testing.assert_allclose([f["time_s"] for f in frames], expected.times_s, atol=1e-6)
    assert list(frames[0]["weights"]) == list(ARKIT_52)
    values = [list(f["weights"].values()) for f in frames]
    np.testing.assert_allclose(values, expected.values, atol=6e-5)
    assert expected.channel("jawOpen").std() > 0.01


def test_so_it_is_where_samples_go_beyond_full_scale(tmp_path, small, capsys):
    soundfile.write(tmp_path / "a.wav", voice(2.0, 1.0), RATE_HZ, subtype="FLOAT")
    gain = f"--gain={file_gain_db(tmp_path / 'a.wav')!r}"
    assert cli.main(["live", str(tmp_path / "a.wav"), "--fast", "--all", gain]) == 0
    values = [list(frame["weights"].values()) for frame in lines_of(capsys.readouterr().out)]
    expected = collect(animate_file(tmp_path / "a.wav", fake_model())).values
    np.testing.assert_allclose(values, expected, atol=6e-5)


def test_lines_name_what_moves(wav, small, capsys):
    assert cli.main(["live", str(wav), "--fast", "--no-blinks", "--lips", "0", "--block", "0.1"]) == 0
    told = capsys.readouterr()
    frames = lines_of(told.out)
    assert len(frames) == 151
    assert all(frame["weights"].keys() <= set(ARKIT_52) for frame in frames)
    assert all(0.0 < weight <= 1.0 for frame in frames for weight in frame["weights"].values())
    named = {name for frame in frames for name in frame["weights"]}
    assert "jawOpen" in named
    assert not named & (set(LIPS) - {"mouthClose"})  # which follows the jaw
    assert "130 ms after their sound" in told.err
    assert len(told.err.splitlines()) == 1


def test_quiet_says_nothing(wav, small, capsys):
    assert cli.main(["live", str(wav), "--fast", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_real_time_takes_as_long_as_the_sound(tmp_path, small, capsys, monkeypatch):
    from soliloquy.inference import live

    clock = Clock()
    monkeypatch.setattr(live.paced, "__defaults__", (clock, clock.sleep, None))
    soundfile.write(tmp_path / "a.wav", voice(2.0), RATE_HZ)
    assert cli.main(["live", str(tmp_path / "a.wav")]) == 0
    assert clock.now_s == pytest.approx(102.0)
    clock.now_s = 100.0
    assert cli.main(["live", str(tmp_path / "a.wav"), "--fast"]) == 0
    assert clock.now_s == 100.0


class Stdin:
    def __init__(self, data, tty=False):
        self.buffer, self._tty = io.BytesIO(data), tty

    def isatty(self):
        return self._tty


def test_standard_input(small, capsys, monkeypatch):
    sound = voice(2.0)
    outputs = []
    for data, arguments in (
        (wav_stream(sound), []),
        ((sound * 32768).astype("<i2").tobytes(), []),
        (sound.tobytes(), ["--format", "f32le", "--rate", "16000"]),
    ):
        monkeypatch.setattr(sys, "stdin", Stdin(data))
        assert cli.main(["live", "-", *arguments, "--quiet", "--all"]) == 0
        outputs.append([list(frame["weights"].values()) for frame in lines_of(capsys.readouterr().out)])
    assert len(outputs[0]) == 101
    np.testing.assert_allclose(outputs[1], outputs[0], atol=2e-3)
    np.testing.assert_allclose(outputs[2], outputs[0], atol=2e-3)


def test_usage(wav, small, capsys, monkeypatch):
    for wrong in (
        ["--block", "0"],
        ["--block", "nan"],
        ["--udp", "host"],
        ["--udp", ":5"],
        ["--udp", "h:0"],
        ["--udp", "h:70000"],
        ["--rate", "x"],
        ["--format", "mp3"],
        ["--device", "tpu"],
    ):
        assert cli.main(["live", str(wav), *wrong]) == 2
        assert "usage:" in capsys.readouterr().err
    for wrong in (["--rate", "8000"], ["--gain", "90"], ["--fps", "0"], ["--udp", "h:1", "--subject", ""]):
        assert cli.main(["live", str(wav), *wrong]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    monkeypatch.setattr(sys, "stdin", Stdin(b"", tty=True))
    assert cli.main(["live", "-"]) == 2
    assert "Pipe it in" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", Stdin(voice(0.1).tobytes()))
    assert cli.main(["live", "-", "--rate", "5"]) == 2
    assert "5 Hz is not possible" in capsys.readouterr().err
    assert cli.main(["live", str(wav.with_name("none.wav"))]) == 2
    assert "none.wav does not exist" in capsys.readouterr().err


def test_the_help_states_the_latency(capsys):
    assert cli.main(["live", "--help"]) == 0
    assert "200 ms after its sound" in " ".join(capsys.readouterr().out.split())


@pytest.fixture
def receiver():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
        made.settimeout(10.0)
        yield made


@pytest.mark.parametrize(("fps", "count"), [("30000/1001", 60), ("50", 101)])
def test_packets_arrive_and_hold_the_motion(tmp_path, small, capsys, receiver, fps, count):
    soundfile.write(tmp_path / "a.wav", voice(2.0), RATE_HZ)
    address = f"127.0.0.1:{receiver.getsockname()[1]}"
    packets = []
    reader = threading.Thread(target=lambda: packets.extend(receiver.recv(2_000) for _ in range(count)))
    reader.start()
    common = ["live", str(tmp_path / "a.wav"), "--fast", "--fps", fps, "--gain", "3"]
    assert cli.main([*common, "--udp", address, "--subject", "Änne"]) == 0
    reader.join(20.0)
    assert capsys.readouterr().out == ""
    frames = [decode(packet) for packet in packets]
    assert [frame.frame for frame in frames] == list(range(count))
    assert {(frame.subject, frame.device_id, frame.rate) for frame in frames} == {
        ("Änne", frames[0].device_id, frames[0].rate)
    }
    assert float(frames[0].rate) == pytest.approx(float(Fraction(fps)))
    assert len(frames[0].device_id) == 36
    assert cli.main([*common, "--all"]) == 0
    lines = [list(frame["weights"].values()) for frame in lines_of(capsys.readouterr().out)]
    np.testing.assert_allclose([frame.values[:52] for frame in frames], lines, atol=6e-5)
    assert not any(frame.values[52:].any() for frame in frames)


def test_addresses_that_cannot_be_reached_are_one_sentence(wav, small, capsys, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)
        assert cli.main(["live", str(wav), "--fast", "--quiet", "--udp", "nowhere.invalid:9"]) == 2
    told = capsys.readouterr().err
    assert "'nowhere.invalid:9' (Name or service not known)" in told
    assert len(told.splitlines()) == 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert cli.main(["live", str(wav), "--fast", "--udp", f"127.0.0.1:{port}"]) == 0
    told = capsys.readouterr().err
    assert told.count("Nothing receives") <= 1  # not every system tells the sender


def test_a_network_that_breaks_down_is_one_sentence(wav, small, capsys, monkeypatch):
    import errno

    class Broken(socket.socket):
        def send(self, *_):
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    monkeypatch.setattr(socket, "socket", Broken)
    assert cli.main(["live", str(wav), "--fast", "--quiet", "--udp", "127.0.0.1:9"]) == 2
    told = capsys.readouterr().err
    assert "Network is unreachable" in told
    assert len(told.splitlines()) == 1


PROCESS = """
import sys
sys.path.insert(0, {unit!r})
from fake_model import fake_model
from soliloquy.inference import cli, session
session.load_speech_model = lambda path=None, **_: fake_model()
sys.exit(cli.main(sys.argv[1:]))
"""


def start(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS.format(unit=UNIT), "live", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def test_a_reader_that_leaves_ends_it_cleanly(tmp_path):
    soundfile.write(tmp_path / "a.wav", voice(60.0), RATE_HZ)
    process = start(tmp_path / "a.wav", "--fast", "--all")
    assert json.loads(process.stdout.readline())["time_s"] == 0.0
    process.stdout.close()
    errors = process.stderr.read().decode()
    assert process.wait(60) == 0
    assert len(errors.splitlines()) == 1  # the latency


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_full_is_one_sentence(tmp_path):
    soundfile.write(tmp_path / "a.wav", voice(3.0), RATE_HZ)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                PROCESS.format(unit=UNIT),
                "live",
                str(tmp_path / "a.wav"),
                "--fast",
                "--quiet",
            ],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert b"disk is full" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_lines_come_while_sound_arrives_and_a_signal_ends_it(number, code):
    process = start(
        "-",
        stdin=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    sound = (voice(1.0) * 32768).astype("<i2").tobytes()
    process.stdin.write(sound)  # and the pipe stays open: nothing more is needed for the first frames
    process.stdin.flush()
    frames = [json.loads(process.stdout.readline()) for _ in range(40)]
    assert [frame["time_s"] for frame in frames] == pytest.approx([i / 50 for i in range(40)])
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert b"Traceback" not in errors
