"""Curve files in the formats that `--format` offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..types import FaceMotion

ENDINGS: Final = {"arkit": ".csv", "livelink": ".csv", "a2f": ".json"}


def add_format(group: Any) -> None:
    """Declare `--format`."""
    group.add_argument(
        "--format",
        choices=tuple(ENDINGS),
        default="arkit",
        help="arkit: CSV; livelink: CSV as Live Link Face records it, 60 fps; a2f: JSON as of Audio2Face",
    )


def write(path: Path, source: Path, pieces: Iterator[FaceMotion], kind: str) -> None:
    """Write consecutive pieces of one motion; the file appears when it is complete.

    Only ARKit's table is written piece by piece; the others need the whole motion in memory.

    Args:
        source: the sound, which some formats name.
        kind: one of `ENDINGS`.

    Raises:
        OutputError: the file cannot be written.
    """
    if kind == "arkit":
        from ..formats.arkit_csv import write_csv

        write_csv(path, pieces)
        return
    from ..pipeline import collect

    motion = collect(pieces)
    if kind == "livelink":
        from ..formats.live_link_csv import write_live_link_csv

        write_live_link_csv(path, motion)
    else:
        from ..formats.a2f_json import write_a2f_json

        write_a2f_json(path, motion, str(source))
