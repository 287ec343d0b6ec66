"""A batch as a job template of Open Job Description (2023-09): what AWS Deadline Cloud and others run.

The base specification alone, without its extensions: the chunks are written out, so that every program that
reads the format takes the template.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import UsageError
from ..files import atomic_write
from .job import STEPS, row_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..batch.types import Kind
    from .job import FarmJob

FILE_NAME: Final = "template.json"
"""As the folder of a job bundle calls its template."""
_MOST_TASKS: Final = 1024
"""Values that the specification allows a task parameter to have."""


def write_template(job: FarmJob, file: Path) -> None:
    """Write the template of a job.

    Raises:
        UsageError: an option that cannot be written in a template.
        OutputError: the file cannot be written.
    """
    with atomic_write(file) as stream:
        json.dump(template(job, file.absolute().parent), stream, indent=2)
        stream.write("\n")


def template(job: FarmJob, folder: Path) -> dict[str, Any]:
    """The template as JSON values.

    Args:
        folder: where the template is going to lie; what lies below it is named relative to it, so that the
            folder can be handed on as one bundle.
    """
    options, files = _options(job, folder)
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "name": job.name.replace("{{", "{ {"),
        "description": "Speech to facial performances, by soliloquy batch.",
        "parameterDefinitions": [
            _path("Shots", job.shots, folder, "FILE", "IN", "The list of shots (CSV or JSON)."),
            _path("Out", job.out, folder, "DIRECTORY", "INOUT", "The folder of the batch, shared by all."),
            _text("Program", "soliloquy", "Soliloquy's command line on the machines."),
            *([_text("Blender", "blender", "Blender on the machines.")] if job.rows.get("scene") else []),
            *files,
        ],
        "steps": [_step(kind, rows, chunk, options) for kind, rows, chunk in job.steps()],
    }


def _step(kind: Kind, rows: Sequence[int], chunk: int, options: Sequence[str]) -> dict[str, Any]:
    chunk = max(chunk, -(-len(rows) // _MOST_TASKS))
    args = ["batch", "{{Param.Shots}}", "--out", "{{Param.Out}}", "--kinds", kind]
    args += ["--only", "{{Task.Param.Rows}}", "--shared"]
    args += ["--blender", "{{Param.Blender}}"] if kind == "scene" else []
    rows_parameter = {"name": "Rows", "type": "STRING", "range": row_ranges(rows, chunk)}
    return {
        "name": STEPS[kind],
        "parameterSpace": {"taskParameterDefinitions": [rows_parameter]},
        "script": {"actions": {"onRun": {"command": "{{Param.Program}}", "args": [*args, *options]}}},
    }


def _options(job: FarmJob, folder: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """The options as arguments, and a parameter for each file among them."""
    arguments: list[str] = []
    files: list[dict[str, Any]] = []
    for option in job.options:
        if isinstance(option, Path):
            name = arguments[-1].lstrip("-").title().replace("-", "")
            files.append(_path(name, option, folder, "FILE", "IN", f"What {arguments[-1]} reads."))
            arguments.append(f"{{{{Param.{name}}}}}")
        elif "{{" in option:
            raise UsageError(
                f"'{option}' holds '{{{{', which Open Job Description takes for a value of its own",
                "Write it otherwise, or give it in the list of shots",
            )
        else:
            arguments.append(option)
    return arguments, files


def _path(name: str, path: Path, folder: Path, kind: str, flow: str, what: str) -> dict[str, Any]:
    default = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
    return {"name": name, "type": "PATH", "objectType": kind, "dataFlow": flow, "default": default,
            "description": what}  # fmt: skip


def _text(name: str, default: str, what: str) -> dict[str, Any]:
    return {"name": name, "type": "STRING", "default": default, "description": what}
