"""Decoder of the compression that glTF calls EXT_meshopt_compression: vertex and index buffers, numpy alone.

The format is that of the specification (Khronos glTF repository; appendix A: bitstream, B: filters).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..errors import RigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

_VERTICES, _TRIANGLES, _INDICES = 0xA0, 0xE1, 0xD1
"""First byte of each kind of buffer."""
_GROUP: Final = 16
_TAIL: Final = 32
_BITS: Final = (0, 2, 4)
_MODES: Final = {"ATTRIBUTES": range(1, 257), "TRIANGLES": (2, 4), "INDICES": (2, 4)}
"""Kinds of buffers, and how many bytes their elements may have."""
_FILTERED: Final = {
    "NONE": range(1, 257), "EXPONENTIAL": range(4, 257, 4), "OCTAHEDRAL": (4, 8), "QUATERNION": (8,),
}  # fmt: skip
"""Filters, and how many bytes an element may have that they turn back."""
_DENSEST: Final = 64
"""Elements that one byte of a vertex buffer can stand for."""
_LONGEST_SHIFT: Final = 28
"""Where the fifth byte of a number of 32 bits begins."""


def decode(data: bytes, count: int, stride: int, mode: str, filter_name: str = "NONE") -> bytes:
    """Decode one buffer view.

    Args:
        count: number of elements.
        stride: bytes of one element: 1 to 256, of indices 2 or 4.
        mode: ATTRIBUTES, TRIANGLES or INDICES.
        filter_name: NONE, OCTAHEDRAL, QUATERNION or EXPONENTIAL.

    Returns:
        `count * stride` bytes.

    Raises:
        RigError: the buffer is damaged, or of a version or kind that is not known.
    """
    try:
        if mode not in _MODES or stride not in _MODES[mode] or count < 0:
            raise ValueError(f"no {mode} of {stride} bytes")
        if mode == "ATTRIBUTES":
            return _filtered(_vertices(np.frombuffer(data, np.uint8), count, stride), filter_name)
        indices = _triangles(data, count) if mode == "TRIANGLES" else _sequence(data, count)
        if count and not 0 <= indices.min() <= indices.max() < 2 ** (8 * stride):
            raise ValueError("an index lies outside of what it can count")
        return indices.astype(np.uint16 if stride == 2 else np.uint32).tobytes()
    except (IndexError, ValueError, OverflowError, TypeError) as error:
        raise RigError(
            f"The compressed geometry is damaged ({error})", "Export the character again, without compression"
        ) from error


# --- vertices: bytes of one place in all elements lie together, as zigzag differences in groups of 16


def _vertices(data: Bytes, count: int, stride: int) -> Bytes:
    if len(data) < 1 + stride or data[0] != _VERTICES:
        raise ValueError("no vertex buffer of version 0")
    if count * stride > _DENSEST * len(data):
        raise ValueError("a vertex buffer ends early")
    result = np.empty((count, stride), np.uint8)
    previous = data[len(data) - stride :].copy()
    size = min((8192 // stride) & ~(_GROUP - 1), 256)
    at = 1
    for start in range(0, count, size):
        rows = min(size, count - start)
        for column in range(stride):
            deltas, at = _column(data, at, -(-rows // _GROUP))
            signed = np.where(deltas & 1, ~(deltas >> 1), deltas >> 1)[:rows]
            result[start : start + rows, column] = np.cumsum(signed, dtype=np.uint8) + previous[column]
        previous = result[start + rows - 1]
    if at > len(data) - max(stride, 0):
        raise ValueError("a vertex buffer ends early")
    return result


def _column(data: Bytes, at: int, groups: int) -> tuple[Bytes, int]:
    """The differences of one byte of a block of elements, and where the next one begins."""
    header = data[at : at + -(-groups // 4)]
    if 4 * len(header) < groups:
        raise ValueError("a vertex buffer ends early")
    kinds = (header[:, None] >> np.array([0, 2, 4, 6], np.uint8) & 3).ravel()[:groups]
    at += len(header)
    deltas = np.zeros((groups, _GROUP), np.uint8)
    for group in np.flatnonzero(kinds):
        kind = int(kinds[group])
        if kind == 3:
            deltas[group] = data[at : at + _GROUP]
            at += _GROUP
            continue
        bits = _BITS[kind]
        packed = data[at : at + 2 * bits]
        shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
        values = (packed[:, None] >> shifts & (2**bits - 1)).ravel()
        at += 2 * bits
        escaped = np.flatnonzero(values == 2**bits - 1)
        values[escaped] = data[at : at + len(escaped)]
        at += len(escaped)
        deltas[group] = values
    return deltas.ravel(), at


# --- indices


class _Reader:
    """Numbers of 7 bits a byte, the lowest first."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self.last = 0

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > _LONGEST_SHIFT:
                raise ValueError("a number without an end")

    def index(self) -> int:
        """An index as the difference from the last one."""
        self.last += _signed(self.number())
        return self.last


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def _sequence(data: bytes, count: int) -> NDArray[np.int64]:
    if len(data) <= count or data[0] != _INDICES:
        raise ValueError("no index sequence of version 1")
    reader, last = _Reader(data, 1), [0, 0]
    result = np.empty(count, np.int64)
    for i in range(count):
        value = reader.number()
        last[value & 1] += _signed(value >> 1)
        result[i] = last[value & 1]
    return result


class _Triangles:
    """The state of the triangle decoder: recent edges and vertices, the next vertex that was not used yet."""

    def __init__(self, data: bytes, count: int) -> None:
        self._codes = data[1 : 1 + count // 3]
        self._table = data[len(data) - 16 :]
        self._reader = _Reader(data, 1 + count // 3)
        self._edges: list[tuple[int, int]] = [(-1, -1)] * 16
        self._edge = self._vertex = self._next = 0
        self._vertices = [-1] * 16

    def triangles(self) -> list[int]:
        """All indices."""
        result: list[int] = []
        for code in self._codes:
            a, b, c = self._on_edge(code) if code < 0xF0 else self._free(code)
            result += (a, b, c)
        return result

    def _on_edge(self, code: int) -> tuple[int, int, int]:
        a, b = self._edges[(self._edge - 1 - (code >> 4)) & 15]
        which = code & 15
        if which == 0:
            c = self._fresh()
        elif which < 13:
            c = self._vertices[(self._vertex - 1 - which) & 15]
        elif which < 15:
            self._reader.last += -1 if which == 13 else 1
            c = self._reader.last
        else:
            c = self._reader.index()
        if which == 0 or which >= 13:
            self._push_vertex(c)
        self._push_edge(c, b)
        self._push_edge(a, c)
        return a, b, c

    def _free(self, code: int) -> tuple[int, int, int]:
        aux = self._table[code & 15] if code < 0xFE else self._reader.byte()
        if code >= 0xFE and aux == 0:
            self._next = 0
        kinds = (15 if code == 0xFF else 0, aux >> 4, aux & 15)
        found = [
            self._fresh() if kind == 0 else 0 if kind == 15 else self._vertices[(self._vertex - kind) & 15]
            for kind in kinds
        ]
        for i, kind in enumerate(kinds):
            if kind == 15:
                found[i] = self._reader.index()
        a, b, c = found
        for vertex, kind in zip(found, kinds, strict=True):
            if kind in (0, 15):
                self._push_vertex(vertex)
        for edge in ((b, a), (c, b), (a, c)):
            self._push_edge(*edge)
        return a, b, c

    def _fresh(self) -> int:
        self._next += 1
        return self._next - 1

    def _push_vertex(self, vertex: int) -> None:
        self._vertices[self._vertex] = vertex
        self._vertex = (self._vertex + 1) & 15

    def _push_edge(self, a: int, b: int) -> None:
        self._edges[self._edge] = (a, b)
        self._edge = (self._edge + 1) & 15


def _triangles(data: bytes, count: int) -> NDArray[np.int64]:
    if count % 3 or len(data) < 1 + count // 3 + 16 or data[0] != _TRIANGLES:
        raise ValueError("no triangles of version 1")
    return np.array(_Triangles(data, count).triangles(), np.int64)


# --- filters


def _filtered(rows: Bytes, name: str) -> bytes:
    if name not in _FILTERED or rows.shape[1] not in _FILTERED[name]:
        raise ValueError(f"no filter {name} of {rows.shape[1]} bytes")
    if name == "NONE":
        return rows.tobytes()
    if name == "EXPONENTIAL":
        packed = np.ascontiguousarray(rows).view("<i4")
        with np.errstate(over="ignore"):
            numbers = np.ldexp((packed << 8 >> 8).astype(np.float32), packed >> 24).astype("<f4")
        if not np.isfinite(numbers).all():
            raise ValueError("a number is too large")
        return numbers.tobytes()
    if name == "OCTAHEDRAL":
        return _octahedral(np.ascontiguousarray(rows).view("i1" if rows.shape[1] == 4 else "<i2"))
    return _quaternion(np.ascontiguousarray(rows).view("<i2"))


def _octahedral(values: NDArray[np.int16]) -> bytes:
    most = float(np.iinfo(values.dtype).max)
    one = np.where(values[:, 2] == 0, 1, values[:, 2]).astype(float)
    x, y = values[:, 0] / one, values[:, 1] / one
    z = 1.0 - np.abs(x) - np.abs(y)
    folded = np.maximum(-z, 0.0)
    x, y = x - np.copysign(folded, x), y - np.copysign(folded, y)
    unit = np.stack([x, y, z], axis=1)
    unit *= most / np.linalg.norm(unit, axis=1, keepdims=True)
    return bytes(np.column_stack([np.rint(unit), values[:, 3]]).astype(values.dtype).tobytes())


def _quaternion(values: NDArray[np.int16]) -> bytes:
    scale = np.sqrt(0.5) / (values[:, 3] | 3)
    others = values[:, :3] * scale[:, None]
    largest = np.sqrt(np.maximum(0.0, 1.0 - (others**2).sum(axis=1)))
    place = values[:, 3] & 3
    result = np.empty((len(values), 4))
    rows = np.arange(len(values))
    result[rows, place] = largest
    for i in range(3):
        result[rows, (place + i + 1) % 4] = others[:, i]
    return bytes(np.rint(result * 32767).astype("<i2").tobytes())
