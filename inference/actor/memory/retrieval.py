"""Looking up the memory: the nearest mouths, without jumping from one source to another frame by frame.

Exact: every entry is compared. At 2000 entries that costs less than decoding a frame; an index of neighbours
(hnswlib, FAISS) would pay from some fifty thousand entries on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..folder import ActorError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...types import FloatArray
    from ..types import MemoryBank

COHERENCE: Final = 0.25
"""Cost of going over to another source, in units of the squared distance by which the last candidate of a
frame is farther than its first."""
_CANDIDATES: Final = 24
_STEP: Final = 3
"""Frames of one take at most this far apart follow each other."""
_BLOCK: Final = 256


def entries_of(
    bank: MemoryBank, take: str, first: int | None = None, last: int | None = None
) -> NDArray[np.bool_]:
    """bool [M]: which entries were seen in a take, of its plate's frames `first` to `last` (inclusive) alone
    where they are given. None are of a take that memory does not know."""
    if take not in bank.takes:
        return np.zeros(len(bank), bool)
    seen = bank.take == bank.takes.index(take)
    if first is not None:
        seen &= bank.frame >= first
    if last is not None:
        seen &= bank.frame <= last
    return np.asarray(seen, bool)


def nearest(
    bank: MemoryBank, keys: FloatArray, count: int, *, without: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int32], FloatArray]:
    """The `count` nearest entries of every key, nearest first: int32 and float32 [T, count]. `without` bool
    [M]: which entries are left out.

    Raises:
        ActorError: keys of another memory, or fewer entries than asked for.
    """
    if keys.ndim != 2 or keys.shape[1] != bank.keys.shape[1]:
        raise ActorError("The keys are not those of this memory", "Build the memory again")
    allowed = np.arange(len(bank), dtype=np.int32)
    if without is not None:
        allowed = allowed[~without]
    if not 1 <= count <= len(allowed):
        raise ActorError(
            f"The memory has {len(allowed)} entries to look up, and {count} are asked for",
            "Build a larger memory, or ask for fewer",
        )
    # Around the middle of the entries, where the differences of large squares keep their digits.
    middle = bank.keys.mean(0)
    entries = bank.keys[allowed] - middle
    norms = (entries**2).sum(1)
    indices = np.empty((len(keys), count), np.int32)
    distances = np.empty((len(keys), count), np.float32)
    for first in range(0, len(keys), _BLOCK):
        part = keys[first : first + _BLOCK] - middle
        squares = norms - 2 * part @ entries.T
        near = np.argpartition(squares, count - 1, axis=1)[:, :count]
        exact = np.sqrt(((entries[near] - part[:, None]) ** 2).sum(2))
        order = np.argsort(exact, axis=1, kind="stable")
        indices[first : first + _BLOCK] = allowed[np.take_along_axis(near, order, 1)]
        distances[first : first + _BLOCK] = np.take_along_axis(exact, order, 1)
    return indices, distances


def retrieve(
    bank: MemoryBank,
    keys: FloatArray,
    k: int,
    *,
    without: NDArray[np.bool_] | None = None,
    coherence: float = COHERENCE,
) -> tuple[NDArray[np.int32], FloatArray]:
    """The k entries per frame that fit the whole line best.

    Of the nearest candidates of every frame those with the least cost of the best path through them (Viterbi
    forwards and backwards, min-marginals): a path pays the squared distance of what it shows, and for going
    over to another source as much as the pictures jump. The first column is the best path itself.

    Args:
        bank: the memory.
        keys: float32 [T, D] of consecutive frames, see `memory.keys_of`.
        k: how many.
        without: bool [M], entries that are left out (so that training does not see its answer), see
            `entries_of`.
        coherence: 0 for the plainly nearest.

    Returns:
        Indices int32 [T, k] and their distances float32 [T, k].

    Raises:
        ActorError: as `nearest`.
    """
    allowed = len(bank) - (0 if without is None else int(without.sum()))
    wanted = min(max(k, _CANDIDATES), max(allowed, k)) if coherence > 0 else k
    indices, distances = nearest(bank, keys, wanted, without=without)
    if coherence <= 0 or wanted == 1 or len(keys) < 2:
        return indices[:, :k], distances[:, :k]
    cost = distances.astype(np.float64) ** 2
    unit = float(np.median(cost[:, -1] - cost[:, 0]))
    changes = [
        _changes(bank, keys, indices, frame) * coherence * max(unit, 1e-12) for frame in range(1, len(keys))
    ]
    total = cost + _messages(cost, changes) + _messages(cost[::-1], [c.T for c in changes[::-1]])[::-1]
    order = np.argsort(total, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1)


def _changes(
    bank: MemoryBank, keys: FloatArray, indices: NDArray[np.int32], frame: int
) -> NDArray[np.float64]:
    """[C, C] 0..1: what it costs to go from a candidate of the frame before to one of this frame. Nothing for
    the same entry and for the next frames of its take."""
    before, after = indices[frame - 1], indices[frame]
    ahead = bank.frame[after][None, :] - bank.frame[before][:, None]
    same = bank.take[after][None, :] == bank.take[before][:, None]
    follows = same & (ahead >= 0) & (ahead <= _STEP)
    return np.where(follows, 0.0, 1.0)


def _messages(cost: NDArray[np.float64], changes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """[T, C]: least cost of all frames before, on the way to each candidate."""
    out = np.zeros_like(cost)
    for frame, change in enumerate(changes, 1):
        out[frame] = ((out[frame - 1] + cost[frame - 1])[:, None] + change).min(0)
    return out
