"""Sound files of every container, and sound on a pipe."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import numpy as np
from target import Target, laid

_KINDS = {
    "wav": ("WAV", "PCM_16"),
    "float": ("WAV", "FLOAT"),
    "ulaw": ("WAV", "ULAW"),
    "adpcm": ("WAV", "IMA_ADPCM"),
    "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_24"),
    "aiff": ("AIFF", "PCM_24"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "FLOAT"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


def _files() -> Iterator[bytes]:
    import soundfile

    sound = 0.2 * np.random.default_rng(0).standard_normal((1_600, 2))
    for container, subtype in _KINDS.values():
        buffer = io.BytesIO()
        soundfile.write(buffer, sound, 16_000, format=container, subtype=subtype)
        yield buffer.getvalue()
    yield from _hostile()


def _hostile() -> Iterator[bytes]:
    """Headers that promise what cannot be."""
    from itertools import product

    for size, rate, channels in product((0, 0xFFFFFFFF, 0x7FFFFFF0), (0, 1, 2**31 - 1), (0, 1, 65535)):
        form = struct.pack("<HHIIHH", 1, channels, rate, 0xFFFFFFFF, 65535, 16)
        yield (
            b"RIFF"
            + struct.pack("<I", size)
            + b"WAVEfmt "
            + struct.pack("<I", 16)
            + form
            + (b"data" + struct.pack("<I", size) + bytes(200))
        )
    yield b"fLaC" + b"\x80\x00\x00\x22" + struct.pack(">HH", 16, 65535) + bytes(6) + b"\xff" * 24
    yield b".snd" + struct.pack(">IIIII", 24, 0xFFFFFFFF, 3, 2**31 - 1, 1024) + bytes(64)
    yield (
        b"FORM"
        + struct.pack(">I", 2**31 - 1)
        + b"AIFFCOMM"
        + struct.pack(">IhIh", 18, 1, 2**32 - 1, 16)
        + (b"\x40\x0e\xac\x44" + bytes(6) + b"SSND" + struct.pack(">III", 2**31 - 1, 0, 0) + bytes(64))
    )


def file(data: bytes) -> bool:
    """`open_audio` gives finite samples in -1..1, as many as it says, or an `AudioError`."""
    from soliloquy.inference.audio import open_audio
    from soliloquy.inference.errors import AudioError

    path = laid(data)
    try:
        with open_audio(path) as reader:
            count = 0
            for clip in reader.blocks(1.0):
                assert np.isfinite(clip.samples).all()
                assert np.abs(clip.samples).max() <= 1.0
                assert clip.start_s == count / 16_000
                count += len(clip.samples)
            assert count == round(reader.duration_s * 16_000) > 0
            assert np.isfinite(reader.gain)
            assert all(sentence and "\n" not in sentence for sentence in reader.notices)
    except AudioError as error:
        return not (error.cause and error.remedy)
    return True


def stream(data: bytes) -> bool:
    """`stream_blocks` of any bytes on a pipe."""
    from soliloquy.inference.audio_stream import StreamFormat, stream_blocks
    from soliloquy.inference.errors import AudioError

    try:
        total = 0
        for block in stream_blocks(io.BytesIO(data), StreamFormat(), 0.1):
            assert np.isfinite(block).all()
            assert block.dtype == np.float32
            total += len(block)
            assert total < 2**27, "more sound than bytes"
    except AudioError:
        return False
    return True


def _streams() -> Iterator[bytes]:
    for tag, bits, rate, channels in ((1, 16, 16_000, 1), (3, 32, 48_000, 2), (0xFFFE, 16, 8_000, 1)):
        form = struct.pack("<HHIIHH", tag, channels, rate, 0, 0, bits) + bytes(8) + b"\x01\x00" + bytes(14)
        yield (
            b"RIFF\0\0\0\0WAVELIST"
            + struct.pack("<I", 3)
            + b"abc\0fmt "
            + struct.pack("<I", len(form))
            + form
            + (b"data\xff\xff\xff\xff" + np.linspace(-1, 1, 500, dtype=np.float32).tobytes())
        )
    yield np.arange(-4000, 4000, 7, np.int16).tobytes()
    yield np.array([np.nan, np.inf, -1e38, 1e-40], np.float32).tobytes()


_MARKS = (
    b"RIFF",
    b"WAVE",
    b"fmt ",
    b"data",
    b"FORM",
    b"AIFF",
    b"COMM",
    b"SSND",
    b"fLaC",
    b"OggS",
    b".snd",
    b"caff",
    b"ID3\x04",
    b"LIST",
    b"riff",
    b"RF64",
    b"ds64",
    b"\xff\xff\xff\xff",
    b"\xfe\xff",
)
TARGETS = {
    "audio": Target(
        file,
        _files,
        ("soliloquy.inference.audio", "soliloquy.inference.audio_"),
        (),
        _MARKS,
        32_768,
        needs=("soundfile",),
        writes=True,
    ),
    "audio_stream": Target(stream, _streams, ("soliloquy.inference.audio_",), (), _MARKS),
}
