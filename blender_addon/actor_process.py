"""Actor commands as programs of their own: what crashes there, or runs out of memory, leaves Blender alone.

`python -m soliloquy COMMAND ... --json` prints one JSON object per line; `run` is what `jobs.Job` does in its
thread while the program works. Never touches bpy.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..inference.errors import Cancelled, SoliloquyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import IO

_TICK_S = 0.05
_VERSION_S = 60.0
_LONGEST = 2000
_PIP = "-m pip install"
_EXTRA = '"soliloquy[actor]"'


class ChildError(SoliloquyError):
    """What the program said was wrong, in its own words."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence.strip(), "")

    def __str__(self) -> str:
        return self.cause


class ChildStopped(Cancelled):
    """The user stopped a program; unlike other work it may leave a part that can be used."""

    def __init__(self) -> None:
        SoliloquyError.__init__(
            self, "Stopped", "What was finished is kept, and the next start goes on there"
        )


@dataclass(frozen=True)
class Call:
    """A command and the Python that runs it."""

    arguments: tuple[str, ...]
    """After `python -m soliloquy`."""
    interpreter: str
    environment: Mapping[str, str]
    module: str = "soliloquy"
    """Name of the package: of the extension's folder where Blender's own Python is used."""
    what: str = "The actor's program"
    """Who is spoken of when it ends unexpectedly."""
    log: str = ""
    """File that takes in what the program writes to stderr."""
    is_own: bool = True
    """Whether it is Blender's own Python with the extension's own modules."""
    polite_s: float = 10.0
    """Time to put away what is not complete, before the program is killed."""


@dataclass(frozen=True)
class Outcome:
    """What a program said before it ended well."""

    events: tuple[dict[str, Any], ...] = ()
    """Everything but progress, notices and errors."""
    notices: tuple[str, ...] = field(default=())


def call(arguments: tuple[str, ...], *, chosen: str, what: str, folder: str, polite_s: float = 10.0) -> Call:
    """The command for the interpreter that the user chose, or for Blender's own.

    Args:
        chosen: path of a Python with `pip install soliloquy[actor]`; empty for Blender's own.
        folder: where the log is written.

    Raises:
        SoliloquyError: there is no such program.
    """
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    log = str(Path(folder) / "soliloquy_actor.log")
    if chosen:
        if not (Path(chosen).is_file() and os.access(chosen, os.X_OK)):
            raise SoliloquyError(
                f"There is no program '{chosen}'",
                "Set Python for Actors in the preferences of the extension, or leave it empty",
            )
        environment.pop("PYTHONPATH", None)
        return Call(arguments, chosen, environment, what=what, log=log, is_own=False, polite_s=polite_s)
    package = Path(__file__).absolute().parents[1]  # a link may have another name than what it leads to
    paths = [str(package.parent), *(p for p in sys.path if Path(p).name == "site-packages")]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    return Call(arguments, sys.executable, environment, package.name, what, log, polite_s=polite_s)


def run(request: Call, progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Outcome:
    """Run a program to its end.

    Raises:
        ChildError: it said what is wrong.
        ChildStopped: `cancelled` returned True; the program has ended.
        SoliloquyError: it could not be started, or ended without a word.
    """
    notices = [] if request.is_own else check_version(request)
    events: list[dict[str, Any]] = []
    errors: list[str] = []
    with Path(request.log or os.devnull).open("wb") as log, _start(request, log) as child:
        try:
            for line in _lines(child, cancelled):
                _take_in(line, progress, events, notices, errors)
        finally:
            if child.poll() is None:
                _end(child, request.polite_s)
    if cancelled():
        raise ChildStopped
    if errors:
        raise ChildError(errors[-1])
    if child.returncode != 0:
        raise _unexpected(request, child.returncode)
    return Outcome(tuple(events), tuple(dict.fromkeys(notices)))


def _take_in(
    line: str, progress: Callable[[float], None], events: list, notices: list[str], errors: list[str]
) -> None:
    try:
        said = json.loads(line)
        kind = said["event"]
    except (ValueError, KeyError, TypeError):
        return  # a library wrote to stdout
    if kind == "progress":
        progress(_share(said))
    elif kind == "notice":
        notices.append(str(said.get("message", "")))
    elif kind == "error":
        errors.append(str(said.get("message", "")))
    else:
        events.append(said)


def _share(said: dict[str, Any]) -> float:
    """0..1; the trainer counts steps instead."""
    share = said.get("progress")
    if share is None:
        share = float(said.get("step", 0)) / max(1.0, float(said.get("steps", 1)))
    return min(max(float(share), 0.0), 1.0)


def _start(request: Call, log: IO[bytes]) -> subprocess.Popen[str]:
    command = [request.interpreter, "-m", request.module, *request.arguments]
    try:
        return subprocess.Popen(
            command,
            env=dict(request.environment),
            cwd=Path(request.log).parent if request.log else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            errors="replace",
            **_apart(),
        )
    except OSError as error:
        raise _no_start(request, error) from error


def _apart() -> dict[str, Any]:
    """A group of its own, so that a key pressed in the terminal is not for it, and all of it can be ended."""
    if os.name == "nt":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _lines(child: subprocess.Popen[str], cancelled: Callable[[], bool]) -> Iterator[str]:
    """What the program prints, until it ends or `cancelled`; a silent program can be stopped too."""
    news: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in child.stdout:
            news.put(line)
        news.put(None)

    threading.Thread(target=read, name="Soliloquy reader", daemon=True).start()
    while not cancelled():
        try:
            line = news.get(timeout=_TICK_S)
        except queue.Empty:
            if child.poll() is not None and not _is_open(child):
                return
            continue
        if line is None:
            child.wait()
            return
        yield line


def _is_open(child: subprocess.Popen[str]) -> bool:
    return child.stdout is not None and not child.stdout.closed


def _end(child: subprocess.Popen[str], polite_s: float) -> None:
    """Ask the program to end, then end it and all that it started."""
    child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(polite_s)
    if os.name != "nt":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    if child.poll() is None:
        child.kill()
        child.wait()


def check_version(request: Call) -> list[str]:
    """A notice where the chosen Python has another Soliloquy than Blender.

    Raises:
        SoliloquyError: it has none.
    """
    command = [request.interpreter, "-m", request.module, "--version"]
    try:
        done = subprocess.run(
            command,
            env=dict(request.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_VERSION_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _no_start(request, error) from error
    if done.returncode != 0:
        raise _not_installed(request)
    from ..inference.version import version

    theirs = done.stdout.strip().rpartition(" ")[2]
    if theirs == version():
        return []
    return [
        f"The Python for actors has Soliloquy {theirs}, Blender has {version()}: bring both to one version."
    ]


def _no_start(request: Call, error: Exception) -> SoliloquyError:
    reason = getattr(error, "strerror", None) or str(error)
    return SoliloquyError(
        f"{request.interpreter} can't be started ({reason})",
        "Set Python for Actors in the preferences of the extension",
    )


def _not_installed(request: Call) -> SoliloquyError:
    return SoliloquyError(
        f"The Python for actors ({request.interpreter}) has no Soliloquy",
        f"Run: {request.interpreter} {_PIP} {_EXTRA}",
    )


def _unexpected(request: Call, code: int) -> SoliloquyError:
    """What to say of a program that ended without a word."""
    last = _last_words(request.log)
    if last.startswith('{"event": "error"'):
        return ChildError(str(json.loads(last)["message"]))
    if "No module named" in last and request.module in last:
        return _not_installed(request)
    how = f"code {code}"
    if code < 0 and os.name != "nt":
        how = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if code in (-9, 137) or "MemoryError" in last:
        return SoliloquyError(
            f"{request.what} was ended by the system ({how}), most likely for want of memory",
            "Close other programs, or give it a smaller plate",
        )
    said = f": {last[:300]}" if last else ""
    return SoliloquyError(
        f"{request.what} ended unexpectedly ({how}{said})",
        f"Blender is not affected; what it wrote is in {request.log}",
    )


def _last_words(log: str) -> str:
    """The last line that a program wrote to stderr: of a traceback the error itself."""
    try:
        lines = Path(log).read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return next((line.strip()[:_LONGEST] for line in reversed(lines) if line.strip()), "")
