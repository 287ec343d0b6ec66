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
from .worker import FENCE, MARK, SECONDS_BETWEEN, from_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from .types import Kind, Task

SILENT: Final = "it made no progress for longer than --timeout allows, and was stopped"
TRIES: Final = 2
"""Of a task whose worker died: a machine may have been short of memory for a moment."""
_LOOK_S: Final = 0.25
_LEAST_S: Final = 2.0 * SECONDS_BETWEEN
_START_S: Final = 60.0
"""A worker may be silent for so long before its first word: programs start slowly from a server."""
_FENCE_S: Final = 1.0
"""To wait for the last lines of a task on stderr."""
_MEMORY: Final = " (by somebody, or for want of memory)"
_MOST_OF_LINE: Final = 2**20
_MOST_KEPT_OF_LINE: Final = 2000
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
                for slot in slots:
                    slot.give_up_if_silent(timeout_s)
                with suppress(queue.Empty):
                    finished = results.get(timeout=_LOOK_S)
                    break
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
        """When the worker was asked, or last told its progress; None while it has nothing to do."""
        self._lock = threading.Lock()
        """Of what follows: a worker that answers at the last moment is not killed in its next task."""
        self._is_ready = self._gave_up = self._ended = False
        self._hung_up = True
        self._fence = threading.Event()

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
        with self._lock:
            limit_s = max(timeout_s, _LEAST_S if self._is_ready else _START_S)
            if self._heard_s is not None and time.monotonic() - self._heard_s > limit_s:
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
                self._kill_process()  # its answer to this task must not become that of the next
                self._stop()
                break
            finally:
                with self._lock:
                    self._heard_s = None
        return not_finished(task, problem, time.monotonic() - started)

    def _asked(self, task: Task) -> Result:
        self._fence.clear()
        process = self._worker_for(task)
        with self._lock:
            self._heard_s, self._gave_up = time.monotonic(), False
        try:
            assert process.stdin is not None
            process.stdin.write(task.as_json().encode() + b"\n")
            process.stdin.flush()
        except OSError:
            raise self._died() from None
        while (message := self._message()) is not None:
            if message.get("event") == "result":
                try:
                    result = from_reply(task, message)
                except ValueError as error:
                    self._kill_process()
                    self._died()
                    raise _DiedError(f"its worker gave an answer that makes no sense ({error})") from None
                self._fence.wait(_FENCE_S)
                return result
            share = message.get("share")
            if message.get("event") == "progress" and isinstance(share, int | float) and 0 <= share <= 1:
                with suppress(OSError):  # whoever listened has gone; the driver notices by itself
                    self._progress(task, float(share))
        raise self._died()

    def _worker_for(self, task: Task) -> subprocess.Popen[bytes]:
        launcher = self._launchers[task.kind]
        if self._process is None or launcher is not self._launcher or self._process.poll() is not None:
            self._stop()
            self._launcher, self._is_ready = launcher, False
            self._process = subprocess.Popen(
                launcher.command,
                env=dict(launcher.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is the driver's to handle
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            )
            self._hung_up, self._fence = False, threading.Event()
            collected = (self._process, self._printed, self._fence)
            threading.Thread(target=_collect, args=collected, daemon=True).start()
            if self._ended:  # `kill` came while it started
                self._kill_process()
        return self._process

    def _message(self) -> dict[str, Any] | None:
        """The next message of the worker; None when it has ended."""
        assert self._process is not None
        assert self._process.stdout is not None
        mark = MARK.encode()
        while line := self._process.stdout.readline(_MOST_OF_LINE):
            if not line.startswith(mark):
                self._printed.append(_shown(line))
                continue
            with suppress(ValueError, RecursionError):
                message = json.loads(line[len(mark) :])
                if isinstance(message, dict):
                    self._heard()
                    return message
        return None

    def _heard(self) -> None:
        with self._lock:
            self._is_ready = True
            if self._heard_s is not None:
                self._heard_s = time.monotonic()

    def _died(self) -> _DiedError:
        assert self._process is not None
        code = self._process.wait()
        self._hung_up = True
        self._fence.wait(_FENCE_S)
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return _DiedError(f"its worker {how}{_MEMORY if code == -9 else ''}")

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
            _kill_group(process)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _kill_process(self) -> None:
        process = self._process
        if process is not None and not self._hung_up:
            _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """A launcher may be a script around the real program, and may have ended before it."""
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def not_finished(task: Task, problem: str, seconds: float = 0.0) -> Result:
    """The failure of a task whose worker gave no answer."""
    sentence = f"'{task.audio}' was not finished: {problem}. Look into the row's log, then run it again."
    return Result(task, "failed", sentence, seconds)


class _DiedError(Exception):
    """A worker ended before its answer."""


def _collect(process: subprocess.Popen[bytes], lines: deque[str], fence: threading.Event) -> None:
    """Keep the last lines of a worker's stderr; `fence` is set where a task ends, and at their end."""
    assert process.stderr is not None
    with suppress(ValueError, OSError):
        while line := process.stderr.readline(_MOST_OF_LINE):
            text = _shown(line)
            if text == FENCE:
                fence.set()
            else:
                lines.append(text)
    fence.set()


def _shown(line: bytes) -> str:
    return line[:_MOST_KEPT_OF_LINE].decode("utf-8", "replace").rstrip()
