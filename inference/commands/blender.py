"""Blender as the program that works off rows with a scene: where it is, and whether it can."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

from ..batch.types import BatchError
from ..version import version

PROGRAM: Final = "SOLILOQUY_BLENDER"
"""Names Blender in the environment."""
COMMAND: Final = ("-b", "--command", "soliloquy")
"""What Blender is told before the words of a command of the extension."""
_ANSWER_S: Final = 120.0
"""A Blender that opens for the first time from a network disk takes a while."""


def find_blender(named: str | None) -> str:
    """The program that is named here, in the environment, or `blender`; it has this version of the extension.

    Raises:
        BatchError: there is no such program, it is no Blender, or has no or another Soliloquy.
    """
    wanted = named or os.environ.get(PROGRAM) or "blender"
    program = shutil.which(wanted)
    if program is None:
        raise BatchError(
            f"Rows ask for action or render, and there is no program '{wanted}'",
            f"Name Blender with --blender or {PROGRAM}, or run the batch inside it: "
            "blender -b --command soliloquy batch",
        )
    found = _version_in(program)
    if found is None:
        raise BatchError(
            f"'{program}' is no Blender with Soliloquy", f"Install the extension {version()} in it"
        )
    if found != version():
        raise BatchError(
            f"'{program}' has Soliloquy {found}, and this is {version()}", "Bring both to one version"
        )
    return program


def _version_in(program: str) -> str | None:
    """The extension's version in a Blender; None where it does not tell."""
    try:
        done = subprocess.run(
            [program, *COMMAND, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    told = [line.split()[1] for line in lines if line.startswith("soliloquy ")]
    return told[0] if done.returncode == 0 and told else None
