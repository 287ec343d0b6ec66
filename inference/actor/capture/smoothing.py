"""Taking the tracker's shake out of series without making closures shallow.

A penalised spline per series (Whittaker 1923), solved by the cosine transform; how stiff it is follows from
the series itself by generalised cross-validation (Garcia, Computational Statistics & Data Analysis 2010):
jaw and lips move far beyond the shake and are hardly touched, what is mostly shake becomes smooth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..crop import shots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...types import FloatArray

    Rows = NDArray[np.float64]

STIFFNESS: Final = np.geomspace(0.003, 300.0, 41)
"""What is tried: penalties of the second difference, at the plate's own rate."""


def stiffness(pieces: Sequence[NDArray[Any]]) -> Rows:
    """The penalty per column, float64 [C], of several shots [T, C] of the same series."""
    pieces = [piece for piece in pieces if len(piece) >= 8]
    columns = pieces[0].shape[1] if pieces else 0
    scores = np.zeros((len(STIFFNESS), columns))
    for piece in pieces:
        power = np.square(_dct(np.asarray(piece, np.float64)))
        bend = _bend(len(piece))
        for row, penalty in enumerate(STIFFNESS):
            kept = 1.0 / (1.0 + penalty * bend)
            lost = ((1.0 - kept)[:, None] ** 2 * power).mean(0)
            # Errors that last for two frames look like movement: 1.3 counts them as what they are.
            freedom = 1.0 - min(1.3 * kept.mean(), 0.999)
            scores[row] += len(piece) * np.log(np.maximum(lost, 1e-12) / freedom**2)
    return np.asarray(STIFFNESS[np.argmin(scores, 0)], np.float64) if columns else np.zeros(0)


def smoothed(values: NDArray[Any], penalties: Rows, cuts: Sequence[int] = ()) -> FloatArray:
    """float32 [T, C], smoothed column by column with no lag; nothing is smoothed across cuts."""
    out = np.array(values, np.float64)
    for first, stop in shots(cuts, len(out)):
        if stop - first < 3:
            continue
        kept = 1.0 / (1.0 + _bend(stop - first)[:, None] * penalties)
        out[first:stop] = _dct(kept * _dct(out[first:stop]), inverse=True)
    return np.asarray(out, np.float32)


def bridged(values: NDArray[Any], known: NDArray[np.bool_]) -> FloatArray:
    """float32 [T, ...] whose unknown rows lie on straight lines between the known ones.

    Raises:
        ValueError: no row is known.
    """
    where = np.flatnonzero(known)
    if not len(where):
        raise ValueError("at least one row must be known")
    out = np.array(values, np.float32)
    missing = np.flatnonzero(~known)
    if len(missing):
        right = np.clip(np.searchsorted(where, missing), 1, max(1, len(where) - 1))
        low, high = where[right - 1], where[np.minimum(right, len(where) - 1)]
        share = np.clip((missing - low) / np.maximum(high - low, 1), 0.0, 1.0)
        share = np.asarray(share, np.float32).reshape(-1, *[1] * (out.ndim - 1))
        out[missing] = out[low] * (1 - share) + out[high] * share
    return out


def _bend(count: int) -> Rows:
    """Squared size of the second difference of each cosine."""
    return np.asarray(np.square(2.0 - 2.0 * np.cos(np.pi * np.arange(count) / count)))


def _dct(values: Rows, *, inverse: bool = False) -> Rows:
    """The orthonormal cosine transform (DCT-II, or back) down the columns, by an FFT of twice the length."""
    count = len(values)
    turn = np.exp(-0.5j * np.pi * np.arange(count) / count)[:, None]
    scale = np.full((count, 1), np.sqrt(2.0 / count))
    scale[0] = np.sqrt(1.0 / count)
    if not inverse:
        twice = np.concatenate([values, values[::-1]])
        return np.asarray((np.fft.fft(twice, axis=0)[:count] * turn).real * scale / 2.0)
    full = np.zeros((2 * count, values.shape[1]), complex)
    full[:count] = values / scale / turn
    full[count + 1 :] = np.conj(full[1:count][::-1])
    return np.asarray(np.fft.ifft(full, axis=0)[:count].real * 2.0)
