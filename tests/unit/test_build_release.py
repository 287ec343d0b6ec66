"""The same bytes each time, and a release only from a clean commit that the changelog tells about."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from build_helpers import fetched

from build_tools import package, release, reproducible, wheels
from build_tools.common import ROOT, BuildError, clean_environment, manifest, sha256_of
from build_tools.environment import FULL

LINUX = "linux-x64"
FILES = {"b.txt": b"b" * 1000, "a/c.py": b"import x\n", "wheels/w.whl": bytes(range(256)) * 50, "Z": b""}


def scrambled(path: Path, seed: int) -> Path:
    """A zip of `FILES` with its own order, dates, modes and compression."""
    chance = random.Random(seed)
    names = list(FILES)
    chance.shuffle(names)
    with zipfile.ZipFile(path, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        archive.writestr("a/", b"")
        for name in names:
            entry = zipfile.ZipInfo(name, (1990 + seed, 1 + seed % 12, 3, 4, 5, 6))
            entry.external_attr = chance.choice((0o100600, 0o100755)) << 16
            entry.create_system = chance.choice((0, 3))
            archive.writestr(entry, FILES[name])
    return path


def test_zip_keeps_names_and_bytes_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    before = {sha256_of(scrambled(tmp_path / f"{seed}.zip", seed)) for seed in range(8)}
    assert len(before) == 8
    for seed in range(8):
        reproducible.rewrite_zip(tmp_path / f"{seed}.zip")
    assert len({sha256_of(tmp_path / f"{seed}.zip") for seed in range(8)}) == 1
    with zipfile.ZipFile(tmp_path / "0.zip") as archive:
        assert archive.namelist() == sorted(FILES)
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{seed}.zip" for seed in range(8)]


def test_source_date_epoch_is_the_date_of_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    path = scrambled(tmp_path / "x.zip", 1)
    reproducible.rewrite_zip(path)
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "12")  # before zips can tell
    reproducible.rewrite_zip(path)
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
    monkeypatch.delenv("TZ")
    time.tzset()


@pytest.mark.parametrize("text", ["soon", "-1", "1.5", "9" * 20, "١٢"])
def test_a_date_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(BuildError, match="SOURCE_DATE_EPOCH is"):
        reproducible.source_date()


@pytest.mark.slow
def test_another_checkout_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Built here, and from a copy with another place, file order, times, permissions, umask and time zone."""
    if (
        len(fetched(LINUX)) < sum(wheel.runs_on(LINUX) for wheel in wheels.read_lock())
        or not FULL.python.exists()
    ):
        pytest.skip("the wheels are not fetched, or Blender is not set up (`build.py build`)")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setattr(package, "STAGE", tmp_path / "stage")
    copy = tmp_path / "copy of it"
    copy.mkdir()
    files = [
        path
        for part in (*package.CONTENT, "build.py", "build_tools", "models/data/DATASHEET.md")
        for path in ([ROOT / part] if (ROOT / part).is_file() else sorted((ROOT / part).rglob("*")))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    for age, path in enumerate(reversed(files)):
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o700 if age % 2 else 0o600)
        os.utime(target, (1_500_000_000 + age, 1_500_000_000 + age))
    (copy / "wheels").symlink_to(wheels.WHEELS)
    (copy / FULL.folder).symlink_to(FULL.path)
    code = (
        "import os; os.umask(0o077); from pathlib import Path; from build_tools import package;"
        f"package.build_zips([{LINUX!r}], folder=Path('out'))"
    )
    environment = clean_environment(TZ="Pacific/Chatham", LC_ALL="C", PYTHONHASHSEED="7")
    other = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert other.returncode == 0, other.stdout + other.stderr
    monkeypatch.setattr(package.stage, "__defaults__", (tmp_path / "stage",))
    (made,) = package.build_zips([LINUX], folder=tmp_path / "out")
    assert sha256_of(made) == sha256_of(copy / "out" / made.name)
    assert release.differences(tmp_path / "out", copy / "out") == []
    assert made.name in (tmp_path / "out" / package.SUMS).read_text("utf-8")


def test_differences_name_the_files(tmp_path: Path) -> None:
    for name, content in (("one", b"1"), ("two", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.zip").write_bytes(content)
        (tmp_path / name / "y.zip").write_bytes(b"same")
        package.write_sums((tmp_path / name).glob("*.zip"), tmp_path / name)
    assert release.differences(tmp_path / "one", tmp_path / "two") == ["x.zip"]
    assert release.differences(tmp_path / "one", tmp_path / "one") == []


def test_sums_are_read_by_sha256sum(tmp_path: Path) -> None:
    program = shutil.which("sha256sum")
    if program is None:
        pytest.skip("sha256sum is not installed")
    (tmp_path / "x.zip").write_bytes(b"1")
    file = package.write_sums([tmp_path / "x.zip"], tmp_path)
    subprocess.run([program, "--check", "--strict", file.name], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "x.zip").write_bytes(b"2")
    done = subprocess.run([program, "--check", file.name], cwd=tmp_path, check=False, capture_output=True)
    assert done.returncode == 1


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    git(folder, "init", "-q")
    git(folder, "add", "a.txt")
    git(folder, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "-m", "one")
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_only_a_clean_commit_is_released(checkout: Path) -> None:
    assert len(release.clean_commit(checkout)) == 40
    (checkout / "new.txt").write_text("not in any commit")
    with pytest.raises(BuildError, match=r"1 files differ from the last commit \(new\.txt\)"):
        release.clean_commit(checkout)
    (checkout / "new.txt").unlink()
    (checkout / "a.txt").write_text("changed")
    with pytest.raises(BuildError, match=r"\(a\.txt\)"):
        release.clean_commit(checkout)


def test_a_folder_that_is_no_checkout_is_refused(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (checkout / "below").mkdir()
    for folder in (tmp_path / "plain", checkout / "below"):
        with pytest.raises(BuildError, match="is no git checkout"):
            release.clean_commit(folder)


@pytest.mark.parametrize(
    "text",
    [
        "# Changelog\n\n## 1.2.2\n\n- old\n",
        "## 1.2.3\n\n## 1.2.2\n\n- old\n",
        "## 1.2.30\n\n- other\n",
        "- 1.2.3\n",
        "",
    ],
)
def test_a_version_without_an_entry_is_refused(text: str) -> None:
    with pytest.raises(BuildError, match=r"CHANGELOG\.md does not say what is new in 1\.2\.3"):
        release.changelog_entry(text, "1.2.3")


def test_entry_of_this_version() -> None:
    text = (ROOT / release.CHANGELOG).read_text("utf-8")
    assert release.changelog_entry(text, manifest()["version"])
    assert release.changelog_entry("## 2.0.0\n\n- new\n\n## 1.0.0\n\n- old\n", "2.0.0") == "- new"


def test_a_blender_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="does not exist"):
        package.program_validator(str(tmp_path / "blender"))
