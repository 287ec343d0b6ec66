"""build.py's own behaviour: messages instead of tracebacks, the stamp, counting."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from build_tools import checks, common, demo, environment, system_libraries
from build_tools.checks import Count
from build_tools.common import ROOT, BuildError
from build_tools.environment import Environment


def _build(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", str(ROOT / "build.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=120)


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """A small environment below a temporary folder, and no pip run."""
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    for name in ("pyproject.toml", "setup.py", "blender_manifest.toml"):
        (tmp_path / name).write_text("", "utf-8")
    return Environment(".venv", frozenset({"video"}))


@pytest.mark.parametrize("command", ["setup", "demo", "test", "build", "release"])
def test_help_of_every_command(command: str) -> None:
    done = _build(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: build.py {command}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("demo", "--audio", "no such file.wav"), "does not exist"),
        (("demo", "--audio", "inference"), "is a folder"),
        (("demo", "--out", "LICENSE"), "cannot be written to"),
        (("demo", "--size", "3"), "64 to 4096"),
        (("nothing",), "invalid choice"),
    ],
)
def test_wrong_use_is_one_message_and_exit_2(arguments: tuple[str, ...], message: str) -> None:
    done = _build(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_second_set_up_does_nothing(local: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[list[str]] = []

    def make(wanted: Environment) -> None:
        wanted.python.parent.mkdir(parents=True, exist_ok=True)
        wanted.python.touch()

    monkeypatch.setattr(environment, "_make", make)
    monkeypatch.setattr(environment, "_install", lambda _env, extras: runs.append(list(extras)))
    environment.ensure(local)
    environment.ensure(local)
    assert runs == [["video"]]
    environment.ensure(dataclasses.replace(local, extras=frozenset({"test"})))
    assert runs[-1] == ["test", "video"]  # what was there stays
    environment.ensure(local)
    assert len(runs) == 2
    (environment.ROOT / "pyproject.toml").write_text("changed", "utf-8")
    environment.ensure(local)
    assert runs[2:] == [["video"]]
    local.python.unlink()
    environment.ensure(local)
    assert len(runs) == 4


def test_failed_set_up_is_tried_again(local: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_unused: object) -> None:
        raise BuildError("no network", "mend it")

    monkeypatch.setattr(environment, "_make", lambda _env: None)
    monkeypatch.setattr(environment, "_install", fail)
    for _ in range(2):
        with pytest.raises(BuildError, match="no network"):
            environment.ensure(local)


def test_missing_venv_module_names_the_apt_line(local: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    told = ["The virtual environment was not created successfully because ensurepip is not available."]
    monkeypatch.setattr(environment, "find_python", lambda: sys.executable)
    monkeypatch.setattr(environment, "stream", lambda *_a, **_k: (1, told))
    with pytest.raises(BuildError, match=r"apt-get install -y python3\.11-venv"):
        environment.ensure(local)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("ConnectionError: Failed to establish a new connection: [Errno 111]", "check the network"),
        ("ERROR: No matching distribution found for bpy==5.0.1", "cannot be reached"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: something else", "Mend what pip complains about"),
    ],
)
def test_failed_download_says_what_to_do(told: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "stream", lambda *_a, **_k: (1, [told]))
    with pytest.raises(BuildError, match=message):
        environment.pip_install(Path("python"), ["bpy"])


def test_another_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PYTHON", (3, 99))
    with pytest.raises(BuildError, match=r"needs Python 3\.11"):
        environment.find_python()


def test_missing_library_is_named_with_its_apt_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_libraries, "missing", lambda _wanted: ["libXi.so.6", "libSM.so.6"])
    with pytest.raises(BuildError, match=r"libXi\.so\.6, libSM\.so\.6.*\n.*\n.*install -y libsm6 libxi6"):
        environment.check_system(opengl=False)


def test_linker_decides_what_is_missing() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("asks the dynamic linker of Linux")
    assert system_libraries.missing(["libc.so.6", "libdoes_not_exist.so.9"]) == ["libdoes_not_exist.so.9"]


def test_library_is_read_from_an_import_error() -> None:
    text = "ImportError: libXrender.so.1: cannot open shared object file: No such file or directory"
    assert system_libraries.library_in_error(text) == "libXrender.so.1"
    assert system_libraries.library_in_error("ImportError: no module") is None


def test_counts_of_reports(tmp_path: Path) -> None:
    report = tmp_path / "r.xml"
    report.write_text(
        '<testsuites><testsuite tests="9" failures="1" errors="2" skipped="3"/></testsuites>', "utf-8"
    )
    assert checks.junit_count(report) == Count(passed=3, failed=3, skipped=3)
    assert checks.junit_count(tmp_path / "absent.xml") == Count(failed=1)
    report.write_text("<testsu", "utf-8")
    assert checks.junit_count(report) == Count(failed=1)


@pytest.mark.parametrize(
    ("lines", "status", "count"),
    [
        (["x", "12 passed, 0 failed"], 0, Count(12, 0)),
        (["3 passed, 2 failed", "bye"], 1, Count(3, 2)),
        (["12 passed, 0 failed"], 139, Count(12, 1)),
        (["Segmentation fault"], 139, Count(0, 1)),
        ([], 0, Count(0, 1)),
    ],
)
def test_counts_of_runners(lines: list[str], status: int, count: Count) -> None:
    assert checks.printed_count(lines, status) == count


def test_child_inherits_no_other_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert "PYTHONPATH" not in common.clean_environment()
    assert common.clean_environment(X="1")["X"] == "1"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Fra:12 Mem:30M | Time:00:01", False),
        ("08:21.674  render           | Video append frame 250", False),
        ("08:21.674  render           | ERROR disk full", True),
        ("00:01.242  system.path      | WARNING no list of file-systems", False),
        ("EGL Error (0x3009): EGL_BAD_MATCH", False),
        ("[3/5] Keying it", True),
        ("      250 of 274 frames, about 0.8 min left", True),
        ("", False),
    ],
)
def test_demo_shows_its_own_lines(line: str, shown: bool) -> None:
    assert demo.is_worth_showing(line) is shown


def test_blender_that_does_not_load_is_looked_at_again(
    local: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "ImportError: libfancy.so.3: cannot open shared object file: No such file or directory"
    script = f"#!/bin/sh\necho '{told}' >&2\nexit 1\n"

    def make(wanted: Environment) -> None:
        wanted.python.parent.mkdir(parents=True, exist_ok=True)
        wanted.python.write_text(script, "utf-8")
        wanted.python.chmod(0o755)

    monkeypatch.setattr(environment, "_make", make)
    monkeypatch.setattr(environment, "_install", lambda *_unused: None)
    for _ in range(2):
        with pytest.raises(BuildError, match=r"system library libfancy\.so\.3"):
            environment.ensure(dataclasses.replace(local, extras=frozenset({"blender"})))


def test_a_stopped_command_takes_its_child_along(tmp_path: Path) -> None:
    """A child that ignores Ctrl-C, as Blender does while it renders, ends when build.py is told to end."""
    mark = tmp_path / "pid"
    child = f"import os, signal, time; signal.signal(2, 1); open({str(mark)!r}, 'w').write(str(os.getpid()))"
    script = (
        "import signal, sys; from build_tools.common import stream;"
        "signal.signal(signal.SIGTERM, signal.default_int_handler);"
        f"stream([sys.executable, '-c', {child + '; time.sleep(60)'!r}])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        deadline_s = time.monotonic() + 30
        while not (mark.is_file() and mark.read_text()) and time.monotonic() < deadline_s:
            time.sleep(0.02)
        parent.terminate()
        parent.wait(30)
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
