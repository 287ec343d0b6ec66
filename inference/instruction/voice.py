"""How a voice sounds, phrase by phrase: the measures that vocal emotion is judged by.

The measures are those of Banse and Scherer (1996, J. Pers. Soc. Psychol. 70) and Juslin and Laukka (2003,
Psychol. Bull. 129) as far as level, pitch and viseme posteriors at 50 Hz give them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ..visemes import VISEMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..types import FloatArray

    Array = NDArray[np.float64]

RATE_HZ: Final = 50
FEATURES: Final[tuple[str, ...]] = (
    "pitch_lift", "pitch_range", "pitch_slope", "level", "level_range", "brightness", "rate", "pauses",
    "breathing", "breath_level",
)  # fmt: skip
_VOWELS: Final = [VISEMES.index(name) for name in ("aa", "E", "I", "O", "U")]
_SILENCE: Final = VISEMES.index("sil")
_QUIET_DB: Final = 30.0
"""Frames so far below the loud ones (90th percentile) are no speech, whatever the visemes say."""
_PAUSE_FRAMES: Final = 10
"""0.2 s: shorter silences are closures of stops."""
_PAUSE_COUNTS: Final = 100
"""2 s: a longer silence is not part of speaking."""
_WINDOW_S: Final = (2.0, 6.0)
_LEAST_VOICED_S: Final = 0.8
"""A phrase with less voice, one word, says nothing about feelings."""
_FLOOR_PERCENTILE: Final = 10
_OCTAVE_OFF: Final = 0.75
"""Octaves from the speaker's median beyond which a pitch is taken for an error of the measurement."""


@dataclass(frozen=True)
class Phrase:
    """One stretch of speech: `measures` float64 [10] in the order of `FEATURES`.

    pitch_lift: semitones of its median pitch above the speaker's floor; pitch_range: semitones, 10th to 90th
    percentile; pitch_slope: semitones per second; level: dB against the recording's median speech;
    level_range: standard deviation in dB; brightness: dB above 3 kHz against all, against the recording's
    median; rate: vowels per second of speech; pauses: share of time, with the pause after the phrase;
    breathing: pauses of 0.2 s and more per second of speech, likewise; breath_level: dB of the pauses against
    the speech around them, NaN where there are none.
    """

    start_s: float
    end_s: float
    voiced_s: float
    measures: Array


def phrases(prosody: FloatArray, visemes: FloatArray) -> tuple[Phrase, ...]:
    """The phrases of a recording that are long enough to judge, in order.

    Args:
        prosody: float32 [T, 3] at 50 Hz, see `suggestion.suggest`.
        visemes: float32 [T, 15] in the same frames.
    """
    length = min(len(prosody), len(visemes))
    level, high, pitch = np.asarray(prosody[:length], np.float64).T
    speech = _speech(level, np.asarray(visemes[:length]))
    voiced = speech & np.isfinite(pitch)
    if voiced.sum() < _LEAST_VOICED_S * RATE_HZ:
        return ()
    semitones = 12.0 * (pitch - np.median(pitch[voiced]))
    voiced &= np.abs(semitones) < 12.0 * _OCTAVE_OFF
    floor = np.percentile(semitones[voiced], _FLOOR_PERCENTILE)
    usual = np.median(level[speech]), np.median((high - level)[voiced])
    vowels = _vowel_starts(np.asarray(visemes[:length]), speech)
    found = []
    windows = _windows(speech)
    for number, (start, end) in enumerate(windows):
        inside = slice(start, end)
        after = windows[number + 1][0] if number + 1 < len(windows) else end
        until = min(after, end + _PAUSE_COUNTS)
        voiced_s = float(voiced[inside].sum()) / RATE_HZ
        if voiced_s < _LEAST_VOICED_S:
            continue
        measures = _pitch_measures(semitones[inside], voiced[inside], float(floor))
        measures += _level_measures(level[inside], high[inside], speech[inside], voiced[inside], usual)
        measures += _time_measures(speech[start:until], vowels[inside])
        measures.append(_breath_level(level[start:until], speech[start:until]))
        found.append(Phrase(start / RATE_HZ, end / RATE_HZ, voiced_s, np.array(measures)))
    return tuple(found)


def _speech(level: Array, visemes: FloatArray) -> NDArray[np.bool_]:
    """Frames in which somebody speaks; gaps shorter than a pause belong to it."""
    if not len(level):
        return np.zeros(0, bool)
    speaks = (visemes[:, _SILENCE] < 0.5) & (level > np.percentile(level, 90) - _QUIET_DB) & (level > -70.0)
    for start, end in _runs(~speaks):
        if start > 0 and end < len(speaks) and end - start < _PAUSE_FRAMES:
            speaks[start:end] = True
    return np.asarray(speaks)


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and one past the last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _windows(speech: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Spans of 2 to 6 s that begin and end with speech, cut in pauses where there are any."""
    shortest, longest = (int(s * RATE_HZ) for s in _WINDOW_S)
    windows: list[tuple[int, int]] = []
    for start, end in _runs(speech):
        while end - start > longest:  # someone who does not pause
            windows.append((start, start + longest))
            start += longest
        if windows:
            before, until = windows[-1]
            apart = start - until >= 3 * _PAUSE_FRAMES and until - before >= shortest
            if not apart and end - before <= longest and until - before < shortest + _PAUSE_FRAMES * 10:
                windows[-1] = (before, end)
                continue
        windows.append((start, end))
    return windows


def _vowel_starts(visemes: FloatArray, speech: NDArray[np.bool_]) -> NDArray[np.bool_]:
    vowel = (visemes[:, _VOWELS].sum(axis=1) > 0.5) & speech
    starts: NDArray[np.bool_] = vowel & ~np.concatenate([[False], vowel[:-1]])
    return starts


def _pitch_measures(semitones: Array, voiced: NDArray[np.bool_], floor: float) -> list[float]:
    known = semitones[voiced]
    times = np.flatnonzero(voiced) / RATE_HZ
    low, middle, high = np.percentile(known, [10, 50, 90])
    slope = np.polyfit(times, known, 1)[0] if len(known) > 2 else 0.0
    return [float(middle - floor), float(high - low), float(slope)]


def _level_measures(
    level: Array,
    high: Array,
    speech: NDArray[np.bool_],
    voiced: NDArray[np.bool_],
    usual: tuple[float, float],
) -> list[float]:
    loud = level[speech]
    bright = np.median((high - level)[voiced])
    return [float(np.median(loud) - usual[0]), float(loud.std()), float(bright - usual[1])]


def _time_measures(speech: NDArray[np.bool_], vowels: NDArray[np.bool_]) -> list[float]:
    spoken_s = max(1, int(speech.sum())) / RATE_HZ
    pauses = [end - start for start, end in _runs(~speech)]
    return [float(vowels.sum()) / spoken_s, sum(pauses) / len(speech), len(pauses) / spoken_s]


def _breath_level(level: Array, speech: NDArray[np.bool_]) -> float:
    if speech.all():
        return np.nan
    return float(np.percentile(level[~speech], 75) - np.median(level[speech]))
