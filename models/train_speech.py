"""Train the speech model.

    python -m soliloquy.models.train_speech --shared DIR --out runs/speech [--corpora ...]

Three stages: hear (phones and lips, strong augmentation), speak (mostly lips, mild augmentation), settle
(more sound without speech). A run that was stopped resumes from the checkpoints in OUT. Same seed, same
data and same threads: same weights.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..inference.version import version
from .data.arkit_fit import CONTROLS, ict_lip_basis
from .data.av_offset import align_pictures
from .data.batches import Batch, BatchSampler
from .data.corpora import TRACKED, Line
from .data.library import load_lines
from .evaluate import agreement, held_out_split, predict_line
from .speech.augment import AugmentConfig, disturb_mel
from .speech.checkpoint import load_checkpoint, save_checkpoint
from .speech.net import SpeechNet, SpeechNetConfig
from .speech.objective import Objective, Weights

ROOT = Path(__file__).resolve().parents[1]
CORPORA = ("grid_s1", "us_gov", "lrc_ar", "facegood", "neutral", "synthetic", "ljspeech", "librispeech")
PROVENANCE = {
    "grid_s1": "GRID speaker 1 (CC BY 4.0)",
    "us_gov": "US weekly address (public domain)",
    "lrc_ar": "LRC-AR Arabic presenters (MIT)",
    "facegood": "FACEGOOD takes without 1114_2_04 (MIT)",
    "neutral": "noise and silence made on demand",
    "librispeech": "LibriSpeech, phones only (CC BY 4.0)",
    "ljspeech": "LJ Speech, phones only (public domain)",
    "synthetic": "espeak-ng, flite and festival speech made on demand, mouth of the phone teacher",
}


LEARNT_MOUTH = {"grid_s1": 0.775, "us_gov": 0.025, "lrc_ar": 0.175, "facegood": 0.025, "synthetic": 0.0}
"""Share of every corpus with mouths in the one that people without a film are taught by, and to which the
corrections of all others are relative."""
SHIPPED_MOUTH = {"grid_s1": 0.6, "us_gov": 0.0, "lrc_ar": 0.1, "facegood": 0.05, "synthetic": 0.25}
"""Shares in the mouth that the finished network is read with (`SpeechNet.read_as`). The one with most footage
carries over best to other speakers of English; LRC-AR and FACEGOOD help other languages and cost roundings;
the phone teacher's, which nobody's habits are in, helps everywhere. Chosen on lipbench's public sets and the
held-out speakers of LRC-AR together."""


@dataclass(frozen=True)
class Stage:
    """A part of the training with its own diet; each starts from the averaged weights of the one before."""

    name: str
    steps: int
    shares: dict[str, float]
    """How often each corpus is drawn; corpora that were not asked for are left out."""
    augment: AugmentConfig
    learning_rate: float = 2e-3
    distil: bool = True
    """Whether real speech without a film is learnt from the averaged network."""


MILD = AugmentConfig(
    speed=0.06, formant=0.06, equaliser=0.5, gain_db=4.0, noise_probability=0.35,
    noise_snr_db=(8.0, 40.0), reverb_probability=0.1, telephone_probability=0.1,
)  # fmt: skip
"""For the lips: strong changes of the voice blur the width of the mouth."""

STAGES = (
    Stage(  # to hear phones in any voice
        "hear", 2200,
        {"grid_s1": 0.17, "us_gov": 0.12, "lrc_ar": 0.22, "facegood": 0.08, "neutral": 0.07,
         "synthetic": 0.16, "librispeech": 0.17, "ljspeech": 0.01},
        replace(MILD, speed=0.1, formant=0.08, equaliser=0.8, noise_probability=0.5, reverb_probability=0.2),
        distil=False,
    ),
    Stage(  # to move the lips sharply
        "speak", 2200,
        {"grid_s1": 0.23, "us_gov": 0.15, "lrc_ar": 0.26, "facegood": 0.12, "neutral": 0.06,
         "synthetic": 0.1, "librispeech": 0.1, "ljspeech": 0.01},
        MILD,
        learning_rate=1.5e-3,
    ),
    Stage(  # to keep still where nobody speaks, and to close
        "settle", 1600,
        {"grid_s1": 0.25, "us_gov": 0.15, "lrc_ar": 0.24, "facegood": 0.11, "neutral": 0.1,
         "synthetic": 0.08, "librispeech": 0.09, "ljspeech": 0.01},
        replace(MILD, speed=0.05, formant=0.05, equaliser=0.4),
        learning_rate=1e-3,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class TrainConfig:
    """One run."""

    corpora: tuple[str, ...] = CORPORA
    stages: tuple[Stage, ...] = STAGES
    taught: bool = True
    """Whether synthetic speech moves the mouth that the phone teacher gives it, or has phones only."""
    batch: int = 16
    frames: int = 128
    weight_decay: float = 0.02
    average: float = 0.996
    """Decay of the moving average of the weights, which is what is kept."""
    seed: int = 1
    net: SpeechNetConfig = field(default_factory=SpeechNetConfig)
    weights: Weights = field(default_factory=Weights)


def speaker_shares(lines: list[Line], mouth: dict[str, float]) -> dict[str, float]:
    """Share of every person, from those of the corpora; persons of a corpus count alike, and one whose mouth
    no line shows has none."""
    by_corpus: dict[str, set[str]] = {}
    for line in lines:
        if line.corpus in mouth:
            by_corpus.setdefault(line.corpus, set()).add(line.speaker)
    seen = {line.corpus for line in lines if line.valid.any()}
    total = sum(mouth[corpus] for corpus in by_corpus if corpus in seen)
    return {
        speaker: (corpus in seen) * mouth[corpus] / total / len(speakers)
        for corpus, speakers in sorted(by_corpus.items())
        for speaker in sorted(speakers)
    }


class Trainer:
    """State of one stage: network, its moving average, optimiser, step."""

    def __init__(self, config: TrainConfig, stage: Stage, train: list[Line], basis: np.ndarray) -> None:
        torch.manual_seed(config.seed)
        shares = speaker_shares(train, LEARNT_MOUTH)
        self.config = replace(
            config, net=replace(config.net, controls=len(CONTROLS), speaker_shares=tuple(shares.values()))
        )
        self.stage = stage
        self.net = SpeechNet(self.config.net)
        self.objective = Objective(torch.from_numpy(basis), config.weights, self.net.left_context)
        self._prepare()
        self.generator = torch.Generator().manual_seed(config.seed)
        self.sampler = BatchSampler(
            train, stage.shares, tuple(shares), left_context=self.net.left_context,
            receptive_field=self.net.receptive_field, frames=config.frames, augment=stage.augment,
        )  # fmt: skip
        self.step = 0

    def _prepare(self) -> None:
        self.average = torch.optim.swa_utils.AveragedModel(
            self.net,
            multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(self.config.average),
            use_buffers=True,
        )
        own = self.net.corrections
        shared = [p for p in self.net.parameters() if p is not own]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": shared, "weight_decay": self.config.weight_decay},
                {"params": [own], "weight_decay": 1.0},
                {"params": list(self.objective.parameters()), "weight_decay": 0.0},
            ],
            lr=self.stage.learning_rate,
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, self.stage.learning_rate, total_steps=self.stage.steps, pct_start=0.1
        )

    def start_from(self, net: SpeechNet) -> None:
        """Take over the weights of the stage before."""
        self.net.load_state_dict(net.state_dict())
        self.average.module.load_state_dict(net.state_dict())

    def train_step(self) -> float:
        """One optimiser step; returns the loss."""
        batch: Batch = self.sampler.draw(self.config.batch, (self.config.seed, self.step))
        self.net.train()
        with torch.no_grad():
            mel = disturb_mel(self.net.mel(batch.samples), self.stage.augment, self.generator)
        out = self.net.forward_mel(mel, batch.speaker)
        loss = self.objective(out, batch, mel, self._told(batch), self.net.lips, self.generator)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.average.update_parameters(self.net)
        self.step += 1
        return float(loss.detach())

    def _told(self, batch: Batch) -> Tensor | None:
        """What the averaged network says of the clean sound of lines without a film."""
        if not (self.stage.distil and self.config.weights.distil and len(batch.clean)):
            return None
        with torch.no_grad():
            return self.averaged.forward(batch.clean).controls

    @property
    def averaged(self) -> SpeechNet:
        """The network to keep."""
        return self.average.module.eval()

    def state(self) -> dict:
        """Everything needed to go on."""
        return {
            "net": self.net.state_dict(), "objective": self.objective.state_dict(),
            "optimiser": self.optimiser.state_dict(), "schedule": self.schedule.state_dict(),
            "average": self.average.state_dict(), "generator": self.generator.get_state(), "step": self.step,
        }  # fmt: skip

    def resume(self, path: Path) -> None:
        """Take up a run where its checkpoint left it."""
        state = torch.load(path, map_location="cpu", weights_only=True)["training"]
        for name in ("net", "objective", "optimiser", "schedule", "average"):
            getattr(self, name).load_state_dict(state[name])
        self.generator.set_state(state["generator"])
        self.step = state["step"]


def describe(trainer: Trainer) -> dict:
    """Meta data of a checkpoint, which becomes the model card."""
    git = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "training_data": "; ".join(PROVENANCE[c] for c in trainer.config.corpora),
        "git_revision": git.stdout.strip(),
        "seed": trainer.config.seed,
        "steps": f"{trainer.step} of stage {trainer.stage.name}",
        "config": repr(asdict(trainer.config)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "speech")
    parser.add_argument("--steps", type=int, help="per stage; default: each stage's own")
    parser.add_argument("--seed", type=int, default=TrainConfig.seed)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--corpora", nargs="+", default=list(TrainConfig.corpora), choices=CORPORA)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    stages = tuple(replace(s, steps=arguments.steps or s.steps) for s in STAGES)
    config = TrainConfig(corpora=tuple(arguments.corpora), stages=stages, seed=arguments.seed)
    lines = load_lines(arguments.shared, config.corpora, ROOT / "runs" / "cache")
    train, held_out = held_out_split(lines, arguments.shared)
    print(f"{len(train)} lines to train on, {len(held_out)} held out", flush=True)
    run(config, train, held_out, ict_lip_basis(arguments.shared)[1], arguments.out)


def run(config: TrainConfig, train: list[Line], held_out: list[Line], basis: np.ndarray, out: Path) -> None:
    """Train all stages; `OUT/STAGE.pt` per stage; `OUT/checkpoint.pt` is the last one, read as it ships."""
    out.mkdir(parents=True, exist_ok=True)
    before: Path | None = None
    if not config.taught:
        train = [replace(x, valid=x.valid & False) if x.corpus == "synthetic" else x for x in train]
    for stage in config.stages:
        if before is not None and stage is config.stages[1]:
            train = _in_sync(train, load_checkpoint(before)[0], basis)
        checkpoint = out / f"{stage.name}.pt"
        trainer = Trainer(config, stage, train, basis)
        if before is not None:
            trainer.start_from(load_checkpoint(before)[0])
        if checkpoint.exists():
            trainer.resume(checkpoint)
            print(f"{stage.name}: resumed at step {trainer.step}", flush=True)
        _run_stage(trainer, checkpoint, held_out, basis)
        before = checkpoint
    net, meta = load_checkpoint(before)
    net.read_as(tuple(speaker_shares(train, SHIPPED_MOUTH).values()))
    meta |= {"version": version(), "mouth": str(SHIPPED_MOUTH)}
    save_checkpoint(out / "checkpoint.pt", net, meta)


def _in_sync(lines: list[Line], net: SpeechNet, basis: np.ndarray) -> list[Line]:
    """Lines whose pictures were moved to where a network that hears already finds them."""
    lines, lags = align_pictures(lines, lambda line: predict_line(net, line) @ basis.T)
    for corpus in TRACKED:
        of_corpus = np.array([lag for x, lag in zip(lines, lags, strict=True) if x.corpus == corpus])
        if len(of_corpus):
            mean, spread = of_corpus.mean() * 20, of_corpus.std() * 20
            print(f"{corpus}: picture late by {mean:.0f} ms (spread {spread:.0f} ms)", flush=True)
    return lines


def _run_stage(trainer: Trainer, checkpoint: Path, held_out: list[Line], basis: np.ndarray) -> None:
    """To the stage's last step, with a checkpoint and a held-out score every 250."""
    started, losses = time.monotonic(), []
    while trainer.step < trainer.stage.steps:
        losses.append(trainer.train_step())
        if trainer.step % 250 and trainer.step != trainer.stage.steps:
            continue
        save_checkpoint(checkpoint, trainer.averaged, describe(trainer), trainer.state())
        scores = agreement(trainer.averaged, held_out, basis)
        text = "  ".join(f"{k} {a:.2f}/{s:.2f}" for k, (a, s) in scores.items())
        seconds = time.monotonic() - started
        print(
            f"{trainer.stage.name} {trainer.step}: loss {np.mean(losses):.3f} [{text}] {seconds:.0f} s",
            flush=True,
        )
        losses = []


if __name__ == "__main__":
    main()
