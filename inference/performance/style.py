"""Style: how one take realises an instruction, drawn by a diffusion prior.

The weight file holds one step of the prior's sampling, and the decoder of the style code: from noise, in a
few steps told the instruction, to the values of a style. What of it is learnt from people and what comes
from published tables is said in its card (`weights/style.md`). After the diffusion prior of AVI-Talking (Sun
et al., arXiv 2402.16124).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ..errors import ModelError
from ..instruction.values import Instruction
from ..session import damaged_card, load_graph
from .emotions import emotions
from .head import HeadStyle

if TYPE_CHECKING:
    from ..instruction.values import InstructionTrack
    from ..session import Graph
    from ..types import FloatArray

CONTRACT: Final = "style-1"
INPUTS: Final = ("code", "level", "condition")
OUTPUTS: Final = ("next_code", "values")
_MOST_CODE, _MOST_LEVELS = 4096, 64
STYLE_WEIGHTS: Final = Path(__file__).parents[1] / "weights" / "style.onnx"

PEOPLE: Final[tuple[str, ...]] = (
    "brow_range", "brow_speed", "brow_sides", "brow_accent", "squint_range", "lid_range", "corner_range",
    "head_pitch_range", "head_yaw_range", "head_roll_range", "head_speed",
    "head_pitch_rest", "head_yaw_rest", "head_roll_rest",
    "blink_rate", "gaze_side_range", "gaze_height_range", "gaze_speed",
)  # fmt: skip
"""What is measured on filmed people: logarithms of ratios to the mean person; `_rest` in radians;
`brow_accent` the correlation of brow height and loudness; `brow_sides` the share in which sides differ."""
VARIANTS: Final = 5
"""Most variants that an emotion has; each has a preference."""
FREE: Final = 6
"""Values that nothing is known of: lags of four regions, side of the brows and of the mouth; normal."""
VALUES: Final = len(PEOPLE) + VARIANTS + FREE
REGIONS: Final[tuple[str, ...]] = ("brows", "eyes", "cheeks", "mouth")
_SHARPNESS: Final = 4.0
_LAG_S: Final = 0.06


@dataclass(frozen=True)
class Style:
    """How one take realises an instruction; without arguments, the mean person."""

    variants: tuple[tuple[float, ...], ...] = tuple(tuple(v.share for v in e.variants) for e in emotions())
    """For each emotion the weights of its variants, which sum to 1."""
    gains: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    """Factors on the expression of the `REGIONS`."""
    lags_s: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Seconds by which each region is late, 0..0.2."""
    sides: tuple[float, float] = (0.0, 0.0)
    """Of brows and eyes, and of cheeks and mouth: by how much the left side is stronger, -0.3..0.3."""
    idle: tuple[float, float] = (1.0, 1.0)
    """Factors on the small motion of brows and of lids that goes on without an instruction."""
    pace: float = 1.0
    """Factor on the speed of that motion."""
    accents: float = 1.0
    """Factor on brows at stressed syllables."""
    blinks: float = 1.0
    """Factor on the blink rate."""
    gaze: float = 1.0
    """Factor on how far and how often the gaze wanders."""
    head: HeadStyle = HeadStyle()  # noqa: RUF009  (frozen)
    seed: int = 0
    """Of the small motion over time."""


def load_style_model(path: Path = STYLE_WEIGHTS) -> Graph:
    """Open the shipped prior, or another of its kind.

    Raises:
        ModelError: the file is missing, damaged, of another contract, or of other style values.
    """
    graph = load_graph(path, CONTRACT, INPUTS, OUTPUTS)
    try:
        people = tuple(graph.card.get("people", ()))
        code, levels, noise = (graph.card[name] for name in ("code", "levels", "noise"))
        possible = (
            1 <= int(code) <= _MOST_CODE and 1 <= int(levels) <= _MOST_LEVELS and 0 < float(noise) < 100
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise damaged_card(path, error) from error
    if not possible:
        raise damaged_card(path, "a size in it is not possible")
    if people != PEOPLE:
        raise ModelError(
            f"The style model {path} has other style values", "Use weights and program of the same release"
        )
    return graph


@lru_cache(maxsize=64)
def draw_style(instruction: Instruction, seed: int, model: Graph) -> Style:
    """One of the plausible realisations of an instruction: the same seed gives the same, another another.

    Args:
        seed: any whole number.
        model: see `load_style_model`.
    """
    noise = _normal(seed, int(model.card["code"]))
    return style_of(decoded(noise, condition(instruction), model), seed)


def decoded(noise: FloatArray, told: FloatArray, model: Graph) -> FloatArray:
    """float32 [VALUES]: what the prior makes of standard normal noise [code] and a `condition`."""
    code = values = noise[None] * np.float32(model.card["noise"])
    for level in range(int(model.card["levels"])):
        at = np.array([level], np.int64)
        code, values = model.run(code=code, level=at, condition=told[None])
    made: FloatArray = values[0]
    return made


def instruction_of(track: InstructionTrack) -> Instruction:
    """The one instruction that a style is drawn for: the mean over the times of a track."""
    emotions_, actions = track.at(np.array(track.times_s))
    ends = np.array(track.times_s)
    spans = np.diff(ends)
    share = np.ones(1) if len(ends) == 1 else np.append(spans, 0.0) + np.append(0.0, spans)
    share = (share / share.sum()).astype(np.float32)
    return Instruction(tuple(map(float, share @ emotions_)), tuple(map(float, share @ actions)))


def condition(instruction: Instruction) -> FloatArray:
    """float32 [34]: emotions and actions, the intensity multiplied in; what the prior is told."""
    both = (*instruction.emotions, *instruction.actions)
    return np.array(both, np.float32) * np.float32(instruction.intensity)


def style_of(values: FloatArray, seed: int = 0) -> Style:
    """The style that decoded values [VALUES] describe; every part is kept within what looks human."""
    of = {name: float(value) for name, value in zip(PEOPLE, values, strict=False)}
    preferences = values[len(PEOPLE) : len(PEOPLE) + VARIANTS]
    free = np.clip(values[len(PEOPLE) + VARIANTS :], -2.0, 2.0)

    def factor(log_ratio: float, low: float, high: float) -> float:
        return float(np.clip(np.exp(log_ratio), low, high))

    corners = factor(0.3 * of["corner_range"], 0.75, 1.2)
    uneven = float(np.clip(0.12 + 0.3 * of["brow_sides"], 0.03, 0.3)) / 2
    lags = tuple(float(np.clip(_LAG_S * (1.0 + lag), 0.0, 0.2)) for lag in free[:4])
    head = HeadStyle(
        amplitude=tuple(factor(of[f"head_{axis}_range"], 0.4, 2.2) for axis in ("pitch", "yaw", "roll")),  # type: ignore[arg-type]
        pace=factor(of["head_speed"], 0.6, 1.6),
        rest=tuple(_rest(of[f"head_{axis}_rest"]) for axis in ("pitch", "yaw", "roll")),  # type: ignore[arg-type]
    )
    return Style(
        variants=tuple(_variant_weights(preferences, len(e.variants)) for e in emotions()),
        gains=(
            factor(0.3 * of["brow_range"], 0.75, 1.25),
            factor(0.3 * of["squint_range"], 0.75, 1.25),
            corners,
            corners,
        ),
        lags_s=lags,  # type: ignore[arg-type]
        sides=(uneven * float(free[4]), uneven * float(free[5])),
        idle=(
            factor(of["brow_range"], 0.4, 2.0),
            factor(0.5 * (of["squint_range"] + of["lid_range"]), 0.4, 2.0),
        ),
        pace=factor(of["brow_speed"], 0.6, 1.6),
        accents=float(np.clip(1.0 + of["brow_accent"], 0.4, 1.6)),
        blinks=factor(0.6 * of["blink_rate"], 0.6, 1.6),
        gaze=factor(0.5 * (of["gaze_side_range"] + of["gaze_height_range"]), 0.4, 2.0),
        head=head,
        seed=seed,
    )


def _rest(filmed_rad: float) -> float:
    """Radians; only a part of what is filmed is how people hold their head: the camera stood anywhere."""
    return float(np.clip(0.5 * filmed_rad, -0.05, 0.05))


def _variant_weights(preferences: FloatArray, count: int) -> tuple[float, ...]:
    raised = np.exp(_SHARPNESS * np.clip(preferences[:count], -3.0, 3.0).astype(np.float64))
    return tuple(map(float, raised / raised.sum()))


def _normal(seed: int, count: int) -> FloatArray:
    """float32 [count], standard normal by Box and Muller: numpy keeps the stream of `random()` from version
    to version, that of its normal distribution not."""
    draws = np.random.Generator(np.random.PCG64(seed % 2**64)).random((2, count))
    normal: FloatArray = (np.sqrt(-2.0 * np.log1p(-draws[0])) * np.cos(2.0 * np.pi * draws[1])).astype(
        np.float32
    )
    return normal
