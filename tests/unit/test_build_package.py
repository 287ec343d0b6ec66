"""What goes into the extension: the locked wheels, the staged folder, the zips."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from build_tools import licences, package, sbom, wheels
from build_tools.common import ROOT, BuildError, manifest, sha256_of
from build_tools.wheels import PLATFORMS, PYTHONS, Wheel

NAMES = {re.split("==", pin)[0] for pin in wheels.PINS}
COMPILED = {"onnxruntime", "cffi", "soxr", "protobuf", "soundfile"}


def _fits(wheel: Wheel, python: str) -> bool:
    """Blender's own rule: the very version, any Python 3, or an older stable ABI."""
    tag, abi, _ = wheel.tags
    wanted = tuple(map(int, python.split(".")))
    if "py3" in tag.split("."):
        return True
    of_wheel = (int(tag[2]), int(tag[3:]))
    return of_wheel == wanted or (abi == "abi3" and of_wheel <= wanted)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_platform_and_python_has_each_package_once(platform: str, python: str) -> None:
    fitting = [w for w in wheels.read_lock() if w.runs_on(platform) and _fits(w, python)]
    names = [wheel.name.split("-")[0] for wheel in fitting]
    assert set(names) == NAMES
    assert sorted(names) == sorted(NAMES)


def test_lock_holds_the_pins_and_nothing_else() -> None:
    assert {wheel.requirement for wheel in wheels.read_lock()} == set(wheels.PINS)
    for wheel in wheels.read_lock():
        name, (_, _, tags) = wheel.name.split("-")[0], wheel.tags
        assert ("any" not in tags) == (name in COMPILED), wheel.name
        assert re.fullmatch("[0-9a-f]{64}", wheel.sha256)


def test_pins_agree_with_what_the_tests_run_with() -> None:
    held = dict(
        line.split("==")
        for line in (ROOT / "build_tools" / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line
    )
    pinned = dict(pin.split("==") for pin in wheels.PINS)
    assert {name: pinned[name] for name in pinned.keys() & held.keys()} == {
        name: held[name] for name in pinned.keys() & held.keys()
    }


def test_numpy_is_left_to_blender() -> None:
    assert "numpy" not in NAMES


def test_manifest_gains_wheels_before_its_first_table() -> None:
    text = 'id = "x"\nversion = "1.2.3"\n\n[permissions]\nfiles = "why"\n'
    added = tomllib.loads(package.add_to_manifest(text, ["a-1-py3-none-any.whl"], ["linux-x64"]))
    assert added["wheels"] == ["./wheels/a-1-py3-none-any.whl"]
    assert added["platforms"] == ["linux-x64"]
    assert added["permissions"] == {"files": "why"}
    assert added["version"] == "1.2.3"
    assert tomllib.loads(package.add_to_manifest('id = "x"\n', [], []))["wheels"] == []


def test_staged_folder_is_the_extension_and_no_more(tmp_path: Path) -> None:
    folder = package.stage([], ["linux-x64"], tmp_path / "stage")
    assert package.ADDED == ("wheels", "licences", "THIRD_PARTY.md", "sbom.cdx.json")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    _check_content(names)
    assert "blender_addon/assets/sample.flac" in names


def test_staged_extension_runs_without_torch_and_tests(tmp_path: Path) -> None:
    folder = package.stage([], ["linux-x64"], tmp_path / "staged_soliloquy")
    code = "import staged_soliloquy.inference.cli as cli, sys; sys.exit(cli.main(['--version']))"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=folder.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert manifest()["version"] in done.stdout


def test_a_wheel_that_is_not_the_locked_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "WHEELS", tmp_path)
    for wheel in wheels.read_lock():
        (tmp_path / wheel.name).write_bytes(b"another file")
    monkeypatch.setattr(wheels, "_download", lambda *_unused: None)
    with pytest.raises(BuildError, match=r"is not the one that wheels\.lock names"):
        wheels.fetch_wheels(["linux-x64"])


def test_damaged_lock_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "LOCK", tmp_path / "wheels.lock")
    with pytest.raises(BuildError, match="cannot be read"):
        wheels.read_lock()
    (tmp_path / "wheels.lock").write_text("one two three\n", "utf-8")
    with pytest.raises(BuildError, match="cannot be read"):
        wheels.read_lock()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_built_zip(platform: str) -> None:
    path = package.zip_path(platform)
    if not path.is_file():
        pytest.skip(f"{path.name} is not built (`build.py build`)")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        facts = tomllib.loads(archive.read("blender_manifest.toml").decode())
        entries = archive.infolist()
    packed = {name for name in names if name.endswith(".whl")}
    locked = {f"wheels/{w.name}" for w in wheels.read_lock() if w.runs_on(platform)}
    assert packed == locked == {name.removeprefix("./") for name in facts["wheels"]}
    assert facts["version"] == manifest()["version"]
    assert facts["license"] == ["SPDX:GPL-3.0-or-later"]
    assert facts["platforms"] == [platform]
    assert path.stat().st_size < 200e6  # the limit of Blender's extension platform
    _check_content({name for name in names if name not in packed})
    assert [entry.filename for entry in entries] == sorted(names)
    assert {(entry.external_attr >> 16, entry.compress_type) for entry in entries} == {(0o100644, 0)}
    told = dict(line.split() for line in (package.DIST / package.SUMS).read_text("utf-8").splitlines())
    told = {name: digest for digest, name in told.items()}
    if path.name in told:  # else it was built before by itself
        assert told[path.name] == sha256_of(path)
        assert told[package.sbom_path(path).name] == sha256_of(package.sbom_path(path))


def _check_content(names: set[str]) -> None:
    assert {"__init__.py", "blender_manifest.toml", "LICENSE", "inference/channels.py"} <= names
    assert any(name.startswith("inference/weights/") and name.endswith(".onnx") for name in names)
    assert {name.split("/")[0] for name in names} <= {*package.CONTENT, *package.ADDED}
    assert {licences.TABLE, sbom.FILE} <= names
    unwanted = ("__pycache__", ".pyc", "tests/", "models/", ".venv", "/.", ".tmp")
    assert not [name for name in names if any(part in name for part in unwanted)]
