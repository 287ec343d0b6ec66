"""Why something cannot be done right now: for greyed buttons, for the panel and before work begins."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..inference.errors import AudioError, RigError, SoliloquyError, UsageError
from . import compat, media
from .jobs import STATUS
from .rig_map import refusal


def target(context: bpy.types.Context) -> bpy.types.Object | None:
    """The chosen mesh, or the active object where none is chosen."""
    chosen = context.scene.soliloquy.target
    return chosen if chosen is not None else context.active_object


def target_refusal(context: bpy.types.Context) -> SoliloquyError | None:
    """Why the target cannot be driven, or None."""
    candidate = target(context)
    if candidate is not None and context.scene not in candidate.users_scene:
        return RigError(f'"{candidate.name}" is not in this scene', "Choose a mesh of this scene")
    return refusal(candidate)


def sound_refusal(context: bpy.types.Context) -> SoliloquyError | None:
    """Why the chosen sound cannot be used, as far as that can be said without opening it, or None."""
    settings = context.scene.soliloquy
    return _strip_refusal(context) if settings.source == "STRIP" else _file_refusal(settings.audio_path)


def _strip_refusal(context: bpy.types.Context) -> SoliloquyError | None:
    strip = media.active_sound_strip(context)
    if strip is None:
        return UsageError(
            "No sound strip is active in the video sequencer",
            "Click a sound strip there, or choose a file here",
        )
    of_strips, here = compat.sequencer_scene(context), context.scene
    if media.frame_rate(of_strips) != media.frame_rate(here):
        return UsageError(
            f'The strip lies in the scene "{of_strips.name}", which has another frame rate',
            "Give both scenes the same frame rate",
        )
    return media.strip_refusal(strip)


def _file_refusal(path: str) -> SoliloquyError | None:
    if not path.strip():
        return UsageError("No sound file is chosen", "Choose the file with the speech")
    if path.startswith("//") and not bpy.data.filepath:
        return UsageError(
            f"{path} is relative to a blend file that is not saved yet", "Save the blend file first"
        )
    file = Path(bpy.path.abspath(path))
    if file.is_dir():
        return AudioError(f"{file} is a folder", "Choose the sound file in it")
    if not file.is_file():
        return AudioError(f"The sound file {file} does not exist", "Choose another file")
    return None


def busy_reason() -> str:
    """Why nothing can be started while something is running; empty when nothing is."""
    return f"{STATUS.job.what}. Wait for it, or press Esc to stop it." if STATUS.job is not None else ""


def first_reason(*errors: SoliloquyError | None) -> str:
    """The first refusal as text; empty when there is none."""
    return next((str(error) for error in errors if error is not None), "")
