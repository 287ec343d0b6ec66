"""How much of what sentences state is read: the target of visual instructions in words.

    python -m soliloquy.models.evaluate_instruction SENTENCES

One sentence a line, then ` | ` and what it states: names of emotions and actions, each with the sign that
its value must have, or * for either. `tests/unit/instruction_sentences.txt` is such a file: the lexicon was
written with it in view, so it measures regressions; `instruction_held_out.txt` was not: it is the judgement.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from ..inference.instruction.reader import read
from ..inference.instruction.values import ACTION_NAMES, EMOTIONS


@dataclass(frozen=True)
class Judged:
    """One sentence: what it states, and what of it was not read with the right sign."""

    sentence: str
    stated: tuple[str, ...]
    wrong: tuple[str, ...]
    values: dict[str, float]
    not_understood: tuple[str, ...]


def judge(lines: list[str]) -> list[Judged]:
    """Every line that has a sentence and claims.

    Raises:
        ValueError: a claim names neither an emotion nor an action, or has no sign.
    """
    pairs = [line.rsplit("|", 1) for line in lines if "|" in line and not line.startswith("#")]
    return [_judged(sentence.strip(), tuple(claims.split())) for sentence, claims in pairs]


def _judged(sentence: str, stated: tuple[str, ...]) -> Judged:
    for claim in stated:
        if claim[:-1] not in (*EMOTIONS, *ACTION_NAMES) or claim[-1] not in "+-*":
            raise ValueError(f"'{claim}' in '{sentence}' is no name with a sign")
    reading = read(sentence)
    values = reading.instruction.values()
    wrong = tuple(claim for claim in stated if not _holds(claim, values.get(claim[:-1], 0.0)))
    return Judged(sentence, stated, wrong, values, reading.not_understood)


def _holds(claim: str, value: float) -> bool:
    return value != 0.0 if claim[-1] == "*" else (value if claim[-1] == "+" else -value) > 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sentences", type=Path)
    judged = judge(parser.parse_args().sentences.read_text(encoding="utf-8").splitlines())
    for one in judged:
        if one.wrong:
            values = ", ".join(f"{name} {value:.2g}" for name, value in one.values.items())
            print(f"{one.sentence}\n    not {' '.join(one.wrong)}; read: {values or 'nothing'}")
    for kind, names in (("emotions", EMOTIONS), ("actions", ACTION_NAMES)):
        stated = sum(claim[:-1] in names for one in judged for claim in one.stated)
        wrong = sum(claim[:-1] in names for one in judged for claim in one.wrong)
        share = 1 - wrong / max(stated, 1)
        print(f"{kind}: {stated - wrong} of {stated} read with the right sign ({share:.1%})")
    unread = sum(bool(one.not_understood) for one in judged)
    print(f"{len(judged)} sentences; in {unread} of them some words were not understood, and named")


if __name__ == "__main__":
    main()
