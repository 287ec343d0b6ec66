"""Paths, the error that build.py shows, and running a command with its output in view."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""


class BuildError(Exception):
    """A problem that the person at the keyboard can mend: what is wrong, and what to do about it."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}\n{remedy}")


_lane = threading.local()


@contextmanager
def lane(name: str) -> Iterator[None]:
    """What this thread prints meanwhile begins with a name: another one prints at the same time."""
    _lane.prefix = f"{name}| "
    try:
        yield
    finally:
        _lane.prefix = ""


def say(text: str) -> None:
    """Print one progress line at once, also when the output is a pipe."""
    _print(f"{text}\n")


def _print(line: str) -> None:
    sys.stdout.write(f"{getattr(_lane, 'prefix', '')}{line}")
    sys.stdout.flush()


def manifest() -> dict[str, Any]:
    """The extension's manifest, where the version number is kept."""
    return tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))


def elapsed(started_s: float) -> str:
    """Time since `started_s` (time.monotonic) as text: `42 s` or `3 min 05 s`."""
    seconds = round(time.monotonic() - started_s)
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60:02d} s"


def clean_environment(**extra: str) -> dict[str, str]:
    """This process's environment without what would leak another Python's packages into a child."""
    unwanted = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", **extra}


def stream(
    command: Sequence[str | Path],
    *,
    show: Callable[[str], bool] = lambda line: True,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, list[str]]:
    """Run a command in the repository and print its lines as they come.

    Args:
        command: program and arguments.
        show: which lines to print; all of them are returned.
        environment: the child's variables; `clean_environment()` when absent.

    Returns:
        The exit status and every line of stdout and stderr together.
    """
    lines: list[str] = []
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment or clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                lines.append(line.rstrip("\n"))
                if show(line):
                    _print(line)
        except BaseException:  # Ctrl-C: Blender would go on rendering
            child.kill()
            raise
    return child.returncode, lines


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_text(size_bytes: int) -> str:
    """`24.3 MB` or `17 kB`."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"
