"""Speed of capture: `python tests/bench/actor_capture.py PLATE... --face-model FILE`.

CPU milliseconds per frame of each stage, also as a multiple of bare decoding and tracking in the same run:
machines differ, the ratio hardly does.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: it reads this once

import argparse
import sys
import tempfile
import time
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None

from soliloquy.inference.actor.capture.capture import capture
from soliloquy.inference.actor.capture.observe import observe
from soliloquy.inference.actor.capture.tracking import Tracker, face_model_path
from soliloquy.inference.actor.media.plate import open_plate

_CONSENT = "Bench: nothing of this capture is kept"


def timed(work) -> tuple[object, float, float]:
    """What `work` gives, its CPU seconds and its seconds on the wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    made = work()
    return made, time.process_time() - cpu, time.perf_counter() - wall


def rows(path: Path, model: Path) -> tuple[str, list[tuple[str, float, float]]]:
    """What the plate is, and name, CPU ms and wall ms per frame of every stage."""
    with open_plate(path) as plate, Tracker(model) as tracker:
        info = plate.info
        frames, decode_cpu, decode = timed(lambda: sum(1 for _ in plate.frames()))
        _, bare_cpu, bare = timed(lambda: [tracker.track(frame.rgb).faces for frame in plate.frames()])
        _, seen_cpu, seen = timed(lambda: observe(plate, tracker))
    with tempfile.TemporaryDirectory() as folder:
        _, all_cpu, all_s = timed(
            lambda: capture([path], Path(folder) / "actor", consent=_CONSENT, face_model=model)
        )
    stages = [
        ("decode", decode_cpu, decode),
        ("decode and track, one after the other", bare_cpu, bare),
        ("observe: decode beside tracking, and what tells faults", seen_cpu, seen),
        ("capture: all of it, with fit and sound", all_cpu, all_s),
    ]
    shown = f"{path.name}: {frames} frames of {info.width} x {info.height}"
    return shown, [(name, 1e3 * cpu / frames, 1e3 * wall / frames) for name, cpu, wall in stages]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("plates", nargs="+", type=Path, metavar="PLATE")
    parser.add_argument("--face-model", type=Path, metavar="FILE")
    arguments = parser.parse_args(argv)
    model = face_model_path(arguments.face_model)
    for path in arguments.plates:
        shown, stages = rows(path, model)
        bare_cpu, bare = stages[1][1:]
        print(f"{shown}\n{'':56}  CPU ms  x bare  wall ms  x bare  frames/s")
        for name, cpu, wall in stages:
            print(
                f"{name:56}{cpu:8.1f}{cpu / bare_cpu:8.2f}{wall:9.1f}{wall / bare:8.2f}{1e3 / wall:10.1f}",
                flush=True,
            )
    if resource is not None:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"most memory: {most / (2**20 if sys.platform == 'darwin' else 2**10):.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
