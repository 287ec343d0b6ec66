"""What the commands write, the scene and a video of it: checked before the work, complete or not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..inference.errors import UsageError
from . import media
from .outputs import check_writable, written_beside

if TYPE_CHECKING:
    import argparse


@dataclass(frozen=True)
class Outputs:
    """Absolute paths; None where not asked for."""

    blend: Path | None
    video: Path | None

    def write(self, scene: bpy.types.Scene, first_frame: int, last_frame: int) -> None:
        """Save the scene, and render it from `first_frame` to `last_frame`.

        Raises:
            OutputError: the disk is full, the folder is read-only, ...
        """
        if self.blend is not None:
            save(self.blend)
            print(f"Saved {self.blend}", flush=True)
        if self.video is not None:
            media.render_video(scene, str(self.video), first_frame, last_frame)
            print(f"Rendered {self.video}", flush=True)


def add_options(command: argparse.ArgumentParser, what: str) -> None:
    """Declare `--out` and `--render`; `what` is rendered."""
    command.add_argument("--out", metavar="FILE.blend", help="save the scene with the keys in it")
    command.add_argument(
        "--render",
        metavar="FILE.mp4",
        help=f"render {what} with its sound, with the scene's engine and size",
    )


def asked_for(arguments: argparse.Namespace, scene: bpy.types.Scene) -> Outputs:
    """What `--out` and `--render` say.

    Raises:
        UsageError: nothing is to be written, a name has a wrong ending, or there is no camera to render with.
        OutputError: a file cannot be made.
    """
    if not arguments.out and not arguments.render:
        raise UsageError(
            "There is nothing to write the result to", "Add --out FILE.blend, --render FILE.mp4 or both"
        )
    endings = (("--out", arguments.out, ".blend"), ("--render", arguments.render, ".mp4"))
    for option, output, ending in endings:
        if output and Path(output).suffix.lower() != ending:
            raise UsageError(f"{option} {output} does not end in {ending}", f"Name it NAME{ending}")
    blend, video = (Path(p).absolute() if p else None for p in (arguments.out, arguments.render))
    for output in (blend, video):
        if output is not None:
            check_writable(output)
    if video is not None and scene.camera is None:
        raise UsageError(f'The scene "{scene.name}" has no camera', "Add a camera, or leave out --render")
    return Outputs(blend, video)


def save(target: Path) -> None:
    """Save the open scene under a name; the file appears only when it is complete.

    Raises:
        OutputError: the disk is full, the folder is read-only, ...
    """
    with written_beside(target) as temporary:
        bpy.ops.wm.save_as_mainfile(filepath=str(temporary), copy=True, check_existing=False)
