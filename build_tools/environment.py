"""Virtual environments in the repository, made when something changed and left alone when nothing did."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import system_libraries
from .common import ROOT, BuildError, clean_environment, elapsed, say, stream

PYTHON: Final = (3, 11)
"""Blender's module 5.0.1 is made for this Python and no other."""
CONSTRAINTS: Final = ROOT / "build_tools" / "constraints.txt"
_OFFLINE = ("NameResolutionError", "Failed to establish a new connection", "Network is unreachable",
            "Connection refused", "ConnectTimeoutError", "ReadTimeoutError", "ProxyError")  # fmt: skip


@dataclass(frozen=True)
class Environment:
    """A virtual environment and what belongs into it."""

    folder: str
    """Name of its folder in the repository."""
    extras: frozenset[str] = frozenset()
    """Groups of optional dependencies in pyproject.toml."""
    packages: tuple[str, ...] = ()
    """Further requirements, by pip's notation."""
    with_project: bool = True
    """Whether the project itself (and so its dependencies) is installed, in place."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        return ROOT / self.folder

    @property
    def has_blender(self) -> bool:
        """Whether Blender's module is in it."""
        return "blender" in self.extras or any(name.startswith("bpy") for name in self.packages)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        windows = sys.platform == "win32"
        return self.path / ("Scripts/python.exe" if windows else "bin/python")


DEMO: Final = Environment(".venv", frozenset({"video", "blender"}), ("numpy==1.26.4",))
"""Runs the demo and builds the extension: no torch."""
FULL: Final = Environment(
    ".venv",
    frozenset({"video", "plot", "blender", "actor", "farm", "train", "test", "fuzz"}),
    ("numpy==1.26.4",),
)
"""Runs the checks and trains."""
RUNTIME: Final = Environment(".venv-runtime", packages=("numpy==2.4.6", "pytest", "hypothesis"))
"""The runtime as a farm installs it: a new numpy, no torch, no Blender, no video decoder."""
BLENDER_4_5: Final = Environment(".venv-4.5", packages=("bpy==4.5.15", "numpy==1.26.4"), with_project=False)
"""Blender 4.5 LTS and nothing of ours: what the extension needs must come from its own wheels."""


def ensure(environment: Environment) -> None:
    """Make an environment, or bring it up to date; returns at once when nothing changed.

    Raises:
        BuildError: no fitting Python, no venv module, a package that could not be had, or a Blender
            module that does not load.
    """
    installed = _installed_extras(environment)
    if installed is not None and environment.extras <= installed:
        return
    started = time.monotonic()
    extras = sorted(environment.extras | (installed or set()))
    say(f"Setting up {environment.folder} (the first time downloads packages; later runs skip this)")
    _make(environment)
    _install(environment, extras)
    if environment.has_blender:
        check_blender(environment)
    stamp = {"fingerprint": _fingerprint(environment), "extras": extras}
    _stamp_file(environment).write_text(json.dumps(stamp), "utf-8")
    say(f"  {environment.folder} is ready ({elapsed(started)})")


def check_system(opengl: bool) -> None:
    """Refuse, naming what is missing and the apt line, where no set-up could succeed.

    Args:
        opengl: whether EEVEE or Workbench are going to render.

    Raises:
        BuildError: a system library or Python's venv module is missing.
    """
    absent = system_libraries.missing_packages(opengl)
    if absent:
        names = ", ".join(absent)
        raise BuildError(
            f"This machine lacks what Blender and the set-up need: {names}.",
            f"On Debian or Ubuntu this line brings them:\n  {system_libraries.apt_line(absent.values())}",
        )


def check_blender(environment: Environment) -> None:
    """Import bpy in a child process and explain a failure.

    Raises:
        BuildError: Blender's module does not load.
    """
    done = subprocess.run(
        [environment.python, "-c", "import bpy"],
        capture_output=True, text=True, env=clean_environment(), stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return
    library = system_libraries.library_in_error(done.stderr)
    if library:
        raise BuildError(
            f"Blender needs the system library {library}, which this machine lacks.",
            f"On Debian or Ubuntu: `apt-file search {library}` names the package; install it with apt-get.",
        )
    last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    raise BuildError(
        f"Blender's Python module does not load in {environment.folder}: {last}.",
        f"Delete the folder {environment.folder} and run this command again.",
    )


def find_python() -> str:
    """Path of a Python 3.11: the one that runs this, or `python3.11` of the PATH.

    Raises:
        BuildError: there is none.
    """
    if sys.version_info[:2] == PYTHON:
        return sys.executable
    other = shutil.which("python{}.{}".format(*PYTHON))
    if other and _version_of(other) == PYTHON:
        return other
    running = ".".join(map(str, sys.version_info[:3]))
    raise BuildError(
        f"This needs Python 3.11 (Blender's module 5.0.1 is made for it), but here runs Python {running}.",
        "Install Python 3.11 (Debian 12: `sudo apt-get install python3 python3-venv`) and run it again as"
        " `python3.11 build.py ...`.",
    )


def _version_of(python: str | Path) -> tuple[int, ...] | None:
    code = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, env=clean_environment(), check=False
        )
    except OSError:
        return None
    return tuple(map(int, done.stdout.split())) if done.returncode == 0 else None


def _make(environment: Environment) -> None:
    if _version_of(environment.python) == PYTHON:
        return
    python = find_python()
    status, lines = stream([python, "-m", "venv", "--clear", environment.path], show=lambda line: False)
    if status == 0:
        return
    text = "\n".join(lines)
    if "ensurepip" in text or "No module named venv" in text:
        raise BuildError(
            "This Python cannot make virtual environments: its venv module is not installed.",
            f"On Debian or Ubuntu this line brings it:\n  {system_libraries.apt_line(['python3.11-venv'])}",
        )
    raise BuildError(
        f"The virtual environment {environment.path} could not be made: {(lines or ['no output'])[-1]}.",
        "Check that this folder can be written and that the disk has room, and run the command again.",
    )


def _install(environment: Environment, extras: Sequence[str]) -> None:
    wanted: list[str] = list(environment.packages)
    if environment.with_project:
        wanted += ["--editable", f".[{','.join(extras)}]" if extras else "."]
    pip_install(environment.python, [*wanted, "--constraint", str(CONSTRAINTS)])


def pip_install(python: Path, arguments: Sequence[str]) -> None:
    """`pip install`, with a line per larger download.

    Raises:
        BuildError: it failed; says whether the network or the package is the reason.
    """
    run_pip(python, ["install", *arguments], "Packages could not be installed")


def run_pip(python: Path, arguments: Sequence[str], what: str) -> None:
    """Run pip with its downloads shown, and explain a failure.

    Args:
        python: interpreter whose pip runs.
        arguments: pip's arguments.
        what: beginning of the error message.

    Raises:
        BuildError: pip failed.
    """
    command = ["-m", "pip", "--disable-pip-version-check", *arguments, "--progress-bar", "off"]
    status, lines = stream([python, *command], show=_is_big_download)
    if status == 0:
        return
    text = "\n".join(lines)
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-3:]
    cause = f"{what}:\n  " + "\n  ".join(errors)
    if any(sign in text for sign in _OFFLINE):
        remedy = "The package index cannot be reached: check the network (and proxy) and run this again."
    elif "No space left on device" in text:
        remedy = "The disk is full: free about 4 GB and run this again; what was downloaded is kept."
    elif "No matching distribution" in text:
        remedy = (
            "Either the index that pip is set to does not hold this version, or it cannot be reached:"
            " `pip config list` shows what is set. Then run this again."
        )
    else:
        remedy = "Mend what pip complains about and run this again."
    raise BuildError(cause, remedy)


def _is_big_download(line: str) -> bool:
    text = line.strip()
    return text.startswith("Downloading ") and " MB)" in text


def _fingerprint(environment: Environment) -> str:
    """Changes when anything that decides the environment's content changes."""
    digest = hashlib.sha256(repr((sys.platform, environment.packages)).encode())
    digest.update(CONSTRAINTS.read_bytes())
    if environment.with_project:
        for name in ("pyproject.toml", "setup.py", "blender_manifest.toml"):
            digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _stamp_file(environment: Environment) -> Path:
    return environment.path / "soliloquy-setup.json"


def _installed_extras(environment: Environment) -> set[str] | None:
    """What the last complete set-up installed; None when there was none or its recipe changed since."""
    try:
        stamp = json.loads(_stamp_file(environment).read_text("utf-8"))
        extras = set(stamp["extras"]) if stamp["fingerprint"] == _fingerprint(environment) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return extras if environment.python.exists() else None
