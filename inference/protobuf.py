"""Protocol buffers without their definitions: the fields of a message by number (protobuf.dev, "Encoding").

What could be read in two ways is refused: groups, and anything that is cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT: Final = 0
BYTES: Final = 2
"""Kinds of fields (wire types): a number, and a text, bytes or a message."""
_EIGHT, _FOUR = 1, 5


def fields(data: memoryview, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, wire type, and where the value begins and ends, of every field of the message in `at:end`.

    Raises:
        ValueError: it is no message.
    """
    while at < end:
        tag, at = varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        start = at
        if wire == VARINT:
            at = varint(data, at, end)[1]
        elif wire == BYTES:
            length, start = varint(data, at, end)
            at = start + length
        elif wire in (_EIGHT, _FOUR):
            at += 8 if wire == _EIGHT else 4
        else:  # groups: no ONNX file has any
            raise ValueError("it holds a kind of field that is not known")
        if at > end or not 0 < number < 2**29:
            raise ValueError("it is cut off or damaged")
        yield number, wire, start, at


def varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the lowest first, and where the next thing begins.

    Raises:
        ValueError: it is cut off, or longer than 64 bits.
    """
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
