"""Words to a character's sliders and back, and what its voice suggests; keys where it changes over a line.

What reads, writes and suggests is imported when it is used: Blender starts faster without.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..inference import motion_pack, reapply
from ..inference.errors import SoliloquyError, UsageError
from ..inference.instruction.values import Instruction, InstructionTrack
from . import edit_live, keyframes, layers, media, takes
from . import performance_tracks as tracks
from .performance_properties import STRENGTHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import bpy

    from ..inference.instruction.reader import Reading
    from ..inference.pipeline import AnimateSettings
    from .edit_properties import SoliloquyKeptLine


def locked_by_keys(target: bpy.types.Object) -> SoliloquyError | None:
    """Why words cannot set the sliders, or None: keys that a person set on them are not written over."""
    if not tracks.keyed_sliders(target) or _mark(target) == target.soliloquy_performance.own_keys:
        return None
    return UsageError(
        f'The sliders of "{target.name}" have keys of your own',
        "Press Neutral, the arrow beside Perform Again, to remove them, or go on keying",
    )


def read(target: bpy.types.Object, scene: bpy.types.Scene) -> str:
    """Direct a character by the text in its panel.

    Returns:
        What the user should know; empty when all was understood.

    Raises:
        SoliloquyError: with the reason why the performance could not be made.
    """
    from ..inference.instruction.reader import read as read_words

    return set_reading(target, scene, read_words(target.soliloquy_performance.instruction))


def set_reading(target: bpy.types.Object, scene: bpy.types.Scene, reading: Reading) -> str:
    """Direct a character by what was read; see `read`."""
    steps = len(reading.spans) > 1 and len(target.soliloquy_face.lines) > 0
    if steps:
        line = takes.active_line(target)
        _direct(target, scene, reading.track(_length_s(line)), line)
    else:
        _direct(target, scene, InstructionTrack.constant(reading.instruction))
    notices: list[str] = []
    if reading.not_understood:
        notices.append(f"Not understood: {', '.join(reading.not_understood)}.")
    target.soliloquy_performance.remarks = " ".join([*notices, *reading.notices])
    return target.soliloquy_performance.remarks


def suggest(target: bpy.types.Object, scene: bpy.types.Scene, *, over_time: bool) -> str:
    """Direct the active line as its voice suggests.

    Args:
        over_time: key the sliders phrase by phrase, instead of setting them once.

    Returns:
        How sure the suggestion is, as a sentence.

    Raises:
        UsageError: nothing is known of the voice.
    """
    from ..inference.instruction import suggestion
    from ..inference.instruction.writer import write

    line = takes.active_line(target)
    spoken, _ = motion_pack.unpack(line.packed)
    if spoken.prosody is None:
        raise UsageError(f'Nothing is known of the voice of "{line.name}"', "Animate the line from its sound")
    found = suggestion.suggest(spoken.prosody, spoken.visemes)
    mean = suggestion.whole_of(found)
    if over_time and len(found) > 1:
        _direct(target, scene, suggestion.track_of(found), line)
    else:
        _direct(target, scene, InstructionTrack.constant(mean))
    shown = target.soliloquy_performance
    shown.instruction = write(mean)
    shown.remarks = "Nothing in the voice asks for an expression."
    if found:
        sure = sum(one.confidence for one in found) / len(found)
        phrases = "1 phrase" if len(found) == 1 else f"{len(found)} phrases"
        shown.remarks = f"Suggested from {phrases}, {sure:.0%} sure."
    return shown.remarks


def put_in_words(target: bpy.types.Object) -> None:
    """Write into the panel's text what the sliders show."""
    from ..inference.instruction.writer import write

    target.soliloquy_performance.instruction = write(tracks.now(target))
    target.soliloquy_performance.remarks = ""


def neutral(target: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Set every slider back and remove its keys from the Action that is being edited."""
    _remove_keys(target)
    shown, elsewhere = target.soliloquy_performance, tracks.keyed_sliders(target)
    shown.instruction, shown.remarks = "", ""
    if elsewhere:
        shown.remarks = f"Keys of {', '.join(elsewhere)} on NLA tracks stay; mute them to be rid of them."
    _direct(target, scene, InstructionTrack.constant(Instruction()))


def apply(target: bpy.types.Object, scene: bpy.types.Scene) -> layers.Outcome:
    """Make the keys of a character again.

    Raises:
        SoliloquyError: with the reason; the keys are as they were.
    """
    return layers.rebuild(target, scene)


# --- the command line


def prepare(target: bpy.types.Object, asked: AnimateSettings) -> None:
    """Set, without making keys, what a command asks of a character before its line is heard."""
    shown, direction = target.soliloquy_performance, asked.direction
    with edit_live.held():
        shown.enabled = direction is not None
        for name in STRENGTHS:
            if direction is not None:
                setattr(shown, f"{name}_strength", getattr(direction, name))
        if asked.reading is not None:
            tracks.set_sliders(target, asked.reading.spans[0].instruction)


def follow(target: bpy.types.Object, scene: bpy.types.Scene, asked: AnimateSettings, line_id: str) -> None:
    """Direct a line that was heard by what can be said only then: steps in words, and its own voice."""
    ids = [line.line_id for line in target.soliloquy_face.lines]
    target.soliloquy_face.active_line = ids.index(line_id)
    if asked.reading is not None and len(asked.reading.spans) > 1:
        set_reading(target, scene, asked.reading)
    elif asked.suggested and asked.direction is not None:
        suggest(target, scene, over_time=True)


# --- a language model


@dataclass(frozen=True)
class Question:
    """What a language model is asked."""

    text: str
    address: str
    """Where it answers."""
    model: str
    """Its name, where there are several at the address; else empty."""
    online: bool
    """Whether Blender allows online access."""


def ask(question: Question, _progress: Callable[[float], None], _cancelled: Callable[[], bool]) -> Reading:
    """Let a language model rephrase a text, and read what it says. Runs in a thread."""
    from ..inference.instruction.language_model import read_with_model

    return read_with_model(question.text, question.address, online=question.online, model=question.model)


# --- sliders and their keys


def _direct(
    target: bpy.types.Object,
    scene: bpy.types.Scene,
    track: InstructionTrack,
    line: SoliloquyKeptLine | None = None,
) -> None:
    """Set the sliders, or key them over a line, and perform.

    Args:
        track: in seconds of the line's sound.
    """
    shown = target.soliloquy_performance
    if tracks.keyed_sliders(target) and _mark(target) == shown.own_keys:
        _remove_keys(target)
    with edit_live.held():
        tracks.set_sliders(target, track.instructions[0])
        if len(track.times_s) > 1 and line is not None:
            _key(target, track, line.start_frame, media.frame_rate(scene).hz)
    shown.own_keys = _mark(target)
    takes.record(target, scene)
    if len(target.soliloquy_face.lines):
        apply(target, scene)


def _key(target: bpy.types.Object, track: InstructionTrack, start_frame: float, hz: float) -> None:
    rows = [{**one.values(), "intensity": one.intensity} for one in track.instructions]
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name, 0.0) for row in rows]
        if len(set(values)) == 1:
            continue
        for time_s, value in zip(track.times_s, values, strict=True):
            setattr(target.soliloquy_performance, name, value)
            target.keyframe_insert(tracks.PREFIX + name, frame=start_frame + time_s * hz)


def _slider_curves(target: bpy.types.Object) -> Iterator[bpy.types.FCurve]:
    """Curves of the sliders in the Action that is being edited."""
    data = target.animation_data
    bag = keyframes.channelbag(data.action, data.action_slot) if data is not None and data.action else None
    for curve in bag.fcurves if bag is not None else ():
        if curve.data_path.startswith(tracks.PREFIX):
            yield curve


def _remove_keys(target: bpy.types.Object) -> None:
    curves = list(_slider_curves(target))
    if curves:
        data = target.animation_data
        bag = keyframes.channelbag(data.action, data.action_slot)
        for curve in curves:
            bag.fcurves.remove(curve)


def _mark(target: bpy.types.Object) -> str:
    """Another one as soon as a key of a slider is changed; empty without keys."""
    mark = 0
    for curve in _slider_curves(target):
        points = np.empty(2 * len(curve.keyframe_points), np.float32)
        curve.keyframe_points.foreach_get("co", points)
        mark = zlib.crc32(curve.data_path.encode() + np.round(points, 3).tobytes(), mark)
    return f"{mark:08x}" if mark else ""


def _length_s(line: SoliloquyKeptLine) -> float:
    """From the sound's time 0 to the end of its last sentence."""
    spoken = reapply.sentences(reapply.Line(line.packed, 0.0))
    return spoken[-1][1] if spoken else 0.0
