"""Any sound file -> mono sound at 16 kHz, at the level that the speech model expects.

A file is first surveyed from end to end (which channels carry the sound, constant offset, level, damage),
then read out in blocks. Both go block by block, so a recording of three hours needs no more memory than
one of twenty minutes; shorter ones are decoded once and kept from the survey.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .audio_decoders import (
    CONVERT_REMEDY,
    DecoderMissingError,
    UnknownFormatError,
    foreign_kind,
    shown,
    video_kind,
)
from .audio_mono import SAMPLE_RATE_HZ
from .audio_soundfile import SoundfileDecoder
from .audio_survey import decode_mono, survey_sound
from .audio_video import AvDecoder
from .errors import AudioError
from .timing import nearest_sample
from .types import AudioClip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from os import PathLike

    from .audio_decoders import Decoder
    from .audio_survey import Survey
    from .types import FloatArray

__all__ = ["SAMPLE_RATE_HZ", "AudioReader", "open_audio", "read_audio"]

_LONGEST_BLOCK_S = 600.0
_CLIPPED_SHARE = 0.002
_QUIET_DB = -60.0
_SHORT_S = 0.1
_CUT_OFF_S = 0.1


class AudioReader:
    """A sound file that was opened and surveyed; use it in a `with` statement.

    Attributes:
        path: the file.
        duration_s: length in seconds of what can be decoded, whatever the header says.
        gain: factor that `blocks` applies, so that speech has the level the model expects.
        is_silent: nothing in the file is louder than dither.
        notices: what a user should know about the file, one sentence each.
    """

    def __init__(self, path: Path, survey: Survey) -> None:
        self.path = path
        self._survey = survey
        self._kept = survey.track.kept
        self.duration_s = survey.track.samples / SAMPLE_RATE_HZ
        self.gain = survey.track.meter.gain
        self.is_silent = survey.track.meter.is_silent
        self.notices = tuple(_notices(path, survey))

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free what was kept from the survey; a later `blocks` decodes the file again."""
        self._kept = None

    def blocks(self, block_s: float = 20.0) -> Iterator[AudioClip]:
        """The whole sound in consecutive clips of `block_s` seconds (the last may be shorter).

        Mono, 16 kHz, float32 in -1..1, offset removed, `gain` applied, `start_s` running from 0. Can be
        called again: every call starts at the beginning.

        Args:
            block_s: length of a clip in seconds, up to 600.

        Raises:
            AudioError: the file has changed since it was opened.
        """
        if not 0.0 < block_s <= _LONGEST_BLOCK_S:
            raise ValueError(f"block_s must lie in 0..{_LONGEST_BLOCK_S:.0f} s, got {block_s}")
        return self._clips(max(1, nearest_sample(block_s, SAMPLE_RATE_HZ)))

    def _clips(self, length: int) -> Iterator[AudioClip]:
        start = 0
        source = self._decoded() if self._kept is None else iter(self._kept)
        for samples in _rechunk(source, length):
            levelled = np.clip(samples * np.float32(self.gain), np.float32(-1.0), np.float32(1.0))
            yield AudioClip(levelled, SAMPLE_RATE_HZ, start / SAMPLE_RATE_HZ)
            start += len(samples)
        if start != self._survey.track.samples:
            raise AudioError(
                f"{shown(self.path)} changed while it was being read", "Start again when it is complete"
            )

    def _decoded(self) -> Iterator[FloatArray]:
        survey = self._survey
        left = survey.track.samples
        for samples in decode_mono(self.path, survey.decoder, survey.track.mix):
            yield samples[:left]
            left -= len(samples)
            if left <= 0:
                return


def open_audio(path: str | PathLike[str], decoders: Sequence[Decoder] = ()) -> AudioReader:
    """Open any sound file, or the sound track of a video file, by its content (not by its extension).

    Args:
        path: the file.
        decoders: further decoders, tried after those of the package.

    Raises:
        AudioError: the file cannot be found, opened or decoded, or holds no sound.
    """
    file = Path(path)
    head = _head(file)
    best: Survey | None = None
    refusals: list[AudioError] = []
    available: list[Decoder] = [SoundfileDecoder(), AvDecoder(), *decoders]
    for decoder in available:
        try:
            survey = survey_sound(file, decoder)
        except AudioError as error:
            refusals.append(error)
            continue
        if survey.failure is None:
            return AudioReader(file, survey)
        if best is None or survey.track.samples > best.track.samples:
            best = survey
    if best is None:
        raise _refusal(file, head, refusals, another_tried=len(decoders) > 0)
    return AudioReader(file, best)


def read_audio(path: str | PathLike[str], decoders: Sequence[Decoder] = ()) -> AudioClip:
    """The whole sound at once, as `AudioReader.blocks` gives it; for recordings that fit in memory.

    Raises:
        AudioError: as `open_audio`.
    """
    with open_audio(path, decoders) as reader:
        samples = [clip.samples for clip in reader.blocks()]
        return AudioClip(np.concatenate(samples), SAMPLE_RATE_HZ, 0.0, reader.notices)


def _head(path: Path) -> bytes:
    """The first bytes of a file that can be read; `AudioError` for all others."""
    name = shown(path)
    try:
        if path.is_dir():
            raise AudioError(f"{name} is a folder, not a sound file", "Choose a file in it")
        if not path.exists():
            raise AudioError(f"{name} does not exist", "Check the path and the spelling")
        if not path.is_file():
            raise AudioError(f"{name} is not a regular file", "Save the sound to a file first")
        with path.open("rb") as file:
            head = file.read(512)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AudioError(
            f"{name} cannot be opened ({reason})", "Check the path and your permission to read it"
        ) from error
    if not head:
        raise AudioError(f"{name} is empty (0 bytes)", "Save or copy the file again")
    return head


def _refusal(path: Path, head: bytes, refusals: list[AudioError], *, another_tried: bool) -> AudioError:
    """The one error to show when every decoder refused the file.

    Args:
        another_tried: the caller's own decoder tried too: a missing package is then not what is in the way.
    """
    name = shown(path)
    if isinstance(refusals[0], DecoderMissingError) and all(
        isinstance(error, DecoderMissingError | UnknownFormatError) for error in refusals
    ):
        return refusals[0]
    kind = video_kind(head)
    package_missing = any(isinstance(error, DecoderMissingError) for error in refusals)
    if kind is not None and package_missing and not another_tried:
        return AudioError(
            f"{name} is {kind}, and the Python package av that reads its sound is not installed",
            "Install it (python -m pip install av), or convert the file to WAV or FLAC",
        )
    foreign = foreign_kind(head)
    if foreign is not None:
        return AudioError(f"{name} is {foreign}, not a sound file", "Choose a sound file")
    specific = [
        error for error in refusals if not isinstance(error, DecoderMissingError | UnknownFormatError)
    ]
    if specific:
        return specific[0]
    if kind is not None:
        return AudioError(
            f"{name} is {kind} that is damaged, cut off or without a sound track",
            "Save or copy the file again, or choose one with sound",
        )
    return UnknownFormatError(f"{name} is not a sound file that can be read", CONVERT_REMEDY)


def _notices(path: Path, survey: Survey) -> Iterator[str]:
    name = shown(Path(path.name))
    duration_s = survey.track.samples / SAMPLE_RATE_HZ
    if survey.failure is not None:
        yield f"{survey.failure.cause}; the rest is left out."
    elif survey.promised_s is not None and survey.promised_s > duration_s + _CUT_OFF_S:
        yield (f"{name} is cut off after {duration_s:.2f} s: its header promises {survey.promised_s:.2f} s.")
    yield from (f"{notice}." for notice in survey.notices)
    if survey.meter.invalid:
        yield f"{name} holds {survey.meter.invalid} invalid sample values; they were replaced by silence."
    level_db = survey.track.meter.level_db
    if level_db is None:
        yield f"{name} is silent: the face stays neutral."
    elif level_db < _QUIET_DB:
        yield f"{name} is very quiet ({level_db:.0f} dB): it was raised, and its noise with it."
    if survey.meter.clipped_share > _CLIPPED_SHARE:
        share = 100.0 * survey.meter.clipped_share
        yield f"{name} is clipped ({share:.1f} % of its samples are at full scale): its level was too high."
    if duration_s < _SHORT_S:
        yield f"{name} is very short ({1000.0 * duration_s:.1f} ms): there is hardly any motion in it."


def _rechunk(pieces: Iterable[FloatArray], length: int) -> Iterator[FloatArray]:
    """float32 arrays of `length` samples each from pieces of any length; the last may be shorter."""
    held: list[FloatArray] = []
    count = 0
    for piece in pieces:
        rest = piece
        while count + len(rest) >= length:
            cut = length - count
            yield np.concatenate([*held, rest[:cut]])
            held, count, rest = [], 0, rest[cut:]
        held.append(rest)
        count += len(rest)
    if count:
        yield np.concatenate(held)
