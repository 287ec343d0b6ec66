"""Workers' handlers for tests of the Ray engine; its workers import this file."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from soliloquy.inference import weight_files
from soliloquy.inference.batch.pool import Launcher
from soliloquy.inference.commands import batch_work

if TYPE_CHECKING:
    from soliloquy.inference.batch.types import Task
    from soliloquy.inference.batch.worker import Told


def telling() -> dict:
    """Curves, and in the notices where they were made and whether the weights lie in shared memory."""

    def curves(task: Task, folder: Path, told: Told) -> float:
        import ray

        seconds = batch_work.curves(task, folder, told)
        shared = [
            not one.flags.owndata and not one.flags.writeable for one in weight_files._handed_over.values()
        ]
        told.notify(f"node {ray.get_runtime_context().get_node_id()}")
        told.notify(f"process {os.getpid()}")
        told.notify(f"shared {bool(shared) and all(shared)}")
        return seconds

    return {"curves": curves}


def slow() -> dict:
    """Curves as `telling` makes them, a while later."""
    curves = telling()["curves"]

    def slowly(task: Task, folder: Path, told: Told) -> float:
        time.sleep(0.3)
        return curves(task, folder, told)

    return {"curves": slowly}


def deadly() -> dict:
    """Curves; row 2 kills its worker, row 4 never ends, row 6 does what nobody foresaw."""
    curves = telling()["curves"]

    def risky(task: Task, folder: Path, told: Told) -> float:
        if task.row == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if task.row == 4:
            time.sleep(3600)
        if task.row == 6:
            print("seen before the fault", file=sys.stderr)
            raise RuntimeError("unforeseen")
        return curves(task, folder, told)

    return {"curves": risky}


def none() -> dict:
    """Nothing that a worker does itself."""
    return {}


def programs(kinds: set) -> dict:
    """Workers as programs of their own; the folder is where the test says."""
    command = (sys.executable, "-m", "soliloquy", "batch-worker", "--out", os.environ["TEST_RAY_FOLDER"])
    return dict.fromkeys(kinds, Launcher(command))
