"""From shots to tasks: what has to be made, and the hash of all that it depends on."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..actor.media.plate import plate_sha256
from ..errors import UsageError
from ..files import file_sha256
from ..version import version
from .shots import NEEDED_BY_PASS
from .types import BatchError, Task

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from .types import Kind, Shot


_LONGEST_ROWS = 40
"""Letters of two row numbers and a dash; what is longer is a name."""


def select(shots: Sequence[Shot], only: str | None) -> list[Shot]:
    """The shots that `--only` names, in the order of the list.

    Args:
        only: rows ("3,10-20"), or patterns with * and ? for names of curve files or sounds ("anna_*"),
            separated by commas; None for all.

    Raises:
        BatchError: a part of it names no shot.
    """
    if only is None:
        return list(shots)
    chosen: set[int] = set()
    for part in filter(None, (part.strip() for part in only.split(","))):
        rows = {shot.row for shot in shots if _is_named(shot, part)}
        if not rows:
            raise BatchError(
                f"--only: no row is called '{part}'", f"Give rows (1-{len(shots)}) or names with * and ?"
            )
        chosen |= rows
    if not chosen:
        raise BatchError("--only names no row", f"Give rows (1-{len(shots)}) or names with * and ?")
    return [shot for shot in shots if shot.row in chosen]


def _is_named(shot: Shot, part: str) -> bool:
    first, dash, last = part.partition("-")
    if len(part) < _LONGEST_ROWS and first.isdecimal() and (not dash or last.isdecimal()):
        return int(first) <= shot.row <= int(last if dash else first)
    out = Path(shot.out)
    names = (shot.out, out.stem, out.with_suffix("").as_posix(), shot.audio.name)
    return any(fnmatch.fnmatch(name, part) for name in names)


def make_tasks(
    shots: Iterable[Shot],
    options: dict[str, Any],
    weights: Sequence[Path],
    kinds: Collection[Kind],
) -> list[Task]:
    """What has to be made of shots, in the order of the list.

    Args:
        options: values of the command's options that count for every shot, JSON values only.
        weights: weight files that the curves depend on.
        kinds: kinds of tasks that are wanted; inputs of the others are not read.

    Raises:
        UsageError: an input cannot be read; names the row.
    """
    hashes = _Hashes()
    made_with = {"version": version(), "weights": [hashes.of_file(path) for path in weights]}
    tasks: list[Task] = []
    for shot in shots:
        try:
            tasks += _tasks(shot, options, made_with, kinds, hashes)
        except UsageError as error:
            raise BatchError.of_row(shot.row, error) from error
    return tasks


def _tasks(
    shot: Shot,
    options: dict[str, Any],
    made_with: dict[str, Any],
    kinds: Collection[Kind],
    hashes: _Hashes,
) -> Iterator[Task]:
    of_line = {
        **options,
        "seed": shot.seed,
        "text": shot.text or None,
        "instruction": shot.instruction or options.get("instruction"),
    }
    heard = {"audio": hashes.of_file(shot.audio), "name": shot.audio.name, "options": of_line, **made_with}
    common: dict[str, Any] = {"row": shot.row, "audio": str(shot.audio), "options": of_line}
    if "curves" in kinds:
        yield Task("curves", outputs=(shot.out,), key=_key("curves", heard), **common)
    asked = tuple(name for name in (shot.action, shot.render) if name)
    if asked and "scene" in kinds:
        scene = hashes.of_file(shot.scene) if shot.scene else ""
        depends = {**heard, "scene": scene, "character": shot.character, "outputs": asked}
        where: dict[str, Any] = {"scene": str(shot.scene or ""), "character": shot.character}
        yield Task("scene", outputs=asked, key=_key("scene", depends), **common, **where)
    if shot.passes and shot.actor and shot.plate and "pass" in kinds:
        actor = [hashes.of_file(shot.actor / name) for name in NEEDED_BY_PASS]
        depends = {**heard, "actor": actor, "plate": hashes.of_plate(shot.plate)}
        who: dict[str, Any] = {"actor": str(shot.actor), "plate": str(shot.plate)}
        yield Task("pass", outputs=(shot.passes,), key=_key("pass", depends), **common, **who)


def _key(kind: Kind, depends: dict[str, Any]) -> str:
    text = json.dumps({"kind": kind, **depends}, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class _Hashes:
    """SHA-256 of inputs, each read once however many shots share it."""

    def __init__(self) -> None:
        self.of_file = cache(file_sha256)
        self.of_plate = cache(plate_sha256)
