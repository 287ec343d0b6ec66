"""What the actor's memory costs: `python tests/bench/actor_memory.py [ACTOR] [--json FILE]`.

Crops, colours, choosing and looking up on made-up data; with an actor's folder also building its memory from
its plates. CPU seconds on one core, and as multiples of the yardstick of `measure.py`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: it reads this once

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from measure import Row, cpu_s, tell, usual, yardstick_s
from soliloquy.inference.actor import colour
from soliloquy.inference.actor.crop import bounds, paste, sample
from soliloquy.inference.actor.folder import open_actor
from soliloquy.inference.actor.landmarks import MOUTH_REGION
from soliloquy.inference.actor.memory import coverage
from soliloquy.inference.actor.memory.bank import build_memory
from soliloquy.inference.actor.memory.retrieval import nearest, retrieve
from soliloquy.inference.actor.take import load_take
from soliloquy.inference.actor.types import MemoryBank

FRAMES, ENTRIES, LARGE, PATCHES = 250, 2000, 50_000, 8
DIMENSIONS, SHAPES = 461, 26
"""Numbers of a key, and of the shapes that it is made of."""


def keys(count: int, seed: int) -> np.ndarray:
    """float32 [count, DIMENSIONS] of mouths that move in few ways, one after the other."""
    shapes = np.random.default_rng(0).normal(size=(SHAPES, DIMENSIONS))
    steps = np.random.default_rng(seed).normal(size=(count, SHAPES))
    moving = np.cumsum(steps, 0) / np.sqrt(1 + np.arange(count))[:, None]
    return np.asarray(moving @ shapes * 0.01, np.float32)


def bank(count: int) -> MemoryBank:
    """A memory whose patches do not matter."""
    return MemoryBank(
        actor="bench",
        keys=keys(count, 1),
        patches=np.zeros((count, 1, 1, 3), np.uint8),
        points=np.zeros((count, len(MOUTH_REGION), 2), np.float32),
        take=(np.arange(count) // 75).astype(np.uint16),
        frame=np.arange(count, dtype=np.int32) % 75,
        sharpness=np.ones(count, np.float32),
        takes=tuple(str(take) for take in range(count // 75 + 1)),
    )


def rows_of_parts(yard_s: float) -> list[Row]:
    """A row per part, on made-up data."""
    random = np.random.default_rng(0)
    plate = random.integers(0, 256, (1080, 1920, 3), np.uint8)
    transform = np.array([[0.9, -0.1, -500], [0.1, 0.9, -300]], np.float32)
    crop = random.uniform(size=(256, 256, 3)).astype(np.float32)
    box = bounds(transform, 256, 1920, 1080)
    gain = np.array([[1.1, 0.01], [0.9, 0], [1.2, -0.02]], np.float32)
    small, large, wanted = bank(ENTRIES), bank(LARGE), keys(FRAMES, 2)
    seen = keys(3 * ENTRIES, 3)
    kind, alike = random.integers(0, 3, len(seen)).astype(np.uint8), np.ones(len(seen), np.float32)
    parts = [
        ("crop of 256 x 256 from 1080p", lambda: sample(plate, transform, 256), "per frame"),
        ("paste it back", lambda: paste(crop, transform, box), "per frame"),
        ("colours of a crop and back", lambda: colour.undo(colour.apply(crop, gain), gain), "per frame"),
        (f"choose {ENTRIES} of {len(seen)}", lambda: coverage.choose(seen, alike, kind, ENTRIES), ""),
        (f"nearest {PATCHES} of {ENTRIES}", lambda: nearest(small, wanted, PATCHES), "frames"),
        (f"coherent {PATCHES} of {ENTRIES}", lambda: retrieve(small, wanted, PATCHES), "frames"),
        (f"coherent {PATCHES} of {LARGE}", lambda: retrieve(large, wanted, PATCHES), "frames"),
    ]
    rows = []
    for what, work, unit in parts:
        taken = cpu_s(work) / (FRAMES if unit == "frames" else 1)
        label = f"{what}, per frame" if unit else what
        rows.append(Row(label, taken * 1e3, "ms", taken / yard_s))
    return rows


def rows_of_actor(folder: Path, yard_s: float) -> list[Row]:
    """Building the memory of a real actor, per second of plate."""
    actor = open_actor(folder)
    takes = [load_take(actor, name) for name in actor.takes]
    seconds = sum(len(take) / take.motion.rate_hz for take in takes)
    wall, cpu = time.perf_counter(), time.process_time()
    made = build_memory(actor)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    what = f"build the memory of {actor.name}: {len(made)} entries, {seconds:.0f} s of plate"
    return [
        Row(f"{what}, CPU", cpu / seconds * 1e3, "ms / s", cpu / seconds / yard_s, "<= 600"),
        Row(f"{what}, wall", wall, "s"),
    ]


def main() -> int:
    """Measure, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description="Speed of the actor's memory, as a table.")
    parser.add_argument("actor", nargs="?", type=Path, help="also build the memory of this actor")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    arguments = parser.parse_args()
    yard_s = yardstick_s()
    rows = [Row("yardstick: log spectrum in numpy", yard_s * 1e3, "ms / s", 1.0)]
    rows += rows_of_parts(yard_s)
    if arguments.actor:
        rows += rows_of_actor(arguments.actor, yard_s)
    tables = [usual("The actor's memory", rows)]
    tell(tables, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
