"""Motion of the skin spread over its faces without facets, and brows that stay on the skin."""

from __future__ import annotations

from functools import cache

import numpy as np

from .geometry import head_geometry
from .mesh import edges_of, neighbours_mean

_CANDIDATES = 8


def spread(delta: np.ndarray, free: np.ndarray, rounds: int = 4) -> np.ndarray:
    """`delta` [V, 3] evened out over neighbouring vertices where `free` [V], 0..1, lets it.

    A falloff that is steep against the size of the faces would show each of them.
    """
    edges = _edges()
    for _ in range(rounds):
        delta = delta + (free * 0.6)[:, None] * (neighbours_mean(edges, delta) - delta)
    return delta


@cache
def _edges() -> np.ndarray:
    return edges_of(head_geometry().faces)


def with_brows(delta: np.ndarray) -> np.ndarray:
    """`delta` [V, 3] with the hairs of the brows carried by the faces of the skin they stand on."""
    hairs, corners, shares = _brow_feet()
    delta = delta.copy()
    delta[hairs] = np.einsum("nk,nki->ni", shares, delta[corners])
    return delta


@cache
def _brow_feet() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices [N] of both brows, the corners [N, 3] of the skin below each, and their shares [N, 3]."""
    head = head_geometry()
    hairs = np.concatenate(
        [i for name, i in head.parts.items() if name.startswith("brow") and name.endswith("Left")]
    )
    corners, shares = feet_on_skin(head.points, head.points[hairs])
    both = (np.concatenate([index, head.mirror[index]]) for index in (hairs, corners))
    return *both, np.concatenate([shares, shares])


def feet_on_skin(points: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The skin of a head at `points` [V, 3] next to each of `places` [N, 3].

    Returns:
        Corners [N, 3] of its triangles as vertices, and the corners' shares [N, 3] of the nearest place.
    """
    head = head_geometry()
    low, high = places.min(axis=0) - 12.0, places.max(axis=0) + 12.0
    near = np.zeros(len(head.points), bool)
    near[head.parts["skin"]] = True
    near &= ((points > low) & (points < high)).all(axis=1)
    faces = head.faces[near[head.faces].all(axis=1) & (head.faces[:, 3] >= 0)]
    triangles = np.concatenate([faces[:, :3], faces[:, [0, 2, 3]]])
    corners = points[triangles]
    away = np.linalg.norm(places[:, None] - corners.mean(axis=1), axis=-1)
    nearest = np.argsort(away, axis=1)[:, :_CANDIDATES]
    shares = _shares(places[:, None], corners[nearest])
    missed = np.einsum("nck,ncki->nci", shares, corners[nearest]) - places[:, None]
    best = np.argmin(np.linalg.norm(missed, axis=-1), axis=1)
    rows = np.arange(len(places))
    return triangles[nearest[rows, best]], shares[rows, best]


def _shares(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentric coordinates [..., 3] of `places` [..., 3] in triangles [..., 3, 3], kept inside of them."""
    a, b, c = np.moveaxis(corners, -2, 0)
    normal = np.cross(b - a, c - a)
    area = np.maximum(np.sum(normal**2, axis=-1), 1e-12)
    at_b = np.sum(np.cross(places - a, c - a) * normal, axis=-1) / area
    at_c = np.sum(np.cross(b - a, places - a) * normal, axis=-1) / area
    shares = np.clip(np.stack([1 - at_b - at_c, at_b, at_c], axis=-1), 0.0, None)
    return shares / np.maximum(shares.sum(axis=-1, keepdims=True), 1e-9)
