"""Brows that go with the voice: raised on some stressed syllables and towards the end of questions.

Brow movements fall on accents, but only a part of the accents has one (Cave et al. 1996; Flecha-Garcia 2010);
they begin a little before the syllable, and brows that frown drop where others rise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .ease import ease

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

REACH_S: Final = 1.2
"""What happens so far before or after a row can move the brows in it."""
RAISES: Final[dict[str, float]] = {
    "browInnerUp": 0.8, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0,
    "eyeWideLeft": 0.12, "eyeWideRight": 0.12,
}  # fmt: skip
"""Weight of each channel where the brows are raised by 1."""
LOWERS: Final[dict[str, float]] = {"browDownLeft": 0.8, "browDownRight": 0.8}
_SHARE: Final = 0.75
"""Share of the strongest syllables that move the brows."""
_LEAST, _MORE = 0.08, 0.2
_RISE_S, _HOLD_S, _FALL_S = 0.18, 0.06, 0.38
_LEAD_S: Final = 0.06
_ASKING: Final = 0.28
_ASK_RISE_S, _ASK_AFTER_S, _ASK_FALL_S = 0.45, 0.25, 0.6
_SALT: Final = 0xB0


def accents(times_s: Array, stresses: Array, questions: Array, seed: int) -> Array:
    """How far the voice moves the brows: float64 [T] in 0..1.

    Args:
        times_s: [T] seconds.
        stresses: [N, 2] time in seconds and strength 0..1 of syllables, known to `REACH_S` beyond the times.
        questions: [M, 3] start, end in seconds and strength of rises at the end of questions.
        seed: which of the syllables move the brows, and how far.
    """
    moved = np.zeros(len(times_s))
    for at_s, strength in stresses:
        chance, size = _draw(seed, at_s)
        if chance < _SHARE * strength**0.5:
            peak = strength * (_LEAST + _MORE * size)
            start_s = at_s - _LEAD_S - _RISE_S
            _raise(moved, times_s, (start_s, at_s - _LEAD_S, at_s - _LEAD_S + _HOLD_S, _FALL_S), peak)
    for start_s, end_s, strength in questions:
        top_s = min(start_s + _ASK_RISE_S, end_s)
        peak = strength * _ASKING * (0.7 + 0.3 * _draw(seed, start_s)[1])
        _raise(moved, times_s, (top_s - _ASK_RISE_S, top_s, end_s + _ASK_AFTER_S, _ASK_FALL_S), peak)
    return moved


def _raise(moved: Array, times_s: Array, shape: tuple[float, float, float, float], peak: float) -> None:
    """Raise to `peak`, in place; `shape`: start, top, end of the top in seconds, time to fall."""
    start_s, top_s, end_s, fall_s = shape
    first, last = np.searchsorted(times_s, (start_s, end_s + fall_s))
    at_s = times_s[first:last]
    up = ease((at_s - start_s) / (top_s - start_s)) * ease((end_s + fall_s - at_s) / fall_s)
    np.maximum(moved[first:last], peak * up, out=moved[first:last])


def _draw(seed: int, at_s: float) -> Array:
    """Two numbers 0..1 that belong to a moment, whatever else happens before it."""
    return np.random.Generator(np.random.PCG64([seed % 2**64, round(at_s * 1000) % 2**63, _SALT])).random(2)
