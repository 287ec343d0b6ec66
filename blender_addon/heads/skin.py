"""The skin sheet: rows round the head, with rings set into cut-outs for mouth, eyes, nose and ears."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from . import ear, lids, mouth, nose, sculpt, shape
from .mesh import MIRROR_X, MeshBuilder, edges_of, fan, flip, neighbours_mean, strip
from .style import DEFAULT, HeadStyle

FRONT_STEP_RAD = np.radians(1.68)
FRONT_COLUMNS = 19
SIDE_COLUMNS = 22
_GROWTH = 1.16
"""How much wider each column is than the one before it, from the face to the sides."""
# fmt: off
ROWS_V = np.array([
    -118, -106, -95, -84, -73, -62, -51, -41, -32, -24, -17, -11, -6, -1, 4, 9, 14, 19, 24, 29,
    33, 36.5, 40, 43.5, 47, 50, 53, 56.5, 60, 63.5, 67,  # the mouth's cut-out
    70, 72, 74, 75.7, 77.3, 79, 80.5, 82, 83.5, 85, 86.5, 88, 89.5, 91, 92.6, 94.3, 96,  # the nose's
    98.5, 102, 106, 110, 114, 118, 122, 126, 130, 134, 138,  # the eyes'
    142, 145.5, 149, 152.5, 156, 159.5, 163, 166.5, 170, 173.5, 177, 181, 185,
    190, 196, 204, 213.5, 224, 234, 243, 251, 257,
])
# fmt: on
MOUTH_COLUMNS, MOUTH_V = 13, (33, 67)
EYE_COLUMNS, EYE_V = (3, 21), (98.5, 138)
NOSE_COLUMNS, NOSE_V = 9, (70, 96)
EAR_COLUMNS, EAR_V = (28, 32), (67, 134)
NOSE_ROWS = 16
_RELAX_ROUNDS = 14


@dataclass(frozen=True)
class Skin:
    """Indices of the skin's vertices that other modules need; rings are [layers, around]."""

    grid: np.ndarray
    mouth: np.ndarray
    throat: int
    eyes: tuple[np.ndarray, np.ndarray]
    """Left and right eye, same order: around from the outer corner over the top."""
    nose: np.ndarray
    """Loops round the nose, from its right side... the first is the cut-out's own loop."""
    nose_grid: np.ndarray
    """The grid over the nose [rows, columns], -1 in the nostrils' holes."""
    nostrils: tuple[np.ndarray, np.ndarray]
    ears: tuple[np.ndarray, np.ndarray]


def column_angles() -> np.ndarray:
    """Theta of every column [N], column 0 the middle of the face, mirrored at N - j."""
    front = FRONT_STEP_RAD * np.arange(FRONT_COLUMNS)
    growing = FRONT_STEP_RAD * _GROWTH ** np.arange(1, SIDE_COLUMNS + 1)
    low, high = FRONT_STEP_RAD, 0.5
    for _ in range(50):  # the widest step with which SIDE_COLUMNS of them fill the rest
        widest = (low + high) / 2
        fills = np.minimum(growing, widest).sum() > np.pi - front[-1]
        low, high = (low, widest) if fills else (widest, high)
    half = np.concatenate([front, front[-1] + np.cumsum(np.minimum(growing, low))])
    half[-1] = np.pi
    return np.concatenate([half, -half[1:-1][::-1]])


def _row(v: float) -> int:
    return int(np.flatnonzero(v == ROWS_V)[0])


def _rows(span: tuple[float, float]) -> tuple[int, int]:
    return _row(span[0]), _row(span[1])


def loop_path(columns: tuple[int, int], rows: tuple[int, int]) -> list[tuple[int, int]]:
    """Row and column round a cut-out, from the middle of its high-column side over the top and back below."""
    (c0, c1), (r0, r1) = columns, rows
    middle = (r0 + r1) // 2
    path = [(r, c1) for r in range(middle, r1)]
    path += [(r1, c) for c in range(c1, c0, -1)]
    path += [(r, c0) for r in range(r1, r0, -1)]
    path += [(r0, c) for c in range(c0, c1)]
    return path + [(r, c1) for r in range(r0, middle)]


def _loop(grid: np.ndarray, columns: tuple[int, int], rows: tuple[int, int]) -> np.ndarray:
    return np.array([grid[at] for at in loop_path(columns, rows)])


class _Sheet:
    """The skin as it grows: vertices with their freedom to relax and their offset from the sculpt."""

    def __init__(self, mesh: MeshBuilder, style: HeadStyle) -> None:
        self.mesh, self.style = mesh, style
        self.freedom: list[np.ndarray] = []
        self.offset: list[np.ndarray] = []

    def add(
        self,
        points: np.ndarray,
        mirror: np.ndarray | None = None,
        freedom: float | np.ndarray = 0.0,
        offset: np.ndarray | None = None,
        part: str = "skin",
    ) -> np.ndarray:
        points = points.reshape(-1, 3)
        self.freedom.append(np.broadcast_to(np.asarray(freedom, float), (len(points),)))
        self.offset.append(np.zeros_like(points) if offset is None else offset.reshape(-1, 3))
        return self.mesh.add(points, part, mirror)

    def add_rings(
        self,
        loops: tuple[np.ndarray, ...],
        rings: np.ndarray,
        materials: list[str],
        freedom: np.ndarray,
        offset: np.ndarray | None = None,
        part: str | None = None,
    ) -> list[np.ndarray]:
        """Rings [K, N, 3] that start from one loop over the middle, or from a left and a right one.

        `freedom` and `materials` are those of the rings and of the strips [K]. Returns vertex indices
        [1 + K, N], the loop first, for every side.
        """
        layers, around = rings.shape[:2]
        free = np.repeat(freedom, around)
        made = []
        if len(loops) == 1:
            swap = (around // 2 - np.arange(around)) % around
            mirror = (np.arange(layers)[:, None] * around + swap[None]).ravel()
            made.append(self.add(rings, mirror, free, offset))
        else:
            for side, name in ((1, "Left"), (-1, "Right")):
                off = None if offset is None else offset * [side, 1, 1]
                where = "skin" if part is None else part + name
                made.append(self.add(rings * [side, 1, 1], None, free, off, where))
            self.mesh.mirror[-2], self.mesh.mirror[-1] = made[1], made[0]
        result = []
        for side, (loop, index) in enumerate(zip(loops, made, strict=True)):
            full = np.concatenate([loop[None], index.reshape(layers, around)])
            for k, material in enumerate(materials):
                quads = strip(full[k : k + 2], closed=True)
                self.mesh.add_faces(flip(quads) if side else quads, material)
            result.append(full)
        return result

    def points(self) -> np.ndarray:
        return self.mesh.all_points()

    def mirrored(self, index: np.ndarray) -> np.ndarray:
        return np.concatenate(self.mesh.mirror)[index]


def build_skin(mesh: MeshBuilder, style: HeadStyle = DEFAULT) -> Skin:
    """Add the skin with lids, lips, nostrils, ears and the mouth's lining to the empty `mesh`."""
    sheet = _Sheet(mesh, style)
    grid = _add_grid(sheet)
    mouth_rings, throat = _add_mouth(sheet, _loop(grid, (-MOUTH_COLUMNS, MOUTH_COLUMNS), _rows(MOUTH_V)))
    eyes = _add_eyes(sheet, _loop(grid, EYE_COLUMNS, _rows(EYE_V)))
    nose_rings, nose_grid, nostrils = _add_nose(
        sheet, _loop(grid, (-NOSE_COLUMNS, NOSE_COLUMNS), _rows(NOSE_V))
    )
    ears = _add_ears(sheet, _loop(grid, EAR_COLUMNS, _rows(EAR_V)))
    _settle(sheet)
    return Skin(grid, mouth_rings, throat, eyes, nose_rings, nose_grid, nostrils, ears)


def _holes() -> list[tuple[tuple[int, int], tuple[int, int]]]:
    paired = ((EYE_COLUMNS, _rows(EYE_V)), (EAR_COLUMNS, _rows(EAR_V)))
    return [
        ((-MOUTH_COLUMNS, MOUTH_COLUMNS), _rows(MOUTH_V)),
        ((-NOSE_COLUMNS, NOSE_COLUMNS), _rows(NOSE_V)),
        *paired,
        *(((-c1, -c0), rows) for (c0, c1), rows in paired),
    ]


def _add_grid(sheet: _Sheet) -> np.ndarray:
    """The rows round the head; returns their vertices [rows, columns], -1 in the cut-outs."""
    theta = column_angles()
    rows, columns = len(ROWS_V), len(theta)
    removed = np.zeros((rows, columns), bool)
    cells = np.zeros((rows, columns), bool)
    for (c0, c1), (r0, r1) in _holes():
        cells[np.ix_(range(r0, r1), [c % columns for c in range(c0, c1)])] = True
        removed[np.ix_(range(r0 + 1, r1), [c % columns for c in range(c0 + 1, c1)])] = True
    kept = np.flatnonzero(~removed.ravel())
    local = np.full(rows * columns, -1)
    local[kept] = np.arange(len(kept))
    row_of, column_of = np.divmod(kept, columns)
    mirror = local[row_of * columns + (-column_of) % columns]
    points = _first_guess(theta[column_of], ROWS_V[row_of], sheet.style)
    freedom = np.where(row_of == 0, 0.0, 0.8)
    index = sheet.add(points, mirror, freedom)
    grid = np.full(rows * columns, -1)
    grid[kept] = index
    grid = grid.reshape(rows, columns)
    following = np.roll(grid, -1, axis=1)
    quads = np.stack([grid[:-1], following[:-1], following[1:], grid[1:]], axis=-1)
    sheet.mesh.add_faces(quads[~cells[:-1]], "Skin")
    top = sculpt.project(shape.loft(np.zeros(1), np.array([260.0])) * [0, 1, 1], sheet.style)
    crown = sheet.add(top)
    sheet.mesh.add_faces(fan(grid[-1], int(crown[0])), "Skin")
    return grid


def _first_guess(theta: np.ndarray, v: np.ndarray, style: HeadStyle) -> np.ndarray:
    """The template on the sculpt. The middle of the face comes from the front: it lies inside the nose."""
    points = shape.loft(theta, v)
    middle = (np.abs(points[:, 0]) < 24) & (points[:, 1] < -60) & (v > 60) & (v < 145)
    points[middle] = sculpt.front_point(points[middle, 0], points[middle, 2], style)
    points[~middle] = sculpt.project(points[~middle], style, rounds=4)
    return points


def blend_rings(
    loop: np.ndarray, inner: np.ndarray, count: int, style: HeadStyle, power: float = 1.6
) -> tuple[np.ndarray, np.ndarray]:
    """Rings that leave the sculpt at the `loop` [N, 3] and arrive at the `inner` ring [N, 3].

    Returns their feet on the sculpt [count, N, 3] and their offsets from them.
    """
    foot = sculpt.project(inner, style)
    share = (np.arange(1, count + 1) / (count + 1))[:, None, None]
    feet = sculpt.project((loop + share * (foot - loop)).reshape(-1, 3), style)
    return feet.reshape(count, *loop.shape), (inner - foot) * share**power


def _add_mouth(sheet: _Sheet, loop: np.ndarray) -> tuple[np.ndarray, int]:
    rings, materials = mouth.lip_rings(len(loop), sheet.style)
    count = mouth.OUTER_LAYERS - 1
    feet, offset = blend_rings(sheet.points()[loop], rings[0], count, sheet.style, 1.5)
    free = np.concatenate([[0.5] * count, np.zeros(len(rings))])
    offset = np.concatenate([offset, np.zeros_like(rings)])
    (index,) = sheet.add_rings((loop,), np.concatenate([feet, rings]), materials, free, offset)
    throat = int(sheet.add(mouth.THROAT[None])[0])
    sheet.mesh.add_faces(fan(index[-1], throat), "Mouth")
    return index, throat


def _add_eyes(sheet: _Sheet, loop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rings, materials = lids.lid_rings(len(loop))
    count = len(lids.OUTER_SHARES) - 1
    feet, offset = blend_rings(sheet.points()[loop], rings[0], count, sheet.style)
    free = np.concatenate([[0.6] * count, np.zeros(len(rings))])
    offset = np.concatenate([offset, np.zeros_like(rings)])
    loops = (loop, sheet.mirrored(loop))
    left, right = sheet.add_rings(loops, np.concatenate([feet, rings]), materials, free, offset)
    return left, right


def _add_nose(
    sheet: _Sheet, loop: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    style, columns = sheet.style, NOSE_COLUMNS
    guess = nose.grid(columns, NOSE_ROWS, style.nose_width, style.nose_length)
    rows, across = guess.shape[:2]
    path = loop_path((0, across - 1), (0, rows - 1))
    border = np.array([guess[at] for at in path])
    start = sheet.points()[loop]
    share = (np.arange(1, nose.RINGS + 1) / nose.RINGS)[:, None, None]
    rings = start + share * (border - start)
    (index,) = sheet.add_rings((loop,), rings, ["Skin"] * nose.RINGS, np.full(nose.RINGS, 0.6))
    grid = np.full((rows, across), -1)
    for at, vertex in zip(path, index[-1], strict=True):
        grid[at] = vertex
    (r0, r1), (c0, c1) = nose.NOSTRIL_ROWS, nose.NOSTRIL_COLUMNS
    holes = [((columns + c0, columns + c1), (r0, r1)), ((columns - c1, columns - c0), (r0, r1))]
    inner = grid < 0
    cells = np.zeros((rows - 1, across - 1), bool)
    for (a, b), _ in holes:
        inner[r0 + 1 : r1, a + 1 : b] = False
        cells[r0:r1, a:b] = True
    where = np.argwhere(inner)
    order = {tuple(at): k for k, at in enumerate(where.tolist())}
    mirror = np.array([order[r, across - 1 - c] for r, c in where.tolist()])
    points = guess[inner]
    rim = _loop(np.arange(rows * across).reshape(rows, across), *holes[0])
    plan = nose.nostril(len(rim), style.nose_width, style.nose_length)
    below = np.column_stack([plan, np.full(len(rim), 58.0)])
    on_rim = sculpt.cast(below, (0, 0, 1), style)
    freedom = np.full(len(points), 0.6)
    for flat, point in zip(rim.tolist(), on_rim, strict=True):
        r, c = divmod(flat, across)
        for column, side in ((c, 1), (across - 1 - c, -1)):
            points[order[r, column]] = point * [side, 1, 1]
            freedom[order[r, column]] = 0.0
    grid[inner] = sheet.add(points, mirror, freedom)
    quads = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], axis=-1)
    sheet.mesh.add_faces(quads[~cells], "Skin")
    return index, grid, _add_nostrils(sheet, _loop(grid, *holes[0]), on_rim)


def _add_nostrils(sheet: _Sheet, loop: np.ndarray, rim: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rings = nose.nostril_rings(rim)
    materials = ["Skin"] + ["Nostril"] * (len(rings) - 1)
    left, right = sheet.add_rings((loop, sheet.mirrored(loop)), rings, materials, np.zeros(len(rings)))
    for side, index in enumerate((left, right)):
        tip = sheet.add((rings[-1].mean(axis=0) + np.array([0, 0.5, 1.0])) * [-1 if side else 1, 1, 1])
        faces = fan(index[-1], int(tip[0]))
        sheet.mesh.add_faces(flip(faces) if side else faces, "Nostril")
    sheet.mesh.mirror[-2], sheet.mesh.mirror[-1] = sheet.mesh.mirror[-1], sheet.mesh.mirror[-2]
    return left, right


def _add_ears(sheet: _Sheet, loop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rings = ear.rings(len(loop), 1.0 + 0.06 * sheet.style.age)
    rings[0] = sculpt.project(rings[0], sheet.style)
    start = sheet.points()[loop]
    outer = sculpt.project((start + rings[0]) / 2, sheet.style)
    rings = np.concatenate([outer[None], rings])
    free = np.concatenate([[0.6, 0.25], np.zeros(len(rings) - 2)])
    loops = (loop, sheet.mirrored(loop))
    left, right = sheet.add_rings(loops, rings, ["Skin"] * len(rings), free, part="ear")
    for side, index in enumerate((left, right)):
        tip = sheet.add(
            rings[-1].mean(axis=0) * [-1 if side else 1, 1, 1], part="earRight" if side else "earLeft"
        )
        faces = fan(index[-1], int(tip[0]))
        sheet.mesh.add_faces(flip(faces) if side else faces, "Skin")
    sheet.mesh.mirror[-2], sheet.mesh.mirror[-1] = sheet.mesh.mirror[-1], sheet.mesh.mirror[-2]
    return left, right


def _settle(sheet: _Sheet) -> None:
    """Even out the mesh within the sculpt's surface; then add what stands off it."""
    mesh = sheet.mesh
    feet = sheet.points()
    freedom, offset = np.concatenate(sheet.freedom), np.concatenate(sheet.offset)
    mirror = np.concatenate(mesh.mirror)
    edges = edges_of(np.concatenate(mesh.faces))
    free = (freedom > 0) & (np.arange(len(feet)) <= mirror)  # one half; the other follows
    solid = partial(sculpt.distance, style=sheet.style)
    slope = sculpt.gradient(solid, feet[free])
    for _ in range(_RELAX_ROUNDS):
        pull = (neighbours_mean(edges, feet + offset) - feet - offset)[free] * freedom[free, None] * 0.5
        normal = slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
        pull -= np.einsum("ni,ni->n", pull, normal)[:, None] * normal
        feet[free], slope = sculpt.draw(solid, feet[free] + pull)
        feet[mirror[free]] = feet[free] * MIRROR_X
    feet[free] = sculpt.project(feet[free], sheet.style, 2)
    feet[mirror[free]] = feet[free] * MIRROR_X
    points = feet + offset
    points = (points + points[mirror] * MIRROR_X) / 2
    starts = np.cumsum([0, *(len(p) for p in mesh.points)])
    mesh.points = [points[a:b] for a, b in pairwise(starts)]
