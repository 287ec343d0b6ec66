"""What a VRM says about its face: which keys an expression moves together, and which bones are jaw and eyes.

Blender's importer knows nothing of it. It is kept on the imported objects, and read when they are mapped.
VRM 0.0: `blendShapeMaster`, `humanoid`; VRM 1.0: `expressions`, `humanoid`
(github.com/vrm-c/vrm-specification).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..inference.rig_source import KeyGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import bpy

EXPRESSIONS, BONES = "soliloquy_expressions", "soliloquy_bones"
"""Custom properties of an imported mesh and an imported armature: JSON."""
_PARTS = {"head": "head", "jaw": "jaw", "leftEye": "eyeLeft", "rightEye": "eyeRight"}
_PERCENT = 100.0


def keep(document: Mapping[str, Any], objects: Mapping[int, bpy.types.Object]) -> None:
    """Note on imported objects what a VRM says about them; other glTF files say nothing.

    Args:
        document: the JSON part of the file.
        objects: mesh object by index of its node.
    """
    groups: dict[int, dict[str, dict[str, float]]] = {}
    for name, node, index, weight in _binds(document):
        keys = _key_names(document, node)
        if node in objects and 0 <= index < len(keys):
            groups.setdefault(node, {}).setdefault(name, {})[keys[index]] = weight
    for node, expressions in groups.items():
        objects[node][EXPRESSIONS] = json.dumps(expressions, ensure_ascii=False)
    bones = {_PARTS[bone]: name for bone, name in _bones(document) if bone in _PARTS}
    rigs = [m.object for o in objects.values() for m in o.modifiers if m.type == "ARMATURE" and m.object]
    for rig in dict.fromkeys(rigs if bones else ()):
        rig[BONES] = json.dumps(bones, ensure_ascii=False)


def _extension(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get("extensions", {}).get(name, {})
    return found if isinstance(found, dict) else {}


def _binds(document: Mapping[str, Any]) -> Iterator[tuple[str, int, int, float]]:
    """(expression, node, index of the key, weight 0..1) of every expression."""
    nodes = document.get("nodes", ())
    for group in _extension(document, "VRM").get("blendShapeMaster", {}).get("blendShapeGroups", ()):
        preset = str(group.get("presetName", "unknown"))
        name = str(group.get("name", "")) if preset == "unknown" else preset
        for bind in group.get("binds", ()):
            for number, node in enumerate(nodes):
                if node.get("mesh") == bind["mesh"]:
                    yield name, number, int(bind["index"]), float(bind.get("weight", _PERCENT)) / _PERCENT
    for kind in ("preset", "custom"):
        expressions = _extension(document, "VRMC_vrm").get("expressions", {}).get(kind, {})
        for name, expression in expressions.items():
            for bind in expression.get("morphTargetBinds") or ():
                yield str(name), int(bind["node"]), int(bind["index"]), float(bind.get("weight", 1.0))


def _key_names(document: Mapping[str, Any], node: int) -> list[str]:
    """Names of the keys of a node's mesh, as they are after the import."""
    mesh = document["meshes"][document["nodes"][node]["mesh"]]
    names = target_names(mesh)
    count = max((len(p.get("targets", ())) for p in mesh["primitives"]), default=0)
    return [names[i] if i < len(names) else f"target_{i}" for i in range(count)]


def target_names(mesh: Mapping[str, Any]) -> list[str]:
    """The names that a mesh of a glTF has for its keys, beside it or beside one of its primitives."""
    places = [mesh, *mesh.get("primitives", ())]
    return next(
        (list(p["extras"]["targetNames"]) for p in places if "targetNames" in p.get("extras", {})), []
    )


def _bones(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(VRM's name of a bone, name of its node)."""
    nodes = document.get("nodes", ())
    of_0 = _extension(document, "VRM").get("humanoid", {}).get("humanBones", ())
    of_1 = _extension(document, "VRMC_vrm").get("humanoid", {}).get("humanBones", {})
    for bone, number in [(b["bone"], b["node"]) for b in of_0] + [(n, b["node"]) for n, b in of_1.items()]:
        if 0 <= number < len(nodes):
            yield str(bone), str(nodes[number].get("name", ""))


def groups_of(parts: Iterable[bpy.types.Object]) -> tuple[KeyGroup, ...]:
    """The expressions that imported meshes of a character have; binds of renamed keys are passed over."""
    binds: dict[str, list[tuple[str, str, float]]] = {}
    for part in parts:
        for name, keys in _noted(part, EXPRESSIONS).items():
            if isinstance(keys, dict):
                binds.setdefault(name, []).extend((part.name, key, float(w)) for key, w in keys.items())
    return tuple(KeyGroup(name, tuple(of_name)) for name, of_name in binds.items())


def parts_of_bones(armature: bpy.types.Object) -> dict[str, str]:
    """Part (head, jaw, eyeLeft, eyeRight) by name of the bone, as far as the file told."""
    return {bone: part for part, bone in _noted(armature, BONES).items()}


def _noted(owner: bpy.types.Object, name: str) -> dict[str, Any]:
    """What was noted; nothing where somebody wrote something else there."""
    try:
        found = json.loads(owner.get(name, "{}"))
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
