"""Augmentation: what changes the sound of a voice or a room without changing the mouth.

Waveform parts work on one line (numpy), spectral parts on a batch of log-mel frames (torch), where
pitch, formants, equaliser, band limits and the holes of codecs cost almost nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
import torch
from scipy.signal import fftconvolve
from torch import Tensor

from ..data.synthesis.sounds import backgrounds
from .frontend import EPSILON, SAMPLE_RATE_HZ


@dataclass(frozen=True)
class AugmentConfig:
    """Strengths and probabilities per line; every part is off unless it is given."""

    speed: float = 0.0
    """Largest relative change of tempo, pitch and formants together (by whoever cuts the line)."""
    gain_db: float = 0.0
    noise_probability: float = 0.0
    noise_snr_db: tuple[float, float] = (5.0, 35.0)
    background_probability: float = 0.0
    """Babble, music, typing ... behind the voice."""
    background_snr_db: tuple[float, float] = (8.0, 30.0)
    reverb_probability: float = 0.0
    codec_probability: float = 0.0
    """Eight-bit mu-law, or coarse steps of 6 to 9 bits."""
    pitch_probability: float = 0.0
    pitch: float = 0.2
    """Largest relative shift of the harmonics below formants that stay."""
    formant: float = 0.0
    """Largest relative shift of the spectrum along the mel axis."""
    equaliser: float = 0.0
    """Standard deviation of the random equaliser, natural log of power (0.8 is about 3.5 dB)."""
    telephone_probability: float = 0.0
    """Nothing above 2.4 to 5.4 kHz."""
    low_cut_probability: float = 0.0
    """Nothing below 75 to 380 Hz."""
    holes_probability: float = 0.0
    """What codecs and noise gates leave out: bands 25 to 40 dB below the loudest of their frame."""


_NATS_PER_DB = math.log(10) / 10
_ENVELOPE_BANDS = 9
"""Width of the smoothing that tells formants from harmonics: one harmonic of a high voice, about 340 Hz."""


def change_speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """Play float32 [N] `factor` times as fast (linear interpolation)."""
    positions = np.arange(0, len(samples) - 1, factor)
    return np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)


def coloured_noise(length: int, rng: np.random.Generator) -> np.ndarray:
    """float32 [length], unit power, spectrum falling with a random exponent (white to brown)."""
    size = scipy.fft.next_fast_len(length, real=True)
    bins = size // 2 + 1
    spectrum = rng.standard_normal(2 * bins, np.float32).view(np.complex64)
    frequency = np.maximum(np.arange(bins, dtype=np.float32), 30.0 * size / SAMPLE_RATE_HZ)
    noise = scipy.fft.irfft(spectrum * frequency ** np.float32(-rng.uniform(0.0, 1.0)), size)[:length]
    return noise / max(float(noise.std()), 1e-9)


def background(length: int, rng: np.random.Generator) -> np.ndarray:
    """float32 [length], about unit power: a random piece of a random sound of `sounds.backgrounds`."""
    store = backgrounds()
    sound = store[rng.integers(len(store))]
    place = rng.integers(len(sound))
    return np.resize(np.concatenate([sound[place:], sound[:place]]), length)


def reverberate(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Through a room: float32 [N] -> float32 [N]; decaying noise with 0.15 to 0.6 s to -60 dB."""
    taps = np.arange(int(0.25 * SAMPLE_RATE_HZ))
    tail = rng.standard_normal(len(taps)) * np.exp(-6.9 * taps / (rng.uniform(0.15, 0.6) * SAMPLE_RATE_HZ))
    tail *= rng.uniform(0.1, 0.5) / np.linalg.norm(tail)
    tail[0] += 1.0
    return fftconvolve(samples, tail.astype(np.float32))[: len(samples)]


def quantise(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Eight-bit mu-law of telephones, or equal steps of 6 to 9 bits: float32 [N] -> float32 [N]."""
    peak = float(np.abs(samples).max()) + 1e-9
    if rng.random() < 0.5:
        steps = 2.0 ** rng.uniform(5, 8)
        return np.round(samples * np.float32(steps / peak)) * np.float32(peak / steps)
    mu = np.float32(255.0)
    loudness = np.log1p(np.abs(samples) * (mu / np.float32(peak))) / np.log1p(mu)
    return np.copysign(np.expm1(np.round(loudness * 127) / 127 * np.log1p(mu)) * (peak / mu), samples)


def disturb(samples: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """Room, noise, background, codec and level of one line: float32 [N] -> float32 [N]."""
    out = samples
    power = np.float32(np.sqrt(np.mean(out**2)) + 1e-6)
    if rng.random() < config.reverb_probability:
        out = reverberate(out, rng)
    if rng.random() < config.noise_probability:
        snr_db = rng.uniform(*config.noise_snr_db)
        out = out + coloured_noise(len(out), rng) * (power * np.float32(10 ** (-snr_db / 20)))
    if rng.random() < config.background_probability:
        snr_db = rng.uniform(*config.background_snr_db)
        out = out + background(len(out), rng) * (power * np.float32(10 ** (-snr_db / 20)))
    if rng.random() < config.codec_probability:
        out = quantise(out, rng)
    gain = 10 ** (rng.uniform(-config.gain_db, config.gain_db) / 20)
    return (out * np.float32(gain)).astype(np.float32)


def _read_bands(mel: Tensor, position: Tensor) -> Tensor:
    """(B, M, F) read at fractional bands (B, M), held at both ends."""
    position = position.clamp(0, mel.shape[1] - 1.001)
    lower = position.floor().long()
    share = (position - lower)[:, :, None]
    index = lower[:, :, None].expand(-1, -1, mel.shape[2])
    return mel.gather(1, index) * (1 - share) + mel.gather(1, index + 1) * share


def shift_pitch(mel: Tensor, factor: Tensor) -> Tensor:
    """Harmonics times `factor` (B,) under formants that stay: (B, M, F) -> (B, M, F).

    The fine structure along the bands, where harmonics show, is stretched; its smooth envelope is not. Below
    1 kHz, where a window of 25 ms tells harmonics apart, the bands are equally wide, and this is exact.
    """
    envelope = torch.nn.functional.avg_pool1d(
        mel.transpose(1, 2), _ENVELOPE_BANDS, stride=1, padding=_ENVELOPE_BANDS // 2, count_include_pad=False
    ).transpose(1, 2)
    centre = torch.arange(1, mel.shape[1] + 1, dtype=mel.dtype)  # band 0 lies one step above 0 Hz
    return envelope + _read_bands(mel - envelope, centre[None] / factor[:, None] - 1)


def disturb_mel(mel: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Pitch, formants, equaliser, codec holes, band limits of log-mel frames: (B, M, F) -> (B, M, F)."""
    batch, bands, _ = mel.shape
    floor = math.log(EPSILON)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, generator=generator)

    def chosen(probability: float) -> Tensor:
        return torch.rand(batch, generator=generator) < probability

    out = mel
    if config.pitch_probability:
        factor = 1 + uniform(-config.pitch, config.pitch)
        out = shift_pitch(out, torch.where(chosen(config.pitch_probability), factor, torch.ones(batch)))
    if config.formant:
        position = torch.arange(bands) * (1 + uniform(-config.formant, config.formant))[:, None]
        out = _read_bands(out, position)
    if config.equaliser:
        bends = torch.randn(batch, 1, 6, generator=generator) * config.equaliser
        curve = torch.nn.functional.interpolate(bends, size=bands, mode="linear", align_corners=True)
        out = out + curve.transpose(1, 2)
    if config.holes_probability:
        depth = torch.where(chosen(config.holes_probability), uniform(25, 40) * _NATS_PER_DB, math.inf)
        loudest = out.amax(1, keepdim=True)
        out = out.masked_fill(out < loudest - depth[:, None, None], floor)
    highest = torch.where(chosen(config.telephone_probability), uniform(50, 70), float(bands))
    lowest = torch.where(chosen(config.low_cut_probability), uniform(2, 10), 0.0)
    band = torch.arange(bands)
    silent = (band >= highest[:, None]) | (band < lowest[:, None])
    return out.masked_fill(silent[:, :, None], floor).clamp(min=floor)
