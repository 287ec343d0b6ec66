"""`blender -b [scene.blend] --command soliloquy batch shots.csv --out DIR`: the batch, run by Blender.

The list, the plan and the watching are those of `soliloquy batch`; every worker is a Blender of its own, but
for passes, which the Python for actors of the preferences paints.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..inference.batch.pool import Launcher
from ..inference.batch.worker import serve
from ..inference.commands import batch, batch_work
from ..inference.console import INTERRUPTED, OK, REFUSED, TERMINATED, Console, signals_unwind
from ..inference.errors import SoliloquyError
from . import actor_process, preferences
from .audio_decoder import AudDecoder
from .outputs import remove_session_folder

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..inference.batch.types import Kind
    from ..inference.batch.worker import Handler


def add(commands: Any) -> None:
    """Declare the command and that of its workers."""
    command = commands.add_parser("batch", help="work off a list of shots")
    batch.add_options(command)
    command.set_defaults(work=run, debug=False)
    worker = commands.add_parser("batch-worker")
    batch_work.add_options(worker)
    worker.set_defaults(work=work, debug=False)


def run(arguments: argparse.Namespace) -> int:
    """Work off the list; returns the exit code. Rows without a scene of their own lie in the open one."""
    if arguments.scene is None and bpy.data.filepath:
        arguments.scene = Path(bpy.data.filepath)
    console = Console(quiet=arguments.quiet, as_json=arguments.json)
    try:
        with signals_unwind(ctrl_c=True):  # background Blender takes it for Esc
            return batch.run(arguments, console, lambda given, kinds: launchers(given, kinds, console))
    except SoliloquyError as error:
        console.failed(None, error)
        return REFUSED
    except KeyboardInterrupt:
        console.say("Interrupted: what is done is kept, and the same command goes on there")
        return INTERRUPTED
    except SystemExit:
        return TERMINATED


def work(arguments: argparse.Namespace) -> int:
    """Do the tasks that come in on stdin."""
    serve(handlers(), arguments.out, _asked(bpy.app.tempdir))
    return OK


def _asked(session_folder: str) -> Iterator[bytes]:
    """What comes in on stdin; where it ends, so does the process, and not in Blender's own way."""
    yield from sys.stdin.buffer
    remove_session_folder(session_folder)


def handlers() -> dict[Kind, Handler]:
    """What a Blender can do."""
    from . import batch_work as scene_work  # the driver needs none of it

    return {**batch_work.handlers((AudDecoder(),)), "scene": scene_work.scene}


def launchers(arguments: argparse.Namespace, kinds: set[Kind], console: Console) -> dict[Kind, Launcher]:
    """A Blender like this one for curves and scenes, the Python for actors for passes.

    Raises:
        SoliloquyError: there is no such Python, or no Soliloquy in it.
    """
    words = ("batch-worker", "--out", str(arguments.out.absolute()))
    if bpy.app.binary_path:
        # What this one was told on its command line about preferences holds for the others too.
        told = [option for option in ("--factory-startup", "-y", "-Y") if option in sys.argv]
        command = (bpy.app.binary_path, "-b", *told, "--command", "soliloquy", *words)
        blender = Launcher(command, batch.worker_environment())
    else:
        own = _python(words, "")
        module = f"{own.module}.blender_addon.cli_command"
        blender = Launcher((own.interpreter, "-P", "-m", module, *words), own.environment)
    found: dict[Kind, Launcher] = {"curves": blender, "scene": blender}
    if "pass" in kinds:
        painter = _python(words, preferences.actor_python())
        for notice in [] if painter.is_own else actor_process.check_version(painter):
            console.notice(None, notice)
        command = (painter.interpreter, "-P", "-m", painter.module, *painter.arguments)
        found["pass"] = Launcher(command, painter.environment)
    return found


def _python(words: tuple[str, ...], chosen: str) -> actor_process.Call:
    return actor_process.call(words, chosen=chosen, what="The batch", folder=bpy.app.tempdir)
