"""A batch as a job template of Open Job Description (2023-09): what AWS Deadline Cloud and others run.

The base specification alone, without its extensions: the chunks are written out, so that every program that
reads the format takes the template.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import UsageError
from ..files import atomic_write
from .job import LAST_STEP, STEPS, row_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..batch.types import Kind
    from .job import FarmJob

FILE_NAME: Final = "template.json"
"""As the folder of a job bundle calls its template."""
VALUES_NAME: Final = "parameters.json"
"""What `openjd run -p file://...` reads."""
BUNDLE_VALUES_NAME: Final = "parameter_values.json"
"""The same, as a job bundle of Deadline Cloud calls and writes it."""
_BLENDER: Final = ("--blender", "{{Param.Blender}}")
_NO_BRACES: Final = str.maketrans("{}", "()")
_MOST_TASKS: Final = 1024
"""Values that the specification allows a task parameter to have."""


def write_template(job: FarmJob, file: Path) -> list[Path]:
    """Write the template of a job, and beside it the values of parameters that have no default.

    A default must lie below the template's folder: the specification wants bundles that can be handed on.

    Returns:
        What was written.

    Raises:
        UsageError: an option that cannot be written in a template.
        OutputError: a file cannot be written.
    """
    folder = file.absolute().parent
    _write(file, template(job, folder))
    values = {
        name: str(path)
        for name, path in {"Shots": job.shots, "Out": job.out, **_files(job)}.items()
        if not path.is_relative_to(folder)
    }
    if not values:
        return [file]
    listed = [{"name": name, "value": value} for name, value in values.items()]
    of_bundle = file.with_name(BUNDLE_VALUES_NAME)
    _write(file.with_name(VALUES_NAME), values)
    _write(of_bundle, {"parameterValues": listed})
    return [file, file.with_name(VALUES_NAME), of_bundle]


def template(job: FarmJob, folder: Path) -> dict[str, Any]:
    """The template as JSON values.

    Args:
        folder: where the template is going to lie; paths below it are defaults, relative to it.

    Raises:
        UsageError: an option that cannot be written in a template.
    """
    steps = [_step(kind, rows, chunk, _options(job)) for kind, rows, chunk in job.steps()]
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "name": job.name.translate(_NO_BRACES),
        "description": "Speech to facial performances, by soliloquy batch.",
        "parameterDefinitions": [
            _path("Shots", job.shots, folder, "FILE", "IN", "The list of shots (CSV or JSON)."),
            _path("Out", job.out, folder, "DIRECTORY", "INOUT", "The folder of the batch, shared by all."),
            _text("Program", "soliloquy", "Soliloquy's command line on the machines."),
            *([_text("Blender", "blender", "Blender on the machines.")] if job.rows.get("scene") else []),
            *(
                _path(name, path, folder, "FILE", "IN", "An option's file.")
                for name, path in _files(job).items()
            ),
        ],
        "steps": [*steps, _last_step(job, [step["name"] for step in steps])],
    }


def _step(kind: Kind, rows: Sequence[int], chunk: int, options: Sequence[str]) -> dict[str, Any]:
    chunk = max(chunk, -(-len(rows) // _MOST_TASKS))
    own = ["--kinds", kind, "--only", "{{Task.Param.Rows}}", "--shared"]
    rows_parameter = {"name": "Rows", "type": "STRING", "range": row_ranges(rows, chunk)}
    return {
        "name": STEPS[kind],
        "parameterSpace": {"taskParameterDefinitions": [rows_parameter]},
        "script": _script([*own, *(_BLENDER if kind == "scene" else ()), *options]),
    }


def _last_step(job: FarmJob, others: Sequence[str]) -> dict[str, Any]:
    return {
        "name": LAST_STEP,
        "dependencies": [{"dependsOn": other} for other in others],
        "script": _script([*job.selection, *(_BLENDER if job.rows.get("scene") else ()), *_options(job)]),
    }


def _script(arguments: Sequence[str]) -> dict[str, Any]:
    args = ["batch", "{{Param.Shots}}", "--out", "{{Param.Out}}", *arguments]
    return {"actions": {"onRun": {"command": "{{Param.Program}}", "args": args}}}


def _options(job: FarmJob) -> list[str]:
    """The options as arguments; a file among them is what its parameter says."""
    arguments: list[str] = []
    for option in job.options:
        if isinstance(option, Path):
            arguments.append(f"{{{{Param.{_parameter(arguments[-1])}}}}}")
        elif "{{" in option or "}}" in option:
            raise UsageError(
                f"'{option}' holds double braces, which Open Job Description takes for a value of its own",
                "Write it otherwise, or give it in the list of shots",
            )
        else:
            arguments.append(option)
    return arguments


def _files(job: FarmJob) -> dict[str, Path]:
    """The parameters of the files among the options."""
    pairs = pairwise(job.options)
    return {_parameter(str(name)): path for name, path in pairs if isinstance(path, Path)}


def _parameter(option: str) -> str:
    return option.title().replace("-", "")


def _path(name: str, path: Path, folder: Path, kind: str, flow: str, what: str) -> dict[str, Any]:
    default = {"default": path.relative_to(folder).as_posix()} if path.is_relative_to(folder) else {}
    return {
        "name": name, "type": "PATH", "objectType": kind, "dataFlow": flow, **default, "description": what,
    }  # fmt: skip


def _write(file: Path, content: dict[str, Any]) -> None:
    with atomic_write(file) as stream:
        json.dump(content, stream, indent=2)
        stream.write("\n")


def _text(name: str, default: str, what: str) -> dict[str, Any]:
    return {"name": name, "type": "STRING", "default": default, "description": what}
