"""What a batch tells while it runs: a bar and a table for a person, JSON lines for a machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..console import Console
    from .run import Summary
    from .types import Result, Task

_BAR: Final = 24
_BETWEEN_S: Final = 0.1
"""Between two drawings of the bar."""
_QUIET_BETWEEN_S: Final = 30.0
"""Between two lines where nobody watches a terminal."""
_STATES: Final = ("done", "unchanged", "failed")


class Report:
    """Told what happens by the run; tells it on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = self._ended = self._failed = self._unchanged = 0
        self._started = self._drawn = time.monotonic()
        self._shares: dict[str, float] = {}

    def notice(self, sentence: str) -> None:
        """Something worth knowing about the whole run."""
        self._console.notice(None, sentence)

    def started(self, total: int, unchanged: Sequence[Result]) -> None:
        """The run begins; some of its tasks were done before."""
        self._total, self._ended, self._unchanged = total, len(unchanged), len(unchanged)
        self._started = self._drawn = time.monotonic()
        self._console.event("batch", tasks=total, unchanged=len(unchanged))
        if unchanged and len(unchanged) < total:
            self._console.notice(None, f"{len(unchanged)} of {total} are unchanged and kept")

    def progress(self, task: Task, share: float) -> None:
        """A task is so far, 0..1; called from the engine's threads."""
        self._shares[task.name] = min(max(share, 0.0), 1.0)
        self._console.event(
            "progress", row=task.row, kind=task.kind, output=task.name, progress=round(share, 4)
        )
        self._draw()

    def finished(self, result: Result) -> None:
        """A task has ended."""
        self._ended += 1
        self._failed += result.state == "failed"
        self._shares.pop(result.task.name, None)
        task = result.task
        self._console.event(
            "row",
            row=task.row,
            kind=task.kind,
            state=result.state,
            outputs=list(task.outputs),
            problem=result.problem,
            notices=list(result.notices),
            seconds=round(result.seconds, 3),
        )
        if result.state == "failed":
            self._console.say(f"Row {task.row}: {result.problem}")
        self._draw()

    def summary(self, summary: Summary) -> None:
        """The run has ended: a table of what became of the tasks."""
        counts = summary.counts()
        faster = summary.audio_s / summary.wall_s if summary.wall_s > 0.0 else 0.0
        self._console.event(
            "summary",
            counts={kind: dict(states) for kind, states in counts.items()},
            waiting=summary.waiting,
            audio_s=round(summary.audio_s, 3),
            wall_s=round(summary.wall_s, 3),
        )
        self._console.table(
            ["", *_STATES],
            [[kind, *(str(states[state]) for state in _STATES)] for kind, states in counts.items()],
        )
        speech = f"{summary.audio_s:.0f} s of speech" if summary.audio_s else "Ended"
        digits = 0 if faster >= 10.0 else 1  # renders are slower than speech
        rate = f", {faster:.{digits}f} times as fast as it is spoken" if faster else ""
        self._console.inform(f"{speech} in {summary.wall_s:.1f} s{rate}")
        if summary.failed:
            rows = [str(row) for row in dict.fromkeys(one.task.row for one in summary.failed)]
            listed = ",".join(rows[:20]) + (" ..." if len(rows) > 20 else "")
            self._console.inform(
                f"Failed: --only {listed} runs them again; each has a log in .soliloquy/logs"
            )
        if summary.waiting:
            self._console.inform(f"{summary.waiting} were not begun (--fail-fast)")

    def _draw(self) -> None:
        now = time.monotonic()
        wait_s = _BETWEEN_S if self._console.is_live else _QUIET_BETWEEN_S
        if now - self._drawn < wait_s and self._ended < self._total:
            return
        self._drawn = now
        share = (self._ended + sum(self._shares.copy().values())) / max(self._total, 1)
        line = f"{self._ended}/{self._total}"
        line += f"  {self._failed} failed" if self._failed else ""
        fresh = share * self._total - self._unchanged
        if fresh > 0.0 and share < 1.0:
            line += f"  {_clock((now - self._started) / fresh * (1.0 - share) * self._total)} left"
        if self._console.is_live:
            full = int(share * _BAR)
            self._console.status(f"[{'#' * full}{'.' * (_BAR - full)}] {line}")
        elif self._ended < self._total:
            self._console.inform(line)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
