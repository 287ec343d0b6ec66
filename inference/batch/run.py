"""A batch from its tasks to its manifest: what both command lines run, with any engine.

list -> `shots.read_shots` -> Shot[] -> `plan.make_tasks` -> Task[] -> here: lock the folder, leave out what
is unchanged, let an engine do the rest (`pool.run_local`, `ray_engine.run_ray`), log, write the manifest.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DiskFullError, SoliloquyError
from ..version import version
from . import records
from .lock import folder_lock
from .pool import Finished
from .types import KINDS, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from .report import Report
    from .types import Task

    Engine = Callable[[Sequence[Task], Callable[[Task, float], None]], Generator[Finished, None, None]]
    """Does tasks in any order and tells their progress; closing it stops the work."""


@dataclass
class Summary:
    """How a run went."""

    results: list[Result] = field(default_factory=list)
    waiting: int = 0
    """Tasks that were not begun: the run was stopped at the first failure."""
    wall_s: float = 0.0

    @property
    def failed(self) -> list[Result]:
        """The tasks that failed, in the order of the list."""
        return sorted((one for one in self.results if one.state == "failed"), key=lambda one: one.task.row)

    @property
    def audio_s(self) -> float:
        """Seconds of sound that were animated."""
        return sum(one.audio_s for one in self.results if one.state == "done" and one.task.kind == "curves")

    def counts(self) -> dict[str, Counter[str]]:
        """For each kind, how many tasks ended in which state."""
        counts: dict[str, Counter[str]] = {}
        for kind in KINDS:
            states = [str(result.state) for result in self.results if result.task.kind == kind]
            if states:
                counts[kind] = Counter(states)
        return counts


def run_batch(
    tasks: Sequence[Task],
    listed: Sequence[Task],
    folder: Path,
    engine: Engine,
    report: Report,
    *,
    shared: bool = False,
    fail_fast: bool = False,
    overwrite: bool = False,
) -> Summary:
    """Do what is missing or changed.

    Args:
        tasks: what is wanted now.
        listed: all tasks of the list, for the manifest.
        folder: of the batch; made where it is missing.
        engine: who does the work.
        report: told what happens.
        shared: other shared runs work in the folder too: leftovers stay, and no manifest is written.
        fail_fast: begin nothing new after the first failure.
        overwrite: replace what this batch did not make, and what was changed since; otherwise such rows fail.

    Raises:
        BatchError: another run works in the folder.
        OutputError: the folder cannot be written to (any more); what was done stays.
    """
    records.prepare(folder)
    started = time.monotonic()
    with folder_lock(folder, report.notice, shared=shared):
        records.remove_leftovers(folder, tasks if shared else listed, shared=shared)
        summary = Summary()
        missing = _leave_out_unchanged(tasks, folder, summary)
        report.started(len(tasks), summary.results)
        try:
            missing = _leave_out_kept(missing, folder, report, summary, overwrite=overwrite)
            if not (fail_fast and summary.failed):
                _work(missing, folder, engine, report, summary, fail_fast=fail_fast)
        except BaseException:
            with suppress(SoliloquyError):  # what stopped the run is what the user has to know
                _tidy(folder, missing, shared=shared)
                _write_manifest(folder, listed, shared=shared)
            raise
        summary.waiting = len(tasks) - len(summary.results)
        _tidy(folder, missing, shared=shared)
        _write_manifest(folder, listed, shared=shared)
        summary.wall_s = time.monotonic() - started
    report.summary(summary)
    return summary


def _write_manifest(folder: Path, listed: Sequence[Task], *, shared: bool) -> None:
    if not shared:
        records.write_manifest(folder, version(), listed)


def _leave_out_unchanged(tasks: Sequence[Task], folder: Path, summary: Summary) -> list[Task]:
    missing = []
    for task in tasks:
        if records.is_unchanged(folder, task):
            summary.results.append(Result(task, "unchanged"))
        else:
            missing.append(task)
    return missing


def _leave_out_kept(
    tasks: list[Task], folder: Path, report: Report, summary: Summary, *, overwrite: bool
) -> list[Task]:
    """Rows whose outputs would replace what is not ours to replace fail before the work."""
    if overwrite:
        return tasks
    left = []
    for task in tasks:
        path = records.in_the_way(folder, task)
        if path is None:
            left.append(task)
            continue
        sentence = (
            f"'{path}' is kept: this batch did not make it, or it was changed since. "
            "Move it away, or replace it with --overwrite."
        )
        _ended(Finished(Result(task, "failed", sentence)), folder, report, summary)
    return left


def _tidy(folder: Path, tasks: Sequence[Task], *, shared: bool) -> None:
    """After the engine: what killed workers left goes, or is noted as half-finished."""
    records.remove_leftovers(folder, tasks, shared=shared)
    for task in tasks:
        records.note_unfinished(folder, task)


def _work(
    tasks: list[Task], folder: Path, engine: Engine, report: Report, summary: Summary, *, fail_fast: bool
) -> None:
    if not tasks:
        return
    with closing(engine(in_order(tasks), report.progress)) as working:
        for finished in working:
            _ended(finished, folder, report, summary)
            if fail_fast and finished.result.state == "failed":
                break


def _ended(finished: Finished, folder: Path, report: Report, summary: Summary) -> None:
    """Count, tell and log a result; where the folder has failed, all others would fail too."""
    result = finished.result
    summary.results.append(result)
    report.finished(result)
    if result.state == "failed":
        try:
            records.check_folder(folder)
            full = result.disk_full
        except DiskFullError:
            full = True
        if full:
            raise DiskFullError(
                f"The disk of '{folder}' is full: the run has stopped, and what it made is kept",
                "Free some space, then run it again",
            )
    when = datetime.now(UTC).isoformat(timespec="seconds")
    records.append_log(folder, result, when, finished.printed)


def in_order(tasks: Sequence[Task]) -> list[Task]:
    """Kind by kind, as each has a program of its own, and the longest first: no worker is left with it."""
    return sorted(tasks, key=lambda task: (KINDS.index(task.kind), -_size(task), task.row))


def _size(task: Task) -> int:
    try:
        return Path(task.audio).stat().st_size
    except OSError:
        return 0
