"""What the commands write, the scene, a line's Action and a video: checked before the work, complete or not
there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..inference.errors import UsageError
from . import action_library, media
from .outputs import check_writable, written_beside

if TYPE_CHECKING:
    import argparse


@dataclass(frozen=True)
class Outputs:
    """Absolute paths; None where not asked for."""

    blend: Path | None
    video: Path | None
    action: Path | None = None

    def write(
        self,
        scene: bpy.types.Scene,
        first_frame: int,
        last_frame: int,
        action: bpy.types.Action | None = None,
    ) -> None:
        """Save the scene and an Action, and render the scene from `first_frame` to `last_frame`.

        Raises:
            OutputError: the disk is full, the folder is read-only, ...
        """
        if self.blend is not None:
            save(self.blend)
            print(f"Saved {self.blend}", flush=True)
        if self.action is not None and action is not None:
            action_library.write(action, self.action)
            print(f"Saved {self.action}", flush=True)
        if self.video is not None:
            media.render_video(scene, str(self.video), first_frame, last_frame)
            print(f"Rendered {self.video}", flush=True)


def add_options(command: argparse.ArgumentParser, what: str) -> None:
    """Declare `--out` and `--render`; `what` is rendered. `add_action` declares a third."""
    command.add_argument("--out", metavar="FILE.blend", help="save the scene with the keys in it")
    command.add_argument(
        "--render",
        metavar="FILE.mp4",
        help=f"render {what} with its sound, with the scene's engine and size",
    )


def add_action(command: argparse.ArgumentParser) -> None:
    """Declare `--action`."""
    command.add_argument(
        "--action",
        metavar="FILE.blend",
        help="save the character's Action alone, for other scenes to append or link",
    )


def asked_for(arguments: argparse.Namespace, scene: bpy.types.Scene) -> Outputs:
    """What `--out`, `--render` and, where the command has it, `--action` say.

    Raises:
        UsageError: nothing is to be written, a name has a wrong ending or is given twice, or there is no
            camera to render with.
        OutputError: a file cannot be made.
    """
    action = getattr(arguments, "action", None)
    if not (arguments.out or arguments.render or action):
        also = ", --action FILE.blend" if hasattr(arguments, "action") else ""
        raise UsageError(
            "There is nothing to write the result to",
            f"Add --out FILE.blend{also} or --render FILE.mp4, or several of them",
        )
    wanted = (("--out", arguments.out, ".blend"), ("--render", arguments.render, ".mp4"))
    for option, output, ending in (*wanted, ("--action", action, ".blend")):
        if output and Path(output).suffix.lower() != ending:
            raise UsageError(f"{option} {output} does not end in {ending}", f"Name it NAME{ending}")
    paths = (Path(p).absolute() if p else None for p in (arguments.out, arguments.render, action))
    blend, video, library = paths
    if blend is not None and blend == library:
        raise UsageError(f"--out and --action are both {blend}", "Give them names of their own")
    for output in (blend, video, library):
        if output is not None:
            check_writable(output)
    if video is not None and scene.camera is None:
        raise UsageError(f'The scene "{scene.name}" has no camera', "Add a camera, or leave out --render")
    return Outputs(blend, video, library)


def save(target: Path) -> None:
    """Save the open scene under a name; the file appears only when it is complete.

    Raises:
        OutputError: the disk is full, the folder is read-only, ...
    """
    with written_beside(target) as temporary:
        bpy.ops.wm.save_as_mainfile(filepath=str(temporary), copy=True, check_existing=False)
