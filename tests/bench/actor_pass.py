"""Speed of the photoreal pass, as one table.

    python tests/bench/actor_pass.py ACTOR [--plate FILE --face-model FILE] [--json FILE]

Everything runs on two threads, as the targets are. Machines differ and are shared, so every row also stands
as a multiple of a yardstick measured in the same run: decoding a plate, frame by frame, to RGB pictures.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "2")  # before numpy and onnxruntime: they read it once

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from measure import Row, tell, usual, wall_s
from soliloquy.inference.actor.capture.capture import capture
from soliloquy.inference.actor.folder import open_actor
from soliloquy.inference.actor.footage import open_footage
from soliloquy.inference.actor.media.plate import open_plate
from soliloquy.inference.actor.memory.bank import build_memory, load_memory
from soliloquy.inference.actor.painting.render import Painter, paint_shot, shot_of
from soliloquy.inference.actor.painting.renderer import dummy_feeds, load_renderer
from soliloquy.inference.actor.take import load_take
from soliloquy.models.train_renderer import usual_patches

if TYPE_CHECKING:
    from soliloquy.inference.actor.folder import Actor

THREADS = 2
CROP = 256
"""Side of the crop that the target of ten frames a second is about."""
BATCH = 4
MEMORY_MINUTES = 5.0
CONSENT = "Measured here and deleted at once: nothing is published"


def row(what: str, frames: int, taken_s: float, yardstick_s: float, goal: str = "") -> Row:
    """Frames a second, and how many frames could be decoded meanwhile for each."""
    return Row(what, frames / taken_s, "frames / s", taken_s / frames / yardstick_s, goal)


def decode(plate: Path) -> int:
    """The yardstick; gives the number of frames."""
    with open_plate(plate) as opened:
        return sum(1 for _ in opened.frames())


def capture_row(plate: Path, face_model: Path, yardstick_s: float, goal: str) -> Row:
    """Tracking and fitting one plate as a new actor, start of the tracker included."""
    with tempfile.TemporaryDirectory() as folder, open_plate(plate) as opened:
        frames, size = decode(plate), f"{opened.info.width} x {opened.info.height}"
        start = time.perf_counter()
        capture([plate], Path(folder) / "actor", consent=CONSENT, face_model=face_model)
        return row(f"capture, {size}", frames, time.perf_counter() - start, yardstick_s, goal)


def memory_row(actor: Actor, yardstick_s: float) -> Row:
    """The memory as shipped, of all takes but those held out; per frame of plate."""
    used = taken_into_memory(actor)
    frames = sum(len(load_take(actor, name)) for name in used)
    without = [name for name in actor.takes if name not in used]
    taken_s = wall_s(lambda: build_memory(actor, without=without), 1)
    minutes = frames / load_take(actor, used[0]).motion.rate_hz / 60
    made = row(f"build the memory of {minutes:.1f} minutes ({taken_s:.0f} s)", frames, taken_s, yardstick_s)
    per_five = MEMORY_MINUTES / 3 * 60  # five minutes of plate in three: seconds of plate per minute of work
    return replace(made, goal=f">= {per_five * 25 / 60:.0f}")


def taken_into_memory(actor: Actor) -> tuple[str, ...]:
    """Names of the takes that the actor's memory was built from."""
    return load_memory(actor).takes


def paint_rows(actor: Actor, yardstick_s: float) -> list[Row]:
    """The pass on a take that memory lacks, and the renderer alone at the target's size."""
    painter = Painter(actor, threads=THREADS)
    name = next((name for name in actor.takes if name not in painter.bank.takes), actor.takes[-1])
    take = load_take(actor, name)
    shot = shot_of(painter.face, take, None, take.motion.rate_hz, 1)

    def whole() -> None:
        plan = painter.plan(shot)
        with open_footage(actor, name, take) as plate:
            for _ in paint_shot(painter, shot, plan, plate, range(len(take))):
                pass

    side = painter.size
    rows = [
        row(
            f"the pass, crop of {side} x {side}, plate and paste included",
            len(take),
            wall_s(whole),
            yardstick_s,
        )
    ]
    renderer = load_renderer(actor.renderer, painter.bank, threads=THREADS)
    for size in sorted({side, CROP}):
        patches = min(renderer.patches, usual_patches(size))
        feeds = dummy_feeds(BATCH, patches, size, np.random.default_rng(0))
        taken_s = wall_s(lambda feeds=feeds: renderer._graph.run(**feeds))
        goal = ">= 10" if size == CROP else ""
        what = f"renderer alone, crop of {size} x {size}, {patches} patches"
        rows.append(row(what, BATCH, taken_s, yardstick_s, goal))
    return rows


def main() -> int:
    """Measure, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description="Speed of the photoreal pass, as a table.")
    parser.add_argument("actor", type=Path, help="an actor folder with memory and renderer")
    parser.add_argument(
        "--plate", type=Path, action="append", default=[], help="plate to capture; may be repeated"
    )
    parser.add_argument("--face-model", type=Path, help="of MediaPipe, for --plate")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    arguments = parser.parse_args()
    actor = open_actor(arguments.actor)
    first = load_take(actor, actor.takes[0])
    with open_footage(actor, actor.takes[0], first) as plate:
        path = plate.info.path
    frames = decode(path)
    yardstick_s = wall_s(lambda: decode(path)) / frames
    rows = [Row("yardstick: decode the actor's first plate", 1 / yardstick_s, "frames / s", 1.0)]
    for place in arguments.plate:
        with open_plate(place) as opened:
            goal = ">= 20" if opened.info.height <= 288 else ">= 8"
        rows.append(capture_row(place, arguments.face_model, yardstick_s, goal))
    rows += [memory_row(actor, yardstick_s), *paint_rows(actor, yardstick_s)]
    tables = [usual("The photoreal pass", rows)]
    tell(tables, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
