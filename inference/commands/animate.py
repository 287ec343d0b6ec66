"""`soliloquy animate in.wav --out out.csv`: files and folders alike."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import OK, REFUSED, SOME_FAILED
from ..errors import SoliloquyError, UsageError
from . import curve_output, options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..console import Console
    from ..jobs import Job
    from ..pipeline import AnimateSettings
    from ..types import FaceMotion

    Animate = Callable[..., Iterator[FaceMotion]]
    """Makes the motion of one job; takes `progress` and `notify`."""

_ANIMATE = """Turn speech into a facial performance: for each sound file one CSV file of ARKit curves and of
the head's turns in radians.
A folder stands for all sound files in it; one that cannot be read does not stop the others.
Where phone times are at hand (--cues), the mouth follows them; a sound beside them gives its strength."""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "animate", help="turn speech into a facial performance (CSV)", description=_ANIMATE
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "inputs", nargs="*", type=Path, metavar="INPUT", help="sound files, or folders of them"
    )
    parser.add_argument(
        "--cues",
        type=Path,
        metavar="FILE",
        help="phone times of the one sound, which may be left out (TextGrid, TSV, CSV, output of Rhubarb, "
        "Papagayo or Moho)",
    )
    parser.add_argument(
        "--cues-fps",
        type=options.frame_rate,
        metavar="N",
        help="frames per second of cues that count frames and do not tell their rate (Moho); default 24",
    )
    parser.add_argument(
        "--out",
        type=_out_path,
        metavar="PATH",
        help="the CSV file (overwritten), or the folder for several; without it beside each input",
    )
    curve_output.add_format(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace files beside the inputs too")
    options.add_rate(parser)
    options.add_shape(parser.add_argument_group("shape of the motion"))
    options.add_performance(parser.add_argument_group("how it is performed"))
    options.add_text(parser.add_argument_group("what is said"))
    running = parser.add_argument_group("how it runs")
    options.add_model(running)
    options.add_telling(running)
    running.add_argument(
        "--debug", action="store_true", help="show where a fault of Soliloquy itself happened"
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Animate every input."""
    options.products_on_one_thread()
    settings = options.animate_settings(arguments, _said(arguments), arguments.fps)
    settings = options.performed(arguments, settings, lambda sentence: console.notice(None, sentence))
    if arguments.cues is not None:
        jobs, single, animate = _from_cues(arguments, settings, console)
    else:
        jobs, single, animate = _from_sound(arguments, settings, console)
    failures = 0
    for job in jobs:
        try:
            _animate_one(job, animate, arguments.format, console)
        except SoliloquyError as error:
            console.failed(job.source, error)
            failures += 1
        except Exception as error:  # one input that we cannot cope with must not lose the others
            if arguments.debug:
                raise
            console.failed(job.source, _bug(job, error))
            failures += 1
    if single:
        return REFUSED if failures else OK
    console.summary(len(jobs) - failures, failures)
    return SOME_FAILED if failures else OK


def _from_sound(
    arguments: argparse.Namespace, settings: AnimateSettings, console: Console
) -> tuple[list[Job], bool, Animate]:
    from ..jobs import plan
    from ..pipeline import animate_file

    if not arguments.inputs:
        raise UsageError("There is nothing to animate", "Give a sound file, or phone times with --cues")
    jobs, single = plan(
        arguments.inputs,
        arguments.out,
        overwrite=arguments.overwrite,
        notify=console.say,
        suffix=curve_output.ENDINGS[arguments.format],
    )
    from ..session import load_speech_model

    model = load_speech_model(
        arguments.model, threads=arguments.threads, device=arguments.device, notify=console.say
    )
    return jobs, single, lambda job, **told: animate_file(job.source, model, settings, **told)


def _from_cues(
    arguments: argparse.Namespace, settings: AnimateSettings, console: Console
) -> tuple[list[Job], bool, Animate]:
    """Phone times and perhaps the sound that they belong to; no model is opened."""
    from ..jobs import plan
    from ..pipeline import animate_cues

    cues, sounds = arguments.cues, arguments.inputs
    if len(sounds) > 1 or any(sound.is_dir() for sound in sounds):
        raise UsageError("--cues belongs to one sound", "Animate the sounds one by one, each with its cues")
    if cues.is_dir():
        raise UsageError(f"'{cues}' is a folder", "Give the file of phone times to --cues")
    jobs, single = plan(
        sounds or [cues],
        arguments.out,
        overwrite=arguments.overwrite,
        notify=console.say,
        suffix=curve_output.ENDINGS[arguments.format],
        kept=[cues],
    )
    given = {"sound": sounds[0] if sounds else None, "frames_hz": arguments.cues_fps}
    return jobs, single, lambda job, **told: animate_cues(cues, settings, **given, **told)


def _animate_one(job: Job, animate: Animate, kind: str, console: Console) -> None:
    job.check()
    frames, rate_hz = 0, 0.0

    def counted() -> Iterator[FaceMotion]:
        nonlocal frames, rate_hz
        for piece in animate(
            job,
            progress=lambda share: console.progress(job.source, share),
            notify=lambda sentence: console.notice(job.source, sentence),
        ):
            frames, rate_hz = frames + len(piece.values), piece.rate_hz
            yield piece

    curve_output.write(job.output, job.source, counted(), kind)
    console.done(job.source, job.output, frames, rate_hz)


def _bug(job: Job, error: Exception) -> SoliloquyError:
    return SoliloquyError(
        f"'{job.source}' met a fault in Soliloquy itself ({type(error).__name__}: {error})",
        "Please report it with the output of the same command and --debug",
    )


def _said(arguments: argparse.Namespace) -> str:
    """The text of the one input, or nothing."""
    text = options.said(arguments)
    if text and arguments.cues is not None:
        raise UsageError("A text and phone times both say what is spoken", "Leave out the text, or --cues")
    if text and (len(arguments.inputs) != 1 or arguments.inputs[0].is_dir()):
        raise UsageError("A text belongs to one sound", "Animate the sounds one by one, each with its text")
    return text


def _out_path(text: str) -> tuple[Path, bool]:
    """The path, and whether it was written as a folder: a `Path` forgets a slash at its end."""
    return Path(text), text.endswith(("/", "\\"))
