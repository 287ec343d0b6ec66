"""How close a painted picture is to a filmed one. Pictures are [H, W, 3], 0..255, encoded as sRGB.

The measures are the usual ones: PSNR; SSIM of Wang et al. (2004) with their Gaussian window; the variance of
the Laplacian for sharpness (Pech-Pacheco et al. 2000); temporal difference for flicker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.ndimage import gaussian_filter, laplace, uniform_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

PSNR_OF_EQUALS: Final = 99.0
"""dB given to pictures without any difference, so that means stay finite."""
_PEAK = 255.0
_SIGMA, _RADIUS = 1.5, 5
"""Window of SSIM: standard deviation and half width in pixels (11 x 11)."""
_C1, _C2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
STILL_STEP: Final = 1.0
"""A pixel is still in the plate while its surroundings change by less than this many of 255 levels."""
_SURROUNDINGS = 7
"""Side in pixels of what is averaged to tell movement from grain."""
SMALLEST_STILL: Final = 100
"""Pixels of one step that must be still for its flicker to count."""


def psnr(a: ArrayLike, b: ArrayLike) -> float:
    """Peak signal-to-noise ratio in dB over all channels."""
    error = float(np.mean(np.square(np.asarray(a, np.float64) - np.asarray(b, np.float64))))
    return PSNR_OF_EQUALS if error == 0.0 else min(10.0 * np.log10(_PEAK**2 / error), PSNR_OF_EQUALS)


def ssim(a: ArrayLike, b: ArrayLike) -> float:
    """Structural similarity, -1..1: mean over the channels and over all places where the window fits.

    Raises:
        ValueError: the pictures are smaller than the window, or not of one shape.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    side = 2 * _RADIUS + 1
    if first.shape != second.shape or min(first.shape[:2]) < side:
        raise ValueError(
            f"pictures must have one shape, {side} x {side} or more, got {first.shape} and {second.shape}"
        )
    mean_a, mean_b = _windowed(first), _windowed(second)
    var_a = _windowed(first * first) - mean_a * mean_a
    var_b = _windowed(second * second) - mean_b * mean_b
    covariance = _windowed(first * second) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    structure = (2 * covariance + _C2) / (var_a + var_b + _C2)
    return float(np.mean((luminance * structure)[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]))


def _windowed(picture: np.ndarray) -> np.ndarray:
    return gaussian_filter(picture, (_SIGMA, _SIGMA, 0), truncate=(_RADIUS + 0.4) / _SIGMA)


def luma(pictures: ArrayLike) -> np.ndarray:
    """float32 [..., H, W]: brightness (Rec. 601) of [..., H, W, 3]."""
    return np.asarray(pictures, np.float32) @ _LUMA


def sharpness(picture: ArrayLike) -> float:
    """Variance of the Laplacian of the brightness: falls as fine detail is lost, rises with grain."""
    return float(np.var(laplace(luma(picture))[1:-1, 1:-1]))


def sharpness_ratio(painted: Sequence[ArrayLike], real: Sequence[ArrayLike]) -> float:
    """Sharpness of the painted frames relative to the real ones: mean over mean, so that no single smooth
    frame decides."""
    return float(np.mean([sharpness(p) for p in painted]) / np.mean([sharpness(r) for r in real]))


def still_parts(plate: ArrayLike) -> np.ndarray:
    """Where nothing moves in a plate.

    Told from brightness averaged over the surroundings and never from the pixel alone: choosing the pixels
    that happen to change least would make the plate look stiller than it is.

    Args:
        plate: [T, H, W, 3].

    Returns:
        bool [T - 1, H, W], for the step from each frame to the next.
    """
    smooth = uniform_filter(luma(plate), (0, _SURROUNDINGS, _SURROUNDINGS))
    return np.abs(np.diff(smooth, axis=0)) < STILL_STEP


def flicker(frames: ArrayLike, still: np.ndarray) -> float:
    """Mean absolute difference of brightness from frame to frame where `still` bool [T - 1, H, W], in levels.

    Steps with fewer than `SMALLEST_STILL` still pixels do not count; NaN where none counts.
    """
    steps = np.abs(np.diff(luma(frames), axis=0))
    counted = still & (still.sum((1, 2)) >= SMALLEST_STILL)[:, None, None]
    return float(steps[counted].mean()) if counted.any() else float("nan")


def lip_distance_px(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[T]: mean distance of corresponding points [T, N, 2] (LMD, Chen et al. 2018), in their unit."""
    return np.linalg.norm(a - b, axis=-1).mean(-1)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of two series, 0 where one of them is constant."""
    if len(a) < 2 or np.std(a) == 0.0 or np.std(b) == 0.0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def interval(values: ArrayLike, draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over clips; NaN entries are left out."""
    kept = np.asarray(values, np.float64)
    kept = kept[np.isfinite(kept)]
    if not len(kept):
        return float("nan"), float("nan")
    chosen = np.random.default_rng(0).integers(len(kept), size=(draws, len(kept)))
    low, high = np.percentile(kept[chosen].mean(1), [2.5, 97.5])
    return float(low), float(high)
