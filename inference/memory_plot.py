"""Draws what `memory_study` found: the memory's slots against time, against visemes, and their lips.

matplotlib is imported when something is drawn, and only then: the runtime does without it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .errors import UsageError
from .files import atomic_write
from .formats.cue import Cue
from .memory_study import summary_text
from .visemes import VISEMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .memory_study import Excerpt, Findings
    from .types import FloatArray, ModelCard

PICTURE_SUFFIXES: Final = (".png", ".svg", ".pdf")
_COLOURS: Final = (
    "viridis"  # even in lightness, so that it can be read without seeing red or green, and in grey
)
_WIDTH_IN = 19.0
_TALLER = 2.0  # lips open a few millimetres and are 50 wide
_INK, _FAINT = "#222222", "#9a9a9a"


def heard_cues(visemes: FloatArray, rate_hz: float) -> list[Cue]:
    """What was heard, as runs of the most probable viseme ([T, 15] posteriors), single frames left out."""
    best = visemes.argmax(axis=1)
    edges = [0, *(np.flatnonzero(np.diff(best)) + 1), len(best)]
    return [Cue(a / rate_hz, b / rate_hz, VISEMES[best[a]]) for a, b in pairwise(edges) if b - a > 1]


def save_picture(
    path: Path, findings: Findings, excerpt: Excerpt, card: ModelCard, cues: Sequence[Cue] | None = None
) -> None:
    """Draw the findings and write them as PNG, SVG or PDF, by the ending of `path`.

    Args:
        cues: phones of the excerpt; None shows the visemes that the model heard.

    Raises:
        UsageError: matplotlib is not installed.
        OutputError: the file cannot be written.
    """
    figure = draw(findings, excerpt, card, cues)
    with atomic_write(path, "wb") as stream:
        figure.savefig(stream, format=path.suffix.lower().lstrip("."), dpi=100, facecolor="white")


def draw(findings: Findings, excerpt: Excerpt, card: ModelCard, cues: Sequence[Cue] | None = None) -> Any:
    """The picture as a matplotlib `Figure`; see `save_picture`."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "Drawing needs matplotlib, which is not installed", "Install it with `pip install matplotlib`"
        ) from error
    rows = len(findings.slots)
    over_time_in, per_slot_in = min(max(0.16 * rows, 2.4), 7.0), max(min(0.34, 14.0 / rows) * rows, 2.4)
    height_in = 1.5 + over_time_in + 2.5 + per_slot_in + 0.8
    figure = Figure(figsize=(_WIDTH_IN, height_in))

    def place(left: float, top_in: float, width: float, tall_in: float) -> Any:
        return figure.add_axes((left, 1.0 - (top_in + tall_in) / height_in, width, tall_in / height_in))

    title = f"Implicit memory of {card.name} {card.version}"
    figure.text(0.015, 1.0 - 0.42 / height_in, title, fontsize=21, weight="bold", color=_INK)
    figure.text(0.015, 1.0 - 0.82 / height_in, summary_text(findings), fontsize=13.5, color=_INK)
    time_axes = place(0.075, 1.4, 0.865, over_time_in)
    _draw_time(figure, time_axes, place(0.95, 1.4, 0.01, over_time_in), findings, excerpt)
    shown = cues if cues is not None else heard_cues(excerpt.visemes, excerpt.rate_hz)
    source = "visemes that the model heard" if cues is None else "phones from the cue file"
    _draw_labels(time_axes, place(0.075, 1.4 + over_time_in, 0.865, 1.3), excerpt, shown, source)
    top_in = 1.4 + over_time_in + 2.5
    _draw_visemes(
        figure, place(0.075, top_in, 0.4, per_slot_in), place(0.48, top_in, 0.01, per_slot_in), findings
    )
    _draw_lips(place(0.54, top_in, 0.445, per_slot_in), findings)
    return figure


def _slot_names(findings: Findings) -> list[str]:
    return [f"{slot.index}  {slot.prefers}" for slot in findings.slots]


def _draw_time(figure: Any, axes: Any, bar: Any, findings: Findings, excerpt: Excerpt) -> None:
    from matplotlib.colors import PowerNorm

    memory = excerpt.memory[:, [slot.index for slot in findings.slots]].T
    frames, rows = memory.shape[1], len(memory)
    # Half a frame to either side: a frame is the face at its time.
    extent = (-0.5 / excerpt.rate_hz, (frames - 0.5) / excerpt.rate_hz, rows - 0.5, -0.5)
    norm = PowerNorm(0.5, 0.0, float(memory.max()))
    image = axes.imshow(
        memory, aspect="auto", cmap=_COLOURS, norm=norm, extent=extent, interpolation="nearest"
    )
    step = max(1, round(0.13 * rows / axes.get_position().height / figure.get_figheight() + 0.49))
    axes.set_yticks(range(0, rows, step), _slot_names(findings)[::step], fontsize=10 if step == 1 else 9)
    axes.set_xticks([])
    axes.set_title(
        f"How much each slot is addressed while '{excerpt.name}' is heard", fontsize=13, loc="left"
    )
    axes.set_ylabel("slot, and the viseme it prefers", fontsize=11.5)
    figure.colorbar(image, cax=bar, label="address (square-root colours)")


def _draw_labels(above: Any, axes: Any, excerpt: Excerpt, cues: Sequence[Cue], source: str) -> None:
    """Phones under the slots, and below them how far the mouth opens."""
    times_s = np.arange(len(excerpt.aperture_mm)) / excerpt.rate_hz
    axes.set_xlim(above.get_xlim())
    top = max(float(excerpt.aperture_mm.max()), 5.0)
    axes.set_ylim(0.0, top * 2.8)
    axes.fill_between(times_s, excerpt.aperture_mm, color="#5b8db8", linewidth=0)
    axes.set_yticks([0.0, top], ["0", f"{top:.0f} mm"], fontsize=9)
    axes.set_ylabel("lips\nopen", fontsize=10, rotation=0, ha="right", va="center")
    axes.set_xlabel(f"seconds; {source}", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    level = 0
    for cue in cues:
        middle = (cue.start_s + cue.end_s) / 2
        if not 0.0 <= middle <= times_s[-1]:
            continue
        above.axvline(cue.start_s, color="white", linewidth=0.4, alpha=0.35)
        height = top * (2.55 - 0.42 * level)
        axes.vlines([cue.start_s, cue.end_s], height - 0.2 * top, 2.8 * top, color=_FAINT, linewidth=0.5)
        axes.text(middle, height, cue.label, ha="center", va="center", fontsize=11, color=_INK)
        level = (level + 1) % 3


def _draw_visemes(figure: Any, axes: Any, bar: Any, findings: Findings) -> None:
    from matplotlib.colors import PowerNorm

    means = np.stack([slot.by_viseme for slot in findings.slots])
    image = axes.imshow(
        means,
        aspect="auto",
        cmap=_COLOURS,
        norm=PowerNorm(0.5, 0.0, float(np.nanmax(means))),
        interpolation="nearest",
    )
    axes.set_facecolor("#dddddd")  # visemes that hardly occurred
    axes.set_xticks(range(len(VISEMES)), VISEMES, fontsize=12)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(means)), _slot_names(findings), fontsize=10)
    dots = [(slot.preferred, row) for row, slot in enumerate(findings.slots) if slot.preferred is not None]
    axes.scatter(
        *zip(*dots, strict=True) if dots else ([], []),
        s=14,
        color="white",
        edgecolors="black",
        linewidths=0.6,
    )
    axes.set_title("Mean address while a viseme is heard (dot: preferred)", fontsize=13, loc="left", pad=24)
    figure.colorbar(image, cax=bar)


def _draw_lips(axes: Any, findings: Findings) -> None:
    """One mouth per slot, all at one scale, with the outline of the average mouth; and what makes it."""
    from matplotlib.patches import Ellipse

    rows = len(findings.slots)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlim(0.0, 100.0)
    axes.axis("off")
    box = axes.get_window_extent()
    row_px, unit_px = box.height / rows, box.width / 100.0
    widest = max(max(slot.width_mm for slot in findings.slots), 1.0)
    highest = max(max(slot.aperture_mm for slot in findings.slots), findings.mouth_mm[0], 1.0)
    px_per_mm = min(0.95 * row_px / (_TALLER * highest), 14.0 * unit_px / widest)

    def mouth(row: int, aperture_mm: float, width_mm: float, **style: Any) -> None:
        size = (width_mm * px_per_mm / unit_px, _TALLER * max(aperture_mm, 0.3) * px_per_mm / row_px)
        axes.add_patch(Ellipse((9.0, row), *size, **style))

    for row, slot in enumerate(findings.slots):
        mouth(row, slot.aperture_mm, slot.width_mm, facecolor="#c0566b", edgecolor="none")
        mouth(row, *findings.mouth_mm, facecolor="none", edgecolor=_INK, linewidth=0.8, linestyle=":")
        size = f"{slot.aperture_mm:4.1f} x {slot.width_mm:4.1f} mm"
        axes.text(19.0, row, size, va="center", fontsize=11, color=_INK)
        made_by = ", ".join(
            f"{name.removeprefix('mouth')} {change:+.2f}" for name, _, change in slot.controls
        )
        axes.text(40.0, row, made_by, va="center", fontsize=11, color=_INK)
    axes.set_title(
        "Mean lips while it is addressed (height doubled; dotted: mean of all), and what differs most",
        fontsize=13, loc="left", pad=24,
    )  # fmt: skip
