"""From footage to what the network eats: pairs of frames, their conditions, the film they should become."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...inference.actor.crop import hole
from ...inference.actor.painting.conditioning import Conditioner
from .footage import OFFERED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...inference.actor.painting.conditioning import Conditions
    from ...inference.actor.types import MemoryBank
    from .footage import Footage

RUN = 2
"""Frames of a take that are trained on together, one after another."""
_SPARE = 3
"""Of so many more patches than are used the used ones are drawn."""
_GAIN, _OFFSET = 0.004, 0.002
"""Spread of the light that is added: what colour matching leaves."""
_TREMBLE = 0.0007
"""Spread of the points that is added, as a share of the crop's side: what tracking leaves."""


@dataclass(frozen=True)
class Batch:
    """`feeds` the network's arguments in order; `film` float32 [B, 3, S, S]; `lips` [B, 1, S, S] 0..1."""

    feeds: tuple[Tensor, ...]
    film: Tensor
    lips: Tensor


class Sampler:
    """Draws batches; its state can be kept."""

    def __init__(self, footage: Footage, bank: MemoryBank, seed: int, device: str) -> None:
        self.footage, self.device = footage, device
        self.conditioner = Conditioner(bank)
        self.hole = torch.from_numpy(hole(self.conditioner.size))[None, None].to(device)
        trained = ~footage.held_out
        self.unit = max(float(np.median(footage.distances[trained, 0])), 1e-9)
        """Of distances: typical of the nearest entry."""
        self._runs = footage.runs(RUN)
        self._random = np.random.default_rng(seed)
        if not len(self._runs):
            raise ValueError("footage must have two frames of a take that follow each other")

    def state(self) -> str:
        return json.dumps(self._random.bit_generator.state)

    def restore(self, state: str) -> None:
        self._random.bit_generator.state = json.loads(state)

    def draw(self, runs: int, patches: int) -> Batch:
        """`runs` pairs of training frames with so many patches each, as light and tracking may have them."""
        first = self._random.choice(self._runs, runs)
        rows = (first[:, None] + np.arange(RUN)).ravel()
        wide = min(patches + _SPARE, OFFERED)
        chosen = np.stack([np.sort(self._random.permutation(wide)[:patches]) for _ in range(runs)])
        light = [
            self._random.normal(mean, spread, (runs, 1, 1, 3)) for mean, spread in ((1, _GAIN), (0, _OFFSET))
        ]
        gain, offset = (np.repeat(part, RUN, 0).astype(np.float32) for part in light)
        film = self.footage.crops[rows] / np.float32(255) * gain + offset
        points = self.footage.points[rows]
        spread = _TREMBLE * self.conditioner.size
        points = points + self._random.normal(0, spread, points.shape).astype(np.float32)
        return self._batch(rows, np.repeat(chosen, RUN, 0), film, points)

    def shown(self, rows: NDArray[np.intp], patches: int) -> Batch:
        """These frames as they are, with the first patches that memory offers."""
        chosen = np.tile(np.arange(patches), (len(rows), 1))
        return self._batch(
            rows, chosen, self.footage.crops[rows] / np.float32(255), self.footage.points[rows]
        )

    def _batch(
        self,
        rows: NDArray[np.intp],
        chosen: NDArray[Any],
        film: NDArray[np.float32],
        points: NDArray[np.float32],
    ) -> Batch:
        footage = self.footage
        conditions = self.conditioner.conditions(
            film, points,
            np.take_along_axis(footage.offered[rows], chosen, 1),
            np.take_along_axis(footage.distances[rows], chosen, 1),
        )  # fmt: skip
        feeds = tensors(conditions, self.unit, self.device)
        lips = F.interpolate((feeds[1][:, :1] + 1).clamp(0, 1), scale_factor=2.0, mode="bilinear")
        return Batch(feeds, torch.from_numpy(film).to(self.device).permute(0, 3, 1, 2).contiguous(), lips)


def tensors(conditions: Conditions, unit: float, device: str) -> tuple[Tensor, ...]:
    """The arguments of `RendererNet.forward`."""
    given = {name: torch.from_numpy(value).to(device) for name, value in conditions.feeds().items()}
    patches = given["patches"].permute(0, 1, 4, 2, 3).float() / 255
    return given["plate"], given["geometry"], patches, given["places"], given["distance"] / unit
