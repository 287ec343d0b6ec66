"""Faces for rig tests: the built-in head, published ones where they are at hand, foreign names."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from soliloquy.blender_addon.heads.expressions import head_shapes
from soliloquy.blender_addon.heads.geometry import head_geometry
from soliloquy.inference.rig_source import Bone, KeySet

DATA = Path(__file__).resolve().parents[3] / "shared/data"
ICT = DATA / "ict_facekit/ict_facekit.npz"
MAKEHUMAN = DATA / "rigs/makehuman"
GODETTE = DATA / "rigs/godette/godette_vrm0.vrm"

UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]], np.float32)
"""Axes of a bone that points up: x to the left, y up, z to the front."""


def needs(path: Path) -> None:
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")


def sparse(delta: np.ndarray, least: float = 1e-7) -> tuple[np.ndarray, np.ndarray]:
    moved = np.flatnonzero(np.abs(delta).max(axis=1) > least)
    return moved.astype(np.int32), delta[moved].astype(np.float32)


def key_set(name: str, points: np.ndarray, shapes: dict[str, np.ndarray], least: float = 1e-7) -> KeySet:
    deltas = tuple(sparse(delta, least) for delta in shapes.values())
    return KeySet(name, tuple(shapes), np.asarray(points, np.float32), deltas)


def dense(keys: KeySet) -> dict[str, np.ndarray]:
    shapes = {}
    for name, (indices, offsets) in zip(keys.names, keys.deltas, strict=True):
        shapes[name] = np.zeros_like(keys.points)
        shapes[name][indices] = offsets
    return shapes


def _z_up(y_up: np.ndarray) -> np.ndarray:
    return np.stack([y_up[..., 0], -y_up[..., 2], y_up[..., 1]], axis=-1)


@cache
def built_in_head() -> KeySet:
    return key_set("Head", head_geometry().points, head_shapes(), 1e-4)


@cache
def ict_face() -> KeySet:
    """53 ARKit keys with _L and _R, and four others; centimetres."""
    needs(ICT)
    with np.load(ICT) as data:
        names = [str(name) for name in data["expression_names"]]
        deltas = _z_up(data["expression_deltas"].astype(np.float32))
        return key_set("Face", _z_up(data["neutral"]), dict(zip(names, deltas, strict=True)), 2e-3)


@cache
def makehuman_body() -> KeySet:
    """A whole body with 34 expression units; decimetres."""
    needs(MAKEHUMAN)
    lines = (MAKEHUMAN / "base.obj").read_text(encoding="utf-8").splitlines()
    points = _z_up(np.array([line.split()[1:4] for line in lines if line.startswith("v ")], np.float32))
    shapes = {}
    for file in sorted((MAKEHUMAN / "targets").glob("*.target")):
        rows = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
        rows = [row for row in rows if len(row) == 4 and row[0] != "#"]
        shapes[file.stem] = np.zeros_like(points)
        shapes[file.stem][[int(row[0]) for row in rows]] = _z_up(np.array([r[1:] for r in rows], np.float32))
    return key_set("Human", points, shapes)


@cache
def godette_face() -> KeySet:
    """A stylised VRM 0.x face: 15 keys, sounds ah ih uu ee oh; metres."""
    needs(GODETTE)
    data = GODETTE.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    document, binary = json.loads(data[20 : 20 + length]), data[28 + length :]

    def accessor(number: int) -> np.ndarray:
        entry = document["accessors"][number]
        view = document["bufferViews"][entry["bufferView"]]
        start = view.get("byteOffset", 0) + entry.get("byteOffset", 0)
        stride = view.get("byteStride", 12) // 4
        values = np.frombuffer(binary, np.float32, (entry["count"] - 1) * stride + 3, start)
        rows = np.stack([values[i * stride : i * stride + 3] for i in range(entry["count"])])
        return np.stack([-rows[:, 0], rows[:, 2], rows[:, 1]], axis=1)

    primitive = next(m for m in document["meshes"] if m["name"] == "FaceMesh")["primitives"][0]
    names = primitive["extras"]["targetNames"]
    shapes = {n: accessor(t["POSITION"]) for n, t in zip(names, primitive["targets"], strict=True)}
    return key_set("Godette", accessor(primitive["attributes"]["POSITION"]), shapes)


def in_a_foreign_language(keys: KeySet) -> tuple[KeySet, dict[str, str]]:
    """The same face with names that say nothing, and the true name by foreign one."""
    foreign = tuple(f"{'bcdfghjklmnprstvz'[i % 17]}orqu {'aeiou'[i // 17]}x" for i in range(len(keys.names)))
    return replace(keys, names=foreign), dict(zip(foreign, keys.names, strict=True))


def bone(name: str, head: tuple[float, float, float], length: float = 0.1, mode: str = "QUATERNION") -> Bone:
    start = np.array(head, np.float32)
    tail = start + np.array([0, 0, length], np.float32)
    return Bone("Rig", name, start, tail, UPRIGHT, None, mode)
