"""A batch as a job of Flamenco: a job type (JavaScript for its Manager), and the job itself to be posted."""

from __future__ import annotations

import json
import platform
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..batch.types import KINDS
from ..files import atomic_write
from .job import as_ranges

if TYPE_CHECKING:
    from .job import FarmJob

FILE_NAME: Final = "soliloquy_batch.js"
"""The job type is named after its file."""
_SCRIPT: Final = Path(__file__).parent / FILE_NAME
_PLAN: Final = "const PLAN = {};\n"


def write_job_type(job: FarmJob, file: Path) -> list[Path]:
    """Write the job type, with this job's values as its defaults, and beside it the job to be submitted.

    Args:
        file: the script (.js); the job has its name and ends in .json.

    Returns:
        What was written.

    Raises:
        OutputError: a file cannot be written.
    """
    text = _SCRIPT.read_text(encoding="utf-8")
    assert text.count(_PLAN) == 1, "the script has lost the place of its defaults"
    with atomic_write(file, newline="\n") as stream:
        stream.write(text.replace(_PLAN, f"const PLAN = {json.dumps(settings(job), indent=4)};\n"))
    submission = file.with_suffix(".json")
    with atomic_write(submission) as stream:
        json.dump(submitted(job, file.stem.replace("_", "-")), stream, indent=2)
        stream.write("\n")
    return [file, submission]


def settings(job: FarmJob) -> dict[str, Any]:
    """Values of the job type's settings."""
    return {
        "shots": str(job.shots),
        "out": str(job.out),
        **{f"{kind}_rows": as_ranges(job.rows.get(kind, ())) for kind in KINDS},
        "chunk_size": job.chunk,
        "options": shlex.join(map(str, job.options)),
        "selection": shlex.join(job.selection),
    }  # fmt: skip


def submitted(job: FarmJob, job_type: str) -> dict[str, Any]:
    """The job as Flamenco's Manager takes it (`POST /api/v3/jobs`)."""
    return {
        "name": job.name,
        "type": job_type,
        "submitter_platform": platform.system().lower(),
        "priority": 50,
        "settings": {**settings(job), "soliloquy": "soliloquy"},
    }
