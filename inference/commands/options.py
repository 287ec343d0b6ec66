"""Options and value checks that several commands share."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..curves import MotionControls
    from ..pipeline import AnimateSettings

_LONGEST_TEXT = 4 * 2**20
"""Bytes of a file with what is said."""


def products_on_one_thread() -> None:
    """Keep numpy's matrix library from threads of its own, unless the user asks for them; before numpy is
    imported. Products here are so small that its second thread only waits, which takes half a core."""
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def add_telling(group: Any) -> None:
    """`--quiet` and `--json`: what a `console.Console` tells, of a command that has progress."""
    group.add_argument("--quiet", action="store_true", help="print errors only")
    group.add_argument(
        "--json", action="store_true", help="one JSON object per line on stdout, with progress"
    )


def add_shape(group: Any, *, seed: bool = True) -> None:
    """Strengths, timing, blinks and guarantees: what `animate_settings` reads, but for the text."""
    add_strengths(group)
    add_timing(group)
    add_blinks(group, seed=seed)
    add_guarantees(group)


def add_strengths(group: Any) -> None:
    """`--jaw`, `--lips`, `--upper-face` and finer ones: the strengths of `curves.MotionControls`."""
    group.add_argument("--jaw", type=float, default=1.0, metavar="X", help="strength of the jaw, 0 to 4")
    group.add_argument(
        "--lips", type=float, default=1.0, metavar="X", help="strength of mouth and tongue, 0 to 4"
    )
    group.add_argument(
        "--upper-face", type=float, default=1.0, metavar="X", help="strength of eyes, brows, cheeks, nose"
    )
    group.add_argument(
        "--lower-face",
        type=float,
        default=1.0,
        metavar="X",
        help="strength of jaw and lips, on top of theirs",
    )
    group.add_argument(
        "--brows",
        type=float,
        default=1.0,
        metavar="X",
        help="strength of the brows, on top of the upper face",
    )
    group.add_argument("--head", type=float, default=1.0, metavar="X", help="strength of the head's turns")
    group.add_argument(
        "--lip-close",
        type=float,
        default=0.0,
        metavar="X",
        help="added to the closing of the lips as far as the jaw is open, -1 to 1",
    )


def add_rate(group: Any) -> None:
    """`--fps`: frames per second of the curves."""
    group.add_argument(
        "--fps",
        type=frame_rate,
        metavar="N",
        help="frames per second (24, 29.97, 30000/1001); default 50",
    )


def add_timing(group: Any) -> None:
    """`--smoothing` and `--delay`: the rest of `curves.MotionControls`."""
    group.add_argument(
        "--smoothing", type=float, default=0.0, metavar="S", help="Gaussian smoothing, seconds"
    )
    group.add_argument(
        "--delay",
        type=float,
        default=0.0,
        metavar="S",
        help="motion later by so many seconds (negative: earlier)",
    )


def add_blinks(group: Any, *, seed: bool = True) -> None:
    """`--seed` (unless it is told elsewhere), `--no-blinks`, `--blink-strength` and `--eyelids`."""
    if seed:
        group.add_argument(
            "--seed",
            type=int,
            default=0,
            metavar="N",
            help="seed of all that is drawn: another one, another take",
        )
    group.add_argument("--no-blinks", dest="blinks", action="store_false", help="add no blinks")
    group.add_argument(
        "--blink-strength",
        type=float,
        default=1.0,
        metavar="X",
        help="how far a blink closes the eye, 0 to 1",
    )
    group.add_argument(
        "--eyelids", type=float, default=0.0, metavar="X", help="eyes wider (to 1) or lids hanging (to -1)"
    )


def add_performance(group: Any) -> None:
    """`--instruction`, `--lips-only` and the strengths of `performance.direction.Direction`."""
    group.add_argument(
        "--instruction",
        metavar="TEXT",
        help="how the line is to be performed, in English ('a sad speaker, brows lowered, slow nods'); "
        "'auto' lets the voice suggest it",
    )
    group.add_argument(
        "--lips-only", action="store_true", help="lips and blinks alone, without columns of the head"
    )
    for name, what in (
        ("emotion", "the instruction on the face"),
        ("gaze", "wandering eyes"),
        ("accents", "brows on stressed syllables and questions"),
        ("breath", "breaths in pauses"),
    ):
        group.add_argument(
            f"--{name}", type=float, default=1.0, metavar="X", help=f"strength of {what}, 0 to 2"
        )


def add_model(group: Any, *, threads_too: bool = True) -> None:
    """`--model`, `--threads` (unless processes count) and `--device`: see `session.load_speech_model`."""
    group.add_argument("--model", type=Path, metavar="FILE", help="another weight file")
    if threads_too:
        group.add_argument("--threads", type=threads, default=1, metavar="N", help="CPU threads, default 1")
    group.add_argument(
        "--device",
        choices=("auto", "cpu", "gpu"),
        default="auto",
        help="what runs the model; auto is the CPU, which is quick enough for hours of sound",
    )


def add_text(group: Any) -> None:
    """`--text`, `--text-file` and `--language`; `said` reads them."""
    group.add_argument("--text", metavar="TEXT", help="what is said (for one input; needs espeak-ng)")
    group.add_argument("--text-file", type=Path, metavar="FILE", help="the same, from a file in UTF-8")
    group.add_argument(
        "--language", default="en-us", metavar="NAME", help="language of the text; default en-us"
    )


def add_guarantees(group: Any) -> None:
    """`--lips-meet`, `--teeth-on-f` (None where the user says nothing) and `--still`."""
    both = argparse.BooleanOptionalAction
    group.add_argument(
        "--lips-meet",
        action=both,
        default=True,
        help="let the lips meet on every p, b and m (default: they do)",
    )
    group.add_argument(
        "--teeth-on-f",
        action=both,
        help="let the lower lip reach the teeth on every f and v; on with a text",
    )
    group.add_argument(
        "--still", action="store_true", help="keep the mouth still in silences of 0.3 s and more"
    )


def strengths(arguments: argparse.Namespace) -> MotionControls:
    """What the options of `add_strengths` ask for.

    Raises:
        UsageError: a value out of its range.
    """
    from ..curves import MotionControls

    return MotionControls(
        jaw=arguments.jaw,
        lips=arguments.lips,
        upper_face=arguments.upper_face,
        lower_face=arguments.lower_face,
        brows=arguments.brows,
        head=arguments.head,
        lip_close_offset=arguments.lip_close,
    )


def animate_settings(
    arguments: argparse.Namespace, text: str, rate_hz: float | None = None
) -> AnimateSettings:
    """What the strengths, timing, blinks, guarantees and language of a command ask for.

    Args:
        arguments: with the options of `add_shape` and `add_text`.
        text: what is said, or nothing.
        rate_hz: frames per second; None for the model's own rate.
    """
    from ..pipeline import AnimateSettings

    controls = replace(
        strengths(arguments), smoothing_s=arguments.smoothing, prediction_delay_s=arguments.delay
    )
    return AnimateSettings(
        controls,
        seed=arguments.seed,
        blinks=arguments.blinks,
        blink_strength=arguments.blink_strength,
        eyelid_offset=arguments.eyelids,
        rate_hz=rate_hz,
        text=text,
        language=arguments.language,
        lips_meet=arguments.lips_meet,
        lip_to_teeth=arguments.teeth_on_f,
        still_in_silence=arguments.still,
    )


def performed(
    arguments: argparse.Namespace, settings: AnimateSettings, notify: Callable[[str], None]
) -> AnimateSettings:
    """The settings with what the options of `add_performance` ask for.

    Args:
        notify: called with each sentence about what the instruction says and cannot be followed.

    Raises:
        UsageError: a strength out of its range, or an instruction for lips alone.
    """
    from ..performance.direction import Direction, Draw

    text = arguments.instruction
    if arguments.lips_only:
        if text is not None:
            raise UsageError("Lips alone cannot follow an instruction", "Leave out --lips-only")
        return settings
    strengths = {name: getattr(arguments, name) for name in ("emotion", "gaze", "accents", "breath")}
    settings = replace(settings, direction=Direction(draw=Draw.of(arguments.seed), **strengths))
    if text is None:
        return settings
    if text.strip().lower() == "auto":
        return replace(settings, suggested=True)
    from ..instruction.reader import read

    reading = read(text)
    if reading.not_understood:
        notify(f"Not understood in the instruction: {', '.join(reading.not_understood)}")
    for notice in reading.notices:
        notify(notice)
    return replace(settings, reading=reading)


def said(arguments: argparse.Namespace) -> str:
    """The text that the user gives; empty without one.

    Raises:
        UsageError: two texts, an empty one, a file that cannot be read.
    """
    file = arguments.text_file
    if arguments.text is None and file is None:
        return ""
    if arguments.text is not None and file is not None:
        raise UsageError("There are two texts", "Give either --text or --text-file")
    text = _read_text(file) if file is not None else arguments.text
    if not text.strip():
        raise UsageError("The text is empty", "Give the words that are spoken, or leave the text out")
    return str(text)


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(_LONGEST_TEXT + 1)
        if len(data) > _LONGEST_TEXT:
            raise UsageError(f"The text '{file}' is larger than {_LONGEST_TEXT >> 20} MB", "Split it")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"The text '{file}' is not in UTF-8", "Save it as UTF-8 text") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"The text '{file}' cannot be read ({reason})", "Check its name") from error


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
