"""Sound strips as lines of characters: from the sequencer to the worker, and from its result to the scene.

What a character keeps for a line goes by the line's id, which lies on the strip. A strip that was cut or
copied carries the id of its origin: `_identify` gives it one of its own, and its line begins as a copy.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import bpy

from ..inference import reapply
from ..inference.errors import RigError, SoliloquyError, UsageError
from ..inference.transcript import LANGUAGE
from . import compat, dialogue_job, edit_live, layers, media, takes
from .preferences import running
from .rig_map import read_character

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from .edit_properties import SoliloquyTake

NEW, CHANGED, MOVED, DONE, PROBLEM, MUTED = "NEW", "CHANGED", "MOVED", "DONE", "PROBLEM", "MUTED"
"""States of a line; see `state`."""


@dataclass(frozen=True)
class Report:
    """What became of a dialogue. The names are those of strips."""

    animated: tuple[str, ...]
    unchanged: tuple[str, ...]
    muted: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    """With the reason."""
    characters: int
    last_frame: float
    notices: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One sentence, without its full stop."""
        said = [f"Animated {_count(len(self.animated), 'line')} of {_count(self.characters, 'character')}"]
        for names, what in ((self.unchanged, "unchanged"), (self.muted, "muted"), (self.failed, "failed")):
            if names:
                said.append(f"{len(names)} {what}")
        return ", ".join(said)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


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
    return DONE if _lies(take, strip, media.frame_rate(scene)) else MOVED


def _lies(take: SoliloquyTake, strip: bpy.types.SoundStrip, rate: media.FrameRate) -> bool:
    """Whether a take lies where its strip does."""
    start_frame, audible = media.strip_place(strip, rate)
    place = (take.start_frame, take.audible_first, take.audible_end)
    wanted = (start_frame, *audible)
    return take.is_trimmed and all(abs(a - b) < 1e-3 for a, b in zip(place, wanted, strict=True))


def request(
    scene: bpy.types.Scene,
    chosen: Iterable[bpy.types.SoundStrip],
    *,
    again: bool = False,
    model: Path | None = None,
) -> tuple[dialogue_job.Request, tuple[tuple[str, str], ...]]:
    """Copy everything that the worker needs out of a scene.

    Args:
        chosen: strips with a character; muted ones are passed over.
        again: hear lines that did not change, too.

    Returns:
        The request, and the strips that cannot be animated, each with the reason.
    """
    heard = [strip for strip in chosen if not strip.mute]
    identities = _identify(scene)
    plans, found, refused = {}, [], []
    for strip in heard:
        character = strip.soliloquy_line.character
        try:
            if character.name not in plans:
                plans[character.name] = _plan(character, scene)
            found.append(_line_request(strip, identities[strip.name], scene))
        except SoliloquyError as error:
            refused.append((strip.name, str(error)))
    moved_away = {(line.line_id, line.character) for line in found}
    for other in _speaking(scene):
        lost = {take.line_id for take in other.soliloquy_face.takes} & {line_id for line_id, _ in moved_away}
        lost = {line_id for line_id in lost if (line_id, other.name) not in moved_away}
        if lost:
            plan = plans.get(other.name) or _plan(other, scene)
            kept = tuple(line for line in plan.lines if line.line_id not in lost)
            plans[other.name] = replace(plan, lines=kept)
    kept_takes = {
        take.content_hash: take.packed
        for other in _speaking(scene)
        for take in other.soliloquy_face.takes
        if take.content_hash
    }
    asked = dialogue_job.Request(
        tuple(found), plans, media.frame_rate(scene), kept_takes, again, model, running()
    )
    return asked, tuple(refused)


def _plan(character: bpy.types.Object, scene: bpy.types.Scene) -> reapply.Plan:
    if character.name not in scene.objects:
        raise RigError(f'"{character.name}" is not in this scene', "Choose a character of this scene")
    rig = read_character(character, character.soliloquy_face.include_parts)
    return layers.plan(character, scene, rig)


def _line_request(
    strip: bpy.types.SoundStrip, line_id: str, scene: bpy.types.Scene
) -> dialogue_job.LineRequest:
    line = strip.soliloquy_line
    source = media.source_from_strip(strip, media.frame_rate(scene))
    index = takes.items_index(line.character, line_id)
    return dialogue_job.LineRequest(
        strip=strip.name,
        character=line.character.name,
        line_id=line_id,
        audio=source.path,
        start_frame=source.start_frame,
        audible=source.audible,
        text=line.transcript.strip(),
        language=line.language if line.transcript.strip() else LANGUAGE,
        cues=bpy.path.abspath(line.cues) if line.cues else "",
        kept_hash=line.character.soliloquy_face.takes[index].content_hash if index is not None else "",
    )


def _speaking(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The characters of a scene that keep lines."""
    return [obj for obj in scene.objects if len(obj.soliloquy_face.takes)]


def _identify(scene: bpy.types.Scene) -> dict[str, str]:
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


def apply(
    scene: bpy.types.Scene,
    asked: dialogue_job.Request,
    result: dialogue_job.Result,
    refused: Sequence[tuple[str, str]] = (),
) -> Report:
    """Keep and key the lines of a result, and tell each strip what became of it.

    Raises:
        UsageError: the scene's frame rate changed during the work; nothing was changed.
    """
    if media.frame_rate(scene) != asked.rate:
        raise UsageError("The frame rate of the scene changed during the work", "Animate the lines again")
    failed = dict(refused) | {o.request.strip: o.problem for o in result.outcomes if o.problem}
    last_frame = 0.0
    for name, curves in result.curves.items():
        mine = [o for o in result.outcomes if o.request.character == name and o.line is not None]
        try:
            written = _write(scene, name, result.plans[name], curves, mine)
            last_frame = max(last_frame, written.last_frame)
        except SoliloquyError as error:
            failed |= {o.request.strip: str(error) for o in mine}
    strips = {strip.name: strip for strip in sound_strips(scene)}
    for outcome in result.outcomes:
        if outcome.request.strip in strips and outcome.line is not None:
            strips[outcome.request.strip].soliloquy_line.line_id = outcome.request.line_id
    for name, strip in strips.items():
        if name in failed or any(o.request.strip == name for o in result.outcomes):
            strip.soliloquy_line.problem = failed.get(name, "")
    return _report(scene, result, failed, last_frame)


def _write(
    scene: bpy.types.Scene,
    name: str,
    plan: reapply.Plan,
    curves: Sequence[object],
    outcomes: Sequence[dialogue_job.Outcome],
) -> layers.Outcome:
    """Keep and key the lines of one character; keys are made again where it changed during the work."""
    character = scene.objects.get(name)
    if character is None:
        raise RigError(f'"{name}" was removed meanwhile', "Choose another character for its lines")
    ids = {line.line_id for line in plan.lines}
    for take in list(character.soliloquy_face.takes):
        if take.line_id not in ids:
            takes.remove(character, take.line_id)
    for outcome in outcomes:
        takes.move(character, outcome.line.line_id, outcome.line.start_frame, outcome.line.audible)
    now = _plan(character, scene)  # keys of a person's own move with their lines
    for outcome in outcomes:
        now = reapply.with_line(now, outcome.line) if outcome.take is not None else now
    written = layers.write(character, now, curves if reapply.same(now, plan) else reapply.build(now))
    for outcome in outcomes:
        if outcome.take is not None:
            takes.store(character, outcome.take)
    return written


def _report(
    scene: bpy.types.Scene, result: dialogue_job.Result, failed: dict[str, str], last_frame: float
) -> Report:
    good = [o for o in result.outcomes if o.request.strip not in failed]
    notices = [f"{o.request.strip}: {notice}" for o in good for notice in o.notices]
    notices += [f"{name}: {problem}" for name, problem in failed.items()]
    if last_frame > scene.frame_end:
        notices.append(
            f"The last line ends on frame {last_frame:.0f}, after the end of the scene ({scene.frame_end})."
        )
    return Report(
        tuple(o.request.strip for o in good if o.take is not None),
        tuple(o.request.strip for o in good if o.take is None),
        tuple(strip.name for strip in lines(scene) if strip.mute),
        tuple(failed.items()),
        len({o.request.character for o in good}),
        last_frame,
        tuple(notices),
    )


def remove(scene: bpy.types.Scene, character: bpy.types.Object, line_id: str) -> bool:
    """Take a line's animation away; its strip stays. False where there is none.

    Raises:
        SoliloquyError: with the reason; the scene is as it was.
    """
    plan = _plan(character, scene)
    kept = tuple(line for line in plan.lines if line.line_id != line_id)
    if len(kept) == len(plan.lines):
        return False
    plan = replace(plan, lines=kept)
    layers.write(character, plan, reapply.build(plan))
    return takes.remove(character, line_id)


def is_behind(scene: bpy.types.Scene) -> bool:
    """Whether a strip was moved, trimmed, cut or copied since the animation of its line was made."""
    rate, seen = media.frame_rate(scene), set()
    for strip in lines(scene):
        take, line_id = take_of(strip), strip.soliloquy_line.line_id
        if take is None or strip.mute or media.strip_refusal(strip) is not None:
            continue
        if line_id in seen or not _lies(take, strip, rate):
            return True
        seen.add(line_id)
    return False


def follow(scene: bpy.types.Scene) -> tuple[str, ...]:
    """Move, trim and copy the animation of lines as their strips were; nothing is heard.

    Returns:
        The characters whose keys were made again.
    """
    rate, identities = media.frame_rate(scene), _identify(scene)
    touched: dict[bpy.types.Object, None] = {}
    for strip in lines(scene):
        line = strip.soliloquy_line
        if strip.mute or not line.line_id or media.strip_refusal(strip) is not None:
            continue
        if identities[strip.name] != line.line_id:
            touched |= _copied(strip, identities[strip.name])
        elif takes.move(line.character, line.line_id, *media.strip_place(strip, rate)):
            touched[line.character] = None
    return tuple(character.name for character in touched if edit_live.apply(character, scene))


def _copied(strip: bpy.types.SoundStrip, line_id: str) -> dict[bpy.types.Object, None]:
    """Give a strip that was cut or copied a line of its own: what its origin says, where it lies itself."""
    line, origin = strip.soliloquy_line, take_of(strip)
    line.line_id = line_id
    if origin is None:
        return {}
    start_frame, audible = media.strip_place(strip, media.frame_rate(strip.id_data))
    (kept,) = (take for take in takes.load(line.character) if take.line_id == origin.line_id)
    copy = replace(kept, line_id=line_id, name=strip.name, start_frame=start_frame, audible=audible)
    takes.store(line.character, copy)
    return {line.character: None}
