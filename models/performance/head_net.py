"""The generator of head motion and its critics (after Airale et al. 2023, arXiv 2307.03270).

The generator is causal and autoregressive: from what is heard now, noise, and its own last pose and velocity
it makes the next velocity, at 25 Hz. The pose is the sum of the velocities, leaking back to rest. Units: one
is the velocity's standard deviation per frame of the axis in the speaker's own film, so that still and
lively people look alike to the network; what differs in rhythm between the corpora is the manner.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d
from torch.nn.utils.parametrizations import spectral_norm

from ...inference.performance.head import SLOW_STEPS

AXES = 3
MANNERS = ("grid_s1", "us_gov", "lrc_ar")
WINDOWS = (5, 10, 20, 40)
"""Frames that each critic sees."""
POSE_SCALE = 0.2
"""Brings poses to the size of velocities."""


@dataclass(frozen=True)
class HeadConfig:
    """`features` columns of the input, `hidden` units of the GRU, `heard` channels of the sound encoder,
    `kernel` frames of it, `noise` columns, the first `slow` of them means over `SLOW_STEPS`, `leak` share of
    the pose that is lost per frame."""

    features: int = 19
    hidden: int = 64
    heard: int = 32
    kernel: int = 9
    noise: int = 8
    slow: int = 2
    leak: float = 0.02


def shaped_noise(white: Tensor, slow: int) -> Tensor:
    """(B, SLOW_STEPS - 1 + T, N) standard normal -> (B, T, N): the first `slow` columns as means over the
    last `SLOW_STEPS`, of the same spread, for what changes over seconds; the others as they are."""
    moving = avg_pool1d(white[..., :slow].transpose(1, 2), SLOW_STEPS, stride=1).transpose(1, 2)
    return torch.cat([moving * SLOW_STEPS**0.5, white[:, SLOW_STEPS - 1 :, slow:]], dim=2)


class HeadNet(nn.Module):
    """The generator. State: hidden (B, H), pose (B, 3), velocity (B, 3)."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        self.sound = nn.Conv1d(config.features, config.heard, config.kernel)
        self.given = nn.Linear(config.heard + config.noise + len(MANNERS), 3 * config.hidden)
        self.own = nn.Linear(2 * AXES, 3 * config.hidden, bias=False)
        self.recurrent = nn.Linear(config.hidden, 3 * config.hidden)
        self.velocity = nn.Linear(config.hidden, AXES)

    @property
    def before(self) -> int:
        """Feature rows that the encoder needs before the first one."""
        return self.config.kernel - 1

    def start(self, batch: int) -> tuple[Tensor, Tensor, Tensor]:
        """The state at rest."""
        return torch.zeros(batch, self.config.hidden), torch.zeros(batch, AXES), torch.zeros(batch, AXES)

    def forward(
        self, features: Tensor, noise: Tensor, manner: Tensor, state: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]:
        """Generate freely.

        Args:
            features: (B, before + T, F).
            noise: (B, T, N), see `shaped_noise`.
            manner: (B, 3), weights of `MANNERS`, summing to 1.
            state: hidden, pose and velocity before the first frame.

        Returns:
            velocities (B, T, 3), poses after them (B, T, 3), the state after the last frame.
        """
        heard = torch.relu(self.sound(features.transpose(1, 2))).transpose(1, 2)
        steps = noise.shape[1]
        inputs = torch.cat([heard, noise, manner[:, None].expand(-1, steps, -1)], dim=2)
        given = self.given(inputs)
        hidden, pose, velocity = state
        velocities, poses = [], []
        for step in range(steps):
            outer = given[:, step] + self.own(torch.cat([pose * POSE_SCALE, velocity], dim=1))
            inner = self.recurrent(hidden)
            (reset, update, new), (r, u, n) = outer.chunk(3, dim=1), inner.chunk(3, dim=1)
            reset, update = torch.sigmoid(reset + r), torch.sigmoid(update + u)
            hidden = (1.0 - update) * torch.tanh(new + reset * n) + update * hidden
            velocity = self.velocity(hidden)
            pose = (1.0 - self.config.leak) * pose + velocity
            velocities.append(velocity)
            poses.append(pose)
        return torch.stack(velocities, dim=1), torch.stack(poses, dim=1), (hidden, pose, velocity)


class WindowCritic(nn.Module):
    """Scores stretches of `window` frames as filmed or generated."""

    def __init__(self, window: int, width: int = 48) -> None:
        super().__init__()
        self.window = window
        layers: list[nn.Module] = []
        channels, frames = 3 * AXES + len(MANNERS), window
        while frames > 4:
            layers += [spectral_norm(nn.Conv1d(channels, width, 5, stride=2, padding=2)), nn.LeakyReLU(0.2)]
            channels, frames = width, (frames + 1) // 2
        self.layers = nn.Sequential(*layers)
        self.score = spectral_norm(nn.Linear(channels * frames, 1))

    def forward(self, pose: Tensor, manner: Tensor) -> Tensor:
        """(B, window, 3) poses and (B, 3) manners -> (B,) scores, filmed above generated."""
        velocity = torch.diff(pose, dim=1, prepend=2 * pose[:, :1] - pose[:, 1:2])
        change = torch.diff(velocity, dim=1, prepend=velocity[:, :1])
        within = (pose - pose.mean(1, keepdim=True)) * 0.3
        told = manner[:, None].expand(-1, self.window, -1)
        seen = torch.cat([within, velocity, change, told], dim=2)
        return self.score(self.layers(seen.transpose(1, 2)).flatten(1)).squeeze(1)
