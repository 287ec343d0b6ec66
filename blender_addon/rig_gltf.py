"""glTF files that Blender's importer does not read by itself: .vrm, and geometry compressed by meshopt.

Names of shape keys come from the file also where the importer does not look: beside a mesh's primitives.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..inference.errors import RigError
from ..inference.formats.gltf import BASISU, MESHOPT, plain_glb, read_gltf
from . import rig_vrm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def load(path: Path) -> None:
    """Import a .glb, .gltf or .vrm into the open scene.

    Raises:
        RigError: the file is damaged.
        RuntimeError: Blender's importer refuses it.
    """
    document, chunk = read_gltf(path)
    before = set(bpy.data.objects)
    required = document.get("extensionsRequired", ())
    if MESHOPT not in required and BASISU not in required and path.suffix != ".vrm":
        bpy.ops.import_scene.gltf(filepath=str(path))
    else:
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / f"{path.stem}.glb"
            plain.write_bytes(plain_glb(document, chunk, path))
            bpy.ops.import_scene.gltf(filepath=str(plain))
    try:
        objects = _imported(document, [one for one in bpy.data.objects if one not in before])
        _name_keys(document, objects)
        rig_vrm.keep(document, objects)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise RigError(
            f"{path.name} has names or expressions that are damaged ({error})", "Export it again"
        ) from error


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
