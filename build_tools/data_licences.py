"""What the weights inside the extension learnt from: their cards, and the rows of the data sheet."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .common import ROOT, BuildError

SHEET: Final = ROOT / "models" / "data" / "DATASHEET.md"
WEIGHTS: Final = ROOT / "inference" / "weights"
_CARD_KEY: Final = b"\n\x0esoliloquy_card\x12"
"""How the key of the card begins in the metadata of an ONNX file: fields 1 and 2 of a pair of strings."""


@dataclass(frozen=True)
class DataSet:
    """A row of the data sheet; `licence` in its own words, `spdx` "" where these are none of SPDX's."""

    name: str
    what: str
    licence: str
    spdx: str
    attribution: str


@dataclass(frozen=True)
class Card:
    """What a weight file says of itself."""

    file: Path
    name: str
    version: str
    licence: str
    told: str
    """What it was trained on, in its own words."""
    learnt_from: tuple[str, ...]
    """Rows of the data sheet, or files of ours."""
    does: str
    limits: str


def data_sets(facts: dict[str, Any]) -> dict[str, DataSet]:
    """The rows of `models/data/DATASHEET.md`, by their names.

    Raises:
        BuildError: the sheet is missing or has no such table.
    """
    try:
        text = SHEET.read_text("utf-8")
        rows = [
            [cell.strip() for cell in line.strip("|\n ").split("|")]
            for line in re.split(r"^## ", text, flags=re.MULTILINE)[1].splitlines()
            if line.startswith("|")
        ]
        titles, _, *lines = rows
        credits = dict(re.findall(r"^- `(\w+)`: (.+)$", text.partition("## Attribution")[2], re.MULTILINE))
        found = [dict(zip(titles, line, strict=True)) for line in lines]
        return {
            row["corpus"]: DataSet(
                row["corpus"], row["what"], row["licence"], facts["data_licences"].get(row["licence"], ""),
                credits[row["corpus"]],
            )
            for row in found
        }  # fmt: skip
    except (OSError, IndexError, KeyError, ValueError) as error:
        raise BuildError(
            f"The data sheet {SHEET} cannot be read ({error!r}).",
            "Print it anew with `python -m soliloquy.models.data.sheet`.",
        ) from error


def cards(facts: dict[str, Any]) -> list[Card]:
    """The cards of all weight files of the extension, by file name.

    Raises:
        BuildError: a file has no card, or its card names no data that is known.
    """
    return [_card(path, facts) for path in sorted(WEIGHTS.iterdir()) if path.suffix in (".onnx", ".json")]


def table(facts: dict[str, Any]) -> str:
    """The data as a section of `THIRD_PARTY.md`."""
    known = data_sets(facts)
    uses: dict[str, list[str]] = {name: [] for name in known}
    for card in cards(facts):
        for name in card.learnt_from:
            if name in uses:
                uses[name].append(card.file.name)
    rows = [
        f"| {one.name} | {one.what} | {one.licence} | {', '.join(uses[one.name])} | {one.attribution} |"
        for one in known.values()
        if uses[one.name]
    ]
    return f"""\
## What the weights learnt from

No recording of these is inside; the weights are ours, under GPL-3.0-or-later.

| data | what | licence | weights | credit |
|---|---|---|---|---|
{chr(10).join(rows)}

Lip shapes were measured on ICT-FaceKit (MIT), Copyright (c) 2020 USC Institute for Creative Technologies;
films were tracked with MediaPipe Face Landmarker (Apache-2.0), Google.

## Our own data

The embedded head (`blender_addon/heads`) and the sample of speech (`blender_addon/assets`) are CC0-1.0;
everything else is GPL-3.0-or-later.
"""


def _card(path: Path, facts: dict[str, Any]) -> Card:
    try:
        raw = (
            _embedded(path.read_bytes())
            if path.suffix == ".onnx"
            else json.loads(path.read_text("utf-8"))["card"]
        )
        told = str(raw.get("training_data") or raw["data"])
        licence = str(raw["licence"])
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise BuildError(
            f"The weight file {path.name} has no card that can be read ({error!r}).", "Export it again."
        ) from error
    learnt_from = tuple(name for words, name in facts["corpora"].items() if words in told)
    if not learnt_from:
        raise BuildError(
            f"The card of {path.name} names no data of the data sheet: {told!r}.",
            "Add its words under [corpora] of build_tools/third_party.toml.",
        )
    page = path.with_suffix(".md").read_text("utf-8") if path.with_suffix(".md").is_file() else ""
    return Card(
        path, str(raw.get("name", path.stem)), str(raw.get("version", "")), licence, told, learnt_from,
        _paragraph(page, "What it does") or str(raw.get("what", "")), _paragraph(page, "Limits"),
    )  # fmt: skip


def _embedded(content: bytes) -> dict[str, Any]:
    """The card inside an ONNX file, without a reader of ONNX: the string that follows its key."""
    at = content.index(_CARD_KEY) + len(_CARD_KEY)
    length, shift = 0, 0
    while True:
        byte = content[at]
        length |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    card: dict[str, Any] = json.loads(content[at : at + length])
    return card


def _paragraph(page: str, title: str) -> str:
    """The paragraph of a card's page that begins with a bold title, on one line."""
    found = re.search(rf"^\*\*{title}\.\*\* (.+?)(?:\n\n|\Z)", page, re.MULTILINE | re.DOTALL)
    return " ".join(found.group(1).split()) if found else ""
