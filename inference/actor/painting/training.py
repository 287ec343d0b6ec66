"""Starts the trainer of the renderer: a program of its own, because this package runs without PyTorch."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from ..folder import ActorError, open_actor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_STOP_S: Final = 30.0
"""Seconds that a trainer gets to save its state when it is told to stop."""


def trainer_module() -> str:
    """The trainer's name for `python -m`.

    Raises:
        ActorError: PyTorch or the trainer is not installed.
    """
    root = __name__.partition(".inference.")[0]
    name = f"{root}.models.train_renderer"
    try:
        found = importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        raise ActorError(
            "This installation has no trainer (the extension inside Blender has none)",
            'Install it for a Python outside Blender: python -m pip install "soliloquy[actor,train]"',
        )
    if importlib.util.find_spec("torch") is None:
        raise ActorError(
            "A renderer cannot be trained because the Python package torch is not installed",
            'Install it: python -m pip install "soliloquy[actor,train]"',
        )
    return name


def run_trainer(folder: Path, rest: Sequence[str]) -> int:
    """Train the renderer of an actor; returns the trainer's exit code.

    Its output goes where ours goes. When we are interrupted it is told so and gets time to save its state.

    Args:
        folder: the actor's.
        rest: further arguments of the trainer.

    Raises:
        ActorError: no actor, no consent, no memory, or no trainer.
    """
    module = trainer_module()
    if not {"-h", "--help"} & set(rest):
        open_actor(folder)
    child = subprocess.Popen([sys.executable, "-m", module, str(folder), *rest])
    try:
        return child.wait()
    except BaseException:
        child.terminate()
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        raise
