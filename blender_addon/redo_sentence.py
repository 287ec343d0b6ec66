"""One sentence of a line again: stronger or weaker, or heard anew in its sound file. The rest stays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..inference import reapply
from ..inference.errors import Cancelled, RigError, UsageError
from ..inference.parts import spliced
from ..inference.pipeline import AnimateSettings, align_text, listen
from . import edit_layers, jobs, kept_lines, media
from .preferences import running

if TYPE_CHECKING:
    from collections.abc import Callable

    import bpy

    from .kept_lines import KeptLine

_AROUND_S = 0.5
"""Sound around a sentence that is heard with it: it is blended in there."""


@dataclass(frozen=True)
class Request:
    """Everything the worker needs, copied out of the scene on the main thread."""

    character: str
    kept_line: KeptLine
    begin_s: float
    """Of the sentence, in seconds of the sound."""
    end_s: float
    running: jobs.Running = field(default_factory=jobs.Running)


def request(obj: bpy.types.Object, scene: bpy.types.Scene) -> Request:
    """Hear the sentence at the current frame again.

    Raises:
        RigError: the character has no line.
        UsageError: the line was made from a file of cues or curves: there is nothing to hear.
    """
    line_id, begin_s, end_s = edit_layers.sentence_at(obj, scene)
    (kept,) = (line for line in kept_lines.load(obj) if line.line_id == line_id)
    if not kept.content_hash or (kept.segments is not None and not kept.transcript):
        raise UsageError(
            f'"{kept.name}" was made from a file and not heard',
            "Change its strength, or import the file again",
        )
    return Request(obj.name, kept, begin_s, end_s, running())


def compute(
    request: Request, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> tuple[KeptLine, tuple[str, ...]]:
    """The line with that sentence heard again, and what the user should know.

    Raises:
        AudioError, ModelError: the sound or the model cannot be used.
        Cancelled: `cancelled` returned True.
    """
    from .audio_decoder import AudDecoder

    notices: list[str] = []
    kept = request.kept_line
    part = request.begin_s - _AROUND_S, request.end_s + _AROUND_S
    heard, _ = listen(
        kept.audio,
        jobs.speech_model(None, request.running, notices.append),
        AnimateSettings(),
        decoders=(AudDecoder(),),
        progress=progress,
        cancelled=cancelled,
        notify=notices.append,
        parts=(part,),
    )
    spoken = spliced(kept.spoken, heard, request.begin_s, request.end_s, reapply.BLEND_S)
    segments = kept.segments
    if kept.transcript:
        said = AnimateSettings(text=kept.transcript, language=kept.language)
        segments = align_text(spoken, said, notices.append)
    if cancelled():
        raise Cancelled
    known = jobs.content_hash(kept.audio, kept.transcript, kept.language)
    return replace(kept, spoken=spoken, segments=segments, content_hash=known), tuple(notices)


def apply(
    request: Request, kept_line: KeptLine, scene: bpy.types.Scene, lower_face: float, upper_face: float
) -> tuple[int, int]:
    """Keep the line and make its keys again; a person's own keys in the sentence are let go.

    Returns:
        First and last frame of the sentence as it was.

    Raises:
        RigError: the character or the line is gone.
    """
    obj = scene.objects.get(request.character)
    lines = kept_lines.load(obj) if obj is not None else []
    now = next((line for line in lines if line.line_id == kept_line.line_id), None)
    if obj is None or now is None:
        raise RigError(f'The line "{kept_line.name}" was removed meanwhile', "Animate it again")
    heard = {name: getattr(kept_line, name) for name in ("spoken", "segments", "content_hash")}
    kept_lines.store(obj, replace(now, **heard))
    item = obj.soliloquy_face.lines[kept_lines.items_index(obj, kept_line.line_id)]
    hz = media.frame_rate(scene).hz
    kept_lines.set_accent(item, reapply.Accent(request.begin_s, request.end_s, lower_face, upper_face))
    first, last = (item.start_frame + second * hz for second in (request.begin_s, request.end_s))
    edit_layers.release(obj, scene, first, last)
    return math.floor(first), math.ceil(last)


def summary(obj: bpy.types.Object, first: int, last: int) -> str:
    """What became of the keys of a sentence, without a full stop: those of protected frames stayed."""
    stayed = [
        (max(first, min(item.first, item.last)), min(last, max(item.first, item.last)), item.channels.strip())
        for item in obj.soliloquy_face.protections
    ]
    stayed = [(begin, end, channels) for begin, end, channels in stayed if begin <= end]
    if (first, last, "") in stayed:
        return f"Frames {first} to {last} are protected and stay as they are; unprotected they follow"
    made = f"Made frames {first} to {last} again"
    if not stayed:
        return made
    named = [f"{begin:g} to {end:g}{f' ({channels})' if channels else ''}" for begin, end, channels in stayed]
    return f"{made}, but {', '.join(named)} are protected and stay as they are; unprotected they follow"
