"""Training losses of the speech model. All take (B, T, ...) tensors and a bool mask (B, T)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

_CURVE_SCALE_MM = (4.5, 3.0, 3.2, 1.7, 4.2, 1.0)  # spread of the canonical mouth, see models/data/corpora.py
_CURVE_WEIGHT = (1.0, 1.0, 0.4, 0.2, 0.2, 0.1)
_CONTROL_SCALE = 0.1
_CLOSED, _OPEN = 0.15, 0.7  # in units of the canonical aperture's spread: 0.7 mm and 3 mm
_CLOSURE_WEIGHT = 4.0


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean over the frames where `mask`, and over all trailing dimensions."""
    weight = mask.to(x.dtype)
    return (x.flatten(2).mean(2) * weight).sum() / weight.sum().clamp(min=1)


def judged(module: nn.Module, *inputs: Tensor) -> Any:
    """What `module` says of `inputs`; they learn from it, the module does not."""
    return functional_call(module, {name: p.detach() for name, p in module.named_parameters()}, inputs)


def closure_emphasis(aperture: Tensor) -> Tensor:
    """Weight of every frame, (B, T, 1): `_CLOSURE_WEIGHT` where the lips meet between open frames.

    Closures are short: in a plain mean they cost little when missed, and are the first that a viewer sees.
    """
    near = nn.functional.max_pool1d(aperture.transpose(1, 2), 9, stride=1, padding=4).transpose(1, 2)
    return 1.0 + (_CLOSURE_WEIGHT - 1.0) * ((aperture < _CLOSED) & (near > _OPEN)).to(aperture.dtype)


class MouthLoss(nn.Module):
    """How far predicted controls are from targets, measured where it is seen: as lip curves in mm on
    the ICT face (position and velocity), and a little as controls (Huber), which settle the rest.
    Raw controls are judged, not clamped ones: a clamp would take the gradient from controls below 0.

    Args:
        basis: [6, K] mm per control, from `arkit_fit.ict_lip_basis`.
        velocity: weight of the velocity term.
    """

    def __init__(self, basis: Tensor, velocity: float = 1.0) -> None:
        super().__init__()
        scale, weight = torch.tensor(_CURVE_SCALE_MM), torch.tensor(_CURVE_WEIGHT)
        self.register_buffer("basis", (basis / scale[:, None]).float())
        self.register_buffer("weight", (weight / weight.sum()).float())
        self.velocity = velocity

    def curves(self, controls: Tensor) -> Tensor:
        """(B, T, K) -> (B, T, 6) curves in units of their spread."""
        return controls @ self.basis.T

    def forward(self, predicted: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        wanted = self.curves(target)
        difference = (self.curves(predicted) - wanted) * self.weight.sqrt()
        position = masked_mean(difference**2 * closure_emphasis(wanted[..., :1]), valid)
        moved = difference[:, 2:] - difference[:, :-2]
        speed = masked_mean(moved**2, valid[:, 2:] & valid[:, :-2])
        controls = nn.functional.huber_loss(
            predicted / _CONTROL_SCALE, target / _CONTROL_SCALE, reduction="none"
        )
        return 6 * position + self.velocity * 6 * speed + 0.1 * masked_mean(controls, valid)
