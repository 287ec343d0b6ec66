"""A held-out clip and what a painter makes of it: the plate as filmed and as painted, and scores."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from ..inference.actor.crop import HOLE, hole, invert, paste, to_crop
from ..inference.actor.footage import usable_rows
from ..inference.actor.landmarks import LIPS_INNER, LIPS_OUTER, MOUTH_REGION
from ..inference.actor.memory.coverage import teeth
from . import image_metrics as metrics

if TYPE_CHECKING:
    from ..inference.actor.types import Take

LIPS: Final = list(dict.fromkeys((*LIPS_OUTER, *LIPS_INNER)))
EYES: Final = (33, 263)
"""Outer corners: their distance is the unit of distances that are compared across plates."""
_GAPS: Final = ((13, 14), (82, 87), (312, 317))
"""Upper and lower inner lip, at three places."""
_LIP_MARGIN: Final = 0.2
"""Round the lips in the box of the lips, as a share of their width."""
_MET: Final = ("b", "p", "m")
_ONSET: Final = 0.4
"""Share of a word in which its first sound falls."""


@dataclass(frozen=True)
class Trial:
    """A clip as it was filmed: `frames` uint8 [T, H, W, 3], row i is row i of `take`."""

    name: str
    frames: np.ndarray
    take: Take
    crop_size: int

    @property
    def rows(self) -> np.ndarray:
        """Rows that can be judged: the mouth is seen."""
        return usable_rows(self.take)

    def box(self, row: int) -> tuple[slice, slice]:
        """Rows and columns of the plate's pixels under the hole: the mouth region of one frame."""
        left, top, right, bottom = (share * self.crop_size for share in HOLE)
        corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]], np.float32)
        return self._slices(to_crop(corners, invert(self.take.crop[row])))

    def lip_box(self, row: int) -> tuple[slice, slice]:
        """Rows and columns of the lips with a small margin."""
        lips = self.take.landmarks[row, LIPS, :2]
        margin = _LIP_MARGIN * np.ptp(lips[:, 0])
        return self._slices(np.stack([lips.min(0) - margin, lips.max(0) + margin]))

    def _slices(self, points: np.ndarray) -> tuple[slice, slice]:
        high, wide = self.frames.shape[1:3]
        low = np.clip(np.floor(points.min(0)), 0, (wide, high)).astype(int)
        end = np.clip(np.ceil(points.max(0)), 0, (wide, high)).astype(int)
        return slice(low[1], end[1]), slice(low[0], end[0])

    @cached_property
    def painted_parts(self) -> np.ndarray:
        """bool [H, W]: pixels that are painted by more than half in every frame."""
        high, wide = self.frames.shape[1:3]
        mask = hole(self.crop_size)[..., None]
        parts = np.ones((high, wide), bool)
        for row in self.rows:
            down, across = self.box(int(row))
            matte = paste(mask, self.take.crop[row], (across.start, down.start, across.stop, down.stop))
            inside = np.zeros((high, wide), bool)
            inside[down, across] = matte[..., 0] > 0.5
            parts &= inside
        return parts


@dataclass(frozen=True)
class Score:
    """How one clip was painted, in the mouth region at the plate's resolution; see `image_metrics`."""

    psnr: float
    ssim: float
    sharpness: float
    """By that of the plate."""
    flicker: float
    """By that of the plate."""
    psnr_lips: float


def score(trial: Trial, painted: np.ndarray) -> Score:
    """Compare painted frames uint8 [T, H, W, 3] with the filmed ones."""
    rows = [int(row) for row in trial.rows]
    pairs = [(painted[row][trial.box(row)], trial.frames[row][trial.box(row)]) for row in rows]
    lips = [(painted[row][trial.lip_box(row)], trial.frames[row][trial.lip_box(row)]) for row in rows]
    still = metrics.still_parts(trial.frames) & trial.painted_parts
    still &= (np.isin(np.arange(len(still)), rows) & np.isin(np.arange(len(still)) + 1, rows))[:, None, None]
    return Score(
        psnr=float(np.mean([metrics.psnr(*pair) for pair in pairs])),
        ssim=float(np.mean([metrics.ssim(*pair) for pair in pairs])),
        sharpness=metrics.sharpness_ratio([p for p, _ in pairs], [f for _, f in pairs]),
        flicker=metrics.flicker(painted, still) / metrics.flicker(trial.frames, still),
        psnr_lips=float(np.mean([metrics.psnr(*pair) for pair in lips])),
    )


def mean_score(scores: list[Score]) -> Score:
    """Means over clips; what is unknown for a clip is left out of its mean."""
    return Score(*(float(np.nanmean([getattr(one, f.name) for one in scores])) for f in fields(Score)))


def aperture(landmarks: np.ndarray) -> np.ndarray:
    """[T]: gap between the inner lips by the distance of the eyes' outer corners, of [T, 478, 2 or 3]."""
    gaps = [np.linalg.norm(landmarks[:, a, :2] - landmarks[:, b, :2], axis=1) for a, b in _GAPS]
    return np.mean(gaps, axis=0) / eye_distance(landmarks)


def eye_distance(landmarks: np.ndarray) -> np.ndarray:
    """[T] distance between the eyes' outer corners."""
    return np.linalg.norm(landmarks[:, EYES[0], :2] - landmarks[:, EYES[1], :2], axis=1)


def lip_error(found: np.ndarray, filmed: np.ndarray) -> float:
    """Mean distance of the lips' points in two trackings [T, 478, 3], in per cent of the eyes' distance.

    Nothing is aligned: both are in the pixels of one plate, whose head was not painted.
    """
    distance = metrics.lip_distance_px(found[:, LIPS, :2], filmed[:, LIPS, :2])
    return float(np.mean(distance / eye_distance(filmed)) * 100)


def frames_with_teeth(trial: Trial, crops: dict[int, np.ndarray]) -> list[tuple[float, int]]:
    """(how much of teeth is seen in an open mouth, row), the most first; `crops` float32 [S, S, 3] by row."""
    points = to_crop(trial.take.landmarks[:, list(MOUTH_REGION)], trial.take.crop)
    gap = aperture(trial.take.landmarks)
    seen = [(float(teeth(crops[row], points[row]) * gap[row]), row) for row in crops]
    return sorted(seen, reverse=True)


def frames_with_closures(trial: Trial, words: list[tuple[float, float, str]]) -> list[tuple[float, int]]:
    """(gap, row) of the most closed frame at each word that begins with b, p or m, the least gap first.

    Args:
        trial: the clip.
        words: beginning and end in seconds, and the word.
    """
    gap, found = aperture(trial.take.landmarks), []
    rate_hz = trial.take.motion.rate_hz
    for start_s, end_s, word in words:
        if not word.startswith(_MET):
            continue
        first = max(0, round(start_s * rate_hz) - 2)
        stop = round((start_s + _ONSET * (end_s - start_s)) * rate_hz) + 1
        rows = [row for row in range(first, min(stop, len(gap))) if row in trial.rows]
        if rows:
            row = min(rows, key=lambda one: gap[one])
            found.append((float(gap[row]), row))
    return sorted(found)
