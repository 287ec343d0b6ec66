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
from . import compat, kept_lines, media

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .edit_properties import SoliloquyKeptLine
    from .kept_lines import KeptLine

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


def kept_line_of(strip: bpy.types.SoundStrip) -> SoliloquyKeptLine | None:
    """What the character of a strip keeps for it."""
    line = strip.soliloquy_line
    index = kept_lines.items_index(line.character, line.line_id) if line.character is not None else None
    return line.character.soliloquy_face.lines[index] if index is not None else None


def state(strip: bpy.types.SoundStrip, scene: bpy.types.Scene) -> str:
    """What is to be done about a line, as far as that can be said without reading its sound."""
    line, kept_line = strip.soliloquy_line, kept_line_of(strip)
    if strip.mute:
        return MUTED
    if line.problem:
        return PROBLEM
    if kept_line is None:
        return NEW
    if kept_line.transcript != line.transcript.strip() and (kept_line.transcript or line.transcript.strip()):
        return CHANGED
    if media.strip_refusal(strip) is not None:
        return PROBLEM
    rate = media.frame_rate(scene)
    if not kept_lines.is_heard(kept_line, *place(strip, rate), rate.hz):
        return CHANGED  # more of the sound plays now
    return DONE if lies(kept_line, strip, rate) else MOVED


def place(strip: bpy.types.SoundStrip, rate: media.FrameRate) -> tuple[float, tuple[float, float] | None]:
    """Where the line of a strip lies: see `kept_lines.KeptLine.start_frame` and `audible`."""
    start_frame, audible = media.strip_place(strip, rate)
    shape = [frame - start_frame for frame in audible]
    is_whole = any(strip.soliloquy_line.whole) and _close(shape, strip.soliloquy_line.whole)
    return start_frame, None if is_whole else audible


def _close(one: Iterable[float], other: Iterable[float]) -> bool:
    return all(abs(a - b) < 1e-3 for a, b in zip(one, other, strict=True))


def lies(kept_line: SoliloquyKeptLine, strip: bpy.types.SoundStrip, rate: media.FrameRate) -> bool:
    """Whether a kept line lies where its strip does."""
    start_frame, audible = place(strip, rate)
    if abs(kept_line.start_frame - start_frame) >= 1e-3 or kept_line.is_trimmed != (audible is not None):
        return False
    return audible is None or _close((kept_line.audible_first, kept_line.audible_end), audible)


def identify(scene: bpy.types.Scene) -> dict[str, str]:
    """An id for each line by the name of its strip: its own, that of a line kept without the sequencer that
    lies there, or a new one. Of strips with the same id the one that lies where the kept line does has it."""
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
    """How far a strip lies from the kept line with its id; frames."""
    kept_line = kept_line_of(strip)
    if kept_line is None or media.strip_refusal(strip) is not None:
        return True, 0.0
    start_frame, audible = media.strip_place(strip, rate)
    away = abs(kept_line.start_frame - start_frame)
    return False, away + (abs(kept_line.audible_first - audible[0]) if kept_line.is_trimmed else 0.0)


def _adopted(strip: bpy.types.SoundStrip, rate: media.FrameRate, taken: Iterable[str]) -> str:
    """The id of a kept line of the same sound at the same place that no strip has; empty without one."""
    if strip.soliloquy_line.line_id or media.strip_refusal(strip) is not None:
        return ""
    source = media.source_from_strip(strip, rate)
    for kept_line in strip.soliloquy_line.character.soliloquy_face.lines:
        near = abs(kept_line.start_frame - source.start_frame) < 0.5
        if near and kept_line.line_id == source.path and kept_line.line_id not in taken:
            return kept_line.line_id
    return ""


def line_id_for(scene: bpy.types.Scene, strip: bpy.types.SoundStrip, character: bpy.types.Object) -> str:
    """Under which id a character is to keep the line of a strip, whose it may not be yet."""
    if strip.soliloquy_line.character == character:
        return identify(scene).get(strip.name) or uuid.uuid4().hex
    others = {line.line_id for line in map(attrgetter("soliloquy_line"), sound_strips(scene))}
    path = media.source_from_strip(strip, media.frame_rate(scene)).path
    return uuid.uuid4().hex if path in others else path


def claim(
    scene: bpy.types.Scene, character: bpy.types.Object, source: media.SoundSource, kept_line: KeptLine
) -> None:
    """Make the strip that plays a sound the line that a character keeps, and no other strip: from now on the
    line lies where the strip does."""
    for strip in sound_strips(scene):
        line = strip.soliloquy_line
        if media.plays(strip, source):
            line.character, line.line_id, line.problem = character, kept_line.line_id, ""
            line.transcript, line.language = kept_line.transcript, kept_line.language or LANGUAGE
            start_frame, audible = media.strip_place(strip, media.frame_rate(scene))
            line.whole = (
                [frame - start_frame for frame in audible] if kept_line.audible is None else (0.0, 0.0)
            )
        elif line.line_id == kept_line.line_id and line.character == character:
            line.character, line.line_id = None, ""


def is_behind(scene: bpy.types.Scene) -> bool:
    """Whether a strip was moved, trimmed, cut or copied since the animation of its line was made."""
    rate, seen = media.frame_rate(scene), set()
    for strip in lines(scene):
        kept_line, line_id = kept_line_of(strip), strip.soliloquy_line.line_id
        if kept_line is None or strip.mute or media.strip_refusal(strip) is not None:
            continue
        if line_id in seen or not lies(kept_line, strip, rate):
            return True
        seen.add(line_id)
    return False
