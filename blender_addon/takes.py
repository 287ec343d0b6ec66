"""Takes: one line performed in several ways, each made again from its seeds and its instruction.

A line without takes follows the character's sliders. As soon as one is drawn, every line of the character
gets a first take, the performance that it had; from then on moving a slider directs the take in use.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ..inference.errors import ModelError, UsageError
from ..inference.performance.direction import PARTS, Direction, Draw, Gaze, later
from . import edit_live, kept_lines, media
from . import performance_tracks as tracks
from .performance_properties import STRENGTHS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import bpy

    from ..inference.instruction.values import InstructionTrack
    from ..inference.reapply import Line
    from ..inference.types import FrameRate
    from .edit_properties import SoliloquyKeptLine
    from .performance_properties import SoliloquyTake, SoliloquyTakes

TAKES_MAX = 200
_SEEDS = 997
"""Characters begin at seeds of their own below this, so that two of them do not move alike."""


# --- what the runtime is told


def scene_direction(obj: bpy.types.Object, scene: bpy.types.Scene) -> Direction | None:
    """How lines without takes are performed, in seconds from frame 0; None where nothing but the lips is."""
    if not obj.soliloquy_performance.enabled:
        return None
    return Direction(
        tracks.scene_track(obj, scene),
        Draw.of(first_seed(obj)),
        **_strengths(obj),
        target=tracks.gaze(obj, scene),
    )


def directed(
    obj: bpy.types.Object, lines: Sequence[Line], direction: Direction | None, rate: FrameRate
) -> tuple[Line, ...]:
    """The lines of a character, each with the take in use; `direction` is that of lines without takes."""
    if direction is None:
        return tuple(lines)
    return tuple(
        replace(
            line,
            direction=line_direction(obj, line.line_id, line.start_frame / rate.hz, direction.target),
        )
        for line in lines
    )


def line_direction(
    obj: bpy.types.Object, line_id: str, start_s: float, target: Gaze | None
) -> Direction | None:
    """How the take in use performs a line, in seconds of its sound; None where it has no takes.

    Args:
        start_s: second of the scene in which the sound begins.
        target: in seconds of the scene.
    """
    take = in_use(obj, line_id)
    if take is None:
        return None
    face, head, eyes = (tracks.unpacked(getattr(take, f"{part}_track")) for part in PARTS)
    return Direction(
        face,
        Draw(take.face_seed, take.head_seed, take.eyes_seed),
        **_strengths(obj),
        target=None if target is None else later(target, -start_s),
        head_track=None if head == face else head,
        eyes_track=None if eyes == face else eyes,
    )


def _strengths(obj: bpy.types.Object) -> dict[str, float]:
    shown = obj.soliloquy_performance
    return {name: round(getattr(shown, f"{name}_strength"), 4) for name in STRENGTHS}


def first_seed(obj: bpy.types.Object, seed: int | None = None) -> int:
    """The seed of a character's lines that have no takes.

    Args:
        seed: None for the character's own slider.
    """
    from .edit_properties import blink_key

    face = obj.soliloquy_face
    return (face.seed if seed is None else seed) + (face.blink_key or blink_key(obj)) % _SEEDS


@lru_cache(maxsize=1)
def installed_versions() -> str:
    """The models that draw takes here, e.g. "head 1.0.0, style 1.0.0"."""
    from ..inference.performance.perform import load_performance_models

    return load_performance_models().versions


def drawn_elsewhere(take: SoliloquyTake) -> str:
    """A sentence where a take was drawn with other models than those installed; else empty."""
    try:
        installed = installed_versions()
    except ModelError as error:  # the panel is drawn all the same
        return str(error)
    if not take.versions or take.versions == installed:
        return ""
    return (
        f'"{take.name}" was drawn with {take.versions}; installed are {installed or "none"}: '
        "it will look different when it is made again."
    )


# --- the takes of a line


def of_line(obj: bpy.types.Object, line_id: str) -> SoliloquyTakes | None:
    """The takes of a line; None where it has none."""
    found = (t for t in obj.soliloquy_performance.takes if t.line_id == line_id)
    return next((t for t in found if len(t.drawn)), None)


def in_use(obj: bpy.types.Object, line_id: str) -> SoliloquyTake | None:
    """The take that a line is performed by; None where it has no takes."""
    takes = of_line(obj, line_id)
    return takes.drawn[min(max(takes.active, 0), len(takes.drawn) - 1)] if takes is not None else None


def active_line(obj: bpy.types.Object) -> SoliloquyKeptLine:
    """The line that the panel's list of takes is about.

    Raises:
        RigError: the character has no line.
    """
    lines = obj.soliloquy_face.lines
    if not len(lines):
        raise kept_lines.no_speech(obj)
    return lines[min(max(obj.soliloquy_face.active_line, 0), len(lines) - 1)]


def freeze(obj: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Give every line without takes a first one: what it looks like now. Takes of lines that are gone go."""
    lines, kept = obj.soliloquy_face.lines, obj.soliloquy_performance.takes
    ids = {line.line_id for line in lines}
    for index in reversed(range(len(kept))):
        if kept[index].line_id not in ids or not len(kept[index].drawn):
            kept.remove(index)
    bare = [line for line in lines if of_line(obj, line.line_id) is None]
    track = tracks.scene_track(obj, scene) if bare else None
    for line in bare:
        made = kept.add()
        made.name = made.line_id = line.line_id
        _add(made, Draw.of(first_seed(obj)), [_on_line(track, line, scene)] * len(PARTS))


def line_added(obj: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Where other lines have takes, the sliders show what the take in use asks for: a new line gets its own.

    Not when a take is chosen: Blender would go on using what it chose in a list that was moved in memory.
    """
    if len(obj.soliloquy_performance.takes):
        freeze(obj, scene)


def _on_line(track: InstructionTrack, line: SoliloquyKeptLine, scene: bpy.types.Scene) -> str:
    return tracks.packed(later(track, -line.start_frame / media.frame_rate(scene).hz))


def _add(takes: SoliloquyTakes, draw: Draw, texts: Sequence[str]) -> SoliloquyTake:
    if len(takes.drawn) >= TAKES_MAX:
        raise UsageError(f"A line keeps {TAKES_MAX} takes at most", "Remove some of its takes first")
    made = takes.drawn.add()
    for part, text in zip(PARTS, texts, strict=True):
        setattr(made, f"{part}_seed", getattr(draw, part))
        setattr(made, f"{part}_track", text)
    made.versions = installed_versions()
    _rename(made)
    return made


def _rename(take: SoliloquyTake) -> None:
    """Name a take by the words of its instruction and its seeds."""
    from ..inference.instruction.writer import write  # Blender starts faster without

    take.instruction = write(tracks.strongest(tracks.unpacked(take.face_track)))
    words = take.instruction.removesuffix(".").split(" ", 1)[-1].replace(" speaker", "", 1)
    seeds = [getattr(take, f"{part}_seed") for part in PARTS]
    shown = seeds[:1] if len(set(seeds)) == 1 else seeds
    take.name = f"{words[:1].upper()}{words[1:]} · {'/'.join(map(str, shown))}"


# --- what the buttons do; `edit_live.changed` or `layers.rebuild` shows it


def draw(
    obj: bpy.types.Object,
    scene: bpy.types.Scene,
    count: int,
    *,
    seed: int | None = None,
    stay: Iterable[str] = (),
) -> int:
    """Draw takes of the active line for what the sliders say, and use the first of them.

    Args:
        count: how many, at least 1.
        seed: of the first one; those after it count up. None for the next that the line did not use yet.
        stay: `PARTS` that stay as they are in the take in use, with seed and instruction.

    Returns:
        Index of the first new take.

    Raises:
        RigError: the character has no line.
        UsageError: the line has too many takes.
    """
    line = active_line(obj)
    freeze(obj, scene)
    takes = of_line(obj, line.line_id)
    if len(takes.drawn) + count > TAKES_MAX:
        raise UsageError(f"A line keeps {TAKES_MAX} takes at most", "Remove some of its takes first")
    used = {getattr(take, f"{part}_seed") for take in takes.drawn for part in PARTS}
    begin = max(used) + 1 if seed is None else seed
    text, origin = _on_line(tracks.scene_track(obj, scene), line, scene), in_use(obj, line.line_id)
    # Blender moves the items of a collection when one is added: what is locked is read first.
    stays = {p: (getattr(origin, f"{p}_seed"), getattr(origin, f"{p}_track")) for p in stay}
    index = len(takes.drawn)
    for number in range(begin, begin + count):
        drawn = [stays.get(part, (number, text)) for part in PARTS]
        _add(takes, Draw(*(s for s, _ in drawn)), [t for _, t in drawn])
    _activate(takes, index)
    return index


def use(obj: bpy.types.Object, scene: bpy.types.Scene, index: int) -> None:
    """Perform the active line by one of its takes; the sliders show what it was drawn for.

    Raises:
        UsageError: there is no such take.
    """
    freeze(obj, scene)
    takes, take = _take(obj, index)
    _activate(takes, index)
    show(obj, take)


def show(obj: bpy.types.Object, take: SoliloquyTake) -> None:
    """Let sliders without keys show what a take was drawn for; `freeze` first, as other lines follow them."""
    track = tracks.unpacked(take.face_track)
    if len(track.times_s) == 1 and not tracks.keyed_sliders(obj):
        with edit_live.held():
            tracks.set_sliders(obj, track.instructions[0])
            obj.soliloquy_performance.instruction = take.instruction


def bring(obj: bpy.types.Object, index: int, parts: Iterable[str]) -> None:
    """Take parts of another take into the one in use.

    Raises:
        UsageError: there is no such take.
    """
    takes, origin = _take(obj, index)
    into = takes.drawn[takes.active]
    for part in parts:
        for what in ("seed", "track"):
            setattr(into, f"{part}_{what}", getattr(origin, f"{part}_{what}"))
    into.versions = origin.versions if origin.versions != installed_versions() else into.versions
    _rename(into)


def mix(obj: bpy.types.Object, scene: bpy.types.Scene, sources: dict[str, int]) -> int:
    """A new take, with each part from a take of the active line, and use it.

    Args:
        sources: index of the take by part.

    Returns:
        Its index.

    Raises:
        UsageError: there is no such take.
    """
    freeze(obj, scene)
    takes, _ = _take(obj, sources["face"])
    made_of = [_take(obj, sources[part])[1] for part in PARTS]
    seeds = [getattr(take, f"{part}_seed") for part, take in zip(PARTS, made_of, strict=True)]
    texts = [getattr(take, f"{part}_track") for part, take in zip(PARTS, made_of, strict=True)]
    versions = [take.versions for take in made_of if take.versions != installed_versions()]
    made = _add(takes, Draw(*seeds), texts)
    made.versions = versions[0] if versions else made.versions
    index = len(takes.drawn) - 1
    _activate(takes, index)
    show(obj, made)
    return index


def copy(obj: bpy.types.Object, line_id: str, to_id: str) -> None:
    """Give a line that is a copy of another one (a strip that was cut) the same takes."""
    origin = of_line(obj, line_id)
    if origin is None or of_line(obj, to_id) is not None:
        return
    names = {one.identifier for one in origin.drawn[0].bl_rna.properties} - {"rna_type"}
    takes = [{name: getattr(take, name) for name in names} for take in origin.drawn]
    active = origin.active
    made = obj.soliloquy_performance.takes.add()
    made.name = made.line_id = to_id
    for values in takes:
        into = made.drawn.add()
        for name, value in values.items():
            setattr(into, name, value)
    _activate(made, active)


def remove(obj: bpy.types.Object, scene: bpy.types.Scene, index: int) -> None:
    """Forget a take; the one before it is used where it was in use. The last one leaves the sliders' seed.

    Raises:
        UsageError: there is no such take.
    """
    freeze(obj, scene)
    takes, _ = _take(obj, index)
    active = takes.active
    takes.drawn.remove(index)
    if index <= active:
        active = max(active - 1, 0)
    _activate(takes, active)
    if len(takes.drawn):
        show(obj, takes.drawn[active])


def record(obj: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Direct the takes in use by what the sliders say now: of the active line, or of all lines.

    Parts that are locked, or were brought from a take with another instruction, stay as they are.
    """
    shown = obj.soliloquy_performance
    if not len(shown.takes) or not len(obj.soliloquy_face.lines):
        return
    track = tracks.scene_track(obj, scene)
    for line in list(obj.soliloquy_face.lines) if shown.all_lines else [active_line(obj)]:
        take = in_use(obj, line.line_id)
        if take is not None:
            _direct(take, _on_line(track, line, scene), locked(obj))


def locked(obj: bpy.types.Object) -> tuple[str, ...]:
    """The `PARTS` that are to stay when others are drawn or directed."""
    return tuple(part for part in PARTS if getattr(obj.soliloquy_performance, f"lock_{part}"))


def _direct(take: SoliloquyTake, text: str, stays: Sequence[str]) -> None:
    before = take.face_track
    follow = [p for p in PARTS if p not in stays and getattr(take, f"{p}_track") in (before, text)]
    if any(getattr(take, f"{part}_track") != text for part in follow):
        for part in follow:
            setattr(take, f"{part}_track", text)
        _rename(take)


def _take(obj: bpy.types.Object, index: int) -> tuple[SoliloquyTakes, SoliloquyTake]:
    takes = of_line(obj, active_line(obj).line_id)
    if takes is None or not 0 <= index < len(takes.drawn):
        raise UsageError(f"The line has no take {index}", "Choose one of the list, counted from 0")
    return takes, takes.drawn[index]


def _activate(takes: SoliloquyTakes, index: int) -> None:
    with edit_live.held():
        takes.active = index
