"""The smallest folder of an actor that can be read: numbers without a meaning, for tests of readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from soliloquy.inference.actor.folder import Actor, make_actor
from soliloquy.inference.actor.landmarks import MOUTH_REGION
from soliloquy.inference.actor.memory.bank import save_memory
from soliloquy.inference.actor.take import save_face, save_take
from soliloquy.inference.actor.types import POINTS, ActorFace, MemoryBank, Take
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.types import FaceMotion

if TYPE_CHECKING:
    from pathlib import Path

_CONSENT = "The speaker agrees to tests of this program"
_ROWS = 3


def make_small_actor(folder: Path) -> Actor:
    """An actor with a face, a memory of six patches, and the take `one` of three frames."""
    made, chance = make_actor(folder, "Somebody", _CONSENT, 32), np.random.default_rng(0)
    face = ActorFace(
        chance.normal(size=(POINTS, 3)).astype(np.float32),
        chance.normal(size=(4, POINTS, 3)).astype(np.float32),
        np.zeros((5, 3), np.int32),
        np.zeros((53, 4), np.float32),
    )
    save_face(made, face)
    bank = MemoryBank(
        actor=made.identifier,
        keys=chance.normal(size=(6, 20)).astype(np.float32),
        patches=chance.integers(0, 256, (6, 32, 32, 3), np.uint8),
        points=chance.uniform(0, 32, (6, len(MOUTH_REGION), 2)).astype(np.float32),
        take=np.zeros(6, np.uint16),
        frame=np.arange(6, dtype=np.int32),
        sharpness=np.ones(6, np.float32),
        takes=("one",),
    )
    save_memory(made, bank)
    take = Take(
        plate="plate.mp4",
        plate_sha256="0" * 64,
        size=(360, 288),
        numbers=np.arange(_ROWS, dtype=np.int32),
        motion=FaceMotion(np.zeros((_ROWS, 52), np.float32), ARKIT_52, 25.0, 0.0),
        landmarks=np.zeros((_ROWS, POINTS, 3), np.float32),
        head=np.repeat(np.eye(4, dtype=np.float32)[None], _ROWS, 0),
        focal_px=500.0,
        expression=np.zeros((_ROWS, 4), np.float32),
        crop=np.zeros((_ROWS, 2, 3), np.float32),
        colour=np.zeros((_ROWS, 3, 2), np.float32),
        confidence=np.ones(_ROWS, np.float32),
        gaps=np.zeros(_ROWS, np.uint8),
    )
    return save_take(made, "one", take)
