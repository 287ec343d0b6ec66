"""One labelled span of time, and what every reader of such spans checks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from ..errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

MAX_CUES: Final = 1_000_000
MAX_S: Final = 6 * 3600.0
"""Motion for a longer file would not fit into the memory of a small machine."""
LAST_CUE_S: Final = 0.1
"""Length of the last cue where only the starts are told."""


@dataclass(frozen=True)
class Cue:
    """`label` holds from `start_s` to `end_s` seconds."""

    start_s: float
    end_s: float
    label: str


def checked(file: Path, line: int, start_s: float, end_s: float, label: str) -> Cue:
    """A cue of a line.

    Raises:
        UsageError: it lies further than `MAX_S` from 0, or ends before it starts.
    """
    if not (math.isfinite(start_s) and math.isfinite(end_s) and max(abs(start_s), abs(end_s)) <= MAX_S):
        refuse(file, line, f"has a time outside {MAX_S / 3600:g} hours (times are in seconds)")
    if end_s < start_s:
        refuse(file, line, f"ends before it starts ({start_s:g} to {end_s:g} s)")
    return Cue(start_s, end_s, label.strip())


def refuse(file: Path, line: int, what: str) -> NoReturn:
    """Say what is wrong with a line."""
    raise UsageError(f"Line {line} of '{file}' {what}", "Mend that line, or export the file again")
