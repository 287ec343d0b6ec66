"""English words into the values of an instruction: `read("A quite sad speaker, brows mildly lowered")`.

A text is cut into stretches of time ("at first ... then ..."), each of which the grammar reads. What was not
understood is named; whatever comes in, a valid instruction comes out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .grammar import is_emotion, meaning_of
from .values import EMOTIONS, LOWS, Instruction, InstructionTrack
from .words import clean, items_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .grammar import Meaning
    from .words import Item

MOST_WORDS: Final = 500
"""What is beyond is not read: nobody directs one line with more."""
_MOST_LETTERS: Final = 20 * MOST_WORDS
_FOREIGN: Final = 0.4
"""Share of known words below which a text is taken for another language."""
_ENOUGH_WORDS: Final = 6
"""Of fewer words some may be rare; then the language is foreign only where none is known."""
_LATE: Final = 2 / 3
"""Where "at the end" begins."""


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


_NEUTRAL: Final = Reading(Instruction(), (Span(0.0, Instruction()),))


def read(text: str) -> Reading:
    """The instruction that a text in English describes."""
    notices: list[str] = []
    words = re.findall(r"[^\W\d_]+", text[:_MOST_LETTERS])
    if len(words) > MOST_WORDS or len(text) > _MOST_LETTERS:
        notices.append(f"The instruction is long: only its first {MOST_WORDS} words are read.")
        text = _cut(text[:_MOST_LETTERS])
    if not text.strip():
        notices.append("The instruction is empty: the performance is neutral.")
        return replace(_NEUTRAL, notices=tuple(notices))
    items = items_of(clean(text))
    if _is_foreign(items):
        notices.append("The instruction seems not to be in English: the performance is neutral.")
        return replace(
            _NEUTRAL, not_understood=_unique(i.text for i in items if not i.known), notices=tuple(notices)
        )
    stretches = [(when, meaning_of(part)) for when, part in _stretches(items)]
    understood = [(when, meaning) for when, meaning in stretches if meaning.anything]
    if not understood:
        notices.append("Nothing of the instruction was understood: the performance is neutral.")
    for _, meaning in stretches:
        notices += meaning.notices
    spans = _spans(understood) or _NEUTRAL.spans
    unread = _unique(word for _, meaning in stretches for word in meaning.unread)
    return Reading(_strongest(spans), spans, unread, _unique(notices))


def _cut(text: str) -> str:
    ends = [found.end() for found in re.finditer(r"[^\W\d_]+", text)]
    return text[: ends[min(MOST_WORDS, len(ends)) - 1]] if ends else ""


def _is_foreign(items: list[Item]) -> bool:
    """Whether hardly any of many words are known, or none of a few."""
    words = [item for item in items if not item.break_ and item.number is None and item.exact is None]
    known = sum(item.known for item in words)
    if len(words) >= _ENOUGH_WORDS:
        return known < _FOREIGN * len(words)
    return len(words) >= 3 and not known


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _stretches(items: list[Item]) -> list[tuple[str, list[Item]]]:
    """Items by time: ("", or first, next, middle, end; what is said of it), in order."""
    stretches: list[tuple[str, list[Item]]] = [("", [])]
    for clause in _clauses(items):
        times = [item.entry.time for item in clause if item.entry.time in ("first", "middle", "end")]
        body = [item for item in clause if item.entry.time not in ("first", "middle", "end")]
        following = next((at for at in range(len(body)) if _is_next(body, at)), -1)
        if times and times[0] != "first":
            stretches.append((times[0], body))
        elif following >= 0:
            stretches[-1][1].extend(body[:following])
            stretches.append(("next", body[following + 1 :]))
        else:
            stretches[-1][1].extend(body)
    return stretches


def _is_next(items: list[Item], at: int) -> bool:
    """Whether an item begins what comes later: "then", or "becomes" before a feeling."""
    entry = items[at].entry
    if entry.time == "next":
        return True
    if "becomes" not in entry.flags:
        return False
    ahead = [
        item for item in items[at + 1 :] if item.entry.degree is None and "quiet" not in item.entry.flags
    ]
    return bool(ahead) and is_emotion(ahead[0].entry)


def _clauses(items: list[Item]) -> list[list[Item]]:
    """Cut at breaks; each break begins the clause after it."""
    clauses: list[list[Item]] = [[]]
    for item in items:
        if item.break_:
            clauses.append([])
        clauses[-1].append(item)
    return clauses


def _spans(stretches: list[tuple[str, Meaning]]) -> tuple[Span, ...]:
    """Instructions and when they begin; a feeling stays until another one is named."""
    spans: list[Span] = []
    feelings: dict[str, float] = {}
    intensity = next((m.intensity for _, m in stretches if m.intensity is not None), 1.0)
    for number, (when, meaning) in enumerate(stretches):
        values = dict(meaning.implied)
        values.update(meaning.said)
        named = {name: value for name, value in values.items() if name in EMOTIONS}
        feelings = named if named or not (meaning.said or meaning.implied) else feelings
        values.update(feelings)
        if meaning.intensity is not None:
            intensity = meaning.intensity
        start = _start(when, number, len(stretches))
        spans.append(Span(start, Instruction.of(_inside(values), intensity)))
    return tuple(spans)


def _inside(values: dict[str, float]) -> dict[str, float]:
    """A value that begins at 0 has no opposite."""
    return {name: min(max(value, LOWS[name]), 1.0) for name, value in values.items()}


def _start(when: str, number: int, count: int) -> float:
    if number == 0:
        return 0.0
    if when == "end" and count == 2:
        return _LATE
    return number / count


def _strongest(spans: tuple[Span, ...]) -> Instruction:
    values: dict[str, float] = {}
    for span in spans:
        for name, value in span.instruction.values().items():
            if abs(value) > abs(values.get(name, 0.0)):
                values[name] = value
    return Instruction.of(values, max(span.instruction.intensity for span in spans))
