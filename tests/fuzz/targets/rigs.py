"""Rig maps, bases of 3DMMs, and compressed geometry."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import numpy as np
from mutate import zip_member
from target import JSON, JSON_WORDS, Target, laid


def rig_map(data: bytes) -> bool:
    """`read_map` gives a map of finite numbers that is written and read back, or a `RigError`."""
    from soliloquy.inference.errors import RigError
    from soliloquy.inference.rig_json import from_json, read_map, to_json

    try:
        found = read_map(laid(data, "rig.json"))
    except RigError:
        return False
    for target in found.targets:
        assert np.isfinite([target.gain, target.offset, target.confidence, *(target.axis or ())]).all()
        assert target.index in range(32)
    for solved in found.solved:
        assert np.isfinite(solved.gram).all()
        assert solved.gram.shape == (len(solved.data_paths),) * 2
        assert solved.cross.shape == (len(solved.channels), len(solved.data_paths))
        assert np.isfinite([solved.minimum, solved.maximum, solved.ridge, solved.confidence]).all()
        assert np.isfinite([*solved.channels_open_mm, *solved.keys_open_mm]).all()
    again = from_json(to_json(found))
    assert again.targets == found.targets
    assert again.unmatched == found.unmatched
    return True


def _maps() -> Iterator[bytes]:
    target = {
        "channel": "jawOpen",
        "kind": "SHAPE_KEY",
        "object": "Face",
        "data_path": 'key_blocks["jawOpen"].value',
        "index": 0,
        "gain": 1.0,
        "offset": 0.0,
        "confidence": 0.9,
    }
    bone = {
        **target,
        "kind": "BONE_ROTATION",
        "data_path": 'pose.bones["jaw"]',
        "axis": [1, 0, 0],
        "rotation_mode": "XYZ",
    }
    solved = {
        "object": "Face",
        "data_paths": ["a", "b"],
        "channels": ["jawOpen"],
        "gram": [[2, 0.5], [0.5, 1]],
        "cross": [[1, 0.25]],
        "confidence": 1,
        "minimum": 0,
        "maximum": 1,
        "ridge": 0.01,
        "copies": [["Teeth", "a", 0]],
        "mixed": [["Brow", "c", 1, 0.5]],
        "channels_open_mm": [1.0],
        "keys_open_mm": [1, 2],
    }
    whole = {
        "format": "soliloquy rig map",
        "version": 1,
        "targets": [target],
        "solved": [],
        "unmatched": ["tongueOut"],
    }
    yield json.dumps(whole).encode()
    yield json.dumps({**whole, "targets": [target, bone]}).encode()
    yield json.dumps({**whole, "solved": [solved]}).encode()


def basis(data: bytes) -> bool:
    """`read_basis` of a document or an archive."""
    from soliloquy.inference.errors import RigError
    from soliloquy.inference.rig_basis import read_basis

    try:
        found = read_basis(laid(data, "basis.json" if data[:1] == b"{" else "basis.npz"))
    except RigError:
        return False
    for array in (found.coefficients, found.points, found.deltas) if hasattr(found, "points") else ():
        assert array is None or np.isfinite(array).all()
    if found.coefficients is not None:
        assert found.coefficients.shape[0] == len(found.channels)
        assert np.isfinite(found.coefficients).all()
    return True


def _bases() -> Iterator[bytes]:
    table = {"channels": np.array(["jawOpen", "mouthClose"]), "coefficients": np.eye(2, 3, dtype=np.float32)}
    shapes = {
        "neutral": np.random.default_rng(0).random((12, 3), np.float32),
        "expression_deltas": np.random.default_rng(1).random((2, 12, 3), np.float32),
        "expression_names": np.array(["jawOpen", "mouthClose"]),
    }
    for arrays in (table, shapes):
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        yield buffer.getvalue()
        yield json.dumps({name: array.tolist() for name, array in arrays.items()}).encode()


_MODES = ("ATTRIBUTES", "TRIANGLES", "INDICES")
_FILTERS = ("NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL", "OTHER")
_COUNTS = (0, 1, 3, 4, 16, 17, 300, 2**20, 2**31 - 1, 2**31, 2**40, 2**63, -1)


def meshopt(data: bytes) -> bool:
    """`decode` gives just the bytes that were asked for, or a `RigError`;
    the first four bytes say what is asked."""
    from soliloquy.inference.errors import RigError
    from soliloquy.inference.formats.meshopt import decode

    head, body = (data + bytes(4))[:4], data[4:]
    mode, chosen = _MODES[head[0] % 3], _FILTERS[head[1] % 5]
    count = _COUNTS[head[2] - 200] if head[2] - 200 in range(len(_COUNTS)) else head[2]
    stride = head[3]
    try:
        result = decode(body, count, stride, mode, chosen)
    except RigError:
        return False
    if mode == "ATTRIBUTES":
        assert len(result) == count * stride
    else:
        assert len(result) == count * (2 if stride == 2 else 4)
    return True


def _meshes() -> Iterator[bytes]:
    stored = bytes([0xA0]) + bytes(1) * 4 + bytes(4)
    yield bytes([0, 0, 16, 4]) + stored
    yield bytes([0, 1, 4, 4]) + stored
    yield bytes([0, 2, 4, 8]) + bytes([0xA0]) + bytes(8) + bytes(8)
    yield bytes([0, 3, 2, 12]) + bytes([0xA0]) + bytes(12) + bytes(12)
    deltas = bytes([0xA0]) + b"".join(bytes([3]) + bytes(range(16)) for _ in range(4)) + bytes(4)
    yield bytes([0, 0, 16, 4]) + deltas
    table = bytes([0x00, 0x76, 0x87, 0x56, 0x67, 0x78, 0xA9, 0x86, 0x65, 0x89, 0x68, 0x98, 0x01, 0x69, 0, 0])
    yield bytes([1, 0, 6, 2]) + bytes([0xE1, 0xF0, 0x10]) + table
    yield (
        bytes([1, 0, 12, 4])
        + bytes([0xE1, 0xF0, 0x10, 0xFE, 0xFF, 0xF0, 0x0C, 0xFF, 0x02, 0x02, 0x02])
        + table
    )
    yield bytes([2, 0, 4, 2]) + bytes([0xD1, 0, 4, 8, 1]) + bytes(4)


def gltf(data: bytes) -> bool:
    """`plain_glb` of any file gives a container with one buffer, or a `RigError`; it reads no other file than
    those beside it."""
    from soliloquy.inference.errors import RigError
    from soliloquy.inference.formats.gltf import plain_glb, read_gltf

    path = laid(data, "gltf/model.gltf")
    laid(b"12345678", "gltf/beside.bin")
    try:
        document, chunk = read_gltf(path)
        made = plain_glb(document, chunk, path)
    except RigError:
        return False
    assert made[:4] == b"glTF"
    again, body = read_gltf(laid(made, "gltf/again.glb"))
    assert len(again["buffers"]) == 1
    for view in again.get("bufferViews", ()):
        assert 0 <= view["byteOffset"] <= view["byteOffset"] + view["byteLength"] <= len(body)
    return True


def _scenes() -> Iterator[bytes]:
    import base64
    import struct

    packed = {
        "buffer": 0,
        "byteOffset": 0,
        "byteLength": 9,
        "byteStride": 4,
        "count": 16,
        "mode": "ATTRIBUTES",
    }
    data = bytes([0xA0]) + bytes(8)
    whole = {
        "asset": {"version": "2.0"},
        "extensionsRequired": ["EXT_meshopt_compression", "KHR_texture_basisu"],
        "extensionsUsed": ["EXT_meshopt_compression"],
        "buffers": [
            {
                "byteLength": 9,
                "uri": "data:application/octet-stream;base64," + base64.b64encode(data).decode(),
            },
            {"byteLength": 8, "uri": "beside.bin"},
        ],
        "bufferViews": [
            {"buffer": 1, "byteLength": 64, "extensions": {"EXT_meshopt_compression": packed}},
            {"buffer": 1, "byteOffset": 2, "byteLength": 4},
        ],
        "materials": [{"name": "skin"}],
        "nodes": [{"mesh": 0, "name": "Face"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}], "extras": {"targetNames": ["jawOpen"]}}],
    }
    yield json.dumps(whole).encode()
    text = json.dumps(
        {**whole, "buffers": [{"byteLength": 12}], "bufferViews": whole["bufferViews"][:1]}
    ).encode()
    text += b" " * (-len(text) % 4)
    chunk = data + bytes(3)
    yield struct.pack("<III", 0x46546C67, 2, 28 + len(text) + len(chunk)) + (
        struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(chunk), 0x004E4942) + chunk
    )


def _glb(data: bytes, chance: object, change: object) -> bytes | None:
    """The document within a binary container changed."""
    import struct

    from mutate import json_value

    if data[:4] != b"glTF" or len(data) < 20:
        return None
    (length,) = struct.unpack_from("<I", data, 12)
    text = json_value(data[20 : 20 + length], chance, change)
    if text is None:
        return None
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    return data[:8] + struct.pack("<II", 20 + len(text) + len(rest), len(text)) + data[16:20] + text + rest


TARGETS = {
    "rig_map": Target(rig_map, _maps, ("soliloquy.inference.rig_json",), JSON, JSON_WORDS),
    "rig_basis": Target(basis, _bases, ("soliloquy.inference.rig_basis",), (*JSON, zip_member), JSON_WORDS),
    "meshopt": Target(
        meshopt,
        _meshes,
        ("soliloquy.inference.formats.meshopt",),
        longest=4096,
        words=tuple(bytes([200 + i]) for i in range(len(_COUNTS))),
    ),
    "gltf": Target(gltf, _scenes, ("soliloquy.inference.formats.gltf",), (*JSON, _glb), JSON_WORDS),
}
