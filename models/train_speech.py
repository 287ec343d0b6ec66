"""Train the speech model.

    python -m soliloquy.models.train_speech --shared DIR --out runs/speech [--steps N] [--corpora ...]

Resumes from `OUT/checkpoint.pt` when there is one. Same seed, same data and same threads: same weights.
"""

from __future__ import annotations

import argparse
import subprocess
import time
import tomllib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .data.arkit_fit import CONTROLS, ict_lip_basis
from .data.batches import Batch, BatchSampler
from .data.corpora import TRACKED, Line
from .data.library import load_lines
from .evaluate import agreement, held_out_split
from .speech.augment import AugmentConfig, disturb_mel
from .speech.checkpoint import save_checkpoint
from .speech.losses import MouthLoss
from .speech.net import SpeechNet, SpeechNetConfig

ROOT = Path(__file__).resolve().parents[1]
SHARES = {
    "grid_s1": 0.2, "us_gov": 0.13, "lrc_ar": 0.22, "facegood": 0.1, "neutral": 0.07,
    "librispeech": 0.15, "ljspeech": 0.02, "synthetic": 0.11,
}  # fmt: skip
PROVENANCE = {
    "grid_s1": "GRID speaker 1 (CC BY 4.0)",
    "us_gov": "US weekly address (public domain)",
    "lrc_ar": "LRC-AR Arabic presenters (MIT)",
    "facegood": "FACEGOOD takes without 1114_2_04 (MIT)",
    "neutral": "noise and silence made on demand",
    "librispeech": "LibriSpeech, phones only (CC BY 4.0)",
    "ljspeech": "LJ Speech, phones only (public domain)",
    "synthetic": "espeak-ng speech made on demand, phones only",
}


@dataclass(frozen=True)
class TrainConfig:
    """One run."""

    corpora: tuple[str, ...] = tuple(SHARES)
    steps: int = 4000
    batch: int = 24
    frames: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    average: float = 0.996
    """Decay of the moving average of the weights, which is what is kept."""
    seed: int = 1
    net: SpeechNetConfig = field(default_factory=SpeechNetConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)


class Trainer:
    """State of one run: network, its moving average, optimiser, step."""

    def __init__(self, config: TrainConfig, train: list[Line], basis: np.ndarray) -> None:
        torch.manual_seed(config.seed)
        speakers = tuple(sorted({x.speaker for x in train if x.corpus in (*TRACKED, "facegood")}))
        self.config = replace(config, net=replace(config.net, speakers=len(speakers), controls=len(CONTROLS)))
        self.net = SpeechNet(self.config.net)
        self.average = torch.optim.swa_utils.AveragedModel(
            self.net,
            multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.average),
            use_buffers=True,
        )
        own = [p for n, p in self.net.named_parameters() if n == "speaker_decode"]
        shared = [p for n, p in self.net.named_parameters() if n != "speaker_decode"]
        self.optimiser = torch.optim.AdamW(
            [{"params": shared, "weight_decay": config.weight_decay}, {"params": own, "weight_decay": 1.0}],
            lr=config.learning_rate,
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, config.learning_rate, total_steps=config.steps, pct_start=0.1
        )
        self.loss = MouthLoss(torch.from_numpy(basis))
        self.generator = torch.Generator().manual_seed(config.seed)
        self.sampler = BatchSampler(
            train, SHARES, speakers, left_context=self.net.left_context,
            receptive_field=self.net.receptive_field, frames=config.frames, augment=config.augment,
        )  # fmt: skip
        self.step = 0

    def train_step(self) -> float:
        """One optimiser step; returns the loss."""
        batch: Batch = self.sampler.draw(self.config.batch, (self.config.seed, self.step))
        self.net.train()
        with torch.no_grad():
            mel = disturb_mel(self.net.mel(batch.samples), self.config.augment, self.generator)
        controls, logits = self.net.forward_mel(mel, batch.speaker)
        loss = self.loss(controls, batch.controls, batch.valid)
        edge = 2 * self.config.net.head_layers
        phones = batch.phones
        if (phones >= 0).any():
            loss = loss + 0.5 * nn.functional.cross_entropy(
                logits[:, edge:-edge].flatten(0, 1), phones.flatten(), ignore_index=-1
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.average.update_parameters(self.net)
        self.step += 1
        return float(loss.detach())

    def state(self) -> dict:
        """Everything needed to go on."""
        return {
            "net": self.net.state_dict(), "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(), "average": self.average.state_dict(),
            "generator": self.generator.get_state(), "step": self.step,
        }  # fmt: skip

    def resume(self, path: Path) -> None:
        """Take up a run where its checkpoint left it."""
        state = torch.load(path, map_location="cpu", weights_only=True)["training"]
        for name in ("net", "optimiser", "schedule", "average"):
            getattr(self, name).load_state_dict(state[name])
        self.generator.set_state(state["generator"])
        self.step = state["step"]


def describe(config: TrainConfig, step: int) -> dict:
    """Meta data of a checkpoint, which becomes the model card."""
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))
    git = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "version": manifest["version"],
        "training_data": "; ".join(PROVENANCE[c] for c in config.corpora),
        "git_revision": git.stdout.strip(),
        "seed": config.seed,
        "steps": step,
        "config": repr(asdict(config)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "speech")
    parser.add_argument("--steps", type=int, default=TrainConfig.steps)
    parser.add_argument("--seed", type=int, default=TrainConfig.seed)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--corpora", nargs="+", default=list(SHARES), choices=list(SHARES))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    config = TrainConfig(corpora=tuple(arguments.corpora), steps=arguments.steps, seed=arguments.seed)
    lines = load_lines(arguments.shared, config.corpora, ROOT / "runs" / "cache")
    train, held_out = held_out_split(lines, arguments.shared)
    print(f"{len(train)} lines to train on, {len(held_out)} held out", flush=True)
    run(config, train, held_out, ict_lip_basis(arguments.shared)[1], arguments.out)


def run(config: TrainConfig, train: list[Line], held_out: list[Line], basis: np.ndarray, out: Path) -> None:
    """Train to the end, with a checkpoint and a held-out score every 250 steps."""
    out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, train, basis)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        trainer.resume(checkpoint)
        print(f"resumed at step {trainer.step}", flush=True)
    started, losses = time.monotonic(), []
    while trainer.step < config.steps:
        losses.append(trainer.train_step())
        if trainer.step % 250 == 0 or trainer.step == config.steps:
            net = trainer.average.module.eval()
            save_checkpoint(checkpoint, net, describe(trainer.config, trainer.step), trainer.state())
            scores = agreement(net, held_out, basis)
            text = "  ".join(f"{k} {a:.2f}/{s:.2f}" for k, (a, s) in scores.items())
            print(
                f"step {trainer.step} loss {np.mean(losses):.3f} [{text}] {time.monotonic() - started:.0f} s",
                flush=True,
            )
            losses = []


if __name__ == "__main__":
    main()
