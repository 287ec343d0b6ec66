"""`build.py release`: what is published is a commit, is in the changelog, and can be built again."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from . import package
from .common import ROOT, BuildError, clean_environment, manifest, say
from .environment import BLENDER_4_5, DEMO, check_system, ensure
from .wheels import PLATFORMS

CHANGELOG: Final = "CHANGELOG.md"


def run(blenders: Sequence[str] = ()) -> int:
    """Check, build and validate a release of every platform, and build it again to compare.

    Args:
        blenders: programs of installed Blenders that have to accept the zips too.

    Returns:
        0.

    Raises:
        BuildError: the folder is not what a commit holds, the version has no entry in the changelog, a build
            or a validation failed, or the second build differs.
    """
    version = str(manifest()["version"])
    commit = clean_commit(ROOT)
    changelog_entry((ROOT / CHANGELOG).read_text("utf-8"), version)
    check_system(opengl=False)
    ensure(DEMO)
    ensure(BLENDER_4_5)
    say(f"Building {version} from commit {commit[:12]}")
    made = package.build_zips(PLATFORMS, validators=validators(blenders, with_4_5=True))
    say("Building it again")
    with tempfile.TemporaryDirectory(prefix="soliloquy_release_") as folder:
        package.build_zips(PLATFORMS, folder=Path(folder))
        differing = differences(made[0].parent, Path(folder))
    if differing:
        raise BuildError(
            f"The second build differs from the first in {', '.join(differing)}.",
            "Something of the machine or the clock goes into the package: find it before you publish.",
        )
    say(
        f"Release {version} of commit {commit} is in {package.DIST.name}/; built again, it has the same bytes"
    )
    return 0


def validators(blenders: Sequence[str], *, with_4_5: bool) -> list[package.Validator]:
    """Who has to accept the zips beside the Blender that packs them."""
    oldest = [package.blender_validator(BLENDER_4_5)] if with_4_5 else []
    return [*oldest, *(package.program_validator(program) for program in blenders)]


def clean_commit(folder: Path) -> str:
    """The commit that a checkout holds, and nothing else.

    Raises:
        BuildError: the folder is no checkout, or files in it differ from the commit.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if top is None or commit is None or Path(top.strip()).resolve() != folder.resolve():
        raise BuildError(
            f"{folder} is no git checkout with a commit, so nobody could say what the release was made of.",
            "Clone the repository and run this there.",
        )
    changed = [line[3:] for line in (_git(folder, "status", "--porcelain") or "").splitlines()]
    if changed:
        shown = ", ".join(changed[:3]) + (", ..." if len(changed) > 3 else "")
        raise BuildError(
            f"{len(changed)} files differ from the last commit ({shown}), so no commit holds this release.",
            "Commit them, or take them away.",
        )
    return commit.strip()


def changelog_entry(text: str, version: str) -> str:
    """What a changelog says of a version.

    Raises:
        BuildError: nothing.
    """
    found = re.search(rf"^## {re.escape(version)}\s*$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None or not re.search(r"^- \S", found.group(1), re.MULTILINE):
        raise BuildError(
            f"{CHANGELOG} does not say what is new in {version}.",
            f"Write it under a heading `## {version}`, or correct the version in blender_manifest.toml.",
        )
    return found.group(1).strip()


def differences(first: Path, second: Path) -> list[str]:
    """Names of the files whose lines differ in the `SHA256SUMS` of two folders."""
    lines = [set((folder / package.SUMS).read_text("utf-8").splitlines()) for folder in (first, second)]
    return sorted({line.split()[-1] for line in lines[0] ^ lines[1]})


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails or is not installed."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
