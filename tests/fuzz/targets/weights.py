"""Weight files: the walk that looks for other files, and the whole way through onnxruntime."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import numpy as np
from mutate import json_value
from target import JSON_WORDS, Target, laid

_CARD = {
    "name": "tiny",
    "version": "1",
    "contract": 2,
    "channels": ["jawOpen", "mouthClose"],
    "sample_rate_hz": 16_000,
    "rate_hz": 50,
    "left_context": 320,
    "right_context": 320,
    "level_db": -24.0,
    "training_data": "none",
    "licence": "CC0-1.0",
}
_MARK = b'{"name": "tiny"'


def _message(number: int, content: bytes) -> bytes:
    """A field that holds a message, a text or bytes."""
    return _number(number << 3 | 2) + _number(len(content)) + content


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _tensor(name: str, values: np.ndarray) -> bytes:
    kinds = {"float32": 1, "int64": 7}
    dims = b"".join(b"\x08" + _number(side) for side in values.shape)
    kind = b"\x10" + _number(kinds[values.dtype.name])
    return dims + kind + _message(8, name.encode()) + _message(9, values.tobytes())


def _node(kind: str, given: list[str], made: list[str], attributes: bytes = b"") -> bytes:
    names = b"".join(_message(1, one.encode()) for one in given) + b"".join(
        _message(2, one.encode()) for one in made
    )
    return _message(1, names + _message(4, kind.encode()) + attributes)


def _port(name: str, shape: tuple[int | None, ...]) -> bytes:
    sides = b"".join(_message(1, b"" if side is None else b"\x08" + _number(side)) for side in shape)
    return _message(1, name.encode()) + _message(2, _message(1, b"\x08\x01" + _message(2, sides)))


def tiny_model(card: dict[str, object] = _CARD) -> bytes:
    """A graph that takes samples and gives frames: convolutions with a stride of one frame."""
    graph = b""
    stride = _message(5, _message(1, b"strides") + b"\x40" + _number(320) + b"\xa0\x01\x07")
    order = _message(5, _message(1, b"perm") + b"\x40\x00\x40\x02\x40\x01" + b"\xa0\x01\x07")
    graph += _node("Unsqueeze", ["samples", "axis"], ["wide"])
    tensors = _message(5, _tensor("axis", np.array([1], np.int64)))
    for name, columns in (("weights", 2), ("visemes", 15), ("memory", 4)):
        graph += _node("Conv", ["wide", f"{name}_kernel"], [f"{name}_wide"], stride)
        graph += _node("Transpose", [f"{name}_wide"], [name], order)
        kernel = np.full((columns, 1, 640), 0.01, np.float32)[..., ::160].repeat(160, -1)[..., :640]
        tensors += _message(5, _tensor(f"{name}_kernel", np.ascontiguousarray(kernel)))
    graph += _message(2, b"tiny") + tensors + _message(11, _port("samples", (1, None)))
    for name, columns in (("weights", 2), ("visemes", 15), ("memory", 4)):
        graph += _message(12, _port(name, (1, None, columns)))
    text = json.dumps(card).encode()
    meta = _message(14, _message(1, b"soliloquy_card") + _message(2, text))
    return b"\x08\x08" + _message(7, graph) + _message(8, b"\x10\x11") + meta


def walk(data: bytes) -> bool:
    """`check_graph`, on its own: fast enough for many inputs."""
    from soliloquy.inference.weight_check import check_graph

    try:
        check_graph(data)
    except ValueError:
        return False
    return True


def speech_model(data: bytes) -> bool:
    """`load_speech_model` and one run of what it opened."""
    from soliloquy.inference.errors import ModelError
    from soliloquy.inference.session import load_speech_model

    try:
        model = load_speech_model(laid(data, "weights.onnx"))
        sound = np.sin(np.arange(model.receptive_field + 2 * model.hop, dtype=np.float32) / 9)
        heard = model.run(sound)
    except ModelError:
        return False
    assert heard.weights.shape == (3, len(model.card.channels))
    assert heard.visemes.shape == (3, 15)
    assert all(np.isfinite(array).all() for array in (heard.weights, heard.visemes, heard.memory))
    return True


def graphs(data: bytes) -> bool:
    """The models of head motion and of style from any file."""
    from soliloquy.inference.errors import ModelError
    from soliloquy.inference.performance.head import load_head_model
    from soliloquy.inference.performance.style import load_style_model

    path, opened = laid(data, "weights.onnx"), False
    for load in (load_head_model, load_style_model):
        try:
            load(path)
        except ModelError:
            continue
        opened = True
    return opened


def _tiny() -> Iterator[bytes]:
    yield tiny_model()
    yield tiny_model().replace(b'"name": "tiny"', b'"name": "t\xff\xfey"')
    outside = (
        b"\x08\x04\x10\x01" + _message(8, b"w") + _message(13, _message(1, b"location") + _message(2, b"x"))
    )
    yield _message(7, _message(5, outside + b"\x70\x01"))
    yield _message(7, _node("Constant", [], ["y"], _message(5, _message(5, outside))))


def _shipped() -> Iterator[bytes]:
    from soliloquy.inference.performance.head import HEAD_WEIGHTS

    yield HEAD_WEIGHTS.read_bytes()


def _card(data: bytes, chance: random.Random, change: object) -> bytes | None:
    """The card within a graph changed, all lengths kept right."""
    at = data.find(b"soliloquy_card\x12")
    start = data.find(b"{", at)
    if at < 0 or not 0 < start < at + 24:
        return None
    try:
        card, size = json.JSONDecoder().raw_decode(data[start:].decode("latin-1"))
    except ValueError:
        return None
    new = json_value(json.dumps(card).encode(), chance, change)
    head = data.rfind(b"r", 0, at)  # the field of the metadata
    if new is None or head < 0 or data[start + size :] != b"":
        return None
    return data[:head] + _message(14, _message(1, b"soliloquy_card") + _message(2, new))


_WORDS = (
    b"location",
    b"\x70\x01",
    b"\x6a\x02\x0a\x00",
    b"ORTM",
    b"\x3a",
    b"Loop",
    b"If",
    b"ConstantOfShape",
    b"Tile",
)
TARGETS = {
    "graph_walk": Target(walk, _tiny, ("soliloquy.inference.weight_check",), (), _WORDS, 65_536),
    "speech_weights": Target(
        speech_model,
        _tiny,
        ("soliloquy.inference.session", "soliloquy.inference.weight_check"),
        (_card,),
        _WORDS + JSON_WORDS,
        131_072,
        needs=("onnxruntime",),
    ),
    "other_weights": Target(
        graphs,
        _shipped,
        (
            "soliloquy.inference.session",
            "soliloquy.inference.performance.head",
            "soliloquy.inference.performance.style",
        ),
        (_card,),
        JSON_WORDS,
        131_072,
        needs=("onnxruntime",),
    ),
}
