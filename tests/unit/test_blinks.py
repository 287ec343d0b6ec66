import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_helpers import cut, piece_lengths, random_motion, rates_hz
from soliloquy.inference.channels import ARKIT_52, BLINK, SQUINT, WIDE
from soliloquy.inference.performance.blinks import PAUSE_MIN_S, add_blinks, blink_times
from soliloquy.inference.pipeline import collect
from soliloquy.inference.retarget import map_by_name, retarget
from soliloquy.inference.types import FaceMotion, FrameRate


def open_eyes(rows, rate_hz=50.0, start_s=0.0):
    return FaceMotion(np.zeros((rows, 52), np.float32), ARKIT_52, rate_hz, start_s)


def test_people_blink_about_fifteen_times_a_minute_at_uneven_intervals():
    intervals_s = np.concatenate([np.diff(blink_times(0.0, 3600.0, seed)) for seed in range(5)])
    assert 13.0 < 60.0 / intervals_s.mean() < 17.0
    assert intervals_s.min() >= PAUSE_MIN_S
    assert 1.5 < intervals_s.std() < 3.0


@settings(deadline=None)
@given(lengths=piece_lengths, start_s=st.floats(-2000, 20_000), rate_hz=rates_hz, seed=st.integers(-9, 2**70))
def test_pieces_blink_as_the_whole(lengths, start_s, rate_hz, seed):
    motion = open_eyes(150, rate_hz, start_s)
    whole = add_blinks(motion, seed)
    streamed = collect(add_blinks(piece, seed) for piece in cut(motion, lengths))
    np.testing.assert_allclose(streamed.values, whole.values, atol=1e-5)


def test_the_moment_of_a_blink_does_not_depend_on_where_motion_starts():
    early, late = add_blinks(open_eyes(50 * 700), 3), add_blinks(open_eyes(5_000, start_s=600.0), 3)
    np.testing.assert_allclose(late.values, early.values[30_000:], atol=1e-5)


def test_another_seed_blinks_at_other_moments_and_the_same_seed_at_the_same():
    motion = open_eyes(3_000)
    np.testing.assert_array_equal(add_blinks(motion, 5).values, add_blinks(motion, 5).values)
    assert np.abs(add_blinks(motion, 5).values - add_blinks(motion, 6).values).max() > 0.9


@pytest.mark.parametrize("rate_hz", [24 / 1.001, 24.0, 25.0, 30.0, 50.0, 60.0])
def test_every_blink_closes_the_eyes_on_at_least_one_frame(rate_hz):
    lids = add_blinks(open_eyes(int(600 * rate_hz), rate_hz), 11)
    assert_all_blinks_close(lids.channel("eyeBlinkLeft"), lids.times_s, blink_times(0.0, 599.0, 11))


@pytest.mark.parametrize("start_frame", [1.0, 1.3, 7.77])
def test_every_blink_survives_the_way_to_a_scene_at_24_fps(start_frame):
    blinking = add_blinks(open_eyes(600 * 50), 4)
    rig = map_by_name("Head", ["eyeBlinkLeft"])
    (curve,) = retarget(blinking, rig, FrameRate(24), start_frame)
    times_s = (curve.frames.astype(np.float64) - start_frame) / 24.0
    assert_all_blinks_close(curve.values, times_s, blink_times(0.0, 598.0, 4))


def assert_all_blinks_close(closure, times_s, starts_s):
    assert len(starts_s) > 100
    for start_s in starts_s:
        during = (times_s >= start_s) & (times_s <= start_s + 0.4)
        assert closure[during].max() >= 0.95


def test_lids_close_faster_than_they_open_and_do_both_within_half_a_second():
    fine = add_blinks(open_eyes(12_000, 1_000.0), 2).channel("eyeBlinkLeft")
    start_s = blink_times(0.0, 10.0, 2)[0]
    blink = fine[round(start_s * 1_000) : round(start_s * 1_000) + 500]
    closed = np.flatnonzero(blink > 0.999)
    closing_s, opening_s = closed[0] / 1_000, (np.flatnonzero(blink > 0.001)[-1] - closed[-1]) / 1_000
    assert 0.06 < closing_s < 0.1
    assert 0.12 < opening_s < 0.2
    assert blink[-1] == 0.0


@given(start_s=st.floats(-20.0, 20.0), seed=st.integers(0, 2**31))
def test_a_blink_that_the_first_or_last_row_cuts_can_be_left_out(start_s, seed):
    still = FaceMotion(np.zeros((30 * 20, len(BLINK)), np.float32), BLINK, 30.0, start_s)
    whole = add_blinks(still, seed, whole_only=True).values
    usual = add_blinks(still, seed).values
    assert not whole[[0, -1]].any(), "held beyond the motion, the eyes would stay closed"
    differ = np.flatnonzero((whole != usual).any(axis=1))
    assert all(row < 30 or row >= 30 * 19 for row in differ), "only the blinks at the ends are left out"


def test_only_lids_change_and_a_lid_that_is_further_closed_stays_so():
    motion = random_motion(3_000)
    blinking = add_blinks(motion, 0)
    for channel in ARKIT_52:
        if channel in BLINK:
            assert (blinking.channel(channel) >= motion.channel(channel)).all()
        elif channel in (*WIDE, *SQUINT):
            assert (blinking.channel(channel) <= motion.channel(channel)).all()
        else:
            np.testing.assert_array_equal(blinking.channel(channel), motion.channel(channel))
    np.testing.assert_array_equal(motion.values, random_motion(3_000).values)


def test_a_face_without_lids_is_left_alone():
    motion = random_motion(100, channels=("jawOpen",))
    assert add_blinks(motion, 0) is motion


def test_wide_eyes_close_all_the_same_and_are_wide_again_after():
    wide = [ARKIT_52.index(name) for name in WIDE]
    motion = open_eyes(3000)
    motion.values[:, wide] = 0.8
    made = add_blinks(motion, 1).values
    closed = made[:, ARKIT_52.index(BLINK[0])]
    assert made[closed > 0.99][:, wide].max() < 0.02
    np.testing.assert_array_equal(made[closed == 0.0][:, wide], motion.values[closed == 0.0][:, wide])
