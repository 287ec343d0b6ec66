"""Generator, critics, syncers and measures of head motion, on small made-up data."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from soliloquy.inference.errors import ModelError  # noqa: E402
from soliloquy.inference.performance.head import (  # noqa: E402
    HEAD_WEIGHTS,
    INPUTS,
    OUTPUTS,
    load_head_model,
)
from soliloquy.inference.session import load_graph  # noqa: E402
from soliloquy.models import evaluate_head  # noqa: E402
from soliloquy.models.performance import head_measures as measures  # noqa: E402
from soliloquy.models.performance.head_batches import FRAMES, SHORT, Sampler, stretches  # noqa: E402
from soliloquy.models.performance.head_data import HeadClip, load_heads, without_jitter  # noqa: E402
from soliloquy.models.performance.head_export import export_head  # noqa: E402
from soliloquy.models.performance.head_net import WINDOWS, HeadConfig, HeadNet, WindowCritic  # noqa: E402
from soliloquy.models.performance.head_sync import sync_scores, train_syncers  # noqa: E402
from soliloquy.models.train_head import Settings, Trainer, calibration, card_of, resume, save  # noqa: E402

SHARED = Path(__file__).resolve().parents[3] / "shared"


def made_clip(corpus, name, frames, seed, held_out=False, speaker=None):
    """Heads that nod with the loudness of made-up syllables."""
    random = np.random.default_rng(seed)
    beat = np.convolve(random.random(2 * frames + 40) < 0.06, np.hanning(21), "same")[20:-20]
    prosody = np.stack([-50.0 + 25.0 * beat, -70.0 + 25.0 * beat, np.where(beat > 0.2, 7.0, np.nan)], 1)
    visemes = np.zeros((2 * frames, 15), np.float32)
    visemes[:, 10], visemes[:, 0] = np.clip(beat, 0, 1), 1.0 - np.clip(beat, 0, 1)
    wander = np.cumsum(random.standard_normal((frames, 3)), axis=0)
    pose = 0.01 * np.stack([beat[::2], 0.3 * beat[::2], 0.1 * beat[::2]], 1) + 0.0005 * wander
    pose = (pose - pose.mean(0)).astype(np.float32)
    return HeadClip(
        corpus, speaker or corpus, name, held_out, pose, prosody.astype(np.float32), visemes
    )  # fmt: skip


@pytest.fixture(scope="module")
def clips():
    made = [made_clip("grid_s1", f"g{i}", FRAMES, i, held_out=i % 4 == 3) for i in range(24)]
    made += [made_clip("us_gov", f"u{i}", 200, 50 + i, held_out=i == 1) for i in range(2)]
    made += [
        made_clip("lrc_ar", f"l{i}", SHORT + i % 2, 80 + i, i % 3 == 0, f"lrc_ar/{i % 3}") for i in range(9)
    ]
    return made


@pytest.fixture(scope="module")
def train_data(clips):
    return [s for s, clip in zip(stretches(clips), clips, strict=True) if not clip.held_out]


@pytest.fixture(scope="module")
def syncers(train_data):
    return train_syncers(train_data, 3, 4)


def small(levels=4):
    return Settings(steps=6, sync_steps=4, levels=levels)


def test_every_window_has_a_critic_that_tells_size(clips):
    for window in WINDOWS:
        critic = WindowCritic(window)
        pose = torch.randn(5, window, 3)
        assert critic(pose, torch.eye(3)[[0] * 5]).shape == (5,)
        assert not torch.allclose(
            critic(pose, torch.eye(3)[[0] * 5]), critic(3 * pose, torch.eye(3)[[0] * 5])
        )


def test_the_generator_is_causal_and_goes_on_from_its_state():
    torch.manual_seed(0)
    net = HeadNet(HeadConfig())
    heard, noise = torch.randn(1, net.before + 50, 19), torch.randn(1, 50, 8)
    manner = torch.eye(3)[:1]
    velocity, pose, _ = net(heard, noise, manner, net.start(1))
    later = heard.clone()
    later[:, net.before + 30 :] += 1.0
    changed = net(later, noise, manner, net.start(1))[0]
    assert torch.equal(changed[:, :30], velocity[:, :30])
    assert not torch.allclose(changed[:, 30:], velocity[:, 30:])
    first, _, state = net(heard[:, : net.before + 20], noise[:, :20], manner, net.start(1))
    rest = net(heard[:, 20:], noise[:, 20:], manner, state)[0]
    assert torch.allclose(torch.cat([first, rest], 1), velocity, atol=1e-5)
    assert torch.allclose(pose[:, 1:], (1 - net.config.leak) * pose[:, :-1] + velocity[:, 1:], atol=1e-6)


@pytest.mark.parametrize("levels", [0, 1, 4])
def test_training_moves_the_generator(train_data, syncers, levels):
    trainer = Trainer(train_data, small(levels), HeadConfig(), syncers)
    before = trainer.net.velocity.weight.clone()
    losses = trainer.advance()
    assert ("sync" in losses) == bool(levels)
    assert all(np.isfinite(v) for v in losses.values())
    assert not torch.equal(before, trainer.net.velocity.weight)


def test_a_run_resumes_where_it_was(train_data, syncers, tmp_path):
    trainer = Trainer(train_data, small(0), HeadConfig(), syncers)
    trainer.advance()
    save(trainer, tmp_path / "checkpoint.pt")
    other = Trainer(train_data, small(0), HeadConfig(), syncers)
    resume(other, tmp_path / "checkpoint.pt")
    assert other.step == 1
    assert all(map(torch.equal, other.net.parameters(), trainer.net.parameters()))
    assert other.of_net.state_dict()["state"].keys() == trainer.of_net.state_dict()["state"].keys()


def test_export_is_what_torch_says_and_carries_its_card(clips, train_data, tmp_path, capsys):
    torch.manual_seed(2)
    net = HeadNet(HeadConfig()).eval()
    gain = calibration(net, train_data, seconds=30.0)
    assert gain.shape == (3, 3)
    assert (gain > 0).all()
    assert export_head(net, card_of(clips, small(), net.config), gain, tmp_path / "head.onnx")
    assert "onnxruntime against torch" in capsys.readouterr().out
    model = load_head_model(tmp_path / "head.onnx")
    assert model.before == net.before
    assert model.graph.card["settings"] == json.loads(json.dumps(asdict(small())))
    assert all(0 < unit < 0.02 for unit in model.unit)


def test_a_graph_of_other_inputs_or_without_card_is_refused(clips, tmp_path):
    import onnx

    net, file = HeadNet(HeadConfig()), tmp_path / "head.onnx"
    assert export_head(net, card_of(clips, small(), net.config), np.ones((3, 3)), file)
    with pytest.raises(ModelError, match="does not fit its card: it does not map sound to velocities"):
        load_graph(file, "head-1", ("sound",), ("velocities",))
    with pytest.raises(ModelError, match="was made for contract head-1, this version reads head-2"):
        load_graph(file, "head-2", INPUTS, OUTPUTS)
    graph = onnx.load(str(file))
    del graph.metadata_props[:]
    onnx.save(graph, str(file))
    with pytest.raises(ModelError, match="carries no model card"):
        load_graph(file, "head-1", INPUTS, OUTPUTS)


def test_a_failed_gate_writes_nothing(clips, tmp_path, monkeypatch):
    from soliloquy.models.performance import head_export

    monkeypatch.setattr(head_export, "_difference", lambda *_: {"made up": float("nan")})
    net = HeadNet(HeadConfig())
    assert not export_head(net, card_of(clips, small(), net.config), np.ones((3, 3)), tmp_path / "head.onnx")
    assert list(tmp_path.iterdir()) == []


def test_syncers_learn_what_moves_together(clips, train_data):
    syncers = train_syncers(train_data, 1, 40)
    held = evaluate_head.held_out(clips, stretches(clips), "grid_s1")
    poses = evaluate_head._in_units(held.film, held)
    together = sync_scores(syncers, poses, held.features)
    apart = sync_scores(syncers, poses, held.features[2:] + held.features[:2])
    assert len(together) == 4
    assert together[0] > apart[0] + 0.05


def test_jitter_goes_and_motion_stays():
    times = np.arange(75) / 25.0
    motion = np.sin(2 * np.pi * 2.0 * times)[:, None] * np.ones(3)
    jitter = 0.3 * np.sin(2 * np.pi * 11.0 * times)[:, None]
    smooth = without_jitter(motion + jitter, 25.0)
    assert np.abs(smooth - motion)[10:-10].max() < 0.06


def test_the_distance_is_small_for_film_and_large_for_noise(clips):
    data = stretches(clips)
    held = evaluate_head.held_out(clips, data, "grid_s1")
    statistics = [measures.window_statistics(x, 36) for x in (
        held.film, held.train, measures.noise_like(held.train, [74] * 40, 0))]  # fmt: skip
    assert measures.frechet(statistics[0], statistics[0]) < 1e-3
    assert measures.frechet(statistics[2], statistics[0]) > measures.frechet(statistics[1], statistics[0])


def test_baselines_have_the_spread_of_film(clips):
    film = [c.pose.astype(float) for c in clips if c.corpus == "grid_s1"]
    noise = measures.noise_like(film, [74] * 30, 0)
    moving, filmed = (measures.velocities(x).std(0) for x in (noise, film))
    assert np.allclose(moving, filmed, rtol=0.02)
    assert np.allclose(measures.pose_spread(noise), measures.pose_spread(film), rtol=0.4)
    assert np.allclose(measures.velocity_error(film, film), 0.0)
    copies = measures.copied(film, [74, 200], 1)
    assert [len(c) for c in copies] == [74, 200]
    assert any(np.array_equal(copies[0], pose) for pose in film)


def test_sampler_gives_windows_and_pairs(train_data):
    sampler = Sampler(train_data, 0)
    manner = sampler.manners(64)
    assert torch.allclose(manner.sum(1), torch.ones(64), atol=1e-5)
    assert sampler.poses(manner, SHORT).shape == (64, SHORT, 3)
    assert sampler.poses(manner[manner[:, 2] < 0.05], 40).shape[1:] == (40, 3)
    pose, heard = sampler.pairs(8, FRAMES, (0, 1))
    assert pose.shape == (8, FRAMES, 3)
    assert heard.shape == (8, FRAMES, 19)
    assert sampler.sound(manner).shape == (64, FRAMES, 19)


@pytest.mark.skipif(not (SHARED / "data" / "grid_s1").is_dir(), reason="the film is not there")
def test_held_out_film_is_of_other_clips_and_faces(tmp_path):
    cache = Path(__file__).resolve().parents[2] / "runs" / "cache" / "heads.npz"
    if not cache.exists():
        pytest.skip("the clips have not been prepared: run models.train_head once")
    clips = load_heads(SHARED, cache)
    for corpus in ("grid_s1", "us_gov", "lrc_ar"):
        kept = {c.name for c in clips if c.corpus == corpus and not c.held_out}
        held = {c.name for c in clips if c.corpus == corpus and c.held_out}
        assert kept
        assert held
        assert corpus == "us_gov" or not kept & held
    faces = [{c.speaker for c in clips if c.corpus == "lrc_ar" and c.held_out == out} for out in (0, 1)]
    assert not faces[0] & faces[1]


@pytest.mark.skipif(not HEAD_WEIGHTS.is_file(), reason="the shipped weights are not there")
def test_shipped_weights_are_those_of_the_shipped_checkpoint(tmp_path):
    from soliloquy.models.train_head import SHIPPED_CHECKPOINT

    if not SHIPPED_CHECKPOINT.is_file():
        pytest.skip("the checkpoint is not there")
    stored = torch.load(SHIPPED_CHECKPOINT, weights_only=True)
    net = HeadNet(HeadConfig(**stored["config"])).eval()
    net.load_state_dict(stored["net"])
    assert export_head(net, stored["card"], np.array(stored["gain"]), tmp_path / "head.onnx")
    assert (tmp_path / "head.onnx").read_bytes() == HEAD_WEIGHTS.read_bytes()
