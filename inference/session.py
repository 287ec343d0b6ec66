"""The only importer of onnxruntime: opens a weight file, checks its card, runs it.

A weight file is an ONNX graph from waveform to channel weights whose metadata holds the model card
(one JSON document under the key `soliloquy_card`), so that weights and contract cannot be separated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .channels import ARKIT_52
from .errors import ModelError
from .types import ModelCard

if TYPE_CHECKING:
    from .types import FloatArray

CONTRACT = 2
"""Version of the agreement between weight files and this runtime (inputs, outputs, units)."""
CARD_KEY = "soliloquy_card"
SPEECH_WEIGHTS = Path(__file__).parent / "weights" / "speech.onnx"
_MAX_BYTES = 64 * 2**20
_REINSTALL = "Reinstall the extension, or give another weight file"


OUTPUTS = ("weights", "visemes", "memory")


@dataclass(frozen=True)
class Heard:
    """What the model says of T frames; row i of each belongs to sample `left_context + i * hop`.

    `weights` float32 [T, C] in 0..1, the card's channels; `visemes` float32 [T, 15] posteriors (see
    `visemes.VISEMES`), summing to 1; `memory` float32 [T, M] addresses of the implicit memory, summing to 1.
    """

    weights: FloatArray
    visemes: FloatArray
    memory: FloatArray


class SpeechModel:
    """An opened speech model. Not bound to a thread; runs are independent of each other."""

    def __init__(self, session: Any, card: ModelCard) -> None:
        self._session = session
        self.card = card

    @property
    def receptive_field(self) -> int:
        """Samples that the model needs to make one output frame."""
        return self.card.left_context + self.card.right_context

    @property
    def hop(self) -> int:
        """Samples between output frames."""
        return self.card.sample_rate_hz // self.card.rate_hz

    def run(self, samples: FloatArray) -> Heard:
        """Every frame whose whole context lies inside `samples`.

        Args:
            samples: float32 [N], mono at the card's sample rate and level, N >= `receptive_field`.

        Returns:
            T = (N - receptive_field) // hop + 1 frames.
        """
        if len(samples) < self.receptive_field:
            raise ValueError(f"samples must hold at least {self.receptive_field}, got {len(samples)}")
        values = self._session.run(list(OUTPUTS), {"samples": samples[None]})
        return Heard(*(np.asarray(value[0], dtype=np.float32) for value in values))


def load_speech_model(path: Path | str | None = None, threads: int = 1) -> SpeechModel:
    """Open the shipped speech model, or another weight file.

    Args:
        path: ONNX file; None for the shipped one.
        threads: CPU threads per run; 1 is best for one line at a time.

    Raises:
        ModelError: the file is missing, damaged, of another contract or not a speech model, or
            onnxruntime cannot be loaded on this machine.
    """
    file = Path(path) if path is not None else SPEECH_WEIGHTS
    if not file.is_file():
        raise ModelError(f"The speech model {file} does not exist", _REINSTALL)
    if file.stat().st_size > _MAX_BYTES:
        raise ModelError(f"The speech model {file} is larger than 64 MB", _REINSTALL)
    session = _open_session(file, threads)
    card = _read_card(file, session.get_modelmeta().custom_metadata_map)
    _check_signature(file, session, card)
    return SpeechModel(session, card)


def _import_onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f"onnxruntime cannot be loaded on this machine ({error})",
            "Install the Soliloquy build made for this platform and Python version",
        ) from error
    return onnxruntime


def _open_session(file: Path, threads: int) -> Any:
    onnxruntime = _import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Blocks of every length pass through: an arena sized by the longest would keep its memory.
    options.enable_cpu_mem_arena = False
    providers = [
        p
        for p in onnxruntime.get_available_providers()
        if p in ("CUDAExecutionProvider", "CPUExecutionProvider")
    ]
    try:
        # Bytes instead of a path: a graph in memory cannot refer to external data files.
        return onnxruntime.InferenceSession(file.read_bytes(), options, providers=providers)
    except OSError as error:
        raise ModelError(f"The speech model {file} cannot be read ({error.strerror})", _REINSTALL) from error
    except Exception as error:  # onnxruntime raises a dozen types of its own, all meaning "damaged"
        raise ModelError(f"The speech model {file} is damaged", _REINSTALL) from error


def _read_card(file: Path, metadata: dict[str, str]) -> ModelCard:
    if CARD_KEY not in metadata:
        raise ModelError(f"{file} is not a Soliloquy model: it carries no model card", _REINSTALL)
    try:
        raw = json.loads(metadata[CARD_KEY])
        contract = int(raw["contract"])
        if contract != CONTRACT:
            raise ModelError(
                f"The speech model {file} was made for contract {contract}, this version reads {CONTRACT}",
                "Use weights and program of the same release",
            )
        names = {f.name for f in fields(ModelCard)}
        raw["channels"] = tuple(raw["channels"])
        return ModelCard(**{k: v for k, v in raw.items() if k in names})
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"The model card inside {file} is damaged ({error})", _REINSTALL) from error


def _check_signature(file: Path, session: Any, card: ModelCard) -> None:
    unknown = sorted(set(card.channels) - set(ARKIT_52))
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if unknown:
        problem = f"unknown channels {', '.join(unknown[:3])}"
    elif [i.name for i in inputs] != ["samples"] or [o.name for o in outputs] != list(OUTPUTS):
        problem = "it does not map samples to channels"
    elif outputs[0].shape[-1] != len(card.channels):
        problem = f"its card names {len(card.channels)} channels, its output has {outputs[0].shape[-1]}"
    else:
        return
    raise ModelError(f"The speech model {file} does not fit its card: {problem}", _REINSTALL)
