"""Reading sound: time stays in place, blocks do not matter, and every user error has its sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soliloquy.inference import audio_survey
from soliloquy.inference.audio import SAMPLE_RATE_HZ, open_audio, read_audio
from soliloquy.inference.audio_decoders import Sound, UnknownFormatError
from soliloquy.inference.audio_soundfile import _Hush
from soliloquy.inference.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _voice(duration_s: float, rate_hz: int, seed: int = 0) -> np.ndarray:
    """Float64 [N]: noise in syllables, at -20 dB or so."""
    count = round(duration_s * rate_hz)
    noise = np.random.default_rng(seed).standard_normal(count)
    return 0.1 * noise * np.abs(np.sin(2.0 * np.pi * 2.0 * np.arange(count) / rate_hz))


def _joined(path: Path, block_s: float) -> np.ndarray:
    with open_audio(path) as reader:
        clips = list(reader.blocks(block_s))
    starts = np.cumsum([0, *(len(clip.samples) for clip in clips)])
    assert [clip.start_s for clip in clips] == [start / SAMPLE_RATE_HZ for start in starts[:-1]]
    return np.concatenate([clip.samples for clip in clips])


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_impulse_stays_where_it_was(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "impulse.wav"
    sound = np.zeros(2 * rate_hz)
    sound[rate_hz] = 0.9
    soundfile.write(path, sound, rate_hz, subtype="PCM_24")
    samples = read_audio(path).samples
    assert len(samples) == 2 * SAMPLE_RATE_HZ
    assert abs(int(np.argmax(np.abs(samples))) - SAMPLE_RATE_HZ) <= 0.001 * SAMPLE_RATE_HZ


@QUICK
@given(
    rate_hz=st.integers(4_000, 200_000),
    count=st.integers(1, 30_000),
    channels=st.integers(1, 3),
)
def test_duration_is_kept(tmp_path: Path, rate_hz: int, count: int, channels: int) -> None:
    path = tmp_path / "any.wav"
    noise = np.random.default_rng(count).uniform(-0.5, 0.5, (count, channels))
    soundfile.write(path, noise, rate_hz)
    with open_audio(path) as reader:
        assert reader.duration_s == pytest.approx(count / rate_hz, abs=1.0 / SAMPLE_RATE_HZ)
        assert reader.duration_s > 0.0


@QUICK
@given(block_s=st.floats(0.0005, 5.0), rate_hz=st.sampled_from([8_000, 16_000, 44_100]))
def test_blocks_join_to_the_whole(tmp_path: Path, block_s: float, rate_hz: int) -> None:
    path = tmp_path / "voice.wav"
    soundfile.write(path, _voice(1.3, rate_hz), rate_hz)
    np.testing.assert_array_equal(_joined(path, block_s), read_audio(path).samples)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_long_files_are_decoded_again_to_the_same_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate_hz: int
) -> None:
    path = tmp_path / "voice.flac"
    soundfile.write(path, np.stack([_voice(3.0, rate_hz), _voice(3.0, rate_hz, 1)], axis=1), rate_hz)
    kept = _joined(path, 0.7)
    monkeypatch.setattr(audio_survey, "_KEPT_SAMPLES", SAMPLE_RATE_HZ)
    np.testing.assert_array_equal(_joined(path, 0.7), kept)
    np.testing.assert_array_equal(_joined(path, 20.0), kept)


def test_channels_are_chosen_by_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rate_hz = 44_100
    voice = _voice(4.0, rate_hz)
    hiss = 1e-3 * np.random.default_rng(2).standard_normal(len(voice) // 2)
    sound = np.zeros((len(voice), 2))
    sound[: len(hiss), 0] = hiss  # at first only the left channel says anything
    sound[len(hiss) :, 1] = voice[len(hiss) :]
    path = tmp_path / "late.wav"
    soundfile.write(path, sound, rate_hz)
    whole = read_audio(path).samples
    monkeypatch.setattr(audio_survey, "_HEAD_BYTES", 2**18)
    np.testing.assert_array_equal(read_audio(path).samples, whole)
    assert np.abs(whole[2 * SAMPLE_RATE_HZ :]).max() > 0.05


def test_constant_offset_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "offset.wav"
    soundfile.write(path, _voice(2.0, 22_050) * 0.3 + 0.45, 22_050)
    samples = read_audio(path).samples
    assert abs(float(samples.mean())) < 1e-3
    assert np.abs(samples[:200]).max() < 0.5  # no step at the start either


@pytest.mark.parametrize("factor", [0.01, 1.0, 4.0])
def test_level_is_the_same_whatever_the_recording_level(tmp_path: Path, factor: float) -> None:
    path = tmp_path / "level.wav"
    soundfile.write(path, _voice(2.0, 16_000) * factor, 16_000, subtype="FLOAT")
    rms = float(np.sqrt(np.mean(np.square(read_audio(path).samples))))
    assert 20.0 * np.log10(rms) == pytest.approx(-26.0, abs=1.5)


def test_more_channels_than_a_matrix_is_made_for(tmp_path: Path) -> None:
    sound = np.zeros((16_000, 40))
    sound[:, 33] = _voice(1.0, 16_000)
    path = tmp_path / "many.wav"
    soundfile.write(path, sound, 16_000)
    assert np.corrcoef(read_audio(path).samples, sound[:, 33])[0, 1] > 0.999


@pytest.mark.parametrize(
    "name", ["späße.wav", "Καλημέρα κόσμε.wav", "声 と 顔.wav", "a:b.wav", "x.raw", "no_ext"]
)
def test_any_name_is_fine(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    soundfile.write(path, _voice(0.5, 16_000), 16_000, format="WAV")
    assert read_audio(path).duration_s == 0.5
    assert read_audio(str(path)).duration_s == 0.5


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    wav = tmp_path / "plain.wav"
    soundfile.write(wav, np.zeros(8_000), 16_000)
    clip = read_audio(wav.rename(os.fsdecode(folder + b"/\xff\xfe.wav")))
    assert "silent" in clip.notices[0].encode("utf-8").decode("utf-8")


def test_bad_paths(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"nowhere\.wav does not exist"):
        open_audio(tmp_path / "nowhere.wav")
    with pytest.raises(AudioError, match="is a folder"):
        open_audio(tmp_path)
    with pytest.raises(AudioError, match=r"cannot be opened|does not exist"):
        open_audio("nul\0byte.wav")
    with pytest.raises(AudioError, match=r"cannot be opened|does not exist"):
        open_audio(tmp_path / ("x" * 5000))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioError, match="not a regular file"):
        open_audio(tmp_path / "pipe.wav")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "private.wav"
    soundfile.write(path, np.zeros(100), 16_000)
    path.chmod(0)
    with pytest.raises(AudioError, match="permission"):
        open_audio(path)


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "growing.wav"
    soundfile.write(path, _voice(2.0, 16_000), 16_000)
    with open_audio(path) as reader:
        reader.close()
        soundfile.write(path, _voice(1.0, 16_000), 16_000)
        with pytest.raises(AudioError, match="changed while it was being read"):
            list(reader.blocks())


@pytest.mark.parametrize("package", ["soundfile", "soxr"])
def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    path = tmp_path / "voice.wav"
    soundfile.write(path, _voice(0.2, 8_000), 8_000)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioError, match=f"pip install {package}"):
        open_audio(path)


def test_importing_loads_no_decoder() -> None:
    code = (
        "import sys, soliloquy.inference.audio; "
        "print(sorted({'soundfile', 'soxr', 'av', 'bpy', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class _ToyDecoder:
    """Reads files that begin with TOY: one byte per sample at 8 kHz; fails at the first byte 255."""

    name = "toy"

    @contextmanager
    def open(self, path: Path) -> Iterator[Sound]:
        data = path.read_bytes()
        if data[:3] != b"TOY":
            raise UnknownFormatError(f"{path} is no toy", "Play with something else")
        yield Sound(8_000, 1, self._blocks(data[3:]))

    def _blocks(self, data: bytes) -> Iterator[np.ndarray]:
        for start in range(0, len(data), 1_000):
            part = data[start : start + 1_000]
            if 255 in part:
                raise AudioError("The toy is broken", "Glue it")
            yield (np.frombuffer(part, np.uint8).astype(np.float32)[:, np.newaxis] - 127.0) / 128.0


def test_the_hosts_decoder_is_asked_last(tmp_path: Path) -> None:
    path = tmp_path / "sound.toy"
    path.write_bytes(b"TOY" + bytes(np.random.default_rng(0).integers(10, 245, 8_000, np.uint8)))
    clip = read_audio(path, [_ToyDecoder()])
    assert clip.duration_s == 1.0
    assert clip.notices == ()
    with pytest.raises(AudioError, match="not a sound file"):
        read_audio(path)


def test_what_was_decoded_before_a_failure_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "sound.toy"
    good = bytes(np.random.default_rng(0).integers(0, 255, 4_000, np.uint8))
    path.write_bytes(b"TOY" + good + b"\xff" + good)
    clip = read_audio(path, [_ToyDecoder()])
    assert clip.duration_s == 0.5
    assert "The toy is broken" in clip.notices[0]


def test_gaps_in_a_video_file_stay_gaps(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "gap.mkv"
    sound = (_voice(0.5, 16_000)[np.newaxis] * 32_767).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for start in (0, 16_000):  # half a second of sound, half a second of nothing, and again
            frame = av.AudioFrame.from_ndarray(sound, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, start, Fraction(1, 16_000)
            for packet in stream.encode(frame):
                container.mux(packet)
    clip = read_audio(path)
    assert clip.duration_s == pytest.approx(1.5, abs=0.005)
    assert np.abs(clip.samples[9_000:15_000]).max() < 1e-3
    assert np.abs(clip.samples[17_000:]).max() > 0.05
    assert "missing" in " ".join(clip.notices)


def test_stderr_of_others_is_passed_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with ExitStack() as stack:
        hush = _Hush(stack)
        for _ in range(2):
            with hush:
                os.write(2, b"Note: Trying to resync...\nsomeone else's line\n")
    assert capfd.readouterr().err == "someone else's line\n" * 2
