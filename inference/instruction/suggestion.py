"""What a voice asks of a face: an instruction over time from pitch, level, rate and pauses of a recording.

Each phrase is compared with read speech and with the rest of its recording; `voice_rules.json` says what the
literature reads from it. What is suggested is never louder than its evidence: flat speech stays neutral.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from ..visemes import VISEMES
from .values import LOWS, NEUTRAL, Instruction, InstructionTrack
from .voice import FEATURES, Phrase, phrases

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from ..types import FloatArray

    Array = NDArray[np.float64]

_OWN: Final = 0.7
"""Share of a phrase itself in its measures; the rest is its recording: moods last longer than phrases."""
_MOST_SPREADS: Final = 3.0
_HEARD: Final = (0.5, 1.4)
"""Weighted mean of the measures, in spreads, from which an emotion is heard, and at which it is certain."""
_BESIDE: Final = 0.6
"""An emotion with a smaller part of the strongest one's evidence is not suggested beside it."""
_LOUDEST: Final = 0.9
_ACTED: Final = (0.4, 2.0)
"""Spreads within which an action is left alone, and beyond which it is full."""
_BRIEF_S: Final = 1.5
"""Voice of this length is half as telling as a long phrase."""
_LEAST: Final = 0.05


class HeardVoice(Protocol):
    """What is needed of a `motion.Spoken`, which stands above this module."""

    @property
    def prosody(self) -> FloatArray | None:
        """float32 [T, 3], see `suggest`; None where the voice was not measured."""

    @property
    def visemes(self) -> FloatArray:
        """float32 [T, 15] posteriors."""


@dataclass(frozen=True)
class Suggestion:
    """What one phrase suggests; no value of `instruction` is beyond `confidence` 0..1."""

    start_s: float
    end_s: float
    instruction: Instruction
    confidence: float
    """How sure it is that the face should do something: 0 for speech as anybody reads it out."""


@dataclass(frozen=True)
class _Rules:
    """`voice_rules.json` as arrays: weights [N, F] by row."""

    typical: Array
    spread: Array
    emotions: tuple[str, ...]
    emotion_weights: Array
    emotion_needs: Array
    """Spreads that each measure must have at least; -inf where an emotion does not need it."""
    actions: tuple[str, ...]
    action_weights: Array
    action_most: Array
    goes_with: Mapping[str, Mapping[str, float]]


def suggest(prosody: FloatArray, visemes: FloatArray) -> tuple[Suggestion, ...]:
    """Suggestions for the phrases of a recording, in order; none where nobody speaks, or only a word.

    Args:
        prosody: float32 [T, 3] at 50 Hz: level in dB full scale, level above 3 kHz in dB full scale, pitch
            as log2 of Hz, NaN where unvoiced.
        visemes: float32 [T, 15] posteriors in the same frames.
    """
    heard = phrases(prosody, visemes)
    if not heard:
        return ()
    rules = _rules()
    spreads = np.array([phrase.measures for phrase in heard])
    spreads = np.nan_to_num((spreads - rules.typical) / rules.spread)  # what there is not of tells nothing
    spreads = np.clip(spreads, -_MOST_SPREADS, _MOST_SPREADS)
    voiced = np.array([phrase.voiced_s for phrase in heard])
    mood = np.average(spreads, axis=0, weights=voiced)
    return tuple(
        _suggestion(phrase, _OWN * own + (1.0 - _OWN) * mood, rules)
        for phrase, own in zip(heard, spreads, strict=True)
    )


def join_voice(pieces: Iterable[HeardVoice]) -> tuple[FloatArray, FloatArray]:
    """Prosody [T, 3] and visemes [T, 15] of consecutive pieces (`motion.Spoken`) alone."""
    prosody, visemes = [np.zeros((0, 3), np.float32)], [np.zeros((0, len(VISEMES)), np.float32)]
    for piece in pieces:
        if piece.prosody is not None and len(piece.prosody):
            prosody.append(piece.prosody)
            visemes.append(piece.visemes)
    return np.concatenate(prosody), np.concatenate(visemes)


def track_of(suggestions: Sequence[Suggestion]) -> InstructionTrack:
    """The suggestions as one instruction over time, each holding until the next begins."""
    if not suggestions:
        return NEUTRAL
    return InstructionTrack.steps([(s.start_s, s.instruction) for s in suggestions])


def suggested_track(prosody: FloatArray, visemes: FloatArray) -> InstructionTrack:
    """`track_of` the suggestions of a recording."""
    return track_of(suggest(prosody, visemes))


def whole_of(suggestions: Sequence[Suggestion]) -> Instruction:
    """One instruction for all of the recording: the mean over its phrases by their length."""
    if not suggestions:
        return Instruction()
    lengths = [s.end_s - s.start_s for s in suggestions]
    emotions = np.average([s.instruction.emotions for s in suggestions], axis=0, weights=lengths)
    actions = np.average([s.instruction.actions for s in suggestions], axis=0, weights=lengths)
    return Instruction(tuple(map(float, emotions)), tuple(map(float, actions)))


def _suggestion(phrase: Phrase, spreads: Array, rules: _Rules) -> Suggestion:
    weights = np.abs(rules.emotion_weights).sum(axis=1)
    score = rules.emotion_weights @ spreads / weights
    evidence = np.clip((score - _HEARD[0]) / (_HEARD[1] - _HEARD[0]), 0.0, 1.0)
    evidence[(spreads < rules.emotion_needs).any(axis=1)] = 0.0
    evidence *= phrase.voiced_s / (phrase.voiced_s + _BRIEF_S)
    evidence[evidence < _BESIDE * evidence.max()] = 0.0
    share = evidence / max(evidence.sum(), 1e-9)  # what could be one emotion or another is less of each
    strength = dict(zip(rules.emotions, _LOUDEST * evidence * share, strict=True))
    values = {name: float(value) for name, value in strength.items() if value >= _LEAST}
    for emotion, value in list(values.items()):
        for action, factor in rules.goes_with.get(emotion, {}).items():
            values[action] = values.get(action, 0.0) + factor * value
    for action, value in _prosodic_actions(phrase, spreads, rules).items():
        values[action] = values.get(action, 0.0) + value
    instruction = Instruction.of(_inside(values))
    confidence = max([float(evidence.max()), *(abs(value) for value in instruction.values().values())])
    return Suggestion(phrase.start_s, phrase.end_s, instruction, confidence)


def _prosodic_actions(phrase: Phrase, spreads: Array, rules: _Rules) -> dict[str, float]:
    score = rules.action_weights @ spreads / np.abs(rules.action_weights).sum(axis=1)
    beyond = np.sign(score) * np.clip((np.abs(score) - _ACTED[0]) / (_ACTED[1] - _ACTED[0]), 0.0, 1.0)
    values = rules.action_most * beyond * phrase.voiced_s / (phrase.voiced_s + _BRIEF_S)
    return dict(zip(rules.actions, map(float, values), strict=True))


def _inside(values: Mapping[str, float]) -> dict[str, float]:
    inside = {name: min(max(value, LOWS[name]), 1.0) for name, value in values.items()}
    return {name: value for name, value in inside.items() if abs(value) >= _LEAST}


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    data = json.loads(Path(__file__).with_name("voice_rules.json").read_text(encoding="utf-8"))
    norms = np.array([data["features"][name] for name in FEATURES], np.float64)

    def table(rows: Mapping[str, Mapping[str, Any]], key: str, absent: float) -> Array:
        return np.array([[row.get(key, {}).get(name, absent) for name in FEATURES] for row in rows.values()])

    return _Rules(
        typical=norms[:, 0],
        spread=norms[:, 1],
        emotions=tuple(data["emotions"]),
        emotion_weights=table(data["emotions"], "weights", 0.0),
        emotion_needs=table(data["emotions"], "needs", -np.inf),
        actions=tuple(data["actions"]),
        action_weights=table(data["actions"], "weights", 0.0),
        action_most=np.array([row["most"] for row in data["actions"].values()]),
        goes_with=data["with"],
    )
