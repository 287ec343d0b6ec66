"""One line of speech: from the scene to a request for the worker, and from its result back to the scene.

Operators and the command line call these functions; nothing in the scene changes before `apply`, and
`apply` makes everything ready before it changes anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..inference.errors import RigError, SoliloquyError
from . import checks, jobs, keyframes, media
from .preferences import running
from .properties import animate_settings
from .rig_map import Character, read_character

if TYPE_CHECKING:
    from pathlib import Path

    import bpy

    from ..inference.pipeline import AnimateSettings


@dataclass(frozen=True)
class Line:
    """What is to be animated: a sound on a character of a scene. Names, no references into Blender."""

    scene: str
    character: Character
    source: media.SoundSource
    request: jobs.Request

    @property
    def action_name(self) -> str:
        """Name of the Action that will hold the keys."""
        return f"{self.source.name} Soliloquy"


def from_context(context: bpy.types.Context) -> Line:
    """The line that the panel describes.

    Raises:
        SoliloquyError: with the reason why it cannot be animated.
    """
    settings = context.scene.soliloquy
    error = checks.sound_refusal(context)
    if error is not None:
        raise error
    if settings.source == "STRIP":
        strip = media.active_sound_strip(context)
        source = media.source_from_strip(strip, media.frame_rate(context.scene))
    else:
        source = media.source_from_file(settings.audio_path, settings.start_frame)
    target = checks.target(context)
    return describe(context.scene, target, source, animate_settings(settings), settings.include_parts)


def describe(
    scene: bpy.types.Scene,
    target: bpy.types.Object | None,
    source: media.SoundSource,
    settings: AnimateSettings,
    include_parts: bool = True,
    model: Path | None = None,
) -> Line:
    """Copy everything that the worker needs out of a scene.

    Raises:
        RigError: the target cannot be driven.
    """
    character = read_character(target, include_parts)
    request = jobs.Request(
        audio=source.path,
        settings=settings,
        maps=character.maps,
        rate=media.frame_rate(scene),
        start_frame=source.start_frame,
        audible=source.audible,
        model=model,
        running=running(),
    )
    return Line(scene.name, character, source, request)


def apply(scene: bpy.types.Scene, line: Line, result: jobs.Result) -> tuple[str, ...]:
    """Key a result and add the sound strip.

    Returns:
        What the user should know, one sentence each.

    Raises:
        RigError: the scene's frame rate changed or the target went away meanwhile; nothing was changed.
    """
    if scene.name != line.scene or media.frame_rate(scene) != line.request.rate:
        raise RigError("The scene or its frame rate changed during the work", "Animate again")
    keyframes.write(line.action_name, line.source.path, result.curves)
    notices = [*line.character.notices, *result.notices]
    try:
        media.add_sound_strip(scene, line.source)
    except SoliloquyError as error:
        notices.append(str(error))
    if result.last_frame > scene.frame_end:
        last = math.ceil(result.last_frame)
        notices.append(f"The line ends on frame {last}, after the end of the scene ({scene.frame_end}).")
    return tuple(notices)


def run_now(scene: bpy.types.Scene, line: Line) -> tuple[jobs.Result, tuple[str, ...]]:
    """Animate a line without a thread: for background Blender and scripts.

    Raises:
        SoliloquyError: with the reason; the scene is as it was.
    """
    result = jobs.compute(line.request, lambda _share: None, lambda: False)
    return result, apply(scene, line, result)


def summary(line: Line, result: jobs.Result) -> str:
    """One sentence about what was done."""
    driven = {curve.data_path for curve in result.curves}
    return (
        f'Keyed {len(driven)} shape keys of "{line.character.name}", '
        f"frames {math.floor(result.first_frame)} to {math.ceil(result.last_frame)}"
    )
