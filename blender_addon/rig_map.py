"""Which shape keys of a character follow which channels.

A character is a mesh object and the meshes that belong to it: its children, and the meshes that hang on
the same armature (eyes, teeth, tongue, brows, lashes are often objects of their own).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..inference.channels import ARKIT_52
from ..inference.errors import RigError
from ..inference.retarget import map_by_name
from ..inference.types import RigMap

if TYPE_CHECKING:
    from collections.abc import Iterator

    import bpy


@dataclass(frozen=True)
class Character:
    """A target mesh and its parts, matched to the channels."""

    name: str
    """Name of the target object."""
    maps: tuple[RigMap, ...]
    """One per Key datablock that is driven; targets name the object that owns it."""
    unmatched: tuple[str, ...]
    """Channels that found no shape key on any part."""
    notices: tuple[str, ...] = ()
    """What the user should know, one sentence each."""


def refusal(target: bpy.types.Object | None) -> RigError | None:
    """Why an object cannot be driven at all, or None."""
    if target is None:
        return RigError(
            "No target mesh is chosen",
            "Choose the mesh that carries the face shape keys, or add one with Add > Mesh > Soliloquy Head",
        )
    if target.type != "MESH":
        return RigError(f'"{target.name}" is not a mesh', "Choose the mesh that carries the face shape keys")
    keys = target.data.shape_keys
    if keys is None or len(keys.key_blocks) < 2:
        return RigError(
            f'"{target.name}" has no shape keys',
            "Choose a mesh with ARKit shape keys, or add one with Add > Mesh > Soliloquy Head",
        )
    if not keys.is_editable:
        return _linked(target, keys)
    if keys.animation_data is not None and keys.animation_data.use_tweak_mode:
        return RigError(
            f'An NLA strip of "{target.name}" is being edited',
            "Leave the strip's edit mode with Tab in the NLA",
        )
    return None


def _linked(target: bpy.types.Object, keys: bpy.types.Key) -> RigError:
    library = keys.library or target.library
    origin = f" from {library.filepath}" if library is not None else ""
    return RigError(
        f'The shape keys of "{target.name}" are linked{origin} and cannot be animated here',
        "Press Make Override below the target, or in the Outliner make a library override of the object "
        "and then of its mesh data (right click > Library Override > Make)",
    )


def read_character(target: bpy.types.Object, include_parts: bool = True) -> Character:
    """Match the shape keys of a target mesh, and of the meshes that belong to it, to the channels.

    Shape keys that follow a driver are left to their driver, with a notice.

    Raises:
        RigError: the target cannot be driven, or not one of its shape keys has a known name.
    """
    error = refusal(target)
    if error is not None:
        raise error
    maps: list[RigMap] = []
    notices: list[str] = []
    seen: set[int] = set()
    for part in [target, *(parts_of(target) if include_parts else ())]:
        keys = part.data.shape_keys
        if keys.session_uid in seen:
            continue
        seen.add(keys.session_uid)
        rig_map, driven = _match(part)
        if driven:
            notices.append(f'{len(driven)} shape keys of "{part.name}" follow drivers and were left to them')
        if rig_map.targets and refusal(part) is not None:
            notices.append(f'"{part.name}" was left as it is. {refusal(part)}')
        elif rig_map.targets:
            maps.append(rig_map)
    matched = {t.channel for rig_map in maps for t in rig_map.targets}
    if not matched:
        raise _no_match(target, notices)
    unmatched = tuple(c for c in ARKIT_52 if c not in matched)
    return Character(target.name, tuple(maps), unmatched, tuple(notices))


def _no_match(target: bpy.types.Object, notices: list[str]) -> RigError:
    names = [block.name for block in target.data.shape_keys.key_blocks[1:4]]
    why = f" ({notices[0]})" if notices else f" (they are named {', '.join(names)}, ...)"
    return RigError(
        f'No shape key of "{target.name}" matches an ARKit channel{why}',
        "Name the shape keys as ARKit does, for example jawOpen, mouthSmileLeft, eyeBlinkRight",
    )


def _match(part: bpy.types.Object) -> tuple[RigMap, tuple[str, ...]]:
    keys = part.data.shape_keys
    names = [block.name for block in keys.key_blocks if block != keys.reference_key]
    rig_map = map_by_name(part.name, names)
    drivers = keys.animation_data.drivers if keys.animation_data is not None else ()
    driven_paths = {driver.data_path for driver in drivers}
    free = tuple(t for t in rig_map.targets if t.data_path not in driven_paths)
    driven = tuple(t.channel for t in rig_map.targets if t.data_path in driven_paths)
    return RigMap(free, unmatched=(*rig_map.unmatched, *driven)), driven


def parts_of(target: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """Meshes with shape keys that belong to a target: its children, and all meshes on its armature."""
    related = list(target.children_recursive)
    if target.parent is not None and target.parent.type == "ARMATURE":
        related += [o for o in target.parent.children_recursive if o != target and o not in related]
    for part in related:
        if part.type == "MESH" and part.data.shape_keys is not None:
            yield part
