"""Weight files that refer to other files, or are no weight files: refused before onnxruntime sees them."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference import session, weight_check
from soliloquy.inference.errors import ModelError
from soliloquy.inference.weight_check import UnsafeGraphError, check_graph

SHIPPED = sorted(session.SPEECH_WEIGHTS.parent.glob("*.onnx"))
PLACES = ("weights.bin", "/etc/passwd", "../weights.bin", "*/_ORT_MEM_ADDR_/*", "")


def outside(name, location, onnx):
    """A tensor whose four numbers lie elsewhere."""
    tensor = onnx.TensorProto(name=name, data_type=onnx.TensorProto.FLOAT, dims=[4])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def constant(location, onnx):
    return onnx.helper.make_node("Constant", [], ["y"], value=outside("w", location, onnx))


def listed(location, onnx):
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    node.attribute.add(name="several", type=onnx.AttributeProto.TENSORS).tensors.append(
        outside("w", location, onnx)
    )
    return node


def sparse(location, onnx):
    tensor = onnx.SparseTensorProto(dims=[4])
    tensor.values.CopyFrom(outside("w", location, onnx))
    tensor.indices.CopyFrom(onnx.numpy_helper.from_array(np.arange(4), "i"))
    return tensor


def sparse_indices(location, onnx):
    tensor = onnx.SparseTensorProto(dims=[4])
    tensor.values.CopyFrom(onnx.numpy_helper.from_array(np.zeros(4, np.float32), "w"))
    tensor.indices.CopyFrom(outside("i", location, onnx))
    return tensor


def graph(onnx, nodes=(), tensors=(), sparse_tensors=()):
    result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    made = onnx.helper.make_graph(list(nodes), "g", [], [result], initializer=list(tensors))
    made.sparse_initializer.extend(sparse_tensors)
    return made


def branch(location, onnx):
    """A subgraph within a subgraph."""
    inner = onnx.helper.make_node("If", ["c"], ["y"])
    for name in ("then_branch", "else_branch"):
        inner.attribute.add(name=name, type=onnx.AttributeProto.GRAPH).g.CopyFrom(
            graph(onnx, [constant(location, onnx)])
        )
    outer = onnx.helper.make_node("If", ["c"], ["y"])
    for name in ("then_branch", "else_branch"):
        outer.attribute.add(name=name, type=onnx.AttributeProto.GRAPH).g.CopyFrom(graph(onnx, [inner]))
    return outer


def plain(onnx):
    return onnx.helper.make_node("Identity", ["w"], ["y"])


WAYS = {
    "an initializer": lambda at, onnx: graph(onnx, [plain(onnx)], [outside("w", at, onnx)]),
    "a constant": lambda at, onnx: graph(onnx, [constant(at, onnx)]),
    "a list of tensors": lambda at, onnx: graph(onnx, [listed(at, onnx)]),
    "a subgraph": lambda at, onnx: graph(onnx, [branch(at, onnx)]),
    "sparse values": lambda at, onnx: graph(onnx, [plain(onnx)], [], [sparse(at, onnx)]),
    "sparse indices": lambda at, onnx: graph(onnx, [plain(onnx)], [], [sparse_indices(at, onnx)]),
}


def in_function(location, onnx, way):
    node = {"nodes": constant(location, onnx), "defaults": onnx.helper.make_node("Constant", [], ["y"])}[way]
    function = onnx.helper.make_function("own", "F", [], ["y"], [node], [onnx.helper.make_opsetid("", 17)])
    if way == "defaults":
        function.attribute_proto.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(
            outside("w", location, onnx)
        )
    return function


def in_training(location, onnx):
    model = onnx.helper.make_model(graph(onnx))
    model.training_info.add().algorithm.CopyFrom(graph(onnx, [constant(location, onnx)]))
    return model


def hostile(onnx, location):
    """Name and bytes of a model for every way to refer to a file."""
    for way, make in WAYS.items():
        yield way, onnx.helper.make_model(make(location, onnx)).SerializeToString()
    for way in ("nodes", "defaults"):
        functions = [in_function(location, onnx, way)]
        model = onnx.helper.make_model(graph(onnx), functions=functions)
        yield f"a function's {way}", model.SerializeToString()
    yield "training", in_training(location, onnx).SerializeToString()


@pytest.mark.parametrize("location", PLACES)
def test_a_graph_that_refers_to_a_file_is_refused_wherever_it_does(location, tmp_path):
    onnx = pytest.importorskip("onnx")
    for way, data in hostile(onnx, location):
        with pytest.raises(UnsafeGraphError):
            check_graph(data)
        file = tmp_path / "weights.onnx"
        file.write_bytes(data)
        for load in (session.load_speech_model, lambda path: session.load_graph(path, "head-1", [], ["y"])):
            with pytest.raises(ModelError, match="refers to other files"):
                load(file)
        assert way


def test_onnxruntime_itself_would_read_such_files(tmp_path, monkeypatch):
    """Why the check is there; should this fail one day, the check still costs nothing."""
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    np.arange(4, dtype=np.float32).tofile(tmp_path / "weights.bin")
    model = onnx.helper.make_model(graph(onnx, [constant("weights.bin", onnx)]))
    model.ir_version = 8
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", 17))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        opened = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        pytest.skip(f"this onnxruntime refuses it by itself ({type(error).__name__})")
    assert opened.run(None, {})[0].tolist() == [0, 1, 2, 3]


def test_the_walk_knows_every_way_to_a_tensor_that_onnx_has():
    """The table of fields, checked against the definitions of the installed onnx."""
    onnx = pytest.importorskip("onnx")
    names = {
        "ModelProto": "model", "TrainingInfoProto": "training", "FunctionProto": "function",
        "GraphProto": "graph", "NodeProto": "node", "AttributeProto": "attribute",
        "SparseTensorProto": "sparse", "TensorProto": "tensor",
    }  # fmt: skip

    def leads_to_a_tensor(message, seen=()):
        if message.name == "TensorProto":
            return True
        return any(
            field.message_type is not None
            and field.message_type.name not in seen
            and leads_to_a_tensor(field.message_type, (*seen, message.name))
            for field in message.fields
        )

    for name, kind in names.items():
        fields = {
            field.number: names.get(field.message_type.name, field.message_type.name)
            for field in getattr(onnx, name).DESCRIPTOR.fields
            if field.message_type is not None and leads_to_a_tensor(field.message_type)
        }
        assert weight_check._INSIDE[kind] == fields, name
    tensor = {field.name: field.number for field in onnx.TensorProto.DESCRIPTOR.fields}
    assert tensor["external_data"] == weight_check._EXTERNAL_DATA
    assert tensor["data_location"] == weight_check._DATA_LOCATION


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_the_shipped_weights_hold_all_of_their_numbers(file):
    check_graph(file.read_bytes())


def test_onnxruntimes_own_format_is_refused():
    with pytest.raises(ValueError, match="own format"):
        check_graph(b"\x08\x00\x00\x00ORTM" + bytes(40))


@pytest.mark.parametrize(
    "data",
    [b"\x3a", b"\x3a\x05ab", b"\xff" * 20, b"\x3b\x3c", b"\x3f\x00", b"\x09\x00",
     b"\x3a\x80\x80\x80\x80\x80\x10", b"\x00\x01", b"\x3a" + b"\x80" * 12],
)  # fmt: skip
def test_what_is_no_protobuf_is_refused(data):
    with pytest.raises(ValueError, match=r"cut off|not known"):
        check_graph(data)


def nested(levels):
    """A graph within a node within a graph ..., with the lengths that protobuf wants."""
    body = b""
    for _ in range(levels):
        for number in (6, 5, 1):  # attribute.g, node.attribute, graph.node
            size, length = len(body), b""
            while size > 127:
                length, size = length + bytes([size & 127 | 128]), size >> 7
            body = bytes([number << 3 | 2]) + length + bytes([size]) + body
    return body


def test_graphs_nested_without_end_and_without_number_are_refused():
    deep = nested(30)
    with pytest.raises(ValueError, match="too deep"):
        check_graph(b"\x3a" + bytes([len(deep) & 127 | 128, len(deep) >> 7]) + deep)
    many = b"\x10\x00" * (weight_check._MOST_FIELDS + 1)
    with pytest.raises(ValueError, match="too many"):
        check_graph(many)


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_judged(data):
    with contextlib.suppress(ValueError):
        check_graph(data)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_flip_of_a_bit_hides_an_external_tensor_from_the_walk(data):
    """What the real parser still sees as a reference after damage, the walk sees too."""
    onnx = pytest.importorskip("onnx")
    whole = bytearray(dict(hostile(onnx, "weights.bin"))[data.draw(st.sampled_from(sorted(WAYS)))])
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        model = onnx.load_from_string(bytes(whole))
    except Exception:  # no parser reads it
        return
    if not any(refers(tensor) for tensor in tensors_of(model)):
        return
    with pytest.raises(ValueError, match=r"."):
        check_graph(bytes(whole))


def refers(tensor):
    return tensor.data_location != 0 or len(tensor.external_data) > 0


def tensors_of(message):
    """Every TensorProto below a message, by protobuf's own reflection."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for one in [value] if hasattr(value, "DESCRIPTOR") else value:
                yield from tensors_of(one)


CARDS = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(
            st.sampled_from([None, True, [], {}]), st.integers(), st.floats(), st.text(max_size=5)
        )
        for name in (
            "name", "version", "contract", "channels", "sample_rate_hz", "rate_hz", "left_context",
            "right_context", "level_db", "training_data", "licence", "extra", "people", "code", "levels",
        )
    },
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(CARDS)
def test_a_card_with_any_values_is_read_or_refused(changed):
    whole = {
        "name": "n", "version": "1", "contract": session.CONTRACT, "channels": ["jawOpen"],
        "sample_rate_hz": 16_000, "rate_hz": 50, "left_context": 800, "right_context": 480, "level_db": -24.0,
        "training_data": "none", "licence": "CC0-1.0",
    }  # fmt: skip
    text = json.dumps({**whole, **changed})
    try:
        card = session._read_card(session.SPEECH_WEIGHTS, {session.CARD_KEY: text})
    except ModelError:
        return
    assert card.sample_rate_hz % card.rate_hz == 0
    assert card.left_context + card.right_context > 0


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, '{"contract": 1e999}', "7", '{"contract": []}'])
def test_text_that_is_no_card(text):
    with pytest.raises(ModelError):
        session._read_card(session.SPEECH_WEIGHTS, {session.CARD_KEY: text})


class Ports:
    """Stands where an opened session stands, with results of any kind."""

    def __init__(self, *values):
        self.values = values

    def run(self, *_):
        if isinstance(self.values[0], Exception):
            raise self.values[0]
        return list(self.values)

    def get_providers(self):
        return ["CPUExecutionProvider"]


ROWS = 16_000 // 320 - 3  # of the fake model's card, for a second of sound


@pytest.mark.parametrize(
    "values",
    [
        (RuntimeError("wrong shape\nand more"),),
        (np.full((1, ROWS, 52), np.nan, np.float32), np.zeros((1, ROWS, 15)), np.zeros((1, ROWS, 4))),
        (np.zeros((1, ROWS - 1, 52)), np.zeros((1, ROWS, 15)), np.zeros((1, ROWS, 4))),
        (np.zeros((1, ROWS, 51)), np.zeros((1, ROWS, 15)), np.zeros((1, ROWS, 4))),
        (np.zeros((1, ROWS, 52)), np.zeros((1, ROWS, 1)), np.zeros((1, ROWS, 4))),
        (np.zeros((1, ROWS, 52)), np.zeros((1, ROWS, 15)), np.zeros(4)),
        (np.zeros((1, ROWS, 52), int), np.zeros((1, ROWS, 15)), np.zeros((1, ROWS, 4))),
        ([["text"]], np.zeros((1, ROWS, 15)), np.zeros((1, ROWS, 4))),
    ],
    ids=lambda values: f"{type(values[0]).__name__} {getattr(values[0], 'shape', '')}",
)
def test_weights_that_give_no_motion_are_one_sentence(values):
    from fake_model import CARD

    model = session.SpeechModel(Ports(*values), CARD)
    with pytest.raises(ModelError, match="speech model"):
        model.run(np.zeros(16_000, np.float32))
    right = (np.zeros((1, ROWS, n), np.float32) for n in (52, 15, 4))
    assert len(session.SpeechModel(Ports(*right), CARD).run(np.zeros(16_000, np.float32)).weights) == ROWS
