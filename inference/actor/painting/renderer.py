"""The trained renderer of one actor: conditions in, painted crops out (see `models/train_renderer.py`)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...errors import ModelError
from ...session import load_graph
from .conditioning import GEOMETRY, INPUTS, NODES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ...session import Graph
    from ...types import FloatArray
    from ..types import MemoryBank
    from .conditioning import Conditions

CONTRACT: Final = "renderer-1"
OUTPUT: Final = "painted"
_MOST_PATCHES: Final = 64
_TRAIN: Final = "Train the renderer with `soliloquy actor train`"


class Renderer:
    """An opened renderer. Not bound to a thread; runs are independent of each other.

    `card` is the model card: whose renderer it is (`actor`), what it was trained on (`takes`, `consent`) and
    how well it did (`metrics`).
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.card: dict[str, Any] = graph.card

    @property
    def patches(self) -> int:
        """How many patches it likes to be given; it takes any number from 1 on."""
        return int(self.card["patches"])

    @property
    def size(self) -> int:
        """Side of the crop that it was trained with, in pixels; it takes any multiple of 16."""
        return int(self.card["crop_size"])

    def paint(self, conditions: Conditions) -> FloatArray:
        """float32 [B, S, S, 3], 0..1, reference colours; only what the hole shows is meant to be seen."""
        feeds: dict[str, NDArray[Any]] = {name: getattr(conditions, name) for name in INPUTS}
        painted = self._graph.run(**feeds)[0]
        return np.asarray(np.clip(painted, 0, 1).transpose(0, 2, 3, 1), np.float32)


def load_renderer(path: Path, bank: MemoryBank, *, threads: int = 1) -> Renderer:
    """Open a renderer and check that it belongs to a memory.

    Args:
        path: the weight file, usually `Actor.renderer`.
        bank: the memory that it is to paint from: of the same actor, with the same size of patches and the
            same kind of keys, but of any number of entries.
        threads: CPU threads per run.

    Raises:
        ModelError: the file is missing, damaged or of another contract; it belongs to another actor, or to
            a memory of another version.
    """
    if not path.is_file():
        raise ModelError(f"There is no renderer '{path}'", _TRAIN)
    try:
        renderer = Renderer(load_graph(path, CONTRACT, INPUTS, (OUTPUT,), threads, same_size=True))
    except ModelError as error:
        if not error.cause.startswith("onnxruntime"):  # the package is not what is missing
            error.remedy = _TRAIN
        raise
    card = renderer.card
    try:
        whose, size, keys, patches = card["actor"], renderer.size, int(card["keys"]), renderer.patches
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"The model card inside '{path}' is damaged ({error})", _TRAIN) from error
    if not 1 <= patches <= _MOST_PATCHES:
        raise ModelError(f"The model card inside '{path}' is damaged (it asks for {patches} patches)", _TRAIN)
    if whose != bank.actor:
        raise ModelError(
            f"The renderer '{path}' was trained for another actor than the memory's",
            "Use renderer and memory of one actor folder, or train the renderer again",
        )
    if (size, keys) != (bank.patches.shape[1], bank.keys.shape[1]):
        raise ModelError(
            f"The renderer '{path}' was trained with another version of the memory (patches of {size} pixels "
            f"and keys of {keys} numbers; the memory has {bank.patches.shape[1]} and {bank.keys.shape[1]})",
            "Train the renderer again, or bring back the memory that it was trained with",
        )
    return renderer


def memory_id(bank: MemoryBank) -> str:
    """Fingerprint of a memory's content: kept in the card of what is trained from it."""
    whole = hashlib.sha256(bank.actor.encode())
    for part in (bank.keys, bank.patches, bank.points, bank.take, bank.frame):
        whole.update(np.ascontiguousarray(part).tobytes())
    return whole.hexdigest()


def dummy_feeds(batch: int, patches: int, size: int, random: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Random conditions in the renderer's ranges, by input: for checks and for measuring speed."""
    return {
        "plate": random.random((batch, 4, size, size), np.float32),
        "geometry": random.random((batch, GEOMETRY, size // 2, size // 2), np.float32) * 2 - 1,
        "patches": random.integers(0, 256, (batch, patches, size, size, 3), np.uint8),
        "places": random.random((batch, patches, NODES, NODES, 2), np.float32) * 2 - 1,
        "distance": random.random((batch, patches), np.float32),
    }
