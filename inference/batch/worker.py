"""A worker: a process that does tasks one after the other, and the few lines that it exchanges with a run.

In: one `Task` a line (JSON) on stdin. Out: lines on stdout that begin with `MARK`, then JSON: any number of
`{"event": "progress", "share": 0..1}`, one `{"event": "result", ...}` with the fields of `Result`. Where
stdin ends, whoever wanted the work has gone: the worker ends at once, also in the middle of a task.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from ..errors import DiskFullError, SoliloquyError
from ..safe_names import inside
from .records import STATE, begin, check_folder, make_below, note_unfinished, write_record
from .types import Result, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .types import Kind

    Handler = Callable[["Task", Path, "Told"], float]
    """Makes the outputs of a task below the batch's folder, atomically; returns the seconds of sound."""

MARK: Final = "@soliloquy "
FENCE: Final = f"{MARK}end of row"
"""Last line of a task on stderr: what comes before belongs to its log."""
SECONDS_BETWEEN: Final = 0.5
"""Between two lines of progress: a driver needs no more."""
_LEFT_ALONE: Final = 3
"""Exit code of a worker that nobody wants any more."""


@dataclass
class Told:
    """What a handler tells while it works."""

    progress: Callable[[float], None] = lambda share: None
    notices: list[str] = field(default_factory=list)

    def notify(self, sentence: str) -> None:
        """A sentence worth knowing about this row."""
        self.notices.append(sentence)


def run_task(
    task: Task,
    folder: Path,
    handlers: Mapping[Kind, Handler],
    progress: Callable[[float], None] = lambda share: None,
) -> Result:
    """Do a task; whatever happens becomes a result.

    Args:
        folder: of the batch, prepared.
        handlers: for each kind that this worker can do.
        progress: called with the share done, 0..1.
    """
    started, told = time.monotonic(), Told(progress)

    def ended(state: Any, problem: str = "", audio_s: float = 0.0, *, disk_full: bool = False) -> Result:
        notices = tuple(dict.fromkeys(told.notices))
        return Result(task, state, problem, time.monotonic() - started, audio_s, notices, disk_full)

    def failed(problem: str, *, disk_full: bool = False) -> Result:
        with contextlib.suppress(SoliloquyError):  # the mark stays, and says the same
            note_unfinished(folder, task)
        return ended("failed", problem, disk_full=disk_full)

    try:
        if not (folder / STATE).is_dir():
            check_folder(folder)  # never made again here: its disk may just be away
        places = [inside(folder, output) for output in task.outputs]
        begin(folder, task)
        for place in places:
            make_below(folder, place.parent)
        audio_s = handlers[task.kind](task, folder, told)
        write_record(folder, task)
        return ended("done", audio_s=audio_s)
    except SoliloquyError as error:
        return failed(str(error), disk_full=isinstance(error, DiskFullError))
    except MemoryError:
        return failed(f"There is not enough memory for '{task.audio}'. Use fewer --workers.")
    except Exception as error:  # one row that we cannot cope with must not lose the others
        traceback.print_exc()
        what = f"'{task.audio}' met a fault in Soliloquy itself ({type(error).__name__}: {error})"
        return failed(f"{what}. Please report it with the log of this row.")


def serve(handlers: Mapping[Kind, Handler], folder: Path, stdin: Iterable[bytes] | None = None) -> None:
    """Do the tasks that come in on `stdin` (default: the process's) until it ends.

    What else is printed on the process's stdout, by C code too, goes to stderr from here on.
    """
    tasks: queue.Queue[str] = queue.Queue()
    with _own_stdout() as out:
        threading.Thread(target=_read, args=(stdin or sys.stdin.buffer, tasks), daemon=True).start()
        _send(out, event="ready")
        while line := tasks.get():
            task = Task.from_json(line)
            spoken = [time.monotonic()]

            def progress(share: float, spoken: list[float] = spoken) -> None:
                if time.monotonic() - spoken[0] >= SECONDS_BETWEEN:
                    spoken[0] = time.monotonic()
                    _send(out, event="progress", share=round(share, 4))

            sys.stderr.flush()
            result = run_task(task, folder, handlers, progress)
            with contextlib.suppress(OSError):
                print(FENCE, file=sys.stderr, flush=True)
            _send(out, event="result", **as_reply(result))


def as_reply(result: Result) -> dict[str, Any]:
    """A result without its task, as JSON values."""
    return {
        "state": result.state,
        "problem": result.problem,
        "seconds": round(result.seconds, 4),
        "audio_s": round(result.audio_s, 4),
        "notices": list(result.notices),
        "disk_full": result.disk_full,
    }


def from_reply(task: Task, reply: Mapping[str, Any]) -> Result:
    """What `as_reply` made.

    Raises:
        ValueError: it did not.
    """
    try:
        if reply["state"] not in ("done", "failed"):
            raise ValueError(f"no state of a task: {reply['state']}")
        numbers = float(reply["seconds"]), float(reply["audio_s"])
        if not all(map(math.isfinite, numbers)):
            raise ValueError("no time")
        notices = tuple(map(str, reply["notices"]))
        problem, disk_full = str(reply["problem"]), bool(reply["disk_full"])
        return Result(task, reply["state"], problem, *numbers, notices, disk_full)
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"no result: {error}") from error


def _read(stdin: Iterable[bytes], tasks: queue.Queue[str]) -> None:
    for line in stdin:
        tasks.put(line.decode("utf-8", "replace"))  # what is no task is told where it is read
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    # Nothing to tidy: unfinished files have temporary names, and the next run removes them.
    os._exit(_LEFT_ALONE)


@contextlib.contextmanager
def _own_stdout() -> Iterator[IO[str]]:
    """A stream to the real stdout that nobody else writes to."""
    sys.stdout.flush()
    mine = os.dup(1)
    os.dup2(2, 1)
    with open(mine, "w", encoding="utf-8", buffering=1) as out:  # noqa: PTH123 - a descriptor
        yield out


def _send(out: IO[str], **message: Any) -> None:
    out.write(f"{MARK}{json.dumps(message, ensure_ascii=True)}\n")
    out.flush()
