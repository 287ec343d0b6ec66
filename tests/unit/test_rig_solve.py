"""Solved keys: the optimum of every frame, continuity, speed."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.rig_solve import reproduction, solve_keys
from soliloquy.inference.types import SolvedKeys


def problem(keys=6, channels=9, dimensions=20, seed=0, bounds=(0.0, 1.0), ridge=0.01):
    """(SolvedKeys, B, W) of random movements."""
    generator = np.random.default_rng(seed)
    moved = generator.normal(size=(keys, dimensions)).astype(np.float32)
    wanted = generator.normal(size=(channels, dimensions)).astype(np.float32)
    names = tuple(f"c{i}" for i in range(channels))
    paths = tuple(f"k{i}" for i in range(keys))
    solved = SolvedKeys("Face", paths, names, moved @ moved.T, wanted @ moved.T, 1.0, *bounds, ridge=ridge)
    return solved, moved, wanted


def motion(rows, channels=9, seed=1):
    return np.random.default_rng(seed).random((rows, channels), dtype=np.float32)


@given(
    keys=st.integers(1, 12),
    dimensions=st.integers(1, 30),
    seed=st.integers(0, 10_000),
    bounds=st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (-3.0, 3.0), (0.1, 0.5)]),
)
def test_no_weight_can_be_moved_for_the_better(keys, dimensions, seed, bounds):
    """The conditions of the optimum (Karush, Kuhn, Tucker): no slope inside, none inwards at a bound."""
    solved, moved, wanted = problem(keys, 9, dimensions, seed, bounds)
    values = motion(5, seed=seed)
    weights = solve_keys(solved, values).astype(np.float64)
    low, high = bounds
    assert weights.min() >= low - 1e-6
    assert weights.max() <= high + 1e-6
    strength = np.diag(solved.gram).mean()
    slope = (weights @ moved - values @ wanted) @ moved.T / strength + solved.ridge * weights
    free = (weights > low + 1e-5) & (weights < high - 1e-5)
    scale = 1.0 + np.abs(values @ wanted @ moved.T / strength).max()
    assert np.abs(slope[free]).max(initial=0.0) < 2e-2 * scale
    assert slope[weights <= low + 1e-5].min(initial=0.0) > -2e-2 * scale
    assert slope[weights >= high - 1e-5].max(initial=0.0) < 2e-2 * scale


def test_keys_that_are_the_channels_follow_them():
    generator = np.random.default_rng(3)
    wanted = generator.normal(size=(4, 30)).astype(np.float32)
    solved = SolvedKeys(
        "Face", tuple("abcd"), tuple("wxyz"), wanted @ wanted.T, wanted @ wanted.T, ridge=1e-6
    )
    values = motion(50, 4)
    np.testing.assert_allclose(solve_keys(solved, values), values, atol=2e-3)


def test_a_key_that_moves_nothing_stays_still():
    solved, moved, wanted = problem()
    moved[2] = 0.0
    solved = SolvedKeys("Face", solved.data_paths, solved.channels, moved @ moved.T, wanted @ moved.T)
    assert (solve_keys(solved, motion(20))[:, 2] == 0.0).all()


def test_a_small_step_of_the_channels_is_a_small_step_of_the_weights():
    solved, *_ = problem(keys=12, dimensions=6)  # more keys than dimensions: only the ridge decides
    values = motion(1)
    path = values + np.linspace(0, 1, 400, dtype=np.float32)[:, None] * (motion(1, seed=5) - values)
    steps = np.abs(np.diff(solve_keys(solved, path), axis=0)).max()
    assert steps < 0.05


def test_what_is_out_of_reach_is_not_reproduced():
    solved, moved, wanted = problem(keys=3, dimensions=40)
    poses = np.eye(9, dtype=np.float32)
    shares = reproduction(solved, poses, np.square(wanted).sum(axis=1))
    weights = solve_keys(solved, poses)
    lost = np.square(weights @ moved - wanted).sum(axis=1) / np.square(wanted).sum(axis=1)
    np.testing.assert_allclose(shares, np.clip(1 - lost, 0, 1), atol=1e-3)
    assert shares.max() < 0.9


@pytest.mark.parametrize("keys", [15, 100])
def test_bounded_weights_cost_little_more_than_free_ones(keys):
    solved, *_ = problem(keys, 52, 300)
    values = motion(18_000, 52) * 0.3
    began_s = time.process_time()
    for _ in range(300):
        np.linalg.solve(solved.gram + np.eye(keys, dtype=np.float32), solved.gram[0])
    free_s = (time.process_time() - began_s) * len(values) / 300
    began_s = time.process_time()
    weights = solve_keys(solved, values)
    spent_s = time.process_time() - began_s
    print(f"{spent_s / free_s:.2f} times the free solution")
    assert spent_s < 3.0 * free_s
    assert weights.shape == (18_000, keys)
    assert np.isfinite(weights).all()
