"""How far the models are from what the processor can do, and what their time goes to.

Every operator that onnxruntime runs tells its shapes and its time (its profile); from the shapes follow the
floating-point operations and the bytes read and written. The processor's limits are measured in the same run,
on one thread: the largest matrix product of numpy, and a copy of an array too large for the caches.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
from measure import Cell, Row, Table, cpu_s, speech, usual
from soliloquy.inference.performance.perform import load_performance_models
from soliloquy.inference.session import SPEECH_WEIGHTS

_SPEECH_S = 20.0
"""A block of the pipeline."""
_PRODUCT = 1536
_COPIED = 64 * 2**20
_WEIGHTS = SPEECH_WEIGHTS.parent
_TWO_PER_PRODUCT = 2
_SHOWN = 8
_BYTES = {"float": 4, "int64": 8, "bool": 1}
_MOVES = ("Slice", "Concat", "Gather", "Transpose", "Expand")
_LOOPS = ("Scan",)
_NOTHING = (*_LOOPS, "Unsqueeze", "Squeeze", "Shape", "Reshape", "Identity")
"""Neither arithmetic nor copies of their own: a loop's operators are listed themselves."""

_WHY = """MB moved is what operators read and write, as if no cache held anything between them; the
roof is the lower one of arithmetic and of that traffic at the speed of a copy.

- **speech** is bound by arithmetic and near its limit: nearly all of it is convolutions over a block of 20
  seconds, which onnxruntime does as large matrix products. What it loses are the parts without such products
  (slices, logarithm, softmax) and small ones. More speed needs fewer operations: a smaller model, a cheaper
  front end (below), or numbers of 8 bits.
- **head** is a recurrent network of 64 units that goes on 25 times a second of speech: an operator has so
  little to do that starting it is most of its time (last column).
- **style** is the same with single vectors, in runs one after the other; and every run reads all weights
  (1.4 MB) for one vector, which alone would take about as long if they came from memory."""
_FRONT_END = """`mel` is the front end: its spectrum is a product with a matrix of cosines and sines.
That is some thirty times the arithmetic of a fast Fourier transform, but runs at the speed of matrix products
and lies in the graph, so that training and runtime cannot differ. Folding the window about its middle would
halve it; that changes the last bits of every curve, and is left for the next training."""


@dataclass
class Work:
    """What an operator did in one run: floating-point operations, bytes, seconds in the profile."""

    flop: float = 0.0
    moved: float = 0.0
    taken_s: float = 0.0
    count: float = 0.0

    def add(self, other: Work) -> None:
        """Another one's work on top."""
        self.flop += other.flop
        self.moved += other.moved
        self.taken_s += other.taken_s
        self.count += other.count


@dataclass
class Model:
    """A model on an input: seconds of a run, and its operators' work by kind and by part of the model."""

    name: str
    unit: str
    """What the figures are per."""
    per: float
    """How many of these units a run holds."""
    run_s: float
    total: Work = field(default_factory=Work)
    kinds: dict[str, Work] = field(default_factory=lambda: defaultdict(Work))
    parts: dict[str, Work] = field(default_factory=lambda: defaultdict(Work))


def tables(folder: Path, *, quick: bool) -> list[Table]:
    """Limits, models against them, and the speech model by operator."""
    repeats = 5 if quick else 30
    peak, bandwidth = product_per_s(), copied_per_s()
    models = _models(folder, repeats)
    return [
        usual(
            "What this processor can do, on one thread",
            [
                Row(f"product of two {_PRODUCT} x {_PRODUCT} matrices (numpy)", peak / 1e9, "GFLOP/s"),
                Row(f"copy of {_COPIED >> 20} MB, read and written", bandwidth / 1e9, "GB/s"),
                Row("FLOP per byte from which on arithmetic is the limit", peak / bandwidth, ""),
            ],
        ),
        _against(models, peak, bandwidth),
        _shares("Parts of the speech model", models[0].parts, peak, _FRONT_END),
        _shares("Operators of the speech model", models[0].kinds, peak),
    ]


def product_per_s() -> float:
    """Floating-point operations a second in the best case."""
    a, b = (np.random.default_rng(i).random((_PRODUCT, _PRODUCT), dtype=np.float32) for i in range(2))
    out = np.empty_like(a)
    return _TWO_PER_PRODUCT * _PRODUCT**3 / cpu_s(lambda: np.matmul(a, b, out=out), 7)


def copied_per_s() -> float:
    """Bytes a second, read and written, of memory that no cache holds."""
    source = np.ones(_COPIED // 4, np.float32)
    out = np.empty_like(source)
    return 2 * source.nbytes / cpu_s(lambda: np.copyto(out, source), 7)


def _models(folder: Path, repeats: int) -> list[Model]:
    """The speech model on a block; head and style as the pipeline feeds them, with any numbers."""
    random = np.random.default_rng(0)

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    steps = round(_SPEECH_S * 25)
    samples = speech(_SPEECH_S)[None]
    shipped = load_performance_models()
    feeds = {
        "features": random.normal(size=(steps + shipped.head.before, 19)).astype(np.float32),
        "noise": random.normal(size=(steps, 8)).astype(np.float32),
        "manner": zeros(1, 3),
        "hidden": zeros(1, 64),
        "pose": zeros(1, 3),
        "velocity": zeros(1, 3),
    }
    style = {"code": zeros(1, 29), "level": np.zeros(1, np.int64), "condition": zeros(1, 34)}
    levels = int(shipped.style.card["levels"])
    return [
        _profiled("speech", "second", _SPEECH_S, {"samples": samples}, folder, repeats),
        _profiled("head", "second", _SPEECH_S, feeds, folder, repeats),
        _profiled("style", f"line ({levels} runs)", 1.0 / levels, style, folder, 20 * repeats),
    ]


def _open(path: Path, profile: Path | None = None) -> onnxruntime.InferenceSession:
    """With the options of `inference.session`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    if profile is not None:
        options.enable_profiling, options.profile_file_prefix = True, str(profile)
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def _profiled(
    name: str, unit: str, per: float, feeds: dict[str, np.ndarray], folder: Path, repeats: int
) -> Model:
    path = _WEIGHTS / f"{name}.onnx"
    plain = _open(path)
    model = Model(name, unit, per, cpu_s(lambda: plain.run(None, feeds), repeats))
    told = _open(path, folder / name)
    for _ in range(repeats):
        told.run(None, feeds)
    events = json.loads(Path(told.end_profiling()).read_text(encoding="utf-8"))
    seen: dict[tuple[str, str], list[Work]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            seen[event["name"], event["args"]["op_name"]].append(_work(event))
    for (node, kind), works in seen.items():
        times = len(works) / repeats  # in a run: a loop repeats its operators
        least_s = min(work.taken_s for work in works)  # other programs disturb
        flop, moved = (
            sum(values) / repeats for values in zip(*((w.flop, w.moved) for w in works), strict=True)
        )
        of_run = Work(flop, moved, least_s * times, times)
        for sums in (model.total, model.kinds[kind], model.parts[_part(node)]):
            sums.add(of_run)
    return model


def _part(node: str) -> str:
    """The module of the network that a node comes from, as its name tells it: "/net/stem/stem.0/Conv"."""
    names = node.removesuffix("_kernel_time").split("/")
    return names[2] if len(names) > 3 and names[1] == "net" else "the rest"


def _work(event: dict) -> Work:
    """Of one operator in one run."""
    told = event["args"]
    inputs, outputs = (
        [next(iter(one.items())) for one in told[f"{way}_type_shape"] if one] for way in ("input", "output")
    )
    kind, ins, outs = told["op_name"], [shape for _, shape in inputs], [shape for _, shape in outputs]
    moved = sum(_BYTES.get(t, 4) * math.prod(shape) for t, shape in inputs + outputs)
    if kind.endswith(("Gemm", "MatMul")):  # weights that were packed at the start are not told
        weights = ins[0][-1] * outs[0][-1]
        moved += 0 if weights in map(math.prod, ins[1:]) else 4 * weights
    taken_s = 0.0 if kind in _LOOPS else event["dur"] / 1e6
    return Work(_flop(kind, ins, outs), 0.0 if kind in _NOTHING else moved, taken_s, 1.0)


def _flop(kind: str, inputs: list[list[int]], outputs: list[list[int]]) -> float:
    """A multiplication and an addition are two; an operator on every element counts one for each."""
    made = math.prod(outputs[0]) if outputs else 0
    if kind.endswith("Conv"):
        return _TWO_PER_PRODUCT * made * math.prod(inputs[1][1:])
    if kind.endswith(("Gemm", "MatMul")):
        return _TWO_PER_PRODUCT * made * inputs[0][-1]
    if kind == "Einsum":  # products over the axes that are not in the result
        summed = math.sqrt(math.prod(inputs[0]) * math.prod(inputs[1]) / made)
        return _TWO_PER_PRODUCT * made * summed
    return 0.0 if kind in _MOVES or kind in _NOTHING else float(made)


def _against(models: list[Model], peak: float, bandwidth: float) -> Table:
    """Every model beside the roof that its own ratio of arithmetic to bytes gives it."""
    rows: list[tuple[Cell, ...]] = []
    for model in models:
        done, per_s = model.total, model.total.flop / model.run_s
        roof = min(peak, done.flop / done.moved * bandwidth)
        rows.append(
            (
                f"{model.name}, per {model.unit}",
                done.flop / model.per / 1e6,
                done.moved / model.per / 1e6,
                done.flop / done.moved,
                1e3 * model.run_s / model.per,
                per_s / 1e9,
                100.0 * per_s / peak,
                100.0 * per_s / roof,
                done.count / model.per,
                1e6 * model.run_s / done.count,
            )
        )
    columns = (
        "model", "MFLOP", "MB moved", "FLOP / byte", "ms", "GFLOP/s", "% of arithmetic", "% of its roof",
        "operators", "us each",
    )  # fmt: skip
    return Table("The models", columns, rows, _WHY)


def _shares(title: str, works: dict[str, Work], peak: float, note: str = "") -> Table:
    """Where the time of a model goes."""
    taken, flop = (sum(values) for values in zip(*((w.taken_s, w.flop) for w in works.values()), strict=True))
    largest = sorted(works.items(), key=lambda item: -item[1].taken_s)
    rest = Work()
    for _, work in largest[_SHOWN:]:
        rest.add(work)
    rows: list[tuple[Cell, ...]] = []
    for name, work in [*largest[:_SHOWN], (f"{len(largest) - _SHOWN} others", rest)]:
        if work.taken_s:
            per_s = work.flop / work.taken_s
            shares = 100.0 * work.taken_s / taken, 100.0 * work.flop / flop
            rows.append((name, *shares, per_s / 1e9, 100.0 * per_s / peak))
    return Table(title, ("", "% of time", "% of FLOP", "GFLOP/s", "% of arithmetic"), rows, note)
