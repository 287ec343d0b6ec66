"""Gestures of the head that are laid over its motion: nods and tilts on stress, shakes of the head.

Each is a fixed movement at a drawn or heard moment, so a row's value follows from its time, the stresses near
it, the instruction there and the seed alone. A nod goes a little up before the stress and down just after it
(Hadar et al. 1983: the nadir follows the loudest moment by about 0.1 s); it takes about 0.5 s, a shake of the
head two or three turns at about 2 Hz (Poggi et al. 2010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..instruction.values import ACTION_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..types import FloatArray

    Array = NDArray[np.float64]

REACH_S: Final = 2.0
"""Stresses this far from a row act on it."""
_NODS, _SHAKES = (ACTION_NAMES.index(name) for name in ("nods", "shakes"))
_NOD_RAD, _TILT_RAD, _SHAKE_RAD = 0.13, 0.04, 0.11
"""At strength 1 of stress and instruction."""
_PLAIN_NOD, _PLAIN_TILT = 0.08, 0.15
"""Share of a nod and of a tilt that stress has without an instruction."""
_SHAKE_EVERY_S = 2.4
_SHAKE_HZ, _SHAKE_LASTS_S = 2.0, 0.9
_SNAP_S = 0.6


def gestures(
    times_s: Array, stresses: Array, actions: FloatArray, seed: int, size: Array, pace: Array
) -> Array:
    """Rotation by gestures, radians float64 [T, 3] (pitch, yaw, roll).

    Args:
        times_s: [T] ascending seconds from the start of the sound.
        stresses: [N, 2] time and strength (see `stress.stresses`); all within `REACH_S` of the rows.
        actions: [T, A], see `instruction.values.ACTIONS`.
        seed: which take.
        size: [T] factor of gestures that no instruction asks for.
        pace: [T] factor of speed; gestures are shorter where it is above 1.
    """
    out = np.zeros((len(times_s), 3))
    if not len(times_s):
        return out
    near = stresses[(stresses[:, 0] > times_s[0] - REACH_S) & (stresses[:, 0] < times_s[-1] + REACH_S)]
    for time_s, strength in near:
        _nod(out, times_s, time_s, strength, actions, seed, size, pace)
    if actions[:, _SHAKES].any():
        for time_s, side in _shake_times(times_s, stresses, seed):
            out[:, 1] += side * _SHAKE_RAD * actions[:, _SHAKES] * _shake((times_s - time_s) * pace)
    return out


def _nod(
    out: Array, times_s: Array, time_s: float, strength: float, actions: FloatArray, seed: int,
    size: Array, pace: Array,
) -> None:  # fmt: skip
    """Add the nod and the tilt of one stress."""
    first, last = np.searchsorted(times_s, (time_s - REACH_S, time_s + REACH_S))
    rows = slice(int(first), int(last))
    since = (times_s[rows] - time_s) * pace[rows]
    vigour, side, tilts = _draw(seed, round(time_s * 50.0), 3)
    asked = actions[rows, _NODS]
    nod = np.maximum(asked, _PLAIN_NOD * size[rows]) * strength * (0.5 + vigour)
    out[rows, 0] += _NOD_RAD * nod * _stroke(since)
    if tilts < 0.4:
        tilt = (_PLAIN_TILT * size[rows] + 0.3 * asked) * strength * (2.0 * side - 1.0)
        out[rows, 2] += _TILT_RAD * tilt * np.exp(-0.5 * np.square((since - 0.15) / 0.22))


def _stroke(since: Array) -> Array:
    """A nod: up a little, down, back; 1 is its lowest point."""
    down = np.exp(-0.5 * np.square((since - 0.1) / 0.085))
    up = np.exp(-0.5 * np.square((since + 0.14) / 0.1))
    stroke: Array = down - 0.4 * up
    return stroke


def _shake(since: Array) -> Array:
    """A shake: side to side under a soft envelope that begins at 0."""
    inside = np.clip(since / _SHAKE_LASTS_S, 0.0, 1.0)
    shake: Array = np.square(np.sin(np.pi * inside)) * np.sin(2.0 * np.pi * _SHAKE_HZ * since)
    return shake


def _shake_times(times_s: Array, stresses: Array, seed: int) -> list[tuple[float, float]]:
    """Start and first side of every shake that can reach the rows: at about even times, on a stress if one
    is near."""
    found = []
    first = int((times_s[0] - REACH_S) // _SHAKE_EVERY_S)
    for k in range(first, int((times_s[-1] + REACH_S) // _SHAKE_EVERY_S) + 1):
        when, side = _draw(seed, k - 2**40, 2)  # not the numbers of a nod
        time_s = (k + 0.6 * when) * _SHAKE_EVERY_S
        near = stresses[np.abs(stresses[:, 0] - time_s) < _SNAP_S]
        if len(near):
            time_s = float(near[near[:, 1].argmax(), 0]) - 0.1
        found.append((time_s, 1.0 if side < 0.5 else -1.0))
    return found


def _draw(seed: int, key: int, count: int) -> Array:
    """`count` numbers 0..1 that belong to a moment of a take."""
    return np.random.Generator(np.random.PCG64([seed % 2**64, key % 2**64])).random(count)
