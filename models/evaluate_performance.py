"""Whole performances against filmed people: liveliness of the upper face, takes, emotions, blinks.

    python -m soliloquy.models.evaluate_performance [--shared ../shared] [--what upper takes emotions blinks]

Everything is made by `animate_file`, as a user gets it, on recordings that the models were not trained on.
The motion of the head against filmed heads is judged by `evaluate_head`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from ..inference.channels import ARKIT_52, HEAD, UPPER_FACE
from ..inference.instruction.values import EMOTIONS, NEUTRAL, Instruction, InstructionTrack
from ..inference.lip_basis import lip_curves
from ..inference.performance.direction import Direction, Draw
from ..inference.pipeline import AnimateSettings, animate_file, collect
from ..inference.session import load_speech_model
from .data.tracked import load_tracked
from .emotion_rules import recognise
from .performance.head_data import DEV_CLUSTERS, DEV_TAIL_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..inference.types import FaceMotion
    from .data.tracked import TrackedClip

CLIPS = {"grid_s1": 30, "us_gov": 1, "lrc_ar": 60}
"""Held-out clips of each corpus that are performed, at most."""
BROW_CM, UPPER_CM = 4.0, 1.0
"""Heights on the ICT face above which lie brows and forehead, and the upper face: from the cheekbones up."""
TAKES = 10
BLINKS_MIN = 10.0
"""Minutes of speech over which blinks are counted."""
_CLOSED = 0.9
_REST_S = 0.5


@dataclass(frozen=True)
class Region:
    """Vertices of the ICT face: `deltas` float32 [52, V, 3] cm at weight 1, and how large the face is."""

    deltas: np.ndarray

    def dynamics(self, weights: np.ndarray) -> np.ndarray:
        """[T, 52] -> [V] mm: standard deviation over time of how far each vertex is from rest (FDD's)."""
        moved = np.tensordot(weights.astype(np.float32), self.deltas, axes=1) * 10.0
        return np.linalg.norm(moved, axis=2).std(axis=0)


@lru_cache(maxsize=4)
def region(shared: Path, above_cm: float) -> Region:
    """The skin of the ICT face (USC ICT, MIT) above a height."""
    kit = np.load(shared / "data" / "ict_facekit" / "ict_facekit.npz")
    skin = np.flatnonzero(kit["neutral"][:9409, 1] > above_cm)[::4]
    names = [str(n) for n in kit["expression_names"]]
    deltas = np.zeros((len(ARKIT_52), len(skin), 3), np.float32)
    for i, channel in enumerate(ARKIT_52):
        short = channel.replace("Left", "_L").replace("Right", "_R")
        for name in (channel, short, f"{channel}_L", f"{channel}_R"):
            if name in names:
                deltas[i] += kit["expression_deltas"][names.index(name)][skin]
    return Region(deltas)


def held_out(shared: Path, corpus: str) -> list[TrackedClip]:
    """Clips that neither style nor head was trained on."""
    clips = load_tracked(shared, corpus)
    if corpus == "grid_s1":
        dev = set(json.loads((shared / "data" / corpus / "split.json").read_text())["dev"])
        clips = [clip for clip in clips if clip.name in dev]
    elif corpus == "us_gov":
        clips = [clip for clip in clips if clip.name != "weekly_address_b"]
    elif corpus == "lrc_ar":
        clips = [clip for clip in clips if int(clip.speaker.rpartition("/")[2]) % DEV_CLUSTERS == 0]
    step = max(1, len(clips) // CLIPS[corpus])
    return clips[::step][: CLIPS[corpus]]


def tracked_weights(clip: TrackedClip) -> np.ndarray:
    """float32 [T, 52]: what the tracker saw."""
    weights = np.zeros((len(clip.blendshapes), len(ARKIT_52)), np.float32)
    for i, name in enumerate(clip.blendshape_names):
        if name in ARKIT_52:
            weights[:, ARKIT_52.index(name)] = clip.blendshapes[:, i]
    return weights


class Stage:
    """Performs recordings."""

    def __init__(self) -> None:
        self._speech = load_speech_model()

    def perform(self, sound: Path, track: InstructionTrack = NEUTRAL, seed: int = 0) -> FaceMotion:
        """A recording as `soliloquy animate` performs it, at 50 rows a second."""
        settings = AnimateSettings(direction=Direction(track, Draw.of(seed)))
        return collect(animate_file(sound, self._speech, settings))


def upper(shared: Path, stage: Stage) -> None:
    """Print how far the dynamics of the upper face are from those of filmed people, beside a still face."""
    print(
        "Upper-face dynamics: mean over vertices of |std over time, filmed - performed|, mm (FDD, absolute)"
    )
    _head("held-out clips", "n", "region", "still face", "performed", "ratio", "mean filmed / performed")
    regions = {"upper face": UPPER_CM, "brows, forehead": BROW_CM}
    pairs: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for corpus in CLIPS:
        for i, clip in enumerate(held_out(shared, corpus)):
            filmed = tracked_weights(clip)
            made = stage.perform(clip.audio, seed=i).values[:, : len(ARKIT_52)]
            if corpus == "us_gov":  # the rest of it was trained on
                filmed, made = filmed[-round(DEV_TAIL_S * clip.fps) :], made[-round(DEV_TAIL_S * 50) :]
            pairs.setdefault(corpus, []).append((filmed, made))
    pairs["all"] = [pair for of_corpus in pairs.values() for pair in of_corpus]
    for corpus, clips in pairs.items():
        for name, height in regions.items():
            skin = region(shared, height)
            filmed, made = (np.stack([skin.dynamics(pair[k]) for pair in clips]) for k in (0, 1))
            still = float(np.abs(filmed.mean(0)).mean())
            apart = float(np.abs(filmed.mean(0) - made.mean(0)).mean())
            clipwise = float(np.abs(filmed - made).mean())
            print(
                f"| {corpus} | {len(clips)} | {name} | {still:.3f} "
                f"| {apart:.3f} (clip by clip {clipwise:.3f}) | {apart / still:.2f} "
                f"| {filmed.mean():.3f} / {made.mean():.3f} |",
                flush=True,
            )


def takes(shared: Path, stage: Stage) -> None:
    """Print how much ten takes of a line differ, and how much their lips agree."""
    clips = [
        *held_out(shared, "us_gov")[:1],
        *held_out(shared, "grid_s1")[:4],
        *held_out(shared, "lrc_ar")[:4],
    ]
    skin = region(shared, UPPER_CM)
    print(f"{TAKES} takes of a line: mean distance of two takes in units of the filmed std")
    _head("instruction", "upper face", "head", "aperture r, least", "mean")
    tracks = {"none": NEUTRAL} | {
        e: InstructionTrack.constant(Instruction.of({e: 1.0})) for e in ("joy", "anger", "sadness")
    }
    filmed_std = np.mean([skin.dynamics(tracked_weights(clip)).mean() for clip in clips])
    head_std = np.sqrt(np.mean(list(_head_variances(shared))))
    for name, track in tracks.items():
        faces, heads, agree = [], [], []
        for clip in clips:
            made = [stage.perform(clip.audio, track, seed) for seed in range(TAKES)]
            faces.append(np.mean(list(_apart(made, skin))))
            heads.append(np.mean(list(_heads_apart(made))))
            agree += list(_apertures_agree(made))
        print(
            f"| {name} | {np.mean(faces) / filmed_std:.2f} | {np.mean(heads) / head_std:.2f} "
            f"| {min(agree):.3f} | {np.mean(agree):.3f} |",
            flush=True,
        )


def _pairs(made: list[FaceMotion]) -> Iterator[tuple[FaceMotion, FaceMotion]]:
    return ((a, b) for i, a in enumerate(made) for b in made[i + 1 :])


def _apart(made: list[FaceMotion], skin: Region) -> Iterator[float]:
    """mm between the upper faces of two takes: mean over vertices of the root mean square over time."""
    columns = [ARKIT_52.index(name) for name in UPPER_FACE]
    for a, b in _pairs(made):
        change = a.values[:, columns] - b.values[:, columns]
        moved = np.tensordot(change, skin.deltas[columns], axes=1) * 10.0
        yield float(np.sqrt((moved**2).sum(axis=2).mean(axis=0)).mean())


def _heads_apart(made: list[FaceMotion]) -> Iterator[float]:
    columns = [made[0].channels.index(name) for name in HEAD]
    for a, b in _pairs(made):
        yield float(np.sqrt(((a.values[:, columns] - b.values[:, columns]) ** 2).mean()))


def _head_variances(shared: Path) -> Iterator[float]:
    """rad^2 within clips, of each held-out clip."""
    for corpus in CLIPS:
        labels = np.load(shared / "data" / corpus / "labels.npz")
        names, offsets, rotation = list(labels["clips"]), labels["offsets"], labels["rotation"]
        for clip in held_out(shared, corpus):
            i = names.index(clip.name)
            yield float(rotation[offsets[i] : offsets[i + 1]].var(axis=0).mean())


def _apertures_agree(made: list[FaceMotion]) -> Iterator[float]:
    curves = [np.maximum(lip_curves(m.values, m.channels)[0], 0.0) for m in made]
    for i, one in enumerate(curves):
        for other in curves[i + 1 :]:
            yield float(np.corrcoef(one, other)[0, 1])


def emotions(shared: Path, stage: Stage) -> None:
    """Print how many emotions are recognised in whole performances."""
    clips = [
        *held_out(shared, "us_gov"),
        *held_out(shared, "grid_s1")[:6],  # the single words of lrc_ar are too short for a rhythm
    ]
    print("Emotion at 1.0 in whole performances, by `emotion_rules`; 3 takes of each line")
    _head("emotion", "recognised", "else")
    good = 0
    for emotion in EMOTIONS:
        track = InstructionTrack.constant(Instruction.of({emotion: 1.0}))
        seen = [
            recognise(made.values[round(_REST_S * made.rate_hz) :, : len(ARKIT_52)], made.rate_hz)
            for clip in clips
            for seed in range(3)
            for made in [stage.perform(clip.audio, track, seed)]
        ]
        share = seen.count(emotion) / len(seen)
        good += share >= 0.5
        others = Counter(name or "nothing" for name in seen if name != emotion).most_common()
        print(f"| {emotion} | {share:.0%} | {', '.join(f'{n} {c}' for n, c in others)} |", flush=True)
    print(f"recognised more often than not: {good} of {len(EMOTIONS)}")


def blinks(shared: Path, stage: Stage) -> None:
    """Print rate and times of blinks over minutes of read speech."""
    files = sorted((shared / "data" / "speech" / "librispeech").rglob("*.ogg"))
    read, seconds = [], 0.0
    for file in files[:: max(1, len(files) // 60)]:
        if seconds >= 60.0 * BLINKS_MIN:
            break
        samples, rate = soundfile.read(file, dtype="float32")
        read.append(samples)
        seconds += len(samples) / rate
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "read.wav"
        soundfile.write(sound, np.concatenate(read), 16_000)
        made = stage.perform(sound)
    lids = made.values[:, ARKIT_52.index("eyeBlinkLeft")]
    closed = np.flatnonzero(np.diff((lids > _CLOSED).astype(int)) == 1) + 1
    down, up = [], []
    for at in closed:
        first = at
        while first > 0 and lids[first - 1] < lids[first] and lids[first] > 0.05:
            first -= 1
        last = at + int(np.argmax(lids[at : at + 100] < _CLOSED))
        end = last
        while end + 1 < len(lids) and lids[end + 1] < lids[end] and lids[end] > 0.05:
            end += 1
        down.append((at - first) / made.rate_hz)
        up.append((end - last) / made.rate_hz)
    minutes = seconds / 60.0
    print(f"{minutes:.1f} min of read speech: {len(closed) / minutes:.1f} blinks a minute (people 12 to 20)")
    print(f"closing to {_CLOSED:.0%}: {1000 * np.median(down):.0f} ms (asked 80 to 120)")
    print(f"opening from there: {1000 * np.median(up):.0f} ms")
    intervals = np.diff(closed) / made.rate_hz
    print(
        f"interval: mean {intervals.mean():.1f} s, std {intervals.std():.1f} s, least {intervals.min():.1f} s"
    )


def _head(*titles: str) -> None:
    print("| " + " | ".join(titles) + " |\n|" + "---|" * len(titles))


PARTS = {"upper": upper, "takes": takes, "emotions": emotions, "blinks": blinks}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--what", nargs="*", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    stage = Stage()
    for what in options.what:
        print()
        PARTS[what](options.shared, stage)


if __name__ == "__main__":
    sys.exit(main())
