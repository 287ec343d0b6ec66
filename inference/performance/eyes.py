"""Gaze on a face: eyes that turn against the head, in ARKit weights, and lids that go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..channels import EYE_DOWN_RAD, EYE_SIDE_RAD, EYE_UP_RAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .direction import Gaze

    Array = NDArray[np.float64]

LOOKS: Final = (
    "eyeLookOutLeft", "eyeLookInRight", "eyeLookInLeft", "eyeLookOutRight",
    "eyeLookUpLeft", "eyeLookUpRight", "eyeLookDownLeft", "eyeLookDownRight",
)  # fmt: skip
"""Channels of `look_weights`: two for each of left, right, up and down, seen from the subject."""
LID_DOWN, LID_UP = 0.2, 0.2
"""How far upper lids follow eyes that look fully down and up, beside what the rig's own look shapes do: more
would cover the pupil."""
_HOLDS: Final = np.array([0.9, 0.8])
"""Share of the head's yaw and pitch that the eyes make up for; with a target they make up for all of it."""
_REACH_RAD: Final = np.array([0.55, 0.42])
"""Eyes turn in their sockets less than they could: the head does the rest."""
_HEAD_FROM_RAD, _HEAD_SHARE, _HEAD_LAG_S = 0.26, 0.5, 0.35
"""Of a target further aside than 15 degrees the head takes a share, a bit later (Freedman, Sparks 1997)."""


def aimed_at(target: Gaze, times_s: Array) -> Array:
    """[T, 2] yaw and pitch of a target in radians, at times in seconds."""
    return np.column_stack(
        [np.interp(times_s, target.times_s, angle) for angle in (target.yaw, target.pitch)]
    )


def head_towards(target: Gaze, times_s: Array) -> Array:
    """[T, 2] yaw and pitch by which the head turns towards a target, in radians."""
    lags = np.linspace(0.0, 2.0 * _HEAD_LAG_S, 15)
    weights = np.hanning(len(lags) + 2)[1:-1]
    turned = np.zeros((len(times_s), 2))
    for lag_s, weight in zip(lags, weights / weights.sum(), strict=True):
        aim = aimed_at(target, times_s - lag_s)
        turned += weight * _HEAD_SHARE * np.sign(aim) * np.maximum(np.abs(aim) - _HEAD_FROM_RAD, 0.0)
    return turned


def in_sockets(gaze: Array, head: Array, *, is_led: bool) -> Array:
    """Where the eyes point in the head.

    Args:
        gaze: [T, 2] yaw > 0 to the subject's left and pitch > 0 up, in radians from straight ahead of the
            head at rest.
        head: [T, 3] pitch, yaw, roll in radians, signs as in `channels.HEAD`.
        is_led: the eyes must not slip off what they look at.

    Returns:
        [T, 2] yaw and pitch in radians within what eyes reach.
    """
    against = np.column_stack([-head[:, 1], head[:, 0]])
    return _within(gaze + (1.0 if is_led else _HOLDS) * against, _REACH_RAD)


def look_weights(eyes: Array) -> Array:
    """[T, 2] yaw and pitch of the eyes -> [T, 8] weights 0..1 of the channels `LOOKS`."""
    yaw, pitch = eyes[:, :1] / EYE_SIDE_RAD, eyes[:, 1:]
    ways = np.hstack([yaw, -yaw, pitch / EYE_UP_RAD, -pitch / EYE_DOWN_RAD])
    return np.repeat(np.clip(ways, 0.0, 1.0), 2, axis=1)


def _within(angles: Array, reach: Array) -> Array:
    """Angles as they are up to 70 % of the reach, then ever less, never beyond it."""
    free = 0.7 * reach
    beyond = np.maximum(np.abs(angles) - free, 0.0) / (reach - free)
    held: Array = np.sign(angles) * (np.minimum(np.abs(angles), free) + (reach - free) * np.tanh(beyond))
    return held
