"""The lines that are kept with a character, inside the blend file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..inference import motion_pack
from ..inference.errors import RigError
from ..inference.reapply import Accent, Line
from . import edit_properties

if TYPE_CHECKING:
    import bpy

    from ..inference.motion import Spoken
    from ..inference.visemes import Segment
    from .edit_properties import SoliloquyKeptLine


@dataclass(frozen=True)
class KeptLine:
    """One line of a character: the motion as the model made it, before any slider, and where it lies."""

    line_id: str
    """Under which id it is kept: storing another one under the same id replaces it."""
    name: str
    audio: str
    """Absolute path of the sound; it need not exist any more."""
    content_hash: str
    """Tells whether sound or text changed since; empty where it is not known."""
    start_frame: float
    """Frame of the sound's time 0, audible or not."""
    audible: tuple[float, float] | None
    """First frame that plays and first that no longer does; None for all of the sound."""
    spoken: Spoken
    segments: tuple[Segment, ...] | None = None
    """When each sound is said, in seconds of the sound, where a text or cues told it."""
    transcript: str = ""
    language: str = ""
    accents: tuple[Accent, ...] = ()
    heard: tuple[float, float] | None = None
    """Begin and end in seconds of the part of the sound that was heard; None for all of it."""

    @cached_property
    def line(self) -> Line:
        """The line as `reapply` wants it."""
        packed = motion_pack.pack(self.spoken, self.segments)
        return Line(packed, self.start_frame, self.audible, self.line_id, self.accents)


def content_hash(path: str, transcript: str = "", language: str = "") -> str:
    """Another one as soon as the sound, what is said or its language changes; empty without the file."""
    try:
        with Path(path).open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
    except OSError:
        return ""
    if transcript.strip():
        digest.update(f"{language}\0{transcript.strip()}".encode())
    return digest.hexdigest()


def no_speech(obj: bpy.types.Object) -> RigError:
    """What is said of a character that keeps no line, or of which no keys are left."""
    return RigError(f'"{obj.name}" has no speech yet', "Animate a line first")


def speech_refusal(obj: bpy.types.Object) -> RigError | None:
    """Why a character cannot be performed or edited yet, or None."""
    return None if len(obj.soliloquy_face.lines) else no_speech(obj)


def store(obj: bpy.types.Object, kept_line: KeptLine) -> None:
    """Keep a line with a character, in place of one with the same `line_id`. `layers.rebuild` shows it.

    Raises:
        RigError: the object is linked and has no library override.
    """
    if not obj.is_editable:
        raise RigError(
            f'"{obj.name}" is linked and cannot keep a line', "Press Make Override below the target"
        )
    face, items = obj.soliloquy_face, obj.soliloquy_face.lines
    face.blink_key = face.blink_key or edit_properties.blink_key(obj)
    index = items_index(obj, kept_line.line_id)
    item = items[index] if index is not None else items.add()
    item.name, item.line_id, item.audio = kept_line.name, kept_line.line_id, kept_line.audio
    item.content_hash, item.start_frame = kept_line.content_hash, kept_line.start_frame
    item.transcript, item.language = kept_line.transcript, kept_line.language
    item.is_trimmed = kept_line.audible is not None
    item.audible_first, item.audible_end = kept_line.audible or (0.0, 0.0)
    item.heard = kept_line.heard or (0.0, 0.0)
    item.packed = kept_line.line.packed
    item.accents.clear()
    for accent in kept_line.accents:
        set_accent(item, accent)


def load(obj: bpy.types.Object) -> list[KeptLine]:
    """All lines of a character, in the order in which they were stored.

    Raises:
        UsageError: one of them is damaged.
    """
    found = []
    for item in obj.soliloquy_face.lines:
        spoken, segments = motion_pack.unpack(item.packed)
        found.append(
            KeptLine(
                item.line_id,
                item.name,
                item.audio,
                item.content_hash,
                item.start_frame,
                _audible(item),
                spoken,
                segments,
                item.transcript,
                item.language,
                _accents(item),
                tuple(item.heard) if any(item.heard) else None,
            )
        )
    return found


def lines(obj: bpy.types.Object) -> tuple[Line, ...]:
    """All lines of a character as `reapply` wants them; nothing is unpacked."""
    return tuple(
        Line(item.packed, item.start_frame, _audible(item), item.line_id, _accents(item))
        for item in obj.soliloquy_face.lines
    )


def is_heard(
    item: SoliloquyKeptLine, start_frame: float, audible: tuple[float, float] | None, hz: float
) -> bool:
    """Whether all that plays of a line was heard, where its sound begins on `start_frame`."""
    if not any(item.heard):
        return True
    first_s, end_s = item.heard
    return audible is not None and all(
        first_s - 1e-3 <= (frame - start_frame) / hz <= end_s + 1e-3 for frame in audible
    )


def move(
    obj: bpy.types.Object, line_id: str, start_frame: float, audible: tuple[float, float] | None
) -> bool:
    """Tell where a line lies now; `layers.rebuild` moves its keys. False where nothing changed."""
    index = items_index(obj, line_id)
    if index is None:
        return False
    item = obj.soliloquy_face.lines[index]
    if abs(item.start_frame - start_frame) < 1e-4 and _audible(item) == audible:
        return False
    item.start_frame, item.is_trimmed = start_frame, audible is not None
    item.audible_first, item.audible_end = audible or (0.0, 0.0)
    return True


def remove(obj: bpy.types.Object, line_id: str) -> bool:
    """Forget a kept line; `layers.rebuild` takes its keys away. False where there is none."""
    index = items_index(obj, line_id)
    if index is None:
        return False
    obj.soliloquy_face.lines.remove(index)
    return True


def items_index(obj: bpy.types.Object, line_id: str) -> int | None:
    """Place of a line in `obj.soliloquy_face.lines`."""
    ids = [item.line_id for item in obj.soliloquy_face.lines]
    return ids.index(line_id) if line_id in ids else None


def set_accent(item: bpy.types.PropertyGroup, accent: Accent) -> None:
    """Play a sentence of a kept line stronger or weaker, in place of what was said about it before."""
    same = [i for i, a in enumerate(item.accents) if a.start_s < accent.end_s and a.end_s > accent.start_s]
    for index in reversed(same):
        item.accents.remove(index)
    made = item.accents.add()
    made.start_s, made.end_s = accent.start_s, accent.end_s
    made.lower_face, made.upper_face = accent.lower_face, accent.upper_face


def _accents(item: bpy.types.PropertyGroup) -> tuple[Accent, ...]:
    return tuple(Accent(a.start_s, a.end_s, a.lower_face, a.upper_face) for a in item.accents)


def _audible(item: bpy.types.PropertyGroup) -> tuple[float, float] | None:
    return (item.audible_first, item.audible_end) if item.is_trimmed else None
