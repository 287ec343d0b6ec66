"""What a voice asks of a face: an instruction over time from pitch, level and pauses of a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .values import NEUTRAL, Instruction, InstructionTrack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..types import FloatArray


@dataclass(frozen=True)
class Suggestion:
    """What one phrase suggests; `instruction` is never louder than `confidence` 0..1 allows."""

    start_s: float
    end_s: float
    instruction: Instruction
    confidence: float


def suggest(prosody: FloatArray, visemes: FloatArray) -> tuple[Suggestion, ...]:
    """Suggestions for the phrases of a recording, in order; none where nobody speaks.

    Args:
        prosody: float32 [T, 3] at 50 Hz: level in dB full scale, level above 3 kHz in dB full scale, pitch
            as log2 of Hz, NaN where unvoiced.
        visemes: float32 [T, 15] posteriors in the same frames.
    """
    return ()


def track_of(suggestions: Sequence[Suggestion]) -> InstructionTrack:
    """The suggestions as one instruction over time."""
    if not suggestions:
        return NEUTRAL
    return InstructionTrack.steps([(s.start_s, s.instruction) for s in suggestions])


def suggested_track(prosody: FloatArray, visemes: FloatArray) -> InstructionTrack:
    """`track_of` the suggestions of a recording."""
    return track_of(suggest(prosody, visemes))
