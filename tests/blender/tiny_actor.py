"""A drawn actor for tests in Blender, made by a Python that has what an actor needs."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import helpers

_NEEDED = ("OpenImageIO", "onnx", "av")
_MAKE = """import sys
from pathlib import Path
from actor_helpers import make_tiny_actor
made = make_tiny_actor(Path(sys.argv[1]), int(sys.argv[2]))
"""


def python() -> str:
    """A Python with `soliloquy[actor]`: SOLILOQUY_ACTOR_PYTHON, or "" where Blender's own is one.

    Skips the test where there is none.
    """
    chosen = os.environ.get("SOLILOQUY_ACTOR_PYTHON", "")
    if not chosen:
        missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise helpers.Skip(
                f"{missing[0]} is not there; SOLILOQUY_ACTOR_PYTHON can name a Python that has it"
            )
    return chosen


def make(name: str, frames: int = 8) -> Path:
    """A folder with `actor` and `plate`."""
    folder = helpers.FOLDER / name
    extension = Path(helpers.module("blender_addon").__file__).parents[2]
    tests = Path(__file__).resolve().parents[1]
    paths = [str(extension), str(tests), *(p for p in sys.path if Path(p).name == "site-packages")]
    chosen = python()
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(paths if not chosen else paths[:2])
    done = subprocess.run(
        [chosen or sys.executable, "-c", _MAKE, str(folder), str(frames)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder
