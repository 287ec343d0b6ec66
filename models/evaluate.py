"""Agreement of a network with tracked mouths that it was not trained on."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..inference.visemes import VISEMES
from .data.corpora import width_slope
from .speech.net import APERTURE_AT_REST_MM

if TYPE_CHECKING:
    from pathlib import Path

    from .data.corpora import Line
    from .speech.net import SpeechNet

_CLOSED_MM = 0.5
HELD_OUT_SPEAKERS = ("lrc_ar/23", "lrc_ar/25", "lrc_ar/21", "lrc_ar/32", "lrc_ar/29", "lrc_ar/20")
"""Never trained on: whole face clusters, both sexes, 184 clips."""


def held_out_split(lines: list[Line], shared: Path) -> tuple[list[Line], list[Line]]:
    """Lines to train on and lines to judge by: held-out speakers, and GRID's development sentences."""
    split = json.loads((shared / "data" / "grid_s1" / "split.json").read_text())
    kept_back = {*split["dev"], *split["dev_video"]}
    train, held_out = [], []
    for line in lines:
        unseen = line.speaker in HELD_OUT_SPEAKERS or (line.corpus == "grid_s1" and line.name in kept_back)
        (held_out if unseen else train).append(line)
    return train, held_out


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if a.std() < 1e-6 or b.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def predict_line(net: SpeechNet, line: Line) -> np.ndarray:
    """[T, K] controls for every target frame of a line."""
    missing = net.receptive_field + (len(line.controls) - 1) * 320 - net.left_context - len(line.samples)
    samples = np.pad(line.samples, (net.left_context, max(0, missing)))
    with torch.inference_mode():
        return net.predict(torch.from_numpy(samples)[None])[0].numpy()[: len(line.controls)]


@dataclass(frozen=True)
class ClipScore:
    """Agreement of one clip: r of the aperture, and of the width beyond what the aperture implies."""

    corpus: str
    speaker: str
    aperture: float
    shape: float


def clip_scores(net: SpeechNet, lines: list[Line], basis: np.ndarray) -> list[ClipScore]:
    """Scores of every filmed line; slopes of width on aperture are taken per speaker, as lipbench does."""
    by_speaker: dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    for line in lines:
        predicted = predict_line(net, line) @ basis.T
        by_speaker[line.corpus, line.speaker].append((predicted[line.valid], line.curves_mm[line.valid]))
    scores = []
    for (corpus, speaker), pairs in by_speaker.items():
        everything = [np.concatenate(side) for side in zip(*pairs, strict=True)]
        slopes = [width_slope(x) for x in everything]
        for predicted, truth in pairs:
            shapes = [x[:, 1] - s * x[:, 0] for x, s in zip((predicted, truth), slopes, strict=True)]
            aperture = _correlation(predicted[:, 0], truth[:, 0])
            scores.append(ClipScore(corpus, speaker, aperture, _correlation(*shapes)))
    return scores


def agreement(net: SpeechNet, lines: list[Line], basis: np.ndarray) -> dict[str, tuple[float, float]]:
    """Per corpus: means over clips of r(aperture) and r(shape)."""
    scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for clip in clip_scores(net, lines, basis):
        scores[clip.corpus].append((clip.aperture, clip.shape))
    return {c: tuple(np.mean(v, axis=0)) for c, v in scores.items()}


def closed_share(net: SpeechNet, lines: list[Line], basis: np.ndarray) -> float:
    """Share of the sounds p, b and m in which the lips come within 0.5 mm, a frame early or late; 0..1."""
    nearest = []
    for line in lines:
        apart_mm = (predict_line(net, line) @ basis.T)[:, 0] + APERTURE_AT_REST_MM
        spoken = np.pad(line.phones == VISEMES.index("PP"), 1)
        starts, ends = np.flatnonzero(np.diff(spoken.astype(int))).reshape(-1, 2).T
        nearest += [apart_mm[max(0, a - 1) : b + 1].min() for a, b in zip(starts, ends, strict=True)]
    return float(np.mean(np.array(nearest) < _CLOSED_MM))


def confidence_interval(values: np.ndarray, groups: list[str], draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean of `values` [N]: speakers (`groups`) are drawn first, where
    there are three or more, then their clips."""
    rng = np.random.default_rng(0)
    names = sorted(set(groups))
    members = [values[[g == name for g in groups]] for name in names]
    means = []
    for _ in range(draws):
        drawn = rng.integers(len(names), size=len(names)) if len(names) >= 3 else range(len(names))
        means.append(np.mean(np.concatenate([rng.choice(members[i], len(members[i])) for i in drawn])))
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))
