"""Everything that training asks of the speech network, as one weighted sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, conv1d, cross_entropy, huber_loss

from ...inference.visemes import UNKNOWN, VISEMES
from .frontend import HOP, MEL_MEAN, MEL_STD, WINDOW
from .losses import MouthLoss, masked_mean
from .memory import LipEncoder, indecision
from .sync import MultiScaleSync

if TYPE_CHECKING:
    from ..data.batches import Batch
    from .memory import AudioLipMemory
    from .net import Output

TONGUE_OUT = 0.6
"""`tongueOut` at the height of a th; the other sounds keep the tongue behind the teeth."""
_TONGUE_WINDOW = 9  # frames: the tip is on its way 80 ms before and after


@dataclass(frozen=True)
class Weights:
    """How much each part counts; 0 leaves it out (`models/ABLATIONS.md` says what each brings)."""

    phones: float = 0.5
    """Cross-entropy of the viseme posteriors, where phone times are known."""
    distil: float = 0.0
    """Real speech without a film: agree, on disturbed sound, with the averaged network on clean sound."""
    implicit: float = 0.1
    """Slots of the implicit memory that stand for something: frames choose, and all slots are chosen."""
    lip_memory: float = 0.2
    """Store and alignment losses of the audio-lip memory (needs `SpeechNetConfig.lip_slots`)."""
    visual_sync: float = 0.5
    """Features of the predicted lip motion against those of the filmed one."""
    multi_scale: float = 0.0
    """Agreement of motion and sound in the eyes of four syncers."""
    tongue: float = 0.5


def tongue_target(phones: Tensor) -> Tensor:
    """`tongueOut` (B, T) of viseme classes (B, T): a smooth bump over every th."""
    out = (phones == VISEMES.index("TH")).to(torch.float32)[:, None]
    window = torch.hann_window(_TONGUE_WINDOW + 2, periodic=False)[1:-1]
    smooth = conv1d(out, (window / window.sum() * 2.0)[None, None], padding=_TONGUE_WINDOW // 2)
    return TONGUE_OUT * smooth[:, 0].clamp(max=1.0)


class Objective(nn.Module):
    """The loss. Holds what only training needs: lip encoder and syncers, learned beside the network.

    Args:
        basis: [6, K] mm per control, from `arkit_fit.ict_lip_basis`.
        weights: what counts how much.
        left_context: of the network, in samples.
    """

    def __init__(self, basis: Tensor, weights: Weights, left_context: int) -> None:
        super().__init__()
        self.weights = weights
        self.mouth = MouthLoss(basis)
        self.lips = LipEncoder()
        self.sync = MultiScaleSync()
        self._first_mel = round((left_context - WINDOW / 2) / HOP)

    def forward(
        self,
        out: Output,
        batch: Batch,
        mel: Tensor,
        told: Tensor | None,
        memory: AudioLipMemory | None,
        generator: torch.Generator,
    ) -> Tensor:
        """Loss of one batch.

        Args:
            out: the network's answer to `mel`.
            batch: targets.
            mel: (B, M, F) what the network heard.
            told: (B', T, K) what the averaged network says of the clean lines where `batch.unfilmed`.
            memory: the network's audio-lip memory, where it has one.
            generator: randomness of the syncers.
        """
        weights = self.weights
        loss = self.mouth(out.controls, batch.controls, batch.valid)
        if weights.phones and bool((batch.phones != UNKNOWN).any()):
            loss = loss + weights.phones * cross_entropy(
                out.phones.flatten(0, 1), batch.phones.flatten(), ignore_index=UNKNOWN
            )
            loss = loss + weights.tongue * 10 * masked_mean(
                (out.tongue - tongue_target(batch.phones))[..., None] ** 2, batch.phones != UNKNOWN
            )
        if told is not None and len(told):
            heard = out.controls[batch.unfilmed]
            loss = loss + weights.distil * self.mouth(
                heard, told, torch.ones_like(heard[..., 0], dtype=torch.bool)
            )
        if weights.implicit and out.implicit.shape[2]:
            loss = loss + weights.implicit * indecision(out.implicit)
        if weights.lip_memory or weights.visual_sync:
            loss = loss + self._lips(out, batch, memory)
        if weights.multi_scale:
            loss = loss + self._sync(out, batch, mel, generator)
        return loss

    def _lips(self, out: Output, batch: Batch, memory: AudioLipMemory | None) -> Tensor:
        wanted = self.mouth.curves(batch.controls)
        features = self.lips(wanted)
        loss = masked_mean(huber_loss(self.lips.rebuild(features), wanted, reduction="none"), batch.valid)
        if self.weights.lip_memory and memory is not None and out.heard is not None:
            loss = loss + self.weights.lip_memory * memory.losses(features, out.heard, batch.valid)
        if self.weights.visual_sync:
            apart = self.lips.apart(self.mouth.curves(out.controls), wanted)
            loss = loss + self.weights.visual_sync * masked_mean(apart[..., None], batch.valid)
        return loss

    def _sync(self, out: Output, batch: Batch, mel: Tensor, generator: torch.Generator) -> Tensor:
        frames = out.controls.shape[1]
        heard = mel[:, :, self._first_mel : self._first_mel + 2 * frames]
        sound = (avg_pool1d(heard, 2).transpose(1, 2) - MEL_MEAN) / MEL_STD
        filmed = batch.valid.float().mean(1) > 0.9
        if not bool(filmed.any()):
            return torch.zeros(())
        contrast = self.sync.contrast(self.mouth.curves(batch.controls), sound, filmed, generator)
        apart = self.sync.apart(self.mouth.curves(out.controls)[filmed], sound[filmed])
        return contrast + self.weights.multi_scale * apart
