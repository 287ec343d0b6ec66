"""Licences of what is bundled: every wheel has its text, all go with the GPL, those of data agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from build_helpers import fetched, make_wheel

from build_tools import data_licences, licences, wheels
from build_tools.common import ROOT, BuildError
from build_tools.wheels import PINS, PLATFORMS, Wheel

FACTS = licences.facts()


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of wheels, empty."""
    monkeypatch.setattr(wheels, "WHEELS", tmp_path)
    return tmp_path


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_wheel_has_its_text_and_a_licence_that_goes_with_the_gpl(platform: str) -> None:
    there = fetched(platform)
    if len(there) < sum(wheel.runs_on(platform) for wheel in wheels.read_lock()):
        pytest.skip(f"the wheels for {platform} are not fetched (`build.py build`)")
    packages = licences.software(there)
    assert {f"{one.name}=={one.version}" for one in packages} == set(PINS)
    for one in packages:
        assert sum(len(text) for _, text in one.texts) > 400, one.name
        assert one.licence
    inside = {one.name: one.version for package in packages for one in package.inside}
    told = {one["name"] for one in FACTS["inside"]}
    assert told - set(inside) <= {"curl"}  # which only Linux has
    assert ("curl" in inside) == (platform == "linux-x64")
    assert all(inside[name] for name in ("libsndfile", "libFLAC", "libvorbis", "libopus", "LAME"))
    named = {one.name for package in packages for one in package.named}
    assert {"Eigen", "abseil-cpp", "google/XNNPACK"} <= named
    assert not any("Math Kernel" in name for name in named)


def test_a_wheel_without_licence_text_is_refused(made: Path) -> None:
    wheel = make_wheel(made, "bare", "License-Expression: MIT\n", {"bare/__init__.py": b""})
    with pytest.raises(BuildError, match=r"bare-1\.0-py3-none-any\.whl holds no text of its licence"):
        licences.software([wheel])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("License-Expression: CC-BY-NC-4.0", "CC-BY-NC-4.0.*is not known to go with GPL"),
        ("License-Expression: GPL-2.0-only", "GPL-2.0-only"),
        ("License-Expression: MIT AND LicenseRef-Secret", "LicenseRef-Secret"),
        ("License: Ours", "names its licence 'Ours', which is no SPDX expression"),
        ("Summary: nothing said", "names its licence ''"),
    ],
)
def test_a_licence_that_is_not_known_is_refused(made: Path, line: str, message: str) -> None:
    wheel = make_wheel(made, "odd", line + "\n", {"odd-1.0.dist-info/LICENSE": b"text"})
    with pytest.raises(BuildError, match=message):
        licences.software([wheel])


def test_one_of_several_choices_is_enough(made: Path) -> None:
    line = "License-Expression: GPL-2.0-only OR MIT\n"
    (one,) = licences.software([make_wheel(made, "choice", line, {"LICENSE": b"text"})])
    assert (one.licence, one.texts) == ("GPL-2.0-only OR MIT", (("LICENSE", b"text"),))


def test_texts_that_differ_between_pythons_are_not_lost(made: Path) -> None:
    first = make_wheel(made, "two", "License: MIT License\n", {"LICENSE": b"one text"})
    other = Wheel(first.name.replace("py3-none", "cp313-cp313"), first.sha256)
    (made / first.name).rename(made / other.name)
    first = make_wheel(made, "two", "License: MIT License\n", {"LICENSE": b"another text"})
    with pytest.raises(BuildError, match=r"LICENSE differs between the wheels of two==1\.0"):
        licences.software([first, other])


def test_a_library_whose_licence_is_refused_may_not_be_inside(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices = {"file": "NOTICE", "mark": "_____", "absent": {"Closed (tm)": "closed_"}}
    monkeypatch.setitem(FACTS["notices"], "engine", notices)
    text = b"Notices\n_____\n\nOpen thing\n\ntext\n_____\nClosed (tm)\ntext\n"
    files = {"NOTICE": text, "engine/core.so": b"\0open_call\0"}
    (one,) = licences.software([make_wheel(made, "engine", "License: MIT License\n", files)])
    assert [part.name for part in one.named] == ["Open thing"]
    files["engine/core.so"] = b"\0closed_call\0"
    with pytest.raises(BuildError, match=r"seems to have Closed \(tm\) inside"):
        licences.software([make_wheel(made, "engine", "License: MIT License\n", files)])


def test_own_texts_are_used_and_there() -> None:
    wanted = {one["text"] for one in FACTS["inside"] if "text" in one} | {
        name for names in FACTS["texts"].values() for name in names
    }
    there = {path.name for path in (ROOT / "build_tools" / "licence_texts").iterdir()}
    assert wanted == there


def test_cards_name_known_data_under_the_data_sheet_s_licence() -> None:
    sheet = data_licences.data_sets(FACTS)
    cards = data_licences.cards(FACTS)
    assert {card.file.name for card in cards} == {
        path.name for path in (ROOT / "inference" / "weights").iterdir() if path.suffix != ".md"
    }
    compared = 0
    for card in cards:
        assert card.licence == "GPL-3.0-or-later"
        assert card.does
        for words, licence in re.findall(r"([^;(]+)\(([^()]*(?:CC|MIT|public)[^()]*)\)", card.told):
            (name,) = (
                row for begin, row in FACTS["corpora"].items() if begin in words.split(",")[-1] + words
            )
            assert sheet[name].licence.startswith(licence.rpartition(", ")[2]), (card.file.name, words)
            compared += 1
    assert compared >= 8


def test_pages_of_the_weights_name_the_licences_of_the_data_sheet() -> None:
    sheet = {one.licence for one in data_licences.data_sets(FACTS).values()}
    rows = 0
    for path in sorted((ROOT / "inference" / "weights").glob("*.md")):
        text = path.read_text("utf-8")
        table = text.partition("**Trained on**")[2].partition("\n\n|")[2].partition("\n\n")[0]
        if "licence" not in table.splitlines()[0]:
            continue
        for line in table.splitlines()[2:]:
            licence = line.strip("| ").split("|")[-1].strip()
            rows += 1
            term = re.match(r"CC BY 4\.0|MIT|public domain|made here$", licence)
            assert term, line
            assert term.group() == "made here" or any(one.startswith(term.group()) for one in sheet), line
    assert rows >= 11


def test_every_part_of_what_a_card_says_is_known() -> None:
    remarks = (
        "phones only",
        "flite and festival speech",
        "mouth of the phone teacher",
        "Barker",
        "Cunningham",
    )
    for card in data_licences.cards(FACTS):
        for part in re.split(r"[;,]", re.sub(r"\([^()]*\)", "", card.told)):
            known = any(words in part for words in FACTS["corpora"]) or part.strip().startswith(remarks)
            assert known or card.file.suffix == ".json", (card.file.name, part)


def test_data_licences_are_spdx_or_told_in_words() -> None:
    for one in data_licences.data_sets(FACTS).values():
        free = one.licence.startswith(("public domain", "made on demand"))
        assert bool(one.spdx) != free, one
        assert one.spdx in ("", "CC-BY-4.0", "CC0-1.0", "MIT"), (
            one
        )  # what weights under the GPL may learn from
        assert one.attribution
