"""The bill of materials: valid CycloneDX 1.6, complete, and the same each time."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from build_helpers import fetched

from build_tools import data_licences, licences, package, reproducible, sbom, wheels
from build_tools.common import manifest
from build_tools.wheels import PLATFORMS


@pytest.fixture(scope="module", params=PLATFORMS)
def staged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension of a platform, laid out."""
    there = fetched(request.param)
    if len(there) < sum(wheel.runs_on(request.param) for wheel in wheels.read_lock()):
        pytest.skip(f"the wheels for {request.param} are not fetched (`build.py build`)")
    return package.stage(there, [request.param], tmp_path_factory.mktemp("staged") / "extension")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension without wheels, which is there on any machine."""
    return package.stage([], ["linux-x64"], tmp_path_factory.mktemp("bare") / "extension")


def read(folder: Path) -> dict[str, Any]:
    """The bill of a staged extension."""
    return dict(json.loads((folder / sbom.FILE).read_text("utf-8")))


def of_type(bill: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Its components of a type, by reference."""
    return {part["bom-ref"]: part for part in bill["components"] if part["type"] == kind}


def check_schema(folder: Path) -> None:
    """The strict validator accepts it."""
    pytest.importorskip("cyclonedx", reason="needs cyclonedx-python-lib (the extra `test`)")
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str((folder / sbom.FILE).read_text("utf-8"))
    assert problem is None, str(problem)[:500]


def check_whole(bill: dict[str, Any]) -> None:
    """Every reference leads somewhere, and nothing is left that none needs."""
    refs = [part["bom-ref"] for part in bill["components"]] + [bill["metadata"]["component"]["bom-ref"]]
    assert len(refs) == len(set(refs))
    needed = {ref for row in bill["dependencies"] for ref in row["dependsOn"]}
    assert needed | {row["ref"] for row in bill["dependencies"]} == set(refs)
    for part in of_type(bill, "machine-learning-model").values():
        sets = part["modelCard"]["modelParameters"]["datasets"]
        assert sets
        assert {one["ref"] for one in sets} <= set(refs)


def test_bill_passes_the_strict_validator(staged: Path) -> None:
    check_schema(staged)


def test_bill_is_whole(staged: Path) -> None:
    bill = read(staged)
    check_whole(bill)
    packed = {path.name: path for path in (staged / "wheels").iterdir()}
    told = {name: part for name, part in of_type(bill, "library").items() if name.endswith(".whl")}
    assert set(told) == set(packed)
    for name, part in told.items():
        assert part["hashes"][0]["content"] == hashlib.sha256(packed[name].read_bytes()).hexdigest()
        assert part["purl"].endswith(f"@{part['version']}?file_name={name}")
        texts = [one["value"] for one in part["properties"] if one["name"] == "soliloquy:licence"]
        assert texts
        assert all((staged / text).stat().st_size for text in texts)
        assert licences.is_compatible(
            part["licenses"][0].get("expression") or part["licenses"][0]["license"]["id"]
        )


def test_bill_without_wheels_passes_the_strict_validator(bare: Path) -> None:
    check_schema(bare)


def test_bill_without_wheels_is_whole(bare: Path) -> None:
    check_whole(read(bare))


def test_every_weight_and_data_file_has_its_hash(bare: Path) -> None:
    bill = read(bare)
    told = of_type(bill, "machine-learning-model") | of_type(bill, "file")
    there = {
        path.relative_to(bare).as_posix()
        for part in ("inference", "blender_addon")
        for path in (bare / part).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".md")
    }
    assert there
    assert there <= set(told)
    for place, part in told.items():
        assert part["hashes"][0]["content"] == hashlib.sha256((bare / place).read_bytes()).hexdigest()
    assert {place for place in told if place.startswith("inference/weights/")} == set(
        of_type(bill, "machine-learning-model")
    )
    assert "FACS" in told["inference/performance/emotions.json"]["description"]
    for place in ("blender_addon/assets/sample.flac", "blender_addon/heads/geometry.py"):
        assert told[place]["licenses"] == [{"license": {"id": "CC0-1.0"}}]


def test_data_sets_have_the_licences_of_the_data_sheet(bare: Path) -> None:
    sheet = data_licences.data_sets(licences.facts())
    told = of_type(read(bare), "data")
    assert set(told) == {f"data:{name}" for name in sheet}
    for name, row in sheet.items():
        part = told[f"data:{name}"]
        (licence,) = part["licenses"]
        assert licence["license"].get("id", row.licence) == (row.spdx or row.licence)
        assert part["properties"] == [{"name": "soliloquy:licence", "value": row.licence}]
        assert part["copyright"] == row.attribution
    page = (bare / licences.TABLE).read_text("utf-8")
    for row in sheet.values():
        assert f"| {row.name} | {row.what} | {row.licence} |" in page


def test_bill_is_the_same_each_time_and_another_for_other_content(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    again = package.stage([], ["linux-x64"], tmp_path / "elsewhere")
    assert (again / sbom.FILE).read_bytes() == (bare / sbom.FILE).read_bytes()
    bill = read(bare)
    assert "timestamp" not in bill["metadata"]
    assert bill["metadata"]["component"]["version"] == manifest()["version"]
    (again / "blender_addon" / "assets" / "sample.flac").write_bytes(b"another sound")
    other = sbom.bill([], again)
    assert other["serialNumber"] != bill["serialNumber"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert sbom.bill([], again)["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    assert reproducible.source_date() == 1700000000
