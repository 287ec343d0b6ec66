"""What an actor's memory holds, for a person: numbers, gaps in words, a sheet of patches by mouth shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...errors import UsageError
from ...files import atomic_write
from ..crop import LIP_WIDTH
from ..landmarks import MOUTH_REGION
from . import coverage
from .bank import turns_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ...types import FloatArray
    from ..folder import Actor
    from ..types import MemoryBank

COLUMNS: Final = 11
ROWS: Final = 8
WIDTHS: Final = (0.76, 1.2)
"""Range of the sheet: widths of the mouth by that at rest."""
APERTURES: Final = (0.0, 0.5)
"""Range of the sheet: gaps between the lips by the mouth's width at rest; rows are denser for small gaps."""
_WIDE_OPEN, _OPEN, _ROUNDED, _SPREAD = 0.28, 0.08, 0.9, 1.1
_FEW: Final = 10
"""Entries that a shape needs at least to count as seen: retrieval mixes several."""
_TURNED_DEG: Final = 10.0
_INK, _FAINT, _PAPER = "#222222", "#9a9a9a", "#ffffff"
_CELL_IN: Final = 1.15


@dataclass(frozen=True)
class Survey:
    """What a memory covers. `aperture`, `width`: float32 [M] by the mouth's width at rest; `kind` uint8 [M],
    see `coverage.KINDS`; `turns` float32 [M, 2] yaw and pitch in degrees."""

    aperture: FloatArray
    width: FloatArray
    kind: NDArray[np.uint8]
    turns: FloatArray
    gaps: tuple[str, ...]
    """What was not seen, one sentence each, without full stops."""

    def grid(self) -> NDArray[np.intp]:
        """[ROWS, COLUMNS] how many entries lie in each cell of the sheet."""
        row, column = self.cells()
        out = np.zeros((ROWS, COLUMNS), np.intp)
        np.add.at(out, (row, column), 1)
        return out

    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of every entry in the sheet; what lies beyond it is in the outermost."""
        across = (self.width - WIDTHS[0]) / (WIDTHS[1] - WIDTHS[0]) * COLUMNS
        share = np.clip((self.aperture - APERTURES[0]) / (APERTURES[1] - APERTURES[0]), 0, 1)
        return (
            np.clip(np.sqrt(share) * ROWS, 0, ROWS - 1).astype(np.intp),
            np.clip(across, 0, COLUMNS - 1).astype(np.intp),
        )


def survey(bank: MemoryBank) -> Survey:
    """Measure what a memory covers."""
    upper, lower, right, left = (bank.points[:, MOUTH_REGION.index(point)] for point in (13, 14, 61, 291))
    rest = LIP_WIDTH * bank.patches.shape[1]
    aperture = np.asarray((lower[:, 1] - upper[:, 1]) / rest, np.float32)
    width = np.asarray(np.linalg.norm(left - right, axis=1) / rest, np.float32)
    shown = [
        coverage.teeth(patch.astype(np.float32) / 255, points)
        for patch, points in zip(bank.patches, bank.points, strict=True)
    ]
    kind = coverage.kinds(aperture, np.array(shown, np.float32))
    turns = np.degrees(turns_of(bank))
    return Survey(aperture, width, kind, turns, tuple(_gaps(aperture, width, kind, turns)))


def _gaps(aperture: FloatArray, width: FloatArray, kind: NDArray[np.uint8], turns: FloatArray) -> list[str]:
    """The shapes that speech needs and the memory hardly has."""
    opened = aperture > _OPEN
    shapes = {
        "closed lips": kind == coverage.CLOSED,
        "teeth": kind == coverage.TEETH,
        "wide open mouth": aperture > _WIDE_OPEN,
        "rounded lips": width < _ROUNDED,
        "open rounded mouth (as in 'oh')": opened & (width < _ROUNDED + 0.03),
        "spread lips (as in a smile)": width > _SPREAD,
    }
    out = []
    for name, seen in shapes.items():
        count = int(seen.sum())
        if count == 0:
            out.append(f"no {name} seen")
        elif count < _FEW:
            out.append(f"hardly any {name} seen ({count} {'entry' if count == 1 else 'entries'})")
    sides = (("left", 0, 1), ("right", 0, -1), ("up", 1, 1), ("down", 1, -1))
    missing = [name for name, axis, sign in sides if int((sign * turns[:, axis] > _TURNED_DEG).sum()) < _FEW]
    if missing:
        reach = np.abs(turns).max(0)
        out.append(
            f"no head turned {_listed(missing)} by more than {_TURNED_DEG:g} degrees seen "
            f"(it turns up to {reach[0]:.0f} to the side, {reach[1]:.0f} up or down)"
        )
    return out


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def lines(actor: Actor, bank: MemoryBank, found: Survey) -> list[str]:
    """The memory in words."""
    side = bank.patches.shape[1]
    counts = np.bincount(found.kind, minlength=len(coverage.KINDS))
    kinds = ", ".join(f"{count} {name}" for count, name in zip(counts, coverage.KINDS, strict=True))
    out = [
        f"Memory of {actor.name}: {len(bank)} patches of {side} x {side} pixels from {len(bank.takes)} takes",
        f"Mouths: {kinds}",
        f"Lips open up to {found.aperture.max():.0%} and are {found.width.min():.0%} to "
        f"{found.width.max():.0%} wide, by the mouth's width at rest",
    ]
    return [*out, *(f"Gap: {gap}" for gap in found.gaps)] if found.gaps else [*out, "No gaps"]


def save_sheet(path: Path, actor: Actor, bank: MemoryBank, found: Survey) -> None:
    """Draw patches by mouth shape, and how many there are of each, as PNG, SVG or PDF.

    Raises:
        UsageError: matplotlib is not installed, or the ending is another one.
        OutputError: the file cannot be written.
    """
    from ...memory_plot import PICTURE_SUFFIXES

    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise UsageError(f"'{path}' is no picture", f"Name it with {', '.join(PICTURE_SUFFIXES)}")
    figure = _draw(actor, bank, found)
    with atomic_write(path, "wb") as stream:
        figure.savefig(stream, format=path.suffix.lower().lstrip("."), dpi=100, facecolor=_PAPER)


def _draw(actor: Actor, bank: MemoryBank, found: Survey) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "Drawing needs matplotlib, which is not installed", "Install it with `pip install matplotlib`"
        ) from error
    words = lines(actor, bank, found)
    head_in, sheet_in = 0.5 + 0.28 * len(words), ROWS * _CELL_IN
    wide_in, tall_in = COLUMNS * _CELL_IN + 7.2, head_in + sheet_in + 0.9
    figure = Figure(figsize=(wide_in, tall_in))
    for row, text in enumerate(words):
        place = 1 - (0.35 + 0.28 * row) / tall_in
        bold, size = ("bold", 17) if row == 0 else ("normal", 13)
        figure.text(0.5 / wide_in, place, text, fontsize=size, weight=bold, color=_INK, va="center")
    bottom = 0.65 / tall_in
    axes = figure.add_axes((0.9 / wide_in, bottom, COLUMNS * _CELL_IN / wide_in, sheet_in / tall_in))
    _draw_patches(axes, bank, found)
    axes = figure.add_axes(((COLUMNS * _CELL_IN + 1.9) / wide_in, bottom, 4.8 / wide_in, sheet_in / tall_in))
    _draw_coverage(axes, found)
    return figure


def _draw_patches(axes: Any, bank: MemoryBank, found: Survey) -> None:
    """In each cell the patch nearest to its middle, cut to the mouth."""
    side = bank.patches.shape[1]
    half = round(0.3 * side)
    cut = slice(side // 2 - half, side // 2 + half)
    sheet = np.full((ROWS, COLUMNS, 2 * half, 2 * half, 3), 238, np.uint8)
    for (row, column), entry in _shown(bank, found).items():
        sheet[row, column] = bank.patches[entry][cut, cut]
    rows, columns, high, wide, _ = sheet.shape
    image = sheet.transpose(0, 2, 1, 3, 4).reshape(rows * high, columns * wide, 3)
    axes.imshow(image, extent=(0, COLUMNS, ROWS, 0), aspect="auto", interpolation="bicubic")
    axes.set_xticks(range(1, COLUMNS), [], minor=False)
    axes.set_yticks(range(1, ROWS), [])
    axes.grid(color=_PAPER, linewidth=2)
    _label(axes)


def _shown(bank: MemoryBank, found: Survey) -> dict[tuple[int, int], int]:
    """For each cell the sharpest of the entries next to the median of those in it."""
    row, column = found.cells()
    out = {}
    for cell in {*zip(row.tolist(), column.tolist(), strict=True)}:
        inside = np.flatnonzero((row == cell[0]) & (column == cell[1]))
        keys = bank.keys[inside]
        near = np.linalg.norm(keys - np.median(keys, axis=0), axis=1).argsort()[:5]
        out[cell] = int(inside[near[bank.sharpness[inside[near]].argmax()]])
    return out


def _draw_coverage(axes: Any, found: Survey) -> None:
    counts = found.grid()
    axes.imshow(
        np.log1p(counts), extent=(0, COLUMNS, ROWS, 0), aspect="auto", cmap="viridis", interpolation="nearest"
    )
    most = counts.max()
    for (row, column), count in np.ndenumerate(counts):
        ink = _INK if count > most**0.6 else "#ffffff"
        axes.text(column + 0.5, row + 0.5, f"{count}" if count else "-", ha="center", va="center", color=ink)
    axes.set_xticks(range(1, COLUMNS), [])
    axes.set_yticks(range(1, ROWS), [])
    axes.set_title("patches of each shape", fontsize=13, color=_INK)
    _label(axes)


def _label(axes: Any) -> None:
    axes.tick_params(length=0)
    for word, place, side in (
        ("narrow", 0.0, "left"),
        ("width of the mouth", 0.5, "center"),
        ("wide", 1.0, "right"),
    ):
        axes.text(place, -0.02, word, transform=axes.transAxes, ha=side, va="top", fontsize=12, color=_INK)
    for word, place, side in (
        ("closed", 1.0, "top"),
        ("gap between the lips", 0.5, "center"),
        ("open", 0.0, "bottom"),
    ):
        where = {"transform": axes.transAxes, "rotation": 90, "ha": "right", "va": side}
        axes.text(-0.01, place, word, fontsize=12, color=_INK, **where)
    for edge in axes.spines.values():
        edge.set_color(_FAINT)
