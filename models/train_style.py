"""Trains the style prior and exports it behind a gate.

    python -m soliloquy.models.train_style --shared ../shared --out runs/style

Minutes on one core; resumes where it stopped; the same seed gives the same weights on one thread.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..inference.performance.style import CONTRACT, INPUTS, OUTPUTS, PEOPLE, STYLE_WEIGHTS, VALUES, decoded
from ..inference.session import load_graph
from .export import pass_gate, write_card
from .performance.prior import (
    CONDITION,
    DRAW_STEPS,
    NOISE,
    DrawStep,
    PriorConfig,
    StylePrior,
    load_prior,
    save_prior,
)
from .performance.style_cases import clip_weights, draw_cases
from .performance.style_data import People, load_people

if TYPE_CHECKING:
    from ..inference.session import Graph

VERSION = "1.0.0"
STEPS, BATCH, RATE = 6_000, 256, 1e-3
AVERAGE = 0.998
"""Of the running mean of the weights, which is what is shipped."""
TOLERANCE = 1e-4
"""Of values about 1. Measured 1e-6: float32 sums in another order, twenty times in a row."""
_KEEP_EVERY = 1000
SHIPPED_CHECKPOINT = Path(__file__).parent / "weights" / "style.pt"


def train(people: People, out: Path, seed: int, steps: int) -> tuple[StylePrior, dict[str, Any]]:
    """The trained prior and its meta data; `out` keeps the state."""
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    prior, averaged = StylePrior(PriorConfig()), StylePrior(PriorConfig())
    prior.fit_decoder(people.values, clip_weights(people))
    averaged.load_state_dict(prior.state_dict())
    optimiser = torch.optim.AdamW(prior.parameters(), lr=RATE, weight_decay=1e-4)
    meta = {
        "version": VERSION,
        "seed": seed,
        "steps": steps,
        "clips": len(people.values),
        "git_revision": _revision(),
    }
    done, kept = 0, out / "training.pt"
    if kept.exists():
        averaged, stored, training = load_prior(kept)
        if stored["seed"] == seed and stored["steps"] == steps:
            prior.load_state_dict(training["net"])
            optimiser.load_state_dict(training["optimiser"])
            done = training["done"]
    while done < steps:
        loss = 0.0
        for step in range(done, min(done + _KEEP_EVERY, steps)):
            loss += _step(prior, averaged, optimiser, people, (seed, step), step / steps) / _KEEP_EVERY
        done = min(done + _KEEP_EVERY, steps)
        print(f"step {done}: loss {loss:.4f}", flush=True)
        state = {"net": prior.state_dict(), "optimiser": optimiser.state_dict(), "done": done}
        save_prior(kept, averaged, meta, state)
    return averaged.eval(), meta


def _step(
    prior: StylePrior,
    averaged: StylePrior,
    optimiser: torch.optim.Optimizer,
    people: People,
    key: tuple[int, int],
    share: float,
) -> float:
    cases = draw_cases(people, BATCH, np.random.default_rng(key))
    with torch.no_grad():
        code = torch.cat([prior.encode(_tensor(cases.people)), _tensor(cases.others)], dim=1)
    for group in optimiser.param_groups:
        group["lr"] = RATE * min(1.0, 20 * share + 0.05) * (0.5 + 0.5 * math.cos(math.pi * share))
    loss = prior.loss(
        code, _tensor(cases.condition), torch.Generator().manual_seed(key[0] * 1_000_003 + key[1])
    )
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    keep = min(AVERAGE, (1 + key[1]) / (10 + key[1]))
    with torch.no_grad():
        for mean, new in zip(averaged.parameters(), prior.parameters(), strict=True):
            mean.lerp_(new, 1.0 - keep)
    return float(loss.detach())


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))


def _revision() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def export(prior: StylePrior, meta: dict[str, Any], out: Path) -> bool:
    """Write the ONNX file if onnxruntime agrees with torch; prints the difference; False when it fails."""
    step = DrawStep(prior).eval()
    card = {
        "name": "soliloquy-style", "contract": CONTRACT, "people": list(PEOPLE), "code": prior.config.code,
        "levels": DRAW_STEPS, "noise": NOISE, "licence": "GPL-3.0-or-later",
        "training_data": "GRID speaker 1, US weekly address, LRC-AR; FACS tables",
        **{key: str(value) for key, value in meta.items()},
    }  # fmt: skip
    example = (torch.zeros(1, prior.config.code), torch.zeros(1, dtype=torch.long), torch.zeros(1, CONDITION))
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        candidate = Path(folder) / out.name
        torch.onnx.export(
            step, example, str(candidate), input_names=list(INPUTS), output_names=list(OUTPUTS),
            opset_version=17, dynamo=False,
        )  # fmt: skip
        write_card(candidate, card)
        graph = load_graph(candidate, CONTRACT, INPUTS, OUTPUTS)
        return pass_gate({"onnxruntime against torch": difference(step, graph)}, TOLERANCE, candidate, out)


def difference(step: DrawStep, graph: Graph) -> float:
    """Largest one over whole draws from random noise and instructions."""
    worst, rng = 0.0, np.random.default_rng(0)
    for _ in range(50):
        noise = rng.standard_normal(step.prior.config.code).astype(np.float32)
        told = rng.uniform(-1, 1, CONDITION).astype(np.float32)
        code, wanted = NOISE * torch.from_numpy(noise)[None], torch.zeros(0)
        with torch.inference_mode():
            for level in range(DRAW_STEPS):
                code, wanted = step(code, torch.tensor([level]), torch.from_numpy(told)[None])
        got = decoded(noise, told, graph)
        worst = max(worst, float(np.abs(got - wanted[0].numpy()).max())) if len(got) == VALUES else np.inf
    return worst


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--out", type=Path, default=Path("runs/style"))
    parser.add_argument("--weights", type=Path, default=STYLE_WEIGHTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    people = load_people(options.shared, options.out / "people.npz").part(held_out=False)
    prior, meta = train(people, options.out, options.seed, options.steps)
    if not export(prior, meta, options.weights):
        return 1
    if options.weights == STYLE_WEIGHTS:
        save_prior(SHIPPED_CHECKPOINT, prior, meta)
    return 0


if __name__ == "__main__":
    sys.exit(main())
