"""glTF made plain: buffers come from beside the file and from nowhere else, and sizes are what they say."""

from __future__ import annotations

import base64
import json
import struct

import pytest
from soliloquy.inference.errors import RigError
from soliloquy.inference.formats.gltf import BASISU, MESHOPT, plain_glb, read_gltf

ZEROS = bytes([0xA0]) + bytes(8)
"""Sixteen elements of four bytes, all 0, as meshopt writes them."""
PACKED = {"buffer": 0, "byteLength": len(ZEROS), "byteStride": 4, "count": 16, "mode": "ATTRIBUTES"}


def written(tmp_path, **parts):
    document = {"asset": {"version": "2.0"}, "extensionsRequired": [MESHOPT], **parts}
    path = tmp_path / "model.gltf"
    path.write_text(json.dumps(document), "utf-8")
    return path


def made(path):
    document, chunk = read_gltf(path)
    return plain_glb(document, chunk, path)


def test_packed_and_plain_views_lie_in_one_buffer(tmp_path):
    (tmp_path / "a b.bin").write_bytes(b"12345678")
    uri = "data:application/octet-stream;base64," + base64.b64encode(ZEROS).decode()
    path = written(
        tmp_path,
        buffers=[{"uri": uri, "byteLength": 9}, {"uri": "a%20b.bin", "byteLength": 8}],
        bufferViews=[
            {"buffer": 1, "byteLength": 64, "extensions": {MESHOPT: PACKED}},
            {"buffer": 1, "byteOffset": 2, "byteLength": 5},
        ],
        extensionsRequired=[MESHOPT, BASISU],
        images=[{"uri": "x.ktx2"}],
    )
    document, body = read_gltf_of(made(path), tmp_path)
    first, second = document["bufferViews"]
    assert body[first["byteOffset"] :][: first["byteLength"]] == bytes(64)
    assert body[second["byteOffset"] :][: second["byteLength"]] == b"34567"
    assert document["extensionsRequired"] == []
    assert "images" not in document


def read_gltf_of(data, tmp_path):
    path = tmp_path / "made.glb"
    path.write_bytes(data)
    return read_gltf(path)


@pytest.mark.parametrize(
    "uri",
    ["../secret.bin", "/etc/hostname", "%2e%2e/secret.bin", "..\\secret.bin", "file:///etc/hostname", "C:/x",
     "", "http://example.org/x", "NUL", "sub/../../secret.bin", "link.bin"],
)  # fmt: skip
def test_a_buffer_elsewhere_is_refused(tmp_path, uri):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(b"12345678")
    try:
        (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    except OSError:
        pytest.skip("no symbolic links here")
    path = written(folder, buffers=[{"uri": uri, "byteLength": 8}])
    with pytest.raises(RigError):
        made(path)


@pytest.mark.parametrize(
    "change",
    [{"count": 2**60}, {"count": -1}, {"count": 10**9}, {"count": True}, {"count": "16"}, {"byteStride": 0},
     {"byteStride": 2**40}, {"mode": "OTHER"}, {"mode": None}, {"buffer": 7}, {"buffer": -1},
     {"byteLength": 10**9}, {"byteOffset": -4}, {"filter": "OTHER"},
     {"mode": "TRIANGLES", "byteStride": 2, "count": 3 * 10**8}],
    ids=str,
)  # fmt: skip
def test_sizes_that_cannot_be_are_refused(tmp_path, change):
    view = {"buffer": 0, "byteLength": 64, "extensions": {MESHOPT: {**PACKED, **change}}}
    uri = "data:;base64," + base64.b64encode(ZEROS).decode()
    path = written(tmp_path, buffers=[{"uri": uri, "byteLength": 9}], bufferViews=[view])
    with pytest.raises(RigError, match=r"damaged|compressed"):
        made(path)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"7", b"[" * 100_000, b'{"asset": 1, "x": ' + b"[" * 100_000, b"glTF",
     b"glTF" + struct.pack("<IIII", 2, 28, 2**32 - 1, 0x4E4F534A) + b"{}",
     b"glTF" + struct.pack("<IIII", 2, 28, 2, 0x4E4F534A) + b"{}", b"\xff\xfe\0"],
    ids=lambda data: f"{len(data)} bytes {data[:4]!r}",
)  # fmt: skip
def test_what_is_no_gltf(tmp_path, data):
    path = tmp_path / "x.glb"
    path.write_bytes(data)
    with pytest.raises(RigError):
        read_gltf(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RigError, match="cannot be opened"):
        read_gltf(tmp_path / "x.glb")
