"""Trained renderer to weight file: ONNX with its card inside, behind the gate of `models.export`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
import torch
from torch import Tensor, nn

from ...inference.actor.painting.conditioning import INPUTS
from ...inference.actor.painting.renderer import CONTRACT, OUTPUT, dummy_feeds
from ...inference.session import load_graph
from ..export import pass_gate, write_card

if TYPE_CHECKING:
    from .net import RendererNet

TOLERANCE = 2e-3
"""Of colours in 0..1: half a level of eight bits. Measured 4e-4 to 7e-4: patches of noise, torn apart by
random places, show a hundredth of a pixel's difference in sampling as no real mouth does."""


class Painting(nn.Module):
    """The exported graph: `conditioning.Conditions` as they are to painted crops [B, 3, S, S]."""

    def __init__(self, net: RendererNet, unit: float) -> None:
        super().__init__()
        self.net, self.unit = net, unit

    def forward(
        self, plate: Tensor, geometry: Tensor, patches: Tensor, places: Tensor, distance: Tensor
    ) -> Tensor:
        seen = patches.permute(0, 1, 4, 2, 3).float() / 255.0
        return self.net(plate, geometry, seen, places, distance / self.unit)[0]


def _write(painting: Painting, path: Path) -> None:
    feeds = dummy_feeds(2, 3, 64, np.random.default_rng(0))
    example = tuple(torch.from_numpy(feeds[name]) for name in INPUTS)
    free = {"plate": {2: "side", 3: "side"}, "geometry": {2: "half", 3: "half"},
            "patches": {1: "patches", 2: "side", 3: "side"}, "places": {1: "patches"},
            "distance": {1: "patches"}, OUTPUT: {2: "side", 3: "side"}}  # fmt: skip
    axes = {name: {0: "batch", **others} for name, others in free.items()}
    torch.onnx.export(
        painting, example, str(path), input_names=list(INPUTS), output_names=[OUTPUT],
        dynamic_axes=axes, opset_version=17, dynamo=False,
    )  # fmt: skip


def difference(painting: Painting, path: Path) -> float:
    """Largest difference of onnxruntime and torch over random conditions, numbers of frames, of patches and
    sizes; infinite where shapes differ or a value is no number."""
    graph, random = load_graph(path, CONTRACT, INPUTS, (OUTPUT,)), np.random.default_rng(0)
    worst = 0.0
    for batch, patches, size in ((1, 1, 64), (3, 4, 112), (2, 8, 96), (1, 2, 256), (2, 5, 80)):
        feeds = dummy_feeds(batch, patches, size, random)
        with torch.inference_mode():
            wanted = painting(*(torch.from_numpy(feeds[name]) for name in INPUTS)).numpy()
        got = graph.run(**feeds)[0]
        if got.shape != wanted.shape or not np.isfinite(got).all():
            return float("inf")
        worst = max(worst, float(np.abs(got - wanted).max()))
    return worst


def export_renderer(
    net: RendererNet, card: dict[str, Any], unit: float, out: Path, log: TextIO | None = None
) -> bool:
    """Write the renderer with its card to `out`; tells `log` the gate; False, with nothing written, when it
    fails.

    Args:
        net: the averaged network.
        card: see `train_renderer.card_of`; name and contract are added here.
        unit: of distances, see `batches.Sampler`.
        out: the ONNX file.
    """
    painting = Painting(net.cpu().eval(), unit).eval()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        candidate = Path(folder) / out.name
        _write(painting, candidate)
        write_card(candidate, {"name": "soliloquy-renderer", "contract": CONTRACT, **card})
        differences = {"onnxruntime against torch": difference(painting, candidate)}
        return pass_gate(differences, TOLERANCE, candidate, out, log)
