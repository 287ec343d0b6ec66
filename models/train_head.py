"""Train the generator of head motion; writes a checkpoint that a later run resumes.

    python -m soliloquy.models.train_head --shared ../shared --out runs/head
    python -m soliloquy.models.train_head --out runs/head --export   # to inference/weights/head.onnx

Hinge critics on windows of 5, 10, 20 and 40 frames, and syncers on a pyramid of head and voice (Airale et al.
2023, arXiv 2307.03270). The syncers of the loss learn from one half of the training clips; those that measure
(`evaluate_head`) from the other.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
import torch
from torch import Tensor, nn

from ..inference.performance.head import HEAD_WEIGHTS, SLOW_STEPS
from .performance.head_batches import FRAMES, SHORT, Sampler, Stretch, stretches, units
from .performance.head_data import RATE_HZ, HeadClip, load_heads
from .performance.head_export import export_head
from .performance.head_net import MANNERS, WINDOWS, HeadConfig, HeadNet, WindowCritic, shaped_noise
from .performance.head_sync import LEVELS, motion_view, train_syncers

if TYPE_CHECKING:
    from .speech.sync import MultiScaleSync

CHECKPOINT, SYNCERS = "checkpoint.pt", "syncers.pt"
SHIPPED_CHECKPOINT = Path(__file__).parent / "weights" / "head.pt"
VERSION = "1.0.0"
TRAINING_DATA = (
    "GRID speaker 1 (CC BY 4.0), US weekly address (public domain), LRC-AR Arabic presenters (MIT)"
)
SEED = 5
CUTS = (36, 36, SHORT)
"""Frames of the clips that `traits` describe, per manner."""
_BATCH = 32
_PAIRS = _BATCH // 2
APART = (0.65, 0.3)
"""Share of the variance that is to differ between two takes at least, at first and after `_TURN`. A generator
that minds the syncers gives one take whatever the noise; so it first learns to use noise, then to listen."""
_TURN = 0.75
"""Share of the training."""
_SLOWED = 0.64
"""By how much the learning rates have fallen in the end."""
_KEEP_STEPS = 250
_AVERAGE = 0.995


@dataclass(frozen=True)
class Settings:
    """`steps` of the generator, `sync_steps` of the syncers, `levels` of the pyramid that the loss uses (0:
    no sync loss, 1: single scale), `sync`, `moments`, `rest` and `alike` weights of the losses beside those
    of the critics, `windows` frames of the critics."""

    steps: int = 3000
    sync_steps: int = 400
    levels: int = LEVELS
    sync: float = 4.0
    moments: float = 12.0
    rest: float = 0.01
    alike: float = 3.0
    windows: tuple[int, ...] = WINDOWS
    seed: int = SEED


class Trainer:
    """Generator, critics, optimisers and the state of the free runs: everything that a checkpoint holds."""

    def __init__(
        self, data: list[Stretch], settings: Settings, config: HeadConfig, syncers: MultiScaleSync
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.step = settings, 0
        self.sampler = Sampler(data, settings.seed)
        self.net, self.average = HeadNet(config), HeadNet(config)
        self.average.load_state_dict(self.net.state_dict())
        self.critics = nn.ModuleList(WindowCritic(w) for w in settings.windows)
        self.of_net = torch.optim.Adam(self.net.parameters(), lr=3e-4, betas=(0.5, 0.9))
        self.of_critics = torch.optim.Adam(self.critics.parameters(), lr=6e-4, betas=(0.5, 0.9))
        self.syncers = syncers.first(settings.levels).requires_grad_(False) if settings.levels else None
        of_film = [traits(self.sampler.clips(m, CUTS[m])) for m in range(len(MANNERS))]
        self.film = [(x.mean(0), x.std(0), torch.corrcoef(x.T)) for x in of_film]
        self.manner = self.sampler.manners(_PAIRS).repeat(2, 1)
        self.white = torch.randn(_BATCH, SLOW_STEPS - 1, config.noise)
        self.state = self.net.start(_BATCH)
        self.tail = torch.zeros(_BATCH, self.net.before, config.features)

    def advance(self) -> dict[str, float]:
        """One step of the critics and of the generator; returns the losses."""
        for group in (*self.of_net.param_groups, *self.of_critics.param_groups):
            group["lr"] = group.setdefault("first", group["lr"]) * (
                1.0 - _SLOWED * self.step / self.settings.steps
            )
        self._renew()
        heard = self.sampler.sound(self.manner[:_PAIRS]).repeat(2, 1, 1)
        white = torch.cat([self.white, torch.randn(_BATCH, FRAMES, self.net.config.noise)], dim=1)
        noise = shaped_noise(white, self.net.config.slow)
        _, pose, state = self.net(torch.cat([self.tail, heard], dim=1), noise, self.manner, self.state)
        judged = self._criticise(pose)
        losses = {"critics": judged, **self._improve(pose, heard)}
        self.state = tuple(s.detach() for s in state)
        self.tail = heard[:, -self.net.before :]
        self.white = white[:, -(SLOW_STEPS - 1) :]
        share = 1.0 - min(_AVERAGE, (1 + self.step) / (10 + self.step))  # the first steps are soon forgotten
        with torch.no_grad():
            for kept, new in zip(self.average.parameters(), self.net.parameters(), strict=True):
                kept.lerp_(new, share)
        self.step += 1
        return losses

    def _renew(self) -> None:
        """Some of the free runs begin anew, from rest and in another manner. Runs i and i + 16 are two takes:
        the same sound and manner, other noise."""
        fresh = (torch.rand(_PAIRS) < 0.08).repeat(2)
        self.manner = torch.where(fresh[:, None], self.sampler.manners(_PAIRS).repeat(2, 1), self.manner)
        self.state = tuple(torch.where(fresh[:, None], 0.0, s) for s in self.state)
        silent = self.sampler.sound(self.manner[:_PAIRS])[:, :1].repeat(2, 1, 1)
        self.tail = torch.where(fresh[:, None, None], silent, self.tail)

    def _windows(self, pose: Tensor) -> list[tuple[Tensor, Tensor]]:
        """For every critic poses and manners: two windows per run; film of lrc_ar is too short for 40."""
        cut = []
        for window in self.settings.windows:
            rows = self.manner[:, 2] < 0.05 if window > SHORT else torch.ones(_BATCH, dtype=torch.bool)
            starts = torch.randint(0, FRAMES - window + 1, (2,)).tolist()
            cut.append(
                (torch.cat([pose[rows, s : s + window] for s in starts]), self.manner[rows].repeat(2, 1))
            )
        return cut

    def _criticise(self, pose: Tensor) -> float:
        losses = []
        for critic, (generated, manner) in zip(self.critics, self._windows(pose.detach()), strict=True):
            filmed = self.sampler.poses(manner, critic.window)
            losses.append(torch.relu(1.0 - critic(filmed, manner)).mean())
            losses.append(torch.relu(1.0 + critic(generated, manner)).mean())
        loss = torch.stack(losses).mean()
        self.of_critics.zero_grad()
        loss.backward()
        self.of_critics.step()
        return loss.item()

    def _improve(self, pose: Tensor, heard: Tensor) -> dict[str, float]:
        parts = [-critic(cut, manner).mean() for critic, (cut, manner) in zip(
            self.critics, self._windows(pose), strict=True)]  # fmt: skip
        losses = {"fooling": torch.stack(parts).mean(), "moments": self._moments(pose)}
        losses["rest"] = pose.mean(1).square().mean()
        losses["alike"] = _alike(pose, APART[self.step > _TURN * self.settings.steps])
        if self.syncers is not None:
            losses["sync"] = self.syncers.apart(motion_view(pose), heard)
        weights = {name: getattr(self.settings, name, 1.0) for name in losses}
        self.of_net.zero_grad()
        torch.stack([weights[name] * loss for name, loss in losses.items()]).sum().backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.of_net.step()
        return {name: loss.item() for name, loss in losses.items()}

    def _moments(self, pose: Tensor) -> Tensor:
        """How far what clips are like is from film, per manner: means, spreads and correlations."""
        parts = []
        for m, (mean, spread, together) in enumerate(self.film):
            rows = self.manner[:, m] > 0.99
            if rows.sum() < 3:
                continue
            made = traits(_cut(pose[rows], CUTS[m]))
            parts.append(((made.mean(0) - mean) / spread).square())
            parts.append(torch.log(made.std(0) / spread).square())
            parts.append((torch.corrcoef(made.T) - together).square().mean(1))
        return torch.cat(parts).mean() if parts else pose.sum() * 0.0


def _alike(pose: Tensor, least: float) -> Tensor:
    """How far two takes of a sound are less apart than they should be, in pose and in velocity."""
    first, second = pose[:_PAIRS], pose[_PAIRS:]
    short = []
    for x, y in ((first, second), (torch.diff(first, dim=1), torch.diff(second, dim=1))):
        x, y = x - x.mean(1, keepdim=True), y - y.mean(1, keepdim=True)
        apart = (x - y).square().mean((0, 1)) / (x.square() + y.square()).mean((0, 1))
        short.append(torch.relu(least - apart))
    return torch.cat(short).mean()


def _usual(pose: Tensor) -> Tensor:
    """(2, 3): logarithms of the usual spread of pose and of velocity in a clip."""
    return traits(pose).mean(0)[:6].reshape(2, 3)


def _overall(pose: Tensor) -> Tensor:
    """(2, 3): the same over all clips together, in which the lively ones count most."""
    inner, velocity = pose - pose.mean(1, keepdim=True), torch.diff(pose, dim=1)
    return torch.stack([0.5 * torch.log(x.square().mean((0, 1))) for x in (inner, velocity)])


def _cut(pose: Tensor, frames: int) -> Tensor:
    """(B, T, 3) -> (N, frames, 3), one after the other."""
    return pose.unfold(1, frames, frames).flatten(0, 1).transpose(1, 2)


def traits(pose: Tensor) -> Tensor:
    """(B, 18), what clips (B, T, 3) are like: per axis the logarithms of the spreads of pose, velocity and
    acceleration and of mean speed over its spread; how the velocities of the axes go together; how seldom
    the velocity changes its sign, softly counted."""
    velocity = torch.diff(pose, dim=1)
    inner = pose - pose.mean(1, keepdim=True)
    moved = (inner, velocity - velocity.mean(1, keepdim=True), torch.diff(velocity, dim=1))
    spreads = [0.5 * torch.log(x.square().mean(1) + 1e-4) for x in moved]
    bursts = torch.log(velocity.abs().mean(1) + 1e-3) - spreads[1]
    unit = moved[1] * torch.exp(-spreads[1])[:, None]
    together = torch.stack([(unit[..., i] * unit[..., j]).mean(1) for i, j in ((0, 1), (0, 2), (1, 2))], 1)
    onward = velocity[:, 1:] * velocity[:, :-1] * torch.exp(-2.0 * spreads[1])[:, None]
    steady = torch.tanh(4.0 * onward).mean(1)
    return torch.cat([*spreads, bursts, together, steady], dim=1)


def training(clips: list[HeadClip]) -> list[Stretch]:
    """What of the clips is trained on."""
    return [s for s, clip in zip(stretches(clips), clips, strict=True) if not clip.held_out]


def save(trainer: Trainer, path: Path) -> None:
    """Everything that is needed to go on."""
    state: dict[str, Any] = {
        "step": trainer.step, "net": trainer.net.state_dict(), "average": trainer.average.state_dict(),
        "critics": trainer.critics.state_dict(), "of_net": trainer.of_net.state_dict(),
        "of_critics": trainer.of_critics.state_dict(), "settings": asdict(trainer.settings),
        "config": asdict(trainer.net.config),
    }  # fmt: skip
    torch.save(state, path)


def resume(trainer: Trainer, path: Path) -> None:
    """Go on from a checkpoint; the free runs begin anew."""
    state = torch.load(path, weights_only=True)
    trainer.step = state["step"]
    for name in ("net", "average", "critics", "of_net", "of_critics"):
        getattr(trainer, name).load_state_dict(state[name])


def load_syncers(data: list[Stretch], settings: Settings, stored: Path) -> MultiScaleSync:
    """The syncers of the loss, of all levels; trained on one half of the data if `stored` does not exist."""
    steps = 0 if stored.exists() else settings.sync_steps
    syncers = train_syncers(data[::2], settings.seed, steps)
    if stored.exists():
        syncers.load_state_dict(torch.load(stored, weights_only=True))
    else:
        torch.save(syncers.state_dict(), stored)
    return syncers


def train(
    data: list[Stretch], settings: Settings, out: Path, syncers: MultiScaleSync, log: TextIO | None = None
) -> HeadNet:
    """Train, or go on with, the run in `out`, writing losses to `log`; returns the averaged generator."""
    trainer = Trainer(data, settings, HeadConfig(), syncers)
    checkpoint = out / CHECKPOINT
    if checkpoint.exists():
        resume(trainer, checkpoint)
    while trainer.step < settings.steps:
        losses = trainer.advance()
        if trainer.step % 50 == 0:
            print(trainer.step, " ".join(f"{k} {v:.3f}" for k, v in losses.items()), flush=True, file=log)
        if trainer.step % _KEEP_STEPS == 0 or trainer.step == settings.steps:
            save(trainer, checkpoint)
    return trainer.average


@torch.inference_mode()
def calibration(net: HeadNet, data: list[Stretch], seconds: float = 240.0) -> np.ndarray:
    """[3, 3]: per manner the factor of each axis that brings the spread of what is generated on training
    sound to that of film, half judged by the pose and half by the velocity, half by the usual clip and half
    by all together."""
    torch.manual_seed(SEED)
    sampler, ratios = Sampler(data, SEED), []
    frames = int(seconds * RATE_HZ) // FRAMES
    for m in range(len(MANNERS)):
        manner = torch.eye(len(MANNERS))[m : m + 1]
        heard = torch.cat(list(sampler.sound(manner.repeat(frames, 1), own=1.0)))[None]
        before = torch.zeros(1, net.before, heard.shape[2])
        white = torch.randn(1, heard.shape[1] + SLOW_STEPS - 1, net.config.noise)
        noise = shaped_noise(white, net.config.slow)
        pose = net(torch.cat([before, heard], 1), noise, manner, net.start(1))[1][0]
        filmed, made = sampler.clips(m, CUTS[m]), _cut(pose[None], CUTS[m])
        missing = torch.stack([_usual(filmed) - _usual(made), _overall(filmed) - _overall(made)])
        ratios.append(missing.mean((0, 1)))
    return torch.stack(ratios).exp().numpy()


def card_of(clips: list[HeadClip], settings: Settings, config: HeadConfig) -> dict[str, Any]:
    """What the weight file says of itself (see `inference.performance.head.HeadModel`)."""
    spread = units([clip for clip in clips if not clip.held_out])
    corpora = {c.speaker: c.corpus for c in clips}
    of = [
        np.sqrt(np.mean([np.square(u) for who, u in spread.items() if corpora[who] == name], axis=0))
        for name in MANNERS
    ]
    return {
        "version": VERSION,
        "unit": np.exp(np.mean(np.log(of), axis=0)).round(6).tolist(),
        "manners": {name: unit.round(6).tolist() for name, unit in zip(MANNERS, of, strict=True)},
        "training_data": TRAINING_DATA,
        "licence": "GPL-3.0-or-later",
        "settings": asdict(settings),
        "config": asdict(config),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--out", type=Path, default=Path("runs/head"))
    for name, default in asdict(Settings()).items():
        if not isinstance(default, tuple):
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--export", action="store_true", help="write the weight file when training is done")
    parser.add_argument("--weights", type=Path, default=HEAD_WEIGHTS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings(**{k: v for k, v in vars(arguments).items() if k in asdict(Settings())})
    clips = load_heads(arguments.shared, arguments.out.parent / "cache" / "heads.npz")
    data = training(clips)
    arguments.out.mkdir(parents=True, exist_ok=True)
    syncers = load_syncers(data, settings, arguments.out / SYNCERS)
    net = train(data, settings, arguments.out, syncers).eval()
    if not arguments.export:
        return 0
    card = card_of(clips, settings, net.config)
    gain = calibration(net, data)
    if not export_head(net, card, gain, arguments.weights):
        return 1
    if arguments.weights == HEAD_WEIGHTS:
        stored = {"net": net.state_dict(), "config": asdict(net.config), "card": card, "gain": gain.tolist()}
        torch.save(stored, SHIPPED_CHECKPOINT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
