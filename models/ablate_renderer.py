"""What the parts of the photoreal pass bring: memory, how many patches, how large a memory, attention.

    python -m soliloquy.models.ablate_renderer ACTOR --clips ../shared/data/grid_s1/split.json#dev_video
        --no-memory FILE --no-attention FILE [--renderer FILE] [--plates FOLDER]
        [--out models/ABLATIONS_RENDERER.md]

Without memory and without attention are trainings of their own, with the same steps and seed. How many
patches and how large a memory are tried on the same trained weights: smaller memories are pruned from the
actor's as `soliloquy memory build` prunes.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..inference.actor.crop import LIP_WIDTH
from ..inference.actor.folder import open_actor
from ..inference.actor.landmarks import MOUTH_REGION
from ..inference.actor.memory import coverage
from ..inference.actor.painting.renderer import load_renderer
from ..inference.errors import SoliloquyError
from . import image_metrics as metrics
from .renderer_stage import THREADS, Stage, add_stage_arguments, clip_names, swapped
from .renderer_trials import Score, mean_score, score

if TYPE_CHECKING:
    from ..inference.actor.painting.conditioning import Conditions
    from ..inference.actor.painting.render import Painter
    from ..inference.actor.types import MemoryBank
    from .renderer_stage import Paints

PATCHES: Final = (1, 4, 8)
ENTRIES: Final = (100, 500, 2000)
READING: Final = "## Reading"
"""What a person wrote under the table; it stays when the table is printed anew."""


@dataclass(frozen=True)
class WithPatches:
    """A renderer that is given another number of patches."""

    renderer: Paints
    patches: int

    def paint(self, conditions: Conditions) -> np.ndarray:
        """See `Renderer.paint`."""
        return self.renderer.paint(conditions)


def pruned(bank: MemoryBank, entries: int) -> MemoryBank:
    """The entries that cover what the bank covers best, by `coverage.choose`, as when a memory is built."""
    if entries >= len(bank):
        return bank
    upper, lower = (bank.points[:, MOUTH_REGION.index(point), 1] for point in (13, 14))
    gap = np.maximum(lower - upper, 0) / (LIP_WIDTH * bank.patches.shape[1])
    teeth = [
        coverage.teeth(patch.astype(np.float32) / 255, points)
        for patch, points in zip(bank.patches, bank.points, strict=True)
    ]
    kinds = coverage.kinds(gap.astype(np.float32), np.array(teeth, np.float32))
    rows = coverage.choose(bank.keys, bank.sharpness, kinds, entries)
    kept: dict[str, Any] = {
        f.name: value[rows] for f in fields(bank) if isinstance(value := getattr(bank, f.name), np.ndarray)
    }
    return replace(bank, **kept)


def variants(base: Painter, no_memory: Path | None, no_attention: Path | None) -> dict[str, Painter]:
    """The rows of the table.

    Raises:
        ModelError: a weight file is missing, damaged, or of another actor.
    """
    usual = base.renderer.patches
    rows = {f"{usual} patches of {len(base.bank)} entries (by default)": base}
    if no_memory:
        rows["no memory (trained so)"] = swapped(base, load_renderer(no_memory, base.bank, threads=THREADS))
    if no_attention:
        rows["no attention: the patches' mean (trained so)"] = swapped(
            base, load_renderer(no_attention, base.bank, threads=THREADS)
        )
    for count in PATCHES:
        if count != usual:
            rows[f"{count} patch{'es' if count > 1 else ''}"] = swapped(
                base, WithPatches(base.renderer, count)
            )
    for entries in ENTRIES:
        if entries < len(base.bank):
            rows[f"memory of {entries} entries"] = swapped(base, bank=pruned(base.bank, entries))
    return rows


def table(scores: dict[str, list[Score]], card: dict[str, Any]) -> str:
    """Markdown: means over clips, and what each row loses to the first, with its interval."""
    first = next(iter(scores.values()))
    lines = [
        "| variant | PSNR dB | by the first row [95 %] | SSIM | sharpness | flicker | PSNR of the lips dB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, rows in scores.items():
        one = mean_score(rows)
        change = [a.psnr - b.psnr for a, b in zip(rows, first, strict=True)]
        low, high = metrics.interval(change)
        against = "" if rows is first else f"{np.mean(change):+.2f} [{low:+.2f}, {high:+.2f}]"
        cells = (
            f"{one.psnr:.2f}", against, f"{one.ssim:.3f}", f"{one.sharpness:.2f}", f"{one.flicker:.2f}",
            f"{one.psnr_lips:.2f}",
        )  # fmt: skip
        lines.append(f"| {name} | {' | '.join(cells)} |")
    about = [f"{key} {card[key]}" for key in ("version", "steps", "seed") if key in card]
    return "\n".join([*lines, "", f"Renderer: {', '.join(about)}." if about else ""]).rstrip()


def page(text: str, clips: int, earlier: str) -> str:
    """The whole page, with what was written under an earlier table."""
    reading = earlier[earlier.index(READING) :] if READING in earlier else ""
    head = f"""# What the parts of the photoreal pass bring

Printed by `python -m soliloquy.models.ablate_renderer` on {clips} held-out clips of GRID speaker 1, driven by
their own tracked expression, in the mouth region at the plate's resolution, through the whole pass. Sharpness
and flicker are by the film's (1 is alike). Rows that were not trained for themselves use the weights of the
first row.
"""
    return f"{head}\n{text}\n\n{reading}".rstrip() + "\n"


def main(argv: list[str] | None = None) -> int:
    """Print the table; 2 where the input is at fault."""
    parser = argparse.ArgumentParser(
        prog="soliloquy.models.ablate_renderer", description=__doc__.split("\n")[0]
    )
    add_stage_arguments(parser)
    parser.add_argument("--no-attention", type=Path, help="the same network, trained with the patches' mean")
    parser.add_argument("--out", type=Path, help="markdown page to write")
    arguments = parser.parse_args(argv)
    try:
        return _run(arguments)
    except SoliloquyError as error:
        print(f"ablate_renderer: {error}", file=sys.stderr)
        return 2


def _run(arguments: argparse.Namespace) -> int:
    names = clip_names(arguments.clips)
    stage = Stage(open_actor(arguments.actor), tuple(arguments.plates))
    base = stage.painter(arguments.renderer)
    rows = variants(base, arguments.no_memory, arguments.no_attention)
    scores: dict[str, list[Score]] = {name: [] for name in rows}
    for name in names:
        trial = stage.held_out(name, base.bank)
        for label, painter in rows.items():
            scores[label].append(score(trial, stage.paint(painter, trial)))
            print(f"{name}, {label}: {scores[label][-1].psnr:.2f} dB", file=sys.stderr, flush=True)
    text = table(scores, getattr(base.renderer, "card", {}))
    print(text)
    if arguments.out:
        earlier = arguments.out.read_text("utf-8") if arguments.out.is_file() else ""
        arguments.out.write_text(page(text, len(names), earlier), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
