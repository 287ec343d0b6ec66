"""`soliloquy capture PLATE... --out ACTOR --consent TEXT`: an actor's face from plates."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import OK, REFUSED, SOME_FAILED
from ..errors import SoliloquyError, UsageError
from . import options

if TYPE_CHECKING:
    from ..actor.types import Take
    from ..console import Console

_CAPTURE = """Track an actor's face through plates and fit a 3D face to it: one take per plate, in one folder
per actor. Frames that can't be used are marked; a plate that mostly can't be is refused.
Needs MediaPipe and its model file face_landmarker.task."""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("capture", help="an actor's face from plates", description=_CAPTURE)
    parser.set_defaults(run=capture)
    parser.add_argument(
        "plates", nargs="+", type=Path, metavar="PLATE", help="movies, folders of images, image sequences"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the actor's folder; made unless it is there"
    )
    parser.add_argument(
        "--consent", default="", metavar="TEXT", help="who consents, when, and to what; kept with the actor"
    )
    parser.add_argument(
        "--name", default="", metavar="TEXT", help="of a new actor; default the folder's name"
    )
    parser.add_argument(
        "--face-model", type=Path, metavar="FILE", help="face_landmarker.task; or in SOLILOQUY_FACE_MODEL"
    )
    parser.add_argument(
        "--fps", type=options.frame_rate, metavar="N", help="frames per second of image sequences; default 24"
    )
    parser.add_argument("--again", action="store_true", help="capture plates again that are there already")
    parser.add_argument(
        "--preview", type=Path, metavar="FILE", help="a movie of the fit over the plate, mp4; of several "
        "plates one each, with the take's name added",
    )  # fmt: skip
    options.add_telling(parser)


def capture(arguments: argparse.Namespace, console: Console) -> int:
    """Capture every plate that can be used, and tell of the others."""
    from ..actor.capture import capture as work
    from ..types import FrameRate

    hz = arguments.fps
    if hz is not None and not 1.0 <= hz <= 1000.0:
        raise UsageError(f"A frame rate of {hz:g} is out of range", "Give 1 to 1000 frames per second")
    if arguments.preview is not None and arguments.preview.suffix.lower() not in (".mp4", ".mov", ".mkv"):
        raise UsageError(f"'{arguments.preview}' is no movie", "Name it with .mp4, .mov or .mkv")
    failures: list[Path] = []
    done: list[Path] = []

    def failed(plate: Path, error: SoliloquyError) -> None:
        failures.append(plate)
        console.failed(plate, error)

    def written(plate: Path, name: str, take: Take) -> None:
        done.append(plate)
        where = arguments.out / "takes" / f"{name}.npz"
        console.done(plate, where, len(take), take.motion.rate_hz)

    try:
        work.capture(
            arguments.plates,
            arguments.out,
            name=arguments.name,
            consent=arguments.consent,
            face_model=arguments.face_model,
            rate=None if hz is None else FrameRate(math.ceil(hz), math.ceil(hz) / hz),
            again=arguments.again,
            preview=arguments.preview,
            progress=console.progress,
            notify=console.notice,
            failed=failed,
            done=written,
        )
    except SoliloquyError:
        if not failures:
            raise
    if not failures:
        return OK
    return SOME_FAILED if len(failures) < len(arguments.plates) else REFUSED
