"""Breaths before phrases: what is seen of them on a face.

Speakers breathe in within the pauses between phrases, in about half a second, and deeper in longer pauses
(Winkworth et al. 1995; Rochet-Capellan and Fuchs 2013). The chest is not on the face: the lips part a little,
the head lifts, brows and nostrils go with it. The breath is over when the phrase begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .ease import ease

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

PAUSE_S: Final = 0.35
"""Shorter pauses are no time to breathe."""
REACH_S: Final = 1.2
"""Phrases that begin so far after a row can move it."""
CHANNELS: Final[dict[str, float]] = {
    "jawOpen": 0.05, "mouthLowerDownLeft": 0.03, "mouthLowerDownRight": 0.03, "browInnerUp": 0.05,
    "browOuterUpLeft": 0.02, "browOuterUpRight": 0.02, "noseSneerLeft": 0.03, "noseSneerRight": 0.03,
}  # fmt: skip
"""Weight of each channel in a full breath: the lips are 2 mm apart."""
PITCH_RAD: Final = -0.03
"""By how much the head lifts in a full breath."""
_LONGEST_S, _LEAVES_S, _AFTER_S = 0.7, 0.2, 0.2
_FULL_PAUSE_S: Final = 1.0
_SALT: Final = 0xB7


def breaths(times_s: Array, pauses: Array, seed: int) -> Array:
    """How far a breath is seen: float64 [T] in 0..1.

    Args:
        times_s: [T] seconds.
        pauses: [N, 2] start and end in seconds of the silences before phrases, known to `REACH_S` beyond the
            times.
        seed: how deep each breath is.
    """
    seen = np.zeros(len(times_s))
    for start_s, end_s in pauses:
        length_s = end_s - start_s
        if length_s < PAUSE_S:
            continue
        (size,) = np.random.Generator(
            np.random.PCG64([seed % 2**64, round(end_s * 1000) % 2**63, _SALT])
        ).random(1)
        depth = (0.5 + 0.5 * size) * min(1.0, length_s / _FULL_PAUSE_S) ** 0.5
        top_s = end_s - _LEAVES_S
        begin_s = max(start_s, top_s - _LONGEST_S)
        first, last = np.searchsorted(times_s, (begin_s, top_s + _AFTER_S))
        at_s = times_s[first:last]
        rise, fall = (at_s - begin_s) / (top_s - begin_s), (top_s + _AFTER_S - at_s) / _AFTER_S
        np.maximum(seen[first:last], depth * ease(rise) * ease(fall), out=seen[first:last])
    return seen
