"""From an instruction and a style to the expression of the face, before speech joins.

Everything is a function of absolute time, of the seed in the style and of the voice within `REACH_S`: an
expression may be made piece by piece.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..channels import ARKIT_52
from ..instruction.values import BLEND_S
from .ease import ease
from .emotions import action_tables, emotions
from .wander import wander

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..instruction.values import InstructionTrack
    from ..types import FloatArray
    from .style import Style

    Array = NDArray[np.float64]

REACH_S: Final = 0.3
"""How far before and after a row the voice counts: give `prosody` this much more on both sides."""
_RATE_HZ: Final = 50
_LEVEL_DB: Final = -24.0
_ENERGY: Final = 0.15
"""Share by which an expression is stronger in loud speech than in speech of the usual level."""
_QUIETER_DB: Final = 12.0
_LIVELY: Final = (0.16, 0.16, 0.12, 0.05)
"""Standard deviation of an expression about its level by region; more at the mouth would look like speech."""
_MOUTH_AHEAD_S: Final = BLEND_S / 2
"""The mouth comes in by so much earlier: it should be there when the first word begins."""
_SMOOTH_TAPS: Final = np.linspace(-BLEND_S / 4, BLEND_S / 4, 5)

_REGION_OF: Final = (
    ("brow", 0),
    ("eye", 1),
    ("cheek", 2),
    ("nose", 2),
    ("mouth", 3),
    ("jaw", 3),
    ("tongue", 3),
)
_REGIONS: Final = np.array([next(r for start, r in _REGION_OF if c.startswith(start)) for c in ARKIT_52])
_SIDES: Final = np.array([c.endswith("Left") * 1.0 - c.endswith("Right") * 1.0 for c in ARKIT_52])
"""1 on the left, -1 on the right, 0 in the middle."""
_IDLE: Final[dict[str, tuple[float, float, float, float]]] = {
    "browInnerUp": (0.055, 0.0, 0.0, -0.2),
    "browOuterUp": (0.045, 0.0, 0.0, -0.2),
    "browDown": (-0.035, 0.06, 0.0, -0.2),
    "eyeSquint": (0.0, 0.02, 0.06, 0.1),
    "eyeWide": (0.02, 0.0, -0.03, -0.2),
    "cheekSquint": (0.0, 0.0, 0.035, -0.1),
    "noseSneer": (0.0, 0.02, 0.01, -0.4),
}
"""Small motion without an instruction: weights of the wandering brow raise, frown and lid tightening, and the
offset in units of their sum. Sizes: motion of the same channels within clips of filmed speakers."""
_AGAINST: Final = (("mouthSmile", "mouthFrown"), ("mouthStretch", "mouthPucker"), ("jawOpen", "mouthPress"))
"""Movements that work against each other: what both have is taken from both by half."""


def expression(
    track: InstructionTrack,
    style: Style,
    times_s: Array,
    prosody: FloatArray | None = None,
    strength: float = 1.0,
) -> FloatArray:
    """Weights of the expression: float32 [T, 52] in 0..1, channels of `ARKIT_52`.

    Args:
        track: what to express; it comes in over `BLEND_S` from 0 s.
        times_s: [T] ascending seconds of the sound; with `prosody`, 1 / 50 s apart.
        prosody: [T, 3], see `motion.Spoken`; an expression is a little stronger in loud speech.
        strength: factor on the instruction, 0..2; the small motion of a living face is not changed.
    """
    mixed = np.zeros((len(times_s), len(ARKIT_52)))
    wandering = wander(style.seed, 8, times_s, style.pace)
    energy = _energy(prosody, len(times_s))
    for region in range(4):
        columns = np.flatnonzero(region == _REGIONS)
        felt, done = _sampled(track, times_s - style.lags_s[region], _MOUTH_AHEAD_S * (region == 3))
        life = np.clip(1.0 + _LIVELY[region] * wandering[:, region], 0.5, 1.5)
        life *= energy if region < 3 else 0.7 + 0.3 * energy
        shown = _emotion(felt, style, columns, times_s) * (style.gains[region] * life)[:, None]
        mixed[:, columns] = shown + _action(done, columns) * (0.4 + 0.6 * life)[:, None]
    mixed *= strength
    mixed *= 1.0 + _uneven(style, wandering) * _SIDES
    _settle(mixed)
    mixed += _idle(style, wandering[:, 4:7], energy)
    weights: FloatArray = np.clip(mixed, 0.0, 1.0).astype(np.float32)
    return weights


def _sampled(track: InstructionTrack, times_s: Array, ahead_s: float) -> tuple[Array, Array]:
    """Emotions [T, 10] and actions [T, A], without steps."""
    ramp = ease((times_s + ahead_s) / BLEND_S)[:, None]
    taps: Sequence[float] | Array = [0.0] if len(track.times_s) == 1 else _SMOOTH_TAPS
    felt, done = (
        sum(parts) / len(taps) for parts in zip(*(track.at(times_s + tap) for tap in taps), strict=True)
    )
    return felt * ramp, done * ramp


def _emotion(felt: Array, style: Style, columns: NDArray[np.intp], times_s: Array) -> Array:
    """[T, len(columns)] weights of the emotions [T, 10]; several at once share the face."""
    total = felt.sum(axis=1, keepdims=True)
    felt = felt / np.maximum(total, 1.0) ** 0.6
    shown = np.zeros((len(felt), len(columns)))
    for e, (emotion, weights) in enumerate(zip(emotions(), style.variants, strict=True)):
        if not felt[:, e].any():
            continue
        level = felt[:, e]
        if emotion.pulse_hz:
            swell = 0.5 - 0.5 * np.cos(2.0 * np.pi * emotion.pulse_hz * times_s)
            level = level * (1.0 - emotion.pulse_depth * (1.0 - swell))
        shown += np.outer(level, np.asarray(weights) @ emotion.table[:, columns])
    return shown


def _action(done: Array, columns: NDArray[np.intp]) -> Array:
    """[T, len(columns)] weights of the actions [T, A]; below 0 they take away."""
    plus, minus = action_tables()
    used = np.flatnonzero(done.any(axis=0))
    ups, downs = np.maximum(done[:, used], 0.0), np.maximum(-done[:, used], 0.0)
    shown: Array = ups @ plus[np.ix_(used, columns)] + downs @ minus[np.ix_(used, columns)]
    return shown


def _energy(prosody: FloatArray | None, rows: int) -> Array:
    """[T] factor about 1 that follows the level of the voice within `REACH_S`."""
    if prosody is None or not rows:
        return np.ones(rows)
    above = np.nan_to_num((prosody[:, 0].astype(np.float64) - _LEVEL_DB) / _QUIETER_DB)
    kernel = np.hanning(2 * round(REACH_S * _RATE_HZ) + 1)
    padded = np.pad(np.clip(above, -1.0, 1.0), len(kernel) // 2, mode="edge")
    smooth: Array = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return 1.0 + _ENERGY * smooth


def _uneven(style: Style, wandering: Array) -> Array:
    """[T, 52] by how much the left side is stronger, drifting a little."""
    drift = 0.03 * np.clip(wandering[:, 7:8], -2.0, 2.0)
    upper, lower = style.sides
    uneven: Array = np.where(_REGIONS < 2, upper, lower) + drift
    return uneven


def _settle(mixed: Array) -> None:
    """Let movements that work against each other give way, in place."""
    for one, other in _AGAINST:
        for a, b in zip(_columns(one), _columns(other), strict=False):
            both = 0.5 * np.minimum(np.maximum(mixed[:, a], 0.0), np.maximum(mixed[:, b], 0.0))
            mixed[:, a] -= both
            mixed[:, b] -= both


def _columns(name: str) -> list[int]:
    """Left and right column, twice the same for a channel without sides."""
    return [ARKIT_52.index(name + s if name + s in ARKIT_52 else name) for s in ("Left", "Right")]


def _idle(style: Style, wandering: Array, energy: Array) -> Array:
    """[T, 52] what the face does on its own."""
    moved = np.zeros((len(wandering), len(ARKIT_52)))
    scale = np.array([style.idle[0], style.idle[0], style.idle[1]]) * np.clip(energy, 0.0, 1.2)[:, None]
    for name, (raise_, lower, tighten, offset) in _IDLE.items():
        gains = np.array([raise_, lower, tighten])
        value = (wandering * scale) @ gains + offset * np.abs(gains).sum() * style.idle[0]
        for column in _columns(name)[: 1 + (name not in ARKIT_52)]:
            moved[:, column] = np.maximum(value, 0.0)
    return moved
