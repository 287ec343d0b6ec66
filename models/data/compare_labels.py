"""Which labels are better: the tracker's own blendshapes, or our fit to its landmarks?

    python -m soliloquy.models.data.compare_labels [--shared DIR]

Both are put on the ICT face and compared with the lips that the landmarks show, on the canonical mouth
(`corpora.canonical_change`). The blendshapes were not fitted to that mouth, so that their error is also
given after the best gain and offset per speaker.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import find_peaks

from .arkit_fit import SMOOTHNESS, fit_controls, ict_lip_basis, symmetric_controls
from .corpora import TRACKED, canonical_change
from .tracked import CURVES, TrackedClip, load_tracked

ROOT = Path(__file__).resolve().parents[2]
FEWEST_FRAMES = 200
_MATCH_S = 0.06
_MET_MM = 0.3
"""Lips of the ICT face meet below this gap; its neutral face has 0.8 mm."""


@dataclass(frozen=True)
class Clip:
    """One clip on the canonical mouth: change of the curves [T, 6] in mm, tracker's controls [T, K]."""

    change_mm: np.ndarray
    tracker: np.ndarray
    ok: np.ndarray
    fps: float


@dataclass(frozen=True)
class Score:
    """One kind of label against the landmarks of one corpus."""

    aperture_r: float
    width_r: float
    aperture_mm: float
    """Root mean square error; `scaled` after the best gain and offset per speaker."""
    width_mm: float
    aperture_scaled_mm: float
    width_scaled_mm: float
    recall: float
    """Closures that the labels show as well, each judged by its own range, within 60 ms."""
    precision: float
    met: float
    """Closures at which the lips of the ICT face meet."""
    jitter: float
    """Root mean square of the second difference of the controls, per frame."""


def load_clips(shared: Path, corpus: str) -> dict[str, list[Clip]]:
    """Clips by speaker; speakers with fewer than 200 frames are left out, as in training."""
    by_speaker: dict[str, list[TrackedClip]] = defaultdict(list)
    for clip in load_tracked(shared, corpus):
        by_speaker[clip.speaker].append(clip)
    out: dict[str, list[Clip]] = {}
    for speaker, clips in sorted(by_speaker.items()):
        reference = np.concatenate([c.curves_mm[c.ok] for c in clips])
        if len(reference) < FEWEST_FRAMES:
            continue
        out[speaker] = [
            Clip(
                canonical_change(c.curves_mm, reference),
                symmetric_controls(c.blendshapes, c.blendshape_names), c.ok, c.fps,
            )
            for c in clips
        ]  # fmt: skip
    return out


def closures(aperture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Frames of prominent minima near the bottom of the range of `reference` (lipbench's rule)."""
    low, high = np.percentile(reference, (5, 95))
    found, _ = find_peaks(
        -aperture, height=-(low + 0.15 * (high - low)), prominence=max(0.5, 0.2 * (high - low)),
        plateau_size=(1, 40),
    )  # fmt: skip
    return found


def matched(a: np.ndarray, b: np.ndarray, tolerance: float) -> int:
    """How many of the events `a` have one of `b` of their own within `tolerance`."""
    count, free = 0, list(b)
    for event in a:
        near = [x for x in free if abs(x - event) <= tolerance]
        if near:
            free.remove(min(near, key=lambda x: abs(x - event)))
            count += 1
    return count


def _fitted(guess: np.ndarray, truth: np.ndarray) -> np.ndarray:
    gain = np.cov(guess, truth)[0, 1] / max(float(guess.var()), 1e-9)
    return (guess - guess.mean()) * gain + truth.mean()


def score_labels(
    clips: dict[str, list[Clip]], controls: dict[str, list[np.ndarray]], rest: np.ndarray, basis: np.ndarray
) -> Score:
    """Compare controls [T, K] of every clip with its landmarks, over all speakers of a corpus."""
    errors, correlations, jitter = [], [], []
    events, shown, hits, met = 0, 0, 0, 0
    for speaker, items in clips.items():
        curves = [c @ basis.T for c in controls[speaker]]
        truth = np.concatenate([c.change_mm[c.ok] for c in items])[:, :2]
        guess = np.concatenate([x[c.ok] for x, c in zip(curves, items, strict=True)])[:, :2]
        scaled = np.stack([_fitted(guess[:, k], truth[:, k]) for k in (0, 1)], axis=1)
        errors.append(np.concatenate([guess - truth, scaled - truth], axis=1))
        correlations.append([np.corrcoef(guess[:, k], truth[:, k])[0, 1] for k in (0, 1)])
        for clip, x, own in zip(items, curves, controls[speaker], strict=True):
            jitter.append(np.diff(own, 2, axis=0).ravel())
            seen, said = closures(clip.change_mm[:, 0], truth[:, 0]), closures(x[:, 0], guess[:, 0])
            gap_mm = rest[0] + x[:, 0]
            events, shown = events + len(seen), shown + len(said)
            hits += matched(seen, said, _MATCH_S * clip.fps)
            met += sum(gap_mm[max(0, i - 1) : i + 2].min() <= _MET_MM for i in seen)
    rms = np.sqrt(np.mean(np.concatenate(errors) ** 2, axis=0))
    aperture_r, width_r = np.mean(correlations, axis=0)
    return Score(
        float(aperture_r), float(width_r), *(float(x) for x in rms), recall=hits / max(events, 1),
        precision=hits / max(shown, 1), met=met / max(events, 1),
        jitter=float(np.sqrt(np.mean(np.concatenate(jitter) ** 2))),
    )  # fmt: skip


def fit_clips(
    clips: dict[str, list[Clip]], basis: np.ndarray, smoothness: float
) -> dict[str, list[np.ndarray]]:
    """`arkit_fit.fit_controls` of every clip."""
    return {
        speaker: [
            fit_controls(
                c.change_mm, CURVES, np.clip(c.tracker, 0, 1), basis, rate_hz=c.fps, smoothness=smoothness
            )
            for c in items
        ]
        for speaker, items in clips.items()
    }


_HEADER = (
    "| corpus | labels | aperture r | width r | aperture mm (scaled) | width mm (scaled) | closures found "
    "| of those shown | lips meet | jitter |\n|---|---|---|---|---|---|---|---|---|---|"
)


def _row(corpus: str, kind: str, s: Score) -> str:
    return (
        f"| {corpus} | {kind} | {s.aperture_r:.3f} | {s.width_r:.3f} "
        f"| {s.aperture_mm:.2f} ({s.aperture_scaled_mm:.2f}) | {s.width_mm:.2f} ({s.width_scaled_mm:.2f}) "
        f"| {s.recall:.2f} | {s.precision:.2f} | {s.met:.2f} | {s.jitter:.4f} |"
    )


def table(shared: Path) -> str:
    """The comparison for every filmed corpus, as a Markdown table; takes half a minute."""
    rest, basis = ict_lip_basis(shared)
    rows = [_HEADER]
    for corpus in TRACKED:
        clips = load_clips(shared, corpus)
        tracker = {speaker: [c.tracker for c in items] for speaker, items in clips.items()}
        rows.append(_row(corpus, "tracker blendshapes", score_labels(clips, tracker, rest, basis)))
        for kind, smoothness in (("our fit, frame by frame", 0.0), ("our fit, as used", SMOOTHNESS)):
            fitted = fit_clips(clips, basis, smoothness)
            rows.append(_row(corpus, kind, score_labels(clips, fitted, rest, basis)))
    return "\n".join(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder of the data sets")
    print(table(parser.parse_args().shared))


if __name__ == "__main__":
    main()
