"""Random crops of lines, disturbed and stacked into training batches; every choice from one seed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..speech.augment import AugmentConfig, change_speed, disturb

if TYPE_CHECKING:
    from .corpora import Line

UNFILMED = ("librispeech", "ljspeech")
"""Corpora of real speech without a film."""
_HOP = 320
_EDGE_FRAMES = 5  # lrc_ar's words are cut out of running speech: what was around their ends is not known


@dataclass(frozen=True)
class Batch:
    """`samples` (B, N), `controls` (B, T, K), `valid` (B, T) bool, `phones` (B, T) int64 with -1 for unknown,
    `speaker` (B,) int64, -1 for people who were not filmed; `unfilmed` (B,) bool, real speech without a film,
    and its sound before it was disturbed, `clean` (B', N)."""

    samples: Tensor
    controls: Tensor
    valid: Tensor
    phones: Tensor
    speaker: Tensor
    unfilmed: Tensor
    clean: Tensor


class BatchSampler:
    """Draws crops: first a corpus by its share, then a speaker, then a line, then a place in it.

    Args:
        lines: the training lines.
        shares: relative weight of each corpus.
        speakers: filmed persons in the order of the network's corrections.
        left_context, receptive_field: of the network, in samples.
        frames: targets per crop.
        augment: strengths; None leaves sound as it is.
    """

    def __init__(
        self, lines: list[Line], shares: dict[str, float], speakers: tuple[str, ...], *,
        left_context: int, receptive_field: int, frames: int, augment: AugmentConfig | None,
    ) -> None:  # fmt: skip
        self._groups: dict[str, dict[str, list[Line]]] = defaultdict(lambda: defaultdict(list))
        for line in lines:
            self._groups[line.corpus][line.speaker].append(line)
        self._corpora = sorted(c for c in self._groups if shares.get(c, 0) > 0)
        weight = np.array([shares[c] for c in self._corpora])
        self._weight = weight / weight.sum()
        self._speakers = {name: i for i, name in enumerate(speakers)}
        self._left, self._field, self._frames = left_context, receptive_field, frames
        self._augment = augment

    def _pick(self, rng: np.random.Generator) -> Line:
        group = self._groups[self._corpora[rng.choice(len(self._corpora), p=self._weight)]]
        speakers = sorted(group)
        share = np.sqrt([len(group[s]) for s in speakers])
        lines = group[speakers[rng.choice(len(speakers), p=share / share.sum())]]
        return lines[rng.integers(len(lines))]

    def _crop(self, line: Line, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        speed = 1.0
        if self._augment is not None:
            speed = 1.0 + rng.uniform(-self._augment.speed, self._augment.speed)
        total = int(len(line.controls) / speed)
        earliest = min(-self._frames // 4, total - self._frames)  # sound may begin inside the crop
        first = int(rng.integers(earliest, max(1, total - self._frames + 1)))
        source = (first + np.arange(self._frames)) * speed  # in frames of the line
        inside = (source >= 0) & (source <= len(line.controls) - 1)
        grid = np.arange(len(line.controls))
        controls = np.stack([np.interp(source, grid, c) for c in line.controls.T], axis=1).astype(np.float32)
        nearest = np.clip(np.round(source).astype(int), 0, len(line.controls) - 1)
        valid = inside & line.valid[nearest]
        if line.corpus == "lrc_ar":
            valid &= (source >= _EDGE_FRAMES) & (source <= len(line.controls) - 1 - _EDGE_FRAMES)
        phones = (
            np.where(inside, line.phones[nearest], -1)
            if line.phones is not None
            else np.full(self._frames, -1)
        )
        return self._sound(line, first, speed, rng), controls, valid, phones

    def _sound(self, line: Line, first: int, speed: float, rng: np.random.Generator) -> np.ndarray:
        start = first * _HOP - self._left
        stop = start + self._field + (self._frames - 1) * _HOP
        begin, end = int(start * speed), int(stop * speed) + 2
        piece = line.samples[max(0, begin) : max(0, end)]
        piece = np.pad(piece, (max(0, -begin), max(0, end - max(begin, 0) - len(piece))))
        sound = change_speed(piece, speed)[: stop - start]
        return np.pad(sound, (0, stop - start - len(sound)))

    def draw(self, size: int, seed: tuple[int, int]) -> Batch:
        """One batch; the same (run seed, step) gives the same batch."""
        rng = np.random.default_rng(seed)
        lines = [self._pick(rng) for _ in range(size)]
        clean, controls, valid, phones = (
            np.stack(part) for part in zip(*(self._crop(line, rng) for line in lines), strict=True)
        )
        samples = clean
        if self._augment is not None:
            samples = np.stack([disturb(sound, self._augment, rng) for sound in clean])
        speaker = torch.tensor([self._speakers.get(x.speaker, -1) for x in lines])
        unfilmed = np.array([x.corpus in UNFILMED for x in lines])
        return Batch(
            samples=torch.from_numpy(samples), controls=torch.from_numpy(controls),
            valid=torch.from_numpy(valid), phones=torch.from_numpy(phones).long(),
            speaker=speaker, unfilmed=torch.from_numpy(unfilmed), clean=torch.from_numpy(clean[unfilmed]),
        )  # fmt: skip
