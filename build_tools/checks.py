"""`build.py test`: every check and test, stage by stage, and one line at the end that counts them."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from . import package
from .common import ROOT, BuildError, clean_environment, elapsed, lane, say, stream
from .environment import (
    BLENDER_4_5,
    FULL,
    RUNTIME,
    Environment,
    check_system,
    ensure,
)

REPORTS: Final = ROOT / "build" / "reports"
_LINUX: Final = "linux-x64"
_RUNNER: Final = ROOT / "tests" / "blender" / "runner.py"
_AT_A_TIME: Final = 2
"""Stages: a machine of two cores has nothing to gain from more."""
_FILE_TIMEOUT_S: Final = 900
"""For one file of Blender tests: a hang must end, a machine that is busy with other work must not fail."""


@dataclass(frozen=True)
class Count:
    """How many tests of a stage passed, failed, were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


@dataclass
class _Session:
    results: list[tuple[str, Count, str]] = field(default_factory=list)

    def stage(self, name: str, work: Callable[[], Count]) -> None:
        """Run one stage; a set-up problem in it counts as a failure and does not stop the others."""
        self.results.append(_staged(name, work))

    def stages(self, works: Mapping[str, Callable[[], Count]]) -> None:
        """Run stages that do not depend on each other, two at a time: each uses little more than a core."""
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            self.results += pool.map(_in_lane, works, works.values())

    @property
    def failed(self) -> bool:
        """Whether anything failed so far."""
        return any(count.failed for _, count, _ in self.results)

    def finish(self) -> int:
        """Print the summary; the last line is the sum alone."""
        total = sum((count for _, count, _ in self.results), Count())
        say("\n== summary")
        for name, count, took in self.results:
            say(f"  {'ok  ' if not count.failed else 'FAIL'} {name}: {count} ({took})")
        say(f"{total.passed} passed, {total.failed} failed")
        return 1 if total.failed or not total.passed else 0


def _in_lane(name: str, work: Callable[[], Count]) -> tuple[str, Count, str]:
    with lane(name):
        return _staged(name, work)


def _staged(name: str, work: Callable[[], Count]) -> tuple[str, Count, str]:
    """Name, count and duration of a stage."""
    say(f"\n== {name}")
    started = time.monotonic()
    try:
        count = work()
    except BuildError as error:
        say(str(error))
        count = Count(failed=1)
    say(f"-- {name}: {count} ({elapsed(started)})")
    return name, count, elapsed(started)


def run(fast: bool) -> int:
    """Set up and run the checks.

    Args:
        fast: only style, types and the quick unit tests.

    Returns:
        0 if nothing failed, else 1.
    """
    started = time.monotonic()
    session = _Session()
    session.stage("set-up", lambda: _set_up(opengl=not fast))
    if session.failed:
        return session.finish()
    session.stage("style", _style)
    session.stage("types", _types)
    if fast:
        session.stage("unit tests, quick", lambda: _pytest(FULL, ["tests/unit"], "not slow"))
        return session.finish()
    session.stage("extension zip", _zip)
    session.stages(
        {
            "unit and model tests": lambda: _pytest(FULL, ["tests/unit", "tests/models"]),
            "add-on in Blender 5.0.1": _in_blender(FULL),
            "add-on in Blender 4.5.15": _in_blender(BLENDER_4_5),
            "unit tests without torch, with a new numpy": _without_torch,
        }
    )
    say(f"\nall stages: {elapsed(started)}")
    return session.finish()


def junit_count(path: Path) -> Count:
    """Sum up a JUnit report of pytest; an absent or damaged one is a failure."""
    try:
        suites = list(ElementTree.parse(path).getroot().iter("testsuite"))
    except (OSError, ElementTree.ParseError):
        return Count(failed=1)
    total = Count()
    for suite in suites:
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        total += Count(int(suite.get("tests", 0)) - bad - skipped, bad, skipped)
    return total


def printed_count(lines: Sequence[str], status: int) -> Count:
    """The last `N passed, N failed` of a runner's output; one failure where it ended without one."""
    for line in reversed(lines):
        found = re.search(r"(\d+) passed, (\d+) failed", line)
        if found:
            passed, failed = int(found.group(1)), int(found.group(2))
            return Count(passed, max(failed, int(status != 0)))
    return Count(failed=1)


def _set_up(opengl: bool) -> Count:
    check_system(opengl)
    ensure(FULL)
    return Count(passed=1)


def _style() -> Count:
    return _tool("ruff", "check", ".") + _tool("ruff", "format", "--check", ".")


def _types() -> Count:
    return _tool("mypy")


def _tool(module: str, *arguments: str) -> Count:
    status, _ = stream([FULL.python, "-m", module, *arguments])
    return Count(passed=1) if status == 0 else Count(failed=1)


def _pytest(environment: Environment, folders: Sequence[str], only: str = "") -> Count:
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"{environment.folder.lstrip('.')}.xml"
    report.unlink(missing_ok=True)
    present = [folder for folder in folders if any((ROOT / folder).rglob("test_*.py"))]
    options = [f"--junitxml={report}", "--durations=5", *(["-m", only] if only else [])]
    status, _ = stream([environment.python, "-B", "-m", "pytest", *present, *options])
    count = junit_count(report)
    return count if status == 0 or count.failed else count + Count(failed=1)


def _without_torch() -> Count:
    ensure(RUNTIME)
    heavy = ("torch", "bpy", "av", "mediapipe", "cv2", "ray")
    absent = f"import importlib.util as u, sys; sys.exit(any(u.find_spec(n) for n in {heavy}))"
    status, _ = stream([RUNTIME.python, "-c", absent])
    if status != 0:
        raise BuildError(
            f"{RUNTIME.folder} holds one of {', '.join(heavy)}, so it shows nothing about the bare runtime.",
            f"Delete the folder {RUNTIME.folder} and run this again.",
        )
    return _pytest(RUNTIME, ["tests/unit"])


def _zip() -> Count:
    ensure(BLENDER_4_5)
    package.build_zips([_LINUX], FULL, [package.blender_validator(BLENDER_4_5)])
    return Count(passed=1)


def _in_blender(environment: Environment) -> Callable[[], Count]:
    def work() -> Count:
        ensure(environment)
        arguments = ["--zip", str(package.zip_path(_LINUX)), "--timeout", f"{_FILE_TIMEOUT_S}"]
        # Passes are painted by Blender's own Python, and where it has nothing of ours by another one.
        other = {} if environment.with_project else {"SOLILOQUY_ACTOR_PYTHON": str(FULL.python)}
        status, lines = stream(
            [environment.python, _RUNNER, *arguments], environment=clean_environment(**other)
        )
        return printed_count(lines, status)

    return work
