"""Retrieval: exact, coherent where it is asked to be, and honest about what it leaves out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.actor.folder import ActorError
from soliloquy.inference.actor.landmarks import MOUTH_REGION
from soliloquy.inference.actor.memory.retrieval import entries_of, nearest, retrieve
from soliloquy.inference.actor.types import MemoryBank

DIMENSIONS = 6


def bank_of(keys, take=None, frame=None, takes=("one", "two")):
    count = len(keys)
    return MemoryBank(
        actor="somebody",
        keys=np.asarray(keys, np.float32),
        patches=np.zeros((count, 4, 4, 3), np.uint8),
        points=np.zeros((count, len(MOUTH_REGION), 2), np.float32),
        take=np.zeros(count, np.uint16) if take is None else np.asarray(take, np.uint16),
        frame=np.arange(count, dtype=np.int32) if frame is None else np.asarray(frame, np.int32),
        sharpness=np.ones(count, np.float32),
        takes=takes,
    )


def random_bank(seed, count=80, shift=0.0):
    random = np.random.default_rng(seed)
    keys = random.normal(size=(count, DIMENSIONS)) * 0.01 + shift
    return bank_of(keys, take=random.integers(0, 2, count)), random


@given(
    seed=st.integers(0, 1000),
    k=st.integers(1, 20),
    rows=st.integers(0, 300),
    shift=st.sampled_from([0.0, 50.0]),
)
def test_the_nearest_are_those_of_comparing_all(seed, k, rows, shift):
    bank, random = random_bank(seed, shift=shift)
    keys = (random.normal(size=(rows, DIMENSIONS)) * 0.01 + shift).astype(np.float32)
    indices, distances = nearest(bank, keys, k)
    every = np.linalg.norm(keys[:, None].astype(np.float64) - bank.keys[None], axis=2)
    assert indices.shape == distances.shape == (rows, k)
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :k], atol=2e-6)
    np.testing.assert_allclose(np.take_along_axis(every, indices.astype(int), 1), distances, atol=2e-6)


@given(seed=st.integers(0, 1000), k=st.integers(1, 8))
def test_what_is_retrieved_comes_with_its_own_distance_and_only_once(seed, k):
    bank, random = random_bank(seed)
    keys = (random.normal(size=(12, DIMENSIONS)) * 0.01).astype(np.float32)
    indices, distances = retrieve(bank, keys, k)
    assert indices.dtype == np.int32
    assert distances.dtype == np.float32
    np.testing.assert_allclose(
        np.linalg.norm(bank.keys[indices] - keys[:, None], axis=2), distances, atol=1e-6
    )
    assert all(len({*row}) == k for row in indices.tolist())


def test_without_coherence_the_nearest_are_taken():
    bank, random = random_bank(5)
    keys = (random.normal(size=(40, DIMENSIONS)) * 0.01).astype(np.float32)
    plain, coherent = nearest(bank, keys, 3), retrieve(bank, keys, 3, coherence=0)
    np.testing.assert_array_equal(plain[0], coherent[0])


def _switches(bank, indices):
    first = indices[:, 0]
    ahead = np.diff(bank.frame[first])
    same = np.diff(bank.take[first].astype(int)) == 0
    return int((~(same & (ahead >= 0) & (ahead <= 3))).sum())


def test_consecutive_frames_stay_with_one_source_where_two_are_alike():
    """Two takes say the same; noise alone decides which of them is nearer in a frame."""
    random = np.random.default_rng(0)
    line = np.cumsum(random.normal(0, 0.05, (60, DIMENSIONS)), 0)
    keys = np.concatenate([line + random.normal(0, 0.01, line.shape) for _ in range(2)])
    bank = bank_of(keys, take=np.repeat([0, 1], 60), frame=np.tile(np.arange(60), 2))
    wanted = line.astype(np.float32)
    plain, coherent = (retrieve(bank, wanted, 4, coherence=c)[0] for c in (0.0, 1.0))
    assert _switches(bank, plain) > 15
    assert _switches(bank, coherent) <= 2


def test_the_first_column_is_the_best_path():
    """Against trying every path, on a line short enough for that."""
    random = np.random.default_rng(2)
    bank = bank_of(random.normal(size=(5, 2)), take=[0, 0, 0, 1, 1], frame=[0, 1, 2, 0, 1])
    wanted = random.normal(size=(4, 2)).astype(np.float32)
    squares = np.linalg.norm(wanted[:, None] - bank.keys, axis=2) ** 2
    unit = float(np.median(squares.max(1) - squares.min(1)))
    ahead = bank.frame[None, :] - bank.frame[:, None]
    step = 0.3 * unit * ~((bank.take[None, :] == bank.take[:, None]) & (ahead >= 0) & (ahead <= 3))
    best = min(
        np.ndindex(*[5] * 4),
        key=lambda path: (
            sum(squares[t, c] for t, c in enumerate(path)) + sum(step[a, b] for a, b in pairwise(path))
        ),
    )
    indices, _ = retrieve(bank, wanted, 5, coherence=0.3)
    assert tuple(indices[:, 0].tolist()) == best


def test_a_take_can_be_left_out():
    bank, random = random_bank(9)
    keys = (random.normal(size=(20, DIMENSIONS)) * 0.01).astype(np.float32)
    indices, _ = retrieve(bank, keys, 4, without=entries_of(bank, "two"))
    assert (bank.take[indices] == 0).all()
    everything, _ = retrieve(bank, keys, 4, without=entries_of(bank, "a take that is not in the memory"))
    assert (bank.take[everything] == 1).any()


def test_a_stretch_of_a_take_can_be_left_out():
    bank, random = random_bank(4)
    keys = (random.normal(size=(20, DIMENSIONS)) * 0.01).astype(np.float32)
    out = entries_of(bank, "one", 10, 60)
    assert (out == ((bank.take == 0) & (bank.frame >= 10) & (bank.frame <= 60))).all()
    indices, _ = retrieve(bank, keys, 4, without=out)
    assert not out[indices].any()


def test_a_line_of_one_frame_and_of_none():
    bank, random = random_bank(1)
    keys = (random.normal(size=(1, DIMENSIONS)) * 0.01).astype(np.float32)
    np.testing.assert_array_equal(retrieve(bank, keys, 3)[0], nearest(bank, keys, 3)[0])
    assert retrieve(bank, keys[:0], 3)[0].shape == (0, 3)


def test_more_than_there_is_and_keys_of_another_memory_are_refused():
    bank, _ = random_bank(1, count=6)
    keys = np.zeros((3, DIMENSIONS), np.float32)
    with pytest.raises(ActorError, match="6 entries"):
        retrieve(bank, keys, 7)
    with pytest.raises(ActorError, match="not those of this memory"):
        retrieve(bank, np.zeros((3, DIMENSIONS + 1), np.float32), 2)
    few = bank_of(np.zeros((3, DIMENSIONS)))
    with pytest.raises(ActorError, match="entries"):
        retrieve(few, keys, 2, without=entries_of(few, "one"))


def test_a_smaller_memory_than_candidates_is_enough():
    bank, random = random_bank(4, count=5)
    indices, _ = retrieve(bank, (random.normal(size=(9, DIMENSIONS)) * 0.01).astype(np.float32), 5)
    assert all(sorted(row) == [0, 1, 2, 3, 4] for row in indices.tolist())
