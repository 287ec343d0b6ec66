"""The extension package: what goes into it, its wheels, one zip per platform."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .common import ROOT, BuildError, manifest, say, size_text, stream
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
STAGE: Final = ROOT / "build" / "extension"
DIST: Final = ROOT / "dist"

CONTENT: Final = (
    "__init__.py",
    "__main__.py",
    "blender_manifest.toml",
    "LICENSE",
    "inference",
    "blender_addon",
)
"""What of the repository belongs into the extension."""


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
    def requirement(self) -> str:
        """`name==version`."""
        name, version = self.name.split("-")[:2]
        return f"{name}=={version}"

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
    lines += [f"{_sha256(path)}  {path.name}" for path in sorted(WHEELS.glob("*.whl"))]
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


def stage(wheels: Iterable[Wheel], platforms: Iterable[str], folder: Path = STAGE) -> Path:
    """Lay out a clean copy of the extension with its wheels.

    Args:
        wheels: locked wheels, present in `wheels/`.
        platforms: Blender's names of the platforms.
        folder: where; emptied first.

    Returns:
        The folder.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "*.tmp")
    for name in CONTENT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=unwanted)
        else:
            shutil.copy2(source, folder / name)
    names = sorted(wheel.name for wheel in wheels)
    (folder / "wheels").mkdir()
    for name in names:
        shutil.copy2(WHEELS / name, folder / "wheels" / name)
    path = folder / "blender_manifest.toml"
    path.write_text(add_to_manifest(path.read_text("utf-8"), names, platforms), "utf-8")
    return folder


def add_to_manifest(text: str, wheel_names: Iterable[str], platforms: Iterable[str]) -> str:
    """Add wheels and platforms to a manifest: top-level keys, so they go before its first table."""
    listed = ",\n".join(f'  "./wheels/{name}"' for name in wheel_names)
    added = f"platforms = {json.dumps(list(platforms))}\nwheels = [\n{listed}\n]\n\n"
    table = re.search(r"^\[", text, re.MULTILINE)
    at = table.start() if table else len(text)
    return text[:at] + added + text[at:]


def build_zips(platforms: Iterable[str], environment: Environment = DEMO) -> list[Path]:
    """Fetch the wheels, stage, pack and validate the extension, one zip per platform in `dist/`.

    Returns:
        The zips.

    Raises:
        BuildError: a download, the packing or the validation failed.
    """
    platforms = list(platforms)
    wheels = fetch_wheels(platforms, environment)
    folder = stage(wheels, platforms)
    tool = _blender_tool(environment)
    DIST.mkdir(exist_ok=True)
    arguments = ["build", "--source-dir", str(folder), "--output-dir", str(DIST), "--split-platforms"]
    _run_tool(environment, tool, arguments, "The extension could not be packed")
    zips = [zip_path(name) for name in platforms]
    for path in zips:
        _run_tool(environment, tool, ["validate", str(path)], f"{path.name} is not a valid extension")
        say(f"  {path.relative_to(ROOT)}  {size_text(path.stat().st_size)}  {_largest(path)}")
    return zips


def zip_path(platform: str) -> Path:
    """Where `build_zips` puts the extension for a platform."""
    facts = manifest()
    return DIST / f"{facts['id']}-{facts['version']}-{platform.replace('-', '_')}.zip"


def _largest(path: Path) -> str:
    """Where a zip's bytes are: wheels, weights, the rest."""
    sizes: dict[str, int] = defaultdict(int)
    with zipfile.ZipFile(path) as package:
        for entry in package.infolist():
            kinds = {".whl": "wheels", ".onnx": "weights"}
            sizes[kinds.get(Path(entry.filename).suffix, "code and assets")] += entry.compress_size
    return "(" + ", ".join(f"{kind} {size_text(size)}" for kind, size in sorted(sizes.items())) + ")"


def _blender_tool(environment: Environment) -> Path:
    """Blender's own packing tool, plain Python inside the bpy wheel."""
    pattern = "**/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
    found = next(environment.path.glob(pattern), None)
    if found is None:
        raise BuildError(
            f"Blender's packing tool is not in {environment.folder}.",
            f"Delete the folder {environment.folder} and run `build.py setup`.",
        )
    return found


def _run_tool(environment: Environment, tool: Path, arguments: list[str], what: str) -> None:
    status, lines = stream([environment.python, "-B", tool, *arguments], show=lambda line: False)
    if status != 0:
        raise BuildError(f"{what}:\n  " + "\n  ".join(lines[-12:]), "Mend what the tool complains about.")


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
    path = WHEELS / wheel.name
    return path.is_file() and _sha256(path) == wheel.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as stream_:
        return hashlib.file_digest(stream_, "sha256").hexdigest()
