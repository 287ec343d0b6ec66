"""What a target of the fuzzer is: a reader of files, what it may answer, and files to begin with."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from guard import unguarded
from mutate import Mutator, json_value

Check = Callable[[bytes], bool]
FOLDER = "SOLILOQUY_FUZZ_FOLDER"


@dataclass(frozen=True)
class Target:
    """A reader under attack.

    `check` is given any bytes: True, they were read and keep every promise; False, refused as is right; it
    raises whatever else happens. `seeds` gives files that are accepted or nearly so. `modules` are those
    whose coverage guides the search (by name, with all below them). `mutators` change an input knowing its
    format; `words` are worth trying anywhere.
    """

    check: Check
    seeds: Callable[[], Iterable[bytes]]
    modules: tuple[str, ...]
    mutators: tuple[Mutator, ...] = ()
    words: tuple[bytes, ...] = ()
    longest: int = 16_384
    needs: tuple[str, ...] = ()
    """Packages without which there is nothing to attack."""
    writes: bool = False
    """Whether the reader may use a temporary file."""


JSON = (json_value,)
JSON_WORDS = (b"null", b"NaN", b"1e999", b"-1", b"[]", b"{}", b'""', b"9" * 40, b"[" * 60, b"\\ud800", b"..")


_laid: dict[str, bytes] = {}


@lru_cache(maxsize=1)
def folder() -> Path:
    """Where inputs are laid; nothing else may be written anywhere."""
    given = os.environ.get(FOLDER)  # libFuzzer ends a process without a word: who started it tidies up
    return Path(given or tempfile.mkdtemp(prefix="soliloquy-fuzz-")).resolve()


def laid(data: bytes, name: str = "input.bin") -> Path:
    """A file with these bytes."""
    path = folder() / name
    if _laid.get(name) != data:
        with unguarded():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        _laid[name] = data
    return path


def unlaid(name: str) -> None:
    """No file of that name."""
    _laid.pop(name, None)
    with unguarded():
        (folder() / name).unlink(missing_ok=True)
