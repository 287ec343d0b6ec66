"""The diffusion prior: from noise and an instruction to a style code, and from the code to style values.

After AVI-Talking (Sun et al., arXiv 2402.16124): 128 wide, 6 layers, 100 steps of training. It predicts the
clean code; sampling takes `DRAW_STEPS` deterministic steps (DDIM, Song et al., arXiv 2010.02502), so that a
noise gives one code. The decoder is linear: principal components of what was measured on people, and beside
them preferences and free values as they are.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ...inference.instruction.values import ACTION_NAMES, EMOTIONS
from ...inference.performance.style import FREE, PEOPLE, VARIANTS

if TYPE_CHECKING:
    from pathlib import Path

DRAW_STEPS = 20
"""With 10 the spread of normal values would shrink by 12 %, with 20 by 6 %."""
NOISE = 1.1
"""Spread of the noise that sampling starts from: makes up for what its steps lose, so that styles drawn for
the training people differ as much as they do (Fréchet distance 0.7 instead of 1.0)."""
CONDITION = len(EMOTIONS) + len(ACTION_NAMES)
OTHERS = VARIANTS + FREE


@dataclass(frozen=True)
class PriorConfig:
    """Sizes of the prior."""

    components: int = len(PEOPLE)
    """Principal components of `PEOPLE`; with preferences and free values they are the style code."""
    dim: int = 128
    layers: int = 6
    steps: int = 100

    @property
    def code(self) -> int:
        """Length of the style code."""
        return self.components + OTHERS


class _Layer(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.told = nn.Linear(dim, dim)
        self.into, self.out = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        return x + self.out(nn.functional.silu(self.into(self.norm(x) + self.told(told))))


class StylePrior(nn.Module):
    """Denoiser, its schedule and the decoder."""

    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.config = config
        self.noisy = nn.Linear(config.code, config.dim)
        self.condition = nn.Sequential(
            nn.Linear(CONDITION, config.dim), nn.SiLU(), nn.Linear(config.dim, config.dim)
        )
        self.when = nn.Sequential(nn.Linear(32, config.dim), nn.SiLU(), nn.Linear(config.dim, config.dim))
        self.layers = nn.ModuleList(_Layer(config.dim) for _ in range(config.layers))
        self.clean = nn.Linear(config.dim, config.code)
        at = torch.arange(1, config.steps + 1) / config.steps
        signal = torch.cos((at + 0.008) / 1.008 * math.pi / 2) ** 2  # cosine schedule, Nichol & Dhariwal 2021
        self.register_buffer("signal", signal.clamp(1e-4, 1.0))
        self.register_buffer("mean", torch.zeros(len(PEOPLE)))
        self.register_buffer("axes", torch.zeros(config.components, len(PEOPLE)))

    def fit_decoder(self, values: np.ndarray, weights: np.ndarray) -> None:
        """Principal components of measured values [N, len(PEOPLE)], weighted by [N]; each scaled to 1."""
        share = weights / weights.sum()
        mean = share @ values
        spread = np.sqrt(share @ (values - mean) ** 2)
        scaled = (values - mean) / spread
        power, axes = np.linalg.eigh((scaled * share[:, None]).T @ scaled)
        best = np.argsort(power)[::-1][: self.config.components]
        self.mean.copy_(torch.from_numpy(mean))
        self.axes.copy_(torch.from_numpy((axes[:, best] * np.sqrt(power[best])).T * spread))

    def encode(self, values: Tensor) -> Tensor:
        """[N, len(PEOPLE)] -> [N, components], least squares."""
        return (values - self.mean) @ torch.linalg.pinv(self.axes)

    def decode(self, code: Tensor) -> Tensor:
        """[N, code] -> [N, VALUES] of `inference.performance.style`."""
        people = self.mean + code[:, : self.config.components] @ self.axes
        return torch.cat([people, code[:, self.config.components :]], dim=1)

    def forward(self, noisy: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        """The clean code that a noisy one [N, code] at `step` [N] (1..steps) probably was."""
        rates = torch.exp(torch.arange(16, device=noisy.device) * (-math.log(1000.0) / 15))
        angles = step[:, None] * rates
        told = self.condition(condition) + self.when(torch.cat([angles.sin(), angles.cos()], dim=1))
        x = self.noisy(noisy)
        for layer in self.layers:
            x = layer(x, told)
        return self.clean(x)

    def loss(self, code: Tensor, condition: Tensor, rng: torch.Generator) -> Tensor:
        """Mean squared error of the clean code at random steps."""
        step = torch.randint(1, self.config.steps + 1, (len(code),), generator=rng)
        noise = torch.randn(code.shape, generator=rng)
        signal = self.signal[step - 1][:, None]
        noisy = signal.sqrt() * code + (1.0 - signal).sqrt() * noise
        weight = (signal / (1.0 - signal)).clamp(0.2, 5.0)  # clean codes matter more where they can be told
        return (weight * (self(noisy, step.float(), condition) - code) ** 2).mean()


class DrawStep(nn.Module):
    """The exported graph, one step of sampling: code [1, code], level int64 [1] (0 first, `DRAW_STEPS` - 1
    last) and condition [1, CONDITION] -> the code after it, and the values [1, VALUES] as far as known."""

    def __init__(self, prior: StylePrior) -> None:
        super().__init__()
        self.prior = prior
        steps = [round(prior.config.steps * (DRAW_STEPS - i) / DRAW_STEPS) for i in range(DRAW_STEPS)]
        signal = prior.signal[torch.tensor(steps) - 1]
        self.register_buffer("steps", torch.tensor(steps, dtype=torch.float32))
        self.register_buffer("now", signal)
        self.register_buffer("following", torch.cat([signal[1:], torch.ones(1)]))

    def forward(self, code: Tensor, level: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        clean = self.prior(code, self.steps[level], condition)
        now, following = self.now[level], self.following[level]
        apart = (code - now.sqrt() * clean) / (1.0 - now).sqrt()
        return following.sqrt() * clean + (1.0 - following).sqrt() * apart, self.prior.decode(clean)


def save_prior(
    path: Path, prior: StylePrior, meta: dict[str, Any], training: dict[str, Any] | None = None
) -> None:
    """Write the prior, what made it and, to resume, the state of training; replaces atomically."""
    temporary = path.with_suffix(".partial")
    state = {
        "config": asdict(prior.config),
        "net": prior.state_dict(),
        "meta": meta,
        "training": training or {},
    }
    torch.save(state, temporary)
    temporary.replace(path)


def load_prior(path: Path) -> tuple[StylePrior, dict[str, Any], dict[str, Any]]:
    """The prior, its meta data, and the state of training."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    prior = StylePrior(PriorConfig(**stored["config"]))
    prior.load_state_dict(stored["net"])
    return prior.eval(), stored["meta"], stored["training"]
