"""How a face of any size, proportions and place comes to lie on the reference head.

What names say is taken as a hint: the middles of the keys that are known by name give a first placement.
Without names the extent of what moves does. The placement is then moved until the keys look most like
movements of the reference.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from . import rig_geometry
from .rig_geometry import GRID_X, GRID_Z, Placement, Raster
from .rig_movements import movements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from .types import FloatArray

    Array = NDArray[np.float64]

_KEYS_MAX: Final = 40
"""So many keys, spread over all of them, are enough to find the placement."""
_EVERY: Final = 2
"""Every second column and row of the reference raster is enough, too: it is as fine as the kernel."""
_STARTS_MM: Final = ((42.0, 146.0), (42.0, 124.0), (26.0, 66.0))
"""Heights of the lowest and the highest key's middle: a whole face, one without brows, a mouth alone."""
_LEFT_OUT: Final = (0.0, 0.2)
"""Share of the keys at either end that may be none of the face (hair, ears)."""
_ASPECTS: Final = (0.8, 1.0, 1.25)
_STEPS: Final = (1.0, 0.5, 0.25)
_REFINED: Final = 2
"""So many of the best first guesses are followed up."""
_ROUNDS: Final = 6
_SHIFT_MM: Final = 10.0
_SCALE: Final = 0.16
_HINTS_MIN: Final = 3
_STRETCHED: Final = 0.1
"""What it costs to widen a face more than it is heightened (per square of the ratio's logarithm)."""
_HINTED: Final = 2.0
"""A key that is known by name counts so many times as much as one that is not."""


def align(raster: Raster, hints: Mapping[int, str]) -> Placement:
    """The best placement of a face.

    Args:
        raster: at least one key moves something.
        hints: movement by number of key, as names say.
    """
    search = _Search(_pooled(raster), hints)
    starts = sorted(search.starts(), key=search.score, reverse=True)[:_REFINED]
    return max((_refined(search, start, raster) for start in starts), key=search.score)


def _refined(search: _Search, best: Placement, raster: Raster) -> Placement:
    """The best placement that small steps from one lead to."""
    score = search.score(best)
    for size in _STEPS:
        for _ in range(_ROUNDS):
            start = score
            for other in _neighbours(best, size, raster):
                other_score = search.score(other)
                if other_score > score + 1e-3:
                    best, score = other, other_score
            if score == start:
                break
    return best


def _pooled(raster: Raster) -> Raster:
    """The same with cells twice as wide, which is fine enough to find a placement."""
    half = len(raster.x) // 2
    sums = raster.sums.reshape(len(raster.sums), 3, half, 2, half, 2).sum(axis=(3, 5))
    count = raster.count.reshape(half, 2, half, 2).sum(axis=(1, 3))
    x, z = (axis.reshape(half, 2).mean(axis=1) for axis in (raster.x, raster.z))
    return Raster(x, z, count, sums, raster.peaks)


def _neighbours(at: Placement, size: float, raster: Raster) -> Iterator[Placement]:
    """Placements next to one; scaling keeps the middle of the face where it is."""
    for sign in (size, -size):
        yield replace(at, z_shift=at.z_shift + sign * _SHIFT_MM)
        yield replace(at, x_shift=at.x_shift + sign * _SHIFT_MM / 2)
        factor = float(np.exp(sign * _SCALE))
        middle_x, middle_z = raster.x.mean(), raster.z.mean()
        wider = replace(
            at, x_scale=at.x_scale * factor, x_shift=at.x_shift + at.x_scale * (1 - factor) * middle_x
        )
        higher = replace(
            at, z_scale=at.z_scale * factor, z_shift=at.z_shift + at.z_scale * (1 - factor) * middle_z
        )
        yield wider
        yield higher
        yield replace(wider, z_scale=higher.z_scale, z_shift=higher.z_shift)


class _Search:
    """Scores placements of one face."""

    def __init__(self, raster: Raster, hints: Mapping[int, str]) -> None:
        moving = np.flatnonzero(raster.sums.any(axis=(1, 2, 3)))
        spread = moving[:: max(1, -(-len(moving) // _KEYS_MAX))]
        self._raster = raster
        self._keys = sorted({*spread.tolist(), *(k for k in hints if k in set(moving.tolist()))})
        self._keys = self._keys[: 2 * _KEYS_MAX]
        names = list(movements())
        self._hints = [(i, names.index(hints[k])) for i, k in enumerate(self._keys) if k in hints]
        self._fields = rig_geometry.movement_fields()[0][:, :, ::_EVERY, ::_EVERY]
        self._covered = rig_geometry.reference().fields.covered[::_EVERY, ::_EVERY]

    def score(self, at: Placement) -> float:
        """How much the keys look like movements there; high for many keys and many movements alike."""
        fields = rig_geometry.place(self._raster, at, self._keys, _EVERY)
        alike = rig_geometry.likeness(fields, self._fields, self._covered)
        best = alike.max(axis=1)
        hinted = sum(float(alike[i, movement]) for i, movement in self._hints)
        found = np.sort(alike.max(axis=0))[-len(self._keys) :]
        total = float(best.sum() + found.sum()) / 2 + _HINTED * hinted
        stretch = float(np.log(at.x_scale / at.z_scale))
        return total / (len(self._keys) + _HINTED * len(self._hints)) - _STRETCHED * stretch**2

    def starts(self) -> list[Placement]:
        """First guesses."""
        middles = np.stack(
            [_middle(self._raster.sums[k], self._raster.x, self._raster.z) for k in self._keys]
        )
        starts = []
        if len(self._hints) >= _HINTS_MIN:
            starts += self._from_hints(middles)
        centre = (self._raster.x[0] + self._raster.x[-1]) / 2
        for left_out in _LEFT_OUT:
            low, high = np.quantile(middles[:, 1], (left_out, 1 - left_out))
            for bottom, top in _STARTS_MM:
                scale = float((top - bottom) / max(high - low, 1e-9))
                shift = float(bottom - scale * low)
                starts += [Placement(-scale * a * centre, scale * a, shift, scale) for a in _ASPECTS]
        return starts

    def _from_hints(self, middles: Array) -> list[Placement]:
        mine = middles[[i for i, _ in self._hints]]
        theirs = np.stack(
            [_middle(self._fields[m], GRID_X[::_EVERY], GRID_Z[::_EVERY]) for _, m in self._hints]
        )
        z_scale, z_shift = _line(mine[:, 1], theirs[:, 1])
        x_scale, x_shift = _line(mine[:, 0], theirs[:, 0])
        if x_scale <= 0 and z_scale <= 0:
            return []
        x_scale, z_scale = (x_scale if x_scale > 0 else z_scale), (z_scale if z_scale > 0 else x_scale)
        x_shift = float(np.median(theirs[:, 0] - x_scale * mine[:, 0])) if x_shift is None else x_shift
        z_shift = float(np.median(theirs[:, 1] - z_scale * mine[:, 1])) if z_shift is None else z_shift
        return [Placement(x_shift, x_scale, z_shift, z_scale)]


def _middle(sums: FloatArray, x: Array, z: Array) -> Array:
    """Where a key moves most: float64 [2], x and z."""
    weight = np.square(sums).sum(axis=0, dtype=np.float64)
    total = max(float(weight.sum()), 1e-30)
    return np.array([weight.sum(axis=0) @ x, weight.sum(axis=1) @ z]) / total


def _line(mine: Array, theirs: Array) -> tuple[float, float | None]:
    """(scale, shift) of theirs = shift + scale * mine; (0, None) where the points do not spread."""
    spread_mm = float(np.ptp(theirs))
    if spread_mm < 20.0 or float(np.ptp(mine)) <= 0:
        return 0.0, None
    scale, shift = np.polyfit(mine, theirs, 1)
    return (float(scale), float(shift)) if scale > 0 else (0.0, None)
