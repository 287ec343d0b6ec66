"""glTF files that Blender's importer does not read by itself, made plain: geometry compressed by meshopt is
unpacked, pictures that it cannot open are left out.

Layout: the glTF 2.0 specification, "GLB File Format"; EXT_meshopt_compression.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from ..errors import RigError, UsageError
from ..safe_names import inside
from . import meshopt

MESHOPT: Final = "EXT_meshopt_compression"
BASISU: Final = "KHR_texture_basisu"
MOST_BYTES: Final = 2**30
"""Of a file, and of all that its buffers hold once they are unpacked."""
_GLB, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
_DAMAGED: Final = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, struct.error,
)  # fmt: skip


def read_gltf(path: Path) -> tuple[dict[str, Any], bytes]:
    """The document and the binary chunk of a .glb, .gltf or .vrm.

    Raises:
        RigError: the file cannot be read, is larger than 1 GB, damaged or no glTF.
    """
    data = _bytes(path)
    try:
        if data[:4] != struct.pack("<I", _GLB):
            document, binary = json.loads(data), b""
        else:
            document, binary = _chunks(data)
        if not isinstance(document, dict) or "asset" not in document:
            raise ValueError("it has no glTF in it")
    except _DAMAGED as error:
        raise _damaged(path, error) from error
    return document, binary


def plain_glb(document: dict[str, Any], chunk: bytes, path: Path) -> bytes:
    """The same scene with one plain buffer in it, and without pictures that Blender cannot open.

    Args:
        document, chunk: of `read_gltf`.
        path: of the file; its buffers may lie in files beside it or in folders below.

    Raises:
        RigError: the geometry is damaged, or a buffer lies elsewhere.
    """
    try:
        return _plain(document, chunk, path)
    except _DAMAGED as error:
        raise _damaged(path, error) from error


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RigError(f"{path.name} is larger than {MOST_BYTES >> 30} GB", "Export the character alone")
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise RigError(f'"{path}" cannot be opened ({reason})', "Check the path") from error


def _damaged(path: Path, error: Exception) -> RigError:
    why = f"{error} is missing" if isinstance(error, KeyError) else str(error)[:200]
    return RigError(f"{path.name} is damaged ({why})", "Export the character again")


def _chunks(data: bytes) -> tuple[Any, bytes]:
    document: Any = None
    binary, at = b"", 12
    while at + 8 <= len(data):
        length, kind = struct.unpack_from("<II", data, at)
        if length > len(data) - at - 8:
            raise ValueError("it is cut off")
        if kind == _JSON:
            document = json.loads(data[at + 8 : at + 8 + length])
        elif kind == _BIN:
            binary = data[at + 8 : at + 8 + length]
        at += 8 + length
    return document, binary


def _plain(document: dict[str, Any], chunk: bytes, path: Path) -> bytes:
    document = json.loads(json.dumps(document))
    buffers = _buffers(document.get("buffers", ()), chunk, path)
    whole = bytearray()
    for view in document.get("bufferViews", ()):
        packed = view.get("extensions", {}).pop(MESHOPT, None)
        data = _part(buffers, view if packed is None else packed)
        if packed is not None:
            count, stride = _whole(packed["count"]), _whole(packed["byteStride"])
            if count * stride > MOST_BYTES:
                raise ValueError("its geometry is too large")
            data = meshopt.decode(data, count, stride, packed["mode"], packed.get("filter", "NONE"))
        if len(whole) + len(data) > MOST_BYTES:
            raise ValueError("its geometry is too large")
        whole += bytes(-len(whole) % 4)
        view |= {"buffer": 0, "byteOffset": len(whole), "byteLength": len(data)}
        whole += data
    document["buffers"] = [{"byteLength": len(whole)}]
    if BASISU in document.get("extensionsRequired", ()):
        _drop_pictures(document)
    for name in ("extensionsRequired", "extensionsUsed"):
        document[name] = [e for e in document.get(name, ()) if e not in (MESHOPT, BASISU)]
    return _glb(document, bytes(whole))


def _part(buffers: list[bytes], source: dict[str, Any]) -> bytes:
    start, length = _whole(source.get("byteOffset", 0)), _whole(source["byteLength"])
    data = buffers[_whole(source["buffer"])]
    if start + length > len(data):
        raise ValueError("a buffer is too short")
    return data[start : start + length]


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{str(value)[:20]} is no size")
    return value


def _buffers(listed: Any, chunk: bytes, path: Path) -> list[bytes]:
    """What every buffer holds; one that is named twice is read once."""
    known: dict[str, bytes] = {}
    found = []
    for buffer in listed:
        uri = buffer.get("uri")
        if uri is None:
            found.append(chunk)  # of a fallback buffer nothing is read
            continue
        if uri not in known:
            known[uri] = _buffer(uri, path)
            if sum(map(len, known.values())) > MOST_BYTES:
                raise ValueError("its buffers are too large")
        found.append(known[uri])
    return found


def _buffer(uri: str, path: Path) -> bytes:
    if uri.startswith("data:"):
        try:
            return base64.b64decode(uri.partition(",")[2])
        except binascii.Error as error:
            raise ValueError(f"a buffer in it is no base64: {error}") from error
    try:
        return _bytes(inside(path.parent, unquote(uri), f"A buffer of {path.name}"))
    except UsageError as error:
        raise RigError(error.cause, "Put its files beside it, and export it again") from error


def _drop_pictures(document: dict[str, Any]) -> None:
    """Textures say nothing about a rig."""
    document.pop("textures", None)
    document.pop("images", None)
    document["materials"] = [{"name": m.get("name", "")} for m in document.get("materials", ())]


def _glb(document: dict[str, Any], binary: bytes) -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    chunks = struct.pack("<II", len(text), _JSON) + text + struct.pack("<II", len(binary), _BIN) + binary
    return struct.pack("<III", _GLB, 2, 12 + len(chunks)) + chunks
