"""What the built-in head's skin does when it moves: its volume, faces that turn over, brows that leave it.

    python tests/unit/head_skin.py

prints for every shape the volume in cm3 that the skin gains, the sharpest turn of a face of it in degrees,
and how far in mm a hair of the brows sinks into it or rises off it.
"""

from __future__ import annotations

from functools import cache

import head_contacts
import numpy as np
from soliloquy.blender_addon.heads import lids, mouth
from soliloquy.blender_addon.heads.correctives import posed
from soliloquy.blender_addon.heads.geometry import head_geometry
from soliloquy.blender_addon.heads.skin_motion import feet_on_skin

_LEAST_FACE_MM2 = 0.4
"""Smaller triangles are slivers between the rings: they shade with their neighbours."""


@cache
def _shell() -> tuple[np.ndarray, list[np.ndarray]]:
    """Triangles [T, 3] of skin, ears and the mouth's lining, and the borders [K] where that sheet is open."""
    head = head_geometry()
    skin = np.concatenate([i for name, i in head.parts.items() if name.startswith(("skin", "ear"))])
    triangles = head_contacts.triangles(head.faces[np.isin(head.faces[:, 0], skin)])
    edges = triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    key, back = (edges @ np.array(weights) for weights in ([len(head.points), 1], [1, len(head.points)]))
    following = dict(edges[~np.isin(key, back)].tolist())
    borders = []
    while following:
        loop = [next(iter(following))]
        while (after := following.pop(loop[-1], None)) is not None:
            loop.append(after)
        borders.append(np.array(loop[:-1]))
    return triangles, borders


def volume_cm3(points: np.ndarray) -> float:
    """Inside of the skin of a head at `points` [V, 3] mm; neck and eyes are closed by flat covers."""
    triangles, borders = _shell()
    a, b, c = points[triangles].swapaxes(0, 1)
    total = np.sum(np.cross(a, b) * c)
    for border in borders:
        rim = points[border]
        total += np.sum(np.cross(np.roll(rim, -1, axis=0), rim) @ rim.mean(axis=0))
    return float(total / 6e3)


@cache
def _outside() -> np.ndarray:
    """Triangles [T, 3] of the skin that is seen: without the lips' red, what is behind it, and the lids."""
    head = head_geometry()
    seen = np.zeros(len(head.points), bool)
    seen[head.parts["skin"]] = True
    seen[head.skin.mouth[mouth.OUTER_LAYERS + mouth.BORDER_LAYER :]] = False
    seen[head.skin.throat] = False
    for rings in head.skin.eyes:
        seen[rings[len(lids.OUTER_SHARES) :]] = False
    corners = np.where(head.faces < 0, head.faces[:, :1], head.faces)
    found = head_contacts.triangles(head.faces[seen[corners].all(axis=1)])
    return found[np.linalg.norm(_normals(head.points, found), axis=1) > 2 * _LEAST_FACE_MM2]


def _normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = points[triangles].swapaxes(0, 1)
    return np.cross(b - a, c - a)


def sharpest_turn_deg(points: np.ndarray) -> float:
    """The largest angle between a face of the skin at rest and in a head at `points` [V, 3]."""
    before, after = (_normals(p, _outside()) for p in (head_geometry().points, points))
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return float(np.degrees(np.arccos(np.clip(np.sum(before * after, axis=1) / lengths, -1, 1).min())))


def brow_heights(points: np.ndarray) -> np.ndarray:
    """How high in mm each vertex of the brows stands over the skin of a head at `points` [V, 3]."""
    brows = np.concatenate([i for name, i in head_geometry().parts.items() if name.startswith("brow")])
    corners, shares = feet_on_skin(points, points[brows])
    up = _normals(points, corners)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    return np.sum((points[brows] - np.einsum("nk,nki->ni", shares, points[corners])) * up, axis=1)


@cache
def table() -> dict[str, tuple[float, float, float, float]]:
    """By pose: gain of volume in cm3, sharpest turn in degrees, least and most change of `brow_heights`."""
    rest = head_geometry().points
    volume, heights = volume_cm3(rest), brow_heights(rest)
    result = {}
    for name, weights in {**head_contacts.shapes(), **head_contacts.pairs()}.items():
        points = posed(weights)
        change = brow_heights(points) - heights
        result[name] = (
            volume_cm3(points) - volume, sharpest_turn_deg(points), float(change.min()), float(change.max())
        )  # fmt: skip
    return result


if __name__ == "__main__":
    for name, (gain, turn, sunk, risen) in table().items():
        print(f"{name:40}{gain:8.2f} cm3 {turn:6.0f} deg {sunk:7.2f}{risen:6.2f} mm")
