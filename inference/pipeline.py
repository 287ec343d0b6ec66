"""The whole way from a sound file to motion, streamed: what the command line and the add-on both run."""

from __future__ import annotations

import unicodedata
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .alignment import SegmentStream, TextDoesNotFit, align
from .audio import open_audio
from .channels import ARKIT_52
from .contacts import Guarantees, SegmentFeed, keep_guarantees
from .curves import MotionControls, check_rate, control_pieces, resample_pieces
from .errors import Cancelled
from .motion import join, stream_speech
from .parts import stream_parts
from .performance.blinks import add_blinks, check_eyes, set_lids
from .transcript import LANGUAGE, PhonesUnavailable, words_of
from .types import FaceMotion
from .visemes import UNKNOWN, VISEMES

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .audio import AudioReader
    from .audio_decoders import Decoder
    from .motion import Spoken
    from .session import SpeechModel
    from .types import AudioClip
    from .visemes import Segment

CUES_RATE_HZ = 50.0
"""Frames per second of motion from cues, unless the settings name another rate."""
_CUES_BEYOND_S = 0.5


@dataclass(frozen=True)
class AnimateSettings:
    """What is to be made of a sound."""

    controls: MotionControls = field(default_factory=MotionControls)
    seed: int = 0
    """Seed of the blinks: the same seed and file name give the same blinks."""
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

    Nothing is opened before the first piece is asked for. With a text the whole sound is heard before the
    first piece leaves (about 15 kB of memory per second of sound).

    Args:
        path: any sound file, or a video file with a sound track where a decoder for it is at hand.
        model: an opened speech model.
        settings: None for the defaults.
        decoders: further decoders for `audio.open_audio`.
        progress: called with the share done, rising to 1.0.
        cancelled: asked before every block of sound.
        notify: called with each sentence that a user should know about this sound.

    Yields:
        Motion with all 52 ARKit channels at `settings.rate_hz`, from the start of the sound to its end. The
        delay moves the motion below these times: the rows themselves always cover the sound.

    Raises:
        AudioError: the sound cannot be read.
        UsageError: the language of the text is not known.
        Cancelled: `cancelled` returned True.
    """
    settings = settings or AnimateSettings()
    seed = blink_seed(path, settings.seed)
    words = _words(settings, notify)
    with open_audio(path, decoders) as reader:
        if notify:
            for notice in reader.notices:
                notify(notice)
        spoken: Iterable[Spoken] = stream_speech(_watched(reader, progress, cancelled), model)
        segments = None
        if words and not reader.is_silent:
            spoken = list(spoken)
            segments = _aligned(spoken, words, notify)
        by_text = segments is not None
        guarantees = Guarantees() if reader.is_silent else settings.guarantees(by_text=by_text)
        feed = SegmentFeed(settings.controls.prediction_delay_s)
        if segments is not None:
            feed.add(segments, np.inf)
        elif guarantees:
            spoken = _listened(spoken, feed, float(model.card.rate_hz))
        pieces: Iterable[FaceMotion] = (
            all_channels(piece.motion, neutral=reader.is_silent) for piece in spoken
        )
        yield from _finished(pieces, float(model.card.rate_hz), settings, feed, guarantees, seed)
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
    rate_hz = settings.rate_hz or CUES_RATE_HZ
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
    seed = blink_seed(sound or cues, settings.seed)
    yield from _finished([motion], rate_hz, settings, feed, settings.guarantees(by_text=True), seed)
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
            blocks = None if reader.is_silent else _watched(reader, progress, cancelled)
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
    seed: int,
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
            yield with_eyes(piece, settings, seed)


def with_eyes(
    motion: FaceMotion, settings: AnimateSettings, seed: int, *, whole_blinks: bool = False
) -> FaceMotion:
    """The blinks and the lids that the settings ask for; `whole_blinks`: see `performance.add_blinks`."""
    if settings.blinks:
        motion = add_blinks(motion, seed, settings.blink_strength, whole_only=whole_blinks)
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
    words = _words(settings, notify)
    with open_audio(path, decoders) as reader:
        if notify:
            for notice in reader.notices:
                notify(notice)
        blocks = _watched(reader, progress, cancelled)
        if parts is None or settings.text.strip():
            spoken = join(stream_speech(blocks, model))
        else:
            spoken = stream_parts(blocks, model, parts, reader.duration_s)
        silent = reader.is_silent
    segments = _aligned([spoken], words, notify) if words and not silent else None
    visemes = spoken.visemes
    if silent:
        visemes = np.zeros_like(visemes)
        visemes[:, VISEMES.index("sil")] = 1.0
    if progress:
        progress(1.0)
    kept = replace(spoken, motion=all_channels(spoken.motion, neutral=silent), visemes=visemes)
    return kept, None if segments is None else tuple(segments)


def collect(pieces: Iterable[FaceMotion]) -> FaceMotion:
    """Join consecutive pieces of one motion."""
    kept = list(pieces)
    if not kept:
        raise ValueError("there must be at least one piece")
    return replace(kept[0], values=np.concatenate([piece.values for piece in kept]))


def _words(settings: AnimateSettings, notify: Callable[[str], None] | None) -> list[list[int]]:
    """The words of the text; none without a text, or without espeak-ng."""
    if not settings.text.strip():
        return []
    try:
        return words_of(settings.text, settings.language)
    except PhonesUnavailable as error:
        if notify:
            notify(f"{error} The line is animated without the text.")
        return []


def _aligned(
    spoken: Sequence[Spoken], words: list[list[int]], notify: Callable[[str], None] | None
) -> list[Segment] | None:
    """When each sound of the text is said; None where it is not what is said."""
    heard, notify = join(spoken), notify or (lambda _: None)
    try:
        segments = align(heard.visemes, words, heard.motion.rate_hz)
    except TextDoesNotFit as misfit:
        notify(f"The text does not fit the sound: {misfit}. The line is animated without the text.")
        return None
    left_out = [segment for segment in segments if segment.viseme == UNKNOWN]
    if len(left_out) > sum(word.count(UNKNOWN) for word in words):
        notify("A part of the text is not what is heard: it is left out, and the rest is used.")
    return segments


def _listened(spoken: Iterable[Spoken], feed: SegmentFeed, rate_hz: float) -> Iterator[Spoken]:
    """The same pieces; what is heard in them goes into `feed` on the way."""
    stream = SegmentStream(rate_hz)
    for piece in spoken:
        feed.add(stream.feed(piece.visemes), stream.known_until_s)
        yield piece
    feed.add(stream.finish(), np.inf)


def blink_seed(path: str | os.PathLike[str], seed: int) -> int:
    """A seed for one file: the lines of a batch must not all blink at the same moments."""
    name = unicodedata.normalize("NFC", Path(path).name)  # macOS hands out names in another form
    return seed + zlib.crc32(name.encode("utf-8", "surrogateescape"))


def _watched(
    reader: AudioReader, progress: Callable[[float], None] | None, cancelled: Callable[[], bool] | None
) -> Iterator[AudioClip]:
    for block in reader.blocks():
        if cancelled and cancelled():
            raise Cancelled
        yield block
        if progress and reader.duration_s > 0.0:
            progress(min(1.0, (block.start_s + block.duration_s) / reader.duration_s))
    if cancelled and cancelled():
        raise Cancelled


def all_channels(motion: FaceMotion, *, neutral: bool) -> FaceMotion:
    """The 52 ARKit channels in their usual order; what the model does not know, and a silent sound, is 0."""
    if motion.channels == ARKIT_52 and not neutral:
        return motion
    values = np.zeros((len(motion.values), len(ARKIT_52)), np.float32)
    if not neutral:
        for column, channel in enumerate(motion.channels):
            values[:, ARKIT_52.index(channel)] = motion.values[:, column]
    return replace(motion, values=values, channels=ARKIT_52)
