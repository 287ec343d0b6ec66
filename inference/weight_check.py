"""What a weight file may not hold: references to other files.

A tensor of an ONNX graph can name a file, an offset and a length in place of its numbers ("external data").
onnxruntime follows such names even where the graph itself was handed over in memory, then from the current
folder and up (seen with 1.31: in constants, subgraphs, functions and sparse tensors), and takes one reserved
name for an address in memory. So a graph is looked through before onnxruntime sees it.

The graph is read as protobuf (protobuf.dev, "Encoding"), by the numbers in onnx.proto; what a parser would
skip is skipped, and what it could read in two ways is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_FIELDS: Final = 2_000_000
"""A weight file of ours has a few thousand."""
_DEEPEST: Final = 64
_FLATBUFFER: Final = b"ORTM"
"""Bytes 4 to 8 of onnxruntime's own format, which is no protobuf."""

_INSIDE: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Messages that can hold a tensor somewhere: which field of which message is which message."""
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
"""Fields of a tensor: where its numbers lie, and whether they lie elsewhere (0: no)."""
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


class UnsafeGraphError(ValueError):
    """A graph that refers to other files."""


def check_graph(graph: bytes) -> None:
    """See that a graph holds all of its numbers itself.

    Raises:
        UnsafeGraphError: a tensor somewhere in it (also in subgraphs, functions, constants, sparse tensors)
            lies outside of it.
        ValueError: it is no ONNX graph.
    """
    if graph[4:8] == _FLATBUFFER:
        raise ValueError("it is in onnxruntime's own format, not in ONNX")
    data = memoryview(graph)
    left = _MOST_FIELDS
    waiting = [("model", 0, len(data), 0)]
    while waiting:
        kind, start, end, depth = waiting.pop()
        if depth > _DEEPEST:
            raise ValueError("its graphs are nested too deep")
        inside = _INSIDE[kind]
        for number, wire, first, last in _fields(data, start, end):
            left -= 1
            if not left:
                raise ValueError("it has too many parts")
            if wire == _BYTES and number in inside:
                waiting.append((inside[number], first, last, depth + 1))
            elif kind == "tensor" and _leads_out(number, wire, data, first, last):
                raise UnsafeGraphError("its numbers lie in another file")


def _leads_out(number: int, wire: int, data: memoryview, first: int, last: int) -> bool:
    if number == _EXTERNAL_DATA:
        return True
    return number == _DATA_LOCATION and (wire != _VARINT or _varint(data, first, last)[0] != 0)


def _fields(data: memoryview, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, wire type, and where the value begins and ends, of every field of a message."""
    while at < end:
        tag, at = _varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        start = at
        if wire == _VARINT:
            at = _varint(data, at, end)[1]
        elif wire == _BYTES:
            length, start = _varint(data, at, end)
            at = start + length
        elif wire in (_EIGHT, _FOUR):
            at += 8 if wire == _EIGHT else 4
        else:  # groups: no ONNX file has any
            raise ValueError("it holds a kind of field that is not known")
        if at > end or not 0 < number < 2**29:
            raise ValueError("it is cut off or damaged")
        yield number, wire, start, at


def _varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the lowest first, and where the next thing begins."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), at
    raise ValueError("it is cut off or damaged")
