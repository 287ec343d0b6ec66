"""Smooth interpolation of small tables and falloffs, in numpy alone."""

from __future__ import annotations

import numpy as np


def natural_spline(knots: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Natural cubic spline through `values` [K] or [K, D] at ascending `knots` [K], read at `at` (any shape).

    Outside the knots the end values hold. Returns the shape of `at`, with D appended where there is one.
    """
    knots = np.asarray(knots, float)
    values = np.asarray(values, float)
    count = len(knots)
    step = np.diff(knots)
    system = np.eye(count)
    slopes = np.diff(values, axis=0) / step.reshape(-1, *([1] * (values.ndim - 1)))
    right = np.zeros_like(values)
    for i in range(1, count - 1):
        system[i, i - 1 : i + 2] = step[i - 1], 2 * (step[i - 1] + step[i]), step[i]
        right[i] = 6 * (slopes[i] - slopes[i - 1])
    bend = np.linalg.solve(system, right)
    at = np.clip(at, knots[0], knots[-1])
    i = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, count - 2)
    widen = (...,) + (None,) * (values.ndim - 1)
    h, a, b = step[i][widen], (knots[i + 1] - at)[widen], (at - knots[i])[widen]
    return (
        bend[i] * a**3 / (6 * h)
        + bend[i + 1] * b**3 / (6 * h)
        + (values[i] / h - bend[i] * h / 6) * a
        + (values[i + 1] / h - bend[i + 1] * h / 6) * b
    )


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between (also with `low` > `high`)."""
    t = np.clip((np.asarray(x, float) - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def bump(*scaled: np.ndarray) -> np.ndarray:
    """Gaussian bump of height 1: exp(-(a^2 + b^2 + ...)) of distances already divided by their radii."""
    return np.exp(-sum(np.square(s) for s in scaled))


def rotate_x(points: np.ndarray, centre: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """`points` [N, 3] turned about the X axis through `centre` by `angle` radians, the front up for > 0."""
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = (points - centre).T
    return np.stack([x, y * c + z * s, -y * s + z * c], axis=-1) + centre


def rotate_z(points: np.ndarray, centre: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """`points` [N, 3] turned about the Z axis through `centre` by `angle` radians, front to +X for > 0."""
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = (points - centre).T
    return np.stack([x * c - y * s, x * s + y * c, z], axis=-1) + centre
