"""What the implicit memory of the speech model has learnt: which phones its slots answer to, and which lips.

The memory (MemFace: He et al. 2022, arXiv 2212.05005) is a table of learned slots; every frame of speech
looks at all of them, with addresses that sum to 1. Nobody tells a slot what it is for. This module watches
the addresses while the model listens and gathers what they go together with; `memory_plot` draws it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from .errors import ModelError, UsageError
from .files import atomic_write
from .lip_basis import CONTROLS_MM, lip_curves
from .motion import stream_speech
from .visemes import VISEMES

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from .motion import Spoken
    from .session import SpeechModel
    from .types import AudioClip, FloatArray

EXCERPT_S: Final = 12.0
"""How much of the first line is drawn against time: more would not be legible."""
_ANSWERS: Final = 2.0
"""A slot is in use when some frame addresses it this many times as much as chance (1 / M) would."""
_HEARD_FRAMES: Final = 5.0
"""A viseme of less than a tenth of a second in all says nothing about a slot."""
_PREFERS: Final = 1.5
"""A preferred viseme gets so many times the mean answer."""
_IDLE: Final = 0.05
"""Share of the visemes' information below which the memory is said to ignore them."""
_TOP_VISEMES, _TOP_CONTROLS = 4, 3


@dataclass(frozen=True)
class Slot:
    """What one slot of the memory goes together with. Averages are weighted by the slot's address."""

    index: int
    share: float
    """Mean address, 0..1: how much of all looking goes to this slot."""
    peak: float
    """Highest address in one frame, 0..1."""
    by_viseme: FloatArray
    """float32 [15]: mean address while that viseme is heard; NaN for visemes that hardly occurred."""
    aperture_mm: float
    width_mm: float
    controls: tuple[tuple[str, float, float], ...]
    """The ARKit controls that differ most from the average frame: (name, mean weight, difference)."""

    @property
    def preferred(self) -> int | None:
        """Index of the viseme that it answers to most; None where all visemes are nearly the same to it."""
        best = int(np.nanargmax(self.by_viseme))
        return best if self.by_viseme[best] >= _PREFERS * np.nanmean(self.by_viseme) else None

    @property
    def prefers(self) -> str:
        """Name of the preferred viseme, or a dash."""
        return "-" if self.preferred is None else VISEMES[self.preferred]

    def visemes(self) -> list[tuple[str, float]]:
        """The strongest visemes and their shares of the answer, as if all visemes were equally frequent."""
        shares = np.nan_to_num(self.by_viseme / np.nansum(self.by_viseme))
        return [(VISEMES[i], float(shares[i])) for i in np.argsort(-shares)[:_TOP_VISEMES]]


@dataclass(frozen=True)
class Findings:
    """Statistics of the memory over everything that was heard."""

    slots: tuple[Slot, ...]
    """Slots in use, sorted by the viseme that they prefer; all slots where none stands out."""
    in_use: int
    total: int
    seconds: float
    at_once: float
    """Slots that a frame looks at: 2 to the mean entropy of an address."""
    bits: float
    """Mutual information of address and viseme, in bits: 0 when the memory ignores the phones."""
    viseme_bits: float
    """Entropy of the visemes that were heard: the most that `bits` could be."""
    mouth_mm: tuple[float, float]
    """Aperture and width of the average frame."""


@dataclass(frozen=True)
class Excerpt:
    """The beginning of the first line: `memory` [T, M], `visemes` [T, 15], `aperture_mm` [T] at `rate_hz`."""

    name: str
    rate_hz: float
    memory: FloatArray
    visemes: FloatArray
    aperture_mm: FloatArray


class MemoryStudy:
    """Gathers what the memory does while the model listens to sounds, in bounded memory."""

    def __init__(self, model: SpeechModel, excerpt_s: float = EXCERPT_S) -> None:
        self.card = model.card
        self._model = model
        self._channels = model.card.channels
        self._controls = [
            (name, c) for name in (*CONTROLS_MM, "tongueOut") if (c := _columns(name, self._channels))
        ]
        self._excerpt_frames = round(excerpt_s * model.card.rate_hz)
        self._frames = 0
        self._entropy = 0.0
        self._joint: NDArray[np.float64] | None = None  # [M, 15] sum over frames of address x posterior
        self._moments: NDArray[np.float64] | None = (
            None  # [M, 2 + controls] sum of address x (lips, controls)
        )
        self._peak = np.zeros(0)
        self._kept: list[Spoken] = []
        self._name: str | None = None

    def hear(self, name: str, blocks: Iterable[AudioClip]) -> None:
        """Add one sound; the first one that is not empty becomes the excerpt.

        Args:
            name: shown in the picture.
            blocks: the sound, as from `audio.AudioReader.blocks`.

        Raises:
            ModelError: the weight file has no implicit memory.
        """
        first = self._name is None
        for spoken in stream_speech(blocks, self._model, measured=False):
            if not len(spoken.memory):
                continue
            if spoken.memory.shape[1] == 0:
                raise ModelError(
                    f"The weights {self.card.name} {self.card.version} have no implicit memory",
                    "Give others with --model",
                )
            self._gather(spoken)
            if first:
                self._name = name
                if sum(len(kept.memory) for kept in self._kept) < self._excerpt_frames:
                    self._kept.append(spoken)

    def _gather(self, spoken: Spoken) -> None:
        address = spoken.memory.astype(np.float64)
        lips = lip_curves(spoken.motion.values, self._channels)
        weights = [spoken.motion.values[:, columns].mean(axis=1) for _, columns in self._controls]
        moved = np.stack([np.maximum(lips[0], 0.0), lips[1], *weights], axis=1).astype(np.float64)
        joint, moments = address.T @ spoken.visemes, address.T @ moved
        self._joint = joint if self._joint is None else self._joint + joint
        self._moments = moments if self._moments is None else self._moments + moments
        self._peak = np.maximum(self._peak if len(self._peak) else 0.0, address.max(axis=0))
        self._entropy += float(-(address * np.log2(np.maximum(address, 1e-12))).sum())
        self._frames += len(address)

    def findings(self) -> Findings:
        """What was found so far.

        Raises:
            UsageError: nothing was heard.
        """
        if self._joint is None or self._moments is None:
            raise UsageError(
                "There was no sound to listen to", "Give at least one sound file with speech in it"
            )
        total = len(self._joint)
        # An address that reaches half is in use, however few slots there are.
        active = self._peak >= min(_ANSWERS / total, 0.5)
        slots = [self._slot(k) for k in range(total) if active[k] or not active.any()]
        slots.sort(key=_order)
        bits, viseme_bits = _information(self._joint)
        mouth = self._moments.sum(axis=0) / self._joint.sum()
        return Findings(
            slots=tuple(slots),
            in_use=int(active.sum()),
            total=total,
            seconds=self._frames / self.card.rate_hz,
            at_once=float(2 ** (self._entropy / self._frames)),
            bits=bits,
            viseme_bits=viseme_bits,
            mouth_mm=(float(mouth[0]), float(mouth[1])),
        )

    def _slot(self, k: int) -> Slot:
        assert self._joint is not None
        assert self._moments is not None
        heard = self._joint.sum(axis=0)
        by_viseme = np.where(heard >= _HEARD_FRAMES, self._joint[k] / np.maximum(heard, 1e-9), np.nan)
        if np.isnan(by_viseme).all():
            by_viseme = self._joint[k] / np.maximum(heard, 1e-9)
        mean = self._moments[k] / max(self._joint[k].sum(), 1e-12)
        change = mean - self._moments.sum(axis=0) / self._joint.sum()
        strongest = np.argsort(-np.abs(change[2:]))[:_TOP_CONTROLS]
        return Slot(
            index=k,
            share=float(self._joint[k].sum() / self._joint.sum()),
            peak=float(self._peak[k]),
            by_viseme=by_viseme.astype(np.float32),
            aperture_mm=float(mean[0]),
            width_mm=float(mean[1]),
            controls=tuple(
                (self._controls[i][0], float(mean[2 + i]), float(change[2 + i])) for i in strongest
            ),
        )

    def excerpt(self) -> Excerpt:
        """The beginning of the first sound (call `findings` before: it refuses when there is none)."""
        n = self._excerpt_frames
        memory, visemes, values = (
            np.concatenate(parts)[:n]
            for parts in zip(*((s.memory, s.visemes, s.motion.values) for s in self._kept), strict=True)
        )
        aperture = np.maximum(lip_curves(values, self._channels)[0], 0.0)
        return Excerpt(self._name or "", float(self.card.rate_hz), memory, visemes, aperture)


def _order(slot: Slot) -> tuple[int, float]:
    last = len(VISEMES)
    return last if slot.preferred is None else slot.preferred, -float(np.nanmax(slot.by_viseme))


def _columns(control: str, channels: Sequence[str]) -> list[int]:
    """Columns of a control: itself, or its left and right."""
    return [channels.index(n) for n in (control, control + "Left", control + "Right") if n in channels]


def _information(joint: NDArray[np.float64]) -> tuple[float, float]:
    """Mutual information of rows and columns of a joint distribution, and the columns' entropy, in bits."""
    p = joint / joint.sum()
    rows, columns = p.sum(axis=1, keepdims=True), p.sum(axis=0, keepdims=True)
    expected = np.maximum(rows * columns, 1e-300)
    bits = float((p * np.log2(np.maximum(p, 1e-300) / expected)).sum())
    return max(0.0, bits), float(-(columns * np.log2(np.maximum(columns, 1e-300))).sum())


_TITLES: Final = (
    "slot", "share", "peak", "prefers", "visemes", "aperture_mm", "width_mm", "controls",
)  # fmt: skip


def table_rows(findings: Findings) -> list[tuple[str, ...]]:
    """One row of text per slot, after a row of titles: what goes into the TSV and onto the screen."""
    rows: list[tuple[str, ...]] = [_TITLES]
    for slot in findings.slots:
        rows.append(
            (
                str(slot.index),
                f"{slot.share:.3f}",
                f"{slot.peak:.3f}",
                slot.prefers,
                " ".join(f"{name} {share:.0%}" for name, share in slot.visemes()),
                f"{slot.aperture_mm:.1f}",
                f"{slot.width_mm:.1f}",
                controls_text(slot),
            )
        )
    return rows


def controls_text(slot: Slot) -> str:
    """The controls that differ most from the average frame, as `name mean (difference)`."""
    return ", ".join(f"{name} {mean:.2f} ({change:+.2f})" for name, mean, change in slot.controls)


def summary_text(findings: Findings) -> str:
    """What there is to say on the whole memory."""
    never = findings.total - findings.in_use
    text = (
        f"{findings.in_use} of {findings.total} slots in use, {never} never; a frame looks at"
        f" {findings.at_once:.1f} slots; the address tells {findings.bits:.2f} of"
        f" {findings.viseme_bits:.1f} bits about the viseme; {findings.seconds:.0f} s of sound"
    )
    idle = findings.bits < _IDLE * findings.viseme_bits
    return text + (". The memory hardly depends on what is said." if idle else "")


def write_table(path: str | os.PathLike[str], findings: Findings) -> None:
    """Write the table as TSV.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_write(path, newline="\n") as stream:
        stream.writelines("\t".join(row) + "\n" for row in table_rows(findings))
