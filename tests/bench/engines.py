"""Ray beside the local pool: the same list on as many workers, files compared by their hashes.

    python tests/bench/engines.py [--quick] [--json FILE]

The engines take turns, and the least of each counts: other programs on the machine disturb both, the time on
the clock much more than the CPU time, which for Ray is that of the driver and of the whole cluster.
The cluster is started before, by this program; what a Ray of the batch's own costs at start is told apart.
Linux only.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: it reads this once
import argparse
import json
import shutil
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Cell, Table, children, run_program, soliloquy, tell, write_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE_S = 4.0
_WORKERS = 2
_LOOK_S = 0.1
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_worker_niceness": "0",  # by default Ray's workers yield to all others
}
_GOAL = 1.2


def tables(folder: Path, *, quick: bool) -> list[Table]:
    """Time of each engine, and the ratio.

    Raises:
        RuntimeError: an engine made other files than the local pool.
    """
    count, repeats = (100, 2) if quick else (500, 3)
    shots = write_lines(folder / "lines", count, _LINE_S)
    usual = ("--workers", f"{_WORKERS}")
    local: list[_Took] = []
    clustered: list[_Took] = []
    with _cluster() as address:
        for _ in range(repeats):
            local.append(_run(shots, folder / "out", *usual))
            clustered.append(_run(shots, folder / "out", "--engine", "ray", "--address", address))
        own = [_run(shots, folder / "out", "--engine", "ray", *usual)]
    if any(one.manifest != local[0].manifest for one in (*local, *clustered, *own)):
        raise RuntimeError("the engines made different files")
    rows = [
        _row("local pool", local, local),
        _row("Ray, a running cluster", clustered, local, with_goal=True),
        _row("Ray, started for the run", own, local),
    ]
    return [
        Table(
            f"{count} lines of {_LINE_S:g} s on {_WORKERS} workers, by engine (programs' start-up included)",
            ("engine", "CPU s", "x local", "goal", "wall s", "x local's", "all runs, wall s"),
            rows,
            f"All {count} files and the manifests are the same bytes on all engines.",
        )
    ]


@dataclass(frozen=True)
class _Took:
    """A fresh run: what it made, its seconds on the clock, and CPU seconds of all that worked for it."""

    manifest: dict[str, object]
    wall_s: float
    cpu_s: float


def _run(shots: Path, out: Path, *arguments: str) -> _Took:
    with _counted() as cpu_s:
        used = run_program(soliloquy("batch", shots, "--out", out, "--quiet", *arguments))
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    shutil.rmtree(out)
    return _Took(manifest, used.wall_s, sum(cpu_s.values()))


@contextmanager
def _counted() -> Iterator[dict[int, float]]:
    """CPU seconds, by process, of all below this one while the block runs.

    They are looked at again and again: what Ray's workers took is told to nobody when they end.
    """
    before = _cpu_below(os.getpid())
    taken: dict[int, float] = {}
    ended = threading.Event()

    def look() -> None:
        taken.update({pid: cpu_s - before.get(pid, 0.0) for pid, cpu_s in _cpu_below(os.getpid()).items()})

    def watch() -> None:
        while not ended.wait(_LOOK_S):
            look()

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield taken
    finally:
        ended.set()
        watching.join()
        look()


def _cpu_below(pid: int) -> dict[int, float]:
    found = {}
    for child in children(pid):
        with suppress(OSError):  # it has just ended
            text = Path(f"/proc/{child}/stat").read_text(encoding="utf-8", errors="replace")
            ticks = sum(map(int, text.rpartition(")")[2].split()[11:13]))
            found[child] = ticks / os.sysconf("SC_CLK_TCK")
        found |= _cpu_below(child)
    return found


def _row(name: str, taken: list[_Took], local: list[_Took], *, with_goal: bool = False) -> tuple[Cell, ...]:
    cpu_s, wall_s = min(one.cpu_s for one in taken), min(one.wall_s for one in taken)
    ratio = cpu_s / min(one.cpu_s for one in local)
    goal = f"<= {_GOAL:g} {'(met)' if ratio <= _GOAL else '**(missed)**'}" if with_goal else ""
    slower = wall_s / min(one.wall_s for one in local)
    return name, cpu_s, ratio, goal, wall_s, slower, ", ".join(f"{one.wall_s:.1f}" for one in taken)


@contextmanager
def _cluster() -> Iterator[str]:
    """The address of a cluster of one node, which programs that are started meanwhile may use."""
    before = dict(os.environ)
    os.environ |= {**_ENVIRONMENT, "RAY_AUTH_TOKEN": os.urandom(32).hex()}
    from ray.cluster_utils import Cluster
    from soliloquy.inference.batch.ray_engine import _offline

    head = {"num_cpus": _WORKERS, "object_store_memory": 128 * 2**20, "include_dashboard": False}
    with _offline():
        cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield cluster.address
    finally:
        cluster.shutdown()
        os.environ.clear()
        os.environ |= before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Ray beside the local pool.")
    parser.add_argument("--quick", action="store_true", help="100 lines, two turns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table for machines")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = tables(Path(folder), quick=arguments.quick)
    tell(found, arguments.json)


if __name__ == "__main__":
    sys.exit(main())
