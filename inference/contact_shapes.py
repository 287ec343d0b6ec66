"""Contacts that a spoken mouth must make: lips meet on p b m, the lower lip meets the upper teeth on f v, the
jaw is narrow on sibilants. Enforced on finished controls, in millimetres on a neutral head, last of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .lip_basis import CONTROLS_MM, REST_MM
from .visemes import VISEMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

CONTROLS: Final = (*CONTROLS_MM, "tongueOut")
"""What a mouth is made of here; left and right move alike."""
LOWER_LIP_MM: Final = {
    "jawOpen": 35.20, "mouthClose": -38.18, "mouthFunnel": 8.29, "mouthPucker": -0.19,
    "mouthRollLower": -3.75, "mouthShrugLower": -6.88, "mouthPress": -1.88, "mouthLowerDown": 6.77,
    "mouthUpperUp": -0.54,
}  # fmt: skip
"""How far each control lowers the inner edge of the lower lip (landmark 66 of ICT-FaceKit) at 1.0."""
SEALED_MM: Final = -0.2
"""Aperture of lips that meet: a little pressure, so that rounding cannot open them."""
_PRESSED_MM = -1.2
"""Further than this, lips would pass through each other."""
_TEETH_MM = 1.3
"""How far the lower lip may lie below its place at rest and still touch the edge of the upper teeth."""
_JAW_LIMIT = {"SS": 0.15, "CH": 0.18}
"""Teeth nearly together: the incisors of the neutral head overlap by 1.2 mm and 0.1 parts them by 3.5 mm."""
_HOLD = {"PP": (0.1, 0.7), "FF": (0.15, 0.75), "SS": (0.2, 0.7), "CH": (0.2, 0.7)}
"""Part of the sound over which the contact is held; p and b burst before their segment ends."""
_HOLD_MIN_S = 0.05
"""Longer than a frame at 24 fps: no closure falls between two frames."""
_RAMP_S = 0.045
_TONGUE_MM = 6.0
"""Aperture that a tongue stuck out in full needs: closed lips let none through."""
_PRESS_MAX, _SHRUG_MAX = 0.6, 0.5

_APERTURE = np.array([CONTROLS_MM.get(c, (0.0, 0.0))[0] for c in CONTROLS])
_LOWER = np.array([LOWER_LIP_MM.get(c, 0.0) for c in CONTROLS])
_JAW, _CLOSE, _PRESS, _SHRUG, _TONGUE = (
    CONTROLS.index(c) for c in ("jawOpen", "mouthClose", "mouthPress", "mouthShrugLower", "tongueOut")
)
_PARTING = [CONTROLS.index(c) for c in ("mouthFunnel", "mouthShrugUpper", "mouthLowerDown", "mouthUpperUp")]
_LOWERING = [CONTROLS.index(c) for c in ("mouthFunnel", "mouthLowerDown")]


def aperture_mm(controls: Array) -> Array:
    """[T, C] controls -> [T] distance of the inner lips, below 0 where they press on each other."""
    return np.asarray(REST_MM[0] + controls @ _APERTURE)


def contacts(
    controls: Array, times_s: Array, start_s: Array, end_s: Array, shape: NDArray[np.int64]
) -> Array:
    """Controls that make their contacts.

    Args:
        controls: [T, C] 0..1, columns `CONTROLS`.
        times_s: [T] seconds, ascending.
        start_s, end_s, shape: [S] the sounds and their index into `VISEMES`.

    Returns:
        [T, C] in 0..1, mouthClose at most jawOpen.
    """
    mouth = np.clip(controls, 0.0, 1.0)
    for name in ("SS", "CH"):
        held = _held(times_s, start_s, end_s, shape, name)
        mouth[:, _JAW] -= held * np.maximum(mouth[:, _JAW] - _JAW_LIMIT[name], 0.0)
    _lip_to_teeth(mouth, _held(times_s, start_s, end_s, shape, "FF"))
    _seal(mouth, _held(times_s, start_s, end_s, shape, "PP"))
    mouth[:, _TONGUE] = np.minimum(mouth[:, _TONGUE], np.maximum(aperture_mm(mouth), 0.0) / _TONGUE_MM)
    return mouth


def _held(times_s: Array, start_s: Array, end_s: Array, shape: NDArray[np.int64], name: str) -> Array:
    """[T] 0..1: how much the contact of this viseme holds, with soft ramps before and after."""
    chosen = shape == VISEMES.index(name)
    if not chosen.any():
        return np.zeros(len(times_s))
    first, last = _HOLD[name]
    length_s = end_s[chosen] - start_s[chosen]
    begin_s, stop_s = start_s[chosen] + first * length_s, start_s[chosen] + last * length_s
    short_s = np.maximum(_HOLD_MIN_S - (stop_s - begin_s), 0.0) / 2
    begin_s, stop_s = begin_s - short_s, stop_s + short_s
    after = np.searchsorted(begin_s, times_s, side="right")
    held = np.zeros(len(times_s))
    for which in (np.maximum(after - 1, 0), np.minimum(after, len(begin_s) - 1)):
        outside_s = np.maximum(begin_s[which] - times_s, times_s - stop_s[which])
        near = np.clip(1.0 - outside_s / _RAMP_S, 0.0, 1.0)
        held = np.maximum(held, near * near * (3.0 - 2.0 * near))
    return held


def _lip_to_teeth(mouth: Array, held: Array) -> None:
    """Raise the lower lip until it touches the upper teeth: first the lip itself, then the jaw."""
    mouth[:, _LOWERING] *= (1.0 - held)[:, None]
    excess_mm = held * np.maximum(mouth @ _LOWER - _TEETH_MM, 0.0)
    shrug = np.minimum(excess_mm / -_LOWER[_SHRUG], np.maximum(_SHRUG_MAX - mouth[:, _SHRUG], 0.0))
    mouth[:, _SHRUG] += shrug
    share = np.minimum(mouth[:, _CLOSE] / np.maximum(mouth[:, _JAW], 1e-9), 1.0)
    # Below this the jaw moves together with its share of mouthClose; a share near 1 moves the lip no more.
    per_jaw_mm = np.maximum(_LOWER[_JAW] + share * _LOWER[_CLOSE], 1.0)
    mouth[:, _JAW] = np.maximum(mouth[:, _JAW] - (excess_mm + shrug * _LOWER[_SHRUG]) / per_jaw_mm, 0.0)
    mouth[:, _CLOSE] = share * mouth[:, _JAW]


def _seal(mouth: Array, held: Array) -> None:
    """Close the lips as far as `held` says, by mouthClose and then by pressing; never through each other."""
    mouth[:, _PARTING] *= (1.0 - held)[:, None]
    jaw = mouth[:, _JAW]
    mouth[:, _CLOSE] = np.minimum(mouth[:, _CLOSE], jaw)
    gap_mm = held * np.maximum(aperture_mm(mouth) - SEALED_MM, 0.0)
    close = np.minimum(gap_mm / -_APERTURE[_CLOSE], jaw - mouth[:, _CLOSE])
    mouth[:, _CLOSE] += close
    gap_mm += close * _APERTURE[_CLOSE]
    mouth[:, _PRESS] += np.minimum(
        gap_mm / -_APERTURE[_PRESS], np.maximum(_PRESS_MAX - mouth[:, _PRESS], 0.0)
    )
    too_far_mm = np.maximum(_PRESSED_MM - aperture_mm(mouth), 0.0)
    mouth[:, _CLOSE] = np.maximum(mouth[:, _CLOSE] + too_far_mm / _APERTURE[_CLOSE], 0.0)
