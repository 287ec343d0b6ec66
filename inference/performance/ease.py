"""How something comes and goes without a jerk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def ease(share: Array) -> Array:
    """Share of the way that is gone after a share of the time: at rest at both ends, 0 before and 1 after."""
    inside: Array = np.clip(share, 0.0, 1.0)
    return inside * inside * (3.0 - 2.0 * inside)
