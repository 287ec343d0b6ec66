"""Filmed heads as batches: poses in units of each speaker's own movement, and sound for free runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ...inference.performance.head_features import HeadFeatures
from .head_net import MANNERS

if TYPE_CHECKING:
    from .head_data import HeadClip

FRAMES = 74
"""Frames of a stretch of sound: a GRID clip."""
SHORT = 26
"""Frames of the clips of lrc_ar."""
_SOUND_SHARES = (0.7, 0.15, 0.15)
"""Of the sound that the generator runs on, by corpus, where it is not the manner's own."""
_OWN_SOUND = 0.6


@dataclass(frozen=True)
class Stretch:
    """A clip for training: `pose` (T, 3) in units of the speaker's spread of velocity per frame, `features`
    (T, F), `manner` index of its corpus in `MANNERS`, `unit` (3,) radians."""

    pose: Tensor
    features: Tensor
    manner: int
    unit: np.ndarray
    name: str


def units(clips: list[HeadClip]) -> dict[str, np.ndarray]:
    """Per speaker float64 [3]: standard deviation of the velocity per frame in radians, of the clips that are
    trained on where the speaker has such."""
    trained = {clip.speaker for clip in clips if not clip.held_out}
    moves: dict[str, list[np.ndarray]] = {}
    for clip in clips:
        if not clip.held_out or clip.speaker not in trained:
            moves.setdefault(clip.speaker, []).append(np.diff(clip.pose, axis=0))
    return {who: np.concatenate(parts).std(0).astype(np.float64) for who, parts in moves.items()}


def stretches(clips: list[HeadClip]) -> list[Stretch]:
    """The clips ready for training, in each speaker's unit (see `units`)."""
    spread, made = units(clips), []
    for clip in clips:
        features = HeadFeatures().feed(clip.prosody, clip.visemes)
        unit = spread[clip.speaker]
        pose = torch.from_numpy((clip.pose / unit).astype(np.float32))
        made.append(
            Stretch(pose, torch.from_numpy(features), MANNERS.index(clip.corpus), unit, clip.name)
        )  # fmt: skip
    return made


class Sampler:
    """Draws from stretches, by a seeded generator."""

    def __init__(self, data: list[Stretch], seed: int) -> None:
        self._of = [[s for s in data if s.manner == m] for m in range(len(MANNERS))]
        self._random = np.random.default_rng(seed)

    def manners(self, count: int) -> Tensor:
        """(count, 3): mostly one manner, sometimes a mixture of all."""
        pure = np.eye(len(MANNERS))[self._random.choice(len(MANNERS), count, p=(0.5, 0.2, 0.3))]
        mixed = self._random.dirichlet(np.ones(len(MANNERS)), count)
        pick = self._random.random(count)[:, None] < 0.75
        return torch.from_numpy(np.where(pick, pure, mixed).astype(np.float32))

    def poses(self, manner: Tensor, frames: int) -> Tensor:
        """(B, frames, 3), of each row's manner (drawn by its weights among those with clips so long)."""
        rows = []
        long_enough = np.array([any(len(s.pose) >= frames for s in of) for of in self._of])
        for weights in manner.numpy() * long_enough:
            m = int(self._random.choice(len(MANNERS), p=weights / weights.sum()))
            rows.append(self._window(m, frames)[0])
        return torch.stack(rows)

    def clips(self, manner: int, frames: int) -> Tensor:
        """(N, frames, 3): all film of one manner, in windows that overlap by half."""
        held = [s.pose.unfold(0, frames, frames // 2) for s in self._of[manner] if len(s.pose) >= frames]
        return torch.cat(held).transpose(1, 2)

    def pairs(self, count: int, frames: int, manners: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Poses (count, frames, 3) and the features of the same moments (count, frames, F)."""
        sizes = np.array([sum(len(s.pose) for s in self._of[m]) for m in manners], float)
        picks = self._random.choice(len(manners), count, p=sizes / sizes.sum())
        drawn = [self._window(manners[k], frames) for k in picks]
        return torch.stack([a for a, _ in drawn]), torch.stack([b for _, b in drawn])

    def sound(self, manner: Tensor, own: float = _OWN_SOUND) -> Tensor:
        """Features (B, FRAMES, F) for free runs: for this share of the corpus of each row's manner, else of
        any; short clips are put one after the other."""
        rows = []
        for weights in manner.numpy():
            shares = weights / weights.sum() if self._random.random() < own else _SOUND_SHARES
            m = int(self._random.choice(len(MANNERS), p=shares))
            if MANNERS[m] == "lrc_ar":
                rows.append(torch.cat([self._window(m, SHORT)[1] for _ in range(3)])[:FRAMES])
            else:
                rows.append(self._window(m, FRAMES)[1])
        return torch.stack(rows)

    def _window(self, manner: int, frames: int) -> tuple[Tensor, Tensor]:
        while True:
            stretch = self._of[manner][self._random.integers(len(self._of[manner]))]
            room = len(stretch.pose) - frames
            if room >= 0:
                at = int(self._random.integers(room + 1))
                return stretch.pose[at : at + frames], stretch.features[at : at + frames]
