"""The pictures of the documentation: each has the command that makes it, and none is larger than need be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "PICTURES.md").read_text("utf-8")
SCRIPTS = {path.name: path.read_text("utf-8") for path in (ROOT / "tests" / "gui").glob("*.py")}
PICTURES = [path for path in sorted(DOCS.rglob("*")) if path.suffix in (".png", ".jpg", ".mp4")]
CAPTURED = [line for text in SCRIPTS.values() for line in text.splitlines() if ".picture(" in line]
OWN_PAGE = DOCS / "actor"
LARGEST_BYTES = 1_000_000


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: str(path.relative_to(DOCS)))
def test_a_picture_has_its_command(picture):
    captured = any(f'"{picture.stem}"' in line for line in CAPTURED)
    listed = f"({picture.relative_to(DOCS)})" in PAGE
    assert listed or captured or picture.parent == OWN_PAGE
    assert picture.stat().st_size <= LARGEST_BYTES


def test_pictures_and_scripts_that_are_listed_exist():
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (DOCS / target).is_file(), target
    for script in re.findall(r"tests/gui/(\w+\.py)", PAGE):
        assert script in SCRIPTS, script
