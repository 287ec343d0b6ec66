"""The renderer: a compact U-Net that paints the mouth from the plate, its shape and retrieved patches.

The patches are memory in the sense of MemFace (Tang et al. 2022, arXiv 2212.05005): pixels of this actor,
seen with nearly the same mouth. They reach the picture by two ways: as features, so that the U-Net knows
them, and as pixels. Of pixels the broad band is averaged softly, and the fine band (teeth, stubble) is taken
where it fits best, as in two-band blending (Burt and Adelson 1983): an average of fine detail would be
blurred. What the U-Net paints by itself is mixed in where it is surer than memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_DIFFERENCE = 8.0
"""Factor on the differences of patch and plate round the hole, so that the network minds them as much."""


@dataclass(frozen=True)
class RendererConfig:
    """`width` channels at half of the crop's resolution; `deep` those of the coarser scales; `patch` those of
    a patch's features; `memory` False: the patches are not looked at; `attention` False: their mean."""

    width: int = 16
    deep: tuple[int, ...] = (24, 32, 48)
    patch: int = 12
    geometry: int = 4
    memory: bool = True
    attention: bool = True


def _conv(inner: int, outer: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inner, outer, 3, stride, 1)


class Block(nn.Module):
    """Two convolutions with a way round them."""

    def __init__(self, inner: int, outer: int, stride: int = 1) -> None:
        super().__init__()
        self.first, self.second = _conv(inner, outer, stride), _conv(outer, outer)

    def forward(self, x: Tensor) -> Tensor:
        y = _act(self.first(x))
        return y + _act(self.second(y))


def _act(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.1)


class Attention(nn.Module):
    """Weights of the K patches at every place: what fits the place's query, is near in shape, and has
    surroundings like the plate's (the same light, the same turn of the head)."""

    def __init__(self, query: int, key: int, heads: int, size: int = 8) -> None:
        super().__init__()
        self.query, self.key = nn.Conv2d(query, heads * size, 1), nn.Conv2d(key, heads * size, 1)
        self.near = nn.Parameter(torch.full((heads,), 1.0))
        self.unlike = nn.Parameter(torch.full((heads,), 20.0))
        self.heads, self.size = heads, size

    def forward(
        self, query: Tensor, keys: Tensor, distance: Tensor, mismatch: Tensor, attend: Tensor
    ) -> Tensor:
        """query [B, Q, H, W], keys [B * K, C, H, W], distance and mismatch [B, K] -> [B, K, heads, H, W]."""
        batch, count = distance.shape[0], distance.shape[1]
        high, wide = query.shape[2], query.shape[3]
        q = self.query(query).reshape(batch, 1, self.heads, self.size, high, wide)
        k = self.key(keys).reshape(batch, count, self.heads, self.size, high, wide)
        fit = (q * k).sum(3) * self.size**-0.5
        far = distance[..., None] * F.softplus(self.near) + mismatch[..., None] * F.softplus(self.unlike)
        fit = fit - far[..., None, None]
        return torch.softmax(fit * attend, 1)


class RendererNet(nn.Module):
    """See `forward`. Sizes are free: S a multiple of 16, any B and K."""

    def __init__(self, config: RendererConfig) -> None:
        super().__init__()
        self.config = config
        width, patch, deep = config.width, config.patch, config.deep
        self.register_buffer("use", torch.tensor(float(config.memory)))
        self.register_buffer("attend", torch.tensor(float(config.attention)))
        self.entrance = _conv(16 + config.geometry, width)
        self.look = nn.Sequential(_conv(15, patch), nn.LeakyReLU(0.1), _conv(patch, patch), nn.LeakyReLU(0.1))
        self.find = Attention(width, patch, 1)
        self.join = Block(width + patch + 12, width)
        self.down = nn.ModuleList(Block(a, b, 2) for a, b in zip((width, *deep), deep, strict=False))
        ups = list(zip((width, *deep)[::-1], (width, *deep)[::-1][1:], strict=False))
        self.up = nn.ModuleList(Block(a + b, b) for a, b in ups)
        self.choose = Attention(width, patch, 2)
        self.paint = _conv(width, 20)
        with torch.no_grad():  # begins with what memory shows
            self.paint.bias[12:16] -= 2.0
        self.register_buffer("crisp", torch.tensor(1.0))
        """Factor on the fine band: see `training.Trainer.sharpen`."""
        soft = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        self.register_buffer("soft", (soft[:, None] * soft).expand(3, 1, 5, 5).contiguous())

    def forward(
        self, plate: Tensor, geometry: Tensor, patches: Tensor, places: Tensor, distance: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The painted crop [B, 3, S, S], 0..1 where it is well trained, and what the U-Net alone would paint.

        Args:
            plate: float32 [B, 4, S, S], the crop in reference colours with the hole blanked, and the hole.
            geometry: float32 [B, G, S / 2, S / 2], see `inference.actor.painting.conditioning`.
            patches: float32 [B, K, 3, S, S] of the memory, as they were seen.
            places: float32 [B, K, N, N, 2], where each node of a coarse grid lies in each patch, -1..1.
            distance: float32 [B, K] of the patches' shape from the wanted one.
        """
        count, batch = patches.shape[1], plate.shape[0]
        seen = warp(patches.flatten(0, 1), places.flatten(0, 1)) * self.use
        whole = seen.reshape(batch, count, 3, seen.shape[2], seen.shape[3])
        outside = (whole - plate[:, None, :3]) * (1.0 - plate[:, None, 3:]) * _DIFFERENCE
        mismatch = outside.square().mean((2, 3, 4))
        small = torch.cat([F.pixel_unshuffle(seen, 2), F.avg_pool2d(outside.flatten(0, 1), 2)], 1)
        keys = self.look(small)
        x = _act(self.entrance(torch.cat([F.pixel_unshuffle(plate, 2), geometry], 1)))
        first = self.find(x, keys, distance, mismatch, self.attend)[:, :, 0, None]
        values = torch.cat([keys, small[:, :12]], 1)
        values = values.reshape(batch, count, values.shape[1], values.shape[2], values.shape[3])
        x = self.join(torch.cat([x, (first * values).sum(1)], 1))
        kept = [x]
        for step in self.down:
            kept.append(step(kept[-1]))
        y = kept.pop()
        for step in self.up:
            fine = kept.pop()
            y = F.interpolate(y, scale_factor=2.0, mode="nearest")
            y = step(torch.cat([y, fine], 1))
        weights = self.choose(y, keys, distance, mismatch, self.attend).flatten(0, 1)
        weights = F.interpolate(weights, scale_factor=2.0, mode="bilinear", align_corners=False)
        broad = F.conv2d(F.pad(seen, (2, 2, 2, 2), mode="replicate"), self.soft, groups=3)
        whole = (weights[:, :1] * seen).reshape(whole.shape).sum(1)
        fine = (weights[:, 1:] * (seen - broad)).reshape(batch, count, 3, seen.shape[2], seen.shape[3]).sum(1)
        drawn = F.pixel_shuffle(self.paint(y), 2)
        own, share, sharpness = drawn[:, :3] + 0.5, torch.sigmoid(drawn[:, 3:4]), torch.sigmoid(drawn[:, 4:])
        share = 1.0 - self.use * (1.0 - share)
        return own * share + whole * (1.0 - share) + fine * sharpness * (self.crisp * self.use), own


def warp(patches: Tensor, places: Tensor) -> Tensor:
    """Patches [N, 3, S, S] sampled (cubic) at places [N, G, G, 2] of a coarse grid over all of the crop."""
    size = (patches.shape[2], patches.shape[3])
    grid = F.interpolate(places.permute(0, 3, 1, 2), size=size, mode="bilinear", align_corners=True)
    return F.grid_sample(
        patches, grid.permute(0, 2, 3, 1), mode="bicubic", padding_mode="border", align_corners=False
    )
