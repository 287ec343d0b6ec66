"""`soliloquy actor show|train|render|skin ACTOR`: a captured actor, from its folder to a painted pass."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import OK
from ..errors import UsageError
from . import options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..actor.painting.pass_jobs import Line
    from ..actor.trust.credentials import Credentials
    from ..console import Console

_RENDER = """Paint a line onto a plate of the actor: an EXR sequence with colours (scene linear), matte and
confidence, numbered as the scene. It goes on where an earlier run with the same inputs stopped.
The line is a sound, a table of ARKit curves (edited ones read back from Blender, too), or what the plate says
itself."""
_SKIN = """Paint the actor's face onto a 3D head that Blender has tracked (document: `head_track.py`): an
EXR sequence of the whole picture; its confidence fades where the head is turned further than was captured."""
_TRAIN = """Train the actor's renderer from the memory and the plates; needs PyTorch, and goes on where an
earlier run stopped. What follows ACTOR goes to the trainer: --help shows it."""


def add(commands: Any) -> None:
    """Declare the command and its sub-commands."""
    parser = commands.add_parser("actor", help="a captured actor: show, train, render a photoreal pass")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_show(actions)
    _add_train(actions)
    _add_render(actions)
    _add_skin(actions)


def _add_show(actions: Any) -> None:
    parser = actions.add_parser("show", help="who it is, with whose consent, and what is there")
    parser.set_defaults(run=show, quiet=False)
    parser.add_argument("actor", type=Path, metavar="ACTOR", help="the actor's folder")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def _add_train(actions: Any) -> None:
    parser = actions.add_parser("train", help="train the actor's renderer", description=_TRAIN)
    parser.set_defaults(run=train, quiet=False, json=False)
    parser.add_argument("actor", type=Path, metavar="ACTOR", help="the actor's folder")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="options of the trainer")


def _add_render(actions: Any) -> None:
    from ..actor.painting.fits import FITS

    parser = actions.add_parser("render", help="paint a line onto a plate", description=_RENDER)
    parser.set_defaults(run=render)
    parser.add_argument("actor", type=Path, metavar="ACTOR", help="the actor's folder")
    parser.add_argument(
        "--plate", type=Path, required=True, metavar="FILE", help="movie, image sequence or its folder"
    )
    line = parser.add_mutually_exclusive_group(required=True)
    line.add_argument("--audio", type=Path, metavar="FILE", help="the new line, as sound")
    line.add_argument("--curves", type=Path, metavar="FILE", help="the new line, as a table of ARKit curves")
    line.add_argument("--tracked", action="store_true", help="what the plate itself says")
    parser.add_argument(
        "--fit",
        choices=FITS,
        default=FITS[0],
        help="where line and plate differ in length: the plate runs back and forth (default), holds its last "
        "frame, or the pass ends with the shorter of the two",
    )
    parser.add_argument(
        "--face-model", type=Path, metavar="FILE", help="of MediaPipe, to capture a plate that is not yet"
    )
    parser.add_argument("--preview", type=Path, metavar="FILE", help="a movie of plate and pass, mp4")
    parser.add_argument(
        "--sound", type=Path, metavar="FILE", help="sound of the preview; default the sound of the line"
    )
    _add_output(parser)
    _add_line_options(parser)


def _add_skin(actions: Any) -> None:
    parser = actions.add_parser("skin", help="paint the actor's face onto a 3D head", description=_SKIN)
    parser.set_defaults(run=skin)
    parser.add_argument("actor", type=Path, metavar="ACTOR", help="the actor's folder")
    parser.add_argument(
        "--track", type=Path, required=True, metavar="FILE", help="where the 3D head is, JSON from Blender"
    )
    line = parser.add_mutually_exclusive_group(required=True)
    line.add_argument("--audio", type=Path, metavar="FILE", help="the line, as sound")
    line.add_argument("--curves", type=Path, metavar="FILE", help="the line, as a table of ARKit curves")
    parser.add_argument(
        "--plates", type=Path, action="append", default=[], metavar="DIR", help="where the actor's plates lie"
    )
    _add_output(parser, with_frames=False)
    _add_line_options(parser)


def _add_output(parser: Any, *, with_frames: bool = True) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the pass")
    if with_frames:
        parser.add_argument(
            "--start-frame", type=int, default=1, metavar="N", help="number of the first frame; default 1"
        )
        parser.add_argument(
            "--fps",
            type=options.frame_rate,
            metavar="N",
            help="frames per second of the scene, which shows the plate frame by frame; default the plate's",
        )
    trust = parser.add_argument_group("content credentials")
    trust.add_argument("--certificate", type=Path, metavar="FILE", help="chain that signs, PEM")
    trust.add_argument("--key", type=Path, metavar="FILE", help="its private key, PEM without password")
    options.add_telling(parser.add_argument_group("how it runs"))


def _add_line_options(parser: Any) -> None:
    """How a sound becomes motion: as for `soliloquy animate`."""
    options.add_shape(parser.add_argument_group("shape of the motion (with --audio)"))
    options.add_performance(parser.add_argument_group("how it is performed (with --audio)"))
    options.add_text(parser.add_argument_group("what is said (with --audio)"))
    options.add_model(parser.add_argument_group("models"))
    parser.set_defaults(threads=2)


def show(arguments: argparse.Namespace, console: Console) -> int:
    """Print what is in an actor folder, and what is missing next."""
    import json

    from ..actor.summary import summary_lines, summary_of

    summary = summary_of(arguments.actor)
    if arguments.json:
        print(json.dumps({"event": "actor", **summary}), flush=True)
    else:
        print("\n".join(summary_lines(summary)), flush=True)
    return OK


def train(arguments: argparse.Namespace, console: Console) -> int:
    """Run the trainer as a child process; its output and its exit code are ours."""
    from ..actor.painting.training import run_trainer

    return run_trainer(arguments.actor, arguments.rest)


def render(arguments: argparse.Namespace, console: Console) -> int:
    """Paint a dub, then its preview."""
    from ..actor.painting.pass_jobs import DubJob, paint_dub

    sound = arguments.sound or (arguments.audio if arguments.audio else None)
    if arguments.tracked and sound is None:
        sound = arguments.plate if arguments.plate.is_file() else None
    job = DubJob(
        actor=arguments.actor,
        plate=arguments.plate,
        line=None if arguments.tracked else line_of(arguments, _about_all(console)),
        out=arguments.out,
        start_frame=arguments.start_frame,
        rate_hz=arguments.fps,
        fit=arguments.fit,
        face_model=arguments.face_model,
        preview=arguments.preview,
        sound=sound,
        threads=arguments.threads,
    )
    painted, count, rate_hz = paint_dub(
        job, credentials_of(arguments, _about_all(console)), **_told(arguments.plate, console)
    )
    _done(arguments.plate, arguments.out, painted, count, rate_hz, console)
    return OK


def skin(arguments: argparse.Namespace, console: Console) -> int:
    """Paint a face onto a 3D head."""
    from ..actor.painting.pass_jobs import SkinJob, paint_skin

    job = SkinJob(
        actor=arguments.actor,
        track=arguments.track,
        line=line_of(arguments, _about_all(console)),
        out=arguments.out,
        plates=tuple(arguments.plates),
        threads=arguments.threads,
    )
    painted, count, rate_hz = paint_skin(
        job, credentials_of(arguments, _about_all(console)), **_told(arguments.track, console)
    )
    _done(arguments.track, arguments.out, painted, count, rate_hz, console)
    return OK


def _done(source: Path, out: Path, painted: int, count: int, rate_hz: float, console: Console) -> None:
    if painted < count:
        console.notice(source, f"{painted} of {count} frames were painted, the others were there already")
    console.done(source, out, count, rate_hz)


def _told(source: Path, console: Console) -> dict[str, Any]:
    return {
        "progress": lambda share: console.progress(source, share),
        "notify": lambda sentence: console.notice(source, sentence),
    }


def _about_all(console: Console) -> Callable[[str], None]:
    return lambda sentence: console.notice(None, sentence)


def line_of(arguments: argparse.Namespace, notify: Callable[[str], None]) -> Line:
    """The line that the options name, as motion.

    Raises:
        SoliloquyError: it cannot be read, or its options do not go together.
    """
    from ..actor.painting.pass_jobs import Line

    if arguments.curves is not None:
        from ..formats.arkit_csv import read_csv

        if arguments.instruction is not None or options.said(arguments):
            raise UsageError(
                "Curves are painted as they are: an instruction or a text cannot change them",
                "Give the sound with --audio, or leave them out",
            )
        return Line("curves", arguments.curves, read_csv(arguments.curves))
    from ..pipeline import animate_file, collect
    from ..session import load_speech_model

    settings = options.animate_settings(arguments, options.said(arguments))
    settings = options.performed(arguments, settings, notify)
    model = load_speech_model(
        arguments.model, threads=arguments.threads, device=arguments.device, notify=notify
    )
    pieces = animate_file(arguments.audio, model, settings, notify=notify)
    return Line("sound", arguments.audio, collect(pieces))


def credentials_of(arguments: argparse.Namespace, notify: Callable[[str], None]) -> Credentials | None:
    """What signs the pass; None, and a notice, where nothing can.

    Raises:
        SoliloquyError: a certificate or a key was named that cannot be used.
    """
    from ..actor.trust.credentials import CredentialsError, find_credentials
    from ..errors import OutputError

    try:
        return find_credentials(arguments.certificate, arguments.key)
    except (CredentialsError, OutputError) as error:
        if arguments.certificate or arguments.key:
            raise
        notify(f"The pass is not signed: {error}")
        return None
