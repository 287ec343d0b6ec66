"""Speech and expression on one face: the expression joins, and what speech needs of the lips stays.

Upper face: expression and speech add up. Mouth, on the linear lip model of `lip_basis`: an expression opens
the lips only as far as speech has parted them, never parts lips that speech closes, and closes them by no
more than a share of the opening; while a sound owns the shape of the lips (rounding, the lip at the teeth),
movements that would spoil it give way. Corners, chin and cheeks pass nearly whole: people smile and speak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..channels import ARKIT_52
from ..lip_basis import CHANNELS_MM, REST_MM
from ..visemes import VISEMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..types import FloatArray

    Array = NDArray[np.float64]

REACH_S: Final = 0.3
"""How far before and after a row its sounds count: give this much more on both sides."""
_RATE_HZ: Final = 50
_BESIDE_ROWS: Final = 3
"""A sound owns the lips from 60 ms before it to 60 ms after it: lips form early and leave late (JALI)."""
_SMOOTH_ROWS: Final = 4
_PAUSE_ROWS: Final = 8
"""A pause is silence this far from any sound."""
_PARTED_MM: Final = 9.0
"""Opening of the lips from which an expression may open them by all that it asks for."""
_CLOSE_SHARE: Final = 0.2
"""Share of the opening by which an expression may close lips that speak."""
_PAUSE_OPENS: Final = 0.6
"""Share of an expression's opening that shows on lips at rest in a pause."""
_PRESSED_MM: Final = -0.5
"""Aperture at which lips are pressed together; further they would cross."""

_OWNERS: Final = {"closed": ("PP",), "teeth": ("FF",), "round": ("O", "U", "CH"), "narrow": ("SS", "TH")}
_GIVES_WAY: Final[dict[str, dict[str, float]]] = {
    "mouthSmile": {"closed": 0.15, "teeth": 0.15, "round": 0.5, "narrow": 0.1},
    "mouthFrown": {"closed": 0.15, "teeth": 0.3, "round": 0.3},
    "mouthDimple": {"closed": 0.1, "round": 0.5},
    "mouthStretch": {"closed": 0.3, "teeth": 0.3, "round": 0.7},
    "mouthUpperUp": {"closed": 0.6, "teeth": 0.3, "round": 0.3},
    "mouthLowerDown": {"closed": 0.8, "teeth": 1.0, "round": 0.3},
    "mouthFunnel": {"closed": 0.8, "teeth": 0.9, "narrow": 0.6},
    "mouthPucker": {"teeth": 0.7, "narrow": 0.5},
    "mouthPress": {"teeth": 0.9, "round": 0.7, "narrow": 0.5},
    "mouthRollLower": {"teeth": 0.5, "round": 0.7, "narrow": 0.4},
    "mouthRollUpper": {"teeth": 0.8, "round": 0.7, "narrow": 0.4},
    "mouthShrugLower": {"closed": 0.2, "teeth": 0.3, "round": 0.3},
    "mouthShrugUpper": {"closed": 0.5, "teeth": 0.3, "round": 0.3},
    "jawOpen": {"closed": 0.8, "teeth": 0.9, "narrow": 0.8, "round": 0.3},
}
"""By how much each movement of an expression gives way to the owner of the lips."""


def _table() -> Array:
    """[owners, 52]"""
    table = np.zeros((len(_OWNERS), len(ARKIT_52)))
    for name, gives in _GIVES_WAY.items():
        for owner, share in gives.items():
            for channel in (name, name + "Left", name + "Right"):
                if channel in ARKIT_52:
                    table[list(_OWNERS).index(owner), ARKIT_52.index(channel)] = share
    return table


_TABLE: Final = _table()
_OPENING_MM: Final = np.array([CHANNELS_MM.get(name, (0.0, 0.0))[0] for name in ARKIT_52])
_OWNER_COLUMNS: Final = tuple([VISEMES.index(v) for v in sounds] for sounds in _OWNERS.values())
_AGAINST: Final = (("mouthSmile", "mouthFrown"), ("mouthPucker", "mouthStretch"))


def combine(speech: FloatArray, expression: FloatArray, visemes: FloatArray) -> FloatArray:
    """The face that speaks with an expression.

    Args:
        speech: [T, 52] weights 0..1 of the speech model at 50 Hz, channels of `ARKIT_52`.
        expression: [T, 52] weights 0..1, see `expression.expression`.
        visemes: [T, 15] posteriors, columns of `visemes.VISEMES`.

    Returns:
        float32 [T, 52] in 0..1. Lips that speech closes are as closed as they were.
    """
    wanted = expression.astype(np.float64)
    wanted *= 1.0 - np.minimum(_owned(visemes) @ _TABLE, 1.0)
    _give_way_to_speech(speech, wanted)
    room = np.maximum(1.0 - speech, 0.0)  # nothing goes over 1, and the lips know before they open
    wanted = np.minimum(wanted, room)
    opens, closes = wanted * (_OPENING_MM > 0.0), wanted * (_OPENING_MM < 0.0)
    apart_mm = speech @ _OPENING_MM + REST_MM[0]
    up_mm, down_mm = opens @ _OPENING_MM, -(closes @ _OPENING_MM)
    open_share, close_share = _shares(apart_mm, up_mm, down_mm, _pause(visemes))
    wanted += (open_share - 1.0)[:, None] * opens + (close_share - 1.0)[:, None] * closes
    face: FloatArray = np.clip(speech + wanted, 0.0, 1.0).astype(np.float32)
    return face


def _shares(apart_mm: Array, up_mm: Array, down_mm: Array, pause: Array) -> tuple[Array, Array]:
    """[T] each: what is left of the movements that open the lips, and of those that close them.

    Where speech has parted the lips, movements that cancel each other out stay.
    """
    parted = np.clip(apart_mm / _PARTED_MM, 0.0, 1.0)
    parted = parted * parted * (3.0 - 2.0 * parted)
    balanced_mm = np.minimum(up_mm, down_mm) * parted
    share = np.maximum(parted, _PAUSE_OPENS * pause * np.clip(apart_mm / REST_MM[0], 0.0, 1.0))
    opened_mm = balanced_mm + (up_mm - balanced_mm) * share
    pressing_mm = np.clip(apart_mm - _PRESSED_MM, 0.0, -_PRESSED_MM * (1.0 + pause))
    closed_mm = np.minimum(down_mm, balanced_mm + pressing_mm + _CLOSE_SHARE * np.maximum(apart_mm, 0.0))
    return _ratio(opened_mm, up_mm), _ratio(closed_mm, down_mm)


def _ratio(part: Array, whole: Array) -> Array:
    share: Array = np.where(whole > 1e-9, part / np.maximum(whole, 1e-9), 1.0)
    return np.clip(share, 0.0, 1.0)


def _owned(visemes: FloatArray) -> Array:
    """[T, owners] in 0..1: how far each owner has the lips."""
    raw = np.stack([visemes[:, columns].sum(axis=1) for columns in _OWNER_COLUMNS], axis=1)
    return _smooth(_windows(np.clip(raw, 0.0, 1.0), _BESIDE_ROWS).max(axis=2))


def _pause(visemes: FloatArray) -> Array:
    """[T] in 0..1: silence with no sound near."""
    silence = visemes[:, VISEMES.index("sil")].astype(np.float64)[:, None]
    return _smooth(_windows(silence, _PAUSE_ROWS).min(axis=2))[:, 0]


def _windows(values: Array, reach: int) -> Array:
    """[T, K] -> [T, K, 2 * reach + 1], the ends held."""
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)


def _smooth(values: Array) -> Array:
    kernel = np.hanning(2 * _SMOOTH_ROWS + 3)[1:-1]
    smooth: Array = _windows(values, _SMOOTH_ROWS) @ (kernel / kernel.sum())
    return smooth


def _give_way_to_speech(speech: FloatArray, wanted: Array) -> None:
    """Movements against those of speech give way to them, in place."""
    for one, other in _AGAINST:
        for side in ("Left", "Right"):
            a, b = (ARKIT_52.index(n + side if n + side in ARKIT_52 else n) for n in (one, other))
            wanted[:, a] *= 1.0 - 0.7 * speech[:, b]
            wanted[:, b] *= 1.0 - 0.7 * speech[:, a]
