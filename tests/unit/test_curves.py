import math
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_helpers import CHANNELS, cut, piece_lengths, random_motion, rates_hz
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.curves import (
    MotionControls,
    apply_controls,
    control_pieces,
    resample,
    resample_pieces,
    sample_motion,
)
from soliloquy.inference.errors import UsageError
from soliloquy.inference.pipeline import collect
from soliloquy.inference.types import FaceMotion

strengths = st.floats(0.0, 4.0)


def motion_of(rate_hz=50.0, start_s=0.0, **columns):
    values = np.stack([np.asarray(column, np.float32) for column in columns.values()], axis=1)
    return FaceMotion(values, tuple(columns), rate_hz, start_s)


def test_default_controls_leave_motion_of_a_real_face_as_it_is():
    motion = motion_of(jawOpen=[0.0, 0.3, 1.0], mouthClose=[0.0, 0.3, 0.2], mouthPucker=[0.5, 0.0, 1.0])
    shaped = apply_controls(motion, MotionControls())
    np.testing.assert_allclose(shaped.values, motion.values, atol=1e-6)
    assert shaped.start_s == 0.0


@pytest.mark.parametrize(
    ("name", "moved"),
    [("jaw", {"jawOpen"}), ("lips", {"mouthPucker"}), ("upper_face", {"browInnerUp", "eyeBlinkLeft"})],
)
def test_a_strength_scales_its_own_group_only(name, moved):
    motion = motion_of(
        jawOpen=[0.4], mouthPucker=[0.4], browInnerUp=[0.4], eyeBlinkLeft=[0.4], headYaw=[-0.4]
    )
    shaped = apply_controls(motion, MotionControls(**{name: 0.5}))
    for channel in motion.channels:
        expected = motion.channel(channel) * (0.5 if channel in moved else 1.0)
        np.testing.assert_allclose(shaped.channel(channel), expected, rtol=1e-6)


@given(jaw=strengths, lips=strengths, seed=st.integers(0, 99))
def test_lips_that_are_closed_stay_closed_and_never_cross(jaw, lips, seed):
    motion = random_motion(40, channels=CHANNELS, seed=seed)
    values = motion.values.copy()
    values[:10, 1] = values[:10, 0]  # mouthClose = jawOpen: lips touch
    motion = FaceMotion(values, motion.channels, motion.rate_hz)
    shaped = apply_controls(motion, MotionControls(jaw=jaw, lips=lips))
    jaw_open, close = shaped.channel("jawOpen"), shaped.channel("mouthClose")
    assert (close <= jaw_open + 1e-6).all()
    np.testing.assert_allclose(close[:10], jaw_open[:10], atol=1e-5)


def test_values_are_clamped_but_head_angles_are_not():
    motion = motion_of(jawOpen=[0.9, -0.2], headYaw=[-0.5, 1.4])
    shaped = apply_controls(motion, MotionControls(jaw=2.0))
    assert shaped.channel("jawOpen").tolist() == [1.0, 0.0]
    np.testing.assert_allclose(shaped.channel("headYaw"), [-0.5, 1.4])


def test_smoothing_does_not_shift_motion_in_time():
    pulse = np.zeros(101, np.float32)
    pulse[50] = 1.0
    smooth = apply_controls(motion_of(jawOpen=pulse), MotionControls(smoothing_s=0.06)).channel("jawOpen")
    assert int(np.argmax(smooth)) == 50
    np.testing.assert_allclose(smooth, smooth[::-1], atol=1e-7)
    np.testing.assert_allclose(smooth.sum(), 1.0, atol=1e-5)
    spread_s = math.sqrt(float((smooth * np.square(np.arange(101) - 50)).sum())) / 50.0
    assert spread_s == pytest.approx(0.06, rel=0.03)


def test_smoothing_holds_the_ends():
    steady = motion_of(jawOpen=np.full(7, 0.6))
    smooth = apply_controls(steady, MotionControls(smoothing_s=0.5))
    np.testing.assert_allclose(smooth.values, steady.values, atol=1e-6)


@pytest.mark.parametrize(("delay_s", "direction"), [(0.1, "later"), (-0.1, "earlier")])
def test_a_positive_delay_brings_motion_later(delay_s, direction):
    pulse = np.zeros(100, np.float32)
    pulse[50] = 1.0
    motion = motion_of(jawOpen=pulse)
    shaped = apply_controls(motion, MotionControls(prediction_delay_s=delay_s))
    peak_s = shaped.times_s[int(np.argmax(shaped.channel("jawOpen")))]
    assert peak_s == pytest.approx(1.0 + delay_s)
    assert (peak_s > 1.0) == (direction == "later")
    on_own_rows = resample(motion, 50.0, delay_s=delay_s)
    assert int(np.argmax(on_own_rows.channel("jawOpen"))) == round(50 + delay_s * 50)
    np.testing.assert_allclose(on_own_rows.times_s, motion.times_s)


@settings(deadline=None)
@given(rows=st.integers(1, 90), lengths=piece_lengths, sigma_s=st.sampled_from([0.0, 0.005, 0.04, 0.3]))
def test_controls_piece_by_piece_give_exactly_the_whole(rows, lengths, sigma_s):
    motion = random_motion(rows, channels=CHANNELS, start_s=-0.3)
    controls = MotionControls(jaw=1.3, lips=0.8, smoothing_s=sigma_s, prediction_delay_s=0.05)
    whole = apply_controls(motion, controls)
    streamed = collect(control_pieces(cut(motion, lengths), controls))
    np.testing.assert_array_equal(streamed.values, whole.values)
    assert streamed.start_s == whole.start_s
    assert len(whole.values) == rows


@settings(deadline=None)
@given(
    rows=st.integers(1, 90),
    lengths=piece_lengths,
    rate_in_hz=rates_hz,
    rate_out_hz=rates_hz,
    delay_s=st.sampled_from([0.0, 0.033, -0.05, 0.4, -0.4, 5.0, -5.0]),
)
def test_resampling_piece_by_piece_gives_exactly_the_whole(rows, lengths, rate_in_hz, rate_out_hz, delay_s):
    motion = random_motion(rows, rate_in_hz, start_s=0.7, channels=CHANNELS)
    whole = resample(motion, rate_out_hz, delay_s)
    pieces = list(resample_pieces(cut(motion, lengths), rate_out_hz, delay_s))
    streamed = collect(pieces)
    np.testing.assert_array_equal(streamed.values, whole.values)
    for piece, after in pairwise(pieces):
        assert after.start_s == pytest.approx(piece.start_s + len(piece.values) / rate_out_hz, abs=1e-9)


@given(rows=st.integers(2, 200), rate_in_hz=rates_hz, rate_out_hz=rates_hz, start_s=st.floats(-100, 10_000))
def test_resampled_rows_lie_on_the_motion_and_cover_it(rows, rate_in_hz, rate_out_hz, start_s):
    ramp = np.linspace(0.0, 1.0, rows, dtype=np.float32)
    out = resample(motion_of(rate_in_hz, start_s, jawOpen=ramp), rate_out_hz)
    end_s = (rows - 1) / rate_in_hz
    assert out.start_s == start_s
    assert (len(out.values) - 1) / rate_out_hz <= end_s + 1e-6
    assert len(out.values) / rate_out_hz > end_s - 1e-6
    expected = np.arange(len(out.values)) / rate_out_hz / end_s
    np.testing.assert_allclose(out.channel("jawOpen"), np.minimum(expected, 1.0), atol=2e-6)


def test_a_long_motion_in_pieces_needs_the_memory_of_a_few_pieces():
    values = np.random.default_rng(0).random((1_000, 52), dtype=np.float32)
    pieces = (FaceMotion(values, ARKIT_52, 50.0, i * 20.0) for i in range(90))  # half an hour
    controls = MotionControls(smoothing_s=0.1, prediction_delay_s=-0.3)
    tracemalloc.start()
    rows = 0
    for piece in resample_pieces(control_pieces(pieces, controls), 60.0, delay_s=0.4):
        rows += len(piece.values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == 1 + (90_000 - 1) * 60 // 50
    assert peak < 15 * values.nbytes


def test_resampling_to_its_own_rate_changes_nothing():
    motion = random_motion(777)
    np.testing.assert_array_equal(resample(motion, 50.0).values, motion.values)


def test_three_hours_do_not_drift():
    rows = 3 * 3600 * 50 + 1
    motion = motion_of(jawOpen=np.linspace(0.0, 1.0, rows))
    out = resample(motion, 60 / 1.001)
    expected = np.arange(len(out.values)) * 1.001 / 60 / (3 * 3600)
    np.testing.assert_allclose(out.channel("jawOpen"), expected, atol=1e-6)


def test_sampling_outside_holds_the_ends():
    motion = motion_of(rate_hz=10.0, start_s=1.0, jawOpen=[0.2, 0.4])
    times_s = np.array([-5.0, 1.0, 1.05, 1.1, 9.0])
    np.testing.assert_allclose(sample_motion(motion, times_s)[:, 0], [0.2, 0.2, 0.3, 0.4, 0.4], atol=1e-6)


def test_motion_without_rows_stays_without_rows():
    empty = FaceMotion(np.zeros((0, 52), np.float32), ARKIT_52, 50.0)
    assert len(apply_controls(empty, MotionControls(smoothing_s=0.1)).values) == 0
    assert len(resample(empty, 24.0).values) == 0
    with pytest.raises(ValueError, match="without rows"):
        sample_motion(empty, np.zeros(1))


@pytest.mark.parametrize(
    "bad",
    [
        {"jaw": -0.1},
        {"lips": math.nan},
        {"upper_face": math.inf},
        {"smoothing_s": 3.0},
        {"prediction_delay_s": -11.0},
    ],
)
def test_impossible_controls_are_refused_with_a_remedy(bad):
    with pytest.raises(UsageError, match="Choose a value from"):
        MotionControls(**bad)


@pytest.mark.parametrize("rate_hz", [0.0, -24.0, math.nan, math.inf, 1e6])
def test_impossible_rates_are_refused(rate_hz):
    with pytest.raises(UsageError, match="frames per second"):
        resample(random_motion(3), rate_hz)
