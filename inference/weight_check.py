"""What a weight file may not hold: references to other files.

A tensor of an ONNX graph can name a file, an offset and a length in place of its numbers ("external data").
onnxruntime follows such names even where the graph itself was handed over in memory, then from the current
folder and up (seen with 1.31: in constants, subgraphs, functions and sparse tensors), and takes one reserved
name for an address in memory. So a graph is looked through before onnxruntime sees it.

The graph is read as protobuf, by the numbers in onnx.proto; what a parser would skip is skipped, and what it
could read in two ways is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .protobuf import BYTES, VARINT, fields, varint

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        for number, wire, first, last in fields(data, start, end):
            left -= 1
            if not left:
                raise ValueError("it has too many parts")
            if wire == BYTES and number in inside:
                waiting.append((inside[number], first, last, depth + 1))
            elif kind == "tensor" and _leads_out(number, wire, data, first, last):
                raise UnsafeGraphError("its numbers lie in another file")


def _leads_out(number: int, wire: int, data: memoryview, first: int, last: int) -> bool:
    if number == _EXTERNAL_DATA:
        return True
    return number == _DATA_LOCATION and (wire != VARINT or varint(data, first, last)[0] != 0)
