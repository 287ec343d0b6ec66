"""The only importer of onnxruntime: opens a weight file, checks its card, runs it.

A weight file is an ONNX graph whose metadata holds the model card (one JSON document under the key
`soliloquy_card`), so that weights and contract cannot be separated. `load_speech_model` opens the one from
waveform to channel weights, `load_graph` any other.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .channels import ARKIT_52
from .errors import ModelError, first_line
from .types import ModelCard
from .visemes import VISEMES
from .weight_files import REINSTALL, WEIGHTS, read_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .types import FloatArray

CONTRACT = 2
"""Version of the agreement between weight files and this runtime (inputs, outputs, units)."""
CARD_KEY = "soliloquy_card"
SPEECH_WEIGHTS = WEIGHTS / "speech.onnx"
_RATE_HZ = 16_000
"""Of the sound that every speech model takes."""
_MOST_HZ = 1000
_LONGEST_CONTEXT_S = 60
OUTPUTS = ("weights", "visemes", "memory")

DEVICES = ("auto", "cpu", "gpu")
_CPU = "CPUExecutionProvider"
_GPU_PROVIDERS: dict[str, dict[str, str]] = {
    # Full float32, as on the CPU; and no search for the fastest kernel at every new length of a block.
    "CUDAExecutionProvider": {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
    "ROCMExecutionProvider": {},
    "DmlExecutionProvider": {},
    "CoreMLExecutionProvider": {},
}
"""In order of preference, with their options."""


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
    def provider(self) -> str:
        """onnxruntime's name of what runs the model, e.g. "CPUExecutionProvider"."""
        return str(self._session.get_providers()[0])

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

        Raises:
            ModelError: a GPU that runs the model fails (out of memory, unplugged, ...), or the graph is not
                what its card says.
        """
        if len(samples) < self.receptive_field:
            raise ValueError(f"samples must hold at least {self.receptive_field}, got {len(samples)}")
        try:
            values = self._session.run(list(OUTPUTS), {"samples": samples[None]})
        except Exception as error:
            if self.provider == _CPU:
                raise _fails("speech model", error) from error
            raise ModelError(
                f"The GPU stopped running the speech model ({first_line(error)})", "Use the CPU instead"
            ) from error
        rows = (len(samples) - self.receptive_field) // self.hop + 1
        for value, columns in zip(values, (len(self.card.channels), len(VISEMES), None), strict=True):
            _check_result("speech model", value, (1, rows, columns))
        return Heard(*(np.asarray(value[0], dtype=np.float32) for value in values))


def load_speech_model(
    path: Path | str | None = None,
    threads: int = 1,
    device: str = "auto",
    notify: Callable[[str], None] | None = None,
) -> SpeechModel:
    """Open the shipped speech model, or another weight file.

    Args:
        path: ONNX file; None for the shipped one.
        threads: CPU threads per run; 1 is best for one line at a time.
        device: one of `DEVICES`. "gpu" takes the first GPU provider of onnxruntime that opens the model and
            runs it once (CUDA, ROCm, DirectML, CoreML), and the CPU if none does. "auto" is the CPU, even for
            hours of sound: the model is so small that one core needs about ten seconds for an hour, and the
            numbers are then the same whatever else the machine has.
        notify: called with a sentence for each GPU provider that was asked for and does not work.

    Raises:
        ModelError: the file is missing, damaged, of another contract or not a speech model, or
            onnxruntime cannot be loaded on this machine.
    """
    if device not in DEVICES:
        raise ValueError(f"device must be one of {DEVICES}, got {device!r}")
    file = Path(path) if path is not None else SPEECH_WEIGHTS
    graph = read_weights(file, "speech model")
    onnxruntime = _import_onnxruntime()
    session = _open(onnxruntime, graph, threads, file, "speech model")
    card = _read_card(file, session.get_modelmeta().custom_metadata_map)
    _check_signature(file, session, card)
    model = SpeechModel(session, card)
    if device != "gpu":
        return model
    return _on_gpu(onnxruntime, graph, threads, card, notify or (lambda _: None)) or model


class Graph:
    """An opened weight file of any contract. Not bound to a thread; runs are independent of each other.

    `card` is the JSON document of its metadata: at least `name`, `version`, `contract`.
    """

    def __init__(self, session: Any, card: dict[str, Any], outputs: Sequence[str]) -> None:
        self._session = session
        self._outputs = list(outputs)
        self.card = card

    def run(self, **feeds: NDArray[Any]) -> list[FloatArray]:
        """The outputs in the order that `load_graph` was given, float32 and finite, for one array per input
        name.

        Raises:
            ModelError: the graph does not take such arrays, or its results are not numbers.
        """
        what = f"{self.card.get('name', 'given')} model"
        try:
            values = self._session.run(self._outputs, feeds)
        except Exception as error:  # as in _open
            raise _fails(what, error) from error
        for value in values:
            _check_result(what, value)
        return [np.asarray(value, np.float32) for value in values]


def load_graph(
    path: Path,
    contract: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    threads: int = 1,
    *,
    same_size: bool = False,
) -> Graph:
    """Open a weight file on the CPU and check that it is the one that is wanted.

    Args:
        path: ONNX file with its card inside (`models.export.write_card` puts it there).
        contract: name and version of the agreement between file and runtime, e.g. "head-1": what the card's
            `contract` must be. The part before the last "-" names the model in messages.
        inputs: names of the graph's inputs, in any order.
        outputs: names of the outputs that `Graph.run` returns, in its order; the graph may have others.
        threads: CPU threads per run.
        same_size: all runs have inputs of one size, so that memory is worth keeping between them.

    Raises:
        ModelError: the file is missing, damaged, of another contract or another model, or onnxruntime cannot
            be loaded on this machine.
    """
    what = f"{contract.rpartition('-')[0]} model"
    content = read_weights(path, what)
    session = _open(_import_onnxruntime(), content, threads, path, what, same_size)
    card = _read_json(path, session.get_modelmeta().custom_metadata_map)
    if card.get("contract") != contract:
        raise _other_contract(path, what, card.get("contract"), contract)
    found_in = {value.name for value in session.get_inputs()}
    found_out = {value.name for value in session.get_outputs()}
    if found_in != set(inputs) or not found_out.issuperset(outputs):
        problem = f"it does not map {', '.join(inputs)} to {', '.join(outputs)}"
        raise ModelError(f"The {what} {path} does not fit its card: {problem}", REINSTALL)
    return Graph(session, card, outputs)


def _open(
    onnxruntime: Any, graph: bytes, threads: int, file: Path, what: str, same_size: bool = False
) -> Any:
    try:
        session = onnxruntime.InferenceSession(
            graph, _options(onnxruntime, threads, same_size), providers=[_CPU]
        )
        _ = (
            session.get_modelmeta().custom_metadata_map
        )  # with the ports, decoded here: names that are no text raise
        for port in (*session.get_inputs(), *session.get_outputs()):
            _ = port.name, port.shape
        return session
    except Exception as error:  # onnxruntime raises a dozen types of its own, all meaning "damaged"
        raise ModelError(f"The {what} {file} is damaged", REINSTALL) from error


def _fails(what: str, error: Exception) -> ModelError:
    return ModelError(f"The weights of the {what} cannot be run ({first_line(error)})", REINSTALL)


def _check_result(what: str, value: Any, shape: tuple[int | None, ...] | None = None) -> None:
    """Refuse a result that is not numbers, or not of that shape (None: any length)."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or not np.isfinite(value).all():
        raise ModelError(f"What the {what} gives is not numbers", REINSTALL)
    if shape is None:
        return
    if value.ndim != len(shape) or any(
        want not in (None, found) for want, found in zip(shape, value.shape, strict=True)
    ):
        raise ModelError(f"The {what} gives arrays of the wrong shape {list(value.shape)}", REINSTALL)


def _import_onnxruntime() -> Any:
    """onnxruntime, told to keep to itself.

    From 1.29 on its official builds report to Microsoft about models and machine, and keep an identifier in
    the user's folder, unless this variable is set before they are loaded (onnxruntime/Privacy.md, in
    the wheel).
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f"onnxruntime cannot be loaded on this machine ({error})",
            "Install the Soliloquy build made for this platform and Python version",
        ) from error
    onnxruntime.disable_telemetry_events()  # where another add-on loaded it first
    return onnxruntime


def _options(onnxruntime: Any, threads: int, same_size: bool = False) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Blocks of every length pass through: an arena sized by the longest would keep its memory.
    options.enable_cpu_mem_arena = same_size
    return options


def _on_gpu(
    onnxruntime: Any, graph: bytes, threads: int, card: ModelCard, notify: Callable[[str], None]
) -> SpeechModel | None:
    """The model on the first GPU provider that runs it; None when there is none."""
    offered = onnxruntime.get_available_providers()
    wanted = [name for name in _GPU_PROVIDERS if name in offered]
    if not wanted:
        notify("This onnxruntime has no GPU provider: the CPU is used. Install onnxruntime-gpu for CUDA.")
    for name in wanted:
        options = _options(onnxruntime, threads)
        if name == "DmlExecutionProvider":
            options.enable_mem_pattern = False  # DirectML refuses sessions with it
        providers = [(name, _GPU_PROVIDERS[name]), _CPU]
        try:
            session = onnxruntime.InferenceSession(
                graph,
                options,
                providers=providers,
                enable_fallback=0,  # its own fallback prints on stdout
            )
            model = SpeechModel(session, card)
            reason = _trial(model, name)
        except Exception as error:  # drivers and providers fail with types of their own
            reason = first_line(error)
        if reason is None:
            return model
        notify(f"{name} cannot be used ({reason}); another provider or the CPU takes its place.")
    return None


def _trial(model: SpeechModel, provider: str) -> str | None:
    """Why this session cannot be used: a provider may drop out silently, or accept what it cannot run."""
    if model.provider != provider:
        return "it did not start"
    heard = model.run(np.full(model.receptive_field, 1e-4, np.float32))
    return None if np.isfinite(heard.weights).all() else "its results are not numbers"


def _read_json(file: Path, metadata: dict[str, str]) -> dict[str, Any]:
    if CARD_KEY not in metadata:
        raise ModelError(f"{file} is not a Soliloquy model: it carries no model card", REINSTALL)
    try:
        raw = json.loads(metadata[CARD_KEY])
    except (ValueError, RecursionError) as error:
        raise damaged_card(file, error) from error
    if not isinstance(raw, dict):
        raise damaged_card(file, "no table of values")
    return raw


def damaged_card(file: Path, why: object) -> ModelError:
    """The error about a card whose values cannot be."""
    return ModelError(f"The model card inside {file} is damaged ({why})", REINSTALL)


def _other_contract(file: Path, what: str, found: object, wanted: object) -> ModelError:
    return ModelError(
        f"The {what} {file} was made for contract {found}, this version reads {wanted}",
        "Use weights and program of the same release",
    )


def _read_card(file: Path, metadata: dict[str, str]) -> ModelCard:
    raw = _read_json(file, metadata)
    try:
        contract = int(raw["contract"])
        if contract != CONTRACT:
            raise _other_contract(file, "speech model", contract, CONTRACT)
        names = {f.name for f in fields(ModelCard)}
        raw["channels"] = tuple(str(channel) for channel in raw["channels"])
        card = ModelCard(**{k: v for k, v in raw.items() if k in names})
        _check_card(card)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise damaged_card(file, error) from error
    return card


def _check_card(card: ModelCard) -> None:
    """Raise ValueError or TypeError for numbers that no speech model can have."""
    for name in ("sample_rate_hz", "rate_hz", "left_context", "right_context"):
        if type(getattr(card, name)) is not int:
            raise TypeError(f"{name} is no whole number")
    if card.sample_rate_hz != _RATE_HZ or not 1 <= card.rate_hz <= _MOST_HZ:
        raise ValueError("its rates are not possible")
    if card.sample_rate_hz % card.rate_hz:
        raise ValueError("its frames lie between samples")
    if (
        min(card.left_context, card.right_context) < 0
        or not 1 <= (card.left_context + card.right_context) <= _LONGEST_CONTEXT_S * _RATE_HZ
    ):
        raise ValueError("its context is not possible")
    if not -100.0 <= float(card.level_db) <= 0.0:
        raise ValueError("its level is not possible")
    if len(set(card.channels)) != len(card.channels):
        raise ValueError("it names a channel twice")


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
    raise ModelError(f"The speech model {file} does not fit its card: {problem}", REINSTALL)
