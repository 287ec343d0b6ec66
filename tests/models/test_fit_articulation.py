import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from soliloquy.inference.articulation import blend, read_parameters, shipped_parameters, sounding  # noqa: E402
from soliloquy.inference.types import AudioClip  # noqa: E402
from soliloquy.inference.visemes import VISEMES  # noqa: E402
from soliloquy.models.data.arkit_fit import CONTROLS  # noqa: E402
from soliloquy.models.data.corpora import Line  # noqa: E402
from soliloquy.models.fit_articulation import (  # noqa: E402
    Fit,
    agreement,
    document_of,
    filmed,
    fit,
    joined,
    said,
    table_document,
)


def made_line(seed, parameters):
    """A line whose lips move as `parameters` say."""
    rng = np.random.default_rng(seed)
    phones = np.repeat(rng.integers(1, len(VISEMES), 12), rng.integers(3, 9, 12))
    phones = np.concatenate([np.zeros(40, int), phones, np.zeros(40, int)])
    frames = len(phones)
    empty = Line(
        "grid_s1", f"line{seed}", "s", rng.normal(0, 0.1, frames * 320).astype(np.float32),
        np.zeros((frames, len(CONTROLS)), np.float32), np.zeros((frames, 6), np.float32),
        np.ones(frames, bool), phones,
    )  # fmt: skip
    line = filmed(empty)
    controls = said(line, parameters, voice=False)
    return line.__class__(**{**line.__dict__, "controls": controls})


def basis():
    return np.random.default_rng(0).normal(0, 5, (6, len(CONTROLS)))


def test_the_fit_and_the_runtime_blend_alike():
    parameters = shipped_parameters()
    lines = [made_line(seed, parameters) for seed in (1, 2)]
    times, here, sounds, _ = joined(lines)
    net = Fit(parameters)
    together = blend(times, here, sounds, net.parameters_now(), torch.exp).detach().numpy()
    apart = [blend(f.times_s, sounding(f.times_s, f.sounds), f.sounds, parameters) for f in lines]
    cut = len(lines[0].times_s)
    np.testing.assert_allclose(together[: cut - 15], apart[0][:-15], atol=2e-3)
    np.testing.assert_allclose(together[cut + 15 :], apart[1][15:], atol=2e-3)


def test_the_document_holds_the_parameters():
    parameters = read_parameters(table_document())
    again = read_parameters(document_of(parameters))
    for name, value in parameters.__dict__.items():
        np.testing.assert_allclose(getattr(again, name), value, atol=1e-3)


def test_the_fit_comes_nearer_to_lips_that_it_has_seen():
    truth = shipped_parameters()
    lines = [made_line(seed, truth) for seed in range(6)]
    curves = basis()
    for line in lines:
        line.curves_mm[:] = line.controls @ curves.T
    found = fit(lines, curves, steps=25, batch=6, seed=1, power=1.5)
    start = read_parameters(table_document())
    before, after = (agreement(lines, p, curves, voice=False)["width_r"] for p in (start, found))
    assert after > before
    assert (found.targets >= 0.0).all()
    assert (found.targets <= 1.0).all()


def test_the_sound_reaches_the_features():
    line = made_line(3, shipped_parameters())
    assert isinstance(line.clip, AudioClip)
    assert np.abs(line.features[:, 0]).max() > 0.0
