"""Whether a batch survives: `python tests/bench/kills.py [--kills N] [--seed N] [--json FILE]` (Linux).

Runs of `soliloquy batch` over sounds of 0.2 to 20 s are killed with signal 9 at random moments: one worker,
the driver, or the driver and its workers at once. Then the work goes on, as a user would go on with it. After
every kill each output that is there is compared with that of an undisturbed run, byte by byte, and each
record with the file that it speaks of; when a run has come to its end, that everything is there and nothing
else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

VICTIMS = ("worker", "driver", "everything")
WORKERS = 2
RATE_HZ = 16_000
ROWS = 36


def make_list(folder: Path, rows: int) -> Path:
    """Sounds that rise and fall like syllables, and their list.

    Every third one is longer: its file is being written for most of the time that it takes.
    """
    random_numbers = np.random.default_rng(7)
    names = []
    for row in range(rows):
        seconds = random_numbers.uniform(10.0, 20.0) if row % 3 == 0 else random_numbers.uniform(0.2, 1.2)
        time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
        loud = 0.15 * np.abs(np.sin(2 * np.pi * 3.0 * time_s))
        soundfile.write(
            folder / f"line_{row:02d}.wav", loud * random_numbers.normal(size=len(time_s)), RATE_HZ
        )
        names.append(f"line_{row:02d}.wav")
    shots = folder / "shots.csv"
    shots.write_text("\n".join(["audio", *names]) + "\n")
    return shots


def start(shots: Path, out: Path, told: Path) -> subprocess.Popen[bytes]:
    """The command, in a process of its own; what it tells goes to a file."""
    command = [sys.executable, "-m", "soliloquy", "batch", str(shots), "--out", str(out)]
    with told.open("wb") as stdout, told.with_suffix(".err").open("wb") as stderr:
        return subprocess.Popen(
            [*command, "--workers", str(WORKERS), "--json"],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )


def children(pid: int) -> list[int]:
    """Processes that a process started and that still run."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def sha256_of(path: Path) -> str:
    """Of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass
class Count:
    """What happened."""

    kills: Counter[str] = field(default_factory=Counter)
    torn: int = 0
    """Outputs that are not those of the undisturbed run."""
    untrue: int = 0
    """Records of files that are not there or not so."""
    lost: int = 0
    """Outputs that a run which came to its end did not leave, or did not list."""
    leftovers: int = 0
    """Temporary files and marks after a run that came to its end."""
    interrupted: int = 0
    """Rows that a kill met in the middle; they are done again."""
    redone: int = 0
    """Rows that were done and were made again nevertheless."""
    orphans: int = 0
    """Workers that outlived their driver by more than a minute."""
    failed_rows: int = 0
    """Rows that lost both of their workers: they fail, and the next run does them."""
    refused: int = 0
    """Runs that ended otherwise than with 0, or with 1 where rows lost their workers."""
    runs: int = 0
    finished: int = 0

    def faults(self) -> int:
        """What must be 0."""
        return (
            self.torn + self.untrue + self.lost + self.leftovers + self.redone + self.orphans + self.refused
        )


class Folder:
    """One output folder, from its first run to the one that comes to its end."""

    def __init__(self, place: Path, shots: Path, true: dict[str, str], count: Count) -> None:
        self.out, self._told = place / "out", place / "told"
        self._shots, self._true, self._count = shots, true, count
        place.mkdir()
        self.driver = self._started()

    def kill(self, victim: str) -> None:
        """Kill, look at what is there, and go on."""
        workers = children(self.driver.pid)
        if self.driver.poll() is not None or (victim != "driver" and not workers):
            return
        victims = {
            "worker": [random.choice(workers)] if workers else [],
            "driver": [self.driver.pid],
            "everything": [self.driver.pid, *workers],
        }[victim]
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._count.kills[victim] += 1
        self._count.interrupted += len(list(self.out.glob(".soliloquy/records/*.begun")))
        self._was_met = True
        self._look()
        if victim != "worker":
            self.driver.wait()
            self._hear()
            if random.random() < 0.5:  # otherwise the next run meets the workers of this one
                self._wait_for(workers)
            self.driver = self._started()
            self._look()
            self._wait_for(workers)

    def has_ended(self) -> bool:
        """Whether the run came to its end with nothing left to do; one with rows that failed goes on."""
        code = self.driver.poll()
        if code is None:
            return False
        self._look()
        failed = self._hear()
        if code != (1 if failed else 0):
            self._count.refused += 1
        if code not in (0, 1) or (code and not self._was_met):
            print(self._told.with_suffix(".err").read_text()[-2000:], file=sys.stderr)
        if code != 0 and self._was_met:
            self.driver = self._started()
            return False
        self._count.refused += code != 0  # nobody disturbed it
        self._count.finished += 1
        self._look_at_the_end()
        return True

    def _started(self) -> subprocess.Popen[bytes]:
        self._kept = {name for name, _ in self._records()}
        self._count.runs += 1
        self._was_met = False
        return start(self._shots, self.out, self._told)

    def _wait_for(self, workers: list[int]) -> None:
        limit_s = time.monotonic() + 60.0
        while any(map(is_alive, workers)) and time.monotonic() < limit_s:
            time.sleep(0.01)
        self._count.orphans += sum(map(is_alive, workers))

    def _records(self) -> list[tuple[str, str]]:
        """Names and hashes of files that records say are done."""
        found = []
        for path in self.out.glob(".soliloquy/records/*.json"):
            record = json.loads(path.read_text())
            if record["key"]:
                found += [(one["path"], one["sha256"]) for one in record["made"]]
        return found

    def _look(self) -> None:
        for path in self.out.glob("*.csv"):
            self._count.torn += sha256_of(path) != self._true.get(path.name)
        for name, sha256 in self._records():
            path = self.out / name
            self._count.untrue += sha256 != self._true[name] or not path.exists() or sha256_of(path) != sha256

    def _hear(self) -> int:
        """Count the rows that were made although a record said that they were done; how many failed."""
        failed = 0
        for line in self._told.read_text().splitlines():
            with suppress(ValueError):  # the last line of a driver that was killed
                event = json.loads(line)
                if event["event"] == "row":
                    self._count.redone += event["state"] == "done" and event["outputs"][0] in self._kept
                    failed += event["state"] == "failed"
        self._count.failed_rows += failed
        return failed

    def _look_at_the_end(self) -> None:
        there = {path.name for path in self.out.glob("*.csv")}
        listed = json.loads((self.out / "manifest.json").read_text())["tasks"]
        done = {file["path"]: file["sha256"] for task in listed for file in task["files"]}
        self._count.lost += len(set(self._true) - there) + sum(
            done.get(n) != s for n, s in self._true.items()
        )
        names = [path.name for path in self.out.rglob("*")]
        self._count.leftovers += sum(".tmp" in name or name.endswith(".begun") for name in names)


def measure(kills: int, rows: int, folder: Path) -> Count:
    """Kill so many times, beginning anew in another folder whenever all is done."""
    count = Count()
    shots = make_list(folder, rows)
    began = time.monotonic()
    if start(shots, folder / "true", folder / "true.told").wait() != 0:
        sys.exit((folder / "true.err").read_text())
    usual_s = time.monotonic() - began
    true = {path.name: sha256_of(path) for path in (folder / "true").glob("*.csv")}
    if len(true) != rows:
        sys.exit(f"The undisturbed run made {len(true)} of {rows} outputs")
    number = 0
    while sum(count.kills.values()) < kills:
        number += 1
        place = Folder(folder / f"{number:04d}", shots, true, count)
        while not place.has_ended():
            if sum(count.kills.values()) < kills:
                time.sleep(random.uniform(0.0, 0.7 * usual_s))
                place.kill(random.choice(VICTIMS))
            else:
                place.driver.wait()
    return count


def table(count: Count) -> str:
    """The count as markdown."""
    rows = [(f"kills of: {victim}", count.kills[victim]) for victim in VICTIMS]
    rows += [
        ("kills", sum(count.kills.values())),
        ("runs that were started", count.runs),
        ("folders that were finished", count.finished),
        ("rows met in the middle, and done again", count.interrupted),
        ("rows that lost both workers, and were done by the next run", count.failed_rows),
        ("**torn outputs**", count.torn),
        ("**records that are not true**", count.untrue),
        ("**lost outputs**", count.lost),
        ("**leftovers after the end**", count.leftovers),
        ("**rows redone without need**", count.redone),
        ("**workers that outlived their driver**", count.orphans),
        ("**runs refused**", count.refused),
    ]
    return "\n".join(["| what | count |", "|---|---:|", *(f"| {what} | {number} |" for what, number in rows)])


def main() -> int:
    """Measure, print, and fail where something must be 0 and is not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        count = measure(arguments.kills, arguments.rows, Path(folder))
    print(table(count))
    if arguments.json:
        values = {**vars(count), "seed": arguments.seed, "rows": arguments.rows}
        arguments.json.write_text(json.dumps(values, indent=1) + "\n")
    return 1 if count.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
