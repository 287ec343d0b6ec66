"""Speech and expression on one face: the expression joins, and what speech needs of the lips stays.

Upper face: expression and speech add up. Mouth, on the linear lip model of `lip_basis`: an expression scales
the opening that speech makes, so that lips which speech closes stay closed and wide sounds stay the widest;
it closes them by no more than a share. Movements that would spoil a rounding give way as far as speech
rounds, others where a sound needs the lip at the teeth or lips pressed. People smile and speak: corners, chin
and cheeks pass nearly whole.
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

REACH_S: Final = 0.6
"""How far before and after a row its sounds count: give this much more on both sides."""
_RATE_HZ: Final = 50
_BESIDE_ROWS: Final = 3
"""A sound owns the lips from 60 ms before it to 60 ms after it: lips form early and leave late (JALI)."""
_SMOOTH_ROWS: Final = 4
_PAUSE_ROWS: Final = 16
_PAUSE_SMOOTH_ROWS: Final = 12
"""A pause is silence this far from any sound, and comes and goes this slowly: lips that open right after a
word would seem to say one more."""
_PARTED_MM: Final = 14.0
"""Opening of the lips at which an expression opens them by all that it asks for: as wide as speech opens them
but for its loudest vowels."""
_WIDEST: Final = 0.6
"""An expression opens lips that speak by at most this share of what they are open."""
_CLOSE_SHARE: Final = 0.2
"""Share of the opening by which an expression may close lips that speak."""
_HANGS_MM: Final = 2.6
"""How far an expression parts lips at rest in a pause at most; further, their closing before would be seen as
one more sound."""
_PRESSED_MM: Final = -0.5
"""Aperture at which lips are pressed together; further they would cross."""
_MOST: Final = 0.75
"""Weight of an expression on the mouth at most: speech needs the rest to spread and round."""
_ROUNDED: Final = 0.7
"""Sum of funnel and pucker at which speech rounds the lips fully."""

_OWNERS: Final = {"closed": ("PP",), "teeth": ("FF",)}
_GIVES_WAY: Final[dict[str, dict[str, float]]] = {
    "mouthSmile": {"round": 0.45},
    "mouthFrown": {"teeth": 0.2, "round": 0.3},
    "mouthDimple": {"round": 0.5},
    "mouthStretch": {"round": 0.6},
    "mouthUpperUp": {"round": 0.3},
    "mouthLowerDown": {"teeth": 0.8, "round": 0.3},
    "mouthFunnel": {"teeth": 0.8},
    "mouthPucker": {"teeth": 0.5},
    "mouthPress": {"teeth": 0.8, "round": 0.7},
    "mouthRollLower": {"teeth": 0.3, "round": 0.7},
    "mouthRollUpper": {"teeth": 0.7, "round": 0.7},
    "mouthShrugUpper": {"closed": 0.4},
    "jawOpen": {"teeth": 0.8},
}
"""By how much each movement of an expression gives way to what owns the lips: a closed pair, the lip at the
teeth, and speech's own rounding."""
_OWNER_NAMES: Final = (*_OWNERS, "round")


def _table() -> Array:
    """[owners, 52]"""
    table = np.zeros((len(_OWNER_NAMES), len(ARKIT_52)))
    for name, gives in _GIVES_WAY.items():
        for owner, share in gives.items():
            for channel in (name, name + "Left", name + "Right"):
                if channel in ARKIT_52:
                    table[_OWNER_NAMES.index(owner), ARKIT_52.index(channel)] = share
    return table


_TABLE: Final = _table()
_OPENING_MM: Final = np.array([CHANNELS_MM.get(name, (0.0, 0.0))[0] for name in ARKIT_52])
_LEAST_MM: Final = 1.2
"""What opens or closes the lips less than this at weight 1 shapes them only, and stays as it is."""
_OPENS, _CLOSES = _OPENING_MM >= _LEAST_MM, _OPENING_MM <= -_LEAST_MM
_LIFTS_MM: Final = {"noseSneer": 3.1, "cheekSquint": 0.19}
"""What a side that lifts the upper lip with it opens, on the face of `lip_basis`; stays as it is too."""
_FIXED_MM: Final = np.where(_OPENS | _CLOSES, 0.0, _OPENING_MM) + np.array(
    [_LIFTS_MM.get(name.removesuffix("Left").removesuffix("Right"), 0.0) for name in ARKIT_52]
)
_OWNER_COLUMNS: Final = tuple([VISEMES.index(v) for v in sounds] for sounds in _OWNERS.values())
_MOUTH: Final = np.array([name.startswith(("mouth", "jaw")) for name in ARKIT_52])
_FUNNEL, _PUCKER = (ARKIT_52.index(name) for name in ("mouthFunnel", "mouthPucker"))
_RAISERS: Final = tuple(ARKIT_52.index(name) for name in ("mouthShrugLower", "mouthRollLower"))
"""What meets an upper lip that nose and cheeks have lifted."""


def combine(speech: FloatArray, expression: FloatArray, visemes: FloatArray) -> FloatArray:
    """The face that speaks with an expression.

    Args:
        speech: [T, 52] weights 0..1 of the speech model at 50 Hz, channels of `ARKIT_52`.
        expression: [T, 52] weights 0..1, see `expression.expression`.
        visemes: [T, 15] posteriors, columns of `visemes.VISEMES`.

    Returns:
        float32 [T, 52] in 0..1. Lips that speech closes are as closed as they were.
    """
    wanted = np.where(_MOUTH, np.minimum(expression, _MOST), expression).astype(np.float64)
    wanted *= 1.0 - np.minimum(_owned(speech, visemes) @ _TABLE, 1.0)
    wanted = np.minimum(
        wanted, np.maximum(1.0 - speech, 0.0)
    )  # before the lips are judged: no clipping after
    opens, closes = wanted * _OPENS, wanted * _CLOSES
    apart_mm = speech @ _OPENING_MM + REST_MM[0]
    up_mm, down_mm = opens @ _OPENING_MM, -(closes @ _OPENING_MM)
    fixed_mm = wanted @ _FIXED_MM
    change_mm = _change(apart_mm, up_mm + fixed_mm - down_mm, _pause(visemes))
    # Openers and closers that cancel each other out stay as far as the lips are parted anyway.
    balanced_mm = np.minimum(up_mm, down_mm) * np.clip(apart_mm / _PARTED_MM, 0.0, 1.0)
    opened_mm = np.minimum(up_mm, balanced_mm + np.maximum(change_mm - fixed_mm, 0.0))
    needed_mm = np.maximum(opened_mm + fixed_mm - change_mm, 0.0)
    closed_mm = np.minimum(down_mm, needed_mm)
    wanted += (_ratio(opened_mm, up_mm) - 1.0)[:, None] * opens
    wanted += (_ratio(closed_mm, down_mm) - 1.0)[:, None] * closes
    face = speech + wanted
    _raise_lower_lip(face, needed_mm - closed_mm)
    weights: FloatArray = np.clip(face, 0.0, 1.0).astype(np.float32)
    return weights


def _change(apart_mm: Array, asked_mm: Array, pause: Array) -> Array:
    """[T] mm, by how much an expression that asks for `asked_mm` changes the aperture of lips that speak."""
    parted = np.clip(apart_mm / _PARTED_MM, 0.0, 1.0)
    more_mm = np.minimum(asked_mm * parted, _WIDEST * np.maximum(apart_mm, 0.0))
    at_rest_mm = np.minimum(0.5 * asked_mm, _HANGS_MM) * pause * np.clip(apart_mm / REST_MM[0], 0.0, 1.0)
    pressing_mm = np.clip(apart_mm - _PRESSED_MM, 0.0, -_PRESSED_MM * (1.0 + pause))
    least_mm = -pressing_mm - _CLOSE_SHARE * np.maximum(apart_mm, 0.0)
    change: Array = np.where(asked_mm > 0.0, np.maximum(more_mm, at_rest_mm), np.maximum(asked_mm, least_mm))
    return change


def _raise_lower_lip(face: Array, gap_mm: Array) -> None:
    """Close what nose and cheeks have opened, [T] mm, in place."""
    for column in _RAISERS:
        added = np.minimum(gap_mm / -_OPENING_MM[column], np.maximum(1.0 - face[:, column], 0.0))
        face[:, column] += added
        gap_mm = gap_mm + added * _OPENING_MM[column]


def _ratio(part: Array, whole: Array) -> Array:
    share: Array = np.where(whole > 1e-9, part / np.maximum(whole, 1e-9), 1.0)
    return np.clip(share, 0.0, 1.0)


def _owned(speech: FloatArray, visemes: FloatArray) -> Array:
    """[T, owners] in 0..1: how far each owner has the lips."""
    heard = np.stack([visemes[:, columns].sum(axis=1) for columns in _OWNER_COLUMNS], axis=1)
    owned = _smooth(_windows(np.clip(heard, 0.0, 1.0), _BESIDE_ROWS).max(axis=2))
    rounded = np.clip((speech[:, _FUNNEL] + speech[:, _PUCKER]) / _ROUNDED, 0.0, 1.0)
    return np.concatenate([owned, rounded[:, None]], axis=1)


def _pause(visemes: FloatArray) -> Array:
    """[T] in 0..1: silence with no sound near."""
    silence = visemes[:, VISEMES.index("sil")].astype(np.float64)[:, None]
    return _smooth(_windows(silence, _PAUSE_ROWS).min(axis=2), _PAUSE_SMOOTH_ROWS)[:, 0]


def _windows(values: Array, reach: int) -> Array:
    """[T, K] -> [T, K, 2 * reach + 1], the ends held."""
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)


def _smooth(values: Array, reach: int = _SMOOTH_ROWS) -> Array:
    kernel = np.hanning(2 * reach + 3)[1:-1]
    smooth: Array = _windows(values, reach) @ (kernel / kernel.sum())
    return smooth
