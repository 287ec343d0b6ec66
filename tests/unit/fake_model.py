"""A small speech model that needs no weights: 52 channels that follow the loudness of each frame."""

from __future__ import annotations

import numpy as np
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.session import CONTRACT, SpeechModel
from soliloquy.inference.types import ModelCard

CARD = ModelCard(
    name="loudness",
    version="0",
    contract=CONTRACT,
    channels=ARKIT_52,
    sample_rate_hz=16_000,
    rate_hz=50,
    left_context=800,
    right_context=480,
    level_db=-24.0,
    training_data="none",
    licence="CC0-1.0",
)


class LoudnessGraph:
    """Stands where an onnxruntime session stands: [1, N] samples -> [1, T, 52], [1, T, 15], [1, T, 4]."""

    def run(self, _: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        samples = feed["samples"][0]
        window = CARD.left_context + CARD.right_context
        frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::320]
        loudness = np.sqrt(np.mean(np.square(frames), axis=1)) * 4.0
        phase = np.linspace(0.2, 1.0, len(ARKIT_52))
        weights = np.minimum(loudness[:, None] * phase, 1.0).astype(np.float32)
        flat = [np.full((1, len(weights), n), 1 / n, np.float32) for n in (15, 4)]
        return [weights[None], *flat]


def fake_model(channels: tuple[str, ...] = ARKIT_52) -> SpeechModel:
    """The model; with fewer `channels` it knows only the first of them."""
    from dataclasses import replace

    class Graph(LoudnessGraph):
        def run(self, _: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
            weights, *rest = super().run(_, feed)
            return [weights[..., : len(channels)], *rest]

    return SpeechModel(Graph(), replace(CARD, channels=channels))
