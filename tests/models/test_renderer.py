"""Network, losses, training and export of the renderer, on a tiny drawn actor."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("OpenImageIO")
pytest.importorskip("onnx")
sys.path.append(str(Path(__file__).resolve().parents[1]))

import actor_helpers as tiny  # noqa: E402
from soliloquy.inference.actor.folder import ActorError  # noqa: E402
from soliloquy.inference.actor.memory.bank import save_memory  # noqa: E402
from soliloquy.inference.actor.painting.renderer import dummy_feeds, load_renderer, memory_id  # noqa: E402
from soliloquy.inference.actor.take import save_take  # noqa: E402
from soliloquy.models import train_renderer  # noqa: E402
from soliloquy.models.renderer import export  # noqa: E402
from soliloquy.models.renderer import footage as footage_module  # noqa: E402
from soliloquy.models.renderer.footage import OFFERED, load_footage  # noqa: E402
from soliloquy.models.renderer.losses import PaintLoss, motion_loss  # noqa: E402
from soliloquy.models.renderer.net import RendererConfig, RendererNet, warp  # noqa: E402
from soliloquy.models.renderer.sync import train_sync  # noqa: E402
from soliloquy.models.renderer.training import Settings, Trainer, mean_patch, measured  # noqa: E402

FRAMES = 16
SMALL = Settings(steps=6, patches=2, sync_steps=3)


@pytest.fixture(scope="module")
def actor(tmp_path_factory):
    """Three takes of one plate: two in the memory, one held out."""
    made = tiny.make_tiny_actor(tmp_path_factory.mktemp("renderer"), FRAMES, renderer=False)
    folder = made.actor
    for name in ("two", "three"):
        folder = save_take(folder, name, made.take, made.plate)
    twice = {
        name: np.concatenate([getattr(made.bank, name)] * 2)
        for name in ("keys", "patches", "points", "frame")
    }
    bank = replace(
        made.bank, **twice, take=np.repeat([0, 1], FRAMES).astype(np.uint16),
        sharpness=np.ones(2 * FRAMES, np.float32), takes=("one", "two"),
    )  # fmt: skip
    save_memory(folder, bank)
    return replace(made, actor=folder, bank=bank)


@pytest.fixture(scope="module")
def footage(actor):
    return load_footage(actor.actor, actor.bank)


def feeds(count: int = 3, batch: int = 2, size: int = 32) -> list:
    made = dummy_feeds(batch, count, size, np.random.default_rng(1))
    found = [torch.from_numpy(made[name]) for name in ("plate", "geometry", "patches", "places", "distance")]
    found[2] = found[2].permute(0, 1, 4, 2, 3).float() / 255
    return found


def net(**config) -> RendererNet:
    torch.manual_seed(0)
    return RendererNet(RendererConfig(width=8, deep=(8, 12, 16), patch=8, **config)).eval()


class TestNet:
    @torch.inference_mode()
    def test_takes_any_number_and_order_of_patches(self):
        painter = net()
        for count in (1, 4):
            given = feeds(count)
            assert painter(*given)[0].shape == (2, 3, 32, 32)
            turned = [given[0], given[1], *(part.flip(1) for part in given[2:])]
            torch.testing.assert_close(painter(*given)[0], painter(*turned)[0], atol=1e-5, rtol=0)

    @torch.inference_mode()
    def test_without_memory_no_patch_is_seen(self):
        given = feeds()
        other = [*given[:2], 1 - given[2], *given[3:]]
        painter, blind = net(), net(memory=False)
        assert (painter(*given)[0] - painter(*other)[0]).abs().max() > 0.05
        torch.testing.assert_close(blind(*given)[0], blind(*other)[0], atol=0, rtol=0)

    @torch.inference_mode()
    def test_attention_prefers_near_patches_and_its_absence_takes_the_mean(self):
        given = feeds(2)
        far = [*given[:4], torch.tensor([[0.0, 50.0]] * 2)]
        first = [*given[:2], *(part[:, :1] for part in far[2:])]
        painter, plain = net(), net(attention=False)
        torch.testing.assert_close(painter(*far)[0], painter(*first)[0], atol=1e-3, rtol=0)
        torch.testing.assert_close(plain(*far)[0], plain(*given)[0], atol=1e-6, rtol=0)

    def test_a_patch_is_laid_where_the_grid_says(self):
        patch = torch.zeros(1, 3, 32, 32)
        patch[:, :, 10, 20] = 1
        line = torch.linspace(0.5, 31.5, 33) / 16 - 1
        still = torch.stack(torch.meshgrid(line, line, indexing="xy"), 2)[None]
        torch.testing.assert_close(warp(patch, still), patch, atol=1e-4, rtol=0)
        moved = warp(patch, still + torch.tensor([3.0, -2.0]) / 16)
        assert moved[0, 0].argmax() == 12 * 32 + 17


class TestLosses:
    def picture(self, seed: int = 0):
        return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(seed))

    def test_the_film_itself_costs_nothing(self):
        film, hole, lips = self.picture(), torch.ones(1, 1, 32, 32), torch.zeros(2, 1, 32, 32)
        assert sum(float(v) for v in PaintLoss()(film, film, hole, lips).values()) == pytest.approx(
            0, abs=1e-6
        )
        assert float(motion_loss(film[None], film[None], hole)) == 0

    def test_outside_the_hole_nothing_counts_and_lips_count_more(self):
        film, hole, lips = self.picture(), torch.zeros(1, 1, 32, 32), torch.zeros(2, 1, 32, 32)
        hole[..., 8:24, 8:24] = 1
        lips[..., 8:16, 8:24] = 1
        wrong = film.clone()
        wrong[..., :4, :] += 0.5
        assert float(PaintLoss()(wrong, film, hole, lips)["value"]) == 0
        high, low = film.clone(), film.clone()
        high[..., 8:16, 8:24] += 0.1
        low[..., 16:24, 8:24] += 0.1
        values = [float(PaintLoss()(made, film, hole, lips)["value"]) for made in (high, low)]
        assert values[0] > 2 * values[1] > 0

    def test_a_soft_picture_is_told_from_a_sharp_one_with_the_same_error(self):
        film, hole, lips = self.picture(), torch.ones(1, 1, 32, 32), torch.zeros(2, 1, 32, 32)
        loss = PaintLoss()
        soft = loss.blur(film)
        error = (soft - film).abs().mean()
        other = film + error * torch.sign(self.picture(1) - 0.5)
        assert float(loss(soft, film, hole, lips)["detail"]) > 2 * float(
            loss(other, film, hole, lips)["detail"]
        )

    def test_a_still_film_that_flickers_costs(self):
        pair = self.picture(2)[:1].repeat(2, 1, 1, 1)[None]
        flickering = pair.clone()
        flickering[:, 1] += 0.05
        hole = torch.ones(1, 1, 32, 32)
        assert float(motion_loss(flickering, pair, hole)) == pytest.approx(0.05, rel=1e-3)
        assert float(motion_loss(pair + 0.05, pair, hole)) == pytest.approx(0, abs=1e-6)


class TestFootage:
    def test_memory_never_offers_the_answer(self, actor, footage):
        own = actor.bank.take[footage.offered] == footage.take[:, None]
        assert not own[~footage.held_out].any()
        assert footage.offered.shape == (3 * FRAMES, OFFERED)

    def test_takes_outside_the_memory_are_held_out(self, footage):
        assert {footage.names[t] for t in footage.take[footage.held_out]} == {"three"}
        assert not footage.held_out[footage.runs(2)].any()
        assert footage.held_out[footage.shown(5)].all()

    def test_runs_do_not_cross_takes(self, footage):
        for first in footage.runs(3):
            assert len(set(footage.take[first : first + 3].tolist())) == 1
            assert np.diff(footage.row[first : first + 3]).tolist() == [1, 1]

    def test_a_memory_too_small_is_refused(self, actor):
        few = train_renderer.thinned(actor.bank, 6)
        assert len(few) == 6
        with pytest.raises(ActorError, match="too short to train on"):
            load_footage(actor.actor, few)

    def test_one_long_take_is_enough(self, tmp_path, monkeypatch):
        made = tiny.make_tiny_actor(tmp_path, 24, renderer=False)
        with pytest.raises(ActorError, match="too short to train on"):
            load_footage(made.actor, made.bank)
        monkeypatch.setattr(footage_module, "_LEFT_OUT_S", 4 / made.take.motion.rate_hz)
        monkeypatch.setattr(footage_module, "_BESIDE_S", 1 / made.take.motion.rate_hz)
        footage = load_footage(made.actor, made.bank)
        assert len(footage.row) == 24
        assert footage.judged_on == "trained on"
        apart = np.abs(made.bank.frame[footage.offered] - made.take.numbers[footage.row][:, None])
        assert apart.min() == 2, "the frame before the stretch and the one after it are left out, too"


class TestTraining:
    def test_it_learns(self, actor, footage):
        trainer = Trainer(footage, actor.bank, replace(SMALL, steps=60))
        losses = [trainer.advance() for _ in range(60)]
        values = [sum(step.values()) for step in losses]
        assert np.mean(values[-10:]) < 0.6 * np.mean(values[:5])
        assert trainer.judge()[0] > 20

    def test_going_on_is_as_never_having_stopped(self, actor, footage, tmp_path):
        whole = Trainer(footage, actor.bank, SMALL)
        for _ in range(6):
            whole.advance()
        first = Trainer(footage, actor.bank, SMALL)
        for _ in range(3):
            first.advance()
        first.save(tmp_path / "kept.pt")
        second = Trainer(footage, actor.bank, replace(SMALL))
        assert second.resume(tmp_path / "kept.pt")
        for _ in range(3):
            second.advance()
        for a, b in zip(whole.average.parameters(), second.average.parameters(), strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=0)
        assert not Trainer(footage, actor.bank, replace(SMALL, seed=9)).resume(tmp_path / "kept.pt")

    def test_sync_towers_tell_moments_apart(self, footage):
        towers = train_sync(footage, 60, 0, "cpu")
        rows = footage.runs(2)[:, None] + np.arange(2)
        film = torch.from_numpy(footage.crops[rows]).permute(0, 1, 4, 2, 3).float() / 255
        assert float(towers(film, film)) == pytest.approx(0, abs=1e-5)
        assert float(towers(film, film.roll(3, 0))) > 0.05
        assert not any(p.requires_grad for p in towers.parameters())

    def test_measures(self):
        film, hole = torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
        hole[..., 8:24, 8:24] = 1
        wrong = film.clone()
        wrong[..., :8, :] = 0
        assert measured(wrong, film, hole)[0, 1] == pytest.approx(1, abs=0.2)
        psnr = measured(film + 0.1, film, hole)[0]
        assert psnr[0] == pytest.approx(20, abs=1e-3)
        assert psnr[1] == pytest.approx(1, abs=1e-3)

    def test_the_fine_band_makes_up_for_softness(self, actor, footage):
        trainer = Trainer(footage, actor.bank, SMALL)
        with torch.no_grad():
            trainer.average.paint.bias[12:16] = -8.0  # all of it from memory
            trainer.average.paint.weight[12:16] = 0
        before = trainer.judge()[1]
        factor = trainer.sharpen()
        assert float(trainer.average.crisp) == factor
        assert abs(trainer.judge()[1] - 1.13) < abs(before - 1.13)
        assert Trainer(footage, actor.bank, replace(SMALL, memory=False)).sharpen() == 1.0

    def test_mean_of_patches_needs_no_training(self, actor, footage):
        assert Trainer(footage, actor.bank, SMALL).judge(mean_patch)[0] > 15


class TestExport:
    CARD = {"actor": "tiny", "crop_size": 32, "keys": 3, "patches": 2}  # noqa: RUF012

    def test_the_gate_lets_the_same_numbers_through(self, tmp_path, capsys):
        assert export.export_renderer(net(), self.CARD, 0.5, tmp_path / "out.onnx", sys.stdout)
        assert "onnxruntime against torch" in capsys.readouterr().out
        painting = export.Painting(net(), 0.5).eval()
        assert export.difference(painting, tmp_path / "out.onnx") < export.TOLERANCE
        other = net()
        with torch.no_grad():
            other.paint.bias += 0.3
        assert export.difference(export.Painting(other, 0.5).eval(), tmp_path / "out.onnx") > export.TOLERANCE

    def test_a_failed_gate_writes_nothing(self, tmp_path, monkeypatch):
        monkeypatch.setattr(export, "difference", lambda *_: float("inf"))
        assert not export.export_renderer(net(), self.CARD, 0.5, tmp_path / "out.onnx", sys.stdout)
        assert list(tmp_path.iterdir()) == []


class TestCommand:
    def run(self, monkeypatch, *arguments) -> int:
        monkeypatch.setattr(sys, "argv", ["train_renderer", *map(str, arguments)])
        return train_renderer.main()

    def test_trains_and_writes_a_renderer_of_this_memory(self, actor, monkeypatch, capsys, tmp_path):
        out = tmp_path / "renderer.onnx"
        given = (actor.actor.folder, "--steps", 2, "--k", 2, "--out", out, "--threads", 1, "--json")
        assert self.run(monkeypatch, *given) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        last = [line for line in lines if line["event"] == "progress"][-1]
        assert (last["step"], last["steps"]) == (2, 2)
        assert last["psnr"] > 5
        renderer = load_renderer(out, actor.bank)
        assert renderer.card["memory"] == memory_id(actor.bank)
        assert renderer.card["takes"] == ["one", "two"]
        assert renderer.card["consent"]["statement"] == tiny.CONSENT
        assert renderer.patches == 2
        assert any(actor.actor.training.glob("renderer_*.png"))
        assert self.run(monkeypatch, *given) == 0
        said = capsys.readouterr().out
        assert "Going on from step 2" in said

    def test_a_run_that_is_told_to_stop_keeps_its_state(self, actor, monkeypatch, capsys, tmp_path):
        stopping = threading.Event()
        advance = Trainer.advance

        def then_stop(trainer):
            stopping.set()
            return advance(trainer)

        monkeypatch.setattr(Trainer, "advance", then_stop)
        monkeypatch.setattr(train_renderer.threading, "Event", lambda: stopping)
        out = tmp_path / "stopped.onnx"
        assert self.run(monkeypatch, actor.actor.folder, "--steps", 5, "--k", 2, "--out", out) == 130
        assert "Stopped at step 1" in capsys.readouterr().out
        assert not out.exists()
        assert (actor.actor.training / "stopped.pt").exists()

    def test_large_crops_take_fewer_patches(self):
        assert [train_renderer.usual_patches(size) for size in (112, 160, 256)] == [8, 8, 4]

    def test_no_actor_is_a_sentence(self, monkeypatch, capsys, tmp_path):
        assert self.run(monkeypatch, tmp_path) == 2
        assert "is no actor folder" in capsys.readouterr().err
