import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.timing import (
    first_step_at_or_after,
    frames_to_seconds,
    nearest_sample,
    scene_frame,
    seconds_to_frames,
    steps_within,
)
from soliloquy.inference.types import FrameRate

rates = st.builds(FrameRate, st.integers(1, 1_000), st.floats(0.1, 10.0)) | st.sampled_from(
    [FrameRate(24, 1.001), FrameRate(24), FrameRate(25), FrameRate(30, 1.001), FrameRate(30), FrameRate(60)]
)


@given(rate=rates, time_s=st.floats(-20_000, 20_000))
def test_seconds_survive_the_way_to_frames_and_back(rate, time_s):
    assert frames_to_seconds(seconds_to_frames(time_s, rate), rate) == pytest.approx(time_s, abs=1e-9)


@given(rate=rates, frame=st.integers(-(10**6), 10**6), start_frame=st.integers(-(10**5), 10**5))
def test_a_scene_frame_survives_the_way_to_seconds_and_back(rate, frame, start_frame):
    time_s = frames_to_seconds(frame - start_frame, rate)
    assert scene_frame(time_s, rate, start_frame) == pytest.approx(frame, abs=1e-6)


@given(
    index=st.integers(-(10**9), 10**9),
    rate_hz=st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000, 192_000]),
)
def test_samples_survive_the_way_to_seconds_and_back(index, rate_hz):
    assert nearest_sample(index / rate_hz, rate_hz) == index


@given(step=st.integers(-(10**6), 10**6), rate=rates)
def test_a_step_that_is_there_is_its_own_first_one(step, rate):
    assert first_step_at_or_after(step / rate.hz, rate.hz) == step
    assert first_step_at_or_after((step + 0.01) / rate.hz, rate.hz) == step + 1


@given(steps=st.integers(0, 10**7), rate=rates)
def test_whole_spans_hold_both_their_ends(steps, rate):
    assert steps_within(steps / rate.hz, rate.hz) == steps + 1
    assert steps_within((steps + 0.99) / rate.hz, rate.hz) == steps + 1


def test_there_is_always_one_step():
    assert steps_within(0.0, 50.0) == 1
    assert steps_within(-1.0, 50.0) == 1


def test_ntsc_rates_are_exact():
    assert FrameRate(30, 1.001).hz == pytest.approx(30_000 / 1_001)
    assert scene_frame(1_001.0, FrameRate(24, 1.001), 1) == pytest.approx(24_001.0)


def test_halves_round_up_so_that_spacing_stays_even():
    assert [nearest_sample(t, 1.0) for t in (-1.5, -0.5, 0.5, 1.5, 2.5)] == [-1, 0, 1, 2, 3]


@pytest.mark.parametrize(("fps", "base"), [(0, 1.0), (24, 0.0), (-24, 1.0), (24, -1.0), (24, math.nan)])
def test_rates_that_cannot_be_are_refused(fps, base):
    with pytest.raises(ValueError, match="positive"):
        FrameRate(fps, base)
