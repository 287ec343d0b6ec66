"""English words into the values of an instruction: `read("A quite sad speaker, brows mildly lowered")`."""

from __future__ import annotations

from dataclasses import dataclass

from .values import EMOTIONS, Instruction, InstructionTrack


@dataclass(frozen=True)
class Span:
    """An instruction that holds from a share of the line on (0 its start, 1 its end)."""

    start: float
    instruction: Instruction


@dataclass(frozen=True)
class Reading:
    """What was read of a text; always a valid instruction, neutral where nothing was understood."""

    instruction: Instruction
    """The whole line in one: of every value the strongest of `spans`."""
    spans: tuple[Span, ...]
    """One at least, the first from 0 on; several where the text says what follows what."""
    not_understood: tuple[str, ...] = ()
    """Words that say something, but nothing that was read."""
    notices: tuple[str, ...] = ()
    """Sentences for the user: contradictions, values that were clipped, text that was cut."""

    def track(self, duration_s: float) -> InstructionTrack:
        """The instruction over a line of `duration_s` seconds."""
        if len(self.spans) == 1 or duration_s <= 0.0:
            return InstructionTrack.constant(self.spans[0].instruction)
        return InstructionTrack.steps([(span.start * duration_s, span.instruction) for span in self.spans])


def read(text: str) -> Reading:
    """The instruction that a text in English describes."""
    words = text.lower().split()
    instruction = Instruction.of({name: 0.7 for name in EMOTIONS if name in words})
    unknown = tuple(word for word in words if word not in EMOTIONS)
    return Reading(instruction, (Span(0.0, instruction),), unknown)
