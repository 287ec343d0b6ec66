"""`blender -b scene.blend --command soliloquy animate --audio a.wav --object Head`: no window needed.

Exit codes: 0 done; 2 something that the caller can mend (usage, sound, character, output), as one sentence
on stderr; 1 a problem of our own.
"""

from __future__ import annotations

import argparse
import math
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..inference.commands import options
from ..inference.errors import SoliloquyError, UsageError
from . import line, media
from .jobs import message
from .outputs import check_writable, written_beside

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


def run(argv: Sequence[str]) -> int:
    """Run the command on the open scene; returns the exit code. `argv` is what follows the command's name."""
    try:
        arguments = _parser().parse_args(list(argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        animate(arguments)
    except SoliloquyError as error:
        print(f"{NAME}: {error}", file=sys.stderr, flush=True)
        return REFUSED
    except Exception as error:  # the caller gets a sentence and an exit code, never a bare traceback
        if arguments.debug:
            traceback.print_exc()
        print(f"{NAME}: {message(error)}", file=sys.stderr, flush=True)
        return BUG
    return OK


def animate(arguments: argparse.Namespace) -> None:
    """Animate one line, then save and render what was asked for.

    Raises:
        SoliloquyError: with the reason; no output file was made.
    """
    scene = bpy.context.scene
    outputs = [Path(p).absolute() for p in (arguments.out, arguments.render) if p]
    if not outputs:
        raise UsageError(
            "There is nothing to write the result to", "Add --out FILE.blend, --render FILE.mp4 or both"
        )
    endings = (("--out", arguments.out, ".blend"), ("--render", arguments.render, ".mp4"))
    for option, output, ending in endings:
        if output and Path(output).suffix.lower() != ending:
            raise UsageError(f"{option} {output} does not end in {ending}", f"Name it NAME{ending}")
    for output in outputs:
        check_writable(output)
    if arguments.render and scene.camera is None:
        raise UsageError(f'The scene "{scene.name}" has no camera', "Add a camera, or leave out --render")
    source = media.source_from_file(str(Path(arguments.audio).absolute()), arguments.start_frame)
    described = line.describe(
        scene,
        _target(scene, arguments.object),
        source,
        options.animate_settings(arguments, options.said(arguments)),
        model=arguments.model,
    )
    result, notices = line.run_now(scene, described)
    for notice in notices:
        print(f"{NAME}: {notice}", file=sys.stderr)
    print(line.summary(described, result), flush=True)
    if arguments.out:
        save(outputs[0])
        print(f"Saved {outputs[0]}", flush=True)
    if arguments.render:
        first, last = source.start_frame, max(source.start_frame, math.ceil(result.last_frame))
        media.render_video(scene, arguments.render, int(first), last)
        print(f"Rendered {outputs[-1]}", flush=True)


def save(target: Path) -> None:
    """Save the open scene under a name; the file appears only when it is complete.

    Raises:
        OutputError: the disk is full, the folder is read-only, ...
    """
    with written_beside(target) as temporary:
        bpy.ops.wm.save_as_mainfile(filepath=str(temporary), copy=True, check_existing=False)


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
    parser = argparse.ArgumentParser(
        prog=f"blender -b SCENE.blend --command {NAME}", description="Speech to facial animation"
    )
    command = parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "animate", help="key a character of the scene from a sound file"
    )
    add = command.add_argument
    add("--audio", required=True, metavar="FILE", help="sound file, or video file with a sound track")
    add("--object", required=True, metavar="NAME", help="mesh object that carries the face shape keys")
    add("--out", metavar="FILE.blend", help="save the scene with the keys in it")
    add(
        "--render",
        metavar="FILE.mp4",
        help="render the line with its sound, with the scene's engine and size",
    )
    add("--start-frame", type=int, default=1, metavar="N", help="frame on which the sound starts (1)")
    options.add_strengths(command)
    options.add_timing(command)
    options.add_blinks(command)
    options.add_guarantees(command)
    options.add_text(command)
    add("--model", type=Path, metavar="FILE", help="another weight file")
    add("--debug", action="store_true", help="show the traceback of an unexpected problem")
    return parser
