"""The command line: `soliloquy animate in.wav --out out.csv`, files and folders alike.

Exit codes: 0 done; 1 some of several inputs failed; 2 the only input failed, or nothing could be started
(usage, weights, output folder); 130 interrupted. Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import SoliloquyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .jobs import Job
    from .pipeline import AnimateSettings
    from .session import SpeechModel

OK, SOME_FAILED, REFUSED, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. `argv` has no program name; None takes the process's own."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a file name may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    console = Console(quiet=arguments.quiet, as_json=arguments.json)
    try:
        with _sigterm_unwinds():
            return _animate(arguments, console)
    except SoliloquyError as error:
        console.failed(None, error)
        return REFUSED
    except KeyboardInterrupt:
        console.say("Interrupted: files that were not complete are not there")
        return INTERRUPTED
    except SystemExit as stop:
        return int(stop.code or 0)


class Console:
    """What a run tells: sentences for a person, or one JSON object per line on stdout for a machine."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet = quiet
        self._as_json = as_json
        self._live = sys.stderr.isatty() and not quiet and not as_json
        self._shown = ""

    def say(self, sentence: str) -> None:
        """A line on stderr."""
        self._clear()
        print(f"soliloquy: {sentence}", file=sys.stderr, flush=True)

    def progress(self, source: Path, share: float) -> None:
        """How far one input is, 0..1."""
        if self._as_json:
            self._event("progress", input=str(source), progress=round(share, 4))
        elif self._live:
            self._clear()
            self._shown = f"{source.name}  {share:4.0%}"
            print(self._shown, end="", file=sys.stderr, flush=True)

    def notice(self, source: Path, sentence: str) -> None:
        """Something worth knowing about one input."""
        if self._as_json:
            self._event("notice", input=str(source), message=sentence)
        elif not self._quiet:
            self.say(sentence)

    def done(self, source: Path, output: Path, frames: int, rate_hz: float) -> None:
        """One input is finished."""
        if self._as_json:
            self._event("done", input=str(source), output=str(output), frames=frames, rate_hz=rate_hz)
        elif not self._quiet:
            self._clear()
            print(f"{source} -> {output}  ({frames} frames at {rate_hz:g} fps)", flush=True)

    def failed(self, source: Path | None, error: Exception) -> None:
        """One input, or with None the whole run, failed."""
        if self._as_json:
            self._event("error", input=str(source) if source else None, message=str(error))
        self.say(str(error))

    def summary(self, done: int, failed: int) -> None:
        """The end of a run over several inputs."""
        if self._as_json:
            self._event("summary", done=done, failed=failed)
        elif not self._quiet:
            self.say(f"{done} animated, {failed} failed")

    def _event(self, event: str, **values: Any) -> None:
        print(json.dumps({"event": event, **values}), flush=True)

    def _clear(self) -> None:
        if self._shown:
            print("\r" + " " * len(self._shown) + "\r", end="", file=sys.stderr)
            self._shown = ""


def _animate(arguments: argparse.Namespace, console: Console) -> int:
    from .jobs import plan

    settings = _settings(arguments)
    jobs, single = plan(arguments.inputs, arguments.out, overwrite=arguments.overwrite, notify=console.say)
    from .session import load_speech_model

    model = load_speech_model(arguments.model, threads=arguments.threads)
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
    from .formats.arkit_csv import write_csv
    from .pipeline import animate_file

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
    from .curves import MotionControls
    from .pipeline import AnimateSettings

    controls = MotionControls(
        jaw=arguments.jaw,
        lips=arguments.lips,
        upper_face=arguments.upper_face,
        smoothing_s=arguments.smoothing,
        prediction_delay_s=arguments.delay,
    )
    return AnimateSettings(controls, seed=arguments.seed, blinks=arguments.blinks, rate_hz=arguments.fps)


@contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """A polite kill removes temporary files, as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="soliloquy", description="Speech in, facial performance out.")
    parser.add_argument("--version", action=_ShowVersion)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_animate(
        commands.add_parser("animate", help="turn speech into ARKit curves (CSV)", description=_ANIMATE)
    )
    return parser


_ANIMATE = """Turn speech into ARKit curves: one CSV file for each sound file.
A folder stands for all sound files in it; one that cannot be read does not stop the others."""


def _add_animate(parser: argparse.ArgumentParser) -> None:
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
        "--fps", type=_rate, metavar="N", help="frames per second (24, 29.97, 30000/1001); default 50"
    )
    shape = parser.add_argument_group("shape of the motion")
    shape.add_argument("--jaw", type=float, default=1.0, metavar="X", help="strength of the jaw, 0 to 4")
    shape.add_argument(
        "--lips", type=float, default=1.0, metavar="X", help="strength of mouth and tongue, 0 to 4"
    )
    shape.add_argument(
        "--upper-face", type=float, default=1.0, metavar="X", help="strength of eyes, brows, cheeks, nose"
    )
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
    shape.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the blinks")
    shape.add_argument("--no-blinks", dest="blinks", action="store_false", help="add no blinks")
    run = parser.add_argument_group("how it runs")
    run.add_argument("--model", type=Path, metavar="FILE", help="another weight file")
    run.add_argument("--threads", type=_threads, default=1, metavar="N", help="CPU threads, default 1")
    run.add_argument("--quiet", action="store_true", help="print errors only")
    run.add_argument("--json", action="store_true", help="one JSON object per line on stdout, with progress")
    run.add_argument("--debug", action="store_true", help="show where a fault of Soliloquy itself happened")


class _ShowVersion(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest=argparse.SUPPRESS, nargs=0, help="print the version and leave")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"soliloquy {version()}")
        parser.exit()


def version() -> str:
    """The version number, from the manifest."""
    import tomllib

    manifest = Path(__file__).resolve().parents[1] / "blender_manifest.toml"
    return str(tomllib.loads(manifest.read_text(encoding="utf-8"))["version"])


def _out_path(text: str) -> tuple[Path, bool]:
    """The path, and whether it was written as a folder: a `Path` forgets a slash at its end."""
    return Path(text), text.endswith(("/", "\\"))


def _rate(text: str) -> float:
    from fractions import Fraction

    return _number(text, lambda: float(Fraction(text)))


def _threads(text: str) -> int:
    value = _number(text, lambda: int(text))
    if not 1 <= value <= 256:
        raise argparse.ArgumentTypeError("must be 1 to 256")
    return int(value)


def _number(text: str, convert: Callable[[], float]) -> float:
    try:
        return convert()
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
