"""`soliloquy batch` as it is, but for the model: its workers do what the names of the sounds say.

`python batch_doubles.py batch ...` is the command, `python batch_doubles.py worker DIR` one of its workers.
A sound called `slow_*` is waited for until a file `go` lies beside it, `hang_*` for ever; the others are done
at once. The curve file is made of the sound's bytes, in several pieces.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from soliloquy.inference import cli
from soliloquy.inference.batch.pool import Launcher
from soliloquy.inference.batch.worker import serve
from soliloquy.inference.commands import batch
from soliloquy.inference.files import atomic_write

if TYPE_CHECKING:
    from soliloquy.inference.batch.types import Task
    from soliloquy.inference.batch.worker import Told

FULL, CLOCK = "SOLILOQUY_TEST_FULL", "SOLILOQUY_TEST_CLOCK"
"""A file that fills the disk while it exists; seconds by which the clock jumps, to and fro, at every look."""


def content(task: Task) -> list[str]:
    """The pieces of a task's curve file."""
    seed = hashlib.sha256(Path(task.audio).read_bytes() + repr(sorted(task.options.items())).encode())
    return [f"{hashlib.sha256(seed.digest() + bytes([piece])).hexdigest()}\n" * 64 for piece in range(8)]


def curves(task: Task, folder: Path, told: Told) -> float:
    """Write the file of a task."""
    sound = Path(task.audio)
    pieces = content(task)
    with atomic_write(folder / task.outputs[0]) as stream:
        for done, piece in enumerate(pieces):
            stream.write(piece)
            stream.flush()
            told.progress(done / len(pieces))
        while sound.name.startswith("slow_") and not (sound.parent / "go").exists():
            told.progress(0.5)
            time.sleep(0.01)
        while sound.name.startswith("hang_"):
            time.sleep(1.0)
    return 1.0


def disk_fills_up(file: Path) -> None:
    """From now on nothing more reaches the disk while a file exists."""
    usual = os.fsync

    def fsync(descriptor: int) -> None:
        if file.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        usual(descriptor)

    os.fsync = fsync


def clock_jumps(by_s: float) -> None:
    """From now on the wall clock is set at every look, forwards and backwards in turn."""
    usual, looks = time.time, iter(range(sys.maxsize))
    time.time = lambda: usual() + (by_s if next(looks) % 2 else -by_s)
    time.time_ns = lambda: int(time.time() * 1e9)


def main() -> int:
    """The command or one of its workers."""
    if FULL in os.environ:
        disk_fills_up(Path(os.environ[FULL]))
    if CLOCK in os.environ:
        clock_jumps(float(os.environ[CLOCK]))
    if sys.argv[1] == "worker":
        serve({"curves": curves}, Path(sys.argv[2]))
        return 0
    batch._own_launchers = lambda arguments, kinds: dict.fromkeys(
        kinds, Launcher((sys.executable, __file__, "worker", str(arguments.out.absolute())))
    )
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
