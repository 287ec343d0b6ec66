"""The skin sheet: rows round the head, with rings of faces set into cut-outs for the mouth and the eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import lids, mouth, shape
from .mesh import MeshBuilder, edges_of, fan, flip, neighbours_mean, strip

FRONT_STEP_RAD = np.radians(1.68)
FRONT_COLUMNS = 19
SIDE_COLUMNS = 17
# fmt: off
ROWS_V = np.array([
    -90, -76, -62, -49, -38, -29, -22, -16, -11, -6, -1, 4, 9, 14, 19, 24, 29,
    33, 36.5, 40, 43.5, 47, 50, 53, 56.5, 60, 63.5, 67,  # the mouth's cut-out
    70, 72, 73.4, 74.8, 76.2, 77.6, 79.2, 81.5, 84, 87, 90.5, 94,  # the nose, dense below its tip
    98, 102, 106, 110, 114, 118, 122, 126, 130, 134, 138,  # the eyes' cut-outs
    142, 146, 151, 157, 164, 172, 181, 191, 202, 213, 224, 234, 243, 251, 257,
])
# fmt: on
MOUTH_COLUMNS, MOUTH_V = 13, (33, 67)
EYE_COLUMNS, EYE_V = (3, 21), (98, 138)
NOSTRIL_COLUMNS, NOSTRIL_V = (2, 4), (73.4, 76.2)
NOSTRIL_DEPTH_MM = np.array([0.0, 3.5, 6.0])
"""How far the nostrils are pushed into the nose; shares of it by row and by column."""
NOSTRIL_ROWS, NOSTRIL_ACROSS = (0.55, 1.0, 0.75), (0.8, 1.0, 0.5)


@dataclass(frozen=True)
class Skin:
    """Indices of the skin's vertices that other modules need; rings are [layers, around]."""

    grid: np.ndarray
    mouth: np.ndarray
    throat: int
    eyes: tuple[np.ndarray, np.ndarray]
    """Left and right eye, same order: around from the outer corner over the top."""


def column_angles() -> np.ndarray:
    """Theta of every column [N], column 0 the middle of the face, mirrored at N - j."""
    front = FRONT_STEP_RAD * np.arange(FRONT_COLUMNS)
    rest = np.pi - front[-1]
    ratio = 1.0
    for _ in range(60):  # the growth with which SIDE_COLUMNS steps fill the rest
        total = FRONT_STEP_RAD * sum(ratio**k for k in range(1, SIDE_COLUMNS + 1))
        ratio *= (rest / total) ** (1 / SIDE_COLUMNS)
    side = front[-1] + np.cumsum(FRONT_STEP_RAD * ratio ** np.arange(1, SIDE_COLUMNS + 1))
    half = np.concatenate([front, side])
    half[-1] = np.pi
    return np.concatenate([half, -half[1:-1][::-1]])


def _row(v: float) -> int:
    return int(np.flatnonzero(v == ROWS_V)[0])


def _loop(grid: np.ndarray, columns: tuple[int, int], rows: tuple[int, int]) -> np.ndarray:
    """Grid vertices round a cut-out, from the middle of its high-column side over the top and back below."""
    (c0, c1), (r0, r1) = columns, rows
    middle = (r0 + r1) // 2
    path = [(r, c1) for r in range(middle, r1)]
    path += [(r1, c) for c in range(c1, c0, -1)]
    path += [(r, c0) for r in range(r1, r0, -1)]
    path += [(r0, c) for c in range(c0, c1)]
    path += [(r, c1) for r in range(r0, middle)]
    return np.array([grid[r, c] for r, c in path])


def build_skin(mesh: MeshBuilder) -> Skin:
    """Add the skin with lids, lips and the mouth's lining to `mesh`."""
    theta = column_angles()
    rows, columns = len(ROWS_V), len(theta)
    domain_theta, domain_v = np.meshgrid(theta, ROWS_V)
    sheet = shape.surface(domain_theta, domain_v)
    depth = np.outer(NOSTRIL_ROWS, [*NOSTRIL_ACROSS, *NOSTRIL_ACROSS[::-1]])
    sheet[_nostrils()] += depth[..., None] * NOSTRIL_DEPTH_MM
    points = sheet.reshape(-1, 3)
    holes = _holes()
    removed = np.zeros((rows, columns), bool)
    cells = np.zeros((rows, columns), bool)
    for (c0, c1), (r0, r1) in holes:
        cells[np.ix_(range(r0, r1), [c % columns for c in range(c0, c1)])] = True
        removed[np.ix_(range(r0 + 1, r1), [c % columns for c in range(c0 + 1, c1)])] = True
    kept = np.flatnonzero(~removed.ravel())
    local = np.full(rows * columns, -1)
    local[kept] = np.arange(len(kept))
    row_of, column_of = np.divmod(kept, columns)
    mirror = local[row_of * columns + (-column_of) % columns]
    index = mesh.add(points[kept], "skin", mirror)
    grid = np.full(rows * columns, -1)
    grid[kept] = index
    grid = grid.reshape(rows, columns)
    _add_grid_faces(mesh, grid, cells)
    crown = mesh.add(shape.surface(np.zeros(1), np.array([260.0])) * [0, 1, 1], "skin")
    mesh.add_faces(fan(grid[-1], int(crown[0])), "Skin")

    mouth_hole, left_hole, _ = holes
    domain = (domain_theta.ravel(), domain_v.ravel())
    flat = np.full(mesh.count, 0)
    flat[index] = kept
    mouth_loop = _loop(grid, *mouth_hole)
    mouth_rings, throat = _add_mouth(mesh, mouth_loop, *(d[flat[mouth_loop]] for d in domain))
    eye_loop = _loop(grid, *left_hole)
    eyes = _add_eyes(mesh, eye_loop, *(d[flat[eye_loop]] for d in domain))
    return Skin(grid, mouth_rings, throat, eyes)


def _holes() -> list[tuple[tuple[int, int], tuple[int, int]]]:
    eye_rows = (_row(EYE_V[0]), _row(EYE_V[1]))
    return [
        ((-MOUTH_COLUMNS, MOUTH_COLUMNS), (_row(MOUTH_V[0]), _row(MOUTH_V[1]))),
        (EYE_COLUMNS, eye_rows),
        ((-EYE_COLUMNS[1], -EYE_COLUMNS[0]), eye_rows),
    ]


def _nostrils() -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the grid's vertices that lie in the nostrils."""
    first, last = NOSTRIL_COLUMNS
    columns = [*range(first, last + 1), *range(-last, -first + 1)]
    return np.ix_(range(_row(NOSTRIL_V[0]), _row(NOSTRIL_V[1]) + 1), columns)


def _add_grid_faces(mesh: MeshBuilder, grid: np.ndarray, cells: np.ndarray) -> None:
    following = np.roll(grid, -1, axis=1)
    quads = np.stack([grid[:-1], following[:-1], following[1:], grid[1:]], axis=-1)
    deep = np.isin(quads, grid[_nostrils()]).all(axis=-1)
    mesh.add_faces(quads[~cells[:-1] & ~deep], "Skin")
    mesh.add_faces(quads[deep], "Nostril")


def _rings_from(
    mesh: MeshBuilder, loop: np.ndarray, rings: np.ndarray, mirror: np.ndarray | None
) -> np.ndarray:
    """Vertex indices [1 + K, N] of the `loop` followed by new `rings` [K, N, 3]."""
    index = mesh.add(rings.reshape(-1, 3), "skin", mirror)
    return np.concatenate([loop[None], index.reshape(rings.shape[:2])])


def _add_mouth(
    mesh: MeshBuilder, loop: np.ndarray, theta: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, int]:
    rings, materials = mouth.lip_rings(theta, v)
    layers, around = rings.shape[:2]
    swap = (around // 2 - np.arange(around)) % around
    mirror = (np.arange(layers)[:, None] * around + swap[None]).ravel()
    index = _rings_from(mesh, loop, rings, mirror)
    for k, material in enumerate(materials):
        mesh.add_faces(strip(index[k : k + 2], closed=True), material)
    throat = int(mesh.add(mouth.THROAT[None], "skin")[0])
    mesh.add_faces(fan(index[-1], throat), "Mouth")
    return index, throat


def _add_eyes(
    mesh: MeshBuilder, loop: np.ndarray, theta: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    rings, materials = lids.lid_rings(theta, v)
    other_loop = np.concatenate(mesh.mirror)[loop]
    left = _rings_from(mesh, loop, rings, None)
    right = _rings_from(mesh, other_loop, rings * [-1, 1, 1], None)
    mesh.mirror[-2], mesh.mirror[-1] = right[1:].ravel(), left[1:].ravel()
    for k, material in enumerate(materials):
        mesh.add_faces(strip(left[k : k + 2], closed=True), material)
        mesh.add_faces(flip(strip(right[k : k + 2], closed=True)), material)
    return left, right


def relax(points: np.ndarray, faces: np.ndarray, freedom: np.ndarray, rounds: int) -> np.ndarray:
    """`points` [V, 3] drawn `rounds` times towards their neighbours' mean, by `freedom` [V] in 0..1."""
    edges = edges_of(faces)
    for _ in range(rounds):
        mean = neighbours_mean(edges, points)
        points = points + (mean - points) * freedom[:, None] * 0.5
    return points
