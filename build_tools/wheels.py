"""The wheels inside the extension: which ones, for which platforms and Pythons, locked by their SHA-256."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .common import ROOT, BuildError, say, sha256_of
from .environment import DEMO, Environment, run_pip

PLATFORMS: Final = {
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64",
                  "manylinux2014_x86_64"),
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_14_0_arm64", "macosx_13_0_arm64", "macosx_12_0_arm64", "macosx_11_0_arm64",
                    "macosx_10_9_universal2"),
}  # fmt: skip
"""Blender's name of a platform -> tags of the wheels that run there, best first."""

PYTHONS: Final = ("3.11", "3.13", "3.14")
"""Blender 4.5 and 5.0; 5.1 and 5.2; Debian's build of 5.2."""

PINS: Final = (
    "onnxruntime==1.31.1",
    "flatbuffers==25.12.19",  # onnxruntime's; so are packaging and protobuf
    "packaging==26.3",
    "protobuf==7.36.2",
    "soundfile==0.14.0",
    "cffi==2.1.1",  # soundfile's; so are pycparser and typing_extensions
    "pycparser==3.12",
    "typing_extensions==4.16.0",
    "soxr==1.1.0",
)
"""What the extension brings along. numpy is not here: every Blender has its own."""

WHEELS: Final = ROOT / "wheels"
LOCK: Final = ROOT / "build_tools" / "wheels.lock"
"""File name and SHA-256 of every wheel, written by `build.py build --update-wheels`."""


@dataclass(frozen=True)
class Wheel:
    """A locked wheel file."""

    name: str
    sha256: str

    @property
    def tags(self) -> tuple[str, str, tuple[str, ...]]:
        """Python tag, ABI tag, platform tags."""
        python, abi, platforms = self.name.removesuffix(".whl").split("-")[-3:]
        return python, abi, tuple(platforms.split("."))

    @property
    def project(self) -> str:
        """Name of the project as its file spells it."""
        return self.name.split("-")[0]

    @property
    def version(self) -> str:
        """Its version."""
        return self.name.split("-")[1]

    @property
    def requirement(self) -> str:
        """`name==version`."""
        return f"{self.project}=={self.version}"

    @property
    def path(self) -> Path:
        """Where it lies once it is fetched."""
        return WHEELS / self.name

    def runs_on(self, platform: str) -> bool:
        """Whether one of Blender's platforms can use it."""
        return any(tag == "any" or tag in PLATFORMS[platform] for tag in self.tags[2])


def read_lock() -> list[Wheel]:
    """The locked wheels.

    Raises:
        BuildError: the list is missing or damaged.
    """
    try:
        rows = [line.split() for line in LOCK.read_text("utf-8").splitlines() if line and line[0] != "#"]
        return [Wheel(name, digest) for digest, name in rows]
    except (OSError, ValueError) as error:
        raise BuildError(
            f"The list of wheels {LOCK} cannot be read ({error}).",
            "Restore it from the repository, or write it anew with `build.py build --update-wheels`.",
        ) from error


def update_lock(environment: Environment = DEMO) -> None:
    """Download the wheels of `PINS` for every platform and Python, and lock what came.

    Raises:
        BuildError: a wheel does not exist or cannot be downloaded.
    """
    shutil.rmtree(WHEELS, ignore_errors=True)
    for platform, tags in PLATFORMS.items():
        for python in PYTHONS:
            say(f"  wheels for {platform}, Python {python}")
            _download(environment, PINS, tags, python)
    lines = ["# SHA-256 and file name of the wheels inside the extension."]
    lines += [f"{sha256_of(path)}  {path.name}" for path in sorted(WHEELS.glob("*.whl"))]
    LOCK.write_text("\n".join(lines) + "\n", "utf-8")


def fetch_wheels(platforms: Iterable[str], environment: Environment = DEMO) -> list[Wheel]:
    """Make the folder `wheels/` hold every locked wheel of some platforms; what is there stays.

    Returns:
        Those wheels.

    Raises:
        BuildError: a wheel cannot be downloaded, or is not the locked one.
    """
    wanted = [wheel for wheel in read_lock() if any(wheel.runs_on(platform) for platform in platforms)]
    groups: dict[tuple[str, tuple[str, ...]], list[Wheel]] = defaultdict(list)
    for wheel in wanted:
        if not _is_locked(wheel):
            python, _, tags = wheel.tags
            groups[_python_version(python), tags].append(wheel)
    for (python, tags), wheels in sorted(groups.items()):
        say(f"  downloading {', '.join(wheel.requirement for wheel in wheels)} ({tags[0]}, Python {python})")
        _download(environment, [wheel.requirement for wheel in wheels], tags, python)
    for wheel in wanted:
        if not _is_locked(wheel):
            raise BuildError(
                f"The wheel {wheel.name} is not the one that {LOCK.name} names.",
                "Delete the folder wheels and run this again; if it stays so, the package index serves"
                " another file under this name.",
            )
    return wanted


def _download(environment: Environment, names: Iterable[str], tags: Iterable[str], python: str) -> None:
    platform = [part for tag in tags for part in ("--platform", tag)]
    arguments = ["download", "--no-deps", "--only-binary=:all:", "--implementation", "cp",
                 "--python-version", python, *platform, "--dest", str(WHEELS), *names]  # fmt: skip
    run_pip(environment.python, arguments, "Wheels could not be downloaded")


def _python_version(tag: str) -> str:
    """`cp313` -> `3.13`; a wheel for any Python 3 is asked for with the oldest that we support."""
    found = re.fullmatch(r"cp(\d)(\d+)", tag)
    return f"{found.group(1)}.{found.group(2)}" if found else PYTHONS[0]


def _is_locked(wheel: Wheel) -> bool:
    return wheel.path.is_file() and sha256_of(wheel.path) == wheel.sha256
