"""What the style prior is trained on: codes of filmed people with instructions, without end.

Nobody has filmed these people in ten emotions. So each case joins a clip of a real person, described by what
its brows, lids, mouth corners and head do, with an emotion of which published tables say the variants, and
published measurements (Busso et al. 2007) how head motion differs from neutral speech.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...inference.instruction.values import ACTION_NAMES, EMOTIONS
from ...inference.performance.emotions import emotions
from ...inference.performance.style import FREE, PEOPLE, VARIANTS
from .style_data import SHARES, TOLD, People, told_condition

_NEUTRAL, _MIXED = 0.35, 0.2
"""Shares of cases without an emotion, and with two."""
_BLUR, _TOLD_BLUR = 0.15, 0.2
"""Noise on what is measured, in its standard deviations, and on what is told: few hundred clips must not be
learnt by heart, each with its own description."""
_OTHER_ACTIONS = 0.1
"""Chance of an action that says nothing of the person: the prior learns to leave it to the rest."""
_LEAST = 0.15
_PREFERENCE_STD = 0.3
_HEAD_RANGES = [PEOPLE.index(f"head_{axis}_range") for axis in ("pitch", "yaw", "roll")]
_HEAD_RESTS = {
    f"head_{action}": PEOPLE.index(f"head_{axis}_rest")
    for action, axis in (("pitch", "pitch"), ("turn", "yaw"), ("tilt", "roll"))
}


@dataclass(frozen=True)
class Cases:
    """`people` [N, len(PEOPLE)], `others` [N, VARIANTS + FREE], `condition` [N, emotions + actions]."""

    people: np.ndarray
    others: np.ndarray
    condition: np.ndarray


def clip_weights(people: People) -> np.ndarray:
    """[N], how often each clip is drawn: the corpora by `SHARES`; sums to 1."""
    counts = np.bincount(people.corpus, minlength=len(SHARES))
    weights = np.array(SHARES)[people.corpus] / counts[people.corpus]
    return weights / weights.sum()


def draw_cases(people: People, count: int, rng: np.random.Generator) -> Cases:
    """`count` cases of random clips and instructions."""
    rows = rng.choice(len(people.values), count, p=clip_weights(people))
    values, felt = people.values[rows].copy(), _felt(count, rng)
    much = rng.random((count, 1))  # from nothing told of a person to everything
    values += _BLUR * people.values.std(axis=0) * rng.standard_normal(values.shape)
    described = people.told[rows] + _TOLD_BLUR * rng.standard_normal((count, len(TOLD)))
    described = np.clip(described, np.where(people.told.min(axis=0) < 0.0, -1.0, 0.0), 1.0)
    told = told_condition(described * (rng.random((count, len(TOLD))) < much))
    for action, rest in _HEAD_RESTS.items():
        values[told[:, ACTION_NAMES.index(action)] != 0.0, rest] *= 0.3  # the action itself turns the head
    free_actions = [i for i, name in enumerate(ACTION_NAMES) if name not in TOLD]
    noise = rng.uniform(-1.0, 1.0, (count, len(free_actions)))
    told[:, free_actions] = noise * (rng.random(noise.shape) < _OTHER_ACTIONS)
    _enliven(values, felt)
    others = np.concatenate([_preferences(felt, rng), rng.standard_normal((count, FREE))], axis=1)
    return Cases(values, others, np.concatenate([felt, told], axis=1))


def _felt(count: int, rng: np.random.Generator) -> np.ndarray:
    """[count, emotions]: none, one or two at once."""
    felt = np.zeros((count, len(EMOTIONS)))
    kind, rows = rng.random(count), np.arange(count)
    one = kind > _NEUTRAL
    felt[rows[one], rng.integers(0, len(EMOTIONS), one.sum())] = rng.uniform(_LEAST, 1.0, one.sum())
    two = kind > 1.0 - _MIXED
    felt[rows[two], rng.integers(0, len(EMOTIONS), two.sum())] = rng.uniform(_LEAST, 1.0, two.sum())
    return felt


def _enliven(values: np.ndarray, felt: np.ndarray) -> None:
    """Head motion of emotional speech, in place."""
    head, pace = (np.log([e.dynamics[name] for e in emotions()]) for name in ("head", "pace"))
    values[:, _HEAD_RANGES] += (felt @ head)[:, None]
    values[:, PEOPLE.index("head_speed")] += felt @ pace


def _preferences(felt: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[N, VARIANTS]: one variant of the strongest emotion stands out, the more the stronger it is."""
    wanted = np.zeros((len(felt), VARIANTS))
    for e, emotion in enumerate(emotions()):
        rows = np.flatnonzero((felt.argmax(axis=1) == e) & (felt.max(axis=1) > 0.0))
        chosen = rng.choice(len(emotion.variants), len(rows), p=[v.share for v in emotion.variants])
        wanted[rows, : len(emotion.variants)] = -0.5
        wanted[rows, chosen] = 0.5
    strength = 0.4 + 0.6 * felt.max(axis=1, keepdims=True)
    return wanted * strength * 2.0 + _PREFERENCE_STD * rng.standard_normal(wanted.shape)
