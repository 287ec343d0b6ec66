"""Speech to motion while it is spoken: blocks of sound in, frames out 200 ms later.

A file is measured from end to end before it is animated (`loudness.py`); a microphone cannot be. Here the
gain follows the level of the speech so far instead, or is fixed by the user.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .audio_mono import SAMPLE_RATE_HZ
from .curves import MotionControls, check_rate, control_pieces, resample_pieces
from .errors import UsageError
from .loudness import SILENCE_DB, TARGET_DB
from .motion import all_channels, stream_motion
from .performance.blinks import add_blinks, check_eyes, set_lids
from .types import AudioClip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .session import SpeechModel
    from .types import FaceMotion, FloatArray

GAIN_MAX_DB = 60.0
LATE_S = 1.0
"""Delay beyond the algorithmic latency that the user hears of."""

_SEGMENT = 1_600
_FRAME = 400
_MEMORY_S = 10.0
_SLEW_DB_S = 3.0
_LOUDEST_GAIN_DB, _LEAST_GAIN_DB = 40.0, -30.0
"""Less than for files: what is 40 dB too quiet in a microphone is the room."""
_ACTIVE_RANGE_DB = 30.0
_SPEECH_ABOVE_FLOOR_DB = 8.0
_SPEECH_BELOW_LEVEL_DB = 12.0
_FEWEST_FRAMES = 20


@dataclass(frozen=True)
class LiveSettings:
    """What is to be made of a stream of sound."""

    gain_db: float | None = None
    """Fixed gain in dB; None lets `RunningLevel` find one."""
    rate_hz: float | None = None
    """Frames per second; None for the model's own rate."""
    controls: MotionControls = field(default_factory=MotionControls)
    blinks: bool = True
    seed: int = 0
    """Seed of the blinks, as `blinks.add_blinks` takes it."""
    blink_strength: float = 1.0
    """How far the lids close in a blink, 0..1."""
    eyelid_offset: float = 0.0
    """-1..1, as `blinks.set_lids` takes it."""

    def __post_init__(self) -> None:
        if self.rate_hz is not None:
            check_rate(self.rate_hz)
        check_eyes(self.blink_strength, self.eyelid_offset)
        if self.gain_db is not None and not -GAIN_MAX_DB <= self.gain_db <= GAIN_MAX_DB:
            raise UsageError(
                f"{self.gain_db:g} cannot be the gain in dB",
                f"Choose from {-GAIN_MAX_DB:g} to {GAIN_MAX_DB:g}",
            )


class RunningLevel:
    """Brings speech to the level that the model expects, as far as the sound so far shows it.

    The level is that of `loudness.LevelMeter` (75th percentile of the active frames, of 25 ms) over the last
    ten seconds. Speech is present where that level stands 8 dB above the quietest tenth of the audible frames
    and the last 0.1 s come within 12 dB of it: a steady noise never moves the gain. It starts at 0 dB and
    moves by at most 3 dB a second, in straight lines of 0.1 s of sound, whatever the lengths of the blocks.
    """

    def __init__(self) -> None:
        self._from_db = self._to_db = 0.0
        self._segment = np.zeros(_SEGMENT, np.float32)
        self._at = 0
        self._levels_db = np.zeros(0)

    @property
    def gain_db(self) -> float:
        """The gain in dB that the sound has reached, or reaches within 0.1 s."""
        return self._to_db

    def apply(self, samples: FloatArray) -> FloatArray:
        """float32 [N], mono, 16 kHz -> float32 [N] with the gain applied."""
        out = [np.zeros(0, np.float32)]
        while len(samples):
            part, samples = np.split(samples, [_SEGMENT - self._at])
            share = np.arange(self._at + 1, self._at + 1 + len(part)) / _SEGMENT
            gain_db = self._from_db + (self._to_db - self._from_db) * share
            out.append(part * (10.0 ** (gain_db / 20.0)).astype(np.float32))
            self._segment[self._at : self._at + len(part)] = part
            self._at += len(part)
            if self._at == _SEGMENT:
                self._at = 0
                self._from_db, self._to_db = self._to_db, self._to_db + self._step_db()
        return np.concatenate(out)

    def _step_db(self) -> float:
        """By how much the gain moves after one more segment."""
        power = self._segment.reshape(-1, _FRAME).var(axis=1, dtype=np.float64)
        newest_db = 10.0 * np.log10(power + 1e-12)
        kept = int(_MEMORY_S * SAMPLE_RATE_HZ / _FRAME)
        self._levels_db = np.concatenate([self._levels_db, newest_db])[-kept:]
        audible = self._levels_db[self._levels_db > SILENCE_DB]
        if len(audible) < _FEWEST_FRAMES:
            return 0.0
        active = audible[audible > np.percentile(audible, 99.0) - _ACTIVE_RANGE_DB]
        level_db = float(np.percentile(active, 75.0))
        floor_db = float(np.percentile(audible, 10.0))
        is_speech = level_db > floor_db + _SPEECH_ABOVE_FLOOR_DB
        if not is_speech or newest_db.max() < level_db - _SPEECH_BELOW_LEVEL_DB:
            return 0.0
        wanted_db = min(max(TARGET_DB - level_db, _LEAST_GAIN_DB), _LOUDEST_GAIN_DB)
        most_db = _SLEW_DB_S * _SEGMENT / SAMPLE_RATE_HZ
        return min(max(wanted_db - self._to_db, -most_db), most_db)


def live_motion(
    blocks: Iterable[FloatArray], model: SpeechModel, settings: LiveSettings | None = None
) -> Iterator[FaceMotion]:
    """Motion of sound that arrives block by block; every frame leaves as soon as it is complete.

    Args:
        blocks: float32 [N] each, mono, 16 kHz, before any gain.
        model: an opened speech model.
        settings: None for the defaults. With a fixed gain the frames are those that `pipeline.animate_file`
            makes of the same samples with the same gain, without a text and guarantees. Smoothing waits for
            what comes: it adds three times its deviation to the latency.

    Yields:
        Pieces of motion with all 52 ARKit channels at `settings.rate_hz`, of one frame or more.
    """
    settings = settings or LiveSettings()
    rate_hz = settings.rate_hz or float(model.card.rate_hz)
    pieces = stream_motion(_levelled(blocks, settings.gain_db), model)
    pieces = (all_channels(piece, neutral=False) for piece in pieces)
    pieces = control_pieces(pieces, settings.controls)
    if rate_hz != model.card.rate_hz:
        pieces = resample_pieces(pieces, rate_hz)
    for piece in pieces:
        if len(piece.values):
            if settings.blinks:
                piece = add_blinks(piece, settings.seed, settings.blink_strength)
            yield set_lids(piece, settings.eyelid_offset) if settings.eyelid_offset else piece


def latency_s(model: SpeechModel, block_s: float, rate_hz: float | None = None) -> float:
    """Seconds between a sound and its frame that no computer can shorten: what the model must hear after a
    frame, one block, and where the rate is changed one frame of the model to interpolate towards."""
    card = model.card
    resampling_s = 0.0 if rate_hz in (None, card.rate_hz) else 1.0 / card.rate_hz
    return card.right_context / card.sample_rate_hz + block_s + resampling_s


def _levelled(blocks: Iterable[FloatArray], gain_db: float | None) -> Iterator[AudioClip]:
    level = RunningLevel()
    fixed = np.float32(10.0 ** ((gain_db or 0.0) / 20.0))
    start = 0
    for block in blocks:
        samples = level.apply(block) if gain_db is None else block * fixed
        limited = np.clip(samples, np.float32(-1.0), np.float32(1.0))
        yield AudioClip(limited, SAMPLE_RATE_HZ, start / SAMPLE_RATE_HZ)
        start += len(block)


def paced(
    blocks: Iterable[FloatArray],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    late: Callable[[float], None] | None = None,
) -> Iterator[FloatArray]:
    """Hand out blocks of recorded sound when a microphone would: each once its last sample has been spoken.

    Times are counted from the first block, so that delays do not add up; what is late is handed out at once.

    Args:
        blocks: float32 [N] each, mono, 16 kHz.
        clock: seconds that never go back.
        sleep: waits for so many seconds.
        late: called once, with the seconds, when whoever takes the blocks falls behind by more than `LATE_S`.
    """
    start_s = clock()
    samples = 0
    for block in blocks:
        samples += len(block)
        wait_s = start_s + samples / SAMPLE_RATE_HZ - clock()
        if wait_s > 0.0:
            sleep(wait_s)
        elif wait_s < -LATE_S and late:
            late(-wait_s)
            late = None
        yield block
