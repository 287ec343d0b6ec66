"""What every farm is told of a batch: the list, the folder, which rows ask for what, and the options."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..batch.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..batch.types import Kind

STEPS: Final[dict[Kind, str]] = {"curves": "Curves", "scene": "Scenes", "pass": "Passes"}
"""How the work of each kind is called on a farm."""
LAST_STEP: Final = "Manifest"
"""The step behind the others: it finds all of it done, and writes the batch's manifest."""


@dataclass(frozen=True)
class FarmJob:
    """A batch on its way to a farm.

    Args:
        shots: the list, absolute, where the farm's machines see it.
        out: the batch's folder, absolute, shared by them.
        rows: for each kind of work the rows that ask for it, rising.
        options: further arguments of `soliloquy batch`; a `Path` among them is a file that the farm's
            machines read.
        selection: the `--only` and `--kinds` that chose these rows.
        chunk: rows of curves that one task makes. A scene or a pass takes minutes: each is a task.
    """

    shots: Path
    out: Path
    rows: Mapping[Kind, Sequence[int]]
    options: tuple[str | Path, ...] = ()
    selection: tuple[str, ...] = ()
    chunk: int = 50

    @property
    def name(self) -> str:
        """The job's name, for a person."""
        return "Soliloquy " + "".join(c if c.isprintable() else " " for c in self.shots.stem)[:100]

    def steps(self) -> Iterator[tuple[Kind, Sequence[int], int]]:
        """Kind, rows and rows per task of each step that has work, in the order of `KINDS`."""
        for kind in KINDS:
            if self.rows.get(kind):
                yield kind, self.rows[kind], self.chunk if kind == "curves" else 1


def row_ranges(rows: Sequence[int], chunk: int) -> list[str]:
    """Rows in pieces of at most `chunk`, as `soliloquy batch --only` reads them: "1-50", "51,53-60"."""
    return [as_ranges(rows[at : at + chunk]) for at in range(0, len(rows), chunk)]


def as_ranges(rows: Sequence[int]) -> str:
    """Rows as one text: "1-50,53"."""
    runs = [[row for _, row in run] for _, run in groupby(enumerate(rows), lambda pair: pair[1] - pair[0])]
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
