"""`soliloquy batch shots.csv --out DIR`: a list of shots, worked off and restartable."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..batch.pool import Launcher, run_local
from ..batch.types import KINDS, BatchError
from ..console import OK, SOME_FAILED
from ..errors import UsageError
from . import blender, curve_output, options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..batch.run import Engine
    from ..batch.types import Kind, Shot, Task
    from ..console import Console

    Launchers = Callable[[argparse.Namespace, set[Kind]], Mapping[Kind, Launcher]]

_ABOUT = """Work off a list of shots: a table (CSV, UTF-8) whose first line names its columns, or JSON.
Only `audio` is needed; `out`, `action`, `render` and `pass` name what is to be made, relative to --out.
The list is checked as a whole before the work begins. A run that was stopped or killed goes on where it was:
only what is missing or changed is made."""
_PER_SHOT = ("seed", "text", "text_file")
"""Options of `soliloquy animate` that are columns here."""
_OF_THE_LINE = (
    "jaw", "lips", "upper_face", "lower_face", "brows", "head", "lip_close", "smoothing", "delay",
    "blinks", "blink_strength", "eyelids", "lips_meet", "teeth_on_f", "still",
    "instruction", "lips_only", "emotion", "gaze", "accents", "breath", "language", "fps", "format", "device",
)  # fmt: skip
"""Options that count for every shot; the rest of a command's options do not change what is made."""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("batch", help="work off a list of shots", description=_ABOUT)
    parser.set_defaults(run=run)
    add_options(parser)
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="who works: this machine (default), or Ray",
    )
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="of the Ray cluster: host:port or auto; without it one is started",
    )
    parser.add_argument(
        "--blender",
        metavar="PROGRAM",
        help=f"for action and render; default ${blender.PROGRAM}, or blender on the PATH",
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of a batch, here and in Blender."""
    add_list_options(parser)
    add_work_options(parser)
    add = parser.add_argument
    add("--dry-run", action="store_true", help="check the list, and show what would be made")
    add("--fail-fast", action="store_true", help="begin nothing new after the first failure")
    add(
        "--shared",
        action="store_true",
        help="other runs with --shared work in the same folder on other rows (for farms)",
    )
    options.add_telling(parser)


def add_work_options(parser: argparse.ArgumentParser) -> None:
    """How hard to work, how long to wait, and what may be replaced."""
    add = parser.add_argument
    add("--workers", type=options.threads, metavar="N", help="processes at the same time; default: cores")
    add(
        "--timeout",
        type=_seconds,
        default=600.0,
        metavar="S",
        help="a row that makes no progress for so long fails; default 600",
    )
    add(
        "--overwrite",
        action="store_true",
        help="replace outputs that this batch did not make, or that were changed since: "
        "otherwise they are kept, and their rows fail",
    )


def add_list_options(parser: argparse.ArgumentParser) -> None:
    """The list, where results go, which rows, and how all lines are performed."""
    parser.add_argument("shots", type=Path, metavar="SHOTS", help="the list, .csv or .json")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the results")
    parser.add_argument(
        "--only", metavar="ROWS", help="rows (3,10-20; 1 is the first shot), or names with * and ?"
    )
    parser.add_argument(
        "--kinds", type=_kinds, default=KINDS, metavar="KINDS", help=f"only some of {','.join(KINDS)}"
    )
    parser.add_argument(
        "--scene",
        type=Path,
        metavar="FILE.blend",
        help="for rows that ask for action or render and name no scene; default: Soliloquy's own head",
    )
    curve_output.add_format(parser)
    options.add_rate(parser)
    options.add_shape(parser.add_argument_group("shape of the motion, of every shot"), seed=False)
    performed = parser.add_argument_group("how it is performed, where a row does not say")
    options.add_performance(performed)
    performed.add_argument("--language", default="en-us", metavar="NAME", help="of texts; default en-us")
    options.add_model(parser.add_argument_group("the model"), threads_too=False)


def run(arguments: argparse.Namespace, console: Console, launchers: Launchers | None = None) -> int:
    """Check the list, do what is missing, and say how it went.

    Args:
        launchers: how workers are started; None: as programs of this Python, and of --blender.

    Raises:
        SoliloquyError: the list or the folder cannot be used, or the engine cannot be started.
    """
    from ..batch.report import Report
    from ..batch.run import run_batch

    chosen, listed = listed_tasks(arguments, console)
    if arguments.dry_run:
        _show_plan(chosen, arguments.out, console, overwrite=arguments.overwrite)
        return OK
    engine = _engine(arguments, launchers or _own_launchers)
    summary = run_batch(
        chosen,
        listed,
        arguments.out,
        engine,
        Report(console),
        shared=arguments.shared,
        fail_fast=arguments.fail_fast,
        overwrite=arguments.overwrite,
    )
    return SOME_FAILED if summary.failed else OK


def listed_tasks(arguments: argparse.Namespace, console: Console) -> tuple[list[Task], list[Task]]:
    """The tasks that --only and --kinds choose, and all tasks of the list; with --shared these alone, as the
    manifest is another's to write and hashing the inputs of all takes long.

    Raises:
        BatchError: the list cannot be used.
    """
    from ..batch.plan import make_tasks, select
    from ..batch.shots import read_shots

    suffix = curve_output.ENDINGS[arguments.format]
    shots, notices = read_shots(arguments.shots, suffix)
    shots = _staged(shots, arguments.scene)
    for notice in notices:
        console.notice(None, notice)
    chosen = {shot.row for shot in select(shots, arguments.only)}
    of_line = line_options(arguments)
    _check_lines(shots, of_line, console)
    hashed = shots if not arguments.shared else [shot for shot in shots if shot.row in chosen]
    _check_places(hashed, arguments.out, _inputs(arguments.shots, shots))
    kinds = arguments.kinds if arguments.shared else KINDS
    tasks = make_tasks(hashed, of_line, _weights(arguments), kinds)
    return [task for task in tasks if task.row in chosen and task.kind in arguments.kinds], tasks


def _staged(shots: Sequence[Shot], scene: Path | None) -> list[Shot]:
    """The shots with the scene of those that ask for one and name none.

    Raises:
        BatchError: it is no .blend, or a row names a character of no scene.
    """
    if scene is not None and not (scene.is_file() and scene.suffix.lower() == ".blend"):
        raise BatchError(f"--scene {scene} is no .blend file that is there", "Correct its name")
    staged = []
    for shot in shots:
        if scene is not None and shot.scene is None and (shot.action or shot.render):
            shot = replace(shot, scene=scene.absolute())
        if shot.character and shot.scene is None:
            raise BatchError(
                f"Row {shot.row} names the character '{shot.character}' and no scene",
                "Name its .blend in column 'scene' or with --scene",
            )
        staged.append(shot)
    return staged


def line_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the options say of every line, as values of JSON."""
    of_line = {name: getattr(arguments, name) for name in _OF_THE_LINE}
    model = str(arguments.model.absolute()) if arguments.model else None
    return {**of_line, "model": model, **dict.fromkeys(_PER_SHOT)}


def _check_lines(shots: Sequence[Shot], of_line: dict[str, Any], console: Console) -> None:
    """Try the options, and every instruction once, before the first second of work."""
    seen: set[str | None] = set()
    for shot in shots:
        text = shot.instruction or of_line["instruction"]
        if text in seen:
            continue
        seen.add(text)
        asked = argparse.Namespace(**{**of_line, "instruction": text, "seed": shot.seed})

        def tell(sentence: str, row: int = shot.row) -> None:
            console.notice(None, f"Row {row}: {sentence}")

        try:
            options.performed(asked, options.animate_settings(asked, "", asked.fps), tell)
        except UsageError as error:
            raise BatchError.of_row(shot.row, error) from error


def _inputs(listing: Path, shots: Iterable[Shot]) -> set[str]:
    """Real paths of the list and of what its rows read, with all folders above: a pass is a folder."""
    from ..batch.shots import NEEDED_BY_PASS

    named = {path for shot in shots for path in (shot.audio, shot.scene, shot.plate) if path}
    actors = {shot.actor for shot in shots if shot.actor}
    of_actors = {actor / name for actor in actors for name in NEEDED_BY_PASS}
    real = {Path(os.path.realpath(path)) for path in (listing, *named, *of_actors)}
    return {str(place) for path in real for place in (path, *path.parents)}


def _check_places(shots: Sequence[Shot], folder: Path, inputs: set[str]) -> None:
    """No output may take the place of an input, or lead out of the folder by a link."""
    from ..batch.shots import outputs_of
    from ..safe_names import inside

    for shot in shots:
        for output in outputs_of(shot):
            if os.path.realpath(inside(folder, output, f"Row {shot.row}: output")) in inputs:
                raise BatchError(
                    f"Row {shot.row}: '{output}' would replace an input",
                    "Give another --out, or the output another name",
                )


def _weights(arguments: argparse.Namespace) -> list[Path]:
    from ..weight_files import WEIGHTS

    shipped = sorted(WEIGHTS.glob("*.onnx"))
    return [*shipped, *([arguments.model] if arguments.model else [])]


def _engine(arguments: argparse.Namespace, launchers: Launchers) -> Engine:
    if getattr(arguments, "engine", "local") == "ray":
        return _ray_engine(arguments)
    workers = arguments.workers or cores()
    return lambda tasks, progress: run_local(
        tasks,
        launchers(arguments, {task.kind for task in tasks}),
        workers=workers,
        timeout_s=arguments.timeout,
        progress=progress,
    )


def _ray_engine(arguments: argparse.Namespace) -> Engine:
    from ..batch.ray_engine import run_ray
    from ..weight_files import weights_key
    from . import batch_work

    return lambda tasks, progress: run_ray(
        tasks,
        arguments.out.absolute(),
        batch_work.handlers,
        partial(_own_launchers, arguments),
        address=arguments.address,
        workers=arguments.workers,
        timeout_s=arguments.timeout,
        weights={weights_key(path): path for path in _weights(arguments)},
        progress=progress,
    )


def cores() -> int:
    """Processors that this process may use: on a farm fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_environment() -> dict[str, str]:
    """Of workers beside each other: one thread each, unless the user says otherwise."""
    return {"OMP_NUM_THREADS": "1", **os.environ}


def _own_launchers(arguments: argparse.Namespace, kinds: set[Kind]) -> dict[Kind, Launcher]:
    """This Python for curves and passes, Blender for scenes."""
    rest = ("batch-worker", "--out", str(arguments.out.absolute()))
    package = __package__.partition(".")[0]
    # -P: a folder that the user happens to work in must not lend its modules.
    own = Launcher((sys.executable, "-P", "-m", package, *rest), worker_environment())
    found: dict[Kind, Launcher] = {"curves": own, "pass": own}
    if "scene" in kinds:
        program = blender.find_blender(arguments.blender)
        found["scene"] = Launcher((program, *blender.COMMAND, *rest), worker_environment())
    return found


def _show_plan(tasks: Sequence[Task], folder: Path, console: Console, *, overwrite: bool) -> None:
    from ..batch import records

    rows = []
    for task in tasks:
        state = "unchanged" if records.is_unchanged(folder, task) else "to do"
        if state == "to do" and not overwrite and records.in_the_way(folder, task):
            state = "kept"  # not ours to replace
        console.event("plan", row=task.row, kind=task.kind, state=state, outputs=list(task.outputs))
        rows.append([str(task.row), task.kind, state, ", ".join(task.outputs)])
    console.table(["row", "kind", "state", "outputs"], rows)
    console.inform(f"{sum(row[2] == 'to do' for row in rows)} of {len(rows)} are to do")


def _seconds(text: str) -> float:
    value = options.number(text, lambda: float(text))
    if not 0.0 < value < 1e9:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def _kinds(text: str) -> tuple[str, ...]:
    named = tuple(filter(None, (part.strip() for part in text.split(","))))
    unknown = set(named) - set(KINDS)
    if unknown or not named:
        raise argparse.ArgumentTypeError(f"must be some of {','.join(KINDS)}")
    return named
