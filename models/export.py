"""Checkpoint to weight file: ONNX with the model card inside, behind a gate.

    python -m soliloquy.models.export RUN [--out FILE]

The gate refuses to write (exit 1) unless onnxruntime agrees with torch on random lengths and the
streamed blocks agree with the whole file, both within 1e-4, and outputs stay in 0..1. Beside it goes
`models/weights/speech.pt`, the same weights for torch, so that the gate can be passed again at any time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from ..inference.channels import ARKIT_52
from ..inference.loudness import TARGET_DB
from ..inference.motion import speech_motion, stream_motion
from ..inference.session import CARD_KEY, CONTRACT, OUTPUTS, SPEECH_WEIGHTS, load_speech_model
from ..inference.types import AudioClip, ModelCard
from .data.arkit_fit import CONTROLS, channels_of
from .speech.checkpoint import load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from ..inference.session import SpeechModel
    from .speech.net import SpeechNet

SHIPPED_CHECKPOINT = Path(__file__).parent / "weights" / "speech.pt"
TOLERANCE = 1e-4
"""Of weights in 0..1. Measured 1e-6 to 1e-5: float32 sums in another order."""


class ArkitOutput(nn.Module):
    """The exported graph: samples (1, N) -> ARKit weights (1, T, 52), viseme posteriors (1, T, 15) and
    addresses of the implicit memory (1, T, M)."""

    def __init__(self, net: SpeechNet) -> None:
        super().__init__()
        self.net = net
        expand = torch.zeros(len(CONTROLS), len(ARKIT_52))
        for k, control in enumerate(CONTROLS):
            for channel in channels_of(control, ARKIT_52):
                expand[k, ARKIT_52.index(channel)] = 1.0
        tongue = torch.zeros(1, len(ARKIT_52))
        tongue[0, ARKIT_52.index("tongueOut")] = 1.0
        self.register_buffer("expand", expand)
        self.register_buffer("expand_tongue", tongue)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        out = self.net(samples)
        weights = self.net.shape(out) @ self.expand
        weights = weights + out.tongue.clamp(0.0, 1.0)[..., None] @ self.expand_tongue
        return weights, torch.softmax(out.phones, dim=2), out.implicit


def make_card(net: SpeechNet, meta: dict) -> ModelCard:
    """The card that travels inside the weight file; `meta` comes from the checkpoint."""
    return ModelCard(
        name="soliloquy-speech",
        version=meta["version"],
        contract=CONTRACT,
        channels=ARKIT_52,
        sample_rate_hz=16_000,
        rate_hz=net.rate_hz,
        left_context=net.left_context,
        right_context=net.config.right_context,
        level_db=TARGET_DB,
        training_data=meta["training_data"],
        licence="GPL-3.0-or-later",
        extra={k: str(meta[k]) for k in ("git_revision", "seed", "steps", "mouth", "config") if k in meta},
    )


def write_onnx(net: SpeechNet, card: ModelCard, path: Path) -> None:
    """Write the graph with its card. The graph must be self-contained."""
    net.eval()
    example = torch.zeros(1, net.receptive_field + 10 * 320)
    torch.onnx.export(
        ArkitOutput(net).eval(), (example,), str(path), input_names=["samples"], output_names=list(OUTPUTS),
        dynamic_axes={"samples": {1: "samples"}, **{name: {1: "frames"} for name in OUTPUTS}},
        opset_version=17, dynamo=False,
    )  # fmt: skip
    write_card(path, asdict(card))


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Put a model card into the metadata of the ONNX file `path`, checking the graph.

    `card` is what JSON can hold; for `inference.session.load_graph` at least `name`, `version`, `contract`.
    """
    graph = onnx.load(str(path))
    entry = graph.metadata_props.add()
    entry.key, entry.value = CARD_KEY, json.dumps(card)
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, str(path))


def pass_gate(
    differences: dict[str, float], tolerance: float, candidate: Path, out: Path, log: TextIO | None = None
) -> bool:
    """Move `candidate` to `out` if every difference is within the tolerance; tells `log` either way."""
    for name, value in differences.items():
        print(f"{name}: {value:.1e} (limit {tolerance:.0e})", file=log)
    if not max(differences.values()) <= tolerance:
        return False
    candidate.replace(out)
    print(f"wrote {out.name}, {out.stat().st_size / 1e6:.2f} MB", file=log)
    return True


def _torch_difference(net: SpeechNet, model: SpeechModel, rng: np.random.Generator) -> float:
    worst = 0.0
    reference = ArkitOutput(net).eval()
    for _ in range(12):
        samples = (rng.standard_normal(int(rng.integers(net.receptive_field, 60_000))) * 0.1).astype(
            np.float32
        )
        with torch.inference_mode():
            wanted = [x[0].numpy() for x in reference(torch.from_numpy(samples)[None])]
        heard = model.run(samples)
        for expected, got in zip(wanted, (heard.weights, heard.visemes, heard.memory), strict=True):
            if got.shape != expected.shape or got.min(initial=0) < 0 or got.max(initial=0) > 1 + 1e-6:
                return float("inf")
            worst = max(worst, float(np.abs(got - expected).max(initial=0)))
    return worst


def _stream_difference(model: SpeechModel, rng: np.random.Generator) -> float:
    worst = 0.0
    for _ in range(6):
        samples = (rng.standard_normal(int(rng.integers(1, 90_000))) * 0.1).astype(np.float32)
        whole = speech_motion(AudioClip(samples, 16_000), model)
        cuts = np.sort(rng.integers(0, len(samples) + 1, size=7))
        blocks = [AudioClip(part, 16_000) for part in np.split(samples, cuts)]
        streamed = np.concatenate([piece.values for piece in stream_motion(blocks, model)])
        if streamed.shape != whole.values.shape:
            return float("inf")
        worst = max(worst, float(np.abs(streamed - whole.values).max()))
    return worst


def gate(net: SpeechNet, model: SpeechModel) -> dict[str, float]:
    """Largest differences: onnxruntime against torch, streamed against whole."""
    rng = np.random.default_rng(0)
    return {
        "onnxruntime against torch": _torch_difference(net, model, rng),
        "streamed against whole": _stream_difference(model, rng),
    }


def export(run: Path, out: Path) -> bool:
    """Export a run's checkpoint to `out`; prints the gate; False (nothing written) when it fails."""
    net, meta = load_checkpoint(run / "checkpoint.pt")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        candidate = Path(folder) / out.name
        write_onnx(net, make_card(net, meta), candidate)
        differences = gate(net, load_speech_model(candidate))
        return pass_gate(differences, TOLERANCE, candidate, out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("--out", type=Path, default=SPEECH_WEIGHTS)
    arguments = parser.parse_args()
    if not export(arguments.run, arguments.out):
        return 1
    if arguments.out == SPEECH_WEIGHTS:
        SHIPPED_CHECKPOINT.parent.mkdir(exist_ok=True)
        save_checkpoint(SHIPPED_CHECKPOINT, *load_checkpoint(arguments.run / "checkpoint.pt"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
