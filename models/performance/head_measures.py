"""How near made head motion is to film: spreads, velocities, Fréchet distance; and the simple baselines.

Poses are arrays [T, 3] in radians at 25 Hz, each around any mean.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import sqrtm

from .head_data import RATE_HZ


def pose_spread(poses: list[np.ndarray]) -> np.ndarray:
    """[3] radians: root mean square of the pose around the mean of its clip."""
    return np.sqrt(np.mean(np.concatenate([(p - p.mean(0)) ** 2 for p in poses]), axis=0))


def velocities(poses: list[np.ndarray]) -> np.ndarray:
    """[N, 3] radians per second."""
    return np.concatenate([np.diff(p, axis=0) for p in poses]) * RATE_HZ


def velocity_error(poses: list[np.ndarray], film: list[np.ndarray]) -> np.ndarray:
    """[3]: distance of the distributions of speed (1-Wasserstein over quantiles) relative to film's mean
    speed; 0.2 is 20 %."""
    made, real = np.abs(velocities(poses)), np.abs(velocities(film))
    shares = (np.arange(200) + 0.5) / 200
    difference = np.quantile(made, shares, axis=0) - np.quantile(real, shares, axis=0)
    return np.abs(difference).mean(0) / real.mean(0)


def window_statistics(poses: list[np.ndarray], window: int) -> np.ndarray:
    """[N, 18] of windows that overlap by half: per axis the logarithms of the spreads of pose, velocity and
    acceleration, the logarithm of mean speed over its spread (1.25 for noise), the share of frames in which
    the velocity changes its sign; and how the velocities of the axes correlate."""
    rows = []
    for pose in poses:
        for at in range(0, len(pose) - window + 1, window // 2):
            rows.append(_statistics(pose[at : at + window].astype(np.float64)))
    return np.array(rows)


def _statistics(pose: np.ndarray) -> np.ndarray:
    velocity = np.diff(pose, axis=0) * RATE_HZ
    change = np.diff(velocity, axis=0) * RATE_HZ
    spread = velocity.std(0) + 1e-5
    turns = (np.diff(np.sign(velocity), axis=0) != 0).mean(0)
    together = np.corrcoef((velocity / spread).T + 1e-9)[np.triu_indices(3, 1)]
    return np.concatenate([
        np.log(pose.std(0) + 1e-5), np.log(spread), np.log(change.std(0) + 1e-4),
        np.log((np.abs(velocity).mean(0) + 1e-6) / spread), turns, np.nan_to_num(together),
    ])  # fmt: skip


def frechet(made: np.ndarray, film: np.ndarray) -> float:
    """Fréchet distance of two sets of measures [N, D], each column in units of the spread of `film`."""
    scale = film.std(0) + 1e-6
    a, b = made / scale, film / scale
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = sqrtm(cov_a @ cov_b + 1e-9 * np.eye(len(cov_a)))  # what is always the same has a root too
    return float(np.square(a.mean(0) - b.mean(0)).sum() + np.trace(cov_a + cov_b - 2.0 * np.real(root)))


def noise_like(film: list[np.ndarray], lengths: list[int], seed: int) -> list[np.ndarray]:
    """Gaussian noise whose velocity has the mean spectrum and the spread of `film`'s: the band-limited
    baseline. (Of the velocity, whose spectrum a short clip shows better than that of slow poses.)"""
    moved = [np.diff(p, axis=0) for p in film]
    size = min(len(v) for v in moved)
    taper = np.hanning(size)[:, None]
    power = np.mean([np.abs(np.fft.rfft(v[:size] * taper, axis=0)) ** 2 for v in moved], axis=0)
    random, made = np.random.default_rng(seed), []
    for length in lengths:
        full = 4 * length
        grid = np.fft.rfftfreq(full)
        shape = np.stack([np.interp(grid, np.fft.rfftfreq(size), np.sqrt(power[:, k])) for k in range(3)], 1)
        spectrum = np.fft.rfft(random.standard_normal((full, 3)), axis=0) * shape
        made.append(np.fft.irfft(spectrum, full, axis=0)[length : 2 * length])
    gain = np.concatenate(moved).std(0) / np.concatenate(made).std(0)
    return [np.cumsum(v * gain, axis=0) for v in made]


def copied(film: list[np.ndarray], lengths: list[int], seed: int) -> list[np.ndarray]:
    """One clip of film for every line, there and back as often as needed: the copied baseline.

    The clip is drawn among the half whose spread is nearest to the median.
    """
    spread = np.array([np.log((p - p.mean(0)).std(0)).mean() for p in film])
    usual = np.argsort(np.abs(spread - np.median(spread)))[: max(1, len(film) // 2)]
    clip = film[int(np.random.default_rng(seed).choice(usual))]
    loop = np.concatenate([clip, clip[-2:0:-1]])
    return [np.resize(loop, (length, 3)) for length in lengths]
