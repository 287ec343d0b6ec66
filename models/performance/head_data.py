"""Filmed heads beside the voice's prosody and visemes, at the rate of the generator.

Poses are the tracker's (DATA.md beside the data); their signs are those of `inference.channels` (pitch > 0
looks down, yaw > 0 to the subject's left, roll > 0 tilts to the right), which the landmarks confirm: with the
forehead nearer than the chin r is .98, with the left eye farther than the right .94 to .99, with the left eye
higher .99.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.signal import butter, sosfiltfilt

from ...inference.files import atomic_write
from ...inference.motion import join, stream_speech
from ...inference.prosody import measure
from ...inference.session import load_speech_model
from ...inference.types import AudioClip
from ..data.corpora import load_audio

if TYPE_CHECKING:
    from pathlib import Path

CORPORA = ("grid_s1", "us_gov", "lrc_ar")
RATE_HZ = 25
_CUT_HZ = 6.0
"""Above about 7 Hz the spectrum of the poses is flat at a thousandth of its height: the tracker's jitter."""
DEV_CLUSTERS = 5
"""Each fifth face cluster of lrc_ar is held out."""
DEV_TAIL_S = 10.0
"""The end of the long clip of us_gov is held out; its short clip is the same address and is left out."""


@dataclass(frozen=True)
class HeadClip:
    """One stretch of film. `pose` float32 [T, 3] radians at 25 Hz, jitter removed, around its own mean;
    `prosody` float32 [2T, 3] and `visemes` float32 [2T, 15] at 50 Hz (see `inference.performance.stress`)."""

    corpus: str
    speaker: str
    name: str
    held_out: bool
    pose: np.ndarray
    prosody: np.ndarray
    visemes: np.ndarray


def without_jitter(pose: np.ndarray, fps: float) -> np.ndarray:
    """[T, 3] with what is above 6 Hz taken away, not shifted in time."""
    return sosfiltfilt(butter(2, _CUT_HZ, fs=fps, output="sos"), pose, axis=0, padlen=min(15, len(pose) - 1))


def load_heads(shared: Path, cache: Path) -> list[HeadClip]:
    """Every usable clip of the filmed corpora. `cache` holds what this wrote there before (npz)."""
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        clips = [clip for corpus in CORPORA for clip in _make(shared, corpus)]
        with atomic_write(cache, "wb") as stream:
            np.savez(stream, **_packed(clips))
    return _unpacked(np.load(cache))


def _make(shared: Path, corpus: str) -> list[HeadClip]:
    folder = shared / "data" / corpus
    labels = dict(np.load(folder / "labels.npz"))
    model = load_speech_model()
    clips = []
    for i, name in enumerate(labels["clips"]):
        rows = slice(int(labels["offsets"][i]), int(labels["offsets"][i + 1]))
        audio = next((folder / "audio").glob(f"{name}.*"), None)
        if audio is None or not labels["ok"][rows].all() or name == "weekly_address_b":
            continue
        fps = float(np.broadcast_to(labels["fps"], len(labels["clips"]))[i])
        samples = load_audio(audio)
        frames = min(int(len(samples) / 16_000 * RATE_HZ), int((rows.stop - rows.start - 1) / fps * RATE_HZ))
        times = np.arange(rows.stop - rows.start) / fps
        smooth = without_jitter(labels["rotation"][rows].astype(np.float64), fps)
        pose = PchipInterpolator(times, smooth, axis=0)(np.arange(frames) / RATE_HZ).astype(np.float32)
        sound = AudioClip(samples, 16_000)
        heard, spoken = measure([sound]), join(stream_speech([sound], model))
        prosody = np.stack([heard.level_db, heard.high_db, heard.pitch_octaves], axis=1).astype(np.float32)
        speaker = f"{corpus}/{labels['speaker'][i]}" if "speaker" in labels else corpus
        whole = HeadClip(
            corpus, speaker, str(name), False, pose, prosody[: 2 * frames], spoken.visemes[: 2 * frames]
        )
        clips += _split(whole, _held_out(folder, corpus, str(name), speaker))
    return clips


def _held_out(folder: Path, corpus: str, name: str, speaker: str) -> bool:
    if corpus == "grid_s1":
        split = json.loads((folder / "split.json").read_text())
        return name in split["dev"] or name in split["dev_video"]
    return corpus == "lrc_ar" and int(speaker.rpartition("/")[2]) % DEV_CLUSTERS == 0


def _split(clip: HeadClip, held_out: bool) -> list[HeadClip]:
    """The clip as it is or, if it is long, cut into training and held-out part; each around its own mean."""
    cut = len(clip.pose) - round(DEV_TAIL_S * RATE_HZ)
    if clip.corpus != "us_gov":
        return [_part(clip, slice(0, len(clip.pose)), held_out)]
    return [_part(clip, slice(0, cut), False), _part(clip, slice(cut, len(clip.pose)), True)]


def _part(clip: HeadClip, rows: slice, held_out: bool) -> HeadClip:
    fine = slice(2 * rows.start, 2 * rows.stop)
    pose = clip.pose[rows] - clip.pose[rows].mean(0)
    return HeadClip(
        clip.corpus, clip.speaker, clip.name, held_out, pose, clip.prosody[fine], clip.visemes[fine]
    )


def _packed(clips: list[HeadClip]) -> dict[str, np.ndarray]:
    return {
        "names": np.array([(c.corpus, c.speaker, c.name) for c in clips]),
        "held_out": np.array([c.held_out for c in clips]),
        "lengths": np.array([len(c.pose) for c in clips]),
        "pose": np.concatenate([c.pose for c in clips]),
        "prosody": np.concatenate([c.prosody for c in clips]),
        "visemes": np.concatenate([c.visemes for c in clips]),
    }


def _unpacked(stored: np.lib.npyio.NpzFile) -> list[HeadClip]:
    table = {key: stored[key] for key in stored.files}
    ends = np.cumsum(table["lengths"])
    clips = []
    for (corpus, speaker, name), held_out, n, end in zip(
        table["names"], table["held_out"], table["lengths"], ends, strict=True
    ):
        fine = slice(2 * (end - n), 2 * end)
        clips.append(
            HeadClip(
                str(corpus), str(speaker), str(name), bool(held_out), table["pose"][end - n : end],
                table["prosody"][fine], table["visemes"][fine],
            )
        )  # fmt: skip
    return clips
