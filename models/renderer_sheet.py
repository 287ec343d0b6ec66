"""The sheet of held-out frames: filmed, painted, and what it is compared with, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CREDIT: Final = (
    "Synthetic but for the columns “filmed”. Speaker 1 of the GRID corpus (Cooke, Barker, Cunningham, Shao "
    "2006, doi.org/10.5281/zenodo.3625687), CC BY 4.0"
)
_ENLARGED: Final = 3
_PER_LINE: Final = 2
"""Frames side by side."""
_HEAD_IN, _ROW_GAP_IN, _FOOT_IN = 0.28, 0.24, 0.3
_DPI: Final = 100


@dataclass(frozen=True)
class Cell:
    """One frame of the sheet: what it shows, and its pictures uint8 [H, W, 3] by column."""

    caption: str
    pictures: Sequence[np.ndarray]


def draw_sheet(path: Path, columns: Sequence[str], cells: Sequence[Cell]) -> None:
    """Write a PNG; every pixel of the plate becomes a square of 3 x 3, unsmoothed.

    Raises:
        ValueError: a cell without a picture for each column.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    if any(len(cell.pictures) != len(columns) for cell in cells):
        raise ValueError(f"every cell needs {len(columns)} pictures")
    height = max(picture.shape[0] for cell in cells for picture in cell.pictures) * _ENLARGED / _DPI
    width = max(picture.shape[1] for cell in cells for picture in cell.pictures) * _ENLARGED / _DPI
    lines = -(-len(cells) // _PER_LINE)
    whole_wide = _PER_LINE * (len(columns) * (width + 0.04) + 0.15)
    whole_high = _HEAD_IN + lines * (height + _ROW_GAP_IN) + _FOOT_IN
    figure = plt.figure(figsize=(whole_wide, whole_high), dpi=_DPI, facecolor="white")

    def at(x: float, y: float) -> tuple[float, float]:
        return x / whole_wide, 1 - y / whole_high

    for index, cell in enumerate(cells):
        line, place = divmod(index, _PER_LINE)
        left = 0.08 + place * (len(columns) * (width + 0.04) + 0.15)
        top = _HEAD_IN + line * (height + _ROW_GAP_IN)
        figure.text(*at(left, top + 0.15), cell.caption, fontsize=8, va="baseline")
        for column, picture in enumerate(cell.pictures):
            x = left + column * (width + 0.04)
            if line == 0:
                figure.text(*at(x, 0.18), columns[column], fontsize=10, weight="bold", va="baseline")
            corner = at(x, top + 0.2 + height)
            axes = figure.add_axes((*corner, width / whole_wide, height / whole_high))
            axes.imshow(picture, interpolation="nearest")
            axes.set_axis_off()
    figure.text(*at(0.08, whole_high - 0.08), CREDIT, fontsize=8, va="baseline")
    figure.savefig(path, metadata={"Description": CREDIT})
    plt.close(figure)
