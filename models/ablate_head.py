"""What the parts of head motion bring: one short training each, measured on held-out film.

    python -m soliloquy.models.ablate_head --shared ../shared --out runs/head_ablations [--steps 300]

Prints the table of models/ABLATIONS_PERFORMANCE.md. Every row is a training of the same length and seed; a
finished row is not trained again.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..inference.performance.head import load_head_model
from .evaluate_head import evaluate, load_judge
from .performance.head_data import load_heads
from .performance.head_export import export_head
from .train_head import SYNCERS, Settings, calibration, card_of, load_syncers, train, training

_BASE = Settings()
VARIANTS: dict[str, Settings] = {
    "4 levels (shipped)": _BASE,
    "single-scale sync (level 1)": replace(_BASE, levels=1),
    "no sync loss": replace(_BASE, levels=0),
    "2 levels": replace(_BASE, levels=2),
    "4 levels, takes may be alike": replace(_BASE, alike=0.0),
    "4 levels, no loss on what clips are like": replace(_BASE, moments=0.0),
}


_HEADER = """\
| variant | GRID: Fréchet | rotation std / film's | error of speeds % | sync at 4 levels \
| its fall with other sound | takes apart | LRC-AR: Fréchet |
|---|---:|---|---|---|---|---:|---:|"""


def rows(name: str, table: dict[str, dict[str, dict]]) -> str:
    """One line of the table: GRID in full, with how much sync falls when shuffled, and LRC-AR's Fréchet."""
    cells = [name]
    for corpus in ("grid_s1", "lrc_ar"):
        made, shuffled = table[corpus]["generated"], table[corpus]["generated, sound shuffled"]
        cells.append(f"{made['frechet']:.1f}")
        if corpus == "grid_s1":
            cells.append(" ".join(f"{v:.2f}" for v in made["spread"]))
            cells.append(" ".join(f"{100 * v:.0f}" for v in made["speed_error"]))
            cells.append(" ".join(f"{v:.3f}" for v in made["sync"]))
            fall = np.array(made["sync"]) - np.array(shuffled["sync"])
            cells.append(" ".join(f"{v:.3f}" for v in fall))
            cells.append(f"{np.mean(made['apart']):.2f}")
    return f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--out", type=Path, default=Path("runs/head_ablations"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    clips = load_heads(arguments.shared, arguments.cache / "heads.npz")
    judge, data = load_judge(clips, arguments.cache / "head_judge.pt"), training(clips)
    arguments.out.mkdir(parents=True, exist_ok=True)
    syncers = load_syncers(data, _BASE, arguments.out / SYNCERS)
    print(_HEADER)
    for number, (name, settings) in enumerate(VARIANTS.items()):
        chosen = replace(settings, steps=arguments.steps)
        folder = arguments.out / f"{number}_{arguments.steps}"
        log = folder / "log.txt"
        folder.mkdir(parents=True, exist_ok=True)
        with log.open("a") as stream:
            net = train(data, chosen, folder, syncers, stream).eval()
        card = card_of(clips, chosen, net.config)
        with log.open("a") as stream:
            if not export_head(net, card, calibration(net, data), folder / "head.onnx", stream):
                return 1
        print(rows(name, evaluate(clips, load_head_model(folder / "head.onnx"), judge)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
