"""What the renderer is compared with: painters that only show what the memory holds.

Each has the renderer's `paint(conditions)`: retrieval, colour and pasting are the same for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates, zoom

if TYPE_CHECKING:
    from ..inference.actor.conditioning import Conditions


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
    patches, places = conditions.patches[:, :count], conditions.places[:, :count]
    size = patches.shape[2]
    out = np.empty((*patches.shape[:2], size, size, 3), np.float32)
    for row, column in np.ndindex(*patches.shape[:2]):
        across, down = np.moveaxis(pixel_places(places[row, column], size), -1, 0)
        for channel in range(3):
            source = patches[row, column, ..., channel].astype(np.float32)
            out[row, column, ..., channel] = map_coordinates(source, [down, across], order=3, mode="nearest")
    return np.clip(out / 255, 0, 1)


def pixel_places(nodes: np.ndarray, size: int) -> np.ndarray:
    """Where every pixel of the crop lies in a patch, by nodes [N, N, 2] in -1..1 from edge to edge.

    Returns:
        float32 [size, size, 2] x and y, 0 for the first pixel's centre. The outer nodes lie on the centres of
        the crop's outer pixels.
    """
    factor = (size / nodes.shape[0], size / nodes.shape[1], 1)
    dense = zoom(np.asarray(nodes, np.float32), factor, order=1, grid_mode=False, mode="nearest")
    return (dense + 1) * np.float32(size / 2) - np.float32(0.5)
