"""A line as bytes: small, nearly exact, and refused when damaged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.channels import ARKIT_52, HEAD
from soliloquy.inference.errors import UsageError
from soliloquy.inference.motion import Spoken
from soliloquy.inference.motion_pack import STEP, pack, unpack
from soliloquy.inference.types import FaceMotion
from soliloquy.inference.visemes import Segment


def _spoken(rows, seed=0, channels=ARKIT_52, rate_hz=50.0, start_s=0.0):
    random = np.random.default_rng(seed)
    smooth = np.cumsum(random.normal(0, 0.02, (rows, len(channels))), axis=0)
    visemes = random.random((rows, 15)).astype(np.float32)
    motion = FaceMotion(smooth.astype(np.float32), channels, rate_hz, start_s)
    return Spoken(motion, visemes, random.random((rows, 8)).astype(np.float32))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 120), st.integers(0, 99), st.sampled_from([25.0, 50.0, 59.94]), st.floats(-5, 5))
def test_what_is_packed_comes_back(rows, seed, rate_hz, start_s):
    spoken = _spoken(rows, seed, (*ARKIT_52, *HEAD), rate_hz, start_s)
    segments = (Segment(0.0, 0.5, 3), Segment(0.5, 0.75, -1))
    back, told = unpack(pack(spoken, segments))
    assert told == segments
    assert (back.motion.channels, back.motion.rate_hz) == (spoken.motion.channels, rate_hz)
    assert back.motion.start_s == start_s
    assert back.motion.values.shape == spoken.motion.values.shape
    if rows:
        assert np.abs(back.motion.values - spoken.motion.values).max() <= STEP / 2 + 1e-6
        assert np.abs(back.visemes - spoken.visemes).max() <= 0.5 / 255 + 1e-6


def test_without_a_text_there_are_no_segments():
    assert unpack(pack(_spoken(10)))[1] is None


def test_far_values_are_clipped_and_not_wrapped():
    motion = FaceMotion(np.array([[0.0], [99.0], [-99.0]], np.float32), ("jawOpen",), 50.0)
    back, _ = unpack(pack(Spoken(motion, np.zeros((3, 15), np.float32), np.zeros((3, 0), np.float32))))
    assert back.motion.values[:, 0].tolist() == pytest.approx([0.0, 8.0, -8.0], abs=1e-3)


def test_a_minute_at_rest_is_small():
    spoken = _spoken(3000)
    still = Spoken(
        FaceMotion(np.zeros((3000, 52), np.float32), ARKIT_52, 50.0), spoken.visemes * 0, spoken.memory
    )
    assert len(pack(still)) < 2_000


def test_damaged_bytes_are_refused_with_a_remedy():
    packed = pack(_spoken(50))
    for bad in (
        b"",
        b"nonsense",
        packed[:40],
        packed[:-9],
        b"SLQM\x01" + packed[9:],
        b"SLQM\x09" + packed[5:],
    ):
        with pytest.raises(UsageError, match="Animate the line again"):
            unpack(bad)
