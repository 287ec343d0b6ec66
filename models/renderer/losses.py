"""What a good painted mouth is: near in value on every scale, as sharp as the film, and moving as it does."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LEVELS = 3
_PATCH = 8
_NOISE = 1e-5
"""Detail (variance of values in 0..1) below which sharpness does not matter."""


class PaintLoss(nn.Module):
    """L1 and the L1 of a Laplacian pyramid (a perceptual loss that needs no foreign network: Bojanowski et
    al. 2018, arXiv 1707.05776), more where the lips are, and the log ratio of the detail's local energy,
    because the two before it reward a picture that is softer than film."""

    def __init__(self, detail: float = 0.02, pyramid: float = 1.0, lips: float = 2.0) -> None:
        super().__init__()
        self.detail, self.pyramid, self.lips = detail, pyramid, lips
        soft = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        self.register_buffer("soft", (soft[:, None] * soft).expand(3, 1, 5, 5).contiguous())

    def blur(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), self.soft, groups=3)

    def forward(self, made: Tensor, film: Tensor, hole: Tensor, lips: Tensor) -> dict[str, Tensor]:
        """Losses of composited pictures [B, 3, S, S]; `hole` [1, 1, S, S]; `lips` [B, 1, S, S] 0..1."""
        weight = hole * (1 + self.lips * lips)
        weight = weight / weight.mean((2, 3), keepdim=True)
        out = {"value": ((made - film).abs() * weight).mean()}
        total, a, b, w = made.new_zeros(()), made, film, weight
        for level in range(_LEVELS):
            soft_a, soft_b = self.blur(a), self.blur(b)
            fine_a, fine_b = a - soft_a, b - soft_b
            if level == 0:
                out["detail"] = self.detail * self._energy(fine_a, fine_b, hole)
            total = total + ((fine_a - fine_b).abs() * w).mean() * 2**level
            a, b, w = soft_a[:, :, ::2, ::2], soft_b[:, :, ::2, ::2], F.avg_pool2d(w, 2)
        out["pyramid"] = self.pyramid * total / _LEVELS
        return out

    def _energy(self, made: Tensor, film: Tensor, hole: Tensor) -> Tensor:
        inside = F.avg_pool2d(hole, _PATCH)
        a, b = (F.avg_pool2d((x.square() * hole).mean(1, keepdim=True), _PATCH) for x in (made, film))
        ratio = torch.log(a + _NOISE) - torch.log(b + _NOISE)
        return (ratio.abs() * inside).sum() / (inside.sum() * len(made))


def motion_loss(made: Tensor, film: Tensor, hole: Tensor) -> Tensor:
    """L1 of how two frames, one after the other ([B, 2, 3, S, S]), differ: against flicker and for sync."""
    difference = (made[:, 1] - made[:, 0]) - (film[:, 1] - film[:, 0])
    return (difference.abs() * hole).mean() / hole.mean()
