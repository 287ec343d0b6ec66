"""Labelled spans of time, as aligners and annotators write them: Praat TextGrid, tables, cues of Rhubarb and
Papagayo.

What labels mean is told by `visemes.py`. Every file is bounded before it is parsed, and every fault is one
sentence that names the file and the line.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import UsageError
from ..visemes import UNKNOWN, Segment, visemes_of_labels
from . import papagayo
from .cue import LAST_CUE_S, MAX_CUES, Cue, checked, refuse

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

MAX_BYTES: Final = 64 * 2**20

_PHONE_TIERS = ("phones", "phonemes", "mau", "visemes", "phone", "phoneme", "viseme", "segments")
_GIVE = "Give a Praat TextGrid, or a table with the columns start, end, label in seconds"
_GIVE_PHONES = "Export the phones of the aligner: ARPAbet, IPA, X-SAMPA, Oculus visemes or Rhubarb's letters"
_TITLES: Final = {
    "start": {"start", "begin", "tmin", "xmin", "start_s", "onset", "from", "time", "time_s", "start_time"},
    "end": {"end", "stop", "tmax", "xmax", "end_s", "offset", "to", "end_time"},
    "duration": {"duration", "dur", "duration_s", "length"},
    "label": {"label", "text", "phone", "phoneme", "viseme", "mark", "value", "name", "segment"},
    "tier": {"tier", "type", "tier_name"},
}


def read_cues(path: str | os.PathLike[str], *, frames_hz: float | None = None, voice: str = "") -> list[Cue]:
    """Read the cues of a file, in the order of their start; cues without a length are left out.

    Understood are Praat's TextGrid in its long and short form (of several interval tiers, the one called
    phones, phonemes, MAU or visemes, else the fullest), tables `start end label` separated by tab, comma,
    semicolon or spaces, with or without titles (a `duration` may stand for the end), `time label` as Rhubarb
    writes it, Rhubarb's JSON, projects of Papagayo and Papagayo-NG, and switch data for Moho. Text is UTF-8,
    or UTF-16 with its byte order mark.

    Args:
        path: the file.
        frames_hz: frames per second of switch data, which does not tell them; None for 24.
        voice: name of the speaker to take, if he is in the file; else who says most.

    Raises:
        UsageError: no such file, too large, damaged, or without cues.
    """
    return _read(Path(path), frames_hz, voice)[0]


def read_segments(
    path: str | os.PathLike[str], *, frames_hz: float | None = None, voice: str = ""
) -> tuple[list[Segment], tuple[str, ...]]:
    """The cues of a file as sounds of speech, and what a user should know about them, one sentence each.

    A label that means nothing here becomes `UNKNOWN` (the mouth passes from the sound before it to the one
    after), and the notices name it.

    Args:
        path, frames_hz, voice: as for `read_cues`.

    Raises:
        UsageError: as `read_cues`; or most of the labels mean nothing here (a tier of words).
    """
    cues, notices = _read(Path(path), frames_hz, voice)
    visemes = visemes_of_labels([cue.label for cue in cues])
    strange = Counter(cue.label for cue, viseme in zip(cues, visemes, strict=True) if viseme is None)
    if strange:
        named = ", ".join(f"'{' '.join(label.split())[:20]}'" for label, _ in strange.most_common(5))
        if 2 * strange.total() > sum(bool(cue.label) for cue in cues):
            raise UsageError(f"Most labels of '{Path(path)}' are not phones ({named})", _GIVE_PHONES)
        more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
        notices.append(f"Unknown labels in '{Path(path)}' get no mouth shape: {named}{more}")
    return [
        Segment(cue.start_s, cue.end_s, UNKNOWN if viseme is None else viseme)
        for cue, viseme in zip(cues, visemes, strict=True)
    ], tuple(notices)


def _read(file: Path, frames_hz: float | None, voice: str) -> tuple[list[Cue], list[str]]:
    """The cues, and what a user should know."""
    notices: list[str] = []
    text = _text(file)
    head = text[:200].lstrip()
    first = head.partition("\n")[0].strip()
    if head.startswith("{"):
        cues = _json(file, text, voice, notices)
    elif first == papagayo.SWITCH:
        if frames_hz is None:
            notices.append(f"'{file}' does not tell its frames per second: {papagayo.USUAL_HZ:g} are taken")
        cues = papagayo.read_switch(file, text.lstrip(), frames_hz or papagayo.USUAL_HZ)
    elif first == papagayo.PROJECT:
        cues = _voice(file, papagayo.read_project(file, text.lstrip()), voice, notices)
    elif "ooTextFile" in head.partition("\n")[0] or '"TextGrid"' in head:
        cues = _textgrid(file, text, voice)
    else:
        cues = _table(file, text)
    cues = sorted((cue for cue in cues if cue.end_s > cue.start_s), key=lambda cue: cue.start_s)
    if not cues:
        raise UsageError(f"'{file}' holds no labelled span of time", _GIVE)
    return cues, notices


def _voice(file: Path, voices: list[papagayo.Voice], wanted: str, notices: list[str]) -> list[Cue]:
    """What the wanted voice says, or else the one who says most."""
    speaking = [voice for voice in voices if voice[1]]
    if not speaking:
        return []
    name, cues = max(speaking, key=lambda voice: (_is_voice(voice[0], wanted), len(voice[1])))
    if len(speaking) > 1 and not _is_voice(name, wanted):
        shown = " ".join(name.split())[:40]
        notices.append(f"'{file}' has {len(speaking)} voices: '{shown}' was taken, who says most")
    return cues


def _is_voice(name: str, wanted: str) -> bool:
    return bool(wanted) and name.strip().casefold() == wanted.strip().casefold()


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"The cue file '{file}' does not exist", "Check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"'{file}' cannot be read ({reason})", "Check the path and its permissions"
        ) from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"'{file}' is larger than {MAX_BYTES // 2**20} MB", "Split it into shorter files")
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"'{file}' is not a text file in UTF-8 or UTF-16", _GIVE) from None
    if "\0" in text:
        raise UsageError(f"'{file}' is not a text file", _GIVE)
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- TextGrid ---

_TOKEN = re.compile(
    r'"(?P<text>[^"]*(?:""[^"]*)*)"|(?<!\S)(?P<number>[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\S)'
    r"|(?P<flag><exists>|<absent>)|(?<!\S)!.*"
)
"""Praat reads strings in quotes, numbers that stand free and flags; all else in the file is for people, and
so the long and the short form are one format (Praat manual, "TextGrid file formats")."""


class _Tokens:
    """The values of a TextGrid one by one, knowing their lines."""

    def __init__(self, file: Path, text: str) -> None:
        self._file, self._text = file, text
        self._found = (found for found in _TOKEN.finditer(text) if found.lastgroup)
        self._at = self._counted = 0
        self.line = 1

    def _next(self, kind: str, wanted: str) -> str:
        found = next(self._found, None)
        if found is None:
            self.line += self._text.count("\n", self._counted)
            refuse(self._file, self.line, f"is the last one, and {wanted} is missing: the file is cut off")
        self.line += self._text.count("\n", self._counted, found.start())
        self._counted = found.start()
        if found.lastgroup != kind:
            refuse(self._file, self.line, f"has '{found[0][:30]}' where {wanted} must be")
        return found[kind]

    def text(self, wanted: str) -> str:
        return self._next("text", wanted).replace('""', '"')

    def number(self, wanted: str) -> float:
        return float(self._next("number", wanted))

    def flag(self, wanted: str) -> str:
        return self._next("flag", wanted)

    def count(self, wanted: str) -> int:
        value = self.number(wanted)
        if not 0 <= value <= MAX_CUES or value != int(value):
            refuse(self._file, self.line, f"has {value:g} as {wanted} (at most {MAX_CUES})")
        return int(value)


def _textgrid(file: Path, text: str, voice: str) -> list[Cue]:
    tokens = _Tokens(file, text)
    tokens.text("the file type")
    kind = tokens.text("the object class")
    if kind != "TextGrid":
        raise UsageError(f"'{file}' is a Praat file of the kind '{kind[:30]}'", "Save it as a TextGrid")
    tokens.number("the start time")
    tokens.number("the end time")
    if tokens.flag("<exists>") == "<absent>":
        raise UsageError(f"'{file}' has no tiers", _GIVE)
    tiers = [tier for _ in range(tokens.count("the number of tiers")) if (tier := _tier(file, tokens))]
    if not tiers:
        raise UsageError(f"'{file}' has no interval tier", _GIVE)
    return _best_tier(tiers, voice)


def _tier(file: Path, tokens: _Tokens) -> tuple[str, list[Cue]] | None:
    """Name and intervals of the next tier; None for a tier of points."""
    kind, name = tokens.text("the kind of a tier"), tokens.text("the name of a tier")
    tokens.number("the start time of a tier")
    tokens.number("the end time of a tier")
    count = tokens.count("the number of intervals")
    if kind == "TextTier":
        for _ in range(count):
            tokens.number("the time of a point")
            tokens.text("the mark of a point")
        return None
    if kind != "IntervalTier":
        refuse(file, tokens.line, f"begins a tier of the unknown kind '{kind[:30]}'")
    cues = []
    for _ in range(count):
        start_s, end_s = tokens.number("the start of an interval"), tokens.number("the end of an interval")
        line = tokens.line
        cues.append(checked(file, line, start_s, end_s, tokens.text("the text of an interval")))
    return name, cues


def _best_tier(tiers: list[tuple[str, list[Cue]]], voice: str) -> list[Cue]:
    """A phone tier by its name ("phones", "Anna - phones"; Anna's, if she is wanted), else the fullest."""

    def rank(tier: tuple[str, list[Cue]]) -> tuple[bool, bool, int]:
        name, cues = tier
        speaker = re.split(r"\s+[-:/]\s+", name)[0]
        return _is_phone_tier(name), _is_voice(speaker, voice), sum(bool(cue.label) for cue in cues)

    return max(tiers, key=rank)[1]


def _is_phone_tier(name: str) -> bool:
    return re.split(r"[\s\-_:/]+", name.strip().casefold())[-1] in _PHONE_TIERS


# --- tables and Rhubarb ---


def _table(file: Path, text: str) -> list[Cue]:
    rows = _rows(file, text)
    first = next(rows, None)
    if first is None:
        raise UsageError(f"'{file}' is empty", _GIVE)
    columns = {}
    if _number(first[1][0]) is None:
        columns = _columns([cell.casefold() for cell in first[1]])
        if "start" not in columns:
            refuse(file, first[0], f"begins with '{first[1][0][:30]}' where a time must be")
        table = list(rows)
    else:
        table = [first, *rows]
        lone = max((len(cells) for _, cells in table), default=0) <= 2
        columns = {"start": 0, "label": 1} if lone else {"start": 0, "end": 1, "label": 2}
    if "tier" in columns:
        tier = columns["tier"]
        phones = [row for row in table if tier < len(row[1]) and _is_phone_tier(row[1][tier])]
        table = phones or table
    if "end" in columns or "duration" in columns:
        return [_row_cue(file, line, cells, columns) for line, cells in table]
    return _from_starts(file, table, columns)


def _columns(titles: list[str]) -> dict[str, int]:
    """Column of each role by its title; titles that say nothing stand for start, end, label in this order."""
    found = {role: i for i, title in enumerate(titles) for role, names in _TITLES.items() if title in names}
    if "start" in found and "label" not in found:
        free = [i for i in range(len(titles)) if i not in found.values()]
        found |= {"label": free[0]} if free else {}
    return found


def _rows(file: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line that holds something; `#`, and Audacity's `\\`, mark comments."""
    separator: str | None = None
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip() or content.lstrip()[0] in "#\\":
            continue
        if separator is None:
            separator = next((s for s in "\t;," if s in content), " ")
        if line > MAX_CUES:
            raise UsageError(f"'{file}' has more than {MAX_CUES} lines", "Split it into shorter files")
        if separator in ",;":
            try:
                cells = next(csv.reader([content], delimiter=separator))
            except csv.Error as error:
                refuse(file, line, f"cannot be read ({error})")
        else:
            cells = content.split("\t") if separator == "\t" else content.split()
        yield line, [cell.strip() for cell in cells]


def _row_cue(file: Path, line: int, cells: list[str], columns: dict[str, int]) -> Cue:
    start_s = _time(file, line, cells, columns["start"])
    end_s = _time(file, line, cells, columns.get("end", columns.get("duration", -1)))
    return checked(
        file, line, start_s, end_s if "end" in columns else start_s + end_s, _label(cells, columns)
    )


def _from_starts(file: Path, table: list[tuple[int, list[str]]], columns: dict[str, int]) -> list[Cue]:
    """Cues that end where the next begins."""
    if columns.get("label") is None:
        raise UsageError(f"'{file}' has no column of labels", _GIVE)
    starts = [_time(file, line, cells, columns["start"]) for line, cells in table]
    ends = [*starts[1:], starts[-1] + LAST_CUE_S] if starts else []
    return [
        checked(file, line, start_s, end_s, _label(cells, columns))
        for (line, cells), start_s, end_s in zip(table, starts, ends, strict=True)
    ]


def _label(cells: list[str], columns: dict[str, int]) -> str:
    column = columns.get("label", len(cells))
    return cells[column] if column < len(cells) else ""  # an empty last cell may have lost its separator


def _time(file: Path, line: int, cells: list[str], column: int) -> float:
    if column >= len(cells):
        refuse(file, line, f"has {len(cells)} cells, and a time is missing")
    value = _number(cells[column])
    if value is None:
        refuse(file, line, f"has '{cells[column][:30]}' where a time in seconds must be")
    return value


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _json(file: Path, text: str, voice: str, notices: list[str]) -> list[Cue]:
    try:
        found: Any = json.loads(text)
        if isinstance(found, dict) and "voices" in found:
            return _voice(file, papagayo.read_json(file, found), voice, notices)
        items = found["mouthCues"]
        cues = [(float(item["start"]), float(item["end"]), str(item["value"])) for item in items]
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        raise UsageError(
            f"'{file}' is not the JSON of Rhubarb (a list 'mouthCues' of start, end, value) or Papagayo-NG",
            _GIVE,
        ) from None
    if len(cues) > MAX_CUES:
        raise UsageError(f"'{file}' has more than {MAX_CUES} cues", "Split it into shorter files")
    return [checked(file, 1, *cue) for cue in cues]
