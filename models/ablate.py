"""What every part of the speech model brings: trains each variant alike and writes `models/ABLATIONS.md`.

    python -m soliloquy.models.ablate [--steps 2000] [--shared DIR] [--out runs/ablations]

Every variant has the same number of steps and the same seed; runs that were stopped resume, finished ones
are read. Judged on whole face clusters that no variant was trained on, and on unseen
sentences of a trained speaker.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from .data.arkit_fit import ict_lip_basis
from .data.library import load_lines
from .data.synthetic import synthetic_lines
from .evaluate import ClipScore, clip_scores, closed_share, confidence_interval, held_out_split
from .speech.checkpoint import load_checkpoint
from .speech.net import SpeechNetConfig
from .speech.objective import Weights
from .train_speech import CORPORA, ROOT, STAGES, Stage, TrainConfig, run

READING = "## Reading"
FILMED = ("grid_s1", "us_gov", "lrc_ar", "facegood", "neutral")
SPOKEN = (*FILMED, "ljspeech", "librispeech")
UNHEARD, UNHEARD_SEED = 200, 999
BASE = Weights(phones=0.0, lip_memory=0.0, visual_sync=0.0)
PHONES = replace(BASE, phones=0.5)


@dataclass(frozen=True)
class Variant:
    """One row of the table."""

    name: str
    net: SpeechNetConfig
    weights: Weights
    corpora: tuple[str, ...]
    taught: bool = False
    """See `TrainConfig.taught`."""


def variants() -> list[Variant]:
    """The rows: parts are added one after the other, then sizes of the implicit memory."""
    lips = {"lip_memory": 0.2, "visual_sync": 0.5}
    plain, implicit = (SpeechNetConfig(memory_slots=n, lip_slots=0) for n in (0, 64))
    both, taught = replace(implicit, lip_slots=96), replace(PHONES, distil=1.0)
    without = tuple(c for c in CORPORA if c != "lrc_ar")
    return [
        Variant("base", plain, BASE, FILMED),
        Variant("+ implicit memory (64 slots)", implicit, BASE, FILMED),
        Variant("+ audio-lip memory (96 slots)", both, replace(BASE, **lips), FILMED),
        Variant("+ phone supervision", both, replace(PHONES, **lips), SPOKEN),
        Variant("+ synthetic speech", both, replace(PHONES, **lips), CORPORA),
        Variant(
            "+ the phone teacher's mouth on it (shipped)", both, replace(PHONES, **lips), CORPORA, taught=True
        ),
        Variant("+ self-distillation", both, replace(taught, **lips), CORPORA, taught=True),
        Variant("+ multi-scale sync", both, replace(taught, **lips, multi_scale=0.5), CORPORA, taught=True),
        Variant("self-distillation, no audio-lip memory, 64 slots", implicit, taught, CORPORA, taught=True),
        *(
            Variant(
                f"the same, {slots} slots",
                replace(implicit, memory_slots=slots),
                taught,
                CORPORA,
                taught=True,
            )
            for slots in (32, 96, 256)
        ),
        Variant("the same, 64 slots, without LRC-AR", implicit, taught, without, taught=True),
    ]


def summarise(scores: list[ClipScore], corpus: str) -> str:
    """Two cells: mean [95 % CI] of aperture and shape over the clips of one corpus."""
    kept = [s for s in scores if s.corpus == corpus]
    cells = []
    for values in (np.array([s.aperture for s in kept]), np.array([s.shape for s in kept])):
        low, high = confidence_interval(values, [s.speaker for s in kept])
        cells.append(f"{values.mean():.3f} [{low:.2f}, {high:.2f}]")
    return " | ".join(cells)


def stages_of(variant: Variant, steps: int) -> tuple[Stage, ...]:
    """Two stages, as in the real training: hear, then speak (only a network that hears can teach itself)."""
    hear, speak = STAGES[:2]
    return tuple(
        replace(stage, steps=part, shares={c: s for c, s in stage.shares.items() if c in variant.corpora})
        for stage, part in ((hear, steps // 2), (speak, steps - steps // 2))
    )


def table(rows: list[tuple[str, list[ClipScore], float]], steps: int) -> str:
    """The markdown page."""
    share = steps / sum(stage.steps for stage in STAGES)
    intro = f"""# What every part of the speech model brings

Printed by `python -m soliloquy.models.ablate --steps {steps}`. Every row is a training of {steps} steps
({share:.0%} of the shipped one) with the same seed. r = correlation with the tracked mouth, mean over clips
[95 % bootstrap interval; speakers drawn first]; shape = width beyond what the aperture implies. **Held-out
speakers**: six face clusters of LRC-AR that no row was trained on (184 single words). **Closed p b m**: share
of those sounds in which the lips meet, over {UNHEARD} synthetic lines that no row was trained on. Differences
inside an interval are not results.
"""
    columns = (
        "variant",
        "held-out speakers: aperture r",
        "shape r",
        "unseen sentences: aperture r",
        "shape r",
        "closed p b m",
    )
    lines = [intro, "| " + " | ".join(columns) + " |", "|---|---|---|---|---|---|"]
    for name, scores, closed in rows:
        cells = (name, summarise(scores, "lrc_ar"), summarise(scores, "grid_s1"), f"{closed:.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "ablations")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument(
        "--rows", type=int, nargs="+", help="train only these (for several processes); no table"
    )
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    everything = load_lines(arguments.shared, CORPORA, ROOT / "runs" / "cache")
    train, held_out = held_out_split(everything, arguments.shared)
    basis = ict_lip_basis(arguments.shared)[1]
    unheard = synthetic_lines(basis, UNHEARD, UNHEARD_SEED)
    rows = []
    for number, variant in enumerate(variants()):
        if arguments.rows and number not in arguments.rows:
            continue
        print(f"== {variant.name}", flush=True)
        config = TrainConfig(
            corpora=variant.corpora, stages=stages_of(variant, arguments.steps),
            net=variant.net, weights=variant.weights, taught=variant.taught,
        )  # fmt: skip
        folder = arguments.out / f"{number:02d}"
        finished = folder / "checkpoint.pt"
        if not finished.exists():
            run(config, [x for x in train if x.corpus in variant.corpora], held_out, basis, folder)
        net = load_checkpoint(finished)[0]
        rows.append((variant.name, clip_scores(net, held_out, basis), closed_share(net, unheard, basis)))
    if arguments.rows:
        return
    page = table(rows, arguments.steps)
    stored = ROOT / "models" / "ABLATIONS.md"
    before = stored.read_text(encoding="utf-8") if stored.exists() else ""
    _, mark, reading = before.partition(READING)  # written by hand, kept
    stored.write_text(page + (f"\n{mark}{reading}" if mark else ""), encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
