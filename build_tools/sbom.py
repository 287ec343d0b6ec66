"""The bill of materials of an extension (CycloneDX 1.6, JSON): wheels, libraries in them, weights, data.

Written as plain dictionaries: build.py has the standard library only, and the packages that know the format
do not know its model cards. A test reads the result with cyclonedx-python-lib's strict validator.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from . import data_licences, licences, reproducible
from .common import ROOT, manifest, sha256_of
from .data_licences import Card, DataSet
from .licences import Inside, Package

FILE: Final = "sbom.cdx.json"
_OWN_LICENCE: Final = "GPL-3.0-or-later"
_ROOT: Final = "soliloquy"

Part = dict[str, Any]


def write(packages: list[Package], folder: Path) -> None:
    """Write `sbom.cdx.json` into a staged extension, whose other files must be there."""
    text = json.dumps(bill(packages, folder), indent=1, ensure_ascii=False) + "\n"
    (folder / FILE).write_text(text, "utf-8", newline="\n")


def bill(packages: list[Package], folder: Path) -> Part:
    """The bill of a staged extension; the same for the same content.

    Args:
        packages: what its wheels bring along.
        folder: the staged extension.
    """
    facts = licences.facts()
    cards, sets = data_licences.cards(facts), data_licences.data_sets(facts)
    used = {name for card in cards for name in card.learnt_from}
    parts = [part for package in packages for part in _package(package)]
    parts += [_weights(card, folder) for card in cards]
    parts += [_data_set(one) for one in sets.values() if one.name in used]
    weights = {card.file.name for card in cards}
    parts += [
        _file(path, folder, facts["assets"])
        for path in _data_files(folder, tuple(facts["assets"]))
        if path.name not in weights
    ]
    about = {"component": _extension(folder), "lifecycles": [{"phase": "build"}]}
    date = reproducible.source_date()
    if date is not None:
        about["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(date))
    document: Part = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": about,
        "components": parts,
        "dependencies": _dependencies(packages, cards, parts),
    }
    number = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(document, sort_keys=True))
    return {**document, "serialNumber": f"urn:uuid:{number}"}


def _extension(folder: Path) -> Part:
    facts = manifest()
    return {
        "type": "application", "bom-ref": _ROOT, "name": facts["id"], "version": facts["version"],
        "description": facts["tagline"], "licenses": _licence(_OWN_LICENCE),
        "purl": f"pkg:generic/{facts['id']}@{facts['version']}",
        "hashes": _hashes(folder / "blender_manifest.toml"),
        "supplier": {"name": facts["maintainer"]},
    }  # fmt: skip


def _package(package: Package) -> Iterator[Part]:
    """Its wheels, then what is inside them."""
    texts = f"{licences.FOLDER}/{package.name}-{package.version}"
    for wheel in package.wheels:
        purl = f"pkg:pypi/{package.name.replace('_', '-').lower()}@{package.version}?file_name={wheel.name}"
        yield {
            "type": "library", "bom-ref": wheel.name, "name": package.name, "version": package.version,
            "purl": purl, "licenses": _licence(package.licence),
            "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
            "properties": [
                {"name": "soliloquy:file", "value": f"wheels/{wheel.name}"},
                *({"name": "soliloquy:licence", "value": f"{texts}/{name}"} for name, _ in package.texts),
            ],
        }  # fmt: skip
    for one in package.inside:
        yield _inside(package, one) | {
            "licenses": _licence(one.licence),
            "externalReferences": [{"type": "vcs" if "git" in one.source else "website", "url": one.source}],
        }
    for one in package.named:
        yield _inside(package, one) | {
            "scope": "optional",
            "description": f"Named in the notices of {package.name}, for all of its builds: this one may "
            "not have it inside. Its licence is there.",
        }


def _inside(package: Package, one: Inside) -> Part:
    part = {"type": "library", "bom-ref": _inside_ref(package, one), "name": one.name}
    return part | ({"version": one.version} if one.version else {})


def _inside_ref(package: Package, one: Inside) -> str:
    return f"{package.name}/{one.name}"


def _weights(card: Card, folder: Path) -> Part:
    place = _place(card)
    considerations = {"technicalLimitations": [card.limits]} if card.limits else {}
    page = card.file.with_suffix(".md").is_file()
    return {
        "type": "machine-learning-model", "bom-ref": place, "name": card.name,
        "version": card.version or manifest()["version"], "description": card.does or card.told,
        "licenses": _licence(card.licence), "hashes": _hashes(folder / place),
        "modelCard": {
            "modelParameters": {
                "task": "speech to facial motion",
                "datasets": [{"ref": _data_ref(name)} for name in card.learnt_from],
            },
            "considerations": considerations,
        },
        "properties": [
            {"name": "soliloquy:file", "value": place},
            {"name": "soliloquy:trained_on", "value": card.told},
        ],
    } | (
        {"externalReferences": [{"type": "model-card", "url": place.rpartition(".")[0] + ".md"}]}
        if page else {}
    )  # fmt: skip


def _place(card: Card) -> str:
    return card.file.relative_to(ROOT).as_posix()


def _data_set(one: DataSet) -> Part:
    licence = _licence(one.spdx) if one.spdx else [{"license": {"name": one.licence}}]
    return {
        "type": "data", "bom-ref": _data_ref(one.name), "name": one.name, "description": one.what,
        "scope": "excluded", "licenses": licence, "copyright": one.attribution,
        "data": [{"type": "dataset", "name": one.name, "description": "Not inside: weights learnt from it."}],
        "properties": [{"name": "soliloquy:licence", "value": one.licence}],
    }  # fmt: skip


def _data_ref(name: str) -> str:
    return name if "/" in name else f"data:{name}"


def _data_files(folder: Path, own: tuple[str, ...]) -> list[Path]:
    """Files that are no code, and those with a licence of their own."""
    return [
        path
        for part in ("inference", "blender_addon")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
        and (path.suffix not in (".py", ".md") or path.relative_to(folder).as_posix().startswith(own))
    ]


def _file(path: Path, folder: Path, assets: dict[str, str]) -> Part:
    place = path.relative_to(folder).as_posix()
    licence = next((licence for begin, licence in assets.items() if place.startswith(begin)), _OWN_LICENCE)
    content = json.loads(path.read_text("utf-8")) if path.suffix == ".json" else None
    about = content.get("about") if isinstance(content, dict) else None
    return {
        "type": "file", "bom-ref": place, "name": place,
        "licenses": _licence(licence), "hashes": _hashes(path),
    } | ({"description": about} if about else {})  # fmt: skip


def _licence(expression: str) -> list[Part]:
    if " " in expression or expression.startswith("LicenseRef"):
        return [{"expression": expression}]
    return [{"license": {"id": expression}}]


def _hashes(path: Path) -> list[Part]:
    return [{"alg": "SHA-256", "content": sha256_of(path)}]


def _dependencies(packages: list[Package], cards: list[Card], parts: list[Part]) -> list[Part]:
    """Who needs whom: the extension wheels, weights and files; wheels other wheels and what is in them."""
    wheels = {package.name: [wheel.name for wheel in package.wheels] for package in packages}
    asked_for = {need for package in packages for need in package.needs}
    needs: dict[str, list[str]] = {}
    for package in packages:
        below = [ref for need in package.needs for ref in wheels.get(need, ())]
        below += [_inside_ref(package, one) for one in (*package.inside, *package.named)]
        needs |= dict.fromkeys(wheels[package.name], below)
    for card in cards:
        needs[_place(card)] = [_data_ref(name) for name in card.learnt_from]
    direct = [name for package in packages if package.name not in asked_for for name in wheels[package.name]]
    held = [part["bom-ref"] for part in parts if part["type"] in ("machine-learning-model", "file")]
    needs[_ROOT] = direct + held
    return [{"ref": ref, "dependsOn": sorted(set(below))} for ref, below in sorted(needs.items())]
