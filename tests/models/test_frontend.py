"""The front end inside the graph is librosa's log-mel."""

import librosa
import numpy as np
import pytest
import torch
from soliloquy.models.speech.frontend import EPSILON, HOP, MELS, N_FFT, WINDOW, LogMel, mel_filters


@pytest.mark.parametrize("level", [1.0, 0.1, 1e-4])
def test_log_mel_equals_librosa(level: float) -> None:
    samples = (np.random.default_rng(0).standard_normal(16_000) * level).astype(np.float32)
    power = librosa.feature.melspectrogram(
        y=samples, sr=16_000, n_fft=N_FFT, win_length=WINDOW, hop_length=HOP, n_mels=MELS
    )
    expected = np.log(power + EPSILON)
    padded = np.pad(samples, WINDOW // 2)  # librosa centres its frames
    got = LogMel()(torch.from_numpy(padded)[None])[0].numpy()
    inside = slice(3, -3)  # its frames at the ends look into its own padding
    assert np.abs(got[:, inside] - expected[:, inside]).max() < 1e-3


def test_filters_equal_librosa() -> None:
    assert np.allclose(mel_filters(), librosa.filters.mel(sr=16_000, n_fft=N_FFT, n_mels=MELS), atol=1e-6)
