"""`blender -b scene.blend --command soliloquy animate --audio a.wav --object Head`: no window needed.

`rig map FILE` opens a file of its own; everything else works on the open scene.

Exit codes: 0 done; 2 something that the caller can mend (usage, sound, character, output), as one sentence
on stderr; 1 some of several lines failed, or a problem of our own.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..inference.commands import options
from ..inference.commands import rig as rig_options
from ..inference.errors import SoliloquyError, UsageError
from ..inference.version import version
from . import command_outputs, dialogue_command, layers, line, line_command, media, rig_command
from .jobs import message
from .outputs import remove_session_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "soliloquy"
OK, BUG, REFUSED = 0, 1, 2
_handle: object | None = None


def register() -> None:
    """Make the command known to Blender."""
    global _handle
    _handle = bpy.utils.register_cli_command(NAME, run)


def unregister() -> None:
    """Take the command out of Blender."""
    global _handle
    if _handle is not None:
        bpy.utils.unregister_cli_command(_handle)
        _handle = None


def main(argv: Sequence[str]) -> int:
    """`python -m soliloquy.blender_addon.cli_command ...`, where Python has Blender's module."""
    from . import register as switch_on

    switch_on()
    return run(argv)


def run(argv: Sequence[str]) -> int:
    """Run a command; returns the exit code. `argv` is what follows the command's name."""
    try:
        arguments = _parser().parse_args(list(argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        code = arguments.work(arguments)
    except SoliloquyError as error:
        print(f"{NAME}: {error}", file=sys.stderr, flush=True)
        return REFUSED
    except Exception as error:  # the caller gets a sentence and an exit code, never a bare traceback
        if arguments.debug:
            traceback.print_exc()
        print(f"{NAME}: {message(error)}", file=sys.stderr, flush=True)
        return BUG
    return OK if code is None else code


def animate(arguments: argparse.Namespace) -> None:
    """Animate one line, then save and render what was asked for.

    Raises:
        SoliloquyError: with the reason; no output file was made.
    """
    scene = bpy.context.scene
    outputs = command_outputs.asked_for(arguments, scene)
    source = media.source_from_file(str(Path(arguments.audio).absolute()), arguments.start_frame)
    target = _target(scene, arguments.object)
    described, result, notices = line_command.speak(scene, target, source, arguments)
    for notice in notices:
        print(f"{NAME}: {notice}", file=sys.stderr)
    print(line.summary(described, result), flush=True)
    last = max(source.start_frame, math.ceil(result.last_frame))
    outputs.write(scene, int(source.start_frame), last, layers.speech_action(target))


def _target(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    found = scene.objects.get(name)
    if found is None:
        meshes = sorted(o.name for o in scene.objects if o.type == "MESH" and o.data.shape_keys is not None)
        listed = ", ".join(meshes[:8]) or "none"
        raise UsageError(
            f'The scene "{scene.name}" has no object "{name}"', f"Meshes with shape keys in it: {listed}"
        )
    return found


def _parser() -> argparse.ArgumentParser:
    from . import batch_command  # Blender starts faster without

    parser = argparse.ArgumentParser(
        prog=f"blender -b SCENE.blend --command {NAME}", description="Speech to facial animation"
    )
    parser.add_argument("--version", action="version", version=f"{NAME} {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    rig_options.add(commands).set_defaults(work=rig_command.run)
    dialogue_command.add(commands).set_defaults(work=dialogue_command.run)
    batch_command.add(commands)
    command = commands.add_parser("animate", help="key a character of the scene from a sound file")
    command.set_defaults(work=animate)
    add = command.add_argument
    add("--audio", required=True, metavar="FILE", help="sound file, or video file with a sound track")
    add("--object", required=True, metavar="NAME", help="mesh object that carries the face shape keys")
    command_outputs.add_options(command, "the line")
    command_outputs.add_action(command)
    add("--start-frame", type=int, default=1, metavar="N", help="frame on which the sound starts (1)")
    options.add_shape(command)
    options.add_performance(command)
    options.add_text(command)
    add("--model", type=Path, metavar="FILE", help="another weight file")
    add("--debug", action="store_true", help="show the traceback of an unexpected problem")
    return parser


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    remove_session_folder(bpy.app.tempdir)
    os._exit(status)  # Blender's module 4.5 crashes or hangs on Python's own way out
