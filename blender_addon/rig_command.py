"""`rig map FILE`: maps a character in a file, prints the map, saves it and draws what every channel does."""

from __future__ import annotations

import json
import math
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from mathutils import Vector

from ..inference.channels import ARKIT_52, HEAD
from ..inference.rig_json import read_map, write_map
from ..inference.rig_names import presets
from . import rig_import, rig_map, rig_rows, rig_sheet, rig_store
from .outputs import check_writable
from .rig_mesh import MeshKeys
from .rig_read import looks_to

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..inference.types import RigMap

HEAD_TURN_RAD = math.radians(20)
"""Channels of the head are radians: so far it is turned on the sheet."""


def run(arguments: argparse.Namespace) -> None:
    """Map the character of a file.

    Raises:
        SoliloquyError: the file cannot be read, nothing in it can be mapped, or a result cannot be written.
    """
    outputs = [path for path in (arguments.out, arguments.sheet) if path is not None]
    for path in outputs:
        check_writable(path.absolute())
    with without_chatter():
        target = rig_import.open_rig(arguments.file.absolute(), arguments.object)
    if arguments.map is not None:
        saved = rig_store.fitted(read_map(arguments.map), target, rig_map.armatures_of(target))
        rig_store.store(target, saved, keep_by_hand=False)
    elif arguments.basis is not None:
        found = rig_map.find_map(target, basis=arguments.basis.absolute())
        rig_store.store(target, found, keep_by_hand=False)
    found = rig_map.wanted_map(target)
    character = rig_map.read_character(target)
    if arguments.json:
        print(json.dumps(_as_json(arguments.file, target.name, found)), flush=True)
    else:
        print("\n".join(_as_text(arguments.file.name, target.name, found)), flush=True)
    for notice in character.notices:
        print(f"soliloquy: {notice}", file=sys.stderr)
    if arguments.out is not None:
        write_map(arguments.out, found)
    if arguments.sheet is not None:
        with without_chatter():
            rig_sheet.render(
                arguments.sheet.absolute(), character.maps, pictures(found), *face(target, found)
            )


def _as_text(file: str, name: str, found: RigMap) -> list[str]:
    total = len(ARKIT_52)
    lines = [f"{file}: {total - len(found.unmatched)} of {total} channels mapped, on {name}"]
    for target in found.targets:
        moved = f"{target.object}: {rig_rows.key_name(target.data_path) or target.data_path}"
        lines.append(f"  {target.channel:20} {target.confidence:5.0%}  {moved}  x {target.gain:.3g}")
    for solved in found.solved:
        names = ", ".join(rig_rows.key_name(path) for path in solved.data_paths)
        lines.append(f"  {'solved together':20} {solved.confidence:5.0%}  {solved.object}: {names}")
    if found.unmatched:
        lines.append(f"  nothing found for: {', '.join(found.unmatched)}")
    return lines


def _as_json(file: Path, name: str, found: RigMap) -> dict[str, Any]:
    return {
        "event": "rig",
        "input": str(file),
        "object": name,
        "mapped": len(ARKIT_52) - len(found.unmatched),
        "total": len(ARKIT_52),
        "confidence": _confidences(found),
        "unmatched": list(found.unmatched),
    }


def _confidences(found: RigMap) -> dict[str, float]:
    """How sure each mapped channel is."""
    sure: dict[str, float] = {}
    for target in found.targets:
        sure[target.channel] = max(sure.get(target.channel, 0.0), target.confidence)
    for solved in found.solved:
        for channel in solved.channels:
            if channel not in found.unmatched:
                sure.setdefault(channel, solved.confidence)
    return {channel: round(value, 3) for channel, value in sure.items()}


def pictures(found: RigMap) -> dict[str, dict[str, float]]:
    """What the sheet shows: each mapped channel, and sounds where keys are solved for."""
    shown = {}
    for channel, sure in _confidences(found).items():
        weights = {channel: HEAD_TURN_RAD if channel in HEAD else 1.0}
        if channel == "mouthClose":  # it closes the lips of an open jaw, and is nothing by itself
            weights["jawOpen"] = 1.0
        shown[f"{' + '.join(weights)} {sure:.0%}"] = weights
    if found.solved:
        oculus = next(preset for preset in presets() if "sil" in preset.visemes)
        sounds = {id(recipe): (name, recipe) for name, recipe in oculus.visemes.items()}
        shown |= {f"sound {name}": dict(recipe) for name, recipe in sounds.values()}
    return shown


def face(target: bpy.types.Object, found: RigMap) -> tuple[np.ndarray, np.ndarray]:
    """Points that the sheet frames, and where the face looks."""
    meshes = [target] if target.type == "MESH" else []
    meshes += rig_map.parts_of(target)
    keyed = [MeshKeys.read(part) for part in meshes if part.data.shape_keys is not None]
    names: dict[str, set[str]] = {}
    for moved in found.targets:
        names.setdefault(moved.object, set()).add(rig_rows.key_name(moved.data_path))
    for solved in found.solved:
        names.setdefault(solved.object, set()).update(map(rig_rows.key_name, solved.data_paths))
    points = np.concatenate([np.zeros((0, 3)), *(m.moved_points(names.get(m.part.name, ())) for m in keyed)])
    if not len(points):
        points = np.array([target.matrix_world @ Vector(corner) for corner in target.bound_box])
    return points, looks_to(keyed, list(rig_map.armatures_of(target)))


@contextmanager
def without_chatter() -> Iterator[None]:
    """Importers and the renderer print whatever they do; what went wrong comes as an error."""
    kept = [(stream, os.dup(number)) for number, stream in ((1, sys.stdout), (2, sys.stderr))]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number, (stream, _) in enumerate(kept, 1):
        stream.flush()
        os.dup2(nowhere, number)
    try:
        yield
    finally:
        for number, (stream, copy) in enumerate(kept, 1):
            stream.flush()
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
