"""Augmentation: what changes the sound of a voice or a room without changing the mouth.

Waveform parts work on one line (numpy), spectral parts on a batch of log-mel frames (torch), where
formant shift, equaliser and telephone bands cost almost nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .frontend import EPSILON, SAMPLE_RATE_HZ


@dataclass(frozen=True)
class AugmentConfig:
    """Strengths; probabilities are per line."""

    speed: float = 0.10
    """Largest relative change of tempo and pitch together."""
    gain_db: float = 4.0
    noise_probability: float = 0.5
    noise_snr_db: tuple[float, float] = (8.0, 40.0)
    reverb_probability: float = 0.2
    formant: float = 0.08
    """Largest relative shift of the spectrum along the mel axis."""
    equaliser: float = 0.8
    """Standard deviation of the random equaliser, natural log of power (0.8 is about 3.5 dB)."""
    telephone_probability: float = 0.1


def change_speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """Play float32 [N] `factor` times as fast (linear interpolation)."""
    positions = np.arange(0, len(samples) - 1, factor)
    return np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)


def coloured_noise(length: int, rng: np.random.Generator) -> np.ndarray:
    """float64 [length], unit power, spectrum falling with a random exponent (white to brown)."""
    spectrum = rng.standard_normal(length // 2 + 1) + 1j * rng.standard_normal(length // 2 + 1)
    frequency = np.maximum(np.arange(length // 2 + 1), 30.0 * length / SAMPLE_RATE_HZ)
    noise = np.fft.irfft(spectrum * frequency ** -rng.uniform(0.0, 1.0), length)
    return noise / max(float(noise.std()), 1e-9)


def disturb(samples: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """Room, noise and level of one line: float32 [N] -> float32 [N]."""
    out = samples.astype(np.float64)
    power = float(np.sqrt(np.mean(out**2))) + 1e-6
    if rng.random() < config.reverb_probability:
        taps = np.arange(int(0.25 * SAMPLE_RATE_HZ))
        tail = rng.standard_normal(len(taps)) * np.exp(
            -6.9 * taps / (rng.uniform(0.15, 0.6) * SAMPLE_RATE_HZ)
        )
        tail *= rng.uniform(0.1, 0.5) / np.linalg.norm(tail)
        tail[0] += 1.0
        size = 1 << math.ceil(math.log2(len(out) + len(taps)))
        out = np.fft.irfft(np.fft.rfft(out, size) * np.fft.rfft(tail, size), size)[: len(out)]
    if rng.random() < config.noise_probability:
        out += coloured_noise(len(out), rng) * power * 10 ** (-rng.uniform(*config.noise_snr_db) / 20)
    out *= 10 ** (rng.uniform(-config.gain_db, config.gain_db) / 20)
    return out.astype(np.float32)


def disturb_mel(mel: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Formant shift, equaliser, telephone band of log-mel frames: (B, M, F) -> (B, M, F)."""
    batch, bands, _ = mel.shape

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, generator=generator)

    position = (
        torch.arange(bands, dtype=torch.float32)[None]
        * (1 + uniform(-config.formant, config.formant))[:, None]
    )
    position = position.clamp(0, bands - 1.001)
    lower = position.floor().long()
    share = (position - lower)[:, :, None]
    index = lower[:, :, None].expand(-1, -1, mel.shape[2])
    warped = mel.gather(1, index) * (1 - share) + mel.gather(1, index + 1) * share
    bends = torch.randn(batch, 1, 6, generator=generator) * config.equaliser
    warped = (
        warped
        + torch.nn.functional.interpolate(bends, size=bands, mode="linear", align_corners=True)[:, 0, :, None]
    )
    floor = math.log(EPSILON)
    cut = torch.where(
        torch.rand(batch, generator=generator) < config.telephone_probability,
        uniform(50, 70),
        torch.full((batch,), float(bands)),
    )
    silent = torch.arange(bands)[None, :, None] >= cut[:, None, None]
    return torch.where(silent, floor, warped.clamp(min=floor))
