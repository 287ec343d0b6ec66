"""Multi-scale synchrony of motion and sound (Airale et al. 2023, arXiv 2307.03270). Training only.

A syncer embeds short stretches of lip motion and of sound so that those of the same moment lie close. There
is one per level of a pyramid (moving average over 7 frames, then every second frame): lips follow
sounds, phrases and breath at different rates. The network is then asked for motion that the syncers accept.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, cross_entropy, normalize

from .losses import judged

LEVELS = 4
_WIDTH = 48
_TEMPERATURE = 0.1
_ANCHORS = 24
"""Moments per line that are told apart from each other and from those of other lines."""


class Syncer(nn.Module):
    """Embeddings of one level: motion (B, 6, T) and log-mel (B, M, T) -> unit vectors (B, C, T)."""

    def __init__(self, curves: int, mels: int) -> None:
        super().__init__()
        self.motion = self._tower(curves)
        self.sound = self._tower(mels)

    @staticmethod
    def _tower(inputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv1d(inputs, _WIDTH, 5, padding=2), nn.ReLU(), nn.Conv1d(_WIDTH, _WIDTH, 5, padding=2)
        )

    def forward(self, motion: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
        return normalize(self.motion(motion), dim=1), normalize(self.sound(sound), dim=1)


class MultiScaleSync(nn.Module):
    """Syncers on a pyramid of motion (B, T, 6), in units of spread, and log-mel at 50 Hz (B, T, M)."""

    def __init__(self, curves: int = 6, mels: int = 80, levels: int = LEVELS) -> None:
        super().__init__()
        self.syncers = nn.ModuleList(Syncer(curves, mels) for _ in range(levels))

    def first(self, levels: int) -> MultiScaleSync:
        """The first levels alone, with the same weights: levels do not know of each other."""
        fewer = MultiScaleSync(levels=0)
        fewer.syncers = self.syncers[:levels]
        return fewer

    def forward(self, motion: Tensor, sound: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Embeddings of motion and sound at every level."""
        motion, sound, pairs = motion.transpose(1, 2), sound.transpose(1, 2), []
        for level, syncer in enumerate(self.syncers):
            if level:
                motion, sound = (avg_pool1d(x, 7, stride=2, padding=3) for x in (motion, sound))
            pairs.append(syncer(motion, sound))
        return pairs

    def contrast(self, motion: Tensor, sound: Tensor, valid: Tensor, generator: torch.Generator) -> Tensor:
        """What the syncers learn from: tell the true moment from others (InfoNCE), on filmed motion.

        Args:
            motion, sound: see the class.
            valid: bool [B], lines whose motion was filmed.
            generator: picks the moments.
        """
        losses = []
        for moved, heard in self(motion[valid], sound[valid]):
            steps = torch.randperm(moved.shape[2], generator=generator)[:_ANCHORS]
            a, b = (x[:, :, steps].permute(0, 2, 1).flatten(0, 1) for x in (moved, heard))
            scores = a @ b.T / _TEMPERATURE
            target = torch.arange(len(scores))
            losses.append((cross_entropy(scores, target) + cross_entropy(scores.T, target)) / 2)
        return torch.stack(losses).mean()

    def apart(self, motion: Tensor, sound: Tensor) -> Tensor:
        """1 - mean similarity of predicted motion and sound over all levels; the syncers stay as they are."""
        pairs = judged(self, motion, sound)
        return 1.0 - torch.stack([(a * b).sum(1).mean() for a, b in pairs]).mean()
