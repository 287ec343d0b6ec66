"""Every training corpus as a list of `Line`s: sound, canonical lip curves, ARKit mouth weights.

What differs between people is taken out here, so that the network learns speech and not faces: per
speaker, curves are shifted and scaled to one canonical mouth; the width is split into what the
aperture implies (its sign differs between people: a style constant replaces it) and a residual.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from scipy.interpolate import CubicSpline

from ...inference.loudness import level_gain
from .arkit_fit import CONTROLS, fit_controls, ict_lip_basis, symmetric_controls
from .tracked import CURVES, load_tracked

if TYPE_CHECKING:
    from .tracked import TrackedClip

RATE_HZ = 50
TRACKED = ("grid_s1", "us_gov", "lrc_ar")
FACEGOOD_TEST_TAKE = "1114_2_04"  # lipbench's mandarin_facegood
FACEGOOD_OFFSET_S = -0.020  # measured by lipbench: frame i is at i / fps + offset

CANONICAL_STD_MM = {
    "aperture": 4.5,
    "width": 3.0,
    "jaw": 3.2,
    "upper_lip": 1.7,
    "lip_height": 4.2,
    "protrusion": 1.0,
}
"""Spread of the canonical mouth: about the median over the filmed speakers; for width of the residual."""
WIDTH_PER_APERTURE = 0.15
"""Style constant, mm per mm: about the median of the filmed speakers, whose signs differ."""
CLOSED_MM = -0.9
"""Aperture target of closed lips relative to the ICT neutral, whose lips are 0.8 mm apart."""
_FEWEST_FRAMES = 200


@dataclass(frozen=True)
class Line:
    """One recording with targets at 50 Hz.

    `samples` float32 [N] at 16 kHz, brought to the runtime's level; `controls` float32 [T, K] (see
    `arkit_fit.CONTROLS`); `curves_mm` float32 [T, 6] canonical change from the neutral face;
    `valid` bool [T], frames whose mouth targets count; `phones` int [T], viseme class or -1, or None.
    """

    corpus: str
    name: str
    speaker: str
    samples: np.ndarray
    controls: np.ndarray
    curves_mm: np.ndarray
    valid: np.ndarray
    phones: np.ndarray | None = None


def load_audio(path: Path) -> np.ndarray:
    """float32 [N]: a 16 kHz mono file, at the level that the runtime would bring it to."""
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != 16_000 or samples.ndim != 1:
        raise ValueError(f"{path} must be 16 kHz mono, got {rate} Hz, {samples.ndim} dimensions")
    return samples * np.float32(level_gain(samples))


def _at_model_rate(values: np.ndarray, fps: float, offset_s: float, frames: int) -> np.ndarray:
    times = np.arange(len(values)) / fps + offset_s
    wanted = np.clip(np.arange(frames) / RATE_HZ, times[0], times[-1])
    return CubicSpline(times, values, axis=0)(wanted)


def width_slope(curves: np.ndarray) -> float:
    """How much the width follows the aperture in curves [T, 6] (see `tracked.CURVES`), mm per mm."""
    aperture, width = curves[:, 0], curves[:, 1]
    return np.cov(aperture, width)[0, 1] / max(np.var(aperture), 1e-9)


def canonical_change(curves: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Curves of one speaker as changes of the canonical mouth from its neutral face.

    Args:
        curves: [T, 6] mm, one clip.
        reference: [N, 6] mm, all valid frames of the speaker.

    Returns:
        [T, 6] mm on the canonical mouth.
    """
    closed = np.percentile(reference[:, 0], 2)
    rest = reference[reference[:, 0] <= np.percentile(reference[:, 0], 20)].mean(0)
    gain = CANONICAL_STD_MM["aperture"] / reference[:, 0].std()
    slope = width_slope(reference)
    residual = reference[:, 1] - slope * reference[:, 0]
    out = np.zeros_like(curves)
    out[:, 0] = (curves[:, 0] - closed) * gain + CLOSED_MM
    spread = CANONICAL_STD_MM["width"] / max(residual.std(), 1e-6)
    mean_opening = (reference[:, 0].mean() - closed) * gain
    out[:, 1] = (curves[:, 1] - slope * curves[:, 0] - np.median(residual)) * spread
    out[:, 1] += WIDTH_PER_APERTURE * (out[:, 0] - mean_opening)
    for k, name in enumerate(CURVES[2:], start=2):
        out[:, k] = (curves[:, k] - rest[k]) * CANONICAL_STD_MM[name] / reference[:, k].std()
    return out


def load_tracked_lines(shared: Path, corpus: str) -> list[Line]:
    """Lines of a filmed corpus; speakers with fewer than 200 frames are left out."""
    _, basis = ict_lip_basis(shared)
    by_speaker: dict[str, list[TrackedClip]] = defaultdict(list)
    for clip in load_tracked(shared, corpus):
        by_speaker[clip.speaker].append(clip)
    lines = []
    for speaker, clips in sorted(by_speaker.items()):
        reference = np.concatenate([c.curves_mm[c.ok] for c in clips])
        if len(reference) >= _FEWEST_FRAMES:
            lines += [_tracked_line(c, speaker, reference, basis) for c in clips]
    return lines


def _tracked_line(clip: TrackedClip, speaker: str, reference: np.ndarray, basis: np.ndarray) -> Line:
    samples = load_audio(clip.audio)
    frames = min(int(len(samples) / 16_000 * RATE_HZ), int((len(clip.ok) - 1) / clip.fps * RATE_HZ) + 1)
    change = _at_model_rate(canonical_change(clip.curves_mm, reference), clip.fps, 0.0, frames)
    prior = _at_model_rate(symmetric_controls(clip.blendshapes, clip.blendshape_names), clip.fps, 0.0, frames)
    valid = _at_model_rate(clip.ok.astype(float), clip.fps, 0.0, frames) > 0.99
    controls = fit_controls(change, CURVES, np.clip(prior, 0, 1), basis)
    return Line(clip.corpus, clip.name, speaker, samples, controls, change.astype(np.float32), valid)


def load_facegood(shared: Path, *, test_take: bool = False) -> list[Line]:
    """FACEGOOD takes on the canonical mouth (one speaker): without lipbench's take, or only that one."""
    folder = shared / "data" / "facegood"
    takes = sorted(p.stem for p in (folder / "weights").glob("*.npz"))
    takes = [t for t in takes if (t == FACEGOOD_TEST_TAKE) == test_take]
    sheet = json.loads((folder / "facegood_to_arkit.json").read_text())["mapping"]
    _, basis = ict_lip_basis(shared)
    lines = []
    for session in sorted({t.rsplit("_", 1)[0] for t in takes}):  # sessions differ in how wide the rig moves
        loaded = [(t, np.load(folder / "weights" / f"{t}.npz")) for t in takes if t.startswith(session)]
        curves = [
            _facegood_curves(z["weights"].astype(float), [str(n) for n in z["names"]]) for _, z in loaded
        ]
        reference = np.concatenate(curves)
        for (take, z), curve in zip(loaded, curves, strict=True):
            samples = load_audio(folder / "audio" / f"{take}.flac")
            fps, frames = float(z["fps"]), int(len(samples) / 16_000 * RATE_HZ)
            mapped = _facegood_arkit(z["weights"].astype(float), [str(n) for n in z["names"]], sheet)
            change = _at_model_rate(canonical_change(curve, reference), fps, FACEGOOD_OFFSET_S, frames)
            prior = np.clip(_at_model_rate(mapped, fps, FACEGOOD_OFFSET_S, frames), 0, 1)
            controls = fit_controls(change, ("aperture", "width"), prior, basis)
            lines.append(
                Line(
                    "facegood",
                    take,
                    "facegood",
                    samples,
                    controls,
                    change.astype(np.float32),
                    np.ones(frames, bool),
                )
            )
    return lines


def _facegood_curves(weights: np.ndarray, names: list[str]) -> np.ndarray:
    """[T, 6] in the rig's own units: aperture and width; the four curves it does not have follow the jaw."""
    jaw = weights[:, names.index("mouth_stretch_c")]
    round_ = [
        i
        for i, n in enumerate(names)
        if n.startswith(("mouth_oh", "mouth_oo", "mouth_pucker", "mouth_funnel"))
    ]
    curves = np.zeros((len(weights), len(CURVES)))
    curves[:, 0], curves[:, 1] = jaw, -weights[:, round_].sum(1)
    curves[:, 2:] = jaw[:, None]
    return curves


def _facegood_arkit(weights: np.ndarray, names: list[str], sheet: dict) -> np.ndarray:
    """[T, K] controls by the published sheet, with the rounding channels that it forgets added."""
    column = {n: weights[:, i] for i, n in enumerate(names)}
    arkit = tuple(a for a, entry in sheet.items() if entry["sources"])
    mapped = np.stack([np.max([column[s] for s in sheet[a]["sources"]], axis=0) for a in arkit], axis=1)
    controls = symmetric_controls(mapped, arkit)
    controls[:, CONTROLS.index("mouthFunnel")] += 0.6 * column["mouth_oh_c"]
    controls[:, CONTROLS.index("mouthPucker")] += 0.3 * column["mouth_oh_c"] + 0.8 * column["mouth_oo_c"]
    return np.clip(controls, 0, 1)
