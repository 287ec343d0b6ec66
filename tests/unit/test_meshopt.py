"""Compressed glTF geometry: the reference encoder's own vectors, and buffers encoded here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.errors import RigError
from soliloquy.inference.formats.meshopt import decode

# From the tests of meshoptimizer (MIT): what its encoder makes of small buffers.
_TABLE = bytes.fromhex("007687566778a986658968980169 0000".replace(" ", ""))
_TRIANGLES = bytes.fromhex("e1f010fe1f3d000a") + _TABLE
_SEQUENCE = bytes.fromhex("d10004cd010407981f00000000")


def test_triangles_of_the_reference_encoder():
    indices = np.frombuffer(decode(_TRIANGLES, 15, 4, "TRIANGLES"), np.uint32)
    assert indices.tolist() == [0, 1, 2, 2, 1, 3, 0, 1, 2, 2, 1, 5, 2, 1, 4]


def test_index_sequence_of_the_reference_encoder():
    indices = np.frombuffer(decode(_SEQUENCE, 6, 2, "INDICES"), np.uint16)
    assert indices.tolist() == [0, 1, 51, 2, 49, 1000]


def _encoded(rows: np.ndarray, kinds: np.random.Generator) -> bytes:
    """A vertex buffer; each group of 16 differences is stored in one of the ways that can hold it."""
    count, stride = rows.shape
    block = min((8192 // stride) & ~15, 256)
    out = bytearray([0xA0])
    last = np.zeros(stride, np.uint8)
    for start in range(0, count, block):
        part = rows[start : start + block]
        steps = np.diff(np.vstack([last, part]).astype(np.int16), axis=0).astype(np.int8).astype(np.int16)
        zigzag = np.where(steps < 0, -2 * steps - 1, 2 * steps).astype(np.uint8)
        last = part[-1]
        for column in range(stride):
            groups = np.zeros((-(-len(part) // 16), 16), np.uint8)
            groups.ravel()[: len(part)] = zigzag[:, column]
            chosen = [int(kinds.integers(0 if not group.any() else 1, 4)) for group in groups]
            header = [0] * -(-len(groups) // 4)
            for i, kind in enumerate(chosen):
                header[i // 4] |= kind << (i % 4 * 2)
            out += bytes(header)
            for group, kind in zip(groups, chosen, strict=True):
                out += _group(group, kind)
    return bytes(out) + bytes(max(stride, 32))


def _group(group: np.ndarray, kind: int) -> bytes:
    if kind in (0, 3):
        return b"" if kind == 0 else group.tobytes()
    bits, most = (2, 3) if kind == 1 else (4, 15)
    small = np.minimum(group, most)
    per_byte = 8 // bits
    packed = [
        sum(int(v) << (8 - bits * (k + 1)) for k, v in enumerate(small[i : i + per_byte]))
        for i in range(0, 16, per_byte)
    ]
    return bytes(packed) + group[group >= most].tobytes()


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(1, 700), stride=st.sampled_from([4, 8, 12, 24, 256]), seed=st.integers(0, 2**31),
    spread=st.sampled_from([1, 3, 20, 255]),
)  # fmt: skip
def test_vertices_come_back(count, stride, seed, spread):
    random = np.random.default_rng(seed)
    rows = np.cumsum(random.integers(0, spread + 1, (count, stride)), axis=0).astype(np.uint8)
    assert decode(_encoded(rows, random), count, stride, "ATTRIBUTES") == rows.tobytes()


def test_filters():
    plain = np.random.default_rng(0)
    packed = np.array([(3 << 0) | (-2 << 24), (-5 & 0xFFFFFF) | (4 << 24)], np.int64).astype(np.uint32)
    data = _encoded(packed.view(np.uint8).reshape(2, 4), plain)
    values = np.frombuffer(decode(data, 2, 4, "ATTRIBUTES", "EXPONENTIAL"), np.float32)
    assert values.tolist() == [0.75, -80.0]
    normals = np.array([[0, 0, 127, 1], [127, 0, 127, 2], [-90, -90, 127, 3]], np.int8)
    data = _encoded(normals.view(np.uint8), plain)
    unit = np.frombuffer(decode(data, 3, 4, "ATTRIBUTES", "OCTAHEDRAL"), np.int8).reshape(3, 4)
    assert unit[:2].tolist() == [[0, 0, 127, 1], [127, 0, 0, 2]]
    assert unit[2, 2] < 0 and abs(np.linalg.norm(unit[2, :3].astype(float)) - 127) < 2  # noqa: PT018
    turn = np.array([[0, 0, 0, 32767 & ~3 | 1]], np.int16)  # nothing but the second component
    data = _encoded(turn.view(np.uint8).reshape(1, 8), plain)
    assert np.frombuffer(decode(data, 1, 8, "ATTRIBUTES", "QUATERNION"), np.int16).tolist() == [
        0,
        32767,
        0,
        0,
    ]


@pytest.mark.parametrize("mode", ["ATTRIBUTES", "TRIANGLES", "INDICES"])
def test_damaged_buffers_are_refused_in_one_sentence(mode):
    good = {"TRIANGLES": _TRIANGLES, "INDICES": _SEQUENCE}.get(mode) or _encoded(
        np.arange(600, dtype=np.uint8).reshape(50, 12), np.random.default_rng(1)
    )
    count = {"TRIANGLES": 15, "INDICES": 6, "ATTRIBUTES": 50}[mode]
    for damaged in (b"\x00" + good[1:], good[:3], b""):
        with pytest.raises(RigError, match="damaged"):
            decode(damaged, count, 12 if mode == "ATTRIBUTES" else 4, mode)
