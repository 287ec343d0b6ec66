"""Sound that arrives on a pipe while it is being made: raw PCM or a WAV stream -> mono blocks at 16 kHz.

Nothing can be surveyed beforehand, so channels are averaged and a constant offset is followed as it shows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from .audio_mono import SAMPLE_RATE_HZ, Resampler, valid_numbers
from .errors import AudioError
from .timing import nearest_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .types import FloatArray

FORMATS: dict[str, np.dtype[Any]] = {"s16le": np.dtype("<i2"), "f32le": np.dtype("<f4")}
_LOWEST_RATE_HZ, _HIGHEST_RATE_HZ = 1_000, 768_000
_MOST_CHANNELS = 64
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_LONGEST_CHUNK = 2**20
"""Bytes of a WAV chunk before the sound (names, dates) that are read over."""
_OFFSET_SEGMENT = 1_600
_OFFSET_MEMORY = 20
"""Segments of 0.1 s over which the offset is averaged: 2 s, so that no speech is taken for offset."""


@dataclass(frozen=True)
class StreamFormat:
    """How samples lie in a stream: `encoding` one of `FORMATS`, `rate_hz`, number of `channels`."""

    encoding: str = "s16le"
    rate_hz: int = SAMPLE_RATE_HZ
    channels: int = 1

    def __post_init__(self) -> None:
        if not _LOWEST_RATE_HZ <= self.rate_hz <= _HIGHEST_RATE_HZ:
            raise AudioError(
                f"Sound at {self.rate_hz} Hz is not possible",
                f"Give a rate of {_LOWEST_RATE_HZ} to {_HIGHEST_RATE_HZ}",
            )


def stream_blocks(stream: IO[bytes], raw: StreamFormat, block_s: float) -> Iterator[FloatArray]:
    """Read a stream to its end.

    Args:
        stream: gives bytes as they arrive; a WAV header at its start says what follows.
        raw: what follows where there is no header.
        block_s: seconds of sound to wait for at a time.

    Yields:
        Mono, 16 kHz, float32 [N] about -1..1 before any gain, N about `block_s` (less at the end, and while a
        resampler fills).

    Raises:
        AudioError: the header is not that of a WAV stream of 16-bit or float samples, or nothing arrived.
    """
    start = stream.read(12)
    layout = raw
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        layout, start = _wav_header(stream), b""
    resampler, offset = Resampler(layout.rate_hz), OffsetFollower()
    dtype = FORMATS[layout.encoding]
    frame_bytes = dtype.itemsize * layout.channels
    block_bytes = frame_bytes * max(1, nearest_sample(block_s, layout.rate_hz))
    arrived = False
    while data := start + stream.read(max(0, block_bytes - len(start))):
        usable = len(data) - len(data) % frame_bytes  # a stream may end within a sample
        start = b""
        if not usable:
            break
        arrived = True
        block = np.frombuffer(data[:usable], dtype).astype(np.float32).reshape(-1, layout.channels)
        if layout.encoding == "s16le":
            block *= np.float32(1 / 32768)
        mono = valid_numbers(block).mean(axis=1, dtype=np.float32)
        yield offset.remove(resampler.feed(mono))
    if not arrived:
        raise AudioError("No sound arrived on standard input", "Check the program that sends it")
    yield offset.remove(resampler.finish())


def _wav_header(stream: IO[bytes]) -> StreamFormat:
    """Read up to the first sample of a WAV stream whose first 12 bytes are read already."""
    layout = None
    while len(head := stream.read(8)) == 8:
        name, size = head[:4], struct.unpack("<I", head[4:])[0]
        if name == b"data":
            if layout is None:
                break
            return layout
        if size > _LONGEST_CHUNK:
            break
        body = stream.read(size + size % 2)
        if name == b"fmt ":
            layout = _wav_format(body)
    raise AudioError(
        "The WAV header on standard input is damaged", "Send raw samples, and name their --format"
    )


def _wav_format(body: bytes) -> StreamFormat:
    if len(body) < 16:
        raise AudioError("The WAV header on standard input is damaged", "Send raw samples with --format")
    tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack("<H", body[24:26])
    encoding = {(_PCM, 16): "s16le", (_FLOAT, 32): "f32le"}.get((tag, bits))
    if encoding is None or not 1 <= channels <= _MOST_CHANNELS:
        raise AudioError(
            f"The WAV stream on standard input has {channels} channels of {bits}-bit samples (kind {tag})",
            "Send 16-bit or 32-bit float samples",
        )
    return StreamFormat(encoding, rate_hz, channels)


class OffsetFollower:
    """Takes a constant offset out of sound at 16 kHz, as far as the sound so far shows it.

    The mean over the last two seconds, brought up to date every 0.1 s of sound and reached in a straight line
    over the next 0.1 s: the result does not depend on the lengths of the blocks.
    """

    def __init__(self) -> None:
        self._from = self._to = 0.0
        self._sum = 0.0
        self._at = self._segments = 0

    def remove(self, samples: FloatArray) -> FloatArray:
        """float32 [N] -> float32 [N]."""
        out = [np.zeros(0, np.float32)]
        while len(samples):
            part, samples = np.split(samples, [_OFFSET_SEGMENT - self._at])
            share = np.arange(self._at + 1, self._at + 1 + len(part)) / _OFFSET_SEGMENT
            out.append(part - (self._from + (self._to - self._from) * share).astype(np.float32))
            self._sum += float(part.sum(dtype=np.float64))
            self._at += len(part)
            if self._at == _OFFSET_SEGMENT:
                self._segments += 1
                mean = self._sum / _OFFSET_SEGMENT
                step = (mean - self._to) / min(self._segments, _OFFSET_MEMORY)
                self._from, self._to = self._to, self._to + step
                self._sum, self._at = 0.0, 0
        return np.concatenate(out)
