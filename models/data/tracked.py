"""Tracked video to lip curves in millimetres.

Landmarks are aligned frame by frame to one canonical head with points that speech hardly moves, so
that head pose and camera distance drop out; then six distances describe the mouth. Corpora:
`grid_s1`, `us_gov`, `lrc_ar` (layouts and traps: DATA.md beside the data).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter1d

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CURVES = ("aperture", "width", "jaw", "upper_lip", "lip_height", "protrusion")
"""Columns of `TrackedClip.curves_mm`: gap of the inner lips; distance of the mouth corners; nose to
chin; nose to upper inner lip; height of the outer lips; how far the lips stand out from the nose."""


@dataclass(frozen=True)
class TrackedClip:
    """One filmed clip. `curves_mm` float64 [T, 6] (see `CURVES`), `blendshapes` float32 [T, 52],
    `ok` bool [T]."""

    corpus: str
    name: str
    speaker: str
    audio: Path
    fps: float
    curves_mm: np.ndarray
    blendshapes: np.ndarray
    blendshape_names: tuple[str, ...]
    ok: np.ndarray


def align_to_canonical(
    points: np.ndarray, rigid: list[int], canonical_mm: np.ndarray, fps: float
) -> np.ndarray:
    """Similarity Procrustes of every frame onto the canonical head.

    Args:
        points: [T, P, 3] in pixels, y down, z smaller = nearer.
        rigid: columns of `points` that speech hardly moves.
        canonical_mm: [len(rigid), 3] their place on the canonical head.
        fps: frame rate; the scale is smoothed over one second, since a face does not change size.

    Returns:
        [T, P, 3] millimetres in the head's frame: y up, z towards the camera.
    """
    flipped = points * np.array([1.0, -1.0, -1.0])
    centre = flipped[:, rigid].mean(1, keepdims=True)
    target_centre = canonical_mm.mean(0)
    source, target = flipped[:, rigid] - centre, canonical_mm - target_centre
    u, singular, vt = np.linalg.svd(np.einsum("tni,nj->tij", source, target))
    signs = np.ones((len(points), 3))
    signs[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = np.einsum("tik,tk,tkj->tij", u, signs, vt)
    scale = (singular * signs).sum(1) / np.maximum((source**2).sum((1, 2)), 1e-9)
    smooth = uniform_filter1d(np.log(np.maximum(scale, 1e-6)), max(1, round(fps)), mode="nearest")
    return (
        np.einsum("tni,tij->tnj", flipped - centre, rotation) * np.exp(smooth)[:, None, None] + target_centre
    )


def lip_curves(aligned_mm: np.ndarray, index: list[int]) -> np.ndarray:
    """[T, P, 3] aligned points -> [T, 6] curves; `index` names the MediaPipe point of every column."""

    def point(number: int) -> np.ndarray:
        return aligned_mm[:, index.index(number)]

    nose, chin = point(2), point(152)
    upper_inner, lower_inner, upper_outer, lower_outer = point(13), point(14), point(0), point(17)
    return np.stack(
        [
            upper_inner[:, 1] - lower_inner[:, 1],
            np.linalg.norm(point(61) - point(291), axis=1),
            nose[:, 1] - chin[:, 1],
            nose[:, 1] - upper_inner[:, 1],
            upper_outer[:, 1] - lower_outer[:, 1],
            (upper_outer[:, 2] + lower_outer[:, 2]) / 2 - nose[:, 2],
        ],
        axis=1,
    )


def landmarks_px(archive: Mapping[str, np.ndarray], start: int, stop: int) -> np.ndarray:
    """[T, P, 3] pixels of the frames `start` to `stop` of a corpus, columns as its `index` says."""
    if "xyz" in archive:
        return archive["xyz"][start:stop] / 32.0
    return np.cumsum(archive["delta"][:, :, start:stop], axis=2, dtype=np.int16).transpose(2, 1, 0) / 32.0


def load_tracked(shared: Path, corpus: str) -> list[TrackedClip]:
    """All clips of one filmed corpus that have sound and a face in at least 95 % of their frames."""
    folder = shared / "data" / corpus
    labels = dict(np.load(folder / "labels.npz"))
    landmarks = dict(np.load(folder / "landmarks.npz"))
    canonical = np.load(shared / "lipbench" / "mp_rigid.npz")
    index = [int(i) for i in landmarks["index"]]
    used = [i for i, number in enumerate(canonical["index"]) if int(number) in index]
    rigid = [index.index(int(canonical["index"][i])) for i in used]
    clips = []
    for i, name in enumerate(labels["clips"]):
        start, stop = (int(v) for v in labels["offsets"][i : i + 2])
        audio = next((folder / "audio").glob(f"{name}.*"), None)
        ok = labels["ok"][start:stop]
        if audio is None or ok.mean() < 0.95:
            continue
        fps = float(np.broadcast_to(labels["fps"], len(labels["clips"]))[i])
        aligned = align_to_canonical(
            landmarks_px(landmarks, start, stop), rigid, canonical["xyz_mm"][used].astype(float), fps
        )
        clips.append(
            TrackedClip(
                corpus=corpus,
                name=str(name),
                speaker=f"{corpus}/{labels['speaker'][i]}" if "speaker" in labels else corpus,
                audio=audio,
                fps=fps,
                curves_mm=lip_curves(aligned, index),
                blendshapes=labels["blendshapes"][start:stop].astype(np.float32),
                blendshape_names=tuple(str(n) for n in labels["blendshape_names"]),
                ok=ok,
            )
        )
    return clips
