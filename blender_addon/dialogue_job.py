"""Many lines of several characters in one go, off the main thread. Never touches bpy.

A sound is heard once, however many strips play it, and not at all where the character keeps what was heard
and neither sound nor text changed since. A line that fails is told; the others are done.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..inference import motion_pack, reapply
from ..inference.errors import Cancelled, SoliloquyError, UsageError
from ..inference.hearing import told
from ..inference.motion import Spoken
from ..inference.pipeline import AnimateSettings, follow_cues, listen
from .jobs import Running, heard_of, message, speech_model
from .kept_lines import KeptLine, content_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ..inference.bezier import KeyedCurve
    from ..inference.types import FrameRate
    from ..inference.visemes import Segment

    Heard = tuple[Spoken, tuple[Segment, ...] | None]

_BUILDING = 0.1
"""Share of the bar for making the keys after all lines were heard."""


@dataclass(frozen=True)
class LineRequest:
    """One sound strip, copied out of the sequencer."""

    strip: str
    """Name of the strip."""
    character: str
    line_id: str
    audio: str
    """Absolute path."""
    start_frame: float
    """Frame of the sound's time 0, audible or not."""
    audible: tuple[float, float] | None
    """First frame that plays and first that no longer does; None for all of the sound."""
    frames: float
    """Length of the strip."""
    text: str = ""
    language: str = ""
    cues: str = ""
    """Absolute path of a file of phone times; empty to go by ear."""
    kept_hash: str = ""
    """Of what the character keeps for this line; empty without one."""

    part: tuple[float, float] | None = None
    """Begin and end in seconds of what is to be heard of the sound; None for all of it."""

    @property
    def content(self) -> tuple[str, str, str, str, str]:
        """What is heard, wherever it lies: the arguments of `line_hash`."""
        return self.audio, self.text, self.language, self.cues, self.character if self.cues else ""


@dataclass(frozen=True)
class Request:
    """Everything the worker needs, copied out of the scene on the main thread."""

    lines: tuple[LineRequest, ...]
    plans: Mapping[str, reapply.Plan]
    """By character, with the lines that it keeps."""
    rate: FrameRate
    kept: Mapping[str, bytes] = field(default_factory=dict)
    """What the characters keep already, packed, by content hash."""
    again: bool = False
    """Hear lines that did not change, too."""
    model: Path | None = None
    running: Running = field(default_factory=Running)


@dataclass(frozen=True)
class Outcome:
    """What became of one line."""

    request: LineRequest
    line: reapply.Line | None = None
    """As the character keeps it from now on; None where the line failed."""
    kept_line: KeptLine | None = None
    """What was heard; None where what is kept is still right."""
    problem: str = ""
    """Why it failed, for a person; empty where it did not."""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """Curves ready to be keyed, by character, with the plans that they were made from."""

    outcomes: tuple[Outcome, ...]
    plans: Mapping[str, reapply.Plan]
    curves: Mapping[str, tuple[KeyedCurve, ...]]


def compute(request: Request, progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Result:
    """Hear what changed, and make the keys of every character.

    Raises:
        ModelError: the speech model cannot be opened.
        Cancelled: `cancelled` returned True.
    """
    hearing = _Hearing(request, cancelled)
    lengths = [line.frames for line in request.lines]
    whole, done = max(sum(lengths), 1.0) / (1.0 - _BUILDING), 0.0
    outcomes = []
    for line, length in zip(request.lines, lengths, strict=True):
        outcomes.append(
            hearing.outcome(
                line, lambda share, length=length, done=done: progress((done + share * length) / whole)
            )
        )
        done += length
        progress(done / whole)
    plans, curves = {}, {}
    for number, (character, plan) in enumerate(request.plans.items()):
        if cancelled():
            raise Cancelled
        mine = [o for o in outcomes if o.request.character == character and o.line is not None]
        plans[character] = _with_lines(plan, [o.line for o in mine if o.line is not None])
        try:
            curves[character] = reapply.build(plans[character])
        except SoliloquyError as error:
            outcomes = [
                replace(o, line=None, kept_line=None, problem=str(error)) if o in mine else o
                for o in outcomes
            ]
        progress(1.0 - _BUILDING * (1.0 - (number + 1) / len(request.plans)))
    return Result(tuple(outcomes), plans, curves)


def _with_lines(plan: reapply.Plan, lines: Sequence[reapply.Line]) -> reapply.Plan:
    for line in lines:
        plan = reapply.with_line(plan, line)
    return plan


class _Hearing:
    """What was heard in this run, so that no sound is heard twice."""

    def __init__(self, request: Request, cancelled: Callable[[], bool]) -> None:
        self._request, self._cancelled = request, cancelled
        self._heard: dict[tuple[str, ...], Heard] = {}
        self._hashes: dict[tuple[str, ...], str] = {}

    def outcome(self, line: LineRequest, progress: Callable[[float], None]) -> Outcome:
        """One line; what goes wrong with it becomes its `problem`."""
        notices: list[str] = []
        if self._cancelled():
            raise Cancelled
        try:
            kept = self._unchanged(line)
            kept_line = None if kept is not None else self._kept_line(line, progress, notices.append)
            lying = kept if kept_line is None else kept_line.line
            assert lying is not None
            reapply.line_frames(lying, self._request.rate)
        except Cancelled:
            raise
        except Exception as error:  # of one line; the others must not be lost
            return Outcome(line, problem=message(error))
        return Outcome(line, lying, kept_line, notices=tuple(notices))

    def _unchanged(self, line: LineRequest) -> reapply.Line | None:
        """The line that the character keeps, where it lies now; None where it has to be heard."""
        plan = self._request.plans[line.character]
        kept = next((known for known in plan.lines if known.line_id == line.line_id), None)
        if kept is None or self._request.again or not line.kept_hash or self._hash(line) != line.kept_hash:
            return None
        return replace(kept, start_frame=line.start_frame, audible=line.audible)

    def _hash(self, line: LineRequest) -> str:
        if line.content not in self._hashes:
            self._hashes[line.content] = line_hash(*line.content)
        return self._hashes[line.content]

    def _kept_line(
        self, line: LineRequest, progress: Callable[[float], None], notify: Callable[[str], None]
    ) -> KeptLine:
        if line.content not in self._heard:
            packed = None if self._request.again else self._request.kept.get(self._hash(line))
            self._heard[line.content] = (
                motion_pack.unpack(packed) if packed is not None else self._hear(line, progress, notify)
            )
        spoken, segments = self._heard[line.content]
        return KeptLine(
            line.line_id,
            line.strip,
            line.audio,
            self._hash(line),
            line.start_frame,
            line.audible,
            spoken,
            segments,
            line.text,
            line.language,
            heard=None if self._parts_of(line) is None else heard_of(spoken, line.part),
        )

    def _parts_of(self, line: LineRequest) -> list[tuple[float, float]] | None:
        """What is heard of the sound of a line, for all changed lines that play it; None for everything."""
        if line.text or line.cues:
            return None
        known = "again" if self._request.again else self._hash(line)
        asked = [
            other.part
            for other in self._request.lines
            if other.content == line.content and (other is line or other.kept_hash != known)
        ]
        wanted = [part for part in asked if part is not None]
        return wanted if len(wanted) == len(asked) else None

    def _hear(
        self, line: LineRequest, progress: Callable[[float], None], notify: Callable[[str], None]
    ) -> Heard:
        from .audio_decoder import AudDecoder

        if line.cues:
            motion, segments = follow_cues(
                line.cues,
                sound=line.audio,
                decoders=(AudDecoder(),),
                progress=progress,
                cancelled=self._cancelled,
                notify=notify,
                frames_hz=self._request.rate.hz,
                voice=line.character,
            )
            return told(motion, segments), tuple(segments)
        return listen(
            line.audio,
            speech_model(self._request.model, self._request.running, notify),
            AnimateSettings(text=line.text, language=line.language),
            decoders=(AudDecoder(),),
            progress=progress,
            cancelled=self._cancelled,
            notify=notify,
            parts=self._parts_of(line),
        )


def line_hash(audio: str, text: str = "", language: str = "", cues: str = "", voice: str = "") -> str:
    """Another one as soon as the bytes of the sound or of its cues change, or what is said and by whom.

    Raises:
        UsageError: the sound or the cues cannot be read.
    """
    known = content_hash(audio, text, language)
    of_cues = content_hash(cues, voice, "voice") if cues else ""
    if not known or (cues and not of_cues):
        missing = cues if known else audio
        raise UsageError(f"'{missing}' cannot be read", "Check that the file is there, or choose another one")
    return f"{known}-{of_cues}" if cues else known
