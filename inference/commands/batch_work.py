"""What workers of a batch do without Blender: curve files, and photoreal passes. And the worker's command."""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..batch.worker import serve
from ..console import OK
from . import curve_output, options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..audio_decoders import Decoder
    from ..batch.types import Kind, Task
    from ..batch.worker import Handler, Told
    from ..console import Console
    from ..session import SpeechModel
    from ..types import FaceMotion

_THREADS_OF_PASS = 2


def add(commands: Any) -> None:
    """Declare the command; it is no part of the help, as nobody types it."""
    parser = commands.add_parser("batch-worker")
    parser.set_defaults(run=run, quiet=False, json=False)
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of the worker's command, here and in Blender."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the batch")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Do the tasks that come in on stdin."""
    serve(handlers(), arguments.out)
    return OK


def handlers(decoders: Sequence[Decoder] = ()) -> dict[Kind, Handler]:
    """What can be done without Blender.

    Args:
        decoders: further decoders for `audio.open_audio`.
    """
    return {
        "curves": lambda task, folder, told: curves(task, folder, told, decoders),
        "pass": paint_pass,
    }


def curves(task: Task, folder: Path, told: Told, decoders: Sequence[Decoder] = ()) -> float:
    """Write the curve file of a task; the same task gives the same bytes wherever it is done.

    Raises:
        SoliloquyError: the sound or the file cannot be used.
    """
    from ..pipeline import animate_file

    asked = argparse.Namespace(**task.options)
    settings = options.animate_settings(asked, options.said(asked), asked.fps)
    settings = options.performed(asked, settings, told.notify)
    pieces = animate_file(
        task.audio,
        _speech_model(asked.model, asked.device),
        settings,
        decoders=decoders,
        progress=told.progress,
        notify=told.notify,
    )
    seconds = 0.0

    def counted() -> Iterator[FaceMotion]:
        nonlocal seconds
        for piece in pieces:
            seconds += len(piece.values) / piece.rate_hz
            yield piece

    curve_output.write(folder / task.outputs[0], Path(task.audio), counted(), asked.format)
    return seconds


def paint_pass(task: Task, folder: Path, told: Told) -> float:
    """Paint the frames of a task: `soliloquy actor render`.

    Raises:
        SoliloquyError: something is missing, damaged, or cannot be written.
    """
    from ..actor.painting.pass_jobs import DubJob, paint_dub
    from .actor import credentials_of, line_of

    unset = {"curves": None, "threads": _THREADS_OF_PASS, "certificate": None, "key": None}
    asked = argparse.Namespace(**{**task.options, **unset, "audio": Path(task.audio)})
    line = line_of(asked, told.notify)
    job = DubJob(
        actor=Path(task.actor),
        plate=Path(task.plate),
        line=line,
        out=folder / task.outputs[0],
        sound=Path(task.audio),
        threads=_THREADS_OF_PASS,
    )
    paint_dub(job, credentials_of(asked, told.notify), progress=told.progress, notify=told.notify)
    return len(line.motion.values) / line.motion.rate_hz


@cache
def _speech_model(path: str | None, device: str) -> SpeechModel:
    from ..session import load_speech_model

    return load_speech_model(path, device=device)
