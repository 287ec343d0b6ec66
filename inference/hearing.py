"""What is heard of a sound, between the speech model and what is made of it: words, silence, channels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .alignment import SegmentStream, TextDoesNotFit, align
from .errors import Cancelled
from .motion import Spoken, all_channels, join
from .prosody import measure
from .transcript import PhonesUnavailable, words_of
from .visemes import UNKNOWN, VISEMES, frame_classes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .audio import AudioReader
    from .contacts import SegmentFeed
    from .types import AudioClip, FaceMotion, FloatArray
    from .visemes import Segment

_SILENT_DB = -90.0


def watched(
    reader: AudioReader, progress: Callable[[float], None] | None, cancelled: Callable[[], bool] | None
) -> Iterator[AudioClip]:
    """The blocks of a sound.

    Args:
        progress: called with the share done.
        cancelled: asked before every block.

    Raises:
        Cancelled: `cancelled` returned True.
    """
    for block in reader.blocks():
        if cancelled and cancelled():
            raise Cancelled
        yield block
        if progress and reader.duration_s > 0.0:
            progress(min(1.0, (block.start_s + block.duration_s) / reader.duration_s))
    if cancelled and cancelled():
        raise Cancelled


def words_said(text: str, language: str, notify: Callable[[str], None] | None) -> list[list[int]]:
    """The words of a text; none without a text, or without espeak-ng."""
    if not text.strip():
        return []
    try:
        return words_of(text, language)
    except PhonesUnavailable as error:
        if notify:
            notify(f"{error} The line is animated without the text.")
        return []


def aligned(
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


def listened(spoken: Iterable[Spoken], feed: SegmentFeed, rate_hz: float) -> Iterator[Spoken]:
    """The same pieces; what is heard in them goes into `feed` on the way."""
    stream = SegmentStream(rate_hz)
    for piece in spoken:
        feed.add(stream.feed(piece.visemes), stream.known_until_s)
        yield piece
    feed.add(stream.finish(), np.inf)


def as_silent(spoken: Spoken) -> Spoken:
    """What is heard in a sound without a sound: the mouth is at rest."""
    visemes = np.zeros((len(spoken.motion.values), len(VISEMES)), np.float32)
    visemes[:, VISEMES.index("sil")] = 1.0
    return replace(spoken, motion=all_channels(spoken.motion, neutral=True), visemes=visemes)


def told(motion: FaceMotion, segments: Sequence[Segment]) -> Spoken:
    """Motion whose sounds are known and were not heard: their classes are certain."""
    classes = frame_classes(segments, len(motion.values), motion.rate_hz)
    visemes = (classes[:, None] == np.arange(len(VISEMES))).astype(np.float32)
    return Spoken(motion, visemes, np.zeros((len(motion.values), 0), np.float32))


def voice_in(blocks: Iterable[AudioClip], rows: int) -> FloatArray:
    """Prosody of a sound, float32 [rows, 3] at 50 Hz as in `motion.Spoken`, silent beyond its end."""
    heard = measure(blocks)
    measured = np.stack([heard.level_db, heard.high_db, heard.pitch_octaves], axis=1).astype(np.float32)
    voice = np.full((rows, 3), (_SILENT_DB, _SILENT_DB, np.nan), np.float32)
    voice[: len(measured)] = measured[:rows]
    return voice
