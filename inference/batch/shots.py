"""The list of shots: a table (CSV) or JSON, read and checked as a whole before anything is made of it."""

from __future__ import annotations

import csv
import difflib
import io
import json
import unicodedata
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from ..actor.folder import open_actor
from ..actor.media.plate import plate_files
from ..errors import UsageError
from ..safe_names import safe_relative
from .records import MANIFEST, STATE
from .types import BatchError, Shot

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

COLUMNS: Final = (
    "audio", "character", "scene", "instruction", "seed", "text",
    "out", "action", "render", "pass", "actor", "plate",
)  # fmt: skip
NEEDED_BY_PASS: Final = ("actor.json", "face.npz", "memory.npz", "renderer.onnx")
"""Files of an actor's folder that a pass depends on."""
MOST_BYTES: Final = 32 * 2**20
MOST_ROWS: Final = 200_000
_MOST_COLUMNS: Final = 100
_LONGEST_SHOWN: Final = 300
"""Letters of a sentence about a row: its cells may be of any length."""
_MOST_SHOWN: Final = 20
_MOST_SEED: Final = 2**31 - 1
_TYPO: Final = 0.75
"""How alike an unknown column must be to one of ours to be taken for a slip of the pen."""


class ShotsError(BatchError):
    """Rows that cannot be used; `problems` are (row, sentence), in the order of the list."""

    def __init__(self, cause: str, remedy: str, problems: list[tuple[int, str]]) -> None:
        super().__init__(cause, remedy)
        self.problems = problems


@dataclass
class _Row:
    """A row on its way to a shot; `problems` are what is wrong with it."""

    number: int
    cells: dict[str, str]
    home: Path
    problems: list[str] = field(default_factory=list)

    def shot(self, suffix: str) -> Shot:
        """The shot that the row describes, as far as it can be understood."""
        audio = self._input("audio", required=True)
        shot = Shot(
            row=self.number,
            audio=audio or Path(),
            out="",
            character=self.cells["character"],
            scene=self._input("scene", (".blend",)),
            instruction=self.cells["instruction"],
            seed=self._seed(),
            text=self.cells["text"],
            action=self._output("action", ".blend"),
            render=self._output("render", ".mp4"),
            passes=self._output("pass", ""),
            actor=self._input("actor", is_folder=True),
            plate=self._plate(),
        )
        self._check_company(shot)
        out = self._output("out", suffix) or (self._usual_out(audio, suffix) if audio else "")
        return replace(shot, out=out)

    def _input(
        self,
        column: str,
        endings: tuple[str, ...] = (),
        *,
        required: bool = False,
        is_folder: bool = False,
    ) -> Path | None:
        """An existing file or folder, relative to the folder of the list."""
        text = self.cells[column]
        if not text:
            if required:
                self.problems.append(f"it names no {column}")
            return None
        try:
            path = self.home / Path(text).expanduser()
            found, right = path.exists(), path.is_dir() if is_folder else path.is_file()
        except (OSError, ValueError, RuntimeError) as error:  # a NUL byte, a loop of links, no such user
            self.problems.append(f"its {column} '{text}' cannot be looked up ({error})")
            return None
        if not found:
            self.problems.append(f"its {column} '{path}' does not exist")
        elif not right:  # a pipe, too: it can be read only once, and perhaps never
            self.problems.append(f"its {column} '{path}' is no {'folder' if is_folder else 'file'}")
        elif endings and path.suffix.lower() not in endings:
            self.problems.append(f"its {column} '{path}' does not end in {' or '.join(endings)}")
        else:
            return path.absolute()
        return None

    def _plate(self) -> Path | None:
        """A movie, a folder of images, or a sequence by its pattern."""
        text = self.cells["plate"]
        if not text:
            return None
        try:
            plate = (self.home / Path(text).expanduser()).absolute()
            plate_files(plate)
        except UsageError as error:
            self.problems.append(f"its plate cannot be used: {error.cause}")
        except (OSError, ValueError, RuntimeError) as error:
            self.problems.append(f"its plate '{text}' cannot be looked up ({error})")
        else:
            return plate
        return None

    def _output(self, column: str, suffix: str) -> str:
        text = self.cells[column]
        if not text:
            return ""
        try:
            path = safe_relative(text.rstrip("/") if column == "pass" else text, f"its {column}")
        except UsageError as error:
            self.problems.append(error.cause)
            return ""
        if suffix and path.suffix.lower() != suffix:
            self.problems.append(f"its {column} '{text}' does not end in {suffix}")
        if path.parts[0].casefold() in (STATE, MANIFEST):
            self.problems.append(f"its {column} '{text}' is where the batch keeps its own files")
        return path.as_posix()

    def _usual_out(self, audio: Path, suffix: str) -> str:
        """Where the sound lies below the list's folder, there the curves lie below the batch's."""
        folder = self.home.absolute()
        below = audio.relative_to(folder) if audio.is_relative_to(folder) else Path(audio.name)
        try:
            return safe_relative(below.with_suffix(suffix).as_posix(), "the sound's name").as_posix()
        except UsageError as error:
            self.problems.append(f"{error.cause}: give the row a name in column 'out'")
            return ""

    def _seed(self) -> int:
        text = self.cells["seed"]
        try:
            seed = int(text or "0")
        except ValueError:
            seed = -1
        if not 0 <= seed <= _MOST_SEED:
            self.problems.append(f"its seed '{text}' is no whole number from 0 to {_MOST_SEED}")
            return 0
        return seed

    def _check_company(self, shot: Shot) -> None:
        """What only makes sense beside something else."""
        if shot.passes:
            self.problems += [
                f"its pass needs {what} in column '{column}'"
                for column, what in (("actor", "an actor's folder"), ("plate", "a plate"))
                if not self.cells[column]
            ]
            self._check_actor(shot.actor)
        elif self.cells["actor"] or self.cells["plate"]:
            self.problems.append("it names an actor or a plate, but no pass")
        if not (shot.action or shot.render) and (self.cells["scene"] or shot.character):
            self.problems.append("it names a scene or a character, but neither action nor render")

    def _check_actor(self, folder: Path | None) -> None:
        """A pass needs an actor with a consent, a memory and a renderer."""
        if folder is None:
            return
        try:
            open_actor(folder)
        except UsageError as error:
            self.problems.append(error.cause)
            return
        missing = [name for name in NEEDED_BY_PASS if not (folder / name).is_file()]
        if missing:
            self.problems.append(f"its actor '{folder}' is not finished: it lacks {', '.join(missing)}")


def read_shots(path: str | os.PathLike[str], suffix: str = ".csv") -> tuple[list[Shot], list[str]]:
    """Read and check a list of shots.

    Args:
        path: a table (.csv or .tsv; comma, semicolon or tab, UTF-8) whose first line names columns of
            `COLUMNS`, or JSON (.json): a list of objects with these names, or an object whose `shots` is one.
            Inputs are relative to its folder, outputs to the folder of the batch.
        suffix: ending of the curve files.

    Returns:
        The shots, and sentences worth knowing.

    Raises:
        BatchError: the file cannot be read as a list.
        ShotsError: rows that cannot be used, all of them.
    """
    file = Path(path)
    raw = _json_rows(file) if file.suffix.lower() == ".json" else _table_rows(file)
    if not raw:
        raise BatchError(f"'{file}' lists no shots", f"Columns: {', '.join(COLUMNS)}; only audio is needed")
    if len(raw) > MOST_ROWS:
        raise BatchError(f"'{file}' lists {len(raw)} shots", f"Split it: at most {MOST_ROWS} in one list")
    notices = _unknown_columns(file, {name for cells in raw for name in cells})
    rows = [_Row(i, _known(cells), file.absolute().parent) for i, cells in enumerate(raw, 1)]
    shots = [row.shot(suffix) for row in rows]
    problems = [(row.number, sentence) for row in rows for sentence in row.problems]
    problems += _clashes(shots)
    if problems:
        raise _refusal(file, sorted(problems, key=lambda problem: problem[0]))
    return shots, notices


def _refusal(file: Path, problems: list[tuple[int, str]]) -> ShotsError:
    shown = "".join(f"\n  row {row}: {sentence}" for row, sentence in problems[:_MOST_SHOWN])
    more = len(problems) - _MOST_SHOWN
    shown += f"\n  and {more} more problems" if more > 0 else ""
    rows = len({row for row, _ in problems})
    return ShotsError(
        f"{rows} row{'s' if rows > 1 else ''} of '{file}' cannot be used:{shown}\nNothing was started",
        "Mend the list, then run it again (row 1 is the first shot)",
        problems,
    )


def outputs_of(shot: Shot) -> list[str]:
    """All that the shot asks for, relative to the batch's folder."""
    return [name for name in (shot.out, shot.action, shot.render, shot.passes) if name]


def _clashes(shots: Iterable[Shot]) -> Iterator[tuple[int, str]]:
    """Outputs that two rows would write, or that would lie in another's place."""
    owners: dict[str, int] = {}
    folders: dict[str, int] = {}
    for shot in shots:
        for name in outputs_of(shot):
            # Two names that differ in case only are one file on most desktops.
            same = unicodedata.normalize("NFC", name).casefold()
            if same in owners:
                other = owners[same]
                also = f"row {other} writes" if other != shot.row else "it writes twice"
                yield shot.row, f"{also} '{name}' too: give each its own name in column 'out'"
                continue
            above = [parent.as_posix() for parent in PurePosixPath(same).parents][:-1]
            clash = next((owners[one] for one in above if one in owners), folders.get(same))
            if clash is not None:
                yield shot.row, f"'{name}' and an output of row {clash} cannot lie in each other's place"
            owners[same] = shot.row
            folders |= dict.fromkeys(above, shot.row)


def _known(cells: dict[str, str]) -> dict[str, str]:
    return {column: cells.get(column, "") for column in COLUMNS}


def _unknown_columns(file: Path, names: set[str]) -> list[str]:
    if len(names) > _MOST_COLUMNS:
        raise BatchError(f"'{file}' has more than {_MOST_COLUMNS} columns", f"Columns: {', '.join(COLUMNS)}")
    unknown = sorted(name for name in names if name and name not in COLUMNS)
    for name in unknown:
        close = difflib.get_close_matches(name[:_LONGEST_SHOWN], COLUMNS, 1, _TYPO)
        if close:
            raise BatchError(
                f"'{file}' has a column '{_cut(name)}', which is not known",
                f"Is it '{close[0]}'? Columns: {', '.join(COLUMNS)}",
            )
    return [f"The column '{_cut(name)}' of the list is not used" for name in unknown]


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= _LONGEST_SHOWN else f"{sentence[:_LONGEST_SHOWN]}..."


def _read_text(file: Path) -> str:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise BatchError(f"'{file}' is larger than {MOST_BYTES >> 20} MB", "Give a list of shots")
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BatchError(f"'{file}' is not in UTF-8", "Save the list as CSV UTF-8, or as JSON") from None
    except OSError as error:
        raise BatchError(f"The list '{file}' cannot be read ({error.strerror})", "Check the path") from error


def _table_rows(file: Path) -> list[dict[str, str]]:
    text = _read_text(file)
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    if first.count(separator) >= _MOST_COLUMNS:
        raise BatchError(f"'{file}' has more than {_MOST_COLUMNS} columns", f"Columns: {', '.join(COLUMNS)}")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        titles = [title.strip().lower() for title in next(reader, [])]
        lines = list(islice((line for line in reader if any(map(str.strip, line))), MOST_ROWS + 1))
    except csv.Error as error:
        raise BatchError(f"'{file}' is no table ({error})", "Save the list as CSV, or as JSON") from error
    if "audio" not in titles:
        raise BatchError(
            f"The first line of '{file}' names no column 'audio'", f"Columns: {', '.join(COLUMNS)}"
        )
    double = next((title for title in titles if title and titles.count(title) > 1), None)
    if double is not None:
        raise BatchError(f"'{file}' has two columns '{_cut(double)}'", "Take one of them out")
    rows = []
    for number, line in enumerate(lines, 1):
        if len(line) > len(titles) and any(map(str.strip, line[len(titles) :])):
            raise BatchError(
                f"Row {number} of '{file}' has more cells than there are columns",
                f"Put texts with '{separator}' into double quotes",
            )
        rows.append({title: cell.strip() for title, cell in zip(titles, line, strict=False)})
    return rows


def _json_rows(file: Path) -> list[dict[str, str]]:
    text = _read_text(file)
    try:
        raw: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BatchError(f"'{file}' is no JSON ({error})", "Mend it, or give a table (CSV)") from error
    raw = raw.get("shots") if isinstance(raw, dict) else raw
    if not isinstance(raw, list):
        raise BatchError(f"'{file}' holds no list of shots", 'Write [{"audio": "line.wav"}, ...]')
    return [_json_cells(file, number, row) for number, row in enumerate(raw, 1)]


def _json_cells(file: Path, number: int, row: Any) -> dict[str, str]:
    if not isinstance(row, dict):
        raise BatchError(f"Row {number} of '{file}' is no object", 'Write {"audio": "line.wav"}')
    cells = {}
    for name, value in row.items():
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            raise BatchError(
                f"Row {number} of '{file}': {_cut(str(name))} is neither a text nor a whole number", "Mend it"
            )
        cells[str(name).strip().lower()] = "" if value is None else str(value).strip()
    return cells
