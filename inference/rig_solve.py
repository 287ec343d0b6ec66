"""Weights of keys that follow no single channel (visemes, coefficients of a 3DMM): bounded least squares.

Every frame is solved by itself, but the ridge makes its one solution a continuous function of the channels:
smooth motion gives smooth weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .lip_basis import REST_MM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .types import FloatArray, SolvedKeys

_APART_MM: Final = 2.0
"""Lips that are this far apart or more are left to the least squares."""
_CLOSING_STEPS: Final = 6
_SWEEPS: Final = 200
_TOLERANCE: Final = 1e-4
"""Coordinate descent stops when no weight of any frame moves further than this in a sweep."""


def solve_keys(solved: SolvedKeys, values: FloatArray) -> FloatArray:
    """The weights that make the keys move as the channels do.

    Args:
        solved: K keys and C channels.
        values: float32 [T, C], the channels' values in the order of `solved.channels`.

    Returns:
        float32 [T, K], every weight within `minimum`..`maximum`. Keys that move nothing stay at 0 (or at the
        bound that is nearest to it).
    """
    system, scale = _system(solved)
    goal = np.ascontiguousarray((values @ solved.cross).T, np.float32) * scale[:, None]  # [K, T]
    low, high = solved.minimum, solved.maximum
    weights = np.clip(np.linalg.solve(system.astype(np.float64), goal).astype(np.float32), low, high)
    still = np.clip(np.float32(0.0), low, high)
    weights[np.diag(solved.gram) <= 0.0] = still
    diagonal = np.diag(system)
    moving = np.arange(weights.shape[1])
    for _ in range(_SWEEPS):
        part, wanted = weights[:, moving], goal[:, moving]
        change = np.zeros(len(moving), np.float32)
        for k in np.flatnonzero(np.diag(solved.gram) > 0.0):
            better = part[k] + (wanted[k] - system[k] @ part) / diagonal[k]
            np.clip(better, low, high, out=better)
            np.maximum(change, np.abs(better - part[k]), out=change)
            part[k] = better
        weights[:, moving] = part
        moving = moving[change > _TOLERANCE]
        if len(moving) == 0:
            break
    return _lips_kept_together(solved, values, np.ascontiguousarray(weights.T))


def _lips_kept_together(solved: SolvedKeys, values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weights whose keys leave the lips as close as at rest wherever the channels close them.

    The least squares spread what is left of an error over the whole mouth; lips that do not meet on p, b
    and m are seen at once. Keys that open the lips most give way most, so that rounding stays.
    """
    if not solved.keys_open_mm:
        return weights
    ways = np.array(solved.keys_open_mm, np.float32)
    wanted_mm = REST_MM[0] + values @ np.array(solved.channels_open_mm, np.float32)
    near = np.clip((_APART_MM - wanted_mm) / (_APART_MM - REST_MM[0]), 0.0, 1.0)
    limit_mm = np.maximum(wanted_mm, REST_MM[0])
    opening = np.maximum(ways, 0.0)
    together = weights
    for _ in range(_CLOSING_STEPS):
        excess_mm = np.maximum(REST_MM[0] + together @ ways - limit_mm, 0.0)
        slope = together @ np.square(opening)
        step = excess_mm / np.maximum(slope, 1e-6)
        together = together * np.maximum(1.0 - step[:, None] * opening, 0.0)
    return np.asarray(weights + near[:, None] * (together - weights), np.float32)


def _system(solved: SolvedKeys) -> tuple[FloatArray, FloatArray]:
    """The ridged Gram matrix over its mean diagonal, and that factor for each key's goal."""
    strength = float(np.mean(np.diag(solved.gram))) or 1.0
    system = solved.gram / np.float32(strength) + np.eye(len(solved.gram), dtype=np.float32) * solved.ridge
    return system.astype(np.float32), np.full(len(system), 1.0 / strength, np.float32)


def reproduction(solved: SolvedKeys, poses: FloatArray, energy: FloatArray) -> NDArray[np.float64]:
    """How much of given poses the keys reproduce: 1 all, 0 nothing.

    Args:
        poses: float32 [N, C], channel values.
        energy: float32 [N], |m W|^2 of every pose.

    Returns:
        float64 [N], 1 - |x B - m W|^2 / |m W|^2 at the solution, at least 0; 0 where a pose moves nothing.
    """
    x = solve_keys(solved, poses).astype(np.float64)
    goal = poses.astype(np.float64) @ solved.cross
    gained = 2 * (x * goal).sum(axis=1) - np.einsum("nk,kj,nj->n", x, solved.gram.astype(np.float64), x)
    return np.where(energy > 0, np.clip(gained / np.maximum(energy, 1e-12), 0.0, 1.0), 0.0)
