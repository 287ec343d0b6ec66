"""`soliloquy farm export shots.csv --out DIR --engine openjd|flamenco --to PLACE`: a batch for a farm."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..batch.types import KINDS
from ..console import OK
from ..errors import UsageError
from ..files import make_folder
from . import batch, options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..batch.types import Kind, Task
    from ..console import Console

_ABOUT = """Write a batch as a job of a render farm: a template of Open Job Description (openjd), or a job
type of Flamenco. The list is checked as `soliloquy batch` does it. The job runs `soliloquy batch` on parts of
the list, on machines that see the list, its inputs and --out under the same paths."""
_OF_EXPORT = ("shots", "out", "only", "kinds")
"""What the job says in words of its own."""
_ENDINGS = {"openjd": (".json", ".yaml", ".yml"), "flamenco": (".js",)}


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("farm", help="hand a batch to a render farm")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    # As a parser of its own: what the user gave of these is written into the job's commands.
    handed = argparse.ArgumentParser(add_help=False)
    batch.add_list_options(handed)
    batch.add_work_options(handed)
    export = verbs.add_parser("export", help="write a job", description=_ABOUT, parents=[handed])
    export.set_defaults(run=run, handed=handed, shared=False)
    export.add_argument("--engine", choices=tuple(_ENDINGS), required=True, help="the farm's language")
    export.add_argument(
        "--to", required=True, metavar="PLACE", help="folder or file that the job is written to"
    )
    export.add_argument(
        "--chunk",
        type=_rows,
        default=50,
        metavar="N",
        help="rows of curves per task, default 50; a scene or a pass is always a task of its own",
    )
    export.add_argument("--quiet", action="store_true", help="print errors only")
    export.add_argument("--json", action="store_true", help="one JSON object per line on stdout")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Check the list and write the job.

    Raises:
        SoliloquyError: the list cannot be used, or the job cannot be written.
    """
    from ..farm import flamenco, openjd
    from ..farm.job import FarmJob

    chosen, _ = batch.listed_tasks(arguments, console)
    if not chosen:
        raise UsageError("Nothing of the list is to be made", "Check --only and --kinds")
    job = FarmJob(
        shots=arguments.shots.absolute(),
        out=arguments.out.absolute(),
        rows=_rows_of(chosen),
        options=tuple(_given(arguments)),
        selection=_selection(arguments),
        chunk=arguments.chunk,
    )
    if arguments.engine == "openjd":
        written = openjd.write_template(job, _file(arguments, openjd.FILE_NAME))
    else:
        written = flamenco.write_job_type(job, _file(arguments, flamenco.FILE_NAME))
    for path in written:
        console.event("exported", output=str(path))
        console.inform(f"Written: {path}")
    return OK


def _rows_of(tasks: list[Task]) -> dict[Kind, list[int]]:
    rows: dict[Kind, list[int]] = {}
    for task in tasks:
        rows.setdefault(task.kind, []).append(task.row)
    return rows


def _selection(arguments: argparse.Namespace) -> tuple[str, ...]:
    only = (f"--only={arguments.only}",) if arguments.only else ()
    kinds = tuple(kind for kind in KINDS if kind in arguments.kinds)
    return (*only, *((f"--kinds={','.join(kinds)}",) if kinds != KINDS else ()))


def _file(arguments: argparse.Namespace, usual: str) -> Path:
    """The file to be written; its folder is made."""
    place = Path(arguments.to)
    if place.is_dir() or arguments.to.endswith(("/", "\\")) or not place.suffix:
        return make_folder(place) / usual
    endings = _ENDINGS[arguments.engine]
    if place.suffix.lower() not in endings:
        raise UsageError(f"'{place}' does not end in {' or '.join(endings)}", "Give another name to --to")
    return make_folder(place.parent) / place.name


def _given(arguments: argparse.Namespace) -> Iterator[str | Path]:
    """The options that differ from their defaults, as arguments; a file of the user's as an absolute path."""
    for action in arguments.handed._actions:
        value = getattr(arguments, action.dest)
        if not action.option_strings or action.dest in _OF_EXPORT or value == action.default:
            continue
        name = action.option_strings[0]
        if isinstance(action, argparse.BooleanOptionalAction):
            yield name if value else action.option_strings[1]
        elif action.nargs == 0:
            yield name
        elif isinstance(value, Path):
            yield from (name, value.absolute())
        else:
            yield f"{name}={value}"


def _rows(text: str) -> int:
    value = options.number(text, lambda: int(text))
    if not 1 <= value <= 100_000:
        raise argparse.ArgumentTypeError("must be 1 to 100000")
    return int(value)
