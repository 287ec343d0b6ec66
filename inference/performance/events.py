"""What a performance goes by in a voice: stresses, questions, phrases and the pauses before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ..loudness import TARGET_DB
from ..visemes import VISEMES
from .stress import phrases, questions, stresses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..types import FloatArray

    Array = NDArray[np.float64]

_EDGE_S: Final = 0.4
"""So near to the edge of a window that is not an edge of the sound, silence is not known to be a pause."""
_UNHEARD_DB = (TARGET_DB - 4.0, TARGET_DB - 56.0)
_DULL_DB: Final = -20.0


@dataclass(frozen=True)
class Events:
    """Times in seconds, each array ascending."""

    stresses: Array
    """[N, 2] time and strength 0..1."""
    questions: Array
    """[M, 3] start and end of the rise, strength 0..1."""
    onsets_s: Array
    """Where phrases begin."""
    ends_s: Array
    """Where phrases end."""
    pauses: Array
    """[K, 2] start and end of the silences before phrases."""


def heard_events(
    prosody: FloatArray, visemes: FloatArray, start_s: float, rate_hz: float, *, begins: bool, ends: bool
) -> Events:
    """The events of a window of sound.

    Args:
        prosody: [T, 3], see `motion.Spoken`.
        visemes: [T, 15] posteriors.
        start_s: time of the first row.
        begins, ends: whether the window begins with the sound, and ends with it.
    """
    last_s = len(visemes) / rate_hz
    spans = phrases(visemes, rate_hz)
    pauses = np.column_stack([np.append(0.0, spans[:, 1])[:-1], spans[:, 0]])
    known = (spans[:, 0] > _EDGE_S) | begins
    stop = spans[:, 1]
    stop = stop[(stop < last_s - _EDGE_S) | ends]
    asked = questions(prosody, visemes, rate_hz)
    asked = asked[(asked[:, 1] < last_s - _EDGE_S) | ends]
    return Events(
        stresses(prosody, visemes, rate_hz) + np.array([start_s, 0.0]),
        asked + np.array([start_s, start_s, 0.0]),
        spans[known, 0] + start_s,
        stop + start_s,
        pauses[known] + start_s,
    )


def voice_of(prosody: FloatArray | None, visemes: FloatArray) -> FloatArray:
    """The prosody; where nobody measured it, that of a calm voice: no pitch, loud where there is speech."""
    if prosody is not None:
        return prosody
    silence = visemes[:, VISEMES.index("sil")]
    level = _UNHEARD_DB[0] + (_UNHEARD_DB[1] - _UNHEARD_DB[0]) * silence
    voice: FloatArray = np.column_stack([level, level + _DULL_DB, np.full(len(level), np.nan)])
    return voice.astype(np.float32)
