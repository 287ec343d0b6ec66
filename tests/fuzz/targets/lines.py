"""Kept lines, instructions in words, and answers of language models."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import numpy as np
from mutate import deflated, lines
from target import JSON, JSON_WORDS, Target


def packed(data: bytes) -> bool:
    """`motion_pack.unpack` gives a finite line, or a `UsageError`."""
    from soliloquy.inference.curves import RATE_MAX_HZ
    from soliloquy.inference.errors import UsageError
    from soliloquy.inference.motion_pack import unpack
    from soliloquy.inference.visemes import UNKNOWN, VISEMES

    try:
        spoken, segments = unpack(data)
    except UsageError:
        return False
    motion = spoken.motion
    assert np.isfinite(motion.values).all()
    assert 0 < motion.rate_hz <= RATE_MAX_HZ
    assert np.isfinite(motion.start_s)
    assert all(isinstance(channel, str) for channel in motion.channels)
    assert len(spoken.visemes) == len(motion.values)
    assert spoken.visemes.shape[1] in (0, len(VISEMES))
    if spoken.prosody is not None:
        assert spoken.prosody.shape == (len(motion.values), 3)
        assert np.isfinite(spoken.prosody[:, :2]).all()
    for segment in segments or ():
        assert np.isfinite([segment.start_s, segment.end_s]).all()
        assert segment.start_s <= segment.end_s
        assert segment.viseme == UNKNOWN or 0 <= segment.viseme < len(VISEMES)
    return True


def _packs() -> Iterator[bytes]:
    from soliloquy.inference.motion import Spoken
    from soliloquy.inference.motion_pack import pack
    from soliloquy.inference.types import FaceMotion
    from soliloquy.inference.visemes import Segment

    random = np.random.default_rng(0)
    motion = FaceMotion(random.random((9, 2), np.float32), ("jawOpen", "mouthClose"), 50.0, 0.5)
    visemes, memory = random.random((9, 15), np.float32), np.zeros((9, 0), np.float32)
    prosody = random.random((9, 3), np.float32)
    prosody[::3, 2] = np.nan
    yield pack(Spoken(motion, visemes, memory), [Segment(0.0, 0.1, 3), Segment(0.1, 0.2, 10)])
    yield pack(Spoken(motion, visemes, memory, prosody))


def _promises(reading: object) -> None:
    """A reading is always a valid instruction: its own checks, and spans in order."""
    starts = [span.start for span in reading.spans]
    assert starts[0] == 0.0
    assert all(a < b <= 1.0 for a, b in itertools.pairwise(starts))
    for one in (reading.instruction, *(span.instruction for span in reading.spans)):
        assert np.isfinite([*one.emotions, *one.actions, one.intensity]).all()
    reading.track(3.0)
    assert all(isinstance(word, str) for word in reading.not_understood)


def instruction(data: bytes) -> bool:
    """`reader.read` of any text."""
    from soliloquy.inference.instruction.reader import read
    from soliloquy.inference.instruction.values import Instruction

    reading = read(data.decode("utf-8", "surrogateescape" if data[:1] == b"\xed" else "replace"))
    _promises(reading)
    return reading.instruction != Instruction()


def _instructions() -> Iterator[bytes]:
    for text in (
        "A quite sad speaker, brows mildly lowered, slow nods.",
        "first angry, then very happy; not afraid at all",
        "looks to the left, half smiling, 30 % joy",
        "no smile and hardly any blinking, whispering",
        "extremely, extremely angry but then neutral",
        "jaw open 0.5, head tilted right, eyes wide",
    ):
        yield text.encode()


def answer(data: bytes) -> bool:
    """What a language model's server answers, and the reading of it."""
    from soliloquy.inference.instruction.language_model import AddressError, _content
    from soliloquy.inference.instruction.reader import read

    try:
        text = _content(data)
    except AddressError:
        return False
    assert text == " ".join(text.split()) != ""
    _promises(read(text))
    return True


def _answers() -> Iterator[bytes]:
    yield json.dumps(
        {"choices": [{"message": {"role": "assistant", "content": "A quite sad speaker."}}]}
    ).encode()


_WORDS = (
    b" then ",
    b" not ",
    b"very ",
    b"slightly ",
    b"smile",
    b"nods",
    b"brows raised",
    b"%",
    b"0.5",
    b"100",
    b";",
    b"\xed\xa0\x80",
)
TARGETS = {
    "kept_line": Target(
        packed, _packs, ("soliloquy.inference.motion_pack",), (deflated(5),), JSON_WORDS, 4_096
    ),
    "instruction": Target(
        instruction, _instructions, ("soliloquy.inference.instruction",), (lines,), _WORDS, 4_096
    ),
    "answer": Target(answer, _answers, ("soliloquy.inference.instruction.language_model",), JSON, JSON_WORDS),
}
