"""The command line: `soliloquy COMMAND ...`; every command is a module of `commands/`.

Exit codes: 0 done; 1 some of several inputs failed; 2 the only input failed, or nothing could be started
(usage, weights, output folder); 130 interrupted. Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from .commands import actor, animate, batch, batch_work, capture, farm, instruct, live, memory, rig, verify
from .console import INTERRUPTED, REFUSED, Console, signals_unwind
from .errors import SoliloquyError
from .version import version

if TYPE_CHECKING:
    from collections.abc import Sequence


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
        with signals_unwind():
            return int(arguments.run(arguments, console))
    except SoliloquyError as error:
        console.failed(None, error)
        return REFUSED
    except KeyboardInterrupt:
        console.say("Interrupted: files that were not complete are not there")
        return INTERRUPTED
    except BrokenPipeError:
        _nobody_listens(console)
        return INTERRUPTED
    except SystemExit as stop:
        return int(stop.code or 0)


def _nobody_listens(console: Console) -> None:
    """Whoever read our output has ended (`| head`): what is left of it goes nowhere, quietly."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with suppress(OSError):
        console.say("Interrupted: nobody reads the output any more")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="soliloquy", description="Speech in, facial performance out.")
    parser.add_argument("--version", action=_ShowVersion)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (animate, actor, batch, batch_work, capture, farm, instruct, live, memory, rig, verify):
        command.add(commands)
    return parser


class _ShowVersion(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest=argparse.SUPPRESS, nargs=0, help="print the version and leave")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"soliloquy {version()}")
        parser.exit()
