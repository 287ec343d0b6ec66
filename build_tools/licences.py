"""Licences of the software inside the extension: read from its wheels, checked, written into it."""

from __future__ import annotations

import re
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

from . import data_licences
from .common import ROOT, BuildError, manifest
from .wheels import Wheel

FOLDER: Final = "licences"
TABLE: Final = "THIRD_PARTY.md"
FACTS: Final = ROOT / "build_tools" / "third_party.toml"
_TEXTS: Final = ROOT / "build_tools" / "licence_texts"
_TEXT_FILE: Final = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|ThirdPartyNotices|license_notes)", re.IGNORECASE)
_BINARIES: Final = (".so", ".dll", ".pyd", ".dylib")


@dataclass(frozen=True)
class Inside:
    """A library that a wheel has inside; `licence` is "" where only the wheel's notices tell it."""

    name: str
    version: str
    licence: str
    source: str


@dataclass(frozen=True)
class Package:
    """What wheels of one project and version (one per Python) bring along."""

    name: str
    version: str
    licence: str
    """SPDX expression."""
    needs: tuple[str, ...]
    """Projects that it asks for."""
    wheels: tuple[Wheel, ...]
    inside: tuple[Inside, ...]
    named: tuple[Inside, ...]
    """What its notices name, which stand for all of its builds."""
    texts: tuple[tuple[str, bytes], ...]
    """File names and contents of its licences."""


@cache
def facts() -> dict[str, Any]:
    """`third_party.toml`: what the wheels do not say themselves."""
    return tomllib.loads(FACTS.read_text("utf-8"))


def software(wheels: Iterable[Wheel]) -> list[Package]:
    """What some locked and fetched wheels bring along, by name.

    Raises:
        BuildError: a wheel has no licence text, or one that is unknown or does not go with the GPL.
    """
    projects: dict[str, list[Wheel]] = {}
    for wheel in sorted(wheels, key=lambda wheel: wheel.name):
        projects.setdefault(wheel.project, []).append(wheel)
    found = [_read(group) for _, group in sorted(projects.items())]
    for package in found:
        check(package)
    return found


def check(package: Package) -> None:
    """Refuse a package without licence text, or with a licence that does not go with GPL-3.0-or-later.

    Raises:
        BuildError: names the package and the licence.
    """
    if not package.texts:
        raise BuildError(
            f"The wheel {package.wheels[0].name} holds no text of its licence.",
            f"Put the text into {_TEXTS.name} and name it under [texts] of {FACTS.name}.",
        )
    for name, licence in (
        (package.name, package.licence),
        *((one.name, one.licence) for one in package.inside),
    ):
        if not is_compatible(licence):
            raise BuildError(
                f"The licence {licence!r} of {name} (in {package.name} {package.version}) is not known to go"
                " with GPL-3.0-or-later.",
                f"Do without it, or, when it does, add it to {FACTS.name}.",
            )


def is_compatible(expression: str) -> bool:
    """Whether software under this SPDX expression (without brackets) may be inside the extension."""
    return any(
        all(licence.strip() in facts()["compatible"] for licence in choice.split(" AND "))
        for choice in expression.split(" OR ")
    )


def write(packages: list[Package], folder: Path) -> None:
    """Write `THIRD_PARTY.md` and the texts below `licences/` into a staged extension."""
    for package in packages:
        place = folder / FOLDER / f"{package.name}-{package.version}"
        place.mkdir(parents=True)
        for name, content in package.texts:
            (place / name).write_bytes(content)
    (folder / TABLE).write_text(_table(packages), "utf-8", newline="\n")


def _read(wheels: list[Wheel]) -> Package:
    texts: dict[str, bytes] = {}
    inside: dict[str, Inside] = {}
    named: dict[str, Inside] = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel.path) as archive:
            binaries = _binaries(archive, wheel.project)
            held = {one.name: one for one in _inside(binaries, wheel.project)}
            inside |= held
            for name, content in _texts(archive, wheel.project, held):
                if texts.setdefault(name, content) != content:
                    raise BuildError(
                        f"The text {name} differs between the wheels of {wheel.requirement}.",
                        "Keep both: give them names of their own in build_tools/licences.py.",
                    )
            named |= {one.name: one for one in _named(archive, binaries, wheel)}
            metadata = _metadata(archive)
    return Package(
        wheels[0].project, wheels[0].version, _licence(metadata, wheels[0]), _needs(metadata), tuple(wheels),
        tuple(inside.values()), tuple(named.values()), tuple(sorted(texts.items())),
    )  # fmt: skip


def _metadata(archive: zipfile.ZipFile) -> Any:
    name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    return BytesHeaderParser().parsebytes(archive.read(name))


def _licence(metadata: Any, wheel: Wheel) -> str:
    told = metadata["License-Expression"] or metadata["License"] or ""
    expression = metadata["License-Expression"] or facts()["free_text"].get(told)
    if not expression:
        raise BuildError(
            f"The wheel {wheel.name} names its licence {told!r}, which is no SPDX expression.",
            f"Say under [free_text] of {FACTS.name} which one it is.",
        )
    return str(expression)


def _needs(metadata: Any) -> tuple[str, ...]:
    """Names of what is needed always, spelt as in file names of wheels."""
    lines = [line for line in metadata.get_all("Requires-Dist") or () if "extra ==" not in line]
    names = [re.match(r"[A-Za-z0-9._-]+", line) for line in lines]
    return tuple(sorted({name.group().replace("-", "_") for name in names if name}))


def _texts(archive: zipfile.ZipFile, project: str, inside: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(archive.namelist()):
        path = PurePosixPath(entry)
        if _TEXT_FILE.match(path.name) and path.suffix != ".py" and not entry.endswith("/"):
            yield path.name, archive.read(entry)
    own = [one["text"] for one in facts()["inside"] if one["name"] in inside and "text" in one]
    for name in (*facts()["texts"].get(project, ()), *own):
        yield name, (_TEXTS / name).read_bytes()


def _inside(binaries: list[bytes], project: str) -> Iterator[Inside]:
    """The libraries of `third_party.toml` that are in a wheel, with the versions that its binaries tell."""
    for one in facts()["inside"]:
        if one["wheel"] != project:
            continue
        found = (
            [re.search(one["mark"].encode(), content) for content in binaries] if "mark" in one else [None]
        )
        matches = [match for match in found if match]
        if "mark" in one and not matches:
            continue
        version = matches[0].group(1).decode() if matches and matches[0].groups() else ""
        yield Inside(one["name"], version, one["licence"], one["source"])


def _named(archive: zipfile.ZipFile, binaries: list[bytes], wheel: Wheel) -> Iterator[Inside]:
    """What a wheel's file of notices names."""
    notices = facts()["notices"].get(wheel.project)
    if notices is None:
        return
    text = archive.read(notices["file"]).decode("utf-8")
    absent = notices["absent"]
    for block in re.split(rf"^{notices['mark']}+\s*$", text, flags=re.MULTILINE)[1:]:
        name = next(line.strip() for line in block.splitlines() if line.strip())
        name = re.split(r",? \(?https?:| is licensed | is$| Is Public", name)[0].strip()
        if name not in absent:
            yield Inside(name, "", "", "")
        elif any(absent[name].encode() in content for content in binaries):
            raise BuildError(
                f"{wheel.name} seems to have {name} inside, whose licence does not go with the GPL.",
                "Take a version of it that was built without.",
            )


def _binaries(archive: zipfile.ZipFile, project: str) -> list[bytes]:
    """A wheel's libraries, where something is looked for in them (onnxruntime's are 60 MB)."""
    if project not in facts()["notices"] and not any(one["wheel"] == project for one in facts()["inside"]):
        return []
    names = [name for name in archive.namelist() if PurePosixPath(name).suffix in _BINARIES or ".so." in name]
    return [archive.read(name) for name in names]


def _table(packages: list[Package]) -> str:
    own = manifest()
    rows = [
        f"| {one.name} | {one.version} | {one.licence} | "
        + ", ".join(f"[{name}]({FOLDER}/{one.name}-{one.version}/{name})" for name, _ in one.texts) + " |"
        for one in packages
    ]  # fmt: skip
    within = [
        f"| {one.name} | {one.version or '-'} | {package.name} | {one.licence} | {one.source} |"
        for package in packages
        for one in package.inside
    ]
    notices = [
        f"{package.name} {package.version} names further software in its notices, for all of its builds (the"
        " one in this package has only some of it inside): "
        + ", ".join(one.name for one in package.named)
        + "."
        for package in packages
        if package.named
    ]
    return f"""\
# Third-party software and data

{own["name"]} {own["version"]} is free software under GPL-3.0-or-later (LICENSE). It comes with these
Python packages, as they are published, in `wheels/`; their licences go with the GPL, and their texts are in
`{FOLDER}/`. The same list for machines, with hashes: `sbom.cdx.json` (CycloneDX).

| package | version | licence | texts |
|---|---|---|---|
{chr(10).join(rows)}

## Inside these packages

| library | version | in | licence | source |
|---|---|---|---|---|
{chr(10).join(within)}

Libraries under the LGPL can be replaced: put a wheel of your own build into `wheels/` of this package under
the same name, and install the package again.

{chr(10).join(notices)}

{data_licences.table(facts())}"""
