"""Opens a file with a character in it: .blend, .glb, .gltf, .vrm, .fbx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..inference.errors import RigError, UsageError
from . import rig_gltf
from .rig_map import armatures_of

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = (".blend", ".glb", ".gltf", ".vrm", ".fbx")


def open_rig(path: Path, object_name: str = "") -> bpy.types.Object:
    """Replace the open scene by that of a file.

    Args:
        object_name: the mesh or armature that is wanted; empty for the mesh with most shape keys, or where
            there is none the largest armature.

    Raises:
        UsageError: the file is of another kind, or has no object of that name.
        RigError: it cannot be read, or has neither shape keys nor bones.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(f"{path} is not a file with a character", f"Give one of {', '.join(ENDINGS)}")
    if not path.is_file():
        raise UsageError(f"{path} does not exist", "Give another file")
    try:
        _open(path, ending)
    except RuntimeError as error:
        raise RigError(
            f"{path.name} cannot be imported ({_reason(error)})",
            "Open it in the program that made it and export it again, without compression",
        ) from error
    return _chosen(path, object_name)


def _open(path: Path, ending: str) -> None:
    if ending == ".blend":
        bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False)
        return
    bpy.ops.wm.read_homefile(use_empty=True)
    if ending == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(path))
    else:
        rig_gltf.load(path)


def _reason(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].removeprefix("Error: ").rstrip(".") if lines else "no reason is given"


def _chosen(path: Path, object_name: str) -> bpy.types.Object:
    objects = list(bpy.context.scene.objects)
    if object_name:
        found = bpy.context.scene.objects.get(object_name)
        if found is None:
            names = ", ".join(o.name for o in objects if o.type in ("MESH", "ARMATURE"))
            raise UsageError(f'{path.name} has no object "{object_name}"', f"Choose one of these: {names}")
        return found
    keyed = [o for o in objects if o.type == "MESH" and o.data.shape_keys is not None]
    if keyed:
        return max(keyed, key=lambda o: len(o.data.shape_keys.key_blocks))
    rigs = [o for o in objects if o.type == "ARMATURE"]
    if not rigs:
        raise RigError(
            f"{path.name} has neither shape keys nor bones", "Export the character with its shape keys"
        )
    rig = max(rigs, key=lambda o: len(o.data.bones))
    skinned = [o for o in objects if o.type == "MESH" and rig in armatures_of(o)]
    return max(skinned, key=lambda o: len(o.data.vertices), default=rig)
