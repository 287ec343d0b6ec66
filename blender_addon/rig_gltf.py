"""glTF files that Blender's importer does not read by itself: .vrm, and geometry compressed by meshopt.

Names of shape keys come from the file also where the importer does not look: beside a mesh's primitives.
"""

from __future__ import annotations

import base64
import json
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..inference.errors import RigError
from ..inference.formats import meshopt
from . import rig_vrm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MESHOPT = "EXT_meshopt_compression"
_BASISU = "KHR_texture_basisu"
_GLB, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942


def load(path: Path) -> None:
    """Import a .glb, .gltf or .vrm into the open scene.

    Raises:
        RigError: the file is damaged.
        RuntimeError: Blender's importer refuses it.
    """
    document, chunk = _read(path)
    before = set(bpy.data.objects)
    if not {_MESHOPT, _BASISU} & {*document.get("extensionsRequired", ())} and path.suffix != ".vrm":
        bpy.ops.import_scene.gltf(filepath=str(path))
    else:
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / f"{path.stem}.glb"
            plain.write_bytes(_plain(document, chunk, path))
            bpy.ops.import_scene.gltf(filepath=str(plain))
    objects = _imported(document, [one for one in bpy.data.objects if one not in before])
    _name_keys(document, objects)
    try:
        rig_vrm.keep(document, objects)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise RigError(
            f"{path.name} has expressions that are damaged ({error})", "Export it again"
        ) from error


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    """The JSON part and the binary part."""
    data = path.read_bytes()
    try:
        if data[:4] != struct.pack("<I", _GLB):
            return json.loads(data), b""
        document: dict[str, Any] = {}
        binary, at = b"", 12
        while at + 8 <= len(data):
            length, kind = struct.unpack_from("<II", data, at)
            body = data[at + 8 : at + 8 + length]
            if kind == _JSON:
                document = json.loads(body)
            elif kind == _BIN:
                binary = body
            at += 8 + length
        if not isinstance(document, dict) or "asset" not in document:
            raise ValueError("it has no glTF in it")
        return document, binary
    except (ValueError, struct.error) as error:
        raise RigError(f"{path.name} is damaged ({error})", "Export the character again") from error


def _plain(document: dict[str, Any], chunk: bytes, path: Path) -> bytes:
    """The file with plain buffers in it, and without pictures that Blender cannot open."""
    document = json.loads(json.dumps(document))
    buffers = [_buffer(buffer, chunk, path) for buffer in document.get("buffers", ())]
    whole = bytearray()
    for view in document.get("bufferViews", ()):
        packed = view.get("extensions", {}).pop(_MESHOPT, None)
        source = packed or view
        start = source.get("byteOffset", 0)
        data = buffers[source["buffer"]][start : start + source["byteLength"]]
        if packed is not None:
            data = meshopt.decode(
                data, packed["count"], packed["byteStride"], packed["mode"], packed.get("filter", "NONE")
            )
        whole += bytes(-len(whole) % 4)
        view |= {"buffer": 0, "byteOffset": len(whole), "byteLength": len(data)}
        whole += data
    document["buffers"] = [{"byteLength": len(whole)}]
    if _BASISU in document.get("extensionsRequired", ()):
        _drop_pictures(document)
    for name in ("extensionsRequired", "extensionsUsed"):
        document[name] = [e for e in document.get(name, ()) if e not in (_MESHOPT, _BASISU)]
    return _glb(document, bytes(whole))


def _buffer(buffer: dict[str, Any], chunk: bytes, path: Path) -> bytes:
    uri = buffer.get("uri")
    if uri is None:
        return chunk  # of a fallback buffer nothing is read
    if uri.startswith("data:"):
        return base64.b64decode(uri.partition(",")[2])
    return (path.parent / uri).read_bytes()


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


def _name_keys(document: dict[str, Any], objects: Mapping[int, bpy.types.Object]) -> None:
    """Give shape keys that were imported as target_0, target_1, ... the names that the file has for them."""
    for node, made in objects.items():
        keys = made.data.shape_keys
        names = rig_vrm.target_names(document["meshes"][document["nodes"][node]["mesh"]])
        for i, name in enumerate(names if keys is not None else ()):
            block = keys.key_blocks.get(f"target_{i}")
            if block is not None:
                block.name = name


def _imported(document: dict[str, Any], made: Iterable[bpy.types.Object]) -> dict[int, bpy.types.Object]:
    """Mesh object by index of its node; Blender numbers names that are taken already."""
    meshes = [one for one in made if one.type == "MESH"]
    found: dict[int, bpy.types.Object] = {}
    for number, node in enumerate(document.get("nodes", ())):
        if "mesh" not in node:
            continue
        name = node.get("name") or document["meshes"][node["mesh"]].get("name", "")
        same = [one for one in meshes if name in (one.name, one.name.rpartition(".")[0])]
        if same:
            found[number] = same[0]
            meshes.remove(same[0])
    return found
