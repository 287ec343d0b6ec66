"""Options and value checks that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def add_strengths(group: Any) -> None:
    """`--jaw`, `--lips` and `--upper-face`: the strengths of `curves.MotionControls`."""
    group.add_argument("--jaw", type=float, default=1.0, metavar="X", help="strength of the jaw, 0 to 4")
    group.add_argument(
        "--lips", type=float, default=1.0, metavar="X", help="strength of mouth and tongue, 0 to 4"
    )
    group.add_argument(
        "--upper-face", type=float, default=1.0, metavar="X", help="strength of eyes, brows, cheeks, nose"
    )


def add_blinks(group: Any) -> None:
    """`--seed` and `--no-blinks`."""
    group.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the blinks")
    group.add_argument("--no-blinks", dest="blinks", action="store_false", help="add no blinks")


def add_model(group: Any) -> None:
    """`--model`, `--threads` and `--device`: see `session.load_speech_model`."""
    group.add_argument("--model", type=Path, metavar="FILE", help="another weight file")
    group.add_argument("--threads", type=threads, default=1, metavar="N", help="CPU threads, default 1")
    group.add_argument(
        "--device",
        choices=("auto", "cpu", "gpu"),
        default="auto",
        help="what runs the model; auto is the CPU, which is quick enough for hours of sound",
    )


def frame_rate(text: str) -> float:
    """A rate as a number or a fraction."""
    from fractions import Fraction

    return number(text, lambda: float(Fraction(text)))


def threads(text: str) -> int:
    """A number of threads, 1 to 256."""
    value = number(text, lambda: int(text))
    if not 1 <= value <= 256:
        raise argparse.ArgumentTypeError("must be 1 to 256")
    return int(value)


def number(text: str, convert: Callable[[], float]) -> float:
    """What `convert` makes of `text`; a usage error where that is no number."""
    try:
        return convert()
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
