"""How filmed people move beside their lips, clip by clip: what the style prior learns from.

A row is a clip (a window of 3 s of the long ones): `inference.performance.style.PEOPLE` measured on the
tracker's output, relative to the mean of its corpus, since corpora differ in camera, size and tracker noise,
and what an instruction would say of it: how high its brows are held, how tight its lids, and so on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter1d

from ...inference.instruction.values import ACTION_NAMES
from ...inference.performance.style import PEOPLE
from ..data.corpora import load_audio
from ..data.tracked import align_to_canonical, landmarks_px
from .head_data import DEV_CLUSTERS, DEV_TAIL_S, without_jitter

if TYPE_CHECKING:
    from pathlib import Path

CORPORA = ("lrc_ar", "grid_s1", "us_gov")
SHARES = (0.5, 0.35, 0.15)
"""How often each corpus is drawn in training: 26 people, one who reads, one who speaks freely."""
WINDOW_S = 3.0
LOGARITHMIC = tuple(name.endswith(("_range", "_speed")) or name == "blink_rate" for name in PEOPLE)
TOLD = ("brows", "lids", "squint", "mouth_corners", "head_pitch", "head_turn", "head_tilt")
"""Actions that are read off a clip."""
HEAD_RAD = 0.25
"""Turn of the head that an action at 1 stands for."""
_BLINK, _BLINK_AROUND = 0.45, 3  # weight from which the eyes blink; frames left out on either side
_FLOORS = {"corner_range": 0.004, "gaze_side_range": 0.004, "gaze_height_range": 0.004}
_BROWS = {"left": (336, 296, 334, 293, 300), "right": (70, 63, 105, 66, 107)}
_EYES = {"left": (263, 362), "right": (33, 133)}


@dataclass(frozen=True)
class People:
    """`values` float64 [N, len(PEOPLE)], `told` [N, len(TOLD)] in -1..1, `corpus` [N] index into `CORPORA`,
    `held_out` bool [N]."""

    values: np.ndarray
    told: np.ndarray
    corpus: np.ndarray
    held_out: np.ndarray

    def part(self, *, held_out: bool) -> People:
        """Either the held-out rows or the others."""
        keep = self.held_out == held_out
        return People(self.values[keep], self.told[keep], self.corpus[keep], self.held_out[keep])


def load_people(shared: Path, cache: Path) -> People:
    """All windows of the filmed corpora. `cache` holds what this wrote there before (npz)."""
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        parts = [_corpus(shared, corpus) for corpus in CORPORA]
        np.savez(
            cache,
            values=np.concatenate([p[0] for p in parts]),
            told=np.concatenate([p[1] for p in parts]),
            corpus=np.concatenate([np.full(len(p[0]), i) for i, p in enumerate(parts)]),
            held_out=np.concatenate([p[2] for p in parts]),
        )
    stored = np.load(cache)
    return People(**{name: stored[name] for name in stored.files})


def told_condition(told: np.ndarray) -> np.ndarray:
    """[N, len(TOLD)] -> [N, actions]: as part of an instruction."""
    actions = np.zeros((len(told), len(ACTION_NAMES)))
    actions[:, [ACTION_NAMES.index(name) for name in TOLD]] = told
    return actions


def _corpus(shared: Path, corpus: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    folder = shared / "data" / corpus
    labels, landmarks = dict(np.load(folder / "labels.npz")), dict(np.load(folder / "landmarks.npz"))
    canonical = np.load(shared / "lipbench" / "mp_rigid.npz")
    speakers = labels.get("speaker", np.zeros(len(labels["clips"]), int))
    split = json.loads((folder / "split.json").read_text()) if corpus == "grid_s1" else {}
    rows, means, held, of = [], [], [], []
    for i, name in enumerate(labels["clips"]):
        span = slice(int(labels["offsets"][i]), int(labels["offsets"][i + 1]))
        audio = next((folder / "audio").glob(f"{name}.*"), None)
        if audio is None or not labels["ok"][span].all():
            continue
        fps = float(np.broadcast_to(labels["fps"], len(labels["clips"]))[i])
        tracks = _tracks(labels, landmarks, canonical, span, fps, load_audio(audio))
        length = min(span.stop - span.start, round(WINDOW_S * fps))
        for start in range(0, span.stop - span.start - length + 1, length):
            window = {key: value[start : start + length] for key, value in tracks.items()}
            values, mean = _measured(window, fps)
            rows.append(values)
            means.append(mean)
            of.append(int(speakers[i]))
            held.append(
                str(name) in {*split.get("dev", ()), *split.get("dev_video", ())}
                or (corpus == "lrc_ar" and int(speakers[i]) % DEV_CLUSTERS == 0)
                or (corpus == "us_gov" and start >= span.stop - span.start - DEV_TAIL_S * fps)
            )
    values, told = _relative(np.array(rows), np.array(means), np.array(of))
    return values, told, np.array(held)


def _tracks(
    labels: dict, landmarks: dict, canonical: np.lib.npyio.NpzFile, span: slice, fps: float, sound: np.ndarray
) -> dict[str, np.ndarray]:
    """Curves of one clip, one value per frame: brow heights in mm, weights, head in radians, level in dB."""
    index = [int(i) for i in landmarks["index"]]
    used = [i for i, number in enumerate(canonical["index"]) if int(number) in index]
    rigid = [index.index(int(canonical["index"][i])) for i in used]
    points = align_to_canonical(
        landmarks_px(landmarks, span.start, span.stop), rigid, canonical["xyz_mm"][used].astype(float), fps
    )
    weights = labels["blendshapes"][span].astype(np.float64)
    names = [str(n) for n in labels["blendshape_names"]]

    def both(*channels: str) -> np.ndarray:
        return np.mean([weights[:, names.index(c + s)] for c in channels for s in ("Left", "Right")], axis=0)

    heights = {
        f"brow_{side}": points[:, [index.index(n) for n in brow], 1].mean(1)
        - points[:, [index.index(n) for n in _EYES[side]], 1].mean(1)
        for side, brow in _BROWS.items()
    }
    rotation = without_jitter(labels["rotation"][span].astype(np.float64), fps)
    blinks = both("eyeBlink")
    look = {n: weights[:, names.index(n)] for n in names if n.startswith("eyeLook")}
    right_way = look["eyeLookInLeft"] + look["eyeLookOutRight"]
    left_way = look["eyeLookOutLeft"] + look["eyeLookInRight"]
    return heights | {
        "blink": blinks,
        "squint": both("eyeSquint"),
        "wide": both("eyeWide"),
        "corners": both("mouthSmile") - both("mouthFrown"),
        "side": (right_way - left_way) / 2,
        "height": both("eyeLookUp") - both("eyeLookDown"),
        "pitch": rotation[:, 0],
        "yaw": rotation[:, 1],
        "roll": rotation[:, 2],
        "level": _level_db(sound, len(weights), fps),
    }  # fmt: skip


def _level_db(sound: np.ndarray, frames: int, fps: float) -> np.ndarray:
    square = uniform_filter1d(sound.astype(np.float64) ** 2, round(16_000 * 0.08))
    at = np.clip((np.arange(frames) / fps * 16_000).astype(int), 0, len(square) - 1)
    return 10.0 * np.log10(square[at] + 1e-6)


def _measured(window: dict[str, np.ndarray], fps: float) -> tuple[np.ndarray, np.ndarray]:
    """`PEOPLE` of one window, before it is made relative, and the means that `TOLD` comes from."""
    blink = window["blink"] > _BLINK
    around = np.convolve(blink, np.ones(2 * _BLINK_AROUND + 1), mode="same") > 0
    open_ = ~around if (~around).sum() > 8 else np.ones(len(blink), bool)
    left, right = (uniform_filter1d(window[f"brow_{side}"], 3) for side in ("left", "right"))
    brow = (left + right) / 2
    blinks = np.count_nonzero(np.diff(blink.astype(int)) == 1)
    head = np.stack([window[axis] for axis in ("pitch", "yaw", "roll")], axis=1)
    looking = np.stack([window["side"], window["height"]], axis=1)[open_]
    found = {
        "brow_range": brow.std(),
        "brow_speed": np.abs(np.diff(brow)).mean() * fps / (brow.std() + 1e-3),
        "brow_sides": (left - right).std() / (brow.std() + 0.1),
        "brow_accent": np.corrcoef(brow, uniform_filter1d(window["level"], 5))[0, 1],
        "squint_range": window["squint"][open_].std(),
        "lid_range": window["blink"][open_].std(),
        "corner_range": window["corners"].std(),
        "head_speed": np.abs(np.diff(head, axis=0)).mean() * fps / (head.std(0).mean() + 1e-4),
        "blink_rate": blinks + 0.5,
        "gaze_side_range": looking[:, 0].std(),
        "gaze_height_range": looking[:, 1].std(),
        "gaze_speed": np.abs(np.diff(looking, axis=0)).mean() * fps / (looking.std(0).mean() + 1e-3),
    }
    for k, axis in enumerate(("pitch", "yaw", "roll")):
        found[f"head_{axis}_range"], found[f"head_{axis}_rest"] = head[:, k].std(), head[:, k].mean()
    row = [
        np.log(found[name] + _FLOORS.get(name, 1e-4)) if is_log else found[name]
        for name, is_log in zip(PEOPLE, LOGARITHMIC, strict=True)
    ]
    held = [
        brow.mean(),
        -window["blink"][open_].mean(),
        window["squint"][open_].mean(),
        window["corners"].mean(),
    ]
    return np.array(row), np.array([*held, *head.mean(0)])


def _relative(rows: np.ndarray, means: np.ndarray, speakers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values around the mean of the corpus, rests around the mean of the person; what is told in -1..1."""
    values = np.nan_to_num(rows - np.nanmean(rows, axis=0))
    of_person = means.copy()
    for person in np.unique(speakers):
        of_person[speakers == person] -= means[speakers == person].mean(0)
    rests = [PEOPLE.index(f"head_{axis}_rest") for axis in ("pitch", "yaw", "roll")]
    values[:, rests] = of_person[:, 4:]
    held = of_person[:, :4] / (2.0 * of_person[:, :4].std(0) + 1e-6)
    told = np.clip(np.concatenate([held, of_person[:, 4:] / HEAD_RAD], axis=1), -1.0, 1.0)
    told[:, TOLD.index("squint")] = np.maximum(told[:, TOLD.index("squint")], 0.0)
    return values, told
