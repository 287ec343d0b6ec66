"""`soliloquy animate in.wav --out out.csv`: files and folders alike."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import OK, REFUSED, SOME_FAILED
from ..errors import SoliloquyError
from . import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..console import Console
    from ..jobs import Job
    from ..pipeline import AnimateSettings
    from ..session import SpeechModel

_ANIMATE = """Turn speech into ARKit curves: one CSV file for each sound file.
A folder stands for all sound files in it; one that cannot be read does not stop the others."""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("animate", help="turn speech into ARKit curves (CSV)", description=_ANIMATE)
    parser.set_defaults(run=run)
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="INPUT", help="sound files, or folders of them"
    )
    parser.add_argument(
        "--out",
        type=_out_path,
        metavar="PATH",
        help="the CSV file (overwritten), or the folder for several; without it beside each input",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files beside the inputs too")
    parser.add_argument(
        "--fps",
        type=options.frame_rate,
        metavar="N",
        help="frames per second (24, 29.97, 30000/1001); default 50",
    )
    shape = parser.add_argument_group("shape of the motion")
    options.add_strengths(shape)
    shape.add_argument(
        "--smoothing", type=float, default=0.0, metavar="S", help="Gaussian smoothing, seconds"
    )
    shape.add_argument(
        "--delay",
        type=float,
        default=0.0,
        metavar="S",
        help="motion later by so many seconds (negative: earlier)",
    )
    options.add_blinks(shape)
    running = parser.add_argument_group("how it runs")
    options.add_model(running)
    running.add_argument("--quiet", action="store_true", help="print errors only")
    running.add_argument(
        "--json", action="store_true", help="one JSON object per line on stdout, with progress"
    )
    running.add_argument(
        "--debug", action="store_true", help="show where a fault of Soliloquy itself happened"
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Animate every input."""
    from ..jobs import plan

    settings = _settings(arguments)
    jobs, single = plan(arguments.inputs, arguments.out, overwrite=arguments.overwrite, notify=console.say)
    from ..session import load_speech_model

    model = load_speech_model(
        arguments.model, threads=arguments.threads, device=arguments.device, notify=console.say
    )
    failures = 0
    for job in jobs:
        try:
            _animate_one(job, model, settings, console)
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


def _animate_one(job: Job, model: SpeechModel, settings: AnimateSettings, console: Console) -> None:
    from ..formats.arkit_csv import write_csv
    from ..pipeline import animate_file

    job.check()
    frames = 0

    def counted() -> Iterator[Any]:
        nonlocal frames
        for piece in animate_file(
            job.source,
            model,
            settings,
            progress=lambda share: console.progress(job.source, share),
            notify=lambda sentence: console.notice(job.source, sentence),
        ):
            frames += len(piece.values)
            yield piece

    write_csv(job.output, counted())
    console.done(job.source, job.output, frames, settings.rate_hz or float(model.card.rate_hz))


def _bug(job: Job, error: Exception) -> SoliloquyError:
    return SoliloquyError(
        f"'{job.source}' met a fault in Soliloquy itself ({type(error).__name__}: {error})",
        "Please report it with the output of the same command and --debug",
    )


def _settings(arguments: argparse.Namespace) -> AnimateSettings:
    from ..curves import MotionControls
    from ..pipeline import AnimateSettings

    controls = MotionControls(
        jaw=arguments.jaw,
        lips=arguments.lips,
        upper_face=arguments.upper_face,
        smoothing_s=arguments.smoothing,
        prediction_delay_s=arguments.delay,
    )
    return AnimateSettings(controls, seed=arguments.seed, blinks=arguments.blinks, rate_hz=arguments.fps)


def _out_path(text: str) -> tuple[Path, bool]:
    """The path, and whether it was written as a folder: a `Path` forgets a slash at its end."""
    return Path(text), text.endswith(("/", "\\"))
