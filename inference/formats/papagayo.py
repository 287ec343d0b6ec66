"""Lip sync of Papagayo and Papagayo-NG, and the switch data that they, Rhubarb and others make for Moho.

    lipsync version 1      the project (.pgo): sound, frames per second, frames, then for each voice its name,
                           text and phrases; these have words with `frame phoneme` lines, from frame 0
    {"version": 2, ...}    the project of Papagayo-NG (.pgo2, .json) with the same parts
    MohoSwitch1            switch data (.dat): `frame phoneme` lines, from frame 1; its rate is not told

A phoneme lasts until the next one in its word, or until the word ends; between words the mouth rests. The
layout is that of `LipsyncDoc` in Papagayo 1.2 and Papagayo-NG.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..errors import UsageError
from .cue import LAST_CUE_S, MAX_CUES, Cue, checked, refuse

if TYPE_CHECKING:
    from pathlib import Path

    Voice = tuple[str, list[Cue]]
    """Name of a speaker, and what he says."""

PROJECT: Final = "lipsync version 1"
SWITCH: Final = "MohoSwitch1"
USUAL_HZ: Final = 24.0
"""Frames per second of switch data, unless the caller knows them: the default of Papagayo and Rhubarb."""
_MAX_HZ = 1000.0


def read_switch(file: Path, text: str, frames_hz: float) -> list[Cue]:
    """The cues of switch data with `frames_hz` frames per second.

    Raises:
        UsageError: a line is not a frame and a phoneme.
    """
    starts: list[tuple[int, float, str]] = []
    for line, content in enumerate(text.split("\n")[1:], start=2):
        cells = content.split(maxsplit=1)
        if not cells:
            continue
        if len(starts) >= MAX_CUES:
            refuse(file, line, f"is more than can be read (at most {MAX_CUES})")
        frame = _whole(cells[0])
        if frame is None or len(cells) < 2:
            refuse(file, line, f"has '{content.strip()[:30]}' where a frame and a phoneme must be")
        starts.append((line, (frame - 1) / frames_hz, cells[1]))
    ends = [start_s for _, start_s, _ in starts[1:]] + [starts[-1][1] + LAST_CUE_S] if starts else []
    return [
        checked(file, line, start_s, end_s, label)
        for (line, start_s, label), end_s in zip(starts, ends, strict=True)
    ]


def read_project(file: Path, text: str) -> list[Voice]:
    """The voices of a project in lines.

    Raises:
        UsageError: it is cut off, or a line is not what must stand there.
    """
    lines = _Lines(file, text)
    lines.next("the header")
    lines.next("the sound")
    hz = lines.number("the frames per second")
    if not 0 < hz <= _MAX_HZ:
        refuse(file, lines.at, f"has {hz} as the frames per second")
    lines.number("the number of frames")
    voices = []
    for _ in range(lines.number("the number of voices")):
        name = lines.next("the name of a voice")
        lines.next("the text of a voice")
        cues: list[Cue] = []
        for _ in range(lines.number("the number of phrases")):
            for what in ("the text", "the start"):
                lines.next(f"{what} of a phrase")
            lines.number("the end of a phrase")
            for _ in range(lines.number("the number of words")):
                cues += _word(lines, float(hz))
        voices.append((name, cues))
    return voices


def _word(lines: _Lines, hz: float) -> list[Cue]:
    cells = lines.next("a word").rsplit(maxsplit=3)  # a word itself may hold spaces
    numbers = [_whole(cell) for cell in cells[1:]]
    if len(numbers) != 3 or None in numbers:
        refuse(lines.file, lines.at, "is not a word with its start, end and number of phonemes")
    _, last, count = (int(number or 0) for number in numbers)
    phonemes = []
    for _ in range(lines.bounded(count)):
        frame, _, label = lines.next("a phoneme").partition(" ")
        if (at := _whole(frame)) is None:
            refuse(lines.file, lines.at, f"has '{frame[:30]}' where a frame must be")
        phonemes.append((at, label))
    return _cues(lines.file, lines.at, phonemes, last, hz)


def read_json(file: Path, project: dict[str, Any]) -> list[Voice]:
    """The voices of a project of Papagayo-NG that was read as JSON.

    Raises:
        UsageError: a part of it is missing or not what must stand there.
    """
    try:
        hz = float(project["fps"])
        if not 0 < hz <= _MAX_HZ:
            raise ValueError("frames per second")
        voices = []
        for voice in project["voices"]:
            cues: list[Cue] = []
            for phrase in voice["phrases"]:
                for word in phrase["words"]:
                    phonemes = [(int(p["frame"]), str(p["text"])) for p in word["phonemes"]]
                    cues += _cues(file, 1, phonemes, int(word["end_frame"]), hz)
            voices.append((str(voice["name"]), cues))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"'{file}' is not a whole project of Papagayo-NG ({type(error).__name__}: {error})",
            "Save it again in Papagayo-NG",
        ) from None
    return voices


def _cues(file: Path, line: int, phonemes: list[tuple[int, str]], last: int, hz: float) -> list[Cue]:
    """Phonemes of a word that ends with frame `last`; a phoneme outside of it has a frame of its own."""
    phonemes = sorted(phonemes, key=lambda phoneme: phoneme[0])
    ends = [frame for frame, _ in phonemes[1:]] + [max(last, phonemes[-1][0]) + 1] if phonemes else []
    return [
        checked(file, line, frame / hz, end / hz, label)
        for (frame, label), end in zip(phonemes, ends, strict=True)
    ]


class _Lines:
    """The lines of a project one by one."""

    def __init__(self, file: Path, text: str) -> None:
        self.file, self.at = file, 0
        self._lines = text.split("\n")
        self._left = MAX_CUES

    def next(self, wanted: str) -> str:
        if self.at >= len(self._lines):
            refuse(self.file, self.at, f"is the last one, and {wanted} is missing: the file is cut off")
        self.at += 1
        return self._lines[self.at - 1].strip()

    def number(self, wanted: str) -> int:
        content = self.next(wanted)
        value = _whole(content)
        if value is None:
            refuse(self.file, self.at, f"has '{content[:30]}' where {wanted} must be")
        return self.bounded(value)

    def bounded(self, value: int) -> int:
        if not 0 <= value <= self._left:
            refuse(self.file, self.at, f"has {value} as a number (at most {self._left})")
        return value


def _whole(cell: str) -> int | None:
    """A whole number of at most 9 digits; None for anything else."""
    digits = cell.removeprefix("-")
    return int(cell) if digits.isascii() and digits.isdigit() and len(digits) <= 9 else None
