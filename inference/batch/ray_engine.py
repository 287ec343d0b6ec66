"""The engine for clusters: the same tasks in chunks as functions of Ray. The only importer of ray.

The driver hands the weights to Ray's object store once; each node fetches them once, and its workers open
their sessions from that copy. Outputs go to the batch's folder, which all nodes share, results come back one
by one. A chunk whose worker or node died is begun again behind its last result: no row is done twice without
need, and a row that kills its workers fails alone.
"""

from __future__ import annotations

import io
import logging
import os
import queue
import signal
import socket
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..errors import SoliloquyError, first_line
from ..version import version
from ..weight_files import hand_over
from .pool import LINES_KEPT, SILENT, Finished, not_finished, run_local
from .records import STATE
from .types import BatchError, Result, Task
from .worker import SECONDS_BETWEEN, as_reply, from_reply, run_task

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from .pool import Launcher
    from .types import Kind
    from .worker import Handler

    Handlers = Callable[[], Mapping[Kind, Handler]]
    Launchers = Callable[[set[Kind]], Mapping[Kind, Launcher]]
    Event = tuple[str, Any]

_TRIES: Final = 3
"""Of a task whose worker died: its node may have gone, and the next one too."""
_MOST_OF_CHUNK: Final = 16
_CHUNKS_PER_CPU: Final = 4
"""So many at least, where the list is long enough: the last ones then end at about the same time."""
_LOOK_S: Final = 0.25
_GATHER_S: Final = 0.25
_REACH_S: Final = 5.0
_OWN: Final = (None, "", "local")
_SAME_VERSION: Final = (
    "Install the same version of Soliloquy on every node, for the Python that Ray runs there"
)
_REMEDY: Final = (
    "See that `ray status` works here, that this machine is a node of the cluster, and that Ray and Python"
    " have the same versions everywhere"
)
_launchers: dict[tuple[Path, Kind], Mapping[Kind, Launcher]] = {}
"""In a worker: to find a program takes as long as to start Blender."""
_NOWHERE: Final = "http://127.0.0.1:9"
_STORE_BYTES: Final = 128 * 2**20
"""Object store of a cluster of our own: it holds the weights alone."""


def run_ray(
    tasks: Sequence[Task],
    folder: Path,
    handlers: Handlers,
    launchers: Launchers,
    *,
    address: str | None,
    workers: int | None,
    timeout_s: float,
    weights: Mapping[str, Path],
    progress: Callable[[Task, float], None] = lambda task, share: None,
) -> Generator[Finished, None, None]:
    """Do tasks on a cluster; results come as they end. Closing the iterator stops the work.

    Args:
        tasks: begun in this order.
        folder: of the batch, absolute, the same on every node.
        handlers: called on the nodes: what a worker does itself.
        launchers: called on the nodes with the other kinds: the programs that do them.
        address: "host:port", "auto" for the cluster that this machine belongs to; None or "local": one of
            our own, on this machine, for as long as the run takes.
        workers: tasks at the same time; None: as many as the cluster has processors.
        timeout_s: a task that tells no progress for so long is given up and its worker killed.
        weights: by `weight_files.weights_key`.

    Raises:
        BatchError: ray is not installed, the cluster cannot be reached, or a node cannot do the work.
    """
    ray = _import_ray()
    with _connected(ray, address, workers):
        run = _Run(ray, timeout_s, workers, progress)
        content = {key: np.fromfile(path, np.uint8) for key, path in weights.items()}
        function = ray.remote(num_cpus=1, max_retries=0)(_work)
        fixed = (str(folder), handlers, launchers, timeout_s, ray.put(content))
        yield from run.results(tasks, lambda chunk: function.remote([t.as_json() for t in chunk], *fixed))


@dataclass
class _Chunk:
    """Tasks that one worker does one after the other."""

    left: deque[Task]
    """Without a result; the first is being done."""
    heard_s: float | None = None
    """When its worker last said something; None while it waits for one."""


class _Run:
    """The driver's side: hands out chunks, listens to them, and takes back what was lost."""

    def __init__(
        self, ray: Any, timeout_s: float, workers: int | None, progress: Callable[[Task, float], None]
    ) -> None:
        self._ray, self._timeout_s, self._workers, self._progress = ray, timeout_s, workers, progress
        self._waiting: deque[list[Task]] = deque()
        self._running: dict[Any, _Chunk] = {}
        self._deaths: Counter[str] = Counter()

    def results(self, tasks: Sequence[Task], submit: Callable[[list[Task]], Any]) -> Iterator[Finished]:
        """Do the tasks; `submit` starts a chunk and returns its stream of events."""
        self._waiting.extend(_chunks(tasks, self._slots()))
        try:
            while self._waiting or self._running:
                while self._waiting and len(self._running) < self._most_running():
                    chunk = self._waiting.popleft()
                    self._running[submit(chunk)] = _Chunk(deque(chunk))
                ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=_LOOK_S)
                for stream in ready:
                    yield from self._hear(stream)
                yield from self._give_up_silent()
        finally:
            for stream in self._running:
                self._stop(stream)

    def _slots(self) -> int:
        """Tasks that can be done at the same time now; nodes come and go."""
        cpus = int(self._ray.cluster_resources().get("CPU", 1))
        return max(1, min(cpus, self._workers or cpus))

    def _most_running(self) -> int:
        """Chunks that Ray knows of: a few more than fit, so that no node waits and a cluster can grow."""
        return self._workers or 2 * self._slots() + 2

    def _hear(self, stream: Any) -> Iterator[Finished]:
        """Take the next events of a chunk."""
        chunk = self._running[stream]
        try:
            events = self._ray.get(next(stream))
        except StopIteration:
            del self._running[stream]
            if chunk.left:
                yield from self._lost(chunk, "its worker ended")
            return
        except self._ray.exceptions.RayTaskError as error:
            cause = first_line(error.cause) if isinstance(error.cause, Exception) else first_line(error)
            raise BatchError(f"A node of the cluster cannot do the work ({cause})", _SAME_VERSION) from error
        except self._ray.exceptions.RayError as error:
            del self._running[stream]
            yield from self._lost(chunk, f"its worker or node was lost ({type(error).__name__})")
            return
        chunk.heard_s = time.monotonic()
        for what, value in events:
            if what == "begun":
                _check_node(*value)
            elif what == "progress":
                self._progress(chunk.left[0], value)
            else:
                reply, printed = value
                yield Finished(from_reply(chunk.left.popleft(), reply), printed)

    def _lost(self, chunk: _Chunk, problem: str) -> Iterator[Finished]:
        """Begin a chunk again behind its last result, the task that was being done apart from the others."""
        first, *others = chunk.left
        self._deaths[first.name] += 1
        if others:
            self._waiting.appendleft(others)
        if self._deaths[first.name] < _TRIES:
            self._waiting.appendleft([first])
        else:
            yield Finished(not_finished(first, problem))

    def _give_up_silent(self) -> Iterator[Finished]:
        now = time.monotonic()
        for stream, chunk in list(self._running.items()):
            if chunk.heard_s is not None and now - chunk.heard_s > self._timeout_s:
                del self._running[stream]
                self._stop(stream)
                first, *others = chunk.left
                if others:
                    self._waiting.appendleft(others)
                yield Finished(not_finished(first, SILENT, now - chunk.heard_s))

    def _stop(self, stream: Any) -> None:
        with suppress(Exception):  # it has ended, or its node has gone
            self._ray.cancel(stream, force=True)


def _chunks(tasks: Sequence[Task], slots: int) -> Iterator[list[Task]]:
    """Tasks of one kind together, as they share a program; a scene or a pass is long enough by itself."""
    for kind, run in groupby(tasks, lambda task: task.kind):
        alike = list(run)
        size = len(alike) // (slots * _CHUNKS_PER_CPU) if kind == "curves" else 1
        size = min(max(size, 1), _MOST_OF_CHUNK)
        yield from (alike[at : at + size] for at in range(0, len(alike), size))


def _check_node(node: str, its_version: str, sees_folder: bool, folder: str) -> None:
    if its_version != version():
        raise BatchError(f"Node {node} has Soliloquy {its_version}, and this is {version()}", _SAME_VERSION)
    if not sees_folder:
        raise BatchError(
            f"Node {node} does not see the batch's folder '{folder}'",
            "Give an --out on a disk that all nodes share, under the same path",
        )


def _work(
    lines: list[str],
    folder: str,
    handlers: Handlers,
    launchers: Launchers,
    timeout_s: float,
    weights: Mapping[str, Any],
) -> Iterator[list[Event]]:
    """The worker's side: do the tasks, and yield what the driver has to know."""
    ray = _import_ray()
    sees_folder = (Path(folder) / STATE).is_dir()
    yield [("begun", (ray.util.get_node_ip_address(), version(), sees_folder, folder))]
    hand_over(weights)
    tasks = [Task.from_json(line) for line in lines]
    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    args = (tasks, Path(folder), handlers, launchers, timeout_s, events)
    threading.Thread(target=_do, args=args, daemon=True).start()
    yield from _gathered(events)


def _gathered(events: queue.SimpleQueue[Event | None]) -> Iterator[list[Event]]:
    """Events of a moment in one message: for Ray a message is as much work as a short row is for us."""
    event: Event | None = events.get()
    while event is not None:
        gathered, until = [event], time.monotonic() + _GATHER_S
        try:
            while (event := events.get(timeout=max(until - time.monotonic(), 0.0))) is not None:
                gathered.append(event)
        except queue.Empty:
            yield gathered
            event = events.get()
        else:
            yield gathered


def _do(
    tasks: list[Task],
    folder: Path,
    handlers: Handlers,
    launchers: Launchers,
    timeout_s: float,
    events: queue.SimpleQueue[Event | None],
) -> None:
    """Do tasks of one kind; a thread of its own, as a generator cannot yield from within a handler."""
    told = [time.monotonic()]

    def progress(_: Task, share: float) -> None:
        if time.monotonic() - told[0] >= SECONDS_BETWEEN:
            told[0] = time.monotonic()
            events.put(("progress", round(share, 4)))

    ended = 0
    try:
        for finished in _finished(tasks, folder, handlers(), launchers, timeout_s, progress):
            ended += 1
            events.put(("done", (as_reply(finished.result), finished.printed)))
    except SoliloquyError as error:  # the program of the kind is not there
        for task in tasks[ended:]:
            events.put(("done", (as_reply(Result(task, "failed", str(error))), "")))
    finally:
        events.put(None)


def _finished(
    tasks: list[Task],
    folder: Path,
    handlers: Mapping[Kind, Handler],
    launchers: Launchers,
    timeout_s: float,
    progress: Callable[[Task, float], None],
) -> Iterator[Finished]:
    kind = tasks[0].kind
    if kind not in handlers:
        if (folder, kind) not in _launchers:
            _launchers[folder, kind] = launchers({kind})
        known = _launchers[folder, kind]
        yield from run_local(tasks, known, workers=1, timeout_s=timeout_s, progress=progress)
        return
    for task in tasks:
        printed = io.StringIO()
        with redirect_stderr(printed):
            result = run_task(task, folder, handlers, partial(progress, task))
        yield Finished(result, "\n".join(printed.getvalue().splitlines()[-LINES_KEPT:]))


def _import_ray() -> Any:
    # Before it is loaded: it reads them once.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray.exceptions  # with ray itself: any folder called ray would do for that
    except ImportError as error:
        raise BatchError(
            f"--engine ray needs the package ray, which cannot be loaded here ({first_line(error)})",
            'Install it with: pip install "soliloquy[farm]"',
        ) from error
    logging.getLogger("ray").setLevel(logging.ERROR)
    return ray


@contextmanager
def _connected(ray: Any, address: str | None, workers: int | None) -> Iterator[None]:
    """Be a driver of the cluster; one of our own ends with it.

    Raises:
        BatchError: it cannot be reached, or started.
    """
    if ray.is_initialized():  # by a program that uses us as a library
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    quiet = {"log_to_driver": False, "configure_logging": False, "include_dashboard": False}
    try:
        if address in _OWN:
            with _offline():
                ray.init(
                    address="local", num_cpus=workers, object_store_memory=_STORE_BYTES,
                    _node_ip_address="127.0.0.1", **quiet,
                )  # fmt: skip
        else:
            _check_address(str(address))
            del quiet["include_dashboard"]
            ray.init(address=address, **quiet)
    except BatchError:
        raise
    except Exception as error:  # Ray raises a dozen types
        cause = first_line(error)
        if address in _OWN:
            raise BatchError(f"A Ray of our own cannot be started ({cause})", _REMEDY) from error
        raise BatchError(f"The Ray cluster '{address}' cannot be reached ({cause})", _REMEDY) from error
    try:
        if threading.current_thread() is threading.main_thread():
            # Ray has put its own there. None: one that Python did not set and cannot name
            signal.signal(signal.SIGTERM, signal.SIG_DFL if handler is None else handler)
        yield
    finally:
        ray.shutdown()


@contextmanager
def _offline() -> Iterator[None]:
    """Programs that are started meanwhile reach no web server.

    A Ray that starts asks the clouds' metadata servers where it runs, whatever RAY_USAGE_STATS_ENABLED says.
    What its processes tell each other goes past proxies.
    """
    before = dict(os.environ)
    names = ("http_proxy", "https_proxy", "all_proxy")
    os.environ |= dict.fromkeys([*names, *map(str.upper, names)], _NOWHERE)
    os.environ |= dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def _check_address(address: str) -> None:
    """Refuse what Ray would wait for, or die of."""
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or "/" in address:
        raise BatchError(f"--address '{address}' is no address of a Ray cluster", "Give host:port, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACH_S).close()
    except (OSError, OverflowError) as error:
        raise BatchError(f"The Ray cluster '{address}' cannot be reached ({error})", _REMEDY) from error
