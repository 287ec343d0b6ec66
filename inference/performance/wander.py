"""Slow random motion, a function of absolute time and a seed: any piece of it can be made on its own."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_KNOTS: Final = 512
_OCTAVES: Final = ((0.35, 0.8), (1.1, 0.6))
"""Knots per second and weight of each layer: motion of 0.1 to 0.5 Hz, the pace of the brows in speech."""
_SPREAD: Final = 1.15
"""Brings the standard deviation to 1: between its knots a spline keeps less than their spread."""


def wander(seed: int, lanes: int, times_s: Array, pace: float = 1.0) -> Array:
    """float64 [T, lanes]: independent smooth curves of mean 0 and standard deviation about 1.

    Args:
        seed: any whole number.
        times_s: [T] ascending, of any sign.
        pace: factor on the speed.
    """
    total = np.zeros((len(times_s), lanes))
    for layer, (hz, weight) in enumerate(_OCTAVES):
        total += weight * _SPREAD * _spline(seed, layer, lanes, times_s * hz * pace)
    return total


def _spline(seed: int, layer: int, lanes: int, at: Array) -> Array:
    """Catmull-Rom spline through random knots at the whole numbers."""
    if not len(at):
        return np.zeros((0, lanes))
    whole = np.floor(at).astype(np.int64)
    first, last = int(whole[0]) - 1, int(whole[-1]) + 2
    blocks = range(first // _KNOTS, last // _KNOTS + 1)
    knots = np.concatenate([_block(seed, layer, lanes, block) for block in blocks])
    start = whole - blocks[0] * _KNOTS
    a, b, c, d = (knots[start + i] for i in (-1, 0, 1, 2))
    x = (at - whole)[:, None]
    curve: Array = b + 0.5 * x * (c - a + x * (2 * a - 5 * b + 4 * c - d + x * (3 * (b - c) + d - a)))
    return curve


@lru_cache(maxsize=64)
def _block(seed: int, layer: int, lanes: int, block: int) -> Array:
    """[_KNOTS, lanes] uniform, of standard deviation 1. Only `random()` is drawn: numpy keeps its stream."""
    key = [seed % 2**64, layer, lanes, block % 2**64]
    draw = np.random.Generator(np.random.PCG64(key)).random((_KNOTS, lanes))
    knots: Array = (2.0 * draw - 1.0) * np.sqrt(3.0)
    return knots
