"""Lip curves to ARKit mouth weights, by bounded least squares on ICT-FaceKit.

The curves of `tracked.py` are measured on the ICT face as well; on it they are linear in the weights
(the width too, since the fit is symmetric). Every frame then is a small box-constrained quadratic
problem with one Hessian for all frames: follow the curves, stay near a prior (the tracker's own
blendshapes), keep `mouthClose` the corrective that it is. Frames are tied by a small penalty on how the
weights accelerate, which takes out trembling that no curve asks for, and is lifted where lips close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import find_peaks

from .tracked import CURVES

if TYPE_CHECKING:
    from pathlib import Path

CONTROLS = (
    "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthSmile", "mouthFrown", "mouthDimple",
    "mouthStretch", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthPress", "mouthLowerDown", "mouthUpperUp",
)  # fmt: skip
"""Mouth controls: ARKit channels, left and right moving together (which side moves more is a habit of
the filmed person, not of speech)."""

_CURVE_WEIGHT = {
    "aperture": 1.0,
    "width": 0.8,
    "jaw": 0.1,
    "upper_lip": 0.3,
    "lip_height": 0.1,
    "protrusion": 0.1,
}
"""1 / mm^2. Aperture and width are what a viewer reads; the others settle which weights make them."""
_PRIOR_WEIGHT = 12.0
_EXTRA_PRIOR = {"mouthClose": 40.0, "mouthShrugUpper": 20.0, "mouthFrown": 20.0}
"""Controls that the tracker rarely shows but the fit would love to use as spare degrees of freedom."""
SMOOTHNESS = 5.0
"""Penalty on squared second differences of a control at 25 frames per second. At 5, trembling falls by an
eighth to a fifth with every closure kept; from 30 on closures are lost (`compare_labels` counts both)."""
_MOST_STEPS, _SETTLED = 400, 1e-5


def channels_of(control: str, names: tuple[str, ...]) -> list[str]:
    """The ARKit channels that one control drives: itself, or its left and right."""
    return [n for n in (control, control + "Left", control + "Right") if n in names]


def symmetric_controls(weights: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """[T, C] weights named `names` -> [T, K] controls, the mean of left and right; absent ones are 0."""
    columns = []
    for control in CONTROLS:
        used = [names.index(n) for n in channels_of(control, names)]
        columns.append(weights[:, used].mean(1) if used else np.zeros(len(weights)))
    return np.stack(columns, axis=1)


def ict_lip_basis(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """Curves of the neutral ICT face, mm [6], and their change per control at 1.0, mm [6, K]."""
    kit = np.load(shared / "data" / "ict_facekit" / "ict_facekit.npz")
    names = [str(n) for n in kit["expression_names"]]
    landmarks = kit["landmarks68"]
    neutral = kit["neutral"][landmarks] * 10.0
    deltas = kit["expression_deltas"][:, landmarks].astype(float) * 10.0

    def curves(points: np.ndarray) -> np.ndarray:
        nose, chin = points[33], points[8]
        return np.array([
            points[62][1] - points[66][1],
            np.linalg.norm(points[48] - points[54]),
            nose[1] - chin[1],
            nose[1] - points[62][1],
            points[51][1] - points[57][1],
            (points[51][2] + points[57][2]) / 2 - nose[2],
        ])  # fmt: skip

    rest = curves(neutral)
    basis = np.zeros((len(CURVES), len(CONTROLS)))
    for k, control in enumerate(CONTROLS):
        moved = sum(deltas[names.index(n)] for n in (control, control + "_L", control + "_R") if n in names)
        basis[:, k] = curves(neutral + moved) - rest
    return rest, basis


def fit_controls(
    change_mm: np.ndarray,
    known: tuple[str, ...],
    prior: np.ndarray,
    basis: np.ndarray,
    *,
    rate_hz: float = 50.0,
    smoothness: float = SMOOTHNESS,
) -> np.ndarray:
    """Weights in 0..1 whose curves follow `change_mm`, by FISTA (Beck and Teboulle 2009).

    Args:
        change_mm: [T, 6] curves minus the neutral face's; columns not in `known` are ignored.
        known: names of the curves that were measured.
        prior: [T, K] where to stay near.
        basis: [6, K] from `ict_lip_basis`.
        rate_hz: frames per second.
        smoothness: 0 fits every frame on its own.

    Returns:
        float32 [T, K].
    """
    weight = np.array([_CURVE_WEIGHT[c] if c in known else 0.0 for c in CURVES])
    stay = _PRIOR_WEIGHT + np.array([_EXTRA_PRIOR.get(c, 0.0) for c in CONTROLS])
    hessian = basis.T @ (weight[:, None] * basis) + np.diag(stay)
    linear = (change_mm * weight) @ basis + prior * stay
    tied = smoothness * (rate_hz / 25.0) ** 4 * _apart_from_closures(change_mm[:, 0], rate_hz)
    step = 1.0 / (np.linalg.eigvalsh(hessian)[-1] + 16.0 * tied.max(initial=0.0))
    solution = ahead = _feasible(prior.astype(float))
    momentum = 1.0
    for _ in range(_MOST_STEPS):
        gradient = ahead @ hessian - linear
        acceleration = np.diff(ahead, 2, axis=0) * tied[1:-1, None]
        gradient[:-2] += acceleration
        gradient[1:-1] -= 2 * acceleration
        gradient[2:] += acceleration
        moved = _feasible(ahead - step * gradient)
        if np.abs(moved - solution).max() < _SETTLED:
            return moved.astype(np.float32)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / following * (moved - solution)
        solution, momentum = moved, following
    return solution.astype(np.float32)


def _feasible(weights: np.ndarray) -> np.ndarray:
    """The nearest weights with mouthClose <= jawOpen, all in 0..1: [T, K]."""
    out = weights.copy()
    jaw, close = CONTROLS.index("jawOpen"), CONTROLS.index("mouthClose")
    beyond = out[:, close] > out[:, jaw]
    out[beyond, close] = out[beyond, jaw] = (out[beyond, close] + out[beyond, jaw]) / 2
    return np.clip(out, 0.0, 1.0)


def _apart_from_closures(aperture_mm: np.ndarray, rate_hz: float) -> np.ndarray:
    """[T]: 1, and a tenth within 80 ms of where the aperture dips by a millimetre or more."""
    share = np.ones(len(aperture_mm))
    reach = round(0.08 * rate_hz)
    for dip in find_peaks(-aperture_mm, prominence=1.0)[0]:
        share[max(0, dip - reach) : dip + reach + 1] = 0.1
    return share
