"""What the compositor shows: the EXR sequence of a pass, and the plate behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..inference.errors import UsageError

_NUMBERED = re.compile(r"(?P<stem>.*?)(?P<number>\d+)\.exr$", re.IGNORECASE)


@dataclass(frozen=True)
class PassFiles:
    """An EXR sequence; the numbers in its names are frames of the scene."""

    first_file: Path
    first: int
    last: int
    missing: tuple[int, ...] = ()
    """Frames between them that have no file."""


@dataclass(frozen=True)
class PlateFiles:
    """A film or an image sequence that lies behind the pass."""

    path: str
    """Absolute: a film, or one image of a sequence."""
    start_frame: int
    """Frame of the scene on which its first picture lies."""
    first_number: int = 1
    """Number of the first picture; 1 for a film."""
    frames: int = 0
    """How many pictures; 0 for all of a film."""

    @property
    def is_sequence(self) -> bool:
        """Whether it is images, not a film."""
        return Path(self.path).suffix.lower() in bpy.path.extensions_image


def pass_files(folder: str | Path) -> PassFiles:
    """The EXR sequence in a folder; the longest where there are several.

    Raises:
        UsageError: there is none.
    """
    place = Path(folder)
    found: dict[str, dict[int, Path]] = {}
    for file in sorted(place.glob("*")) if place.is_dir() else ():
        match = _NUMBERED.fullmatch(file.name)
        if match is not None:
            found.setdefault(match["stem"], {})[int(match["number"])] = file
    if not found:
        raise UsageError(f"'{place}' holds no pass (no numbered .exr files)", "Render the pass first")
    numbers = max(found.values(), key=len)
    first, last = min(numbers), max(numbers)
    missing = tuple(number for number in range(first, last + 1) if number not in numbers)
    return PassFiles(numbers[first], first, last, missing)
