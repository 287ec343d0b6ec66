"""Offset between sound and picture of every filmed clip, estimated with a network that already hears.

Copies of broadcast footage shift sound against picture, each by a little more or less. The lag at which
the predicted mouth agrees best with the filmed one is taken, with a prior against large lags that keeps
short clips from being moved by chance: on LRC-AR, the lag found on one curve raises the agreement
of the other (aperture .43 to .45, width .47 to .49), which a lag by chance lowers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .corpora import RATE_HZ, TRACKED, WIDTH_PER_APERTURE

if TYPE_CHECKING:
    from collections.abc import Callable

    from .corpora import Line

MAX_LAG_FRAMES = 5
_PRIOR = 0.03
"""Correlation that a lag of one frame must bring, per curve; two frames four times as much."""
_EDGE = 5


def _shape(curves: np.ndarray) -> np.ndarray:
    """[T, 2]: aperture, and width beyond what the aperture implies."""
    return np.stack([curves[:, 0], curves[:, 1] - WIDTH_PER_APERTURE * curves[:, 0]], axis=1)


def best_lag(predicted: np.ndarray, line: Line) -> int:
    """Frames by which the picture of `line` comes late; `predicted` [T, 6] are curves in mm."""
    guess, truth, total = _shape(predicted), _shape(line.curves_mm), len(predicted)
    scores = []
    for lag in range(-MAX_LAG_FRAMES, MAX_LAG_FRAMES + 1):
        seen = np.arange(max(0, lag) + _EDGE, min(total, total + lag) - _EDGE)
        seen = seen[line.valid[seen]]
        if len(seen) < RATE_HZ // 2:
            return 0
        pairs = zip(guess[seen - lag].T, truth[seen].T, strict=True)
        agreement = [np.corrcoef(a, b)[0, 1] if min(a.std(), b.std()) > 1e-6 else 0.0 for a, b in pairs]
        scores.append(sum(agreement) - 2 * _PRIOR * lag**2)
    return int(np.argmax(scores)) - MAX_LAG_FRAMES


def shifted(line: Line, lag: int) -> Line:
    """The line with its picture moved `lag` frames earlier."""
    source = np.arange(len(line.controls)) + lag
    inside = (source >= 0) & (source < len(source))
    source = np.clip(source, 0, len(source) - 1)
    return replace(
        line,
        controls=line.controls[source],
        curves_mm=line.curves_mm[source],
        valid=line.valid[source] & inside,
    )


def align_pictures(lines: list[Line], predict: Callable[[Line], np.ndarray]) -> tuple[list[Line], np.ndarray]:
    """Filmed lines moved by their own offset, other lines as they are; and the lags in frames.

    Args:
        lines: training lines.
        predict: line -> curves in mm [T, 6] of a network.
    """
    lags = [best_lag(predict(x), x) if x.corpus in TRACKED else 0 for x in lines]
    return [shifted(x, lag) for x, lag in zip(lines, lags, strict=True)], np.array(lags)
