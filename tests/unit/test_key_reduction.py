"""Thinned curves stay within their bound, keep peaks, and are evaluated as Blender evaluates them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from soliloquy.inference.bezier import through
from soliloquy.inference.key_reduction import reduce_keys

WEIGHTS = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 90), st.integers(1, 4)), elements=st.floats(0, 1, width=32)
)
SMOOTH = st.tuples(st.integers(20, 200), st.floats(2, 40), st.integers(0, 2**31)).map(
    lambda a: _speech_like(*a)
)


def _speech_like(count, period, seed):
    """float32 [N, 3]: sums of slow waves, cut off at 0 and 1 as weights are."""
    random = np.random.default_rng(seed)
    t = np.arange(count)[:, None, None] / period
    waves = np.sin(t * random.uniform(0.2, 2.0, (1, 3, 4)) + random.uniform(0, 7, (1, 3, 4)))
    return np.clip(waves.sum(axis=2) * 0.3 + 0.2, 0.0, 1.0).astype(np.float32)


def shown(keys, frames):
    """What Blender's Bezier evaluation gives: handles as control points, frame by frame by bisection."""
    curve = through(keys.frames, keys.values, keys.slopes)
    points, left, right = (np.asarray(a, np.float64) for a in (curve.keys, curve.left, curve.right))
    out = np.empty(len(frames))
    for i, frame in enumerate(frames):
        k = int(np.searchsorted(points[:, 0], frame, side="right")) - 1
        if k < 0 or k >= len(points) - 1:
            out[i] = points[min(max(k, 0), len(points) - 1), 1]
            continue
        corners = np.array([points[k], right[k], left[k + 1], points[k + 1]])
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if _cubic(corners[:, 0], middle) < frame else (low, middle)
        out[i] = _cubic(corners[:, 1], (low + high) / 2)
    return out


def _cubic(p, t):
    s = 1.0 - t
    return p[0] * s**3 + 3 * p[1] * s * s * t + 3 * p[2] * s * t * t + p[3] * t**3


def _errors(values, made, frames):
    return np.abs(np.column_stack([shown(keys, frames) for keys in made]) - values)


@settings(deadline=None, max_examples=60)
@given(WEIGHTS, st.floats(0.001, 0.2), st.integers(-500, 500))
def test_no_frame_is_further_off_than_the_bound(values, tolerance, first):
    frames = np.arange(first, first + len(values), dtype=np.float64)
    made = reduce_keys(frames, values, tolerance)
    assert _errors(values, made, frames).max() <= tolerance + 2e-6
    for keys in made:
        assert np.isin(keys.frames, frames).all()
        assert (np.diff(keys.frames) > 0).all()


@settings(deadline=None, max_examples=40)
@given(SMOOTH, st.floats(0.002, 0.05))
def test_peaks_and_troughs_that_stand_out_are_keys_with_their_own_value(values, tolerance):
    frames = np.arange(len(values), dtype=np.float64)
    for curve, keys in enumerate(reduce_keys(frames, values, tolerance)):
        column = values[:, curve].astype(np.float64)
        if np.ptp(column) <= 4 * tolerance:
            continue
        for extreme in (column.max(), column.min()):
            assert np.abs(keys.values - extreme).min() < 1e-7
        assert np.abs(shown(keys, frames) - column).max() <= tolerance + 2e-6


@settings(deadline=None, max_examples=40)
@given(SMOOTH, st.data())
def test_kept_frames_are_keys_and_single_bounds_hold(values, data):
    frames = np.arange(len(values), dtype=np.float64)
    keep = np.zeros(values.shape, bool)
    keep[data.draw(st.integers(0, len(values) - 1)), 1] = True
    bound = np.full(values.shape, 0.02)
    tight = data.draw(st.integers(0, len(values) - 1))
    bound[tight] = 1e-4
    made = reduce_keys(frames, values, bound, keep)
    assert (_errors(values, made, frames) <= bound + 2e-6).all()
    assert np.isin(frames[keep[:, 1]], made[1].frames).all()


@settings(deadline=None, max_examples=30)
@given(SMOOTH)
def test_a_curve_does_not_depend_on_its_neighbours(values):
    frames = np.arange(len(values), dtype=np.float64)
    together = reduce_keys(frames, values)
    for curve, keys in enumerate(together):
        (alone,) = reduce_keys(frames, values[:, curve : curve + 1])
        assert np.array_equal(alone.frames, keys.frames)
        assert np.allclose(alone.slopes, keys.slopes, atol=1e-9)


def test_between_frames_a_peak_is_not_overshot():
    frames = np.arange(60.0)
    values = (np.sin(frames / 6.0) ** 2).astype(np.float32)[:, None]
    (keys,) = reduce_keys(frames, values)
    between = shown(keys, np.arange(0, 59, 0.1))
    assert between.max() <= values.max() + 0.005
    assert between.min() >= values.min() - 0.005


@settings(deadline=None, max_examples=40)
@given(WEIGHTS)
def test_keys_on_neighbouring_frames_have_nothing_between_them_that_swings_out(values):
    frames = np.arange(len(values), dtype=np.float64)
    for keys in reduce_keys(frames, values, 0.005):
        for k in np.flatnonzero(np.diff(keys.frames) == 1.0):
            between = shown(keys, keys.frames[k] + np.linspace(0.05, 0.95, 10))
            assert between.min() >= keys.values[k : k + 2].min() - 0.005
            assert between.max() <= keys.values[k : k + 2].max() + 0.005


def test_smooth_motion_needs_far_fewer_keys():
    values = _speech_like(2000, 20.0, 7)
    made = reduce_keys(np.arange(2000.0), values)
    assert sum(len(keys.frames) for keys in made) * 5 < values.size


def test_still_and_single_frames():
    still, ramp = np.full((40, 1), 0.3, np.float32), np.linspace(0, 1, 40, dtype=np.float32)[:, None]
    flat, rising = reduce_keys(np.arange(40.0), np.hstack([still, ramp]))
    assert flat.values.tolist() == pytest.approx([0.3])
    assert 2 <= len(rising.frames) <= 4
    (lone,) = reduce_keys(np.array([7.0]), np.array([[0.4]], np.float32))
    assert (lone.frames.tolist(), lone.values.tolist()) == ([7.0], pytest.approx([0.4]))


@pytest.mark.parametrize(("frames", "tolerance"), [([0.0, 0.0], 0.1), ([0.0, 1.0], 0.0), ([], 0.1)])
def test_what_cannot_be_thinned_is_refused(frames, tolerance):
    with pytest.raises(ValueError, match="must"):
        reduce_keys(np.array(frames), np.zeros((len(frames), 1), np.float32), tolerance)


def test_curves_that_are_known_already_come_out_the_same():
    """A slider changes some curves; the others are not thinned again, and nothing tells the difference."""
    generator = np.random.default_rng(8)
    values = np.cumsum(generator.normal(0, 0.02, (300, 6)), axis=0).astype(np.float32)
    frames = np.arange(300.0)
    first = reduce_keys(frames, values)
    changed = values.copy()
    changed[:, 2] *= 0.5
    again = reduce_keys(frames, changed)
    alone = reduce_keys(frames, changed[:, 2:3])[0]
    for column, (one, other) in enumerate(zip(first, again, strict=True)):
        wanted = alone if column == 2 else one
        for name in ("frames", "values", "slopes"):
            np.testing.assert_array_equal(getattr(other, name), getattr(wanted, name))
    shifted = reduce_keys(frames + 7, values)
    np.testing.assert_array_equal(shifted[0].frames, first[0].frames + 7)
    looser = reduce_keys(frames, values, 0.05)
    assert len(looser[0].frames) < len(first[0].frames)
