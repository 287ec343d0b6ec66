"""What the panel knows of an actor and of the plate, and why a step cannot be taken yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..inference.actor.folder import ActorError, check_consent, open_actor
from ..inference.errors import SoliloquyError, UsageError
from . import compat, media
from .actor_properties import CLIP, DUB, STRIP
from .pass_files import PlateFiles

if TYPE_CHECKING:
    from ..inference.actor.folder import Actor

_checked: dict[tuple[Path, tuple[int, ...]], dict[str, Any]] = {}
_NUMBER = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True)
class Facts:
    """What an actor folder holds."""

    actor: Actor
    has_memory: bool
    has_renderer: bool
    renderer_is_older: bool
    """The memory was built again since the renderer was trained."""
    has_checkpoint: bool
    """Training was begun."""
    changed: tuple[int, ...] = ()
    """When each of its files was changed."""


def settings(context: bpy.types.Context) -> bpy.types.PropertyGroup:
    """The actor's settings of the scene."""
    return context.scene.soliloquy_actor


def folder(context: bpy.types.Context) -> Path | None:
    """The chosen actor folder; None where none is chosen."""
    chosen = settings(context).folder.strip()
    return Path(bpy.path.abspath(chosen)) if chosen else None


def facts(context: bpy.types.Context) -> Facts | None:
    """What the chosen folder holds; None where it is empty or not there.

    Raises:
        ActorError: there is an actor that cannot be used.
    """
    place = folder(context)
    if place is None or not (place / "actor.json").is_file():
        return None
    names = ("actor.json", "memory.npz", "renderer.onnx", "training")
    return _facts(place, tuple(_changed(place / name) for name in names))


@lru_cache(maxsize=4)
def _facts(place: Path, changed: tuple[int, ...]) -> Facts:
    """Asked on every redraw: read again only when a file has changed."""
    actor = open_actor(place)
    _, memory, renderer, training = changed
    return Facts(actor, bool(memory), bool(renderer), 0 < renderer < memory, bool(training), changed)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def remember_check(context: bpy.types.Context, said: dict[str, Any]) -> None:
    """Keep what `soliloquy actor show` said of the chosen actor, until one of its files changes."""
    found = facts(context)
    _checked.clear()
    if found is not None:
        _checked[found.actor.folder, found.changed] = said


def checked(found: Facts) -> dict[str, Any]:
    """What `soliloquy actor show` said of it; empty where it was not asked since the files changed."""
    return _checked.get((found.actor.folder, found.changed), {})


def folder_refusal(context: bpy.types.Context) -> SoliloquyError | None:
    """Why no actor can be captured into the chosen folder, or None."""
    place = folder(context)
    if place is None:
        return UsageError("No actor folder is chosen", "Choose a folder; it is made where there is none")
    if settings(context).folder.startswith("//") and not bpy.data.filepath:
        return UsageError(
            "The actor folder is relative to a blend file that is not saved yet", "Save the blend file first"
        )
    if place.exists() and not place.is_dir():
        return UsageError(f"'{place}' is a file", "Choose a folder")
    try:
        found = facts(context)
    except ActorError as error:
        return error
    if found is None and place.is_dir() and any(place.iterdir()):
        return UsageError(
            f"'{place}' holds other files and no actor", "Choose an empty folder, or a new name"
        )
    return None


def consent_refusal(context: bpy.types.Context) -> SoliloquyError | None:
    """Why a new actor may not be captured, or None; an actor that exists has a consent of its own."""
    try:
        if facts(context) is None:
            check_consent(settings(context).consent)
    except ActorError as error:
        return error
    return None


def actor_refusal(context: bpy.types.Context) -> SoliloquyError | None:
    """Why there is no actor to work with, or None."""
    error = folder_refusal(context)
    if error is not None:
        return error
    found = facts(context)
    if found is None:
        return UsageError("The folder holds no actor yet", "Capture a plate first")
    if not found.actor.takes:
        return UsageError(f"No plate of {found.actor.name} was captured yet", "Capture a plate first")
    return None


def memory_refusal(context: bpy.types.Context) -> SoliloquyError | None:
    """Why nothing can be trained, or None."""
    error = actor_refusal(context)
    if error is None and not facts(context).has_memory:
        return UsageError("The actor has no memory yet", "Press Build Memory")
    return error


def renderer_refusal(context: bpy.types.Context) -> SoliloquyError | None:
    """Why nothing can be painted, or None."""
    error = memory_refusal(context)
    if error is None and not facts(context).has_renderer:
        return UsageError("The actor has no renderer yet", "Press Train")
    return error


def plate_refusal(context: bpy.types.Context) -> SoliloquyError | None:
    """Why the plate can't be used, or None."""
    try:
        plate(context)
    except UsageError as error:
        return error
    return None


def plate(context: bpy.types.Context) -> PlateFiles:
    """The plate that the panel names, and where it lies in the scene.

    Raises:
        UsageError: there is none, or it can't be used.
    """
    chosen = settings(context)
    if chosen.plate_from == STRIP:
        found = _of_strip(context)
    elif chosen.plate_from == CLIP:
        found = _of_clip(chosen.clip)
    else:
        found = _of_file(chosen.plate_path, chosen.plate_start)
    if not Path(found.path).is_file():
        raise UsageError(f"The plate {found.path} does not exist", "Choose another one")
    return found


def active_strip(context: bpy.types.Context) -> bpy.types.Strip | None:
    """The sequencer's active strip if it is a film or images."""
    scene = compat.sequencer_scene(context)
    editor = scene.sequence_editor if scene is not None else None
    strip = editor.active_strip if editor is not None else None
    return strip if strip is not None and strip.type in ("MOVIE", "IMAGE") else None


def _of_strip(context: bpy.types.Context) -> PlateFiles:
    scene, strip = compat.sequencer_scene(context), active_strip(context)
    if strip is None:
        raise UsageError(
            "No film or image strip is active in the video sequencer",
            "Click one there, or choose a file here",
        )
    if media.frame_rate(scene) != media.frame_rate(context.scene):
        raise UsageError(
            f'The strip lies in the scene "{scene.name}", which has another frame rate',
            "Give both scenes the same frame rate",
        )
    if len(getattr(strip, "retiming_keys", ())) > 0:
        raise UsageError(f'The strip "{strip.name}" is retimed', "Remove its retiming keys")
    start = round(compat.strip_sound_start(strip))
    if strip.type == "MOVIE":
        path = bpy.path.abspath(strip.filepath)
        _check_rate(strip.name, strip.fps, context.scene)
        return PlateFiles(path, start)
    first = Path(bpy.path.abspath(strip.directory)) / strip.elements[0].filename
    return PlateFiles(str(first), start, _number(first), len(strip.elements))


def _of_clip(clip: bpy.types.MovieClip | None) -> PlateFiles:
    if clip is None:
        raise UsageError("No movie clip is chosen", "Choose one, or open the plate in the movie clip editor")
    path = Path(bpy.path.abspath(clip.filepath, library=clip.library))
    if clip.source == "MOVIE":
        _check_rate(clip.name, clip.fps, bpy.context.scene)
        return PlateFiles(str(path), clip.frame_start - clip.frame_offset)
    number = _number(path)
    return PlateFiles(str(path), clip.frame_start - clip.frame_offset, number, clip.frame_duration)


def _of_file(path: str, start_frame: int) -> PlateFiles:
    if not path.strip():
        raise UsageError("No plate is chosen", "Choose the film of the actor")
    if path.startswith("//") and not bpy.data.filepath:
        raise UsageError(
            f"{path} is relative to a blend file that is not saved yet", "Save the blend file first"
        )
    file = Path(bpy.path.abspath(path))
    if file.suffix.lower() not in bpy.path.extensions_image:
        return PlateFiles(str(file), start_frame)
    match = _NUMBER.search(file.stem)
    if match is None:
        return PlateFiles(str(file), start_frame, 1, 1)
    before, after = file.stem[: match.start(1)], file.stem[match.end(1) :]
    numbers = [
        int(m[1])
        for other in file.parent.glob(f"*{file.suffix}")
        if (m := re.fullmatch(re.escape(before) + r"(\d+)" + re.escape(after), other.stem))
    ]
    first = min(numbers, default=int(match[1]))
    digits = len(match[1])
    path = str(file.with_name(f"{before}{first:0{digits}d}{after}{file.suffix}"))
    return PlateFiles(path, start_frame, first, max(numbers, default=first) - first + 1)


def _number(path: Path) -> int:
    match = _NUMBER.search(path.stem)
    return int(match[1]) if match is not None else 1


def _check_rate(name: str, fps: float, scene: bpy.types.Scene) -> None:
    hz = media.frame_rate(scene).hz
    if fps > 0 and abs(fps - hz) > 0.01 * hz:
        raise UsageError(
            f'The plate "{name}" has {fps:g} frames per second and the scene {hz:g}',
            "Give the scene the plate's frame rate",
        )


def length(files: PlateFiles) -> int:
    """How many frames a plate has, as Blender counts them.

    Raises:
        UsageError: Blender can't read it.
    """
    if files.frames:
        return files.frames
    try:
        clip = bpy.data.movieclips.load(files.path)
    except RuntimeError as error:
        raise UsageError(f"The plate '{files.path}' can't be read", "Choose another film") from error
    frames = clip.frame_duration
    bpy.data.movieclips.remove(clip)
    if frames < 1:
        raise UsageError(f"The plate '{files.path}' can't be read", "Choose another film")
    return frames


def pass_folder(context: bpy.types.Context) -> Path:
    """Where the painted frames go: the chosen folder, else one beside the actor's for each way and plate."""
    chosen = settings(context)
    if chosen.pass_folder.strip():
        return Path(bpy.path.abspath(chosen.pass_folder))
    place = folder(context)
    base = place.parent / f"{place.name}_passes"
    if chosen.way == DUB:
        return base / f"dub_{Path(plate(context).path).stem}"
    return base / f"skin_{bpy.path.clean_name(context.scene.name)}"


def pass_refusal(context: bpy.types.Context) -> SoliloquyError | None:
    """Why there is no pass to compose, or None."""
    from .pass_files import pass_files

    if folder(context) is None and not settings(context).pass_folder.strip():
        return UsageError("No actor folder is chosen", "Choose one, or the folder of a pass")
    try:
        pass_files(pass_folder(context))
    except UsageError as error:
        return error
    return None
