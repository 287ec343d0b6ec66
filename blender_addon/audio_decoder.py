"""Decoding with Blender's own `aud`: m4a, mp4, mov, mkv, wma ... inside Blender, where PyAV is not installed.

`aud` hands out whole sounds only, so a file is read in cut-outs of a few seconds, each decoded on its own.
After a seek a codec needs some sound before it is exact (AAC: one frame; measured: half a second is enough
for AAC, MP3 and Opus), so every cut-out starts early and its beginning is dropped.
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

_LEAD_IN_S = 1
_CUTOUT_VALUES = 2**22
"""Values (frames x channels) in one cut-out: 16 MB."""
_LONGEST_CUTOUT_S = 20


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
    import aud

    # Whole seconds: a cut-out's edges then fall on samples at every rate.
    cutout_s = int(np.clip(_CUTOUT_VALUES // max(1, rate_hz * channels), 1, _LONGEST_CUTOUT_S))
    rows = max(1, BLOCK_VALUES // channels)
    start_s = 0
    while True:
        lead_in_s = min(_LEAD_IN_S, start_s)
        try:
            cutout = file.limit(start_s - lead_in_s, start_s + cutout_s).data()
        except aud.error as error:
            raise AudioError(f"{shown(path)} cannot be decoded ({error})", CONVERT_REMEDY) from error
        samples = cutout[round(lead_in_s * rate_hz) :]
        for first in range(0, len(samples), rows):
            yield np.array(samples[first : first + rows], np.float32)
        # `limit` may leave out one sample at its end; less than that is the end of the file.
        if len(samples) < round(cutout_s * rate_hz) - 1:
            return
        start_s += cutout_s
