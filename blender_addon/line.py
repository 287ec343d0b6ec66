"""One line of speech: from the scene to a request for the worker, and from its result back to the scene.

Operators and the command line call these functions; nothing in the scene changes before `apply`, and
`apply` makes everything ready before it changes anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..inference import reapply
from ..inference.errors import RigError, SoliloquyError
from ..inference.performance.direction import Draw
from ..inference.transcript import LANGUAGE
from . import checks, dialogue_strips, edit_live, edit_properties, jobs, kept_lines, layers, media, takes
from .preferences import running
from .rig_map import Character, read_character

if TYPE_CHECKING:
    from collections.abc import Callable
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
    sliders: AnimateSettings | None
    """What the character's sliders are to become; None leaves them."""
    include_parts: bool


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
        strip, source = None, media.source_from_file(settings.audio_path, settings.start_frame)
    target = checks.target(context)
    return describe(
        context.scene,
        target,
        source,
        said=(settings.transcript, settings.language),
        include_parts=settings.include_parts,
        line_id=dialogue_strips.line_id_for(context.scene, strip, target) if strip is not None else "",
    )


def describe(
    scene: bpy.types.Scene,
    target: bpy.types.Object | None,
    source: media.SoundSource,
    settings: AnimateSettings | None = None,
    said: tuple[str, str] = ("", LANGUAGE),
    include_parts: bool = True,
    model: Path | None = None,
    line_id: str = "",
) -> Line:
    """Copy everything that the worker needs out of a scene.

    Args:
        settings: what the character's sliders become; None for what they are.
        said: text and language of the line, where the settings do not tell them.
        line_id: under which id the line is kept; empty for its sound, so that hearing it again replaces it.

    Raises:
        RigError: the target cannot be driven.
    """
    character = read_character(target, include_parts)
    line_id = line_id or source.path
    plan = layers.plan(target, scene, character, {line_id: source.start_frame})
    if settings is None:
        settings_now = edit_properties.animate_settings(target.soliloquy_face, *said)
    else:
        settings_now, plan = settings, replace(plan, settings=replace(settings, text=""))
        plan = replace(plan, seed=edit_properties.blink_seed(target, settings.seed))
        if plan.direction is not None:
            draw = Draw.of(takes.first_seed(target, settings.seed))
            plan = replace(plan, direction=replace(plan.direction, draw=draw))
    request = jobs.Request(
        audio=source.path,
        name=source.name,
        line_id=line_id,
        settings=settings_now,
        plan=plan,
        start_frame=source.start_frame,
        audible=source.audible,
        model=model,
        running=running(),
    )
    return Line(scene.name, character, source, request, settings, include_parts)


def apply(scene: bpy.types.Scene, line: Line, result: jobs.Result) -> tuple[str, ...]:
    """Keep and key a result, and add the sound strip.

    Returns:
        What the user should know, one sentence each.

    Raises:
        RigError: the scene's frame rate changed or the target went away meanwhile; nothing was changed.
    """
    if scene.name != line.scene or media.frame_rate(scene) != result.plan.rate:
        raise RigError("The scene or its frame rate changed during the work", "Animate again")
    target = scene.objects.get(line.character.name)
    if target is None:
        raise RigError(f'"{line.character.name}" was removed meanwhile', "Choose the target mesh again")
    starts = {result.kept_line.line_id: result.kept_line.start_frame}
    now = reapply.with_line(layers.plan(target, scene, line.character, starts), result.kept_line.line)
    if line.sliders is not None:
        decided = result.plan
        now = replace(now, settings=decided.settings, seed=decided.seed, direction=decided.direction)
    # Sliders, lines or keys may have been changed during the work.
    curves = result.curves if reapply.same(now, result.plan) else reapply.build(now)
    layers.write(target, now, curves, f"{line.source.name} Soliloquy")
    kept_lines.store(target, result.kept_line)
    takes.line_added(target, scene)
    with edit_live.held():
        target.soliloquy_face.include_parts = line.include_parts
        if line.sliders is not None:
            edit_properties.set_sliders(target.soliloquy_face, line.sliders)
    notices = [*line.character.notices, *result.notices]
    try:
        if not line.source.is_strip:
            media.add_sound_strip(scene, line.source)
        dialogue_strips.claim(scene, target, line.source, result.kept_line)
    except SoliloquyError as error:
        notices.append(str(error))
    if result.last_frame > scene.frame_end:
        last = math.ceil(result.last_frame)
        notices.append(f"The line ends on frame {last}, after the end of the scene ({scene.frame_end}).")
    return tuple(notices)


def run_now(
    scene: bpy.types.Scene, line: Line, progress: Callable[[float], None] = lambda _share: None
) -> tuple[jobs.Result, tuple[str, ...]]:
    """Animate a line without a thread: for background Blender and scripts.

    Args:
        progress: called with the share of the sound that was heard, 0..1.

    Raises:
        SoliloquyError: with the reason; the scene is as it was.
    """
    result = jobs.compute(line.request, progress, lambda: False)
    return result, apply(scene, line, result)


def summary(line: Line, result: jobs.Result) -> str:
    """One sentence about what was done."""
    driven = {(curve.owner, curve.object, curve.data_path) for curve in result.curves}
    keys = {path for owner, _, path in driven if owner == "KEY"}
    others = sum(owner != "KEY" for owner, *_ in driven)
    also = f" and {others} other {'property' if others == 1 else 'properties'}" if others else ""
    return (
        f'Keyed {len(keys)} shape keys{also} of "{line.character.name}", '
        f"frames {math.floor(result.first_frame)} to {math.ceil(result.last_frame)}"
    )
