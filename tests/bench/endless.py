"""Hours of speech that take no disk: `python tests/bench/endless.py --hours 24`.

A decoder gives the shipped sample again and again; everything else is what `soliloquy animate` does, from
opening the sound to the text of the table. Prints JSON lines: which pass over the sound (it is surveyed, then
performed), hours of sound so far, megabytes that the process holds. Linux only.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: it reads this once

import argparse
import ctypes
import json
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from measure import RATE_HZ, resident_mb, speech
from soliloquy.inference.audio_decoders import Sound
from soliloquy.inference.formats.arkit_csv import write_csv
from soliloquy.inference.performance.direction import Direction
from soliloquy.inference.pipeline import AnimateSettings, animate_file
from soliloquy.inference.session import load_speech_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

_BLOCK_S = 2.0
_LOOK_S = 120.0
"""Seconds of sound between two looks at the memory."""


class Repeated:
    """A decoder of a sound that repeats: see `audio_decoders.Decoder`."""

    name = "repeated"

    def __init__(self, hours: float, watch: Callable[[int, float], None]) -> None:
        self._samples = round(hours * 3600.0 * RATE_HZ)
        self._watch = watch
        self._opened = 0

    @contextmanager
    def open(self, path: Path) -> Iterator[Sound]:
        """The sound, whatever the file is."""
        self._opened += 1
        yield Sound(RATE_HZ, 1, self._blocks())

    def _blocks(self) -> Iterator[np.ndarray]:
        block, given, looked = speech(_BLOCK_S)[:, None], 0, 0
        while given < self._samples:
            if given >= looked:
                self._watch(self._opened, given / RATE_HZ)
                looked += round(_LOOK_S * RATE_HZ)
            part = block[: self._samples - given].copy()
            given += len(part)
            yield part


def perform(hours: float, watch: Callable[[int, float], None]) -> None:
    """Animate so many hours as the command does, into nothing.

    Args:
        watch: told the number of the pass, and the seconds of sound that it has read.
    """
    settings = AnimateSettings(direction=Direction())
    with tempfile.NamedTemporaryFile("w", suffix=".endless") as file:
        file.write("the sample, again and again")  # no other decoder takes this for a sound
        file.flush()
        decoders = [Repeated(hours, watch)]
        write_csv(os.devnull, animate_file(file.name, load_speech_model(), settings, decoders=decoders))


def main() -> None:
    """Print the memory over time."""
    parser = argparse.ArgumentParser(description="Memory of the process over hours of speech.")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument(
        "--trim", action="store_true", help="give back what is free before every look (glibc)"
    )
    arguments = parser.parse_args()
    libc = ctypes.CDLL(None) if arguments.trim else None

    def look(number: int, second: float) -> None:
        if libc is not None and hasattr(libc, "malloc_trim"):
            libc.malloc_trim(0)
        print(json.dumps({"pass": number, "hours": second / 3600.0, "mb": resident_mb()}), flush=True)

    perform(arguments.hours, look)


if __name__ == "__main__":
    main()
