"""Measure head motion against film that nothing was trained on, beside two simple baselines.

    python -m soliloquy.models.evaluate_head --shared ../shared [--weights FILE] [--json FILE]

What is measured is what ships: the weight file, run by `inference.performance.head` on the held-out clips one
after the other, without an instruction. How far somebody moves is not in the voice: film, made motion and
baselines are compared in the amplitude of the speaker, three numbers that come from training clips or, for
the faces of lrc_ar that have none, from their own. Baselines: noise with the spectrum of the training film;
one filmed clip, repeated. The syncers that judge learnt from the half of the training clips that those of the
loss did not see, with another seed.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..inference.instruction.values import ACTIONS
from ..inference.performance.head import HEAD_WEIGHTS, HeadModel, HeadStyle, head_motion, load_head_model
from .performance.head_batches import FRAMES, SHORT, Stretch, stretches
from .performance.head_data import HeadClip, load_heads
from .performance.head_measures import (
    copied,
    frechet,
    noise_like,
    pose_spread,
    velocities,
    velocity_error,
    window_statistics,
)
from .performance.head_net import MANNERS
from .performance.head_sync import sync_scores, train_syncers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .speech.sync import MultiScaleSync

JUDGE_SEED, JUDGE_STEPS = 77, 600
SEEDS = (1, 2, 3)
_WINDOW = {"grid_s1": 36, "us_gov": 36, "lrc_ar": SHORT}
"""Frames of a window of the Fréchet distance."""


@dataclass(frozen=True)
class Held:
    """Held-out film of one corpus in stretches of equal length: `film` poses in radians, the same in the
    speaker's `units`, the features of the same moments; `prosody` and `visemes` of all of them in a row;
    `train` poses of the training film in units of its speakers."""

    corpus: str
    film: list[np.ndarray]
    units: list[np.ndarray]
    features: list[Tensor]
    prosody: np.ndarray
    visemes: np.ndarray
    train: list[np.ndarray]

    @property
    def frames(self) -> int:
        """Of a stretch."""
        return len(self.film[0])


def held_out(clips: list[HeadClip], data: list[Stretch], corpus: str) -> Held:
    """Cut the film of a corpus into stretches of a GRID clip's length, those of lrc_ar of one second."""
    frames = SHORT if corpus == "lrc_ar" else FRAMES
    film, units, features, prosody, visemes, train = [], [], [], [], [], []
    for clip, stretch in zip(clips, data, strict=True):
        if clip.corpus != corpus:
            continue
        for at in range(0, len(clip.pose) - frames + 1, frames):
            rows, fine = slice(at, at + frames), slice(2 * at, 2 * (at + frames))
            if not clip.held_out:
                train.append(clip.pose[rows] / stretch.unit)
                continue
            film.append(clip.pose[rows].astype(float))
            units.append(stretch.unit)
            features.append(stretch.features[rows])
            prosody.append(clip.prosody[fine])
            visemes.append(clip.visemes[fine])
    return Held(corpus, film, units, features, np.concatenate(prosody), np.concatenate(visemes), train)


def generate(held: Held, model: HeadModel, seed: int, *, shuffled: bool = False) -> list[np.ndarray]:
    """Head motion in radians at 25 Hz for every stretch; `shuffled`: to the sound of other stretches."""
    own = np.array(model.graph.card["manners"][held.corpus])
    pitch, yaw, roll = own / np.array(model.unit)
    weights = tuple(float(name == held.corpus) for name in MANNERS)
    style = HeadStyle(amplitude=(pitch, yaw, roll), manner=weights)
    shift = 2 * held.frames * (len(held.film) // 3 + 1) if shuffled else 0
    prosody, visemes = (np.roll(x, shift, axis=0) for x in (held.prosody, held.visemes))
    actions = np.zeros((len(prosody), len(ACTIONS)), np.float32)
    motion = head_motion(prosody, visemes, actions, seed, model, style)[::2] / own
    return _in_radians(motion.reshape(-1, held.frames, 3), held)


def _in_radians(poses: Iterable[np.ndarray], held: Held) -> list[np.ndarray]:
    return [pose * unit for pose, unit in zip(poses, held.units, strict=True)]


def _in_units(poses: list[np.ndarray], held: Held) -> list[Tensor]:
    """For the syncers: in units of the speaker who says the line, film and anything else."""
    return [torch.from_numpy((p / u).astype(np.float32)) for p, u in zip(poses, held.units, strict=True)]


def measure(held: Held, poses: list[np.ndarray], judge: MultiScaleSync) -> dict[str, list[float] | float]:
    """Every measure of one set of poses."""
    window = _WINDOW[held.corpus]
    return {
        "spread": (pose_spread(poses) / pose_spread(held.film)).tolist(),
        "velocity": (velocities(poses).std(0) / velocities(held.film).std(0)).tolist(),
        "speed_error": velocity_error(poses, held.film).tolist(),
        "frechet": _frechet(window_statistics(poses, window), window_statistics(held.film, window)),
        "sync": sync_scores(judge, _in_units(poses, held), held.features),
    }


def _frechet(made: np.ndarray, film: np.ndarray) -> float:
    """NaN where film has too few windows for the covariance of its statistics."""
    return frechet(made, film) if len(film) > 3 * film.shape[1] else float("nan")


def _mean(parts: list[dict]) -> dict:
    return {key: np.mean([part[key] for part in parts], axis=0).tolist() for key in parts[0]}


def evaluate(clips: list[HeadClip], model: HeadModel, judge: MultiScaleSync) -> dict[str, dict[str, dict]]:
    """By corpus and by system: what `measure` says, the mean over seeds."""
    data, table = stretches(clips), {}
    for corpus in MANNERS:
        held = held_out(clips, data, corpus)
        lengths = [held.frames] * len(held.film)
        systems = {
            "film": [held.film],
            "other film": [_in_radians(_spread_out(held.train, len(lengths)), held)],
            "generated": [generate(held, model, seed) for seed in SEEDS],
            "generated, sound shuffled": [generate(held, model, seed, shuffled=True) for seed in SEEDS],
            "noise": [_in_radians(noise_like(held.train, lengths, seed), held) for seed in SEEDS],
            "copied clip": [_in_radians(copied(held.train, lengths, seed), held) for seed in range(6)],
        }
        table[corpus] = {
            name: _mean([measure(held, poses, judge) for poses in drawn]) for name, drawn in systems.items()
        }
        table[corpus]["generated"]["apart"] = takes_apart(systems["generated"], held.film)
    return table


def takes_apart(takes: list[list[np.ndarray]], film: list[np.ndarray]) -> list[float]:
    """[3]: mean distance (root mean square within clips) of two takes, as a share of film's spread."""
    pairs = [(a, b) for i, a in enumerate(takes) for b in takes[i + 1 :]]
    distances = [pose_spread([x - y for x, y in zip(a, b, strict=True)]) for a, b in pairs]
    return (np.mean(distances, axis=0) / pose_spread(film)).tolist()


def _spread_out(poses: list[np.ndarray], count: int) -> list[np.ndarray]:
    """`count` of the poses, evenly picked."""
    return [poses[round(i * (len(poses) - 1) / max(1, count - 1))] for i in range(count)]


def load_judge(clips: list[HeadClip], cache: Path) -> MultiScaleSync:
    """The syncers that measure; trained if `cache` does not hold them."""
    data = [s for s, clip in zip(stretches(clips), clips, strict=True) if not clip.held_out]
    if not cache.exists():
        torch.save(train_syncers(data[1::2], JUDGE_SEED, JUDGE_STEPS).state_dict(), cache)
    judge = train_syncers(data[:1], JUDGE_SEED, 0)
    judge.load_state_dict(torch.load(cache, weights_only=True))
    return judge.eval()


def show(table: dict[str, dict[str, dict]]) -> str:
    """The table as Markdown."""
    lines = [
        "| film | motion | rotation std / film's (pitch, yaw, roll) | velocity std / film's "
        "| error of speeds % | Fréchet | sync at 4 levels |",
        "|---|---|---|---|---|---:|---|",
    ]
    for corpus, systems in table.items():
        for name, found in systems.items():
            ratio, velocity = (" ".join(f"{v:.2f}" for v in found[key]) for key in ("spread", "velocity"))
            error = " ".join(f"{100 * v:.0f}" for v in found["speed_error"])
            sync = " ".join(f"{v:.3f}" for v in found["sync"])
            distance = "-" if np.isnan(found["frechet"]) else f"{found['frechet']:.1f}"
            lines.append(f"| {corpus} | {name} | {ratio} | {velocity} | {error} | {distance} | {sync} |")
    lines.append("")
    for corpus, systems in table.items():
        apart = " ".join(f"{v:.2f}" for v in systems["generated"]["apart"])
        lines.append(
            f"Two takes of a line of {corpus} are apart by {apart} of film's spread (pitch, yaw, roll)."
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--weights", type=Path, default=HEAD_WEIGHTS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    clips = load_heads(arguments.shared, arguments.cache / "heads.npz")
    judge = load_judge(clips, arguments.cache / "head_judge.pt")
    table = evaluate(clips, load_head_model(arguments.weights), judge)
    print(show(table))
    if arguments.json:
        arguments.json.write_text(json.dumps(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
