"""The extension package: what goes into it, and one zip per platform whose bytes are always the same."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import licences, reproducible, sbom
from .common import ROOT, BuildError, manifest, say, sha256_of, size_text, stream
from .environment import DEMO, Environment
from .wheels import Wheel, fetch_wheels

STAGE: Final = ROOT / "build" / "extension"
DIST: Final = ROOT / "dist"
SUMS: Final = "SHA256SUMS"

CONTENT: Final = (
    "__init__.py",
    "__main__.py",
    "blender_manifest.toml",
    "LICENSE",
    "inference",
    "blender_addon",
)
"""What of the repository belongs into the extension."""
ADDED: Final = ("wheels", licences.FOLDER, licences.TABLE, sbom.FILE)
"""What the build adds to it."""


@dataclass(frozen=True)
class Validator:
    """A program that says whether a zip is a valid extension."""

    name: str
    command: tuple[str | Path, ...]
    """Without the zip's path, which comes last."""


def build_zips(
    platforms: Iterable[str],
    environment: Environment = DEMO,
    validators: Sequence[Validator] = (),
    folder: Path | None = None,
) -> list[Path]:
    """Fetch the wheels; stage, pack and validate the extension, one zip per platform.

    Beside each zip lies its bill of materials (`.cdx.json`), and `SHA256SUMS` names them all.

    Args:
        platforms: Blender's names of them.
        environment: whose Blender packs.
        validators: further programs that have to accept the zips; the Blender that packs is always asked.
        folder: where to; `dist/` when absent.

    Returns:
        The zips.

    Raises:
        BuildError: a download, a licence, the packing or a validation failed.
    """
    platforms, target = list(platforms), folder or DIST
    target.mkdir(parents=True, exist_ok=True)
    wheels = fetch_wheels(platforms, environment)
    asked = [blender_validator(environment), *validators]
    made = []
    for platform in platforms:
        staged = stage([wheel for wheel in wheels if wheel.runs_on(platform)], [platform])
        path = _pack(staged, platform, environment, target)
        for validator in asked:
            _run(validator.command, path, f"{path.name} is not a valid extension for {validator.name}")
        shutil.copyfile(staged / sbom.FILE, sbom_path(path))
        made.append(path)
        say(f"  {_shown(path)}  {size_text(path.stat().st_size)}  {_largest(path)}")
    say(f"  valid for {', '.join(validator.name for validator in asked)}")
    sums = write_sums([part for path in made for part in (path, sbom_path(path))], target)
    say(f"  {_shown(sums)}\n" + sums.read_text("utf-8").rstrip())
    return made


def stage(wheels: Iterable[Wheel], platforms: Iterable[str], folder: Path = STAGE) -> Path:
    """Lay out a clean copy of the extension with its wheels, their licences and the bill of materials.

    Args:
        wheels: locked wheels, present in `wheels/`.
        platforms: Blender's names of the platforms.
        folder: where; emptied first.

    Returns:
        The folder.

    Raises:
        BuildError: a wheel has no licence text, or one that does not go with the GPL.
    """
    wheels = sorted(wheels, key=lambda wheel: wheel.name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "*.tmp")
    for name in CONTENT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=unwanted)
        else:
            shutil.copy2(source, folder / name)
    (folder / "wheels").mkdir()
    for wheel in wheels:
        shutil.copy2(wheel.path, folder / "wheels" / wheel.name)
    path = folder / "blender_manifest.toml"
    added = add_to_manifest(path.read_text("utf-8"), [wheel.name for wheel in wheels], platforms)
    path.write_text(added, "utf-8", newline="\n")
    software = licences.software(wheels)
    licences.write(software, folder)
    sbom.write(software, folder)
    return folder


def add_to_manifest(text: str, wheel_names: Iterable[str], platforms: Iterable[str]) -> str:
    """Add wheels and platforms to a manifest: top-level keys, so they go before its first table."""
    listed = ",\n".join(f'  "./wheels/{name}"' for name in wheel_names)
    added = f"platforms = {json.dumps(list(platforms))}\nwheels = [\n{listed}\n]\n\n"
    table = re.search(r"^\[", text, re.MULTILINE)
    at = table.start() if table else len(text)
    return text[:at] + added + text[at:]


def zip_path(platform: str, folder: Path | None = None) -> Path:
    """Where `build_zips` puts the extension for a platform."""
    facts = manifest()
    return (folder or DIST) / f"{facts['id']}-{facts['version']}-{platform.replace('-', '_')}.zip"


def sbom_path(zip_file: Path) -> Path:
    """Where `build_zips` puts a zip's bill of materials."""
    return zip_file.with_suffix(".cdx.json")


def write_sums(paths: Iterable[Path], folder: Path) -> Path:
    """Write the SHA-256 of files of a folder, in the notation of `sha256sum --check`."""
    lines = [f"{sha256_of(path)}  {path.name}\n" for path in sorted(paths)]
    file = folder / SUMS
    file.write_text("".join(lines), "utf-8", newline="\n")
    return file


def blender_validator(environment: Environment) -> Validator:
    """The packing tool of an environment's Blender, which also validates."""
    tool = _blender_tool(environment)
    name = f"Blender {tool.relative_to(environment.path).parts[-6]}"
    return Validator(name, (environment.python, "-B", tool, "validate"))


def program_validator(program: str) -> Validator:
    """An installed Blender (its program's name or path)."""
    found = shutil.which(program)
    if found is None:
        raise BuildError(
            f"The program {program} does not exist.", "Give the path of a Blender, as in --blender PATH."
        )
    return Validator(found, (found, "--command", "extension", "validate"))


def _pack(staged: Path, platform: str, environment: Environment, folder: Path) -> Path:
    """Pack with Blender's tool, then write its zip anew so that only names and bytes count."""
    tool = _blender_tool(environment)
    command = (environment.python, "-B", tool, "build", "--split-platforms", "--source-dir", staged)
    _run((*command, "--output-dir"), folder, "The extension could not be packed")
    path = zip_path(platform, folder)
    reproducible.rewrite_zip(path)
    return path


def _largest(path: Path) -> str:
    """Where a zip's bytes are: wheels, weights, the rest."""
    sizes: dict[str, int] = defaultdict(int)
    with zipfile.ZipFile(path) as package:
        for entry in package.infolist():
            kinds = {".whl": "wheels", ".onnx": "weights"}
            sizes[kinds.get(Path(entry.filename).suffix, "code and assets")] += entry.compress_size
    return "(" + ", ".join(f"{kind} {size_text(size)}" for kind, size in sorted(sizes.items())) + ")"


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


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


def _run(command: Sequence[str | Path], last: Path, what: str) -> None:
    status, lines = stream([*command, last], show=lambda line: False)
    if status != 0:
        raise BuildError(f"{what}:\n  " + "\n  ".join(lines[-12:]), "Mend what the tool complains about.")
