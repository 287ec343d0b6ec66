"""One pass over a sound file: which channels to listen to, how loud it is, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from .audio_decoders import shown
from .audio_mono import SAMPLE_RATE_HZ, ChannelMeter, Mix, Resampler, valid_numbers
from .errors import AudioError
from .loudness import LevelMeter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from .audio_decoders import Decoder, Sound
    from .types import FloatArray

_LOWEST_RATE_HZ, _HIGHEST_RATE_HZ = 1_000, 768_000
_HEAD_BYTES = 16 * 2**20
"""Decoded sound to look at before channels are chosen for the first time."""
_KEPT_SAMPLES = 20 * 60 * SAMPLE_RATE_HZ
"""Recordings up to this length stay in memory between survey and reading: 77 MB."""
_METER_SAMPLES = 400
"""The level meter's window: shorter sounds are padded to it."""


class Track:
    """The mono 16 kHz sound that one mix makes of a file: measured, and kept while it is short."""

    def __init__(self, mix: Mix, pieces: Iterable[FloatArray]) -> None:
        self.mix = mix
        self.meter = LevelMeter()
        self.samples = 0
        kept: list[FloatArray] = []
        for piece in pieces:
            self.samples += len(piece)
            self.meter.add(piece)
            kept.append(piece)
            if self.samples > _KEPT_SAMPLES:
                kept.clear()
        if self.samples < _METER_SAMPLES:
            self.meter.add(np.zeros(_METER_SAMPLES - self.samples, np.float32))
        self.kept = kept if self.samples <= _KEPT_SAMPLES else None
        """Pieces float32 [N] of the whole sound where it is short, before any gain."""


@dataclass(frozen=True)
class Survey:
    """What a file holds, and how to read it again."""

    decoder: Decoder
    meter: ChannelMeter
    track: Track
    failure: AudioError | None
    """Why decoding ended early; the track holds the sound up to there."""
    promised_s: float | None
    notices: tuple[str, ...]


def survey_sound(path: Path, decoder: Decoder) -> Survey:
    """Go through a file once, and a second time only if its beginning suggested the wrong channels.

    Raises:
        AudioError: the decoder refuses the file, or finds no sound in it.
    """
    with decoder.open(path) as sound:
        _check_format(path, sound)
        meter = ChannelMeter(sound.channels, sound.rate_hz)
        blocks = _Blocks(sound, meter)
        head = _head(blocks)
        if not meter.frames:
            raise blocks.failure or AudioError(f"{shown(path)} holds no sound", "Record or export it again")
        mix = meter.choose()
        track = Track(mix, _to_mono(chain(head, blocks), mix, sound.rate_hz))
        promised_s, notices = sound.promised_s, tuple(sound.notices)
    final = meter.choose()
    if not mix.serves_as(final):
        track = Track(final, decode_mono(path, decoder, final))
    return Survey(decoder, meter, track, blocks.failure, promised_s, notices)


def decode_mono(path: Path, decoder: Decoder, mix: Mix) -> Iterator[FloatArray]:
    """Decode a file that was surveyed: pieces of mono 16 kHz sound, float32 [N], before any gain."""
    with decoder.open(path) as sound:
        yield from _to_mono(_Blocks(sound, None), mix, sound.rate_hz)


def _to_mono(blocks: Iterable[FloatArray], mix: Mix, rate_hz: float) -> Iterator[FloatArray]:
    resampler = Resampler(rate_hz)
    for block in blocks:
        yield resampler.feed(mix.apply(block))
    yield resampler.finish()


class _Blocks:
    """The blocks of a sound with valid numbers only, up to the end or to where decoding fails."""

    def __init__(self, sound: Sound, meter: ChannelMeter | None) -> None:
        self._blocks = sound.blocks
        self._meter = meter
        self.failure: AudioError | None = None

    def __iter__(self) -> Iterator[FloatArray]:
        return self

    def __next__(self) -> FloatArray:
        try:
            block = next(self._blocks)
        except AudioError as error:
            self.failure = error
            raise StopIteration from None
        return valid_numbers(block) if self._meter is None else self._meter.add(block)


def _head(blocks: Iterable[FloatArray]) -> list[FloatArray]:
    """The first blocks: enough to choose channels by."""
    head: list[FloatArray] = []
    size = 0
    for block in blocks:
        head.append(block)
        size += block.nbytes
        if size >= _HEAD_BYTES:
            break
    return head


def _check_format(path: Path, sound: Sound) -> None:
    remedy = "Save or copy the file again, or convert it to WAV or FLAC"
    if not _LOWEST_RATE_HZ <= sound.rate_hz <= _HIGHEST_RATE_HZ:
        cause = f"The header of {shown(path)} states an impossible sample rate ({sound.rate_hz:.0f} Hz)"
        raise AudioError(cause, remedy)
    if sound.channels < 1:
        raise AudioError(f"The header of {shown(path)} states no channels", remedy)
