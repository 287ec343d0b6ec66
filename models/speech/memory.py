"""The two memories of the speech network. Both are addressed by what is heard in a frame."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, kl_div, normalize

from .losses import judged

ADDRESS_SCALE = 16.0
"""Sharpness of cosine addresses, as in SyncTalkFace."""
LIP_FEATURES = 64


def _address(query: Tensor, keys: Tensor) -> Tensor:
    """Softmax over scaled cosines: queries (B, C, T) and keys (M, C) -> (B, M, T)."""
    scores = torch.einsum("bct,mc->bmt", normalize(query, dim=1), normalize(keys, dim=1))
    return torch.softmax(ADDRESS_SCALE * scores, dim=1)


def indecision(address: Tensor) -> Tensor:
    """How far the mutual information of frames and slots stays below its largest value, nats: 0 when every
    frame looks at one slot and all slots are looked at alike. Without it the slots collapse: two of
    them took 60 % of every address.

    Args:
        address: (B, T, M), summing to 1 over M.
    """
    mean = address.flatten(0, 1).mean(0)
    own = -(address * torch.log(address + 1e-8)).sum(2).mean()
    return own + (mean * torch.log(mean + 1e-8)).sum() + math.log(address.shape[2])


class ImplicitMemory(nn.Module):
    """MemFace's implicit memory (He et al. 2022, arXiv 2212.05005): x + softmax(Q K^T) V.

    K and V are learned slots [M, d], addressed by the audio feature of every frame: what speech leaves
    open about the mouth is looked up instead of averaged. With 0 slots it passes x through. Addresses are
    scaled cosines (MemFace's are plain products, which collapsed here).
    """

    def __init__(self, slots: int, width: int) -> None:
        super().__init__()
        self.query = nn.Conv1d(width, width, 1) if slots else nn.Identity()
        self.keys = nn.Parameter(torch.randn(slots, width))
        self.values = nn.Parameter(torch.randn(slots, width) * 0.1)

    def address(self, x: Tensor) -> Tensor:
        """How much every frame looks at every slot: (B, C, T) -> (B, M, T), summing to 1 over M."""
        return _address(self.query(x), self.keys)

    def forward(self, x: Tensor, address: Tensor) -> Tensor:
        """(B, C, T) and its addresses (B, M, T) -> (B, C, T)."""
        return x + torch.einsum("bmt,mc->bct", address, self.values)


class AudioLipMemory(nn.Module):
    """SyncTalkFace's audio-lip memory (Park et al., AAAI 2022, arXiv 2211.00924).

    Keys are addressed by sound, values hold features of lip motion. In training the lips that were filmed
    address the values (`seen`), and the sound must learn the same addresses; at run time the sound alone
    recalls what such lips did.
    """

    def __init__(self, slots: int, width: int) -> None:
        super().__init__()
        self.query = nn.Conv1d(width, width, 1)
        self.keys = nn.Parameter(torch.randn(slots, width))
        self.values = nn.Parameter(torch.randn(slots, LIP_FEATURES))
        self.recall = nn.Conv1d(LIP_FEATURES, width, 1)

    def address(self, x: Tensor) -> Tensor:
        """Addresses from the sound: (B, C, T) -> (B, S, T), summing to 1 over S."""
        return _address(self.query(x), self.keys)

    def forward(self, x: Tensor, address: Tensor) -> Tensor:
        """x and what it recalls: (B, C, T), (B, S, T) -> (B, C, T)."""
        return x + self.recall(torch.einsum("bst,sf->bft", address, self.values))

    def seen(self, lips: Tensor) -> Tensor:
        """Addresses from lip features (B, T, F) -> (B, T, S)."""
        return _address(lips.transpose(1, 2), self.values).transpose(1, 2)

    def losses(self, lips: Tensor, heard: Tensor, mask: Tensor) -> Tensor:
        """Store loss (values rebuild the lip features) plus alignment KL(seen || heard).

        Args:
            lips: (B, T, F) features of the filmed lips, see `LipEncoder`.
            heard: (B, T, S) addresses from the sound.
            mask: (B, T) frames with filmed lips.
        """
        seen = self.seen(lips.detach())
        store = ((seen @ self.values - lips.detach()) ** 2).mean(2)
        align = kl_div(torch.log(heard + 1e-8), seen.detach(), reduction="none").sum(2)
        weight = mask.to(lips.dtype)
        return ((store + 0.1 * align) * weight).sum() / weight.sum().clamp(min=1)


class LipEncoder(nn.Module):
    """Lip curves (B, T, 6) in units of their spread -> features of lip motion (B, T, F). Training only.

    Learned as an autoencoder over five frames, so that a feature says where the lips are and where they go.
    """

    def __init__(self, curves: int = 6) -> None:
        super().__init__()
        self.encode = nn.Sequential(
            nn.Conv1d(curves, LIP_FEATURES, 5, padding=2), nn.ReLU(), nn.Conv1d(LIP_FEATURES, LIP_FEATURES, 1)
        )
        self.decode = nn.Conv1d(LIP_FEATURES, curves, 5, padding=2)

    def forward(self, curves: Tensor) -> Tensor:
        return self.encode(curves.transpose(1, 2)).transpose(1, 2)

    def rebuild(self, features: Tensor) -> Tensor:
        """Features (B, T, F) -> curves (B, T, 6)."""
        return self.decode(features.transpose(1, 2)).transpose(1, 2)

    def apart(self, curves: Tensor, wanted: Tensor) -> Tensor:
        """Visual-visual sync: 1 - cosine of the features of two motions, (B, T, 6) each -> (B, T).

        The encoder stays as it is: motion must come to look right, not the eye that judges it.
        """
        moved, filmed = (judged(self, x) for x in (curves, wanted))
        return 1.0 - cosine_similarity(moved, filmed, dim=2)
