"""The local engine: worker processes on this machine, watched, and replaced when they die or hang.

Workers are programs of their own rather than a pool of Python's: the same worker runs inside Blender, one
that is killed loses its row alone, and one that hangs can be killed.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .types import Result
from .worker import MARK, from_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from .types import Kind, Task

SILENT: Final = "it made no progress for longer than --timeout allows, and was stopped"
TRIES: Final = 2
"""Of a task whose worker died: a machine may have been short of memory for a moment."""
_LOOK_S: Final = 0.25
LINES_KEPT: Final = 60
_POLITE_S: Final = 5.0


@dataclass(frozen=True)
class Launcher:
    """How a worker is started: program and arguments, and its environment."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True)
class Finished:
    """A result, and the last lines that its worker printed meanwhile."""

    result: Result
    printed: str = ""


def run_local(
    tasks: Sequence[Task],
    launchers: Mapping[Kind, Launcher],
    *,
    workers: int,
    timeout_s: float,
    progress: Callable[[Task, float], None] = lambda task, share: None,
) -> Generator[Finished, None, None]:
    """Do tasks in worker processes; results come as they end. Closing the iterator kills the workers.

    Args:
        tasks: begun in this order.
        launchers: for every kind of the tasks.
        workers: processes at the same time.
        timeout_s: a task that tells no progress for so long is given up and its worker killed.
        progress: called from several threads.
    """
    waiting, results = deque(tasks), queue.Queue[Finished]()
    slots = [_Slot(waiting, results, launchers, progress) for _ in range(min(workers, len(tasks)))]
    try:
        for slot in slots:
            slot.start()
        for _ in tasks:
            while True:
                try:
                    finished = results.get(timeout=_LOOK_S)
                    break
                except queue.Empty:
                    for slot in slots:
                        slot.give_up_if_silent(timeout_s)
            yield finished
    finally:
        waiting.clear()
        for slot in slots:
            slot.kill()
        for slot in slots:
            slot.join(_POLITE_S)


class _Slot(threading.Thread):
    """One worker process after the other, and the thread that talks to it."""

    def __init__(
        self,
        waiting: deque[Task],
        results: queue.Queue[Finished],
        launchers: Mapping[Kind, Launcher],
        progress: Callable[[Task, float], None],
    ) -> None:
        super().__init__(daemon=True)
        self._waiting, self._results, self._launchers, self._progress = waiting, results, launchers, progress
        self._process: subprocess.Popen[bytes] | None = None
        self._launcher: Launcher | None = None
        self._printed: deque[str] = deque(maxlen=LINES_KEPT)
        self._heard_s: float | None = None
        """When the worker last said something; None while it has nothing to do."""
        self._gave_up = self._ended = False

    def run(self) -> None:
        """Do tasks until none is left."""
        while not self._ended:
            try:
                task = self._waiting.popleft()
            except IndexError:
                break
            self._printed.clear()
            result = self._done(task)
            if not self._ended:
                self._results.put(Finished(result, "\n".join(self._printed)))
        self._stop()

    def give_up_if_silent(self, timeout_s: float) -> None:
        """Kill a worker that has said nothing for `timeout_s` (monotonic time: clocks may jump)."""
        heard_s = self._heard_s
        if heard_s is not None and time.monotonic() - heard_s > timeout_s:
            self._gave_up, self._heard_s = True, None
            self._kill_process()

    def kill(self) -> None:
        """End the worker, whatever it does."""
        self._ended = True
        self._kill_process()

    def _done(self, task: Task) -> Result:
        started, problem = time.monotonic(), ""
        for _ in range(TRIES):
            if self._ended:
                break
            self._gave_up = False
            try:
                return self._asked(task)
            except _DiedError as died:
                problem = str(died)
                if self._gave_up:
                    problem = SILENT
                    break
            except OSError as error:
                problem = f"its program could not be started ({error})"
                break
            except Exception as error:  # a fault here must end this row, not the thread that all wait for
                problem = f"a fault in Soliloquy itself ({type(error).__name__}: {error})"
                break
            finally:
                self._heard_s = None
        return not_finished(task, problem, time.monotonic() - started)

    def _asked(self, task: Task) -> Result:
        process = self._worker_for(task)
        self._heard_s = time.monotonic()
        try:
            assert process.stdin is not None
            process.stdin.write(task.as_json().encode() + b"\n")
            process.stdin.flush()
        except OSError:
            raise self._died() from None
        while (message := self._message()) is not None:
            if message.get("event") == "result":
                with suppress(ValueError):
                    return from_reply(task, message)
            elif message.get("event") == "progress":
                self._progress(task, float(message.get("share", 0.0)))
        raise self._died()

    def _worker_for(self, task: Task) -> subprocess.Popen[bytes]:
        launcher = self._launchers[task.kind]
        if self._process is None or launcher is not self._launcher or self._process.poll() is not None:
            self._stop()
            self._launcher = launcher
            self._process = subprocess.Popen(
                launcher.command,
                env=dict(launcher.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is the driver's to handle
            )
            threading.Thread(target=_collect, args=(self._process, self._printed), daemon=True).start()
            if self._ended:  # `kill` came while it started
                self._kill_process()
        return self._process

    def _message(self) -> dict[str, Any] | None:
        """The next message of the worker; None when it has ended."""
        assert self._process is not None
        assert self._process.stdout is not None
        mark = MARK.encode()
        for line in self._process.stdout:
            self._heard_s = time.monotonic()
            if not line.startswith(mark):
                self._printed.append(line.decode("utf-8", "replace").rstrip())
                continue
            with suppress(ValueError):
                message = json.loads(line[len(mark) :])
                if isinstance(message, dict):
                    return message
        return None

    def _died(self) -> _DiedError:
        assert self._process is not None
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return _DiedError(f"its worker {how}")

    def _stop(self) -> None:
        """End an idle worker: it does when its stdin ends."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(_POLITE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _kill_process(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        with suppress(OSError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)  # a launcher may be a script around the real program
            else:
                process.kill()


def not_finished(task: Task, problem: str, seconds: float = 0.0) -> Result:
    """The failure of a task whose worker gave no answer."""
    sentence = f"'{task.audio}' was not finished: {problem}. Look into the row's log, then run it again."
    return Result(task, "failed", sentence, seconds)


class _DiedError(Exception):
    """A worker ended before its answer."""


def _collect(process: subprocess.Popen[bytes], lines: deque[str]) -> None:
    """Keep the last lines of a worker's stderr."""
    assert process.stderr is not None
    with suppress(ValueError, OSError):
        for line in process.stderr:
            lines.append(line.decode("utf-8", "replace").rstrip())
