"""Decoding with Blender's own `aud`: m4a, mp4, mov, mkv, wma ... inside Blender, where PyAV is not installed.

`aud` hands out whole sounds only. What fits in one cut-out (minutes) is decoded in one piece; longer files
are read in cut-outs, each after a seek. A seek lands late in some containers (AAC in Matroska: up to 40 ms),
and a codec needs some sound after it before it is exact (half a second is enough for AAC, MP3 and Opus). So
every cut-out starts early, and is joined where its sound matches the sound that was already handed out.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ..inference.audio_decoders import BLOCK_VALUES, CONVERT_REMEDY, Sound, UnknownFormatError, shown
from ..inference.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import aud

    from ..inference.types import FloatArray

_CUTOUT_VALUES = 2**23
"""Values (frames x channels) in one cut-out: 32 MB."""
_LEAD_IN_S = 3
"""Whole seconds, so that a cut-out starts on a sample at every rate."""
_MATCH_S = 2.0
"""Sound before the joint that is compared; the rest of the lead-in is for the codec and the shift."""
_SHIFT_S = 0.1
_END_S = 0.5
"""A cut-out that is shorter than asked for by more than this ends at the end of the file."""
_ALIKE = 0.9
"""Correlation from which two stretches of sound are the same one."""


class AudDecoder:
    """Decodes with Blender's audio library. Safe in a thread: `aud` is not `bpy`."""

    name = "aud"

    @contextmanager
    def open(self, path: Path) -> Iterator[Sound]:
        """Open the file's first sound track; see `inference.audio_decoders.Decoder`."""
        import aud

        try:
            file = aud.Sound.file(str(path))
            rate_hz, channels = file.specs
        except (aud.error, UnicodeError) as error:
            raise UnknownFormatError(
                f"{shown(path)} holds no sound that Blender can read", CONVERT_REMEDY
            ) from error
        yield Sound(float(rate_hz), int(channels), _blocks(file, float(rate_hz), int(channels), path))


def _blocks(file: aud.Sound, rate_hz: float, channels: int, path: Path) -> Iterator[FloatArray]:
    """float32 [N, channels] blocks of a whole file, in bounded memory."""
    rows = max(1, BLOCK_VALUES // channels)
    for samples in _cutouts(file, rate_hz, channels, path):
        for first in range(0, len(samples), rows):
            yield np.array(samples[first : first + rows], np.float32)


def _cutouts(file: aud.Sound, rate_hz: float, channels: int, path: Path) -> Iterator[FloatArray]:
    """Consecutive float32 [N, channels] stretches of a file that join without a gap."""
    import aud

    length_s = max(4 * _LEAD_IN_S, int(_CUTOUT_VALUES / (rate_hz * channels)))
    position = 0  # rows handed out
    tail = np.zeros((0, channels), np.float32)
    while True:
        start_s = max(0, int(position / rate_hz) - _LEAD_IN_S)
        try:
            cutout = file.limit(start_s, start_s + length_s).data()
        except aud.error as error:
            raise AudioError(f"{shown(path)} cannot be decoded ({error})", CONVERT_REMEDY) from error
        joint = position - round(start_s * rate_hz)
        if position:
            joint += _shift(cutout, tail, joint, round(_SHIFT_S * rate_hz))
        if joint >= len(cutout):
            return
        yield cutout[joint:]
        if len(cutout) < (length_s - _END_S) * rate_hz:
            return
        position += len(cutout) - joint
        tail = np.array(cutout[-round(_MATCH_S * rate_hz) :])


def _shift(cutout: FloatArray, tail: FloatArray, joint: int, reach: int) -> int:
    """Rows by which the sound after `tail` starts later in a cut-out than at row `joint`, within +-reach.

    0 where it cannot be told: in silence, or when nothing there is like the tail.
    """
    first = max(0, joint - len(tail) - reach)
    around = cutout[first : joint + reach]
    channel = int(np.square(tail).sum(axis=0).argmax())
    wanted, found = tail[:, channel].astype(np.float64), around[:, channel].astype(np.float64)
    size = len(found) - len(wanted) + 1
    if size < 1 or not wanted.any():
        return 0
    padded = 1 << (len(found) + len(wanted)).bit_length()
    spectrum = np.fft.rfft(found, padded) * np.conj(np.fft.rfft(wanted, padded))
    product = np.fft.irfft(spectrum, padded)[:size]
    energy = np.cumsum(np.concatenate([[0.0], np.square(found)]))
    power = np.maximum(energy[len(wanted) :] - energy[:size], 1e-12) * np.square(wanted).sum()
    likeness = product / np.sqrt(power)
    best = int(likeness.argmax())
    return first + best + len(tail) - joint if likeness[best] > _ALIKE else 0
