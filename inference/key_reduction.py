"""Fewer keys: dense curves as smooth Bezier curves that stay within an error bound on every frame.

Keys stand on frames of the dense curve and keep its value there; between them runs a cubic whose slopes are
fitted by least squares. Handles reach a third of the way to the next key, so that the curve is a polynomial
in time and what is measured here is what Blender shows. Every peak and every trough is a key with (nearly)
level handles: nothing overshoots, and closures and blinks keep their full depth. Where the error exceeds the
bound, a key is added at its largest value (Douglas & Peucker, 1973, with cubics for lines).
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .types import FloatArray

    Doubles = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

TOLERANCE: Final = 0.005
"""Largest error of a frame by default: half a percent of a shape key's range."""
_SWEEPS = 6  # of the slope fit; each takes away two thirds of what is left, and the error is measured anyway
_SLACK = 0.98  # of the tolerance: Blender evaluates in 32 bits
_SWING = 4.0  # bounds per frame: two ends that lean so far lift the cubic between them by one bound
_KNOWN_MAX = 500_000  # keys that are remembered: 12 MB
_TILT = 3.0  # bounds per frame: a peak that lies between two frames may be left with so small a slope


@dataclass(frozen=True)
class Keys:
    """Keys of one curve: `frames` ascending, `values`, and `slopes` per frame, all float64 [K]."""

    frames: Doubles
    values: Doubles
    slopes: Doubles


def reduce_keys(
    frames: Doubles, values: FloatArray, tolerance: float | Doubles = TOLERANCE, keep: Mask | None = None
) -> list[Keys]:
    """Thin dense curves that share their frames.

    Args:
        frames: [N] ascending, whole or not; at least one.
        values: [N, C], one column per curve.
        tolerance: largest error on a frame, above 0; [N, C] for one bound per value.
        keep: [N, C], where a key has to stand.

    Returns:
        C curves. A curve that varies by less than the tolerance has one key.

    Raises:
        ValueError: frames that do not ascend, or a tolerance that is not above 0.
    """
    count, curves = values.shape
    if count == 0 or (np.diff(frames) <= 0).any():
        raise ValueError("frames must ascend, and there must be one")
    bound = np.broadcast_to(np.asarray(tolerance, np.float64), values.shape)
    if not (bound > 0).all():
        raise ValueError("the tolerance must be above 0")
    exact = values.astype(np.float64)
    keep = np.zeros(values.shape, bool) if keep is None else keep
    middle = (exact.max(axis=0) + exact.min(axis=0)) / 2
    still = (np.abs(exact - middle) <= bound * _SLACK).all(axis=0) & ~keep.any(axis=0)
    moving = np.flatnonzero(~still)
    zero = np.zeros(1)
    made = [Keys(frames[:1].astype(np.float64), middle[c : c + 1], zero) for c in range(curves)]
    if len(moving) and count > 1:
        signs = [_sign(frames, exact[:, c], bound[:, c], keep[:, c]) for c in moving]
        known = _KNOWN.find(signs)
        new = moving[[keys is None for keys in known]]
        for curve, keys in zip(moving, known, strict=True):
            made[curve] = keys or made[curve]
        if len(new):
            thinned = _Thinning(frames.astype(np.float64), exact[:, new], bound[:, new], keep[:, new])
            for curve, keys in zip(new, thinned.run(), strict=True):
                made[curve] = keys
        _KNOWN.keep(signs, [made[curve] for curve in moving])
    elif count == 1:
        made = [Keys(frames.astype(np.float64), exact[:, c], zero) for c in range(curves)]
    return made


def _sign(*columns: np.ndarray[Any, Any]) -> bytes:
    """What tells one curve from all others."""
    digest = hashlib.blake2b(digest_size=16)
    for column in columns:
        digest.update(np.ascontiguousarray(column).data)
    return digest.digest()


class _Known:
    """Curves that were thinned lately: a slider moves a few of all the curves of a character.

    What a curve becomes does not depend on the others, so it may be taken from here.
    """

    def __init__(self) -> None:
        self._keys: OrderedDict[bytes, Keys] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()  # lines are also made in threads

    def find(self, signs: Sequence[bytes]) -> list[Keys | None]:
        with self._lock:
            return [self._keys.get(sign) for sign in signs]

    def keep(self, signs: Sequence[bytes], curves: Sequence[Keys]) -> None:
        with self._lock:
            for sign, keys in zip(signs, curves, strict=True):
                if sign not in self._keys:
                    self._size += len(keys.frames)
                    self._keys[sign] = keys
                self._keys.move_to_end(sign)
            while self._size > _KNOWN_MAX:
                self._size -= len(self._keys.popitem(last=False)[1].frames)


_KNOWN = _Known()


class _Thinning:
    """All curves behind one another in one long row, so that every pass is a few operations on arrays."""

    def __init__(self, frames: Doubles, values: Doubles, bound: Doubles, keep: Mask) -> None:
        self._count, self._curves = values.shape
        self._x = np.tile(frames, self._curves)
        self._y = values.T.ravel()
        self._bound = (bound.T * _SLACK).ravel()
        self._first = np.arange(self._curves) * self._count
        self._level = _extrema(values, bound).T.ravel()
        self._key = self._level | keep.T.ravel()
        self._key[self._first] = self._key[self._first + self._count - 1] = True
        self._steepest = np.where(self._level, _TILT * self._bound, np.inf)

    def run(self) -> list[Keys]:
        while True:
            at, slopes, worst = self._fit()
            if not len(worst):
                return self._keys(at, slopes)
            self._key[worst] = True

    def _fit(self) -> tuple[Integers, Doubles, Integers]:
        """Positions of the keys, their slopes, and where a key is missing."""
        at = np.flatnonzero(self._key)
        width = np.diff(self._x[at])
        segment = np.cumsum(self._key) - 1
        inner = np.flatnonzero(~self._key)
        segment = segment[inner]
        start = at[segment]
        h, y0, y1 = width[segment], self._y[start], self._y[at[segment + 1]]
        u = (self._x[inner] - self._x[start]) / h
        v = 1.0 - u
        left, right = h * u * v * v, -h * u * u * v  # what a slope of 1 at either end adds
        rest = self._y[inner] - (y0 + (y1 - y0) * u * u * (3.0 - 2.0 * u))
        slopes = self._slopes(at, segment, left, right, rest)
        error = np.abs(rest - left * slopes[segment] - right * slopes[segment + 1]) - self._bound[inner]
        return at, slopes, _worst(inner, segment, error)

    def _slopes(
        self, at: Integers, segment: Integers, left: Doubles, right: Doubles, rest: Doubles
    ) -> Doubles:
        """Least squares, one slope per key, by Gauss-Seidel over odd and even keys."""
        keys = len(at)

        def total(values: Doubles) -> Doubles:
            summed: Doubles = np.bincount(segment, values, keys).astype(np.float64)
            return summed

        both, goal_left, goal_right = total(left * right), total(left * rest), total(right * rest)
        diagonal = total(left * left)
        goal = goal_left.copy()
        diagonal[1:] += total(right * right)[:-1]
        goal[1:] += goal_right[:-1]
        free, (lowest, highest) = diagonal > 1e-12, self._limits(at)
        neighbour = np.concatenate([[0.0], both, [0.0]])  # [k] couples key k - 1 with k; 0 across curves
        slopes = np.zeros(keys + 2)
        # Odd and even within each curve: what one curve becomes must not depend on the others.
        odd = (np.arange(keys) - np.searchsorted(at, self._first)[at // self._count]) % 2 == 1
        groups = [np.flatnonzero(free & (odd == which)) for which in (False, True)]
        for _ in range(_SWEEPS):
            for k in groups:
                pull = neighbour[k] * slopes[k] + neighbour[k + 1] * slopes[k + 2]
                slopes[k + 1] = np.clip((goal[k] - pull) / diagonal[k], lowest[k], highest[k])
        k = np.flatnonzero(~self._level[at] & ~free)  # between two neighbours no frame tells a slope
        k = k[(at[k] % self._count > 0) & (at[k] % self._count < self._count - 1)]
        across = (self._y[at[k + 1]] - self._y[at[k - 1]]) / (self._x[at[k + 1]] - self._x[at[k - 1]])
        slopes[k + 1] = np.clip(across, lowest[k], highest[k])
        return slopes[1:-1]

    def _limits(self, at: Integers) -> tuple[Doubles, Doubles]:
        """Lowest and highest slope of every key.

        Between keys on neighbouring frames nothing is measured: there the curve must not swing out by more
        than the bound (Fritsch & Carlson, 1980: no slope beyond three times that of the line between them).
        """
        highest = self._steepest[at].copy()
        lowest = -highest
        first = np.flatnonzero((np.diff(at) == 1) & (at[1:] % self._count > 0))
        line = (self._y[at[first + 1]] - self._y[at[first]]) / (self._x[at[first + 1]] - self._x[at[first]])
        for k in (first, first + 1):
            spare = _SWING * self._bound[at[k]]
            lowest[k] = np.maximum(lowest[k], np.minimum(3.0 * line, 0.0) - spare)
            highest[k] = np.minimum(highest[k], np.maximum(3.0 * line, 0.0) + spare)
        return lowest, highest

    def _keys(self, at: Integers, slopes: Doubles) -> list[Keys]:
        ends = np.searchsorted(at, [*self._first, self._count * self._curves])
        return [Keys(self._x[at[a:b]], self._y[at[a:b]], slopes[a:b]) for a, b in pairwise(ends)]


def _worst(inner: Integers, segment: Integers, error: Doubles) -> Integers:
    """Per segment with an error above 0 the position of the largest one."""
    wrong = np.flatnonzero(error > 0.0)
    order = wrong[np.lexsort((-error[wrong], segment[wrong]))]
    first = np.ones(len(order), bool)
    first[1:] = segment[order[1:]] != segment[order[:-1]]
    at: Integers = inner[order[first]]
    return at


def _extrema(values: Doubles, bound: Doubles) -> Mask:
    """[N, C]: peaks and troughs that stand out by more than the bound, on their first frame."""
    mask = np.zeros(values.shape, bool)
    step = np.diff(values, axis=0)
    for curve in range(values.shape[1]):
        moves = np.flatnonzero(step[:, curve])
        if len(moves) < 2:
            continue
        turn = np.flatnonzero(np.sign(step[moves[1:], curve]) != np.sign(step[moves[:-1], curve]))
        candidates = np.concatenate([[0], moves[turn] + 1, [len(values) - 1]])
        mask[_prominent(values[candidates, curve], bound[candidates, curve], candidates), curve] = True
    return mask


def _prominent(values: Doubles, bound: Doubles, at: Integers) -> Integers:
    """Drop each swing within the bound that lies between two larger ones (rainflow, four points a time)."""
    heights, bounds = values.tolist(), bound.tolist()
    kept: list[int] = []
    for i in range(len(heights)):
        kept.append(i)
        while len(kept) > 3:
            a, b, c, d = (heights[k] for k in kept[-4:])
            swing = abs(c - b)
            if swing > bounds[kept[-2]] or swing > abs(b - a) or swing > abs(d - c):
                break
            del kept[-3:-1]
    return at[kept[1:-1]]
