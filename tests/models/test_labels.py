"""The fit of ARKit weights follows curves, keeps its constraint, smooths without opening closures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.models.data.arkit_fit import CONTROLS, fit_controls
from soliloquy.models.data.compare_labels import Clip, closures, matched, score_labels
from soliloquy.models.data.tracked import CURVES

FRAMES = 120


def face(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A random basis whose jaw opens by 30 mm, smooth controls that shut twice, a trembling prior."""
    rng = np.random.default_rng(seed)
    basis = rng.normal(0, 4, (len(CURVES), len(CONTROLS)))
    basis[0, 0] = 30.0
    controls = np.zeros((FRAMES, len(CONTROLS)))
    time = np.arange(FRAMES)
    controls[:, 0] = 0.3 * np.abs(np.sin(time / 12))
    controls[:, 3] = 0.2 + 0.1 * np.sin(time / 30)
    return basis, controls, np.clip(controls + rng.normal(0, 0.03, controls.shape), 0, 1)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_fit_follows_the_curves_inside_its_bounds(seed: int) -> None:
    basis, controls, prior = face(seed)
    wanted = controls @ basis.T
    fitted = fit_controls(wanted, CURVES, prior, basis)
    assert fitted.min() >= 0
    assert fitted.max() <= 1
    assert (fitted[:, CONTROLS.index("mouthClose")] <= fitted[:, 0] + 1e-6).all()
    before, after = (np.abs((x @ basis.T - wanted)[:, :2]).mean() for x in (prior, fitted))
    assert after < 0.6 * before


def test_smoothness_takes_out_trembling_and_keeps_closures() -> None:
    basis, controls, prior = face(3)
    wanted = controls @ basis.T
    rough, smooth = (fit_controls(wanted, CURVES, prior, basis, smoothness=s) for s in (0.0, 5.0))
    trembling = [np.abs(np.diff(x, 2, axis=0)).mean() for x in (rough, smooth)]
    assert trembling[1] < 0.7 * trembling[0]
    dips = closures(wanted[:, 0], wanted[:, 0])
    assert len(dips) >= 2
    opened = ((smooth - rough) @ basis.T)[dips, 0]
    assert opened.max() < 0.3


def test_one_frame_and_two_frames_can_be_fitted() -> None:
    basis, controls, prior = face(5)
    for count in (1, 2):
        assert fit_controls((controls @ basis.T)[:count], CURVES, prior[:count], basis).shape == (count, 15)


def test_matching_is_one_to_one() -> None:
    assert matched(np.array([10, 11]), np.array([10]), 3) == 1
    assert matched(np.array([10, 30]), np.array([12, 29]), 3) == 2
    assert matched(np.array([10]), np.array([20]), 3) == 0


def test_perfect_labels_score_perfectly() -> None:
    basis, controls, _ = face(7)
    clip = Clip(controls @ basis.T, controls, np.ones(FRAMES, bool), 25.0)
    score = score_labels({"one": [clip]}, {"one": [controls]}, np.zeros(len(CURVES)), basis)
    assert score.aperture_r == pytest.approx(1)
    assert score.aperture_mm == pytest.approx(0, abs=1e-9)
    assert score.recall == score.precision == 1
