"""Looking through a plate once: the tracked points of every frame, and what tells whether they can be used.

Frames are not kept: of each there remain its points and channels, the colours of the skin, a thumbnail, how
sharp the face is and a small picture of the mouth, about 8 kB together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...errors import Cancelled
from .. import colour
from ..landmarks import LIPS_OUTER
from ..media.plate import ahead
from ..types import POINTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ...types import FloatArray
    from ..media.plate import Plate
    from ..types import PlateFrame, PlateInfo
    from .tracking import Tracker

MOUTH_SIDE: Final = 16
"""Pixels of the small picture of the mouth, and
how many samples are averaged for each, per side."""
_MOUTH_SAMPLES: Final = 4
_MOUTH_REACH: Final = 0.62
"""Half the side of the mouth's picture, as a share of the distance of the eyes' outer corners."""
_THUMB: Final = (18, 32)
_FACE_SIDE: Final = 128


@dataclass(frozen=True)
class Observed:
    """What was seen in the T frames of a plate; NaN where there was no face.

    `numbers` int32 [T]; `landmarks` float32 [T, 478, 3] plate pixels; `channels` float32 [T, 52] of ARKit;
    `faces` uint8 [T] how many; `damaged` bool [T]; `skin` float32 [T, K, 3], see `colour.skin`; `sharpness`
    float32 [T]; `thumbs` uint8 [T, 18, 32, 3]; `mouths` uint8 [T, 16, 16, 3].
    """

    info: PlateInfo
    numbers: NDArray[np.int32]
    landmarks: FloatArray
    channels: FloatArray
    faces: NDArray[np.uint8]
    damaged: NDArray[np.bool_]
    skin: FloatArray
    sharpness: FloatArray
    thumbs: NDArray[np.uint8]
    mouths: NDArray[np.uint8]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """bool [T], where there is a face."""
        return np.asarray(self.faces > 0)

    def __len__(self) -> int:
        return len(self.numbers)


def observe(
    plate: Plate,
    tracker: Tracker,
    progress: Callable[[float], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Observed:
    """Track a plate from its first frame to its last; it is decoded in a thread beside the tracker.

    Args:
        progress: called with shares 0..1.
        cancelled: asked before each frame.

    Raises:
        Cancelled: the user stopped.
    """
    rows: list[tuple[Any, ...]] = []
    total = plate.info.frames
    for frame in ahead(plate.frames()):
        if cancelled():
            raise Cancelled
        rows.append(_row(frame, tracker))
        if total:
            progress(min(1.0, len(rows) / total))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 9
    return Observed(
        plate.info,
        np.array(columns[0], np.int32),
        _stacked(columns[1], (POINTS, 3)),
        _stacked(columns[2], (52,)),
        np.array(columns[3], np.uint8),
        np.array(columns[4], np.bool_),
        _stacked(columns[5], (len(colour.SITES), 3)),
        np.array(columns[6], np.float32),
        np.array(columns[7], np.uint8).reshape(-1, *_THUMB, 3),
        np.array(columns[8], np.uint8).reshape(-1, MOUTH_SIDE, MOUTH_SIDE, 3),
    )


def _stacked(values: tuple[Any, ...], shape: tuple[int, ...]) -> FloatArray:
    return np.array(values, np.float32).reshape(-1, *shape)


def _row(frame: PlateFrame, tracker: Tracker) -> tuple[Any, ...]:
    found = tracker.track(frame.rgb)
    return (
        frame.number,
        found.landmarks,
        found.channels,
        found.faces,
        frame.damaged,
        colour.skin(frame.rgb, found.landmarks),
        sharpness(frame.rgb, found.landmarks),
        thumb(frame.rgb),
        mouth(frame.rgb, found.landmarks),
    )


def thumb(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture in 32 x 18 pixels: means of a few samples each."""
    fine = _picked(
        rgb, *(np.linspace(0.5, 0.999 * side, 4 * n) for side, n in zip(rgb.shape, _THUMB, strict=False))
    )
    return _averaged(fine, 4)


def mouth(rgb: NDArray[np.uint8], landmarks: FloatArray) -> NDArray[np.uint8]:
    """The mouth and what is round it, upright with the picture, 16 x 16 pixels; black without a face."""
    centre = landmarks[list(LIPS_OUTER), :2].mean(0)
    reach = float(np.hypot(*(landmarks[263, :2] - landmarks[33, :2]))) * _MOUTH_REACH
    if not np.isfinite(reach) or not np.isfinite(centre).all():
        return np.zeros((MOUTH_SIDE, MOUTH_SIDE, 3), np.uint8)
    steps = np.linspace(-reach, reach, MOUTH_SIDE * _MOUTH_SAMPLES)
    return _averaged(_picked(rgb, centre[1] + 0.25 * reach + steps, centre[0] + steps), _MOUTH_SAMPLES)


def sharpness(rgb: NDArray[np.uint8], landmarks: FloatArray) -> float:
    """How much fine detail the lower face has: the variance of the Laplacian of its logarithmic brightness,
    at up to 128 pixels a side; NaN without a face."""
    if not np.isfinite(landmarks).all():
        return float("nan")
    points = landmarks[[*LIPS_OUTER, 1, 33, 263, 152], :2]
    low = np.clip(points.min(0).astype(int), 0, None)
    high = np.clip(points.max(0).astype(int) + 1, 0, (rgb.shape[1], rgb.shape[0]))
    if (high - low < 8).any():
        return float("nan")
    step = max(1, int(max(high - low)) // _FACE_SIDE)
    grey = np.log(rgb[low[1] : high[1] : step, low[0] : high[0] : step, 1].astype(np.float32) + 16.0)
    bent = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(bent.var())


def _picked(rgb: NDArray[np.uint8], down: NDArray[Any], across: NDArray[Any]) -> NDArray[np.uint8]:
    rows = np.clip(down, 0, rgb.shape[0] - 1).astype(np.intp)
    columns = np.clip(across, 0, rgb.shape[1] - 1).astype(np.intp)
    return np.asarray(rgb[rows[:, None], columns[None]])


def _averaged(fine: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    height, width = fine.shape[0] // by, fine.shape[1] // by
    blocks = fine.reshape(height, by, width, by, 3)
    return np.asarray(np.rint(blocks.mean((1, 3), dtype=np.float32)), np.uint8)
