"""Whatever bytes a file holds: either finite samples or one clear error, quickly and in little memory."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from soliloquy.inference.audio import open_audio
from soliloquy.inference.errors import AudioError

if TYPE_CHECKING:
    from pathlib import Path

CASES = 100
CONTAINERS = {
    "wav": ("WAV", "PCM_16"),
    "float": ("WAV", "FLOAT"),
    "aiff": ("AIFF", "PCM_24"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


def _encoded(kind: str) -> bytes:
    container, subtype = CONTAINERS[kind]
    sound = 0.2 * np.random.default_rng(0).standard_normal((4_000, 2))
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, 16_000, format=container, subtype=subtype)
    return buffer.getvalue()


def _encoded_m4a() -> bytes:
    av = pytest.importorskip("av")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        sound = 0.2 * np.random.default_rng(0).standard_normal((1, 4_096)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="mono")
        frame.sample_rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()


def _mutated(data: bytes, random: np.random.Generator) -> bytes:
    """Bit flips, mostly in the header, and half of the time a cut."""
    damaged = bytearray(data)
    reach = min(len(data), 128) if random.random() < 0.7 else len(data)
    for position in random.integers(0, reach, random.integers(1, 9)):
        damaged[position] ^= 1 << int(random.integers(0, 8))
    if random.random() < 0.5:
        del damaged[int(random.integers(0, len(damaged))) :]
    return bytes(damaged)


def _read(path: Path) -> bool:
    """True for sound, False for a clear refusal; anything else fails the test."""
    refusal: AudioError | None = None
    try:
        with open_audio(path) as reader:
            clips = list(reader.blocks(1.0))
            assert sum(len(clip.samples) for clip in clips) == round(reader.duration_s * 16_000) > 0
            assert all(np.isfinite(clip.samples).all() for clip in clips)
    except AudioError as error:
        refusal = error
    assert refusal is None or (path.name in refusal.cause and refusal.remedy)
    return refusal is None


@pytest.mark.parametrize("kind", [*CONTAINERS, "m4a"])
def test_damaged_files(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = _encoded_m4a() if kind == "m4a" else _encoded(kind)
    random = np.random.default_rng(sum(kind.encode()))
    path = tmp_path / "whole.bin"
    path.write_bytes(data)
    assert _read(path)
    for case in range(CASES):
        path = tmp_path / f"case{case}.bin"
        path.write_bytes(_mutated(data, random))
        _read(path)
    assert capfd.readouterr().err == ""


def test_random_bytes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    magics = [b"", b"RIFF", b"fLaC", b"OggS", b"ID3\x04", b"\xff\xfb\x90", b"FORM", b"caff", b".snd", b"riff"]
    for case in range(2 * CASES):
        path = tmp_path / f"random{case}.bin"
        path.write_bytes(magics[case % len(magics)] + random.bytes(int(random.integers(1, 3_000))))
        _read(path)
    assert capfd.readouterr().err == ""
