"""The values of a visual instruction, and how they go over time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ..types import FloatArray

EMOTIONS: Final[tuple[str, ...]] = (
    "amazement", "anger", "cheekiness", "disgust", "fear",
    "grief", "joy", "outofbreath", "pain", "sadness",
)  # fmt: skip
"""As Audio2Face names them; each is 0 (absent) to 1 (full)."""

BLEND_S: Final = 0.5
"""Time in which a face passes from one instruction into another."""


@dataclass(frozen=True)
class Action:
    """Something that a part of the face or the head does beside speech."""

    name: str
    low: float
    """-1 where the opposite exists, else 0."""
    plus: str
    """What 1 looks like, in field terms."""
    minus: str = ""
    """What -1 looks like; empty where the value begins at 0."""


ACTIONS: Final[tuple[Action, ...]] = (
    Action("brows", -1, "both brows raised (AU1+2)", "both brows lowered (AU4)"),
    Action("inner_brows", -1, "inner brows raised (AU1)", "brows drawn together (AU4)"),
    Action("outer_brows", -1, "outer brows raised (AU2)", "outer brows lowered"),
    Action("lids", -1, "upper lids raised, eyes wide (AU5)", "upper lids drooping (AU43 in part)"),
    Action("squint", 0, "lower lids tightened (AU7)"),
    Action("cheeks", 0, "cheeks lifted (AU6)"),
    Action("nose", 0, "nose wrinkled (AU9)"),
    Action("mouth_corners", -1, "mouth corners up (AU12)", "mouth corners down (AU15)"),
    Action("lip_stretch", -1, "lips stretched sideways (AU20)", "lips rounded, pursed (AU18)"),
    Action("lip_press", 0, "lips pressed together (AU24)"),
    Action("upper_lip", 0, "upper lip raised (AU10)"),
    Action("chin", 0, "chin raised, lower lip pushed up (AU17)"),
    Action("jaw", -1, "jaw dropped (AU26)", "jaw clenched"),
    Action("head_pitch", -1, "head lowered", "head raised"),
    Action("head_turn", -1, "head turned to the subject's left", "head turned to the subject's right"),
    Action("head_tilt", -1, "head tilted to the subject's right", "head tilted to the subject's left"),
    Action("nods", 0, "nods on stressed syllables"),
    Action("shakes", 0, "shakes of the head"),
    Action("head_motion", -1, "lively head", "still head"),
    Action("pace", -1, "quick movements of head and eyes", "slow movements of head and eyes"),
    Action("gaze_height", -1, "looks up", "looks down"),
    Action("gaze_side", -1, "looks to the subject's left", "looks to the subject's right"),
    Action("gaze_motion", -1, "darting eyes", "steady gaze"),
    Action("blinking", -1, "blinks often", "blinks rarely"),
)
"""Every action, each 1 at most; 0 is as it would be without an instruction."""

ACTION_NAMES: Final[tuple[str, ...]] = tuple(action.name for action in ACTIONS)
LOWS: Final[Mapping[str, float]] = dict.fromkeys(EMOTIONS, 0.0) | {
    action.name: action.low for action in ACTIONS
}
"""The least value of every emotion and action; the greatest is 1."""


@dataclass(frozen=True)
class Instruction:
    """What a performance is to look like.

    `emotions` one value 0..1 for each of `EMOTIONS`; `actions` one value for each of `ACTIONS`, on top of
    what the emotions do; `intensity` 0..1 scales all of it.
    """

    emotions: tuple[float, ...] = (0.0,) * len(EMOTIONS)
    actions: tuple[float, ...] = (0.0,) * len(ACTIONS)
    intensity: float = 1.0

    def __post_init__(self) -> None:
        if len(self.emotions) != len(EMOTIONS) or len(self.actions) != len(ACTIONS):
            raise ValueError("an instruction has one value for each emotion and each action")
        lows = (0.0,) * len(EMOTIONS) + tuple(action.low for action in ACTIONS) + (0.0,)
        for value, low in zip((*self.emotions, *self.actions, self.intensity), lows, strict=True):
            if not low <= value <= 1.0:
                raise ValueError(f"{value:g} is outside {low:g}..1")

    @staticmethod
    def of(values: Mapping[str, float], intensity: float = 1.0) -> Instruction:
        """An instruction from values by name of emotion or action; what is not named is 0.

        Raises:
            KeyError: a name is neither.
            ValueError: a value is outside its range.
        """
        unknown = set(values) - {*EMOTIONS, *ACTION_NAMES}
        if unknown:
            raise KeyError(f"neither an emotion nor an action: {', '.join(sorted(unknown))}")
        return Instruction(
            tuple(float(values.get(name, 0.0)) for name in EMOTIONS),
            tuple(float(values.get(name, 0.0)) for name in ACTION_NAMES),
            intensity,
        )

    def values(self) -> dict[str, float]:
        """Every value that is not 0, by its name, without the intensity."""
        both = zip((*EMOTIONS, *ACTION_NAMES), (*self.emotions, *self.actions), strict=True)
        return {name: value for name, value in both if value}


@dataclass(frozen=True)
class InstructionTrack:
    """Instructions over time: linear between the times, held before the first and after the last.

    `times_s` K ascending times in seconds of the sound, K >= 1.
    """

    times_s: tuple[float, ...]
    instructions: tuple[Instruction, ...]

    def __post_init__(self) -> None:
        if not self.times_s or len(self.times_s) != len(self.instructions):
            raise ValueError("a track has one time for each of its instructions, at least one")
        if any(b <= a for a, b in zip(self.times_s, self.times_s[1:], strict=False)):
            raise ValueError("the times of a track ascend")

    @staticmethod
    def constant(instruction: Instruction) -> InstructionTrack:
        """One instruction for all of the sound."""
        return InstructionTrack((0.0,), (instruction,))

    @staticmethod
    def steps(spans: Sequence[tuple[float, Instruction]]) -> InstructionTrack:
        """Instructions that each hold from a time on (seconds, ascending), passing over within `BLEND_S`."""
        times, kept = [spans[0][0]], [spans[0][1]]
        for start_s, instruction in spans[1:]:
            half = min(BLEND_S, start_s - times[-1]) / 2
            times += [start_s - half, start_s + half]
            kept += [kept[-1], instruction]
        return InstructionTrack(tuple(times), tuple(kept))

    def at(self, times_s: NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
        """Emotions float32 [T, 10] and actions float32 [T, A], the intensity multiplied in."""
        table = self._table
        both = np.zeros((len(times_s), table.shape[1]), np.float32)
        for column in np.flatnonzero(table.any(axis=0)):
            both[:, column] = np.interp(times_s, self.times_s, table[:, column])
        return both[:, : len(EMOTIONS)], both[:, len(EMOTIONS) :]

    @cached_property
    def _table(self) -> FloatArray:
        """float32 [K, 10 + A], the intensity multiplied in."""
        rows = [[v * i.intensity for v in (*i.emotions, *i.actions)] for i in self.instructions]
        return np.array(rows, np.float32)


NEUTRAL: Final = InstructionTrack.constant(Instruction())
"""Nothing but speech."""
