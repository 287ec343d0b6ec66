"""Work off the main thread: sound to curves, with progress, ESC and errors. Never touches bpy."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..inference import reapply
from ..inference.errors import Cancelled, SoliloquyError
from ..inference.parts import AROUND_S
from ..inference.pipeline import AnimateSettings, listen
from .kept_lines import KeptLine, content_hash

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..inference.bezier import KeyedCurve
    from ..inference.motion import Spoken
    from ..inference.session import SpeechModel

    Work = Callable[[Any, Callable[[float], None], Callable[[], bool]], object]


@dataclass(frozen=True)
class Running:
    """How the speech model is run on this computer."""

    threads: int = 1
    """CPU threads, 1..256."""
    device: str = "auto"
    """One of `session.DEVICES`."""
    keep_model: bool = True
    """Keep the opened model in memory for the next line."""


@dataclass(frozen=True)
class Request:
    """Everything the worker needs, copied out of the scene on the main thread."""

    audio: str
    """Absolute path."""
    name: str
    """What the user calls the line."""
    line_id: str
    """Under which id the line is kept; see `kept_lines.KeptLine`."""
    settings: AnimateSettings
    """Its text and language are used; the rest is in the plan."""
    plan: reapply.Plan
    """The character with the lines that it has already."""
    start_frame: float
    """Scene frame at which the sound's time 0 lies, audible or not."""
    audible: tuple[float, float] | None = None
    """First frame that plays and first that no longer does (a trimmed strip); None for all of the sound."""
    model: Path | None = None
    """Weight file; None for the shipped one."""
    running: Running = field(default_factory=Running)
    """What runs the model."""


@dataclass(frozen=True)
class Result:
    """A line heard, curves ready to be keyed, and what the user should know about them."""

    kept_line: KeptLine
    plan: reapply.Plan
    """The one that the curves were made from, with the new line."""
    curves: tuple[KeyedCurve, ...]
    notices: tuple[str, ...]
    first_frame: float
    last_frame: float
    """First and last frame of the line."""


@lru_cache(maxsize=2)
def _model(
    path: Path | None, modified_ns: int, threads: int, device: str
) -> tuple[SpeechModel, tuple[str, ...]]:
    """The opened model, and what there is to say about the device that was asked for."""
    from ..inference.session import load_speech_model

    notices: list[str] = []
    return load_speech_model(path, threads, device, notices.append), tuple(notices)


def speech_model(
    path: Path | None = None,
    running: Running | None = None,
    notify: Callable[[str], None] = lambda _notice: None,
) -> SpeechModel:
    """The opened weight file, kept between runs until the file changes, unless `running` forbids it.

    Args:
        path: weight file; None for the shipped one.
        running: None for the defaults.
        notify: called with a sentence for each device that was asked for and does not work.

    Raises:
        ModelError: the file cannot be used.
    """
    running = running or Running()
    modified_ns = path.stat().st_mtime_ns if path is not None and path.is_file() else 0
    model, notices = _model(path, modified_ns, running.threads, running.device)
    for notice in notices:
        notify(notice)
    if not running.keep_model:
        _model.cache_clear()
    return model


def part_that_plays(
    start_frame: float, audible: tuple[float, float] | None, hz: float
) -> tuple[float, float] | None:
    """Begin and end, in seconds of the sound, of what is heard for a strip; None for all of the sound."""
    if audible is None:
        return None
    first_s, end_s = ((frame - start_frame) / hz for frame in audible)
    return first_s - AROUND_S, end_s + AROUND_S


def heard_of(spoken: Spoken, part: tuple[float, float] | None) -> tuple[float, float] | None:
    """The part that was heard of a sound; None where that is all of it."""
    is_all = part is None or (part[0] <= 0.0 and part[1] >= len(spoken.motion.values) / spoken.motion.rate_hz)
    return None if is_all else part


def compute(request: Request, progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Result:
    """Animate a sound on a character.

    Raises:
        SoliloquyError: anything that the user can mend.
        Cancelled: `cancelled` returned True.
    """
    notices: list[str] = []
    from .audio_decoder import AudDecoder

    text, language = request.settings.text, request.settings.language
    part = None if text else part_that_plays(request.start_frame, request.audible, request.plan.rate.hz)
    spoken, segments = listen(
        request.audio,
        speech_model(request.model, request.running, notices.append),
        request.settings,
        decoders=(AudDecoder(),),
        progress=progress,
        cancelled=cancelled,
        notify=notices.append,
        parts=None if part is None else (part,),
    )
    kept_line = KeptLine(
        request.line_id,
        request.name,
        request.audio,
        content_hash(request.audio, text, language),
        request.start_frame,
        request.audible,
        spoken,
        segments,
        text,
        language,
        heard=heard_of(spoken, part),
    )
    first, last = reapply.line_frames(kept_line.line, request.plan.rate)
    plan = reapply.with_line(request.plan, kept_line.line)
    curves = reapply.build(plan)
    if cancelled():
        raise Cancelled
    return Result(kept_line, plan, curves, tuple(notices), first, last)


class Job:
    """Work in a thread. Ask `poll` from the main thread; `outcome` is set when it returns True.

    Args:
        request: what `work` is about.
        work: takes the request, a function to call with the share done, and one that tells whether to stop.
        what: a sentence about what goes on, without its full stop.
    """

    def __init__(self, request: Any, work: Work = compute, what: str = "A line is being animated") -> None:
        self.what = what
        self.progress = 0.0
        """0..1."""
        self.outcome: object | None = None
        """What `work` returned, or the exception that it raised."""
        self._request, self._work = request, work
        self._news: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="Soliloquy", daemon=True)

    def start(self) -> None:
        """Begin the work."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the work to end; it does within one block of sound, with `Cancelled` as its outcome."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        """True from `cancel` on."""
        return self._stop.is_set()

    def poll(self) -> bool:
        """Take in the worker's news; True once it has ended and its thread is joined."""
        while not self._news.empty():
            news = self._news.get()
            if isinstance(news, float):
                self.progress = news
            else:
                self.outcome = news
        if self.outcome is None:
            return False
        if self._thread.ident is not None:
            self._thread.join()
        return True

    def join(self) -> None:
        """Wait for the end of the work."""
        if self._thread.ident is not None:
            self._thread.join()
        self.poll()

    def run(self) -> object:
        """Do the work here and now, without a thread; returns what `outcome` would be."""
        self._run()
        self.poll()
        return self.outcome

    def _run(self) -> None:
        try:
            self._news.put(
                self._work(self._request, lambda share: self._news.put(float(share)), self._stop.is_set)
            )
        except Exception as error:  # handed to the main thread, which tells the user
            self._news.put(error)


@dataclass
class Status:
    """What the panel shows about the last or the running line. One per Blender session."""

    job: Job | None = None
    error: str = ""
    summary: str = ""
    notices: tuple[str, ...] = field(default=())

    def begin(self, job: Job | None) -> None:
        """Forget the last line; a `job` runs from now on."""
        self.job, self.error, self.summary, self.notices = job, "", "", ()

    def end(self, error: str = "", summary: str = "", notices: tuple[str, ...] = ()) -> None:
        """The line is done."""
        self.job, self.error, self.summary, self.notices = None, error, summary, notices

    def stop(self) -> None:
        """Stop a running job and wait for its end (Blender closes, another file is opened)."""
        if self.job is not None:
            self.job.cancel()
            self.job.join()
            self.job = None


STATUS = Status()


def message(error: Exception) -> str:
    """One sentence or two for a person about any exception."""
    if isinstance(error, SoliloquyError):
        return str(error)
    return f"Unexpected problem ({type(error).__name__}: {error}). Please report it with sound and scene."
