"""What training asks for: memories, synchrony, tongue, and pictures moved to their sound."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from soliloquy.inference.visemes import UNKNOWN, VISEMES
from soliloquy.models.data.av_offset import MAX_LAG_FRAMES, align_pictures, best_lag, shifted
from soliloquy.models.data.batches import Batch
from soliloquy.models.data.corpora import Line
from soliloquy.models.speech.memory import LIP_FEATURES, AudioLipMemory, LipEncoder, indecision
from soliloquy.models.speech.net import SpeechNet, SpeechNetConfig
from soliloquy.models.speech.objective import TONGUE_OUT, Objective, Weights, tongue_target
from soliloquy.models.speech.sync import LEVELS, MultiScaleSync

SMALL = SpeechNetConfig(
    width=16, head_width=12, encoder_layers=1, memory_slots=5, lip_slots=6, speaker_shares=(0.75, 0.25)
)
BASIS = torch.randn(6, 15, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
EVERYTHING = Weights(distil=1.0, lip_memory=0.1, visual_sync=0.1, multi_scale=0.1)


def smooth_curves(frames: int, seed: int) -> np.ndarray:
    """[frames, 6] random motion, no faster than a mouth."""
    raw = np.random.default_rng(seed).standard_normal((frames + 20, 6))
    return np.stack([np.convolve(c, np.hanning(9), "same")[10:-10] for c in raw.T], axis=1)


def filmed_line(curves: np.ndarray, corpus: str = "lrc_ar") -> Line:
    frames = len(curves)
    return Line(
        corpus, "x", "someone", np.zeros(frames * 320, np.float32), np.zeros((frames, 15), np.float32),
        curves.astype(np.float32), np.ones(frames, bool),
    )  # fmt: skip


def batch_for(net: SpeechNet, frames: int) -> Batch:
    generator = torch.Generator().manual_seed(1)
    length = net.receptive_field + (frames - 1) * 320
    samples = torch.randn(3, length, generator=generator) * 0.05
    valid = torch.ones(3, frames, dtype=torch.bool)
    valid[2] = False
    return Batch(
        samples=samples,
        controls=torch.rand(3, frames, 15, generator=generator) * 0.3,
        valid=valid,
        phones=torch.randint(0, 15, (3, frames), generator=generator),
        speaker=torch.tensor([0, 0, -1]),
        unfilmed=torch.tensor([False, False, True]),
        clean=samples[2:],
    )


@pytest.mark.parametrize("lag", [-2, -1, 0, 1, 2])
def test_a_late_picture_is_found_and_moved_back(lag: int) -> None:
    heard = smooth_curves(90, 3)
    line = filmed_line(np.roll(heard, lag, axis=0))
    (moved,), lags = align_pictures([line], lambda _: heard)
    assert lags.tolist() == [lag]
    assert np.allclose(moved.curves_mm[10:-10], heard[10:-10], atol=1e-6)
    assert moved.valid.sum() == 90 - abs(lag)


def test_chance_does_not_move_pictures_far() -> None:
    lags = [best_lag(smooth_curves(60, 2 * i), filmed_line(smooth_curves(60, 2 * i + 1))) for i in range(30)]
    assert np.mean(np.abs(lags)) < 0.6 * MAX_LAG_FRAMES


def test_lines_without_a_film_stay() -> None:
    line = filmed_line(np.roll(smooth_curves(90, 3), 3, axis=0), corpus="facegood")
    (same,), _ = align_pictures([line], lambda _: smooth_curves(90, 3))
    assert same.curves_mm is not None
    assert np.array_equal(same.curves_mm, shifted(line, 0).curves_mm)


def test_the_tongue_comes_out_for_th_alone() -> None:
    phones = torch.full((1, 60), VISEMES.index("aa"))
    phones[0, 30:34] = VISEMES.index("TH")
    tongue = tongue_target(phones)[0]
    assert 0.5 * TONGUE_OUT < float(tongue.max()) <= TONGUE_OUT + 1e-6
    assert 29 <= int(tongue.argmax()) <= 34
    assert float(tongue[:24].max()) == float(tongue[40:].max()) == 0.0


def test_audio_lip_memory_learns_to_recall_lips_from_sound() -> None:
    torch.manual_seed(0)
    memory, classes = AudioLipMemory(8, 12), torch.randint(0, 4, (2, 40))
    sound, lips = torch.randn(4, 12)[classes].transpose(1, 2), torch.randn(4, LIP_FEATURES)[classes]
    optimiser, mask = torch.optim.Adam(memory.parameters(), 0.03), torch.ones(2, 40, dtype=torch.bool)
    first = None
    for _ in range(150):
        loss = memory.losses(lips, memory.address(sound).transpose(1, 2), mask)
        first = first or float(loss)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    heard = memory.address(sound)
    assert torch.allclose(heard.sum(1), torch.ones(2, 40), atol=1e-5)
    assert float(loss) < 0.3 * first
    recalled = heard.transpose(1, 2) @ memory.values
    assert float(torch.nn.functional.cosine_similarity(recalled, lips, dim=2).mean()) > 0.8


def test_indecision_is_zero_when_every_frame_chooses_and_every_slot_is_chosen() -> None:
    chosen = torch.eye(6).repeat(4, 1)[None]
    assert float(indecision(chosen)) == pytest.approx(0.0, abs=1e-4)
    collapsed, vague = torch.zeros(1, 24, 6), torch.full((1, 24, 6), 1 / 6)
    collapsed[..., 0] = 1.0
    assert float(indecision(collapsed)) == pytest.approx(np.log(6), abs=1e-4)
    assert float(indecision(vague)) == pytest.approx(np.log(6), abs=1e-4)


def test_the_eye_that_judges_motion_does_not_learn_from_judging() -> None:
    encoder = LipEncoder()
    moved = torch.randn(2, 30, 6, requires_grad=True)
    encoder.apart(moved, torch.randn(2, 30, 6)).mean().backward()
    assert moved.grad is not None
    assert all(p.grad is None for p in encoder.parameters())


def test_syncers_tell_the_true_moment_from_others() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    sync, motion = MultiScaleSync(mels=8), torch.from_numpy(
        np.stack([smooth_curves(128, i) for i in range(6)])
    ).float()  # fmt: skip
    sound = motion @ torch.randn(6, 8)
    optimiser, valid = torch.optim.Adam(sync.parameters(), 3e-3), torch.ones(6, dtype=torch.bool)
    for _ in range(60):
        loss = sync.contrast(motion, sound, valid, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert len(sync(motion, sound)) == LEVELS
    with torch.no_grad():
        assert float(sync.apart(motion, sound)) < 0.7 * float(sync.apart(motion.roll(25, dims=1), sound))


@pytest.mark.parametrize(
    "part", ["phones", "distil", "lip_memory", "visual_sync", "multi_scale", "tongue", "implicit"]
)
def test_every_part_of_the_objective_counts(part: str) -> None:
    torch.manual_seed(0)
    net = SpeechNet(SMALL).eval()
    batch = batch_for(net, 40)
    mel = net.mel(batch.samples)

    def loss(weights: Weights) -> float:
        torch.manual_seed(1)
        objective = Objective(BASIS, weights, net.left_context)
        told = torch.ones(1, 40, 15) if weights.distil else None
        out = net.forward_mel(mel)
        with torch.no_grad():
            return float(objective(out, batch, mel, told, net.lips, torch.Generator().manual_seed(0)))

    assert loss(EVERYTHING) > loss(replace(EVERYTHING, **{part: 0.0}))


def test_frames_without_labels_do_not_count() -> None:
    net = SpeechNet(SMALL).eval()
    batch = batch_for(net, 40)
    blank = replace(batch, phones=torch.full_like(batch.phones, UNKNOWN), valid=torch.zeros_like(batch.valid))
    mel = net.mel(batch.samples)
    objective = Objective(BASIS, Weights(implicit=0.0), net.left_context)
    loss = objective(net.forward_mel(mel), blank, mel, None, net.lips, torch.Generator())
    assert float(loss) == 0.0


def test_corrections_are_relative_to_the_mean_mouth() -> None:
    net = SpeechNet(SMALL).eval()
    with torch.no_grad():
        net.corrections.normal_()
    mel = net.mel(torch.randn(1, net.receptive_field) * 0.1)
    nobody, first, second = (net.forward_mel(mel, torch.tensor([who])).controls for who in (-1, 0, 1))
    assert torch.equal(nobody, net.forward_mel(mel).controls)
    assert not torch.allclose(first, second)
    assert torch.allclose(0.75 * first + 0.25 * second, nobody, atol=1e-5)
