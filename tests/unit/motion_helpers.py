"""Motion for tests, and the pieces of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.types import FaceMotion

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANNELS = ("jawOpen", "mouthClose", "mouthPucker", "browInnerUp", "eyeBlinkLeft", "eyeBlinkRight", "headYaw")


def random_motion(
    rows: int,
    rate_hz: float = 50.0,
    start_s: float = 0.0,
    channels: tuple[str, ...] = ARKIT_52,
    seed: int = 1,
) -> FaceMotion:
    values = np.random.default_rng(seed).random((rows, len(channels)), dtype=np.float32)
    return FaceMotion(values, channels, rate_hz, start_s)


def cut(motion: FaceMotion, lengths: Sequence[int]) -> list[FaceMotion]:
    """Consecutive pieces with these numbers of rows; what is left is the last piece."""
    pieces, start = [], 0
    for length in [*lengths, len(motion.values)]:
        values = motion.values[start : start + length]
        start_s = motion.start_s + start / motion.rate_hz
        pieces.append(FaceMotion(values, motion.channels, motion.rate_hz, start_s))
        start += len(values)
    return pieces


rates_hz = st.sampled_from(
    [24 / 1.001, 24.0, 25.0, 30 / 1.001, 30.0, 48.0, 50.0, 60 / 1.001, 60.0, 90.0, 120.0]
)
piece_lengths = st.lists(st.integers(0, 30), max_size=6)
