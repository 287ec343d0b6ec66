"""Opens a file with a character in it: .blend, .glb, .gltf, .vrm, .fbx."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import bpy

from ..inference.errors import RigError, SoliloquyError, UsageError
from . import rig_gltf
from .rig_map import armatures_of

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    ending = _checked(path, ENDINGS)
    with _sentences(path):
        if ending == ".blend":
            bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False)
        else:
            bpy.ops.wm.read_homefile(use_empty=True)
            _import(path, ending)
    return _chosen(path, object_name, list(bpy.context.scene.objects))


def add_rig(path: Path, scene: bpy.types.Scene) -> bpy.types.Object:
    """Import a character into an open scene; what was imported is removed again where it cannot be used.

    Raises:
        UsageError, RigError: as `open_rig`.
    """
    ending = _checked(path, ENDINGS[1:])
    before = set(scene.objects)
    try:
        with _sentences(path):
            _import(path, ending)
        return _chosen(path, "", [o for o in scene.objects if o not in before])
    except SoliloquyError:
        bpy.data.batch_remove([o for o in scene.objects if o not in before])
        raise


def _checked(path: Path, endings: tuple[str, ...]) -> str:
    """The ending of a file that exists and is of a known kind."""
    ending = path.suffix.lower()
    if ending not in endings:
        raise UsageError(f"{path} is not a file with a character", f"Give one of {', '.join(endings)}")
    if not path.is_file():
        raise UsageError(f"{path} does not exist", "Give another file")
    return ending


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """What an importer of Blender reports, as a sentence."""
    try:
        yield
    except RuntimeError as error:
        raise RigError(
            f"{path.name} cannot be imported ({_reason(error)})",
            "Open it in the program that made it and export it again, without compression",
        ) from error


def _import(path: Path, ending: str) -> None:
    if ending == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(path))
    else:
        rig_gltf.load(path)


def _reason(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("Location: ")]  # in Blender's own code
    return lines[-1].removeprefix("Error: ").rstrip(".") if lines else "no reason is given"


def _chosen(path: Path, object_name: str, objects: list[bpy.types.Object]) -> bpy.types.Object:
    if object_name:
        found = next((o for o in objects if o.name == object_name), None)
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
