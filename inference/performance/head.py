"""Motion of the head that follows speech: a small recurrent model, gestures on stress, and the instruction.

The model (`models/performance/head_net.py`; Airale et al. 2023, arXiv 2307.03270) makes, 25 times a second,
the next velocity from what is heard, from noise and from its own motion so far; poses leak back to rest. Its
noise follows from the seed and the time in the line, so a line can be made piece by piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..instruction.values import ACTION_NAMES
from ..session import damaged_card, load_graph
from .gestures import gestures
from .head_features import WIDTH, HeadFeatures
from .stress import stresses as find_stresses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..session import Graph
    from ..types import FloatArray

    Array = NDArray[np.float64]

CONTRACT = "head-1"
HEAD_WEIGHTS = Path(__file__).parents[1] / "weights" / "head.onnx"
INPUTS = ("features", "noise", "manner", "hidden", "pose", "velocity")
OUTPUTS = ("velocities", "hidden_after", "pose_after", "velocity_after")
LIMITS_RAD: Final = (0.45, 0.7, 0.4)
"""Pitch, yaw and roll stay below these: what a neck does without effort while speaking."""
CONTEXT: Final = 40
"""Steps of silence before a line in which the head already lives."""
_ROWS_HZ = 50.0
_OFFSET_RAD = (0.2, 0.25, 0.2)
"""Of head_pitch, head_turn and head_tilt at 1."""
_OFFSETS = [ACTION_NAMES.index(name) for name in ("head_pitch", "head_turn", "head_tilt")]
_LIVELY, _PACE = ACTION_NAMES.index("head_motion"), ACTION_NAMES.index("pace")
_FOLLOW = 0.3
"""Share of the way to a new offset that is gone per step, twice over: about 0.25 s in all."""
SLOW_STEPS: Final = 48
"""Of slow noise: about 2 s."""
_EPOCH = 1024
_LARGEST = 4096
"""State, noise and context of a model have at most so many rows."""


@dataclass(frozen=True)
class HeadStyle:
    """How one person moves the head, in this take. Axes are pitch, yaw, roll as in `channels.HEAD`.

    `amplitude` factor per axis (1: as the filmed people on average), `pace` factor of speed, `rest` radians,
    where the head returns to, `manner` shares of the rhythms of the three groups that were filmed: someone
    who reads out sentences, someone who speaks to the public, presenters of news.
    """

    amplitude: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pace: float = 1.0
    rest: tuple[float, float, float] = (0.0, 0.0, 0.0)
    manner: tuple[float, float, float] = (0.2, 0.4, 0.4)


@dataclass(frozen=True)
class HeadModel:
    """An opened model. `unit` [3] radians that one unit of the model's velocity is, for a person on average;
    `hidden`, `noise`, `before`: sizes of its state, of its noise and of the sound it needs before a row;
    `slow` columns of the noise change over seconds."""

    graph: Graph
    unit: tuple[float, float, float]
    leak: float
    hidden: int
    noise: int
    slow: int
    before: int


def load_head_model(path: Path | None = None) -> HeadModel:
    """Open the shipped model of head motion, or another weight file.

    Raises:
        ModelError: see `session.load_graph`.
    """
    graph = load_graph(path or HEAD_WEIGHTS, CONTRACT, INPUTS, OUTPUTS)
    card = graph.card
    try:
        pitch, yaw, roll = (float(unit) for unit in card["unit"])
        leak = float(card["leak"])
        hidden, noise, slow, before = (int(card[name]) for name in ("hidden", "noise", "slow", "before"))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise damaged_card(path or HEAD_WEIGHTS, error) from error
    sizes_right = 0 < hidden <= _LARGEST and 0 <= slow <= noise <= _LARGEST and 0 <= before <= _LARGEST
    if not sizes_right or not np.isfinite([pitch, yaw, roll, leak]).all():
        raise damaged_card(path or HEAD_WEIGHTS, "a size or a unit in it is not possible")
    return HeadModel(graph, (pitch, yaw, roll), leak, hidden, noise, slow, before)


class HeadStream:
    """Head motion of a line that arrives piece by piece, in order.

    Args:
        model: an opened model.
        seed: which take; the same seed gives the same motion of the same speech.
        style: whose head it is.
    """

    def __init__(self, model: HeadModel, seed: int, style: HeadStyle | None = None) -> None:
        self._model, self._seed, self._style = model, seed, style or HeadStyle()
        self._features = HeadFeatures()
        self._heard = np.zeros((model.before, WIDTH), np.float32)
        self._state = [np.zeros((1, n), np.float32) for n in (model.hidden, 3, 3)]
        self._pose = np.zeros(3)
        self._offset: tuple[Array, Array] | None = None
        self._rows = 0
        self._knots = np.zeros((2, 3))
        """Poses of the last two steps; the motion passes them one step after they were made."""
        self._live_before()

    def feed(
        self, prosody: FloatArray, visemes: FloatArray, actions: FloatArray, stresses: Array
    ) -> FloatArray:
        """The next rows at 50 Hz.

        Args:
            prosody: [T, 3] level dB, level above 3 kHz dB, log2 of the pitch in Hz or NaN where unvoiced.
            visemes: [T, 15] posteriors.
            actions: [T, A], see `instruction.values.ACTIONS`.
            stresses: [N, 2] time in seconds of the line and strength; at least all those within
                `gestures.REACH_S` of these rows.

        Returns:
            float32 [T, 3]: pitch, yaw, roll in radians, signs as in `channels`.
        """
        count = len(prosody)
        if not count:
            return np.zeros((0, 3), np.float32)
        even = slice(self._rows % 2, None, 2)
        steps = actions[even].astype(np.float64)
        velocity = self._run(self._features.feed(prosody, visemes))
        poses = self._integrate(velocity, steps) + self._led(steps) if len(steps) else np.zeros((0, 3))
        rows = self._between(poses, count)
        times_s = (self._rows + np.arange(count)) / _ROWS_HZ
        size = _lively(actions) * self._style.amplitude[0]
        pace = _pace(actions, self._style)
        rows += gestures(times_s, stresses, actions, self._seed, size, pace)
        self._rows += count
        limited: FloatArray = _limited(rows).astype(np.float32)
        return limited

    def _live_before(self) -> None:
        """The motion before the line, in silence: nobody starts to speak from a standstill."""
        silence = np.zeros((CONTEXT, WIDTH), np.float32)
        silence[:, 0], silence[:, 4] = -3.0, 1.0
        self._heard[:] = silence[: len(self._heard)]
        velocity = self._run(silence, -CONTEXT)
        self._knots = self._integrate(velocity, np.zeros((CONTEXT, len(ACTION_NAMES))))[-2:].copy()

    def _run(self, features: FloatArray, first: int | None = None) -> Array:
        """Velocities [K, 3] in the model's units."""
        if not len(features):
            return np.zeros((0, 3))
        first = (self._rows + 1) // 2 if first is None else first
        heard = np.concatenate([self._heard, features])
        hidden, pose, velocity = self._state
        made, *self._state = self._model.graph.run(
            features=heard, noise=_noise(self._seed, first, len(features), self._model),
            manner=np.array([self._style.manner], np.float32), hidden=hidden, pose=pose, velocity=velocity,
        )  # fmt: skip
        self._heard = heard[len(features) :]
        return np.asarray(made, np.float64)

    def _integrate(self, velocity: Array, actions: Array) -> Array:
        """Poses [K, 3] in radians around rest after each velocity."""
        pace = _pace(actions, self._style)
        unit = np.array(self._model.unit) * self._style.amplitude
        move = velocity * unit * (_lively(actions) * pace)[:, None]
        keep = 1.0 - self._model.leak * pace
        out: Array = np.empty_like(move)
        pose = self._pose
        for k in range(len(move)):
            pose = out[k] = keep[k] * pose + move[k]
        self._pose = pose
        return out

    def _led(self, actions: Array) -> Array:
        """[K, 3] radians: where the instruction wants the head to rest, reached softly."""
        wanted: Array = np.array(self._style.rest) + actions[:, _OFFSETS] * _OFFSET_RAD
        if self._offset is None:  # held since before the line
            self._offset = (wanted[0], wanted[0])
            self._knots += wanted[0]
        slow, fast = self._offset
        if (wanted == fast).all() and (slow == fast).all():
            return wanted
        out: Array = np.empty_like(wanted)
        for k in range(len(wanted)):
            slow = slow + _FOLLOW * (wanted[k] - slow)
            fast = out[k] = fast + _FOLLOW * (slow - fast)
        self._offset = (slow, fast)
        return out

    def _between(self, poses: Array, count: int) -> Array:
        """[count, 3]: the next rows, on a cubic B-spline through the poses (two rows for each)."""
        knots = np.concatenate([self._knots, poses])
        even = (knots[:-2] + 6.0 * knots[1:-1] + knots[2:]) / 8.0
        odd = (knots[1:-1] + knots[2:]) / 2.0
        both = np.stack([even, odd], axis=1).reshape(-1, 3)
        if self._rows % 2:  # the second row of the last step is still due
            both = np.concatenate([(knots[0:1] + knots[1:2]) / 2.0, both])
        self._knots = knots[-2:]
        rows: Array = both[:count]
        return rows


def head_motion(
    prosody: FloatArray, visemes: FloatArray, actions: FloatArray, seed: int, model: HeadModel,
    style: HeadStyle | None = None,
) -> FloatArray:  # fmt: skip
    """Head motion of a whole line, float32 [T, 3] (pitch, yaw, roll) radians at 50 Hz.

    Args: see `HeadStream` and its `feed`.
    """
    stresses = find_stresses(prosody, visemes, _ROWS_HZ)
    return HeadStream(model, seed, style).feed(prosody, visemes, actions, stresses)


def _lively(actions: NDArray[Any]) -> Array:
    """[T]: factor of all movement that no instruction asks for; 0.1 for a still head, 2 for a lively one."""
    asked = actions[:, _LIVELY].astype(np.float64)
    return np.where(asked < 0.0, 1.0 + 0.9 * asked, 1.0 + asked)


def _pace(actions: NDArray[Any], style: HeadStyle) -> Array:
    return np.asarray(style.pace * 1.6 ** actions[:, _PACE], np.float64)


def _limited(rows: Array) -> Array:
    """Below `LIMITS_RAD`: unchanged up to two thirds of them, then ever slower."""
    limit = np.array(LIMITS_RAD)
    free = limit * (2.0 / 3.0)
    beyond = np.maximum(np.abs(rows) - free, 0.0)
    room = limit - free
    return np.asarray(np.sign(rows) * (np.minimum(np.abs(rows), free) + room * np.tanh(beyond / room)))


@lru_cache(maxsize=8)
def _epoch_noise(seed: int, epoch: int, width: int) -> FloatArray:
    """Standard normal float32 [1024, width] of one span of steps. Only `random()` is drawn: numpy keeps its
    stream from version to version, those of its distributions not."""
    draw = np.random.Generator(np.random.PCG64([seed % 2**64, epoch % 2**64])).random((2, _EPOCH, width))
    normal = np.sqrt(-2.0 * np.log(1.0 - draw[0])) * np.cos(2.0 * np.pi * draw[1])
    return np.asarray(normal, np.float32)


def _noise(seed: int, first: int, count: int, model: HeadModel) -> FloatArray:
    """float32 [count, N], the noise of steps `first` on; slow columns are means over `SLOW_STEPS`."""
    since = first - (SLOW_STEPS - 1)
    epochs = range(since // _EPOCH, (first + count - 1) // _EPOCH + 1)
    drawn = np.concatenate([_epoch_noise(seed, epoch, model.noise) for epoch in epochs])
    start = since - epochs[0] * _EPOCH
    white = drawn[start : start + count + SLOW_STEPS - 1]
    windows = np.lib.stride_tricks.sliding_window_view(white[:, : model.slow], SLOW_STEPS, axis=0)
    slow = windows.sum(axis=2) / np.sqrt(np.float32(SLOW_STEPS))
    return np.concatenate([slow, white[SLOW_STEPS - 1 :, model.slow :]], axis=1)
