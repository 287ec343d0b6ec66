"""Lines of one character as one motion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.compose import compose
from soliloquy.inference.types import FaceMotion

CHANNELS = ("jawOpen", "mouthClose")


def line(start_s: float, rows: int, value: float = 0.5, rate_hz: float = 50.0) -> FaceMotion:
    return FaceMotion(np.full((rows, 2), value, np.float32), CHANNELS, rate_hz, start_s)


def at(motion: FaceMotion, time_s: float) -> float:
    return float(motion.values[round((time_s - motion.start_s) * motion.rate_hz), 0])


def test_a_line_plays_unchanged_between_two_rests():
    spoken = FaceMotion(np.random.default_rng(1).random((40, 2), np.float32), CHANNELS, 50.0, 2.0)
    whole = compose([spoken])
    begin = round((2.0 - whole.start_s) * 50)
    assert np.array_equal(whole.values[begin : begin + 40], spoken.values)
    assert (whole.values[0] == 0).all()
    assert (whole.values[-1] == 0).all()


def test_silence_between_lines_is_rest():
    whole = compose([line(5.0, 50), line(0.0, 50)])
    assert at(whole, 0.5) == at(whole, 5.5) == 0.5
    assert at(whole, 2.0) == 0.0
    assert 0.0 < at(whole, 4.94) < 0.5  # the face passes into the line before it begins
    assert 0.0 < at(whole, 1.04) < 0.5


def test_lines_close_together_are_joined_without_rest():
    whole = compose([line(0.0, 50), line(1.1, 50)])
    between = whole.values[round(-whole.start_s * 50) :][:100, 0]
    assert between == pytest.approx(0.5)


def test_a_later_line_takes_over():
    whole = compose([line(0.0, 100, 0.2), line(1.0, 100, 0.8)])
    assert at(whole, 0.98) == pytest.approx(0.2)
    assert 0.2 < at(whole, 1.06) < 0.8
    assert at(whole, 1.5) == pytest.approx(0.8)  # the first one still plays, but no longer shows


def test_a_line_inside_another_gives_way_again():
    whole = compose([line(0.0, 200, 0.2), line(1.0, 50, 0.8)])
    assert at(whole, 1.5) == pytest.approx(0.8)
    assert at(whole, 0.9) == at(whole, 2.5) == pytest.approx(0.2)


def test_rows_that_lie_between_frames_are_interpolated():
    ramp = FaceMotion(np.linspace(0, 1, 51, dtype=np.float32)[:, None].repeat(2, 1), CHANNELS, 50.0, 0.01)
    whole = compose([ramp])
    assert whole.start_s * 50 == pytest.approx(round(whole.start_s * 50))
    assert at(whole, 0.5) == pytest.approx(0.49, abs=1e-3)


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(ValueError, match="same channels and rate"):
        compose([line(0, 10), line(1, 10, rate_hz=60.0)])
    with pytest.raises(ValueError, match="at least one"):
        compose([line(0, 0)])


SPANS = st.lists(
    st.tuples(st.integers(-500, 500), st.integers(1, 120), st.floats(0, 1, width=32)), min_size=1, max_size=6
)


@given(SPANS)
def test_any_lines_give_one_smooth_motion_within_their_range(spans):
    whole = compose([line(start / 50, rows, value) for start, rows, value in spans])
    assert whole.values.min() >= 0.0
    assert whole.values.max() <= max(value for _, _, value in spans) + 1e-6
    assert (whole.values[[0, -1]] == 0).all()
    begins = {round((start / 50 - whole.start_s) * 50) for start, _, _ in spans}
    begins |= {round((start / 50 - whole.start_s) * 50) + rows for start, rows, _ in spans}
    longest = min(rows for _, rows, _ in spans) >= 16 and len(begins) == 2 * len(spans)
    steps = np.abs(np.diff(whole.values[:, 0]))
    if longest and min(np.diff(sorted(begins))) >= 16:
        assert steps.max() < 0.2  # 0.15 s at 50 Hz: no jump


@given(SPANS)
def test_the_order_in_which_lines_are_given_does_not_matter(spans):
    starts = {start: (start, rows, value) for start, rows, value in spans}  # one line at a time begins
    lines = [line(start / 50, rows, value) for start, rows, value in starts.values()]
    assert np.array_equal(compose(lines).values, compose(lines[::-1]).values)
