"""Log-mel front end as plain convolutions, so that it is exported inside the ONNX graph.

Equal to `log(librosa.feature.melspectrogram(y, sr=16000, n_fft=512, win_length=400, hop_length=160,
n_mels=80) + EPSILON)` on frames that lie wholly inside the sound (a test holds them together).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

SAMPLE_RATE_HZ = 16_000
N_FFT, WINDOW, HOP, MELS = 512, 400, 160, 80
EPSILON = 1e-5
"""Added to mel power before the logarithm: a floor about 50 dB below levelled speech."""

MEL_MEAN, MEL_STD = -5.0, 3.0
"""Of the log-mel of levelled speech; fixed, so that training and export cannot differ."""


def _hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Slaney's scale: linear to 1 kHz, then logarithmic (27 mel per factor 6.4)."""
    linear = hz * 3 / 200
    return np.where(hz < 1000, linear, 15 + 27 * np.log(np.maximum(hz, 1e-9) / 1000) / np.log(6.4))


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) * (mel - 15) / 27))


def mel_filters() -> np.ndarray:
    """float64 [MELS, N_FFT // 2 + 1]: triangles from 0 to 8 kHz with Slaney's area normalisation."""
    bins_hz = np.linspace(0, SAMPLE_RATE_HZ / 2, N_FFT // 2 + 1)
    edges_hz = _mel_to_hz(np.linspace(0, float(_hz_to_mel(np.array(SAMPLE_RATE_HZ / 2))), MELS + 2))
    lower, centre, upper = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising, falling = (bins_hz - lower) / (centre - lower), (upper - bins_hz) / (upper - centre)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (upper - lower)


class LogMel(nn.Module):
    """(B, N) samples -> (B, MELS, (N - WINDOW) // HOP + 1) log-mel frames; fixed, no parameters."""

    def __init__(self) -> None:
        super().__init__()
        window = np.hanning(WINDOW + 1)[:-1]
        taps = np.arange(WINDOW) + (N_FFT - WINDOW) // 2  # librosa centres the short window in the long FFT
        phase = 2 * np.pi * np.outer(np.arange(N_FFT // 2 + 1), taps) / N_FFT
        basis = np.concatenate([np.cos(phase), -np.sin(phase)]) * window
        self.register_buffer("basis", torch.tensor(basis[:, None], dtype=torch.float32))
        self.register_buffer("mel", torch.tensor(mel_filters()[:, :, None], dtype=torch.float32))

    def forward(self, samples: Tensor) -> Tensor:
        spectrum = nn.functional.conv1d(samples[:, None], self.basis, stride=HOP)  # (B, 2F, T)
        real, imaginary = spectrum.chunk(2, dim=1)
        power = real * real + imaginary * imaginary
        return torch.log(nn.functional.conv1d(power, self.mel) + EPSILON)
