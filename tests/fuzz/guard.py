"""What a reader must not do while it reads: write, start something, reach the network, unpickle; and how much
memory it may take."""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = 1536 * 2**20
"""Bytes of address space beyond what the process has when it is ready."""
_EVENTS = {
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.symlink",
    "os.link",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.utime",
    "subprocess.Popen",
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "pickle.find_class",
    "marshal.loads",
    "ctypes.dlopen",
    "shutil.rmtree",
    "shutil.move",
    "shutil.copyfile",
    "shutil.unpack_archive",
    "webbrowser.open",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HOME = Path(__file__).resolve().parents[2]
_PROGRAM = tuple(
    {str(Path(p).resolve()) for p in (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, _HOME)}
)
_SYSTEM = ("/proc/", "/sys/", "/etc/", "/usr/", "/lib", "/dev/null", "/dev/urandom")

_state = {"on": False, "importing": 0}


class Trespass(BaseException):
    """Not an `Exception`: no reader can take it for damage."""


def install(work: Path, may_use_temporary_files: bool) -> None:
    """Watch this process from now on, where `guarded` says so."""
    inside = str(work)
    temporary = str(Path(tempfile.gettempdir()).resolve())

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if not _state["on"]:
            return
        if event in _EVENTS:
            if may_use_temporary_files and event == "os.remove" and str(arguments[0]).startswith(temporary):
                return
            if event in ("marshal.loads", "ctypes.dlopen") and _importing():
                return
            raise Trespass(f"{event}{arguments!r}"[:300])
        if event == "open":
            _judge(arguments, inside, temporary if may_use_temporary_files else None)

    sys.addaudithook(hook)


def _judge(arguments: tuple[object, ...], inside: str, temporary: str | None) -> None:
    path, mode, flags = arguments
    if not isinstance(path, str | bytes | os.PathLike):
        return
    place = os.path.realpath(os.fsdecode(path))
    writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (
        isinstance(flags, int) and mode is None and flags & _WRITING
    )
    if writes:
        if temporary is not None and place.startswith(temporary):
            return
        raise Trespass(f"writes {place}")
    if not place.startswith((inside, *_PROGRAM, *_SYSTEM)):
        raise Trespass(f"reads {place}")
    if place.startswith("/etc/passwd"):
        raise Trespass(f"reads {place}")


def _importing() -> bool:
    frame = sys._getframe(1)
    while frame is not None:
        if "importlib" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


@contextmanager
def guarded() -> Iterator[None]:
    """While a reader reads."""
    before, _state["on"] = _state["on"], True
    try:
        yield
    finally:
        _state["on"] = before


@contextmanager
def unguarded() -> Iterator[None]:
    """While the test itself lays a file for it."""
    before, _state["on"] = _state["on"], False
    try:
        yield
    finally:
        _state["on"] = before


def limit_memory() -> None:
    """No more than `MEMORY` from here on, where the system can see to it."""
    try:
        import resource
    except ImportError:  # Windows
        return
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:  # noqa: PTH123
            used = int(stream.read().split()[0]) * resource.getpagesize()
    except OSError:  # macOS counts differently, and does not keep to it
        return
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
