"""Saving and loading of training state: tensors and plain values only (no pickled code)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from .net import SpeechNet, SpeechNetConfig

if TYPE_CHECKING:
    from pathlib import Path


def save_checkpoint(
    path: Path, net: SpeechNet, meta: dict[str, Any], training: dict[str, Any] | None = None
) -> None:
    """Write the network, what made it (`meta`) and, to resume, the optimiser's state; replaces atomically."""
    temporary = path.with_suffix(".partial")
    torch.save(
        {"config": asdict(net.config), "net": net.state_dict(), "meta": meta, "training": training or {}},
        temporary,
    )
    temporary.replace(path)


def load_checkpoint(path: Path) -> tuple[SpeechNet, dict[str, Any]]:
    """The network in evaluation mode, and its meta data."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    net = SpeechNet(SpeechNetConfig(**stored["config"]))
    net.load_state_dict(stored["net"])
    return net.eval(), stored["meta"]
