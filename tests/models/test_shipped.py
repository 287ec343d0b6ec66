"""The weights that are shipped: parity with their checkpoint, and the embedded sample as golden clip."""

import csv
from pathlib import Path

import numpy as np
import pytest
from soliloquy.inference.audio import read_audio
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.motion import speech_motion
from soliloquy.inference.session import load_speech_model
from soliloquy.inference.types import AudioClip, FaceMotion
from soliloquy.models.export import SHIPPED_CHECKPOINT, TOLERANCE, gate
from soliloquy.models.speech.checkpoint import load_checkpoint

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "blender_addon" / "assets" / "sample.flac"
GOLDEN = Path(__file__).with_name("golden_sample.npz")


@pytest.fixture(scope="module")
def motion() -> FaceMotion:
    return speech_motion(read_audio(SAMPLE), load_speech_model())


def sample_phones() -> list[tuple[float, float, str]]:
    with SAMPLE.with_suffix(".phones.tsv").open(newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    return [(float(a), float(b), phone) for a, b, phone in rows if a[0].isdigit()]


def opening(motion: FaceMotion) -> np.ndarray:
    """Roughly how far the lips are apart: what opens them minus what closes them."""
    opens = motion.channel("jawOpen") + 0.2 * motion.channel("mouthLowerDownLeft")
    return opens + 0.2 * motion.channel("mouthUpperUpLeft") - motion.channel("mouthClose")


def test_weights_agree_with_their_checkpoint() -> None:
    net, _ = load_checkpoint(SHIPPED_CHECKPOINT)
    differences = gate(net, load_speech_model())
    assert max(differences.values()) <= TOLERANCE, differences


def test_golden_clip(motion: FaceMotion) -> None:
    golden = np.load(GOLDEN)
    assert tuple(golden["channels"]) == motion.channels
    assert np.abs(motion.values - golden["values"]).max() < 2e-3  # float16 in the file, other CPUs' sums


def test_one_row_per_fiftieth_of_a_second(motion: FaceMotion) -> None:
    clip = read_audio(SAMPLE)
    assert motion.rate_hz == 50
    assert len(motion.values) == int(clip.duration_s * 50) + 1
    assert motion.channels == ARKIT_52


def test_lips_are_closer_on_m_b_p_than_on_open_vowels(motion: FaceMotion) -> None:
    apart = opening(motion)

    def during(names: set[str], reduce: type(min)) -> float:
        spans = [(a, b) for a, b, p in sample_phones() if p.lower().rstrip("012") in names]
        return float(np.mean([reduce(apart[int(a * 50) : int(b * 50) + 2]) for a, b in spans]))

    closed, opened = during({"m", "b", "p"}, min), during({"aa", "ae", "ay", "aw", "ah"}, max)
    assert closed < 0.35 * opened


def test_the_mouth_is_closed_in_silence() -> None:
    rng = np.random.default_rng(0)
    for sound in (np.zeros(32_000), rng.standard_normal(32_000) * 1e-4):
        motion = speech_motion(AudioClip(sound.astype(np.float32), 16_000), load_speech_model())
        assert opening(motion).max() < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_the_mouth_is_nearly_still_in_noise(seed: int) -> None:
    sound = np.random.default_rng(seed).standard_normal(48_000).astype(np.float32) * np.float32(0.063)
    motion = speech_motion(AudioClip(sound, 16_000), load_speech_model())
    assert motion.channel("jawOpen").std() < 0.035  # about 1.2 mm; speech moves five times as much


def test_half_and_double_loudness_move_the_lips_alike(motion: FaceMotion) -> None:
    clip, model = read_audio(SAMPLE), load_speech_model()
    for factor in (0.5, 2.0):
        louder = speech_motion(AudioClip(clip.samples * np.float32(factor), 16_000), model)
        change = np.abs(louder.values - motion.values).mean() / motion.values.mean()
        assert change < 0.25  # without the level that audio.py sets first; with it the change is 0
