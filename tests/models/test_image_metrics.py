"""Picture measures: what they must obey for any picture, and known values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from soliloquy.models import image_metrics as metrics


def picture(seed, shape=(32, 40, 3)):
    noise = np.random.default_rng(seed).uniform(0, 255, shape)
    return gaussian_filter(noise, (1.0, 1.0, 0)).clip(0, 255).astype(np.float32)


seeds = st.integers(0, 10_000)


@given(seeds, seeds)
def test_psnr_and_ssim_do_not_ask_which_picture_is_the_real_one(one, other):
    a, b = picture(one), picture(other)
    assert metrics.psnr(a, b) == metrics.psnr(b, a)
    assert metrics.ssim(a, b) == pytest.approx(metrics.ssim(b, a), abs=1e-12)
    assert -1.0 <= metrics.ssim(a, b) <= 1.0 + 1e-12


@given(seeds)
def test_a_picture_is_like_itself(seed):
    a = picture(seed)
    assert metrics.psnr(a, a) == metrics.PSNR_OF_EQUALS
    assert metrics.ssim(a, a) == pytest.approx(1.0, abs=1e-12)
    assert metrics.sharpness_ratio([a], [a]) == 1.0


def test_psnr_of_a_known_difference():
    a = np.full((16, 16, 3), 100, np.uint8)
    assert metrics.psnr(a, a + 1) == pytest.approx(20 * np.log10(255))
    # Eight bit values must not wrap round.
    assert metrics.psnr(a, np.full_like(a, 101)) == metrics.psnr(np.full_like(a, 101), a)


@given(seeds, st.floats(2.0, 20.0))
def test_more_noise_is_worse(seed, strength):
    a = picture(seed)
    noise = np.random.default_rng(seed + 1).normal(0, 1, a.shape)
    assert metrics.psnr(a, a + 2 * strength * noise) < metrics.psnr(a, a + strength * noise)
    assert metrics.ssim(a, a + 2 * strength * noise) < metrics.ssim(a, a + strength * noise)


def test_ssim_is_that_of_scikit_image():
    """Printed by skimage 0.26.0 `structural_similarity(a, b, data_range=255, channel_axis=2,
    gaussian_weights=True, sigma=1.5, use_sample_covariance=False)` for the same pictures."""
    a = picture(1)
    b = (a + np.random.default_rng(2).normal(0, 12, a.shape)).clip(0, 255)
    assert metrics.ssim(a, b) == pytest.approx(0.7929442692410742, abs=1e-9)


def test_ssim_refuses_what_it_cannot_compare():
    with pytest.raises(ValueError, match="one shape"):
        metrics.ssim(np.zeros((10, 40, 3)), np.zeros((10, 40, 3)))
    with pytest.raises(ValueError, match="one shape"):
        metrics.ssim(np.zeros((20, 40, 3)), np.zeros((20, 41, 3)))


@given(seeds, st.floats(0.4, 3.0))
def test_sharpness_falls_with_blur(seed, sigma):
    a = picture(seed)
    blurred = gaussian_filter(a, (sigma, sigma, 0))
    assert metrics.sharpness(blurred) < metrics.sharpness(a)
    assert metrics.sharpness_ratio([blurred], [a]) < 1.0


def test_sharpness_ignores_brightness_and_a_slope():
    a = picture(3)
    ramp = np.arange(a.shape[1], dtype=np.float32)[None, :, None] * 0.5
    assert metrics.sharpness(a + 20) == pytest.approx(metrics.sharpness(a), rel=1e-4)
    assert metrics.sharpness(a + ramp) == pytest.approx(metrics.sharpness(a), rel=1e-3)


def test_a_still_does_not_flicker():
    frames = np.repeat(picture(4)[None], 5, axis=0)
    still = metrics.still_parts(frames)
    assert still.all()
    assert metrics.flicker(frames, still) == 0.0


@given(st.floats(1.0, 10.0))
def test_flicker_is_the_size_of_the_step(step):
    frames = np.repeat(picture(5)[None], 4, axis=0)
    still = metrics.still_parts(frames)
    frames[1::2] += step
    assert metrics.flicker(frames, still) == pytest.approx(step, rel=1e-3)


def test_what_moves_in_the_plate_is_not_still_and_grain_is():
    rng = np.random.default_rng(6)
    plate = np.repeat(picture(6, (48, 48, 3))[None], 6, axis=0)
    plate[:, :24] += np.arange(6, dtype=np.float32)[:, None, None, None] * 10
    plate += rng.normal(0, 2, plate.shape)
    still = metrics.still_parts(plate)
    assert not still[:, :18].any()
    assert still[:, 30:].mean() > 0.9
    # The chosen pixels must be no stiller than grain is: sqrt(2) times its mean absolute difference.
    grain = np.abs(np.diff(metrics.luma(plate[:, 30:]), axis=0)).mean()
    assert metrics.flicker(plate, still) == pytest.approx(grain, rel=0.1)


def test_flicker_of_a_plate_without_still_parts_is_unknown():
    frames = np.stack([picture(7) + 30 * i for i in range(4)])
    assert np.isnan(metrics.flicker(frames, metrics.still_parts(frames)))


def test_lip_distance_is_the_mean_distance():
    a = np.zeros((3, 4, 2))
    b = a.copy()
    b[1] += [3, 4]
    b[2, 0] += [0, 8]
    np.testing.assert_allclose(metrics.lip_distance_px(a, b), [0, 5, 2])


def test_correlation_of_a_constant_is_none():
    rising = np.arange(9.0)
    assert metrics.correlation(rising, 3 * rising - 1) == pytest.approx(1.0)
    assert metrics.correlation(rising, -rising) == pytest.approx(-1.0)
    assert metrics.correlation(rising, np.ones(9)) == 0.0


def test_the_interval_holds_the_mean_and_leaves_out_what_is_unknown():
    values = [29.0, 31.0, 30.0, 33.0, float("nan")]
    low, high = metrics.interval(values)
    assert 29.0 <= low < np.nanmean(values) < high <= 33.0
    assert np.isnan(metrics.interval([float("nan")])).all()
