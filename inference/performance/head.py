"""Motion of the head."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HeadStyle:
    """How one person moves the head, in this take. Axes are pitch, yaw, roll as in `channels.HEAD`.

    `amplitude` factor per axis (1: as people on average), `pace` factor of speed (1: as people on average),
    `rest` radians, where the head returns to.
    """

    amplitude: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pace: float = 1.0
    rest: tuple[float, float, float] = (0.0, 0.0, 0.0)
