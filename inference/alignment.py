"""When each sound of speech is said, from the model's own viseme posteriors: with a known text, or without.

With a text it is forced alignment: the likeliest monotonic path through the phones (Viterbi, 1967; posteriors
over priors as scaled likelihoods: Bourlard & Morgan, Connectionist Speech Recognition, 1994). Without one it
is the likeliest sequence of classes in which every change has a price.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np

from .visemes import UNKNOWN, VISEMES, Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .types import FloatArray

PRIORS: Final = np.array(
    [0.20, 0.055, 0.033, 0.014, 0.07, 0.035, 0.026, 0.105, 0.082, 0.03, 0.11, 0.09, 0.075, 0.033, 0.042],
    np.float32,
)
"""Share of each class in read speech: mean posteriors of the model over English and Mandarin recordings."""
CHANGE_COST: Final = 2.5
"""Price of a change of class in `decode`, in nats: about a frame and a half of clear evidence."""
MIN_FRAMES: Final = 2
"""Frames that a phone of a known text lasts at least (40 ms at 50 Hz)."""
MISFIT: Final = 1.0
"""Nats per spoken frame that a text may score below what was heard freely. Measured on 77 English recordings:
the right text 0.8 at most, another one of the same length 1.2 and more in 95 of 100 cases."""
MISFIT_PART: Final = 1.8
"""The same for `PART_PHONES` phones in a row: 1.7 at most in the right text, 2.0 and more in a foreign
sentence inside it."""
PART_PHONES: Final = 10
LOOKAHEAD_S: Final = 0.4
"""Sound after a frame that `SegmentStream` waits for before it says what the frame is."""
LONGEST_S: Final = 2.0
"""`SegmentStream` cuts longer runs, so that a long silence does not hold up what waits for its end."""

_SIL: Final = VISEMES.index("sil")
_FLOOR: Final = 0.01
"""Share of chance that is mixed into the posteriors: one frame that the model gets wrong is no veto."""
_BAND = 6_000
"""States that are followed at a time (some three minutes of speech): a longer text moves through them."""
_BLOCK = 512
"""Frames between the scores that are kept; the way back through a block is computed again from them."""
_OUT = np.float32(-1e30)


class TextDoesNotFit(ValueError):  # noqa: N818 - a finding, which callers turn into a notice
    """The phones cannot be what is said in the sound."""


def align(visemes: FloatArray, words: Sequence[Sequence[int]], rate_hz: float) -> list[Segment]:
    """Forced alignment: when each phone of a known text is said.

    Silence may lie before, between and after the words; inside a word there is none. Every phone lasts at
    least `MIN_FRAMES`; phones of class `UNKNOWN` match any sound.

    Args:
        visemes: float32 [T, 15] posteriors, columns of `VISEMES`.
        words: viseme class of every phone, word by word.
        rate_hz: frames per second.

    Returns:
        The phones in their order and the silences between them, without gaps, from 0 to T / rate_hz seconds.
        Phones of a part that is not what is heard (`MISFIT_PART`) come as `UNKNOWN`.

    Raises:
        TextDoesNotFit: there are no phones, they need more frames than there are, or their path scores more
            than `MISFIT` nats per spoken frame below the best classes without a text.
    """
    words = [word for word in words if len(word)]
    if not words:
        raise TextDoesNotFit("the text has no phones")
    labels, first, skips = _states(words)
    if len(visemes) < MIN_FRAMES * sum(map(len, words)):
        raise TextDoesNotFit("the text has more phones than the sound has room for")
    scores = _log_ratios(visemes)
    emissions = np.concatenate([scores, np.zeros((len(scores), 1), np.float32)], axis=1)  # -1: UNKNOWN
    path = _best_path(emissions, labels, first, skips)
    if path is None:
        raise TextDoesNotFit("the text and the sound part ways")
    frames = np.arange(len(visemes))
    free = _viterbi_classes(scores)
    spoken = (free != _SIL) | (labels[path] != _SIL)
    lost = scores[frames, free] - emissions[frames, labels[path]]
    if spoken.any() and float(lost[spoken].mean()) > MISFIT:
        raise TextDoesNotFit("what is heard is far from the text")
    phone = np.cumsum(first, dtype=np.int64)[path]
    told = np.where(_misfits(phone, labels[path], lost), UNKNOWN, labels[path])
    return _segments(phone, told, rate_hz)


def decode(visemes: FloatArray, rate_hz: float) -> list[Segment]:
    """What is said without knowing the text: runs of the likeliest classes, [T, 15] -> segments without gaps.

    The same as `SegmentStream` gives piece by piece.
    """
    stream = SegmentStream(rate_hz)
    return stream.feed(visemes) + stream.finish()


class SegmentStream:
    """`decode` for posteriors that arrive piece by piece; memory is bounded, and no cut changes the result.

    A frame's class is decided `LOOKAHEAD_S` later, by the path that is best at that moment.

    Args:
        rate_hz: frames per second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._lookahead = max(1, round(LOOKAHEAD_S * rate_hz))
        self._longest = max(1, round(LONGEST_S * rate_hz))
        self._score = np.zeros(len(VISEMES), np.float32)
        self._behind = np.zeros((0, len(VISEMES)), np.int8)
        """For the frames not decided yet: best class one frame earlier, for every class."""
        self._run_class, self._run_start, self._decided = _SIL, 0, 0

    @property
    def known_until_s(self) -> float:
        """Up to here the segments are complete: the start of the run that is still open."""
        return self._run_start / self._rate_hz

    def feed(self, visemes: FloatArray) -> list[Segment]:
        """Add posteriors, float32 [T, 15]; returns the segments that are now complete."""
        behind, best = _advance(self._score, _log_ratios(visemes))
        known = len(self._behind)
        self._behind = np.concatenate([self._behind, behind])
        ready = max(0, len(self._behind) - self._lookahead)
        last = self._lookahead + np.arange(ready)  # the frame that decides each of those that are ready
        labels = best[last - known]
        for back in range(self._lookahead):
            labels = self._behind[last - back, labels]
        self._behind = self._behind[ready:]
        return [segment for label in labels.tolist() for segment in self._decide(label)]

    def finish(self) -> list[Segment]:
        """The segments up to the end of the sound. The stream ends here."""
        labels = _way_back(self._behind, int(np.argmax(self._score)))
        self._behind = self._behind[:0]
        return [segment for label in labels for segment in self._decide(label)] + self._close()

    def _decide(self, label: int) -> list[Segment]:
        done = []
        if label != self._run_class or self._decided - self._run_start >= self._longest:
            done = self._close()
            self._run_class = label
        self._decided += 1
        return done

    def _close(self) -> list[Segment]:
        start, self._run_start = self._run_start, self._decided
        if start == self._decided:
            return []
        return [Segment(start / self._rate_hz, self._decided / self._rate_hz, self._run_class)]


def _log_ratios(visemes: FloatArray) -> FloatArray:
    """Posteriors over priors, in nats, float32 [T, 15]: proportional to the likelihood of the sound."""
    if not len(visemes):
        return np.zeros((0, len(VISEMES)), np.float32)
    ratios: FloatArray = np.log(_FLOOR + (1.0 - _FLOOR) * visemes / PRIORS, dtype=np.float32)
    return ratios


def _advance(score: FloatArray, ratios: FloatArray) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Frames on, `score` in place.

    Returns:
        int8 [T, 15], the best class one frame earlier for every class; int8 [T], the best class in each.
    """
    best = np.zeros(len(ratios) + 1, np.int8)
    stays = np.zeros(ratios.shape, np.bool_)
    best[0] = score.argmax()
    for i, row in enumerate(ratios):
        highest = score[best[i]]
        change = highest - np.float32(CHANGE_COST)
        np.greater_equal(score, change, out=stays[i])
        np.maximum(score, change, out=score)
        score += row - highest  # kept near 0: a float32 sum over hours would lose its digits
        best[i + 1] = score.argmax()
    behind = np.where(stays, np.arange(len(score), dtype=np.int8), best[:-1, None])
    return behind, best[1:]


def _way_back(behind: NDArray[np.int8], label: int) -> list[int]:
    """The classes of frames on the best path that ends in class `label`."""
    labels = []
    for row in behind[::-1].tolist():
        labels.append(label)
        label = row[label]
    return labels[::-1]


def _viterbi_classes(scores: FloatArray) -> NDArray[np.int64]:
    """The whole best path of `decode`'s model, int64 [T]."""
    score = np.zeros(scores.shape[1], np.float32)
    behind, _ = _advance(score, scores)
    return np.array(_way_back(behind, int(np.argmax(score))), np.int64)


def _states(
    words: Sequence[Sequence[int]],
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """The chain of states: silence, then per word `MIN_FRAMES` states per phone and a silence.

    Returns:
        Per state its class (-1 for any), whether a new segment begins in it, and whether the state before it
        (a silence) may be left out.
    """
    labels, first, skips = [_SIL], [True], [False]
    for word in words:
        for i, label in enumerate(word):
            labels += [label] * MIN_FRAMES
            first += [True] + [False] * (MIN_FRAMES - 1)
            skips += [i == 0] + [False] * (MIN_FRAMES - 1)
        labels.append(_SIL)
        first.append(True)
        skips.append(False)
    return np.array(labels), np.array(first), np.array(skips)


def _best_path(
    emissions: FloatArray, labels: NDArray[np.int64], first: NDArray[np.bool_], skips: NDArray[np.bool_]
) -> NDArray[np.int64] | None:
    """State of every frame, int64 [T], or None where no path reaches the end inside the band.

    Steps are 0 (stay; not in the states of a phone's minimum but its last), 1, or 2 over a silence.
    """
    last_of_phone = np.append(first[1:], True)
    stays = np.where(last_of_phone, np.float32(0.0), _OUT)
    over = np.where(skips, np.float32(0.0), _OUT)
    width = min(_BAND, len(labels))
    score, low = np.full(width, _OUT), 0
    score[0] = 0.0  # the state before the first frame: a stay in the first silence, or a step out of it
    kept: list[tuple[FloatArray, int]] = []
    for start in range(0, len(emissions), _BLOCK):
        score, low = _moved(score, low, len(labels))
        kept.append((score, low))
        window = slice(low, low + width)
        score, _ = _forward(
            emissions[start : start + _BLOCK], score, labels[window], stays[window], over[window]
        )
    state = _end_state(score, low, len(labels))
    if state is None:
        return None
    path = np.zeros(len(emissions), np.int64)
    for block in range(len(kept) - 1, -1, -1):
        score, low = kept[block]
        window, start = slice(low, low + width), block * _BLOCK
        part = emissions[start : start + _BLOCK]
        _, steps = _forward(part, score, labels[window], stays[window], over[window])
        for i in range(len(part) - 1, -1, -1):
            path[start + i] = state
            state -= int(steps[i, state - low])
    return path


def _moved(score: FloatArray, low: int, states: int) -> tuple[FloatArray, int]:
    """The band around the best state of now, and the scores in it."""
    width = len(score)
    new = int(np.clip(low + int(np.argmax(score)) - width // 2, low, states - width))
    moved = np.full(width, _OUT)
    moved[: width - (new - low)] = score[new - low :]
    return moved, new


def _forward(
    emissions: FloatArray, score: FloatArray, labels: NDArray[np.int64], stays: FloatArray, over: FloatArray
) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Scores after these frames, float32 [S], and the step that led into every state, uint8 [T, S]."""
    steps = np.zeros((len(emissions), len(labels)), np.uint8)
    for row, step in zip(emissions, steps, strict=True):
        best = score + stays
        from_one, from_two = np.full_like(score, _OUT), np.full_like(score, _OUT)
        from_one[1:] = score[:-1]
        from_two[2:] = score[:-2] + over[2:]
        np.copyto(step, np.uint8(1), where=from_one > best)
        best = np.maximum(best, from_one)
        np.copyto(step, np.uint8(2), where=from_two > best)
        score = np.maximum(np.maximum(best, from_two) + row[labels], _OUT)
        score -= max(score.max(), np.float32(_OUT / 2))
    return score, steps


def _end_state(score: FloatArray, low: int, states: int) -> int | None:
    """The better of the last phone and the silence after it."""
    ends = [(float(score[i - low]), i) for i in (states - 2, states - 1) if 0 <= i - low < len(score)]
    best = max(ends, default=(float(_OUT), 0))
    return best[1] if best[0] > _OUT / 2 else None


def _misfits(phone: NDArray[np.int64], labels: NDArray[np.int64], lost: FloatArray) -> NDArray[np.bool_]:
    """Frames of phones in a run of `PART_PHONES` that is far from what is heard, bool [T]."""
    spoken = labels != _SIL
    _, number = np.unique(phone[spoken], return_inverse=True)
    count = int(number.max()) + 1
    window = np.ones(min(PART_PHONES, count))
    part_lost = np.convolve(np.bincount(number, lost[spoken]), window, "valid")
    part_frames = np.convolve(np.bincount(number), window, "valid")
    bad = np.convolve(part_lost > MISFIT_PART * part_frames, window) > 0.5
    frames = np.zeros(len(phone), bool)
    frames[spoken] = bad[number]
    return frames


def _segments(phone: NDArray[np.int64], labels: NDArray[np.int64], rate_hz: float) -> list[Segment]:
    segments, start = [], 0
    for _, run in groupby(phone.tolist()):
        end = start + len(list(run))
        segments.append(Segment(start / rate_hz, end / rate_hz, int(labels[start])))
        start = end
    return segments
