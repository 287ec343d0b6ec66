"""How many channels the rig map finds on known characters, and a contact sheet of each to judge by eye.

    python tests/gui/rig_coverage.py [--out out] [--no-sheets]

Needs bpy; characters that are not at hand (../shared/data) are left out. Rigs with ARKit's names tell by
themselves which matches are wrong; they are mapped a second time with names that say nothing. Prints a table
in Markdown, writes `rig_<name>.png` and `rig_<name>.json`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
import soliloquy.blender_addon as addon
from soliloquy.blender_addon import rig_command, rig_import, rig_map, rig_read, rig_rows, rig_sheet
from soliloquy.blender_addon.heads import build_head
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.names import match_channels
from soliloquy.inference.rig_json import write_map
from soliloquy.inference.rig_match import map_rig

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
_TO_Z_UP = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32).T


def _mesh(
    name: str, points: np.ndarray, faces: list[list[int]], keys: dict[str, np.ndarray]
) -> bpy.types.Object:
    """A mesh with shape keys, from a y-up model that looks to +z."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata((points @ _TO_Z_UP).tolist(), [], faces)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    made = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(made)
    made.shape_key_add(name="Basis", from_mix=False)
    for key, delta in keys.items():
        block = made.shape_key_add(name=key, from_mix=False)
        block.points.foreach_set("co", ((points + delta) @ _TO_Z_UP).astype(np.float32).ravel())
        block.value = 0.0
    return made


def _ict(numbered: bool) -> bpy.types.Object:
    data = np.load(DATA / "ict_facekit" / "ict_facekit.npz", allow_pickle=True)
    faces = [[int(i) for i in face if i >= 0] for face in data["faces"]]
    names = [str(name) for name in data["expression_names"]]
    deltas = data["expression_deltas"].astype(np.float32)
    keys = {f"exp_{i:02}" if numbered else name: deltas[i] for i, name in enumerate(names)}
    return _mesh("ICT-FaceKit", data["neutral"], faces, keys)


def _makehuman() -> bpy.types.Object:
    folder, points, faces, group = DATA / "rigs" / "makehuman", [], [], ""
    for line in (folder / "base.obj").read_text("utf-8").splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            points.append([float(word) for word in words[:3]])
        elif kind == "g":
            group = words[0]
        elif kind == "f" and group == "body":
            faces.append([int(word.split("/")[0]) - 1 for word in words])
    used, flat = np.unique(np.concatenate([np.array(face) for face in faces]), return_inverse=True)
    counted = iter(flat.tolist())
    keys = {}
    for file in sorted((folder / "targets").glob("*.target")):
        delta = np.zeros((len(points), 3), np.float32)
        for line in file.read_text("utf-8").splitlines():
            if line and not line.startswith("#"):
                vertex, *offset = line.split()
                delta[int(vertex)] = [float(word) for word in offset]
        keys[file.stem] = delta[used]
    numbered = [[next(counted) for _ in face] for face in faces]
    return _mesh("MakeHuman", np.array(points, np.float32)[used], numbered, keys)


def _file(relative: str) -> Callable[[], bpy.types.Object]:
    return lambda: rig_import.open_rig(DATA / "rigs" / relative)


RIGS: dict[str, Callable[[], bpy.types.Object]] = {
    "built-in head": build_head,
    "facecap": _file("facecap/facecap.glb"),
    "ICT-FaceKit": lambda: _ict(numbered=False),
    "ICT-FaceKit, numbered": lambda: _ict(numbered=True),
    "MakeHuman": _makehuman,
    "Godette, VRM 0": _file("godette/godette_vrm0.vrm"),
    "Godette, VRM 1": _file("godette/godette_vrm1.vrm"),
}


def _truth(target: bpy.types.Object) -> dict[str, str]:
    """Channel by key name, for keys that carry ARKit's names."""
    found = match_channels([block.name for block in target.data.shape_keys.key_blocks])
    return {name: channel for channel, names in found.items() for name in names}


def _nameless(target: bpy.types.Object, truth: dict[str, str]) -> str:
    """Right and wrong matches where only what keys move can tell."""
    blocks = [b for b in target.data.shape_keys.key_blocks if b != target.data.shape_keys.reference_key]
    for i, block in enumerate(blocks):
        old = block.name
        block.name = f"k{i:03}x"
        truth[block.name] = truth.pop(old, "")
    found = map_rig(rig_read.read_source([target], [], {}))
    pairs = {(t.channel, rig_rows.key_name(t.data_path)) for t in found.targets}
    right = {channel for channel, name in pairs if truth[name] == channel}
    wrong = {channel for channel, name in pairs if truth[name] and truth[name] != channel} - right
    there = set(truth.values()) - {""}
    return f"{len(right)} of {len(there)} | {len(wrong)}"


def main() -> None:
    """Map every rig, print the table, draw the sheets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "out")
    parser.add_argument("--no-sheets", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    addon.register()
    print("| rig | keys | mapped | wrong | without names: right | wrong | seconds |")
    print("|---|---:|---:|---:|---:|---:|---:|", flush=True)
    for name, build in RIGS.items():
        try:
            row = _measure(name, build, options)
        except (FileNotFoundError, rig_import.UsageError):
            continue
        print(row, flush=True)


def _measure(name: str, build: Callable[[], bpy.types.Object], options: argparse.Namespace) -> str:
    with rig_command.without_chatter():
        bpy.ops.wm.read_homefile(use_empty=True)
        target = build()
    truth = _truth(target)
    rig_map.forget()
    started = time.perf_counter()
    found = rig_map.find_map(target)
    took_s = time.perf_counter() - started
    wrong = "by eye"
    if len(truth) > 40:
        pairs = [(t.channel, rig_rows.key_name(t.data_path)) for t in found.targets if t.kind == "SHAPE_KEY"]
        wrong = str(sum(truth.get(key) != channel for channel, key in pairs))
    stem = "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
    write_map(options.out / f"rig_{stem}.json", found)
    if not options.no_sheets:
        with rig_command.without_chatter():
            pictures, face = rig_command.pictures(found), rig_command.face(target, found)
            rig_sheet.render(options.out / f"rig_{stem}.png", (found,), pictures, *face)
    mapped = f"{len(ARKIT_52) - len(found.unmatched)} of {len(ARKIT_52)}"
    keys = len(target.data.shape_keys.key_blocks) - 1
    nameless = _nameless(target, truth) if len(truth) > 40 else " | "
    return f"| {name} | {keys} | {mapped} | {wrong} | {nameless} | {took_s:.2f} |"


if __name__ == "__main__":
    main()
