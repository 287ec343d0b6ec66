"""The manual: every message of the code with its remedy, links that lead somewhere, operators that exist."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from soliloquy.inference.audio import open_audio
from soliloquy.inference.curves import MotionControls
from soliloquy.inference.errors import SoliloquyError
from soliloquy.inference.files import make_folder
from soliloquy.inference.formats.cues import read_cues

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # build_tools belongs to no installed package
from build_tools import messages, operators  # noqa: E402

PAGES = sorted(messages.MANUAL.glob("*.md"))


def test_every_message_of_the_code_is_in_the_manual():
    written = messages.TARGET.read_text("utf-8")
    missing = [m for m in messages.collect() if not all(part in written for part in (m.cause, m.remedy))]
    assert not missing, f"python3 -m build_tools.messages writes them: {missing[:5]}"
    assert written == messages.page(messages.collect()), (
        "python3 -m build_tools.messages brings it up to date"
    )


@pytest.mark.parametrize(
    ("package", "title"),
    [("inference/actor/", "Actors and photoreal passes"), ("inference/batch/", "Batches and farms")],
)
def test_messages_stand_under_the_heading_of_their_package(package, title):
    assert {m.group for m in messages.collect() if m.module.startswith(package)} == {title}


def test_every_error_says_what_to_do():
    errors = [m for m in messages.collect() if m.kind == "error"]
    assert len(errors) > 100
    for message in errors:
        assert len(message.remedy.split()) >= 2, message
        assert not message.cause.rstrip().endswith("."), f"a full stop is added when it is shown: {message}"
        assert not message.remedy.rstrip().endswith("."), message


def _pattern(row: str) -> re.Pattern[str]:
    """A row of the manual as a pattern: a word in italics stands for anything."""
    cause, remedy = (cell.strip() for cell in row.strip("| \n").split(" | ", 1))
    parts = re.split(r"\*[A-Z_.]+\*", f"{cause}. {remedy}")
    return re.compile(".*".join(re.escape(part) for part in parts), re.DOTALL)


def _provoke(folder: Path):
    """Errors as a user meets them."""
    (folder / "text.wav").write_text("This is not a sound.\n")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "cues.tsv").write_bytes(b"\xff\xfe\x00\xd8")
    np.zeros(10).tofile(folder / "noise.wav")
    yield lambda: open_audio(folder / "none.wav").__enter__()
    yield lambda: open_audio(folder / "text.wav").__enter__()
    yield lambda: open_audio(folder / "empty.wav").__enter__()
    yield lambda: open_audio(folder / "noise.wav").__enter__()
    yield lambda: open_audio(folder).__enter__()
    yield lambda: read_cues(folder / "cues.tsv")
    yield lambda: MotionControls(jaw=7.0)
    yield lambda: make_folder(folder / "text.wav" / "below")


def test_what_is_said_at_run_time_is_found_in_the_manual(tmp_path):
    rows = messages.TARGET.read_text("utf-8").splitlines()
    patterns = [_pattern(row) for row in rows if row.startswith("| ") and row.count(" | ") >= 1]
    for provoke in _provoke(tmp_path):
        with pytest.raises(SoliloquyError) as caught:
            provoke()
        said = str(caught.value)
        assert any(pattern.fullmatch(said) for pattern in patterns), said


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_reached_from_the_first():
    first = (messages.MANUAL / "README.md").read_text("utf-8")
    assert [page.name for page in PAGES if page.name != "README.md" and f"({page.name})" not in first] == []


def test_every_operator_is_in_the_manual_with_a_tooltip():
    known = operators.collect()
    assert {"animate", "stop", "add_head", "apply_look"} <= {operator.name for operator in known}
    for operator in known:
        assert len(operator.tooltip.split()) >= 2, operator
    assert operators.TARGET.read_text("utf-8") == operators.page(known), (
        "python3 -m build_tools.operators brings it up to date"
    )


def test_operators_named_in_the_manual_exist():
    known = {operator.name for operator in operators.collect()}
    for page in PAGES:
        named = set(re.findall(r"bpy\.ops\.soliloquy\.([a-z_]+)", page.read_text("utf-8")))
        assert named <= known, f"{page.name}: {sorted(named - known)}"
