"""The whole way from a sound file to motion, streamed: what the command line and the add-on both run."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .audio import open_audio
from .contacts import Guarantees, SegmentFeed, keep_guarantees
from .curves import MotionControls, check_rate, control_pieces, resample_pieces
from .hearing import aligned, as_silent, listened, told, voice_in, watched, words_said
from .motion import Spoken, all_channels, join, stream_speech
from .parts import stream_parts
from .performance.blinks import BlinkFeed, add_blinks, blink_seed, check_eyes, set_lids
from .performance.direction import Draw
from .transcript import LANGUAGE
from .types import FaceMotion

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .audio_decoders import Decoder
    from .instruction.reader import Reading
    from .performance.blinks import BlinkCues
    from .performance.direction import Direction
    from .session import SpeechModel
    from .visemes import Segment

CUES_RATE_HZ = 50.0
"""Frames per second of motion from cues, unless the settings name another rate."""
_CUES_BEYOND_S = 0.5


@dataclass(frozen=True)
class AnimateSettings:
    """What is to be made of a sound."""

    controls: MotionControls = field(default_factory=MotionControls)
    seed: int = 0
    """Seed of the blinks where no direction draws them: the same seed and file name give the same blinks."""
    blinks: bool = True
    rate_hz: float | None = None
    """Frames per second; None for the model's own rate."""
    text: str = ""
    """What is said, where it is known: then the sounds are found by it, and not by ear alone."""
    language: str = LANGUAGE
    """Language of the text, as espeak-ng names it."""
    lips_meet: bool = True
    """Let the lips meet on every p, b and m, found by the text or by ear."""
    lip_to_teeth: bool | None = None
    """Let the lower lip reach the teeth on every f and v; None: where the text tells when."""
    still_in_silence: bool = False
    """Keep the mouth still in silences of 0.3 s and more."""
    blink_strength: float = 1.0
    """How far the lids close in a blink, 0..1."""
    eyelid_offset: float = 0.0
    """-1..1: above 0 the eyes are open wider, below 0 the lids hang; blinks still close them."""
    hold_s: float = 0.0
    """Seconds that a contact lasts at least; see `contacts.Guarantees`."""
    direction: Direction | None = None
    """How the line is performed; None: lips and blinks alone, and no channels of the head. The file's name
    counts beside the seeds, or all lines of a batch would move alike. `controls.head` is the strength of the
    head's turns beside that of the direction."""
    reading: Reading | None = None
    """Words over the length of the sound, in place of the direction's track."""
    suggested: bool = False
    """Let the voice suggest the direction's track."""

    def __post_init__(self) -> None:
        if self.rate_hz is not None:
            check_rate(self.rate_hz)
        check_eyes(self.blink_strength, self.eyelid_offset)

    def guarantees(self, *, by_text: bool) -> Guarantees:
        """What is to hold of the motion, with times of sounds from the text or not."""
        return Guarantees(
            lips_meet=self.lips_meet,
            lip_to_teeth=by_text if self.lip_to_teeth is None else self.lip_to_teeth,
            still_in_silence=self.still_in_silence,
            hold_s=self.hold_s,
        )


def animate_file(
    path: str | os.PathLike[str],
    model: SpeechModel,
    settings: AnimateSettings | None = None,
    *,
    decoders: Sequence[Decoder] = (),
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    notify: Callable[[str], None] | None = None,
) -> Iterator[FaceMotion]:
    """Turn a sound file into motion, in consecutive pieces and bounded memory.

    Nothing is opened before the first piece is asked for. With a text, or a suggested instruction, the whole
    sound is heard before the first piece leaves (about 20 kB of memory per second of sound).

    Args:
        path: any sound file, or a video file with a sound track where a decoder for it is at hand.
        model: an opened speech model.
        settings: None for the defaults.
        decoders: further decoders for `audio.open_audio`.
        progress: called with the share done, rising to 1.0.
        cancelled: asked before every block of sound.
        notify: called with each sentence that a user should know about this sound.

    Yields:
        Motion with all 52 ARKit channels, and with a direction the three of the head, at `settings.rate_hz`,
        from the start of the sound to its end. The delay moves the motion below these times: the rows
        themselves always cover the sound.

    Raises:
        AudioError: the sound cannot be read.
        UsageError: the language of the text is not known.
        Cancelled: `cancelled` returned True.
    """
    settings = settings or AnimateSettings()
    words = words_said(settings.text, settings.language, notify)
    with open_audio(path, decoders) as reader:
        if notify:
            for notice in reader.notices:
                notify(notice)
        blocks = watched(reader, progress, cancelled)
        spoken: Iterable[Spoken] = stream_speech(blocks, model, measured=settings.direction is not None)
        if reader.is_silent:
            spoken = map(as_silent, spoken)
        segments = None
        if settings.suggested or (words and not reader.is_silent):
            spoken = list(spoken)
        if words and not reader.is_silent:
            segments = aligned(list(spoken), words, notify)
        guarantees = settings.guarantees(by_text=segments is not None)
        feed = SegmentFeed(settings.controls.prediction_delay_s)
        if reader.is_silent:
            guarantees = Guarantees()
        elif segments is not None:
            feed.add(segments, np.inf)
        elif guarantees:
            spoken = listened(spoken, feed, float(model.card.rate_hz))
        made, eyes = _performed(
            spoken, settings, path, reader.duration_s, None if reader.is_silent else notify
        )
        pieces = (all_channels(piece.motion, neutral=False) for piece in made)
        yield from _finished(pieces, float(model.card.rate_hz), settings, feed, guarantees, eyes)
    if progress:
        progress(1.0)


def animate_cues(
    cues: str | os.PathLike[str],
    settings: AnimateSettings | None = None,
    *,
    sound: str | os.PathLike[str] | None = None,
    decoders: Sequence[Decoder] = (),
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    notify: Callable[[str], None] | None = None,
    frames_hz: float | None = None,
) -> Iterator[FaceMotion]:
    """Turn phone times into motion, without a model; whole and not in pieces of bounded length.

    Args:
        cues: a file that `formats.cues.read_segments` understands.
        settings: None for the defaults; its text is not used. Motion is made at `rate_hz`, or at 50 fps.
        sound: what was said; the motion then is as long as it, and jaw and lips follow its strength.
        decoders, progress, cancelled, notify: as for `animate_file`; progress is that of hearing the sound.
        frames_hz: as for `formats.cues.read_cues`.

    Yields:
        Motion with all 52 ARKit channels, from 0 to the end of the sound or of the last cue.

    Raises:
        UsageError: the cues cannot be read.
        AudioError: the sound cannot be read.
        Cancelled: `cancelled` returned True.
    """
    settings = settings or AnimateSettings()
    rate_hz = CUES_RATE_HZ if settings.direction else settings.rate_hz or CUES_RATE_HZ
    motion, segments = follow_cues(
        cues,
        rate_hz,
        sound=sound,
        decoders=decoders,
        progress=progress,
        cancelled=cancelled,
        notify=notify,
        frames_hz=frames_hz,
    )
    feed = SegmentFeed(settings.controls.prediction_delay_s)
    feed.add(segments, np.inf)
    spoken = told(motion, segments)
    if settings.direction and sound is not None:
        with open_audio(sound, decoders) as reader:
            if not reader.is_silent:
                spoken = replace(spoken, prosody=voice_in(reader.blocks(), len(motion.values)))
    made, eyes = _performed([spoken], settings, sound or cues, len(motion.values) / rate_hz, notify)
    pieces = (piece.motion for piece in made)
    yield from _finished(pieces, rate_hz, settings, feed, settings.guarantees(by_text=True), eyes)
    if progress:
        progress(1.0)


def follow_cues(
    cues: str | os.PathLike[str],
    rate_hz: float = CUES_RATE_HZ,
    *,
    sound: str | os.PathLike[str] | None = None,
    decoders: Sequence[Decoder] = (),
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    notify: Callable[[str], None] | None = None,
    frames_hz: float | None = None,
    voice: str = "",
) -> tuple[FaceMotion, list[Segment]]:
    """The mouth that phone times ask for, before any of the strengths, and the times.

    Args:
        rate_hz: rows per second.
        cues, sound, decoders, progress, cancelled, notify: as for `animate_cues`.
        frames_hz, voice: as for `formats.cues.read_cues`.

    Raises:
        UsageError, AudioError, Cancelled: as `animate_cues`.
    """
    from .articulation import articulate  # only here: commands that only listen start without them
    from .formats.cues import read_segments

    segments, notices = read_segments(cues, frames_hz=frames_hz, voice=voice)
    end_s = max(segment.end_s for segment in segments)
    if sound is None:
        motion = articulate(segments, end_s, rate_hz)
    else:
        with open_audio(sound, decoders) as reader:
            notices += reader.notices
            if end_s > reader.duration_s + _CUES_BEYOND_S:
                notices += (f"The cues last {end_s:.1f} s, the sound only {reader.duration_s:.1f} s",)
            blocks = None if reader.is_silent else watched(reader, progress, cancelled)
            motion = articulate(segments, reader.duration_s, rate_hz, blocks)
    if notify:
        for notice in notices:
            notify(notice)
    return motion, segments


def _finished(
    pieces: Iterable[FaceMotion],
    made_hz: float,
    settings: AnimateSettings,
    feed: SegmentFeed,
    guarantees: Guarantees,
    eyes: _Eyes,
) -> Iterator[FaceMotion]:
    """What the settings ask for, done to motion that was made at `made_hz`."""
    rate_hz, delay_s = settings.rate_hz or made_hz, settings.controls.prediction_delay_s
    pieces = control_pieces(pieces, replace(settings.controls, prediction_delay_s=0.0))
    if rate_hz != made_hz or delay_s != 0.0:
        pieces = resample_pieces(pieces, rate_hz, delay_s)
    if guarantees:
        pieces = keep_guarantees(pieces, feed, guarantees)
    for piece in pieces:
        if len(piece.values):
            cues = eyes.feed.cues(piece.start_s) if eyes.feed else None
            yield with_eyes(piece, settings, eyes.seed, cues=cues)


@dataclass(frozen=True)
class _Eyes:
    """Who says when to blink; without a feed chance alone does."""

    seed: int
    feed: BlinkFeed | None = None


def _performed(
    spoken: Iterable[Spoken],
    settings: AnimateSettings,
    path: str | os.PathLike[str],
    duration_s: float,
    notify: Callable[[str], None] | None,
) -> tuple[Iterable[Spoken], _Eyes]:
    """The same speech, performed if the settings say how."""
    direction = settings.direction
    if direction is None:
        return spoken, _Eyes(blink_seed(path, settings.seed))
    # Only here: commands and add-ons that perform nothing start without it.
    from .performance.perform import load_performance_models, perform_pieces

    if settings.suggested:
        from .instruction.suggestion import suggested_track
        from .performance.events import voice_of

        heard = join(spoken)
        track = suggested_track(voice_of(heard.prosody, heard.visemes), heard.visemes)
        if notify and not any(one.values() for one in track.instructions):
            notify(f"Nothing in the voice of {Path(path).name} asks for an expression.")
        direction = replace(direction, track=track)
        spoken = [heard]
    elif settings.reading is not None:
        direction = replace(direction, track=settings.reading.track(duration_s))
    draw = Draw(*(blink_seed(path, seed) for seed in astuple(direction.draw)))
    feed = BlinkFeed(settings.controls.prediction_delay_s)
    made = perform_pieces(
        spoken, replace(direction, draw=draw), load_performance_models(), feed, settings.controls.head
    )
    return made, _Eyes(draw.eyes, feed)


def with_eyes(
    motion: FaceMotion,
    settings: AnimateSettings,
    seed: int,
    *,
    whole_blinks: bool = False,
    cues: BlinkCues | None = None,
) -> FaceMotion:
    """The blinks and the lids that the settings ask for; `whole_blinks`, `cues`: see `blinks.add_blinks`."""
    if settings.blinks:
        motion = add_blinks(motion, seed, settings.blink_strength, whole_only=whole_blinks, cues=cues)
    return set_lids(motion, settings.eyelid_offset) if settings.eyelid_offset else motion


def listen(
    path: str | os.PathLike[str],
    model: SpeechModel,
    settings: AnimateSettings,
    *,
    decoders: Sequence[Decoder] = (),
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    notify: Callable[[str], None] | None = None,
    parts: Sequence[tuple[float, float]] | None = None,
) -> tuple[Spoken, tuple[Segment, ...] | None]:
    """What the model makes of a sound file, whole and before any of the strengths: what is worth keeping.

    Args:
        path, model, decoders, progress, cancelled, notify: as for `animate_file`.
        settings: only its text and language are used.
        parts: begin and end in seconds of what is to be heard; None for all of the sound, which a text needs.

    Returns:
        Motion with all 52 ARKit channels (at rest where the sound is silent), what was heard, and when each
        sound is said where the text tells it.

    Raises:
        AudioError, UsageError, Cancelled: as `animate_file`.
    """
    with open_audio(path, decoders) as reader:
        if notify:
            for notice in reader.notices:
                notify(notice)
        blocks = watched(reader, progress, cancelled)
        if parts is None or settings.text.strip():
            spoken = join(stream_speech(blocks, model))
        else:
            spoken = stream_parts(blocks, model, parts, reader.duration_s)
        silent = reader.is_silent
    segments = None if silent else align_text(spoken, settings, notify)
    if progress:
        progress(1.0)
    kept = as_silent(spoken) if silent else replace(spoken, motion=all_channels(spoken.motion, neutral=False))
    return kept, segments


def align_text(
    spoken: Spoken, settings: AnimateSettings, notify: Callable[[str], None] | None = None
) -> tuple[Segment, ...] | None:
    """When each sound of the settings' text is said in what was heard; None where the text does not tell."""
    words = words_said(settings.text, settings.language, notify)
    segments = aligned([spoken], words, notify) if words else None
    return None if segments is None else tuple(segments)


def collect(pieces: Iterable[FaceMotion]) -> FaceMotion:
    """Join consecutive pieces of one motion."""
    kept = list(pieces)
    if not kept:
        raise ValueError("there must be at least one piece")
    return replace(kept[0], values=np.concatenate([piece.values for piece in kept]))
