"""What the renderer is compared with: painters that only show what the memory holds.

Each has the renderer's `paint(conditions)`: retrieval, colour and pasting are the same for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from ..inference.actor.painting.conditioning import Conditions


@dataclass(frozen=True)
class Nearest:
    """The nearest patch as it was seen, or laid onto the wanted shape."""

    warped: bool
    patches: int = 1

    def paint(self, conditions: Conditions) -> np.ndarray:
        """float32 [B, S, S, 3], 0..1, crop space, reference colours."""
        if not self.warped:
            return conditions.patches[:, 0].astype(np.float32) / 255
        return _laid(conditions, 1)[:, 0]


@dataclass(frozen=True)
class MeanOfNearest:
    """The mean of the patches that were looked up, laid onto the wanted shape."""

    patches: int = 8

    def paint(self, conditions: Conditions) -> np.ndarray:
        """float32 [B, S, S, 3], 0..1, crop space, reference colours."""
        return _laid(conditions, conditions.patches.shape[1]).mean(1)


def _laid(conditions: Conditions, count: int) -> np.ndarray:
    """float32 [B, count, S, S, 3] 0..1: the first patches of every frame by cubic interpolation."""
    patches = torch.from_numpy(conditions.patches[:, :count]).flatten(0, 1).permute(0, 3, 1, 2).float() / 255
    places = torch.from_numpy(conditions.places[:, :count]).flatten(0, 1).permute(0, 3, 1, 2)
    dense = functional.interpolate(places, patches.shape[-2:], mode="bilinear", align_corners=True)
    moved = functional.grid_sample(
        patches, dense.permute(0, 2, 3, 1), mode="bicubic", padding_mode="border", align_corners=False
    )
    laid = moved.clamp(0, 1).permute(0, 2, 3, 1).numpy()
    return laid.reshape(-1, count, *laid.shape[1:])
