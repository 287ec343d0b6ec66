"""Sound strips as lines: whose each is, where it lies, and under which id its character keeps it.

The id lies on the strip. One that was cut or copied carries the id of its origin: `identify` gives it one of
its own.
"""

from __future__ import annotations

import uuid
from operator import attrgetter
from typing import TYPE_CHECKING

import bpy

from ..inference.transcript import LANGUAGE
from . import compat, media, takes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .edit_properties import SoliloquyTake
    from .takes import StoredTake

NEW, CHANGED, MOVED, DONE, PROBLEM, MUTED = "NEW", "CHANGED", "MOVED", "DONE", "PROBLEM", "MUTED"
"""States of a line; see `state`."""


def sound_strips(scene: bpy.types.Scene) -> list[bpy.types.SoundStrip]:
    """Every sound strip of a scene, those in meta strips too, in the order in which they play."""
    editor = scene.sequence_editor
    found = [s for s in compat.all_strips(editor) if s.type == "SOUND"] if editor is not None else []
    return sorted(found, key=lambda strip: (compat.strip_visible_range(strip)[0], strip.channel, strip.name))


def lines(scene: bpy.types.Scene) -> list[bpy.types.SoundStrip]:
    """The sound strips that have a character."""
    return [strip for strip in sound_strips(scene) if strip.soliloquy_line.character is not None]


def take_of(strip: bpy.types.SoundStrip) -> SoliloquyTake | None:
    """What the character of a strip keeps for it."""
    line = strip.soliloquy_line
    index = takes.items_index(line.character, line.line_id) if line.character is not None else None
    return line.character.soliloquy_face.takes[index] if index is not None else None


def state(strip: bpy.types.SoundStrip, scene: bpy.types.Scene) -> str:
    """What is to be done about a line, as far as that can be said without reading its sound."""
    line, take = strip.soliloquy_line, take_of(strip)
    if strip.mute:
        return MUTED
    if line.problem:
        return PROBLEM
    if take is None:
        return NEW
    if take.transcript != line.transcript.strip() and (take.transcript or line.transcript.strip()):
        return CHANGED
    if media.strip_refusal(strip) is not None:
        return PROBLEM
    return DONE if lies(take, strip, media.frame_rate(scene)) else MOVED


def place(strip: bpy.types.SoundStrip, rate: media.FrameRate) -> tuple[float, tuple[float, float] | None]:
    """Where the line of a strip lies: see `takes.StoredTake.start_frame` and `audible`."""
    start_frame, audible = media.strip_place(strip, rate)
    shape = [frame - start_frame for frame in audible]
    is_whole = any(strip.soliloquy_line.whole) and _close(shape, strip.soliloquy_line.whole)
    return start_frame, None if is_whole else audible


def _close(one: Iterable[float], other: Iterable[float]) -> bool:
    return all(abs(a - b) < 1e-3 for a, b in zip(one, other, strict=True))


def lies(take: SoliloquyTake, strip: bpy.types.SoundStrip, rate: media.FrameRate) -> bool:
    """Whether a take lies where its strip does."""
    start_frame, audible = place(strip, rate)
    if abs(take.start_frame - start_frame) >= 1e-3 or take.is_trimmed != (audible is not None):
        return False
    return audible is None or _close((take.audible_first, take.audible_end), audible)


def identify(scene: bpy.types.Scene) -> dict[str, str]:
    """An id for each line by the name of its strip: its own, that of a take made without the sequencer that
    lies there, or a new one. Of strips with the same id the one that lies where the take does has it."""
    rate = media.frame_rate(scene)
    origins: dict[str, list[bpy.types.SoundStrip]] = {}
    identities: dict[str, str] = {}
    strips = lines(scene)
    for strip in strips:
        if strip.soliloquy_line.line_id:
            origins.setdefault(strip.soliloquy_line.line_id, []).append(strip)
    for line_id, same in origins.items():
        identities[min(same, key=lambda strip: _distance(strip, rate)).name] = line_id
    for strip in strips:
        if strip.name not in identities:
            identities[strip.name] = _adopted(strip, rate, identities.values()) or uuid.uuid4().hex
    return identities


def _distance(strip: bpy.types.SoundStrip, rate: media.FrameRate) -> tuple[bool, float]:
    """How far a strip lies from the take with its id; frames."""
    take = take_of(strip)
    if take is None or media.strip_refusal(strip) is not None:
        return True, 0.0
    start_frame, audible = media.strip_place(strip, rate)
    away = abs(take.start_frame - start_frame)
    return False, away + (abs(take.audible_first - audible[0]) if take.is_trimmed else 0.0)


def _adopted(strip: bpy.types.SoundStrip, rate: media.FrameRate, taken: Iterable[str]) -> str:
    """The id of a take of the same sound at the same place that no strip has; empty without one."""
    if strip.soliloquy_line.line_id or media.strip_refusal(strip) is not None:
        return ""
    source = media.source_from_strip(strip, rate)
    for take in strip.soliloquy_line.character.soliloquy_face.takes:
        near = abs(take.start_frame - source.start_frame) < 0.5
        if near and take.line_id == source.path and take.line_id not in taken:
            return take.line_id
    return ""


def line_id_for(scene: bpy.types.Scene, strip: bpy.types.SoundStrip, character: bpy.types.Object) -> str:
    """Under which id a character is to keep the line of a strip, whose it may not be yet."""
    if strip.soliloquy_line.character == character:
        return identify(scene).get(strip.name) or uuid.uuid4().hex
    others = {line.line_id for line in map(attrgetter("soliloquy_line"), sound_strips(scene))}
    path = media.source_from_strip(strip, media.frame_rate(scene)).path
    return uuid.uuid4().hex if path in others else path


def claim(
    scene: bpy.types.Scene, character: bpy.types.Object, source: media.SoundSource, take: StoredTake
) -> None:
    """Make the strip that plays a sound the line that a character keeps, and no other strip: from now on the
    line lies where the strip does."""
    for strip in sound_strips(scene):
        line = strip.soliloquy_line
        if media.plays(strip, source):
            line.character, line.line_id, line.problem = character, take.line_id, ""
            line.transcript, line.language = take.transcript, take.language or LANGUAGE
            start_frame, audible = media.strip_place(strip, media.frame_rate(scene))
            line.whole = [frame - start_frame for frame in audible] if take.audible is None else (0.0, 0.0)
        elif line.line_id == take.line_id and line.character == character:
            line.character, line.line_id = None, ""


def is_behind(scene: bpy.types.Scene) -> bool:
    """Whether a strip was moved, trimmed, cut or copied since the animation of its line was made."""
    rate, seen = media.frame_rate(scene), set()
    for strip in lines(scene):
        take, line_id = take_of(strip), strip.soliloquy_line.line_id
        if take is None or strip.mute or media.strip_refusal(strip) is not None:
            continue
        if line_id in seen or not lies(take, strip, rate):
            return True
        seen.add(line_id)
    return False
