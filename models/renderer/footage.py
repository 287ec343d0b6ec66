"""What the renderer is trained on: crops of all takes, the mouth's points in them, and what memory offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ...inference.actor.folder import ActorError
from ...inference.actor.footage import crops, open_footage, usable_rows
from ...inference.actor.memory.bank import keys_of
from ...inference.actor.memory.retrieval import entries_of, retrieve
from ...inference.actor.painting.conditioning import mouth_points
from ...inference.actor.take import load_face, load_take

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ...inference.actor.folder import Actor
    from ...inference.actor.types import ActorFace, MemoryBank, Take

OFFERED: Final = 12
"""Entries of the memory that are looked up per frame; training draws from them."""
_MOST_BYTES: Final = 2 * 2**30
"""Of crops: of longer footage every other stretch is left out, or more."""
_STRETCH: Final = 8
"""Frames that stay together when footage is thinned."""
_LEFT_OUT_S, _BESIDE_S = 10.0, 2.0
"""Memory answers for stretches of a take up to this long without what it saw in them and beside them, as it
will have to for a line that it never saw. Short takes are left out whole."""


@dataclass(frozen=True)
class Footage:
    """N usable frames of an actor.

    `crops` uint8 [N, S, S, 3] in crop space and reference colours; `points` float32 [N, L, 2] crop pixels of
    the mouth as the fitted face has them; `take` uint16 [N] and `row` int32 [N] where they come from;
    `offered` int32 [N, Q] and `distances` float32 [N, Q]: entries of the memory, none from the frame's own
    stretch of its take; `held_out` bool [N]: not trained on.
    """

    crops: NDArray[np.uint8]
    points: NDArray[np.float32]
    take: NDArray[np.uint16]
    row: NDArray[np.int32]
    offered: NDArray[np.int32]
    distances: NDArray[np.float32]
    held_out: NDArray[np.bool_]
    names: tuple[str, ...]

    def runs(self, length: int) -> NDArray[np.intp]:
        """First of `length` training frames of one take that follow each other, each [R]."""
        first = np.arange(len(self.take) - length + 1)
        last = first + length - 1
        joined = (self.take[first] == self.take[last]) & (self.row[last] - self.row[first] == length - 1)
        return first[joined & ~self.held_out[first]]

    @property
    def judged_on(self) -> str:
        """Which frames `shown` gives, in words."""
        return "held out" if self.held_out.any() else "trained on"

    def shown(self, most: int) -> NDArray[np.intp]:
        """At most that many frames to judge by, evenly from those held out; of training if there are none."""
        rows = np.flatnonzero(self.held_out) if self.held_out.any() else np.arange(len(self.take))
        return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.intp)]


def load_footage(
    actor: Actor,
    bank: MemoryBank,
    plates: Sequence[Path] = (),
    progress: Callable[[float], None] | None = None,
) -> Footage:
    """Read the actor's plates: takes in the memory are trained on, those that are not are held out.

    Args:
        actor: with takes, a face and a memory.
        bank: the memory.
        plates: folders to look for plates in before the places of the capture.
        progress: called with the share done.

    Raises:
        ActorError: a plate is missing or has changed; nothing to train on.
    """
    face = load_face(actor)
    step = _thinning(actor)
    parts = []
    for number, name in enumerate(actor.takes):
        take = load_take(actor, name)
        rows = usable_rows(take)
        rows = rows[(rows // _STRETCH) % step == 0]
        offered, distances = _looked_up(face, take, bank, name)
        rows = rows[offered[rows, 0] >= 0]
        if not len(rows):
            continue
        with open_footage(actor, name, take, plates) as plate:
            seen = {row: np.rint(crop * 255).astype(np.uint8)
                    for row, crop in crops(plate, take, set(rows.tolist()), actor.crop_size)}  # fmt: skip
        rows = np.array([row for row in rows if row in seen], np.int64)
        if len(rows):
            found = offered[rows], distances[rows], np.full(len(rows), name not in bank.takes)
            parts.append(_part(face, take, rows, seen, number, found))
        if progress:
            progress((number + 1) / len(actor.takes))
    if not any(not part.held_out.all() for part in parts):
        raise ActorError(
            f"The footage of {actor.name} is too short to train on: a stretch of it needs {OFFERED} entries "
            "of others in memory",
            "Capture more plates, or a longer one, then run `soliloquy memory build`",
        )
    arrays = {
        field: np.concatenate([getattr(part, field) for part in parts])
        for field in ("crops", "points", "take", "row", "offered", "distances", "held_out")
    }
    return Footage(**arrays, names=actor.takes)


def _thinning(actor: Actor) -> int:
    frames = sum(len(usable_rows(load_take(actor, name))) for name in actor.takes)
    return max(1, -(-frames * actor.crop_size**2 * 3 // _MOST_BYTES))


def _looked_up(
    face: ActorFace, take: Take, bank: MemoryBank, name: str
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """What memory offers for every row of a take [T, OFFERED], and how far it is; -1 where it has too little
    beside what it saw there. Retrieval sees whole stretches, as the pass sees a whole line."""
    keys = keys_of(face, take.expression, take.head)
    offered = np.full((len(take), OFFERED), -1, np.int32)
    distances = np.zeros((len(take), OFFERED), np.float32)
    length, beside = (round(seconds * take.motion.rate_hz) for seconds in (_LEFT_OUT_S, _BESIDE_S))
    for first in range(0, len(take), length):
        rows = slice(first, min(first + length, len(take)))
        numbers = take.numbers[rows]
        out = entries_of(bank, name, int(numbers[0]) - beside, int(numbers[-1]) + beside)
        if len(bank) - out.sum() >= OFFERED:
            offered[rows], distances[rows] = retrieve(bank, keys[rows], OFFERED, without=out)
    return offered, distances


def _part(
    face: ActorFace,
    take: Take,
    rows: NDArray[np.int64],
    seen: dict[int, NDArray[np.uint8]],
    number: int,
    found: tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.bool_]],
) -> Footage:
    """One take; `found` is what memory offers for its rows, how far it is, and whether they are held out."""
    points = mouth_points(face, take.expression, take.head, take.focal_px, take.size, take.crop)
    return Footage(
        np.stack([seen[int(row)] for row in rows]),
        points[rows],
        np.full(len(rows), number, np.uint16),
        rows.astype(np.int32),
        *found,
        names=(),
    )
