"""Blender's own decoder: formats that soundfile does not know, exact across cut-outs, in bounded memory."""

from __future__ import annotations

import resource
from pathlib import Path

import helpers
import numpy as np

FORMATS = (
    "fmt_aac.m4a",
    "fmt_aac_adts.aac",
    "fmt_alac.m4a",
    "fmt.wma",
    "fmt_ac3.ac3",
    "fmt_video_with_audio.mp4",
    "fmt_opus.webm",
)


def _decoder():
    return helpers.module("blender_addon.audio_decoder").AudDecoder()


def _encoded(name: str, codec: str, container: str, duration_s: float, rate_hz: int = 22_050) -> Path:
    """A sweep with pauses and noise, encoded by Blender itself."""
    import aud

    path = helpers.FOLDER / name
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    sound = np.sin(2 * np.pi * (300 + 40 * t) * t) * (np.sin(2 * np.pi * 0.37 * t) > -0.5) * 0.4
    sound += 0.01 * np.random.default_rng(1).standard_normal(len(t))
    aud.Sound.buffer(sound.astype(np.float32)[:, None], rate_hz).write(
        str(path), rate_hz, 1, aud.FORMAT_FLOAT32, getattr(aud, container), getattr(aud, codec), 96_000
    )
    return path


def test_formats_of_the_collection_decode():
    audio = helpers.module("inference.audio_decoders")
    folder = helpers.data("bad_audio")
    for name in FORMATS:
        with _decoder().open(folder / name) as sound:
            samples = np.concatenate(list(sound.blocks))
            assert samples.dtype == np.float32
            assert samples.shape[1] == sound.channels
            assert abs(len(samples) / sound.rate_hz - 1.783) < 0.1, name
            assert np.abs(samples).max() > 0.05, name
    for name in ("bad_video_no_audio.mp4", "cut_no_moov.m4a", "bad_text.wav"):
        assert name in helpers.error_of(audio.UnknownFormatError, _open, folder / name)


def _open(path):
    with _decoder().open(path):
        pass


def test_m4a_animates_inside_blender():
    face = helpers.arkit_mesh()
    assert helpers.animate(helpers.data("bad_audio/fmt_aac.m4a")) == {"FINISHED"}
    jaw = helpers.curves(face)[helpers.value_path("jawOpen")]
    assert max(value for _, value in jaw) > 0.05


def test_cut_outs_join_without_a_seam():
    import aud

    decoder = helpers.module("blender_addon.audio_decoder")
    usual, decoder._CUTOUT_VALUES = decoder._CUTOUT_VALUES, 15 * 22_050
    try:
        for name, codec, container in (
            ("join.aac", "CODEC_AAC", "CONTAINER_AAC"),
            ("join.mkv", "CODEC_AAC", "CONTAINER_MATROSKA"),
            ("join.mp3", "CODEC_MP3", "CONTAINER_MP3"),
            ("join.flac", "CODEC_FLAC", "CONTAINER_FLAC"),
        ):
            path = _encoded(name, codec, container, 40.0)
            whole = aud.Sound.file(str(path)).data()
            with _decoder().open(path) as sound:
                joined = np.concatenate(list(sound.blocks))
            assert joined.shape == whole.shape, name
            # AAC may fill bands with fresh noise; a shift by one sample would be off everywhere.
            off = np.abs(joined - whole) > (0.05 if codec == "CODEC_AAC" else 1e-4)
            assert off.mean() < (1e-3 if codec == "CODEC_AAC" else 1e-9), (name, off.mean())
    finally:
        decoder._CUTOUT_VALUES = usual


def test_half_an_hour_takes_bounded_memory():
    import soundfile

    path, rate_hz = helpers.FOLDER / "half_hour.flac", 44_100
    minute = (0.1 * np.random.default_rng(1).standard_normal((60 * rate_hz, 1))).astype(np.float32)
    with soundfile.SoundFile(path, "w", rate_hz, 1) as file:
        for _ in range(30):
            file.write(minute)
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = 0
    with _decoder().open(path) as sound:
        for block in sound.blocks:
            rows += len(block)
    grown_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before_mb
    path.unlink()
    print(f"{rows / sound.rate_hz:.1f} s decoded, memory grew by {grown_mb:.0f} MB")
    assert rows == 1800 * rate_hz
    assert grown_mb < 150.0, "the whole file is 318 MB, one cut-out 32 MB"
