"""Smoothing that leaves closures, and bridges over what is unknown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.actor.capture.smoothing import STIFFNESS, bridged, smoothed, stiffness


def noisy(shake, count=200, seed=0):
    """A slow movement float64 [T, 1] and the same with a tracker's shake."""
    times = np.arange(count)[:, None]
    slow = np.sin(times * 0.08) + 0.3 * np.cos(times * 0.031)
    return slow, slow + np.random.default_rng(seed).normal(0, shake, slow.shape)


def test_shake_goes_and_movement_stays():
    slow, seen = noisy(0.1)
    out = smoothed(seen, stiffness([seen]))
    assert np.abs(out - slow).mean() < 0.5 * np.abs(seen - slow).mean()


def test_what_does_not_shake_is_left_alone():
    random = np.random.default_rng(0).normal(size=(300, 1))
    steps = np.repeat(random[::6], 6, axis=0)  # sharp, and much larger than any shake
    out = smoothed(steps, np.minimum(stiffness([steps]), 0.03))
    assert np.abs(out - steps).max() < 0.1 * np.ptp(steps)


def test_more_shake_is_smoothed_more():
    assert stiffness([noisy(0.3)[1]])[0] > 10 * stiffness([noisy(0.003)[1]])[0]


def test_nothing_is_smoothed_across_a_cut():
    values = np.concatenate([np.zeros((20, 2)), np.ones((20, 2))])
    out = smoothed(values, np.array([10.0, 10.0]), cuts=(20,))
    np.testing.assert_allclose(out, values, atol=1e-6)
    assert np.abs(smoothed(values, np.array([10.0, 10.0])) - values).max() > 0.1


@given(count=st.integers(1, 60), penalty=st.sampled_from(STIFFNESS.tolist()), slope=st.floats(-2, 2))
def test_constants_stay_and_means_are_kept(count, penalty, slope):
    values = np.c_[np.full(count, 3.0), slope * np.arange(count)]
    out = smoothed(values, np.array([penalty, penalty]))
    np.testing.assert_allclose(out[:, 0], 3.0, rtol=1e-5)
    np.testing.assert_allclose(out[:, 1].mean(), values[:, 1].mean(), atol=1e-3)


@given(known=st.lists(st.booleans(), min_size=1, max_size=30).filter(any))
def test_unknown_rows_lie_on_lines_between_known_ones(known):
    known = np.array(known)
    line = np.arange(len(known), dtype=np.float32)[:, None] * [1.0, -2.0]
    out = bridged(np.where(known[:, None], line, np.nan), known)
    first, last = np.flatnonzero(known)[[0, -1]]
    np.testing.assert_allclose(out, line[np.clip(np.arange(len(known)), first, last)], atol=1e-4)


def test_nothing_known_cannot_be_bridged():
    with pytest.raises(ValueError, match="at least one row"):
        bridged(np.zeros((3, 1)), np.zeros(3, bool))
