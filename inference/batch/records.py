"""What was made of a batch, kept beside it: one record per task, a log per task, one manifest.

    OUT/.soliloquy/records/NAME.json   key of the task, and size, time and SHA-256 of what it made
    OUT/.soliloquy/records/NAME.begun  the task is being done, or whoever did it was killed
    OUT/.soliloquy/logs/NAME.log       what happened, newest last
    OUT/.soliloquy/lock                see `lock.py`
    OUT/manifest.json                  all shots and their files, written when a run ends

A task leaves its mark, writes its outputs, then its record, and takes the mark away. Whoever dies between
leaves the mark: then what lies in the outputs' places is half-finished work, and is made again. What lies
there without a mark and is not as the record says is somebody else's, or was edited: it is never replaced
unasked. Records are files of their own, so that many machines can write them at the same time.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import OutputError, UsageError
from ..files import LONGEST_STEM, atomic_write, file_sha256, make_folder, output_error
from ..safe_names import inside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .types import Result, Task

STATE: Final = ".soliloquy"
MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1
_MOST_BYTES: Final = 16 * 2**20
_TEMPORARY: Final = re.compile(r"\.(?P<of>.+)\.[0-9a-f]{8}\.tmp(\.\w+)?|\.[0-9a-f]{8}\.(blend|mp4|tmp)")
"""Names that `files.atomic_write`, `atomic_path` and `make_folder` give, and Blender's outputs."""


@dataclass(frozen=True)
class Made:
    """One file that a task made: path relative to the batch's folder, bytes, nanoseconds, hexadecimal."""

    path: str
    size: int
    mtime_ns: int
    sha256: str


def prepare(folder: Path) -> None:
    """Make the folder of a batch, and the one for its own files.

    Raises:
        OutputError: it cannot be made or written to.
    """
    make_folder(folder)
    make_folder(folder / STATE)


def check_folder(folder: Path) -> None:
    """See that the folder is still the batch's, and that a file can be written there.

    Raises:
        OutputError: it has gone (a disk was taken away), is read-only, or its disk is full.
    """
    state = folder / STATE
    if not state.is_dir():
        raise _disappeared(folder)
    probe = state / f".{os.urandom(4).hex()}.tmp"
    try:
        try:
            probe.write_bytes(bytes(2**16))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(error, folder) from error


def _disappeared(folder: Path) -> OutputError:
    return OutputError(
        f"The folder of the batch '{folder}' has disappeared", "Bring its disk back, then run it again"
    )


def make_below(root: Path, place: Path) -> None:
    """Make a folder below one that is there: the root itself is never made again, its disk may just be away.

    Raises:
        OutputError: the root has gone, the place is read-only, ...
    """
    missing = []
    while place != root and not place.is_dir():
        missing.append(place)
        place = place.parent
    try:
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
    except OSError as error:
        raise output_error(error, missing[0]) from error


def begin(folder: Path, task: Task) -> None:
    """Mark a task as being done: what lies in its outputs' places from now on is its own.

    Raises:
        OutputError: the mark cannot be made.
    """
    mark = _mark_path(folder, task.name)
    make_below(folder / STATE, mark.parent)
    try:
        mark.touch()
    except OSError as error:
        raise output_error(error, mark) from error


def write_record(folder: Path, task: Task) -> None:
    """Note what a task has made.

    Raises:
        OutputError: something that it was to make is not there, or the record cannot be written.
    """
    made = []
    for output in task.outputs:
        files = _look(folder, output)
        if not files:
            raise OutputError(f"'{folder / output}' was not made", "Look into the row's log")
        made += files
    _write(folder, task, task.key, made)


def note_unfinished(folder: Path, task: Task) -> None:
    """Where a task was begun and ended without a record, note what it left: ours, and to be made again.

    Only when nobody does it any more.

    Raises:
        OutputError: that cannot be written.
    """
    if _mark_path(folder, task.name).exists():
        _write(folder, task, "", [one for output in task.outputs for one in _look(folder, output)])


def _write(folder: Path, task: Task, key: str, made: list[Made]) -> None:
    path, mark = _record_path(folder, task.name), _mark_path(folder, task.name)
    make_below(folder / STATE, path.parent)
    with atomic_write(path) as stream:
        json.dump({"format": _FORMAT, "key": key, "made": [asdict(one) for one in made]}, stream, indent=1)
    try:
        mark.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(error, mark) from error


def is_unchanged(folder: Path, task: Task) -> bool:
    """Whether all that the task asks for is there, made from the same inputs and not touched since."""
    record = _read_record(folder, task.name)
    if record is None or record[0] != task.key:
        return False
    made = record[1]
    if not all(any(_belongs(one.path, output) for one in made) for output in task.outputs):
        return False
    return all(_is_as_made(folder, one) for one in made)


def in_the_way(folder: Path, task: Task) -> Path | None:
    """The first file in the place of an output that this batch did not make, or that was changed since.

    None where all that is there may be replaced. Hidden files in an output's folder do not count.
    """
    # In this order: a run with --shared may be finishing this very task.
    files = [file for output in task.outputs for file in _files(inside(folder, output))]
    if not files or _mark_path(folder, task.name).exists():
        return None
    record = _read_record(folder, task.name)
    made = {one.path: one for one in record[1]} if record is not None else {}
    for file in files:
        one = made.get(file.relative_to(folder).as_posix())
        if one is None or not _is_as_made(folder, one):
            return file
    return None


def made_by(folder: Path, task: Task) -> tuple[Made, ...] | None:
    """What the record of a task says, where it is of the same key; None where it is not."""
    record = _read_record(folder, task.name)
    return record[1] if record is not None and record[0] == task.key else None


def write_manifest(folder: Path, version: str, tasks: Iterable[Task]) -> None:
    """Write `manifest.json`: every task in the order of the list, with the files that it made.

    The same list and the same outputs give the same bytes, whoever made them.

    Raises:
        OutputError: it cannot be written.
    """
    entries = []
    for task in tasks:
        made = made_by(folder, task)
        files = [{"path": one.path, "size": one.size, "sha256": one.sha256} for one in made or ()]
        state = "missing" if made is None else "done"
        entries.append({"row": task.row, "kind": task.kind, "state": state, "key": task.key, "files": files})
    if not (folder / STATE).is_dir():  # another folder may lie there, where a disk was taken away
        raise _disappeared(folder)
    with atomic_write(folder / MANIFEST) as stream:
        json.dump({"format": _FORMAT, "soliloquy": version, "tasks": entries}, stream, indent=1)
        stream.write("\n")


def append_log(folder: Path, result: Result, when: str, details: str = "") -> None:
    """Add what became of a task to its log; `details` are further lines (what its worker printed).

    Raises:
        OutputError: the log cannot be written.
    """
    path = folder / STATE / "logs" / f"{result.task.name}.log"
    lines = [f"{when}  {result.task.kind}  {result.state}  {result.seconds:.2f} s", *result.notices]
    if result.problem:
        lines.append(result.problem)
    make_below(folder / STATE, path.parent)
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write("\n".join([*lines, *details.splitlines()]) + "\n")
    except OSError as error:
        raise output_error(error, path) from error


def remove_leftovers(folder: Path, tasks: Iterable[Task], *, shared: bool = False) -> None:
    """Remove temporary files of workers that were killed, in and beside the outputs and records of tasks.

    Args:
        folder: of the batch.
        tasks: which nobody is doing.
        shared: others work in the folder on other tasks: only what is named after an output of these goes.

    Raises:
        OutputError: one cannot be removed.
    """
    owners: dict[Path, set[str]] = {} if shared else {folder: set(), folder / STATE: set()}
    own = []
    for task in tasks:
        for path in (_record_path(folder, task.name), *(folder / output for output in task.outputs)):
            owners.setdefault(path.parent, set()).update((path.name[:LONGEST_STEM], path.stem[:LONGEST_STEM]))
        own += [folder / output for output in task.outputs if (folder / output).is_dir()]
    for place, names in [*owners.items(), *((place, None) for place in own)]:
        for path in place.glob(".*") if place.is_dir() else ():
            found = _TEMPORARY.fullmatch(path.name)
            if found and path.is_file() and (not shared or names is None or found["of"] in names):
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise output_error(error, path) from error


def _mark_path(folder: Path, name: str) -> Path:
    return folder / STATE / "records" / f"{name}.begun"


def _record_path(folder: Path, name: str) -> Path:
    return folder / STATE / "records" / f"{name}.json"


def _files(path: Path) -> list[Path]:
    """What is there of an output: itself, or what lies below it where it is a folder, but hidden files."""
    if not path.is_dir():
        return [path] if path.exists() else []
    return sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))


def _look(folder: Path, output: str) -> list[Made]:
    path = inside(folder, output)
    try:
        made = []
        for file in _files(path):
            facts, name = file.stat(), file.relative_to(folder).as_posix()
            made.append(Made(name, facts.st_size, facts.st_mtime_ns, file_sha256(file)))
        return made
    except OSError as error:
        raise OutputError(
            f"'{path}' cannot be looked at ({error.strerror})", "Look into the row's log"
        ) from error


def _belongs(path: str, output: str) -> bool:
    return path == output or path.startswith(f"{output}/")


def _is_as_made(folder: Path, made: Made) -> bool:
    try:
        path = inside(folder, made.path)
        facts = path.stat()
        if facts.st_size != made.size:
            return False
        # A copied folder has other times and the same bytes.
        return facts.st_mtime_ns == made.mtime_ns or file_sha256(path) == made.sha256
    except (OSError, ValueError, UsageError):  # UsageError: a record that names a file outside
        return False


def _read_record(folder: Path, name: str) -> tuple[str, tuple[Made, ...]] | None:
    """Key and files of a record; None where there is none that can be read: then the task is done again."""
    path = _record_path(folder, name)
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
        if raw["format"] != _FORMAT:
            return None
        return str(raw["key"]), tuple(_read_made(one) for one in raw["made"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _read_made(raw: dict[str, Any]) -> Made:
    made = Made(**raw)
    if not (
        isinstance(made.path, str)
        and isinstance(made.sha256, str)
        and all(isinstance(n, int) for n in (made.size, made.mtime_ns))
    ):
        raise TypeError("not a record")
    return made
