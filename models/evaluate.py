"""Agreement of a network with tracked mouths that it was not trained on."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import torch

from .data.corpora import width_slope

if TYPE_CHECKING:
    from pathlib import Path

    from .data.corpora import Line
    from .speech.net import SpeechNet

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


def agreement(net: SpeechNet, lines: list[Line], basis: np.ndarray) -> dict[str, tuple[float, float]]:
    """Per corpus: mean over lines of r(aperture), and r of the width beyond what the aperture implies.

    The residual's slope is taken per speaker, as lipbench's `shape_r` does.
    """
    by_speaker: dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    for line in lines:
        predicted = predict_line(net, line) @ basis.T
        by_speaker[line.corpus, line.speaker].append((predicted[line.valid], line.curves_mm[line.valid]))
    scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for (corpus, _), pairs in by_speaker.items():
        everything = [np.concatenate(side) for side in zip(*pairs, strict=True)]
        slopes = [width_slope(x) for x in everything]
        for predicted, truth in pairs:
            shapes = [x[:, 1] - s * x[:, 0] for x, s in zip((predicted, truth), slopes, strict=True)]
            scores[corpus].append((_correlation(predicted[:, 0], truth[:, 0]), _correlation(*shapes)))
    return {c: tuple(np.mean(v, axis=0)) for c, v in scores.items()}
