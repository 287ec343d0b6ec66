"""Hours of speech need no more memory than minutes. The whole day: `tests/bench/growth.py`."""

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from batch_helpers import listed
from soliloquy.inference import cli
from soliloquy.inference.batch import records
from soliloquy.inference.batch.worker import run_task
from soliloquy.inference.commands import batch, batch_work

BENCH = Path(__file__).resolve().parents[1] / "bench"
HOURS = 0.8
MOST_MB_PER_HOUR = 2.0
"""A day would then take 48 MB. Keeping level and pitch of every row would take 4 an hour, the curves 40."""

ROWS, MOST_BYTES_PER_ROW = 20, 10_000
"""The curves of such a row alone take 22 kB, its sound 128 kB."""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells the memory of a process")
def test_hours_of_speech_take_no_more_memory_with_time():
    # Trimmed: what begins to stay would for hours find room in what the survey has left free.
    command = [sys.executable, str(BENCH / "endless.py"), "--hours", str(HOURS), "--trim"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
    looks = [json.loads(line) for line in done.stdout.splitlines()]
    assert {look["pass"] for look in looks} == {1, 2}, "the sound is surveyed, then performed"
    for number in (1, 2):
        hours, held = np.array([(look["hours"], look["mb"]) for look in looks if look["pass"] == number]).T
        later = hours > HOURS / 2  # the first twenty minutes of a sound are kept by design
        assert growth(hours[later], held[later]) < MOST_MB_PER_HOUR


def growth(times: np.ndarray, values: np.ndarray) -> float:
    """The median of all slopes between two points (Theil and Sen): steps of the allocator do not move it."""
    first, second = np.triu_indices(len(times), 1)
    return float(np.median((values[second] - values[first]) / (times[second] - times[first])))


def test_growth_is_seen_beside_steps_of_the_allocator():
    hours = np.linspace(0.4, 0.8, 13)
    steps = np.where(hours > 0.6, 4.0, 0.0)
    assert growth(hours, 180.0 + 3.0 * hours) == pytest.approx(3.0)
    assert growth(hours, 180.0 + np.where(hours > 0.75, 4.0, 0.0)) == 0.0
    assert growth(hours, 180.0 + 40.0 * hours + steps) > MOST_MB_PER_HOUR


def test_a_worker_keeps_nothing_of_its_rows(tmp_path):
    out, shots = tmp_path / "out", listed(tmp_path, 1, 2.0)
    records.prepare(out)
    arguments = cli._parser().parse_args(["batch", str(shots), "--out", str(out)])
    (task,), _ = batch.listed_tasks(arguments, cli.Console(quiet=True, as_json=False))
    handlers = batch_work.handlers()

    def work(rows: int) -> int:
        for _ in range(rows):
            assert run_task(task, out, handlers).state == "done"
        return tracemalloc.get_traced_memory()[0]

    work(3)  # models, modules, caches
    tracemalloc.start()
    try:
        before = work(3)
        assert (work(ROWS) - before) / ROWS < MOST_BYTES_PER_ROW
    finally:
        tracemalloc.stop()
