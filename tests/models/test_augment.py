"""Augmentation: keeps length and level, is off when told so, repeats from its seed, does what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from soliloquy.models.speech.augment import (
    AugmentConfig,
    background,
    disturb,
    disturb_mel,
    quantise,
    reverberate,
    shift_pitch,
)
from soliloquy.models.speech.frontend import EPSILON, LogMel

WAVE_PARTS = ("noise_probability", "background_probability", "reverb_probability", "codec_probability")
MEL_PARTS = ("pitch_probability", "telephone_probability", "low_cut_probability", "holes_probability")


def voice(pitch_hz: float = 140.0, seconds: float = 1.0) -> np.ndarray:
    """Harmonics under two formants that swell four times a second: float32 [N]."""
    time = np.arange(int(16_000 * seconds)) / 16_000
    sound = np.zeros(len(time))
    for k in range(1, int(7000 / pitch_hz)):
        formants = math.exp(-(((k * pitch_hz - 600) / 200) ** 2)) + 0.4 * math.exp(
            -(((k * pitch_hz - 1500) / 300) ** 2)
        )
        sound += (formants + 0.01) * np.sin(2 * np.pi * k * pitch_hz * time)
    sound *= 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)
    return (0.1 * sound / sound.std()).astype(np.float32)


def mel_of(sound: np.ndarray) -> torch.Tensor:
    return LogMel()(torch.from_numpy(sound)[None])


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(4)


def test_off_changes_nothing() -> None:
    sound = voice()
    assert np.array_equal(disturb(sound, AugmentConfig(), np.random.default_rng(1)), sound)
    mel = mel_of(sound)
    assert torch.equal(disturb_mel(mel, AugmentConfig(), generator()), mel)


@pytest.mark.parametrize("part", WAVE_PARTS)
def test_each_waveform_part_disturbs_mildly(part: str) -> None:
    sound = voice()
    config = AugmentConfig(**{part: 1.0})
    for seed in range(6):
        out = disturb(sound, config, np.random.default_rng(seed))
        assert out.shape == sound.shape
        assert out.dtype == np.float32
        assert np.isfinite(out).all()
        assert not np.array_equal(out, sound)
        assert 0.7 < out.std() / sound.std() < 1.5
        assert np.corrcoef(out, sound)[0, 1] > 0.6


@pytest.mark.parametrize("part", MEL_PARTS)
def test_each_spectral_part_disturbs_mildly(part: str) -> None:
    mel = mel_of(voice()).expand(8, -1, -1)
    out = disturb_mel(mel, AugmentConfig(**{part: 1.0}), generator())
    assert out.shape == mel.shape
    assert not torch.allclose(out, mel, atol=0.1)
    assert torch.isfinite(out).all()
    assert out.min() >= math.log(EPSILON)
    assert out.max() < mel.max() + 3


def test_silence_survives_everything() -> None:
    config = AugmentConfig(**dict.fromkeys((*WAVE_PARTS, *MEL_PARTS), 1.0))
    out = disturb(np.zeros(8000, np.float32), config, np.random.default_rng(0))
    assert np.isfinite(out).all()
    assert np.abs(out).max() < 1e-4
    assert torch.isfinite(disturb_mel(mel_of(out), config, generator())).all()


def test_same_seed_same_sound() -> None:
    sound = voice()
    config = AugmentConfig(**dict.fromkeys((*WAVE_PARTS, *MEL_PARTS), 0.5), formant=0.08, equaliser=0.8)
    first, again, other = (disturb(sound, config, np.random.default_rng(s)) for s in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    mel = mel_of(sound).expand(4, -1, -1)
    assert torch.equal(disturb_mel(mel, config, generator()), disturb_mel(mel, config, generator()))


def test_noise_keeps_to_its_ratio() -> None:
    sound = voice(seconds=3.0)
    config = AugmentConfig(noise_probability=1.0, noise_snr_db=(12.0, 12.0))
    added = disturb(sound, config, np.random.default_rng(2)) - sound
    assert 20 * math.log10(sound.std() / added.std()) == pytest.approx(12, abs=0.5)


def test_background_has_unit_power_and_any_length() -> None:
    powers = [background(n, np.random.default_rng(i)).std() for i, n in enumerate((16_000, 60_000, 200_000))]
    assert all(0.2 < p < 3 for p in powers)


def test_reverb_leaves_the_direct_sound_in_its_place() -> None:
    click = np.zeros(8000, np.float32)
    click[1000] = 1.0
    out = reverberate(click, np.random.default_rng(3))
    assert np.abs(out[:1000]).max() < 1e-5
    assert int(np.argmax(np.abs(out))) == 1000


def test_quantised_sound_has_few_levels() -> None:
    sound = voice()
    assert all(len(np.unique(quantise(sound, np.random.default_rng(i)))) <= 513 for i in range(8))


def test_pitch_moves_harmonics_and_leaves_formants() -> None:
    low, high = mel_of(voice(140)), mel_of(voice(168))
    shifted = shift_pitch(low, torch.tensor([168 / 140]))
    low_bands = slice(2, 24)  # 100 Hz to 930 Hz, where harmonics show
    profile = {k: v.mean(2)[0, low_bands] for k, v in {"low": low, "high": high, "shifted": shifted}.items()}
    assert torch.corrcoef(torch.stack([profile["shifted"], profile["high"]]))[0, 1] > 0.9
    error = {k: (profile[k] - profile["high"]).abs().mean() for k in ("low", "shifted")}
    assert error["shifted"] < 0.5 * error["low"]
    assert torch.allclose(shift_pitch(low, torch.ones(1)), low, atol=1e-2)


def test_band_limits_cut_where_they_say() -> None:
    mel = mel_of(voice()).expand(16, -1, -1)
    floor = math.log(EPSILON)
    top = disturb_mel(mel, AugmentConfig(telephone_probability=1.0), generator())
    assert (top[:, 70:] == floor).all()
    assert torch.equal(top[:, :50], mel[:, :50])
    bottom = disturb_mel(mel, AugmentConfig(low_cut_probability=1.0), generator())
    assert (bottom[:, :2] == floor).all()
    assert torch.equal(bottom[:, 10:], mel[:, 10:])
