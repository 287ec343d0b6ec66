"""Syncers of head and voice: do they move at the same moments, at each of several speeds?"""

from __future__ import annotations

import torch
from torch import Tensor

from ..speech.sync import MultiScaleSync
from .head_batches import FRAMES, SHORT, Sampler, Stretch
from .head_net import AXES

LEVELS = 4
_BATCH, _RATE = 32, 1e-3


def motion_view(pose: Tensor) -> Tensor:
    """(B, T, 3) poses -> (B, T, 6): velocity, and pose around its own mean in units of about 1."""
    velocity = torch.diff(pose, dim=1, prepend=pose[:, :1])
    return torch.cat([velocity, 0.25 * (pose - pose.mean(1, keepdim=True))], dim=2)


def train_syncers(data: list[Stretch], seed: int, steps: int, levels: int = LEVELS) -> MultiScaleSync:
    """Syncers that learn from film which moments belong together."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    syncers = MultiScaleSync(2 * AXES, data[0].features.shape[1], levels)
    sampler = Sampler(data, seed)
    if not steps:
        return syncers
    optimiser = torch.optim.AdamW(syncers.parameters(), lr=_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    valid = torch.ones(_BATCH, dtype=torch.bool)
    for step in range(steps):
        short = step % 4 == 3
        pose, heard = sampler.pairs(_BATCH, SHORT if short else FRAMES, (2,) if short else (0, 1))
        heard = heard + 0.1 * torch.randn(heard.shape, generator=generator)
        loss = syncers.contrast(motion_view(pose), heard, valid, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return syncers.eval()


@torch.inference_mode()
def sync_scores(syncers: MultiScaleSync, poses: list[Tensor], features: list[Tensor]) -> list[float]:
    """Mean similarity of motion and sound at every level, over clips of any length (poses in units)."""
    totals, frames = torch.zeros(len(syncers.syncers)), torch.zeros(len(syncers.syncers))
    for pose, heard in zip(poses, features, strict=True):
        for level, (a, b) in enumerate(syncers(motion_view(pose[None]), heard[None])):
            totals[level] += (a * b).sum()
            frames[level] += a.shape[2]
    return (totals / frames).tolist()
