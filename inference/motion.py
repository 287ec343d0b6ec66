"""Sound to face motion, whole or streamed.

The model is a convolution over the waveform, so its whole state is the sound that the next frame
still depends on. Fed in blocks of any size, the stream gives the frames that one run over the whole
sound would give (the export gate measures this).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .channels import ARKIT_52
from .prosody import ProsodyStream
from .timing import steps_within
from .types import FaceMotion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from .session import SpeechModel
    from .types import AudioClip, FloatArray


@dataclass(frozen=True)
class Spoken:
    """Motion and what was heard in the same frames.

    `visemes` float32 [T, 15] posteriors (columns of `visemes.VISEMES`), `memory` float32 [T, M] addresses of
    the implicit memory, `prosody` float32 [T, 3]: level in dB full scale, level above 3 kHz in dB full scale,
    log2 of the pitch in Hz (NaN where unvoiced); None where the voice was not measured.
    """

    motion: FaceMotion
    visemes: FloatArray
    memory: FloatArray
    prosody: FloatArray | None = None


class MotionStream:
    """Turns sound that arrives piece by piece into motion that leaves piece by piece.

    A frame leaves as soon as `model.card.right_context` samples after it have arrived.

    Args:
        model: an opened speech model.
        start_s: time of the first sample in seconds.
        measured: whether the voice is to be measured too: see `Spoken.prosody`.
    """

    def __init__(self, model: SpeechModel, start_s: float = 0.0, *, measured: bool = True) -> None:
        self._model = model
        self._start_s = start_s
        self._frames_out = 0
        self._samples_in = 0
        self._pending = np.zeros(model.card.left_context, np.float32)  # silence before the first sample
        self._voice = ProsodyStream(model.card.sample_rate_hz, model.card.rate_hz) if measured else None
        self._measured = np.zeros((0, 3), np.float32)  # rows of frames to come

    def feed(self, samples: FloatArray) -> Spoken:
        """Add sound (float32 [N], mono, the card's rate and level); returns the frames now complete."""
        self._samples_in += len(samples)
        if self._voice:
            self._measure(self._voice.feed(samples))
        self._pending = np.concatenate([self._pending, samples])
        frames = max(0, (len(self._pending) - self._model.receptive_field) // self._model.hop + 1)
        return self._emit(frames)

    def finish(self) -> Spoken:
        """The frames up to the end of the sound, as if silence followed. The stream ends here."""
        total = steps_within(self._samples_in / self._model.card.sample_rate_hz, self._model.card.rate_hz)
        frames = total - self._frames_out
        missing = self._model.receptive_field + (frames - 1) * self._model.hop - len(self._pending)
        self._pending = np.pad(self._pending, (0, max(0, missing)))
        if self._voice:
            self._measure(self._voice.finish())
            short = max(0, frames - len(self._measured))
            self._measured = np.pad(self._measured, ((0, short), (0, 0)), mode="edge")
        return self._emit(frames)

    def _measure(self, rows: NDArray[np.float64]) -> None:
        self._measured = np.concatenate([self._measured, rows.astype(np.float32)])

    def _emit(self, frames: int) -> Spoken:
        card, hop = self._model.card, self._model.hop
        start_s = self._start_s + self._frames_out / card.rate_hz
        if frames <= 0:
            nothing = np.zeros((0, 0), np.float32)
            values = np.zeros((0, len(card.channels)), np.float32)
            voice = np.zeros((0, 3), np.float32) if self._voice else None
            return Spoken(FaceMotion(values, card.channels, card.rate_hz, start_s), nothing, nothing, voice)
        heard = self._model.run(self._pending[: self._model.receptive_field + (frames - 1) * hop])
        self._pending = self._pending[frames * hop :]
        self._frames_out += frames
        voice, self._measured = self._measured[:frames], self._measured[frames:]
        motion = FaceMotion(heard.weights, card.channels, card.rate_hz, start_s)
        return Spoken(motion, heard.visemes, heard.memory, voice if self._voice else None)


def speech_motion(clip: AudioClip, model: SpeechModel) -> FaceMotion:
    """Motion of a whole clip: one row per 1 / card.rate_hz from its start to its end.

    Args:
        clip: mono at the card's sample rate, brought to the card's level (`audio.read_audio` does both).
        model: an opened speech model.
    """
    return join(stream_speech([clip], model, measured=False)).motion


def stream_motion(blocks: Iterable[AudioClip], model: SpeechModel) -> Iterator[FaceMotion]:
    """Motion of consecutive blocks of one sound, in consecutive pieces (at least one; pieces may be short).

    Raises:
        ValueError: a block is not at the card's sample rate.
    """
    return (piece.motion for piece in stream_speech(blocks, model, measured=False))


def stream_speech(
    blocks: Iterable[AudioClip], model: SpeechModel, *, measured: bool = True
) -> Iterator[Spoken]:
    """Like `stream_motion`, with what was heard and, if it is to be `measured`, the voice."""
    stream: MotionStream | None = None
    for block in blocks:
        if block.rate_hz != model.card.sample_rate_hz:
            raise ValueError(f"blocks must be at {model.card.sample_rate_hz} Hz, got {block.rate_hz}")
        if stream is None:
            stream = MotionStream(model, block.start_s, measured=measured)
        yield stream.feed(block.samples)
    yield (stream or MotionStream(model, measured=measured)).finish()


def join(pieces: Iterable[Spoken]) -> Spoken:
    """Consecutive pieces of one sound as one (at least one piece)."""
    kept = list(pieces)
    full = [p for p in kept if len(p.motion.values)] or kept[:1]
    values, visemes, memory = (
        np.concatenate(parts)
        for parts in zip(*((p.motion.values, p.visemes, p.memory) for p in full), strict=True)
    )
    voices = [p.prosody for p in full if p.prosody is not None]
    prosody = np.concatenate(voices) if len(voices) == len(full) else None
    return Spoken(replace(kept[0].motion, values=values), visemes, memory, prosody)


def all_channels(motion: FaceMotion, *, neutral: bool) -> FaceMotion:
    """The 52 ARKit channels in their usual order; what the model does not know, and a silent sound, is 0. A
    motion that has more than these already has them all."""
    if motion.channels[: len(ARKIT_52)] == ARKIT_52 and not neutral:
        return motion
    full = arkit_motion(motion)
    return replace(full, values=np.zeros_like(full.values)) if neutral else full


def arkit_motion(motion: FaceMotion) -> FaceMotion:
    """The 52 ARKit channels in their usual order; those that a motion lacks are 0, others are left out."""
    values = np.zeros((len(motion.values), len(ARKIT_52)), np.float32)
    for column, channel in enumerate(motion.channels):
        if channel in ARKIT_52:
            values[:, ARKIT_52.index(channel)] = motion.values[:, column]
    return replace(motion, values=values, channels=ARKIT_52)
