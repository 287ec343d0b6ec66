"""Visual-visual sync: do painted lips move as the filmed ones?

A small pair of towers learns from the actor's own footage which mouth shapes belong to which pictures: the
picture tower sees two frames, one after the other, the shape tower the mouth's fitted points in them; pairs
of the same moment are told from others of the batch (contrastive: van den Oord et al. 2018, arXiv 1807.03748;
as SyncNet, Chung and Zisserman 2016, with the shape in the place of the sound). The loss is the distance
between what the picture tower says of the painted and of the filmed frames.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .batches import RUN

if TYPE_CHECKING:
    from .footage import Footage

_SIDE = 40
_BATCH = 48
_EMBEDDED = 32
_TEMPERATURE = 0.1


class SyncTowers(nn.Module):
    """See the module; `box` is where the lips are in the crop: top, bottom, left, right in pixels."""

    def __init__(self, points: int, box: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.box = box
        widths = (3 * RUN, 16, 32, 48)
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 3, 2, 1), nn.LeakyReLU(0.1)]
        self.picture = nn.Sequential(*layers, nn.Flatten(), nn.Linear(48 * (_SIDE // 8) ** 2, _EMBEDDED))
        self.shape = nn.Sequential(
            nn.Linear(RUN * points * 2, 64), nn.LeakyReLU(0.1), nn.Linear(64, _EMBEDDED)
        )

    def see(self, frames: Tensor) -> Tensor:
        """Frames [P, RUN, 3, S, S] -> unit vectors [P, E]."""
        top, bottom, left, right = self.box
        lips = frames[..., top:bottom, left:right].flatten(1, 2)
        small = F.interpolate(lips, (_SIDE, _SIDE), mode="bilinear", antialias=False)
        return F.normalize(self.picture(small - 0.5), dim=1)

    def know(self, points: Tensor) -> Tensor:
        """Points [P, RUN, L, 2], centred, in about unit spread -> unit vectors [P, E]."""
        return F.normalize(self.shape(points.flatten(1)), dim=1)

    def forward(self, made: Tensor, film: Tensor) -> Tensor:
        """Mean distance 0..2 of painted and filmed frames [P, RUN, 3, S, S]."""
        with torch.no_grad():
            wanted = self.see(film)
        return (1 - (self.see(made) * wanted).sum(1)).mean()


def train_sync(footage: Footage, steps: int, seed: int, device: str) -> SyncTowers:
    """Towers that know the footage that is trained on; frozen."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    mean = footage.points.mean(0)
    low, high = footage.points.min((0, 1)), footage.points.max((0, 1))
    size = footage.crops.shape[1]
    (left, top), (right, bottom) = (
        np.clip(low, 0, size - 8).astype(int),
        np.clip(np.ceil(high), 8, size).astype(int),
    )
    towers = SyncTowers(footage.points.shape[1], (int(top), int(bottom), int(left), int(right))).to(device)
    spread = max(float((footage.points - mean).std()), 1e-6)
    optimiser = torch.optim.AdamW(towers.parameters(), 1e-3)
    runs = footage.runs(RUN)
    for _ in range(steps):
        first = random.choice(runs, min(_BATCH, len(runs)), replace=False)
        rows = first[:, None] + np.arange(RUN)
        film = torch.from_numpy(footage.crops[rows]).to(device).permute(0, 1, 4, 2, 3).float() / 255
        points = torch.from_numpy((footage.points[rows] - mean) / np.float32(spread)).to(device)
        alike = towers.see(film) @ towers.know(points).T / _TEMPERATURE
        same = torch.arange(len(alike), device=device)
        loss = F.cross_entropy(alike, same) + F.cross_entropy(alike.T, same)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return towers.requires_grad_(False).eval()
