"""Sound strips as lines of characters: from the sequencer to the worker, and from its result to the scene.

A strip that was cut or copied becomes a line of its own, which begins as a copy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import bpy

from ..inference import reapply
from ..inference.errors import RigError, SoliloquyError, UsageError
from ..inference.transcript import LANGUAGE
from . import dialogue_job, dialogue_strips, edit_live, jobs, kept_lines, layers, media, takes
from .preferences import running
from .rig_map import read_character

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from .rig_map import Character


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
    identities = dialogue_strips.identify(scene)
    found: list[dialogue_job.LineRequest] = []
    refused: list[tuple[str, str]] = []
    for strip in chosen:
        if strip.mute:
            continue
        try:
            _rig_of(strip.soliloquy_line.character, scene)
            found.append(_line_request(strip, identities[strip.name], scene))
        except SoliloquyError as error:
            refused.append((strip.name, str(error)))
    starts = {line.line_id: line.start_frame for line in found}
    speakers = dict.fromkeys(line.character for line in found)
    plans = {name: _plan(scene.objects[name], scene, starts) for name in speakers}
    plans |= _left_behind(scene, found, plans)
    kept = {
        kept_line.content_hash: kept_line.packed
        for other in _speaking(scene)
        for kept_line in other.soliloquy_face.lines
        if kept_line.content_hash and not any(kept_line.heard)
    }
    asked = dialogue_job.Request(tuple(found), plans, media.frame_rate(scene), kept, again, model, running())
    return asked, tuple(refused)


def _left_behind(
    scene: bpy.types.Scene, found: Sequence[dialogue_job.LineRequest], plans: Mapping[str, reapply.Plan]
) -> dict[str, reapply.Plan]:
    """Plans of characters that lose a line to another one."""
    whose = {line.line_id: line.character for line in found}
    left = {}
    for other in _speaking(scene):
        kept = [kept_line.line_id for kept_line in other.soliloquy_face.lines]
        if any(whose.get(line_id, other.name) != other.name for line_id in kept):
            plan = plans.get(other.name) or _plan(other, scene, {})
            own = tuple(line for line in plan.lines if whose.get(line.line_id, other.name) == other.name)
            left[other.name] = replace(plan, lines=own)
    return left


def _rig_of(character: bpy.types.Object, scene: bpy.types.Scene) -> Character:
    if character.name not in scene.objects:
        raise RigError(f'"{character.name}" is not in this scene', "Choose a character of this scene")
    return read_character(character, character.soliloquy_face.include_parts)


def _plan(character: bpy.types.Object, scene: bpy.types.Scene, starts: Mapping[str, float]) -> reapply.Plan:
    """See `layers.plan`; `starts` are the start frames that lines get."""
    ids = {kept_line.line_id for kept_line in character.soliloquy_face.lines}
    mine = {line_id: start for line_id, start in starts.items() if line_id in ids}
    return layers.plan(character, scene, _rig_of(character, scene), mine)


def _line_request(
    strip: bpy.types.SoundStrip, line_id: str, scene: bpy.types.Scene
) -> dialogue_job.LineRequest:
    line = strip.soliloquy_line
    source = media.source_from_strip(strip, media.frame_rate(scene))
    start_frame, audible = dialogue_strips.place(strip, media.frame_rate(scene))
    index = kept_lines.items_index(line.character, line_id)
    kept = line.character.soliloquy_face.lines[index] if index is not None else None
    hz = media.frame_rate(scene).hz
    is_known = kept is not None and kept_lines.is_heard(kept, start_frame, audible, hz)
    return dialogue_job.LineRequest(
        strip=strip.name,
        character=line.character.name,
        line_id=line_id,
        audio=source.path,
        start_frame=start_frame,
        audible=audible,
        frames=source.audible[1] - source.audible[0],
        text=line.transcript.strip(),
        language=line.language if line.transcript.strip() else LANGUAGE,
        cues=bpy.path.abspath(line.cues) if line.cues else "",
        kept_hash=kept.content_hash if is_known else "",
        part=jobs.part_that_plays(start_frame, audible, hz),
    )


def _speaking(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The characters of a scene that keep lines."""
    return [obj for obj in scene.objects if len(obj.soliloquy_face.lines)]


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
    strips = {strip.name: strip for strip in dialogue_strips.sound_strips(scene)}
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
    for kept_line in list(character.soliloquy_face.lines):
        if kept_line.line_id not in ids:
            kept_lines.remove(character, kept_line.line_id)
    now = _plan(character, scene, {o.line.line_id: o.line.start_frame for o in outcomes})
    for outcome in outcomes:
        now = reapply.with_line(now, outcome.line)
    written = layers.write(character, now, curves if reapply.same(now, plan) else reapply.build(now))
    for outcome in outcomes:
        if outcome.kept_line is not None:
            kept_lines.store(character, outcome.kept_line)
        else:
            kept_lines.move(character, outcome.line.line_id, outcome.line.start_frame, outcome.line.audible)
    takes.line_added(character, scene)
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
        tuple(o.request.strip for o in good if o.kept_line is not None),
        tuple(o.request.strip for o in good if o.kept_line is None),
        tuple(strip.name for strip in dialogue_strips.lines(scene) if strip.mute),
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
    plan = _plan(character, scene, {})
    kept = tuple(line for line in plan.lines if line.line_id != line_id)
    if len(kept) == len(plan.lines):
        return False
    plan = replace(plan, lines=kept)
    layers.write(character, plan, reapply.build(plan))
    return kept_lines.remove(character, line_id)


def follow(scene: bpy.types.Scene) -> tuple[str, ...]:
    """Move, trim and copy the animation of lines as their strips were; nothing is heard.

    Returns:
        The characters whose keys were made again.
    """
    rate, identities = media.frame_rate(scene), dialogue_strips.identify(scene)
    touched: dict[bpy.types.Object, None] = {}
    for strip in dialogue_strips.lines(scene):
        line = strip.soliloquy_line
        if strip.mute or not line.line_id or media.strip_refusal(strip) is not None:
            continue
        if identities[strip.name] != line.line_id:
            touched |= _copied(strip, identities[strip.name])
        elif kept_lines.move(line.character, line.line_id, *dialogue_strips.place(strip, rate)):
            touched[line.character] = None
    return tuple(character.name for character in touched if edit_live.apply(character, scene))


def _copied(strip: bpy.types.SoundStrip, line_id: str) -> dict[bpy.types.Object, None]:
    """Give a strip that was cut or copied a line of its own: what its origin says, where it lies itself."""
    line, origin = strip.soliloquy_line, dialogue_strips.kept_line_of(strip)
    line.line_id = line_id
    if origin is None:
        return {}
    start_frame, audible = dialogue_strips.place(strip, media.frame_rate(strip.id_data))
    (kept,) = (
        kept_line for kept_line in kept_lines.load(line.character) if kept_line.line_id == origin.line_id
    )
    copy = replace(kept, line_id=line_id, name=strip.name, start_frame=start_frame, audible=audible)
    kept_lines.store(line.character, copy)
    takes.copy(line.character, kept.line_id, line_id)
    return {line.character: None}
