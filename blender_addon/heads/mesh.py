"""A growing mesh that knows its own mirror image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

MIRROR_X = np.array([-1.0, 1.0, 1.0])


@dataclass
class MeshBuilder:
    """Vertices and faces as they are added. Every vertex names its mirror vertex, each face its material."""

    points: list[np.ndarray] = field(default_factory=list)
    mirror: list[np.ndarray] = field(default_factory=list)
    faces: list[np.ndarray] = field(default_factory=list)
    face_materials: list[np.ndarray] = field(default_factory=list)
    materials: list[str] = field(default_factory=list)
    parts: dict[str, list[np.ndarray]] = field(default_factory=dict)
    count: int = 0

    def add(self, points: np.ndarray, part: str, mirror: np.ndarray | None = None) -> np.ndarray:
        """Add `points` [N, 3] to `part`; `mirror` [N] indexes into them. Returns their indices [N]."""
        index = np.arange(self.count, self.count + len(points))
        self.points.append(np.asarray(points, float))
        self.mirror.append(index if mirror is None else index[mirror])
        self.parts.setdefault(part, []).append(index)
        self.count += len(points)
        return index

    def add_faces(self, faces: np.ndarray, material: str) -> None:
        """Add `faces` [F, 4] of vertex indices; a triangle repeats its last corner as -1."""
        faces = np.asarray(faces, int).reshape(-1, 4)
        if material not in self.materials:
            self.materials.append(material)
        self.faces.append(faces)
        self.face_materials.append(np.full(len(faces), self.materials.index(material)))

    def add_closed(self, points: np.ndarray, faces: np.ndarray, part: str, material: str) -> np.ndarray:
        """Add a piece of its own (local face indices) that mirrors onto itself vertex by vertex."""
        index = self.add(points, part, mirror_permutation(points))
        self.add_faces(_local(index, faces), material)
        return index

    def add_pair(
        self, points: np.ndarray, faces: np.ndarray, part: str, material: str | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Add a left piece and its mirror image as `part`Left and `part`Right; returns both index arrays.

        `material` is one name or a name for each face.
        """
        left = self.add(points, f"{part}Left")
        right = self.add(points * MIRROR_X, f"{part}Right")
        self.mirror[-2], self.mirror[-1] = right, left
        names = np.broadcast_to(np.asarray(material), len(faces))
        for name in dict.fromkeys(names.tolist()):
            chosen = np.asarray(faces)[names == name]
            self.add_faces(_local(left, chosen), name)
            self.add_faces(flip(_local(right, chosen)), name)
        return left, right

    def all_points(self) -> np.ndarray:
        """Every vertex so far, [V, 3]."""
        return np.concatenate(self.points)


def _local(index: np.ndarray, faces: np.ndarray) -> np.ndarray:
    faces = np.asarray(faces, int)
    return np.where(faces < 0, -1, index[faces])


def flip(faces: np.ndarray) -> np.ndarray:
    """The same faces seen from the other side."""
    faces = np.asarray(faces, int)
    quads = faces[:, ::-1].copy()
    is_triangle = faces[:, 3] < 0
    quads[is_triangle] = faces[is_triangle][:, [2, 1, 0, 3]]
    return quads


def mirror_permutation(points: np.ndarray) -> np.ndarray:
    """For every point of a piece that is symmetric about x = 0, the index of its mirror point."""
    keys = [tuple(row) for row in np.round(points, 4) + 0.0]
    found = {key: i for i, key in enumerate(keys)}
    return np.array([found[(-x + 0.0, y, z)] for x, y, z in keys])


def strip(rings: np.ndarray, closed: bool) -> np.ndarray:
    """Quads between consecutive rings of vertex indices `rings` [K, N]; `closed` joins last to first."""
    following = np.roll(rings, -1, axis=1)
    quads = np.stack([rings[:-1], following[:-1], following[1:], rings[1:]], axis=-1)
    if not closed:
        quads = quads[:, :-1]
    return quads.reshape(-1, 4)


def fan(ring: np.ndarray, centre: int) -> np.ndarray:
    """Triangles (fourth corner -1) from the edges of a closed `ring` [N] to `centre`."""
    following = np.roll(ring, -1)
    return np.stack([ring, following, np.full_like(ring, centre), np.full_like(ring, -1)], axis=-1)


def tube(
    rings: np.ndarray, tip_start: np.ndarray | None, tip_end: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Points and faces of a tube through `rings` [K, N, 3], closed by a tip where one is given."""
    count, around = rings.shape[:2]
    points = [rings.reshape(-1, 3)]
    index = np.arange(count * around).reshape(count, around)
    faces = [strip(index, closed=True)]
    total = count * around
    for tip, ring in ((tip_start, index[0][::-1]), (tip_end, index[-1])):
        if tip is not None:
            points.append(np.reshape(tip, (1, 3)))
            faces.append(fan(ring, total))
            total += 1
    return np.concatenate(points), np.concatenate(faces)


def outward(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """`faces` of a closed piece, flipped where needed so that their normals point out of it."""
    centred = points - points.mean(axis=0)
    quads = np.where(faces < 0, faces[:, [2]], faces)
    a, b, c, d = (centred[quads[:, i]] for i in range(4))
    volume = np.sum(np.cross(a, b) * c) + np.sum(np.cross(a, c) * d)
    return faces if volume > 0 else flip(faces)


def edges_of(faces: np.ndarray) -> np.ndarray:
    """Every edge of `faces` once in either direction, int [E, 2]."""
    following = np.roll(faces, -1, axis=1)
    is_triangle = faces[:, 3] < 0
    following[is_triangle, 2] = faces[is_triangle, 0]
    edges = np.stack([faces, following], axis=-1).reshape(-1, 2)
    edges = edges[(edges >= 0).all(axis=1)]
    return np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)


def neighbours_mean(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For every vertex the mean of `values` [V, D] over the vertices that share one of `edges` with it."""
    count = len(values)
    total = np.stack(
        [np.bincount(edges[:, 0], values[edges[:, 1], d], count) for d in range(values.shape[1])], axis=-1
    )
    return total / np.maximum(np.bincount(edges[:, 0], minlength=count), 1)[:, None]
