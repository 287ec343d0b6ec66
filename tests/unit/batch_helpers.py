"""Lists of shots and their sounds, for tests of batches."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import soundfile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

RATE_HZ = 16_000


def sound(path: Path, duration_s: float = 0.4, seed: int = 1) -> Path:
    """A short noise as a wav file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(0.0, 0.1, int(duration_s * RATE_HZ))
    soundfile.write(path, noise, RATE_HZ)
    return path


def sounds(folder: Path, count: int, duration_s: float = 0.4) -> list[str]:
    """Noises `line_00.wav` ... in a folder; their names."""
    names = [f"line_{i:02d}.wav" for i in range(count)]
    for i, name in enumerate(names):
        sound(folder / name, duration_s, seed=i)
    return names


def table(path: Path, rows: Iterable[Mapping[str, object]], separator: str = ",") -> Path:
    """A list of shots as a table, with the columns that any row has."""
    rows = list(rows)
    titles = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, titles, delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def listed(folder: Path, count: int, duration_s: float = 0.4) -> Path:
    """A list of `count` sounds beside it."""
    return table(folder / "shots.csv", [{"audio": name} for name in sounds(folder, count, duration_s)])


def manifest(out: Path) -> dict:
    """What `manifest.json` of a batch says."""
    return json.loads((out / "manifest.json").read_text("utf-8"))
