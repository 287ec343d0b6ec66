"""UVs: the skin in one symmetric sheet with its seam at the back, all else in islands below it.

Left and right pieces that mirror each other (eyes, teeth, lashes, brows) share their island on purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import brow, eye
from .skin import ROWS_V, column_angles, loop_path

if TYPE_CHECKING:
    from .geometry import HeadGeometry
    from .skin import Skin

_SKIN_BOX = (0.0, 0.28, 1.0, 1.0)
_SKIN_TOP_V = 262.0
EYE_BOX = (0.01, 0.01, 0.25, 0.25)
EYE_ARC_MM = 50.0
"""Half of the eye's island: the arc from the middle of the pupil backwards, in mm."""
# Boxes (u0, v0, u1, v1) of the pieces that are made of rows of vertices: rows and columns of a piece
_BOXES = {
    "cornea": (0.26, 0.01, 0.36, 0.11),
    "caruncle": (0.48, 0.01, 0.52, 0.05),
    "wet": (0.26, 0.13, 0.36, 0.16),
    "lashes": (0.26, 0.17, 0.36, 0.21),
    "lashesLower": (0.26, 0.22, 0.36, 0.25),
    "brow": (0.37, 0.01, 0.47, 0.06),
    "tongue": (0.37, 0.08, 0.52, 0.25),
    "gumUpper": (0.54, 0.01, 0.75, 0.12),
    "gumLower": (0.54, 0.14, 0.75, 0.25),
    "teethUpper": (0.77, 0.01, 0.99, 0.12),
    "teethLower": (0.77, 0.14, 0.99, 0.25),
}
_COLUMNS = {
    "wet": 25, "lashes": 42, "lashesLower": 20, "brow": brow.COUNT, "tongue": 20, "gumUpper": 10,
    "gumLower": 10, "teethUpper": 12, "teethLower": 12,
}  # fmt: skip
_OPEN = ("wet", "lashes", "lashesLower", "brow")
_TOOTH_VERTICES = 62


def corner_uvs(head: HeadGeometry) -> np.ndarray:
    """UV [F, 4, 2] of every corner of every face."""
    uv = np.full((len(head.points), 2), np.nan)
    wraps = np.zeros(len(head.points))
    _skin(head.skin, uv)
    wraps[head.parts["skin"]] = 1.0
    for part, index in head.parts.items():
        name = part.removesuffix("Left").removesuffix("Right")
        if name == "eye":
            _eye(uv, index)
        elif name in ("cornea", "caruncle"):
            _polar_rows(uv, index, _BOXES[name])
        elif name in _COLUMNS:
            pieces = np.array_split(index, len(index) // _TOOTH_VERTICES) if "teeth" in name else [index]
            for k, piece in enumerate(pieces):
                period = _rows(uv, piece, name, k, len(pieces))
                wraps[piece] = 0.0 if name in _OPEN else period
    return _corners(head.faces, uv, wraps)


def _corners(faces: np.ndarray, uv: np.ndarray, wraps: np.ndarray) -> np.ndarray:
    """Corners of `faces`, with faces over a seam put together, and tips in the middle of their neighbours."""
    index = np.where(faces < 0, faces[:, [2]], faces)
    corners = uv[index]
    period = wraps[index].max(axis=1)
    spread = np.nanmax(corners[..., 0], axis=1) - np.nanmin(corners[..., 0], axis=1)
    over = (period > 0) & (spread > 0.5 * period)
    low = corners[..., 0] < (np.nanmin(corners[..., 0], axis=1) + 0.5 * period)[:, None]
    corners[..., 0] += (over[:, None] & low) * period[:, None]
    mean = np.repeat(np.nanmean(corners, axis=1)[:, None], 4, axis=1)
    return np.where(np.isnan(corners), mean, corners)


def _skin(skin: Skin, uv: np.ndarray) -> None:
    u0, v0, u1, v1 = _SKIN_BOX
    theta = column_angles()
    u = u0 + (u1 - u0) * ((theta / (2 * np.pi) + 0.5) % 1.0)
    v = v0 + (v1 - v0) * (ROWS_V - ROWS_V[0]) / (_SKIN_TOP_V - ROWS_V[0])
    sheet = np.stack(np.meshgrid(u, v), axis=-1)
    kept = skin.grid >= 0
    uv[skin.grid[kept]] = sheet[kept]
    for rings in (skin.mouth, *skin.eyes, *skin.ears):
        _shrink(uv, rings, 0.04)
    _shrink(uv, skin.nose, 0.80)
    grid = skin.nose_grid
    border = uv[skin.nose[-1]]
    low, high = border.min(axis=0), border.max(axis=0)
    r, c = np.nonzero(grid >= 0)
    share = np.stack([c / (grid.shape[1] - 1), r / (grid.shape[0] - 1)], axis=-1)
    inner = ~np.isin(grid[r, c], skin.nose[-1])
    uv[grid[r, c]] = np.where(inner[:, None], low + share * (high - low), uv[grid[r, c]])
    for path_index, at in zip(skin.nose[-1], _border_shares(grid), strict=True):
        uv[path_index] = low + at * (high - low)
    for rings in skin.nostrils:
        _shrink(uv, rings, 0.1)


def _border_shares(grid: np.ndarray) -> list[np.ndarray]:
    rows, columns = grid.shape
    return [
        np.array([c / (columns - 1), r / (rows - 1)]) for r, c in loop_path((0, columns - 1), (0, rows - 1))
    ]


def _shrink(uv: np.ndarray, rings: np.ndarray, last: float) -> None:
    """Rings [K, N] drawn from the first one towards its middle, the last to a share `last` of its size."""
    loop = uv[rings[0]]
    middle = loop.mean(axis=0)
    for share, ring in zip(np.linspace(1, last, len(rings))[1:], rings[1:], strict=True):
        uv[ring] = middle + (loop - middle) * share


def _polar(uv: np.ndarray, index: np.ndarray, arcs: np.ndarray, box: tuple, half_mm: float) -> None:
    a = np.linspace(0, 2 * np.pi, eye.AROUND, endpoint=False)
    centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    scale = (box[2] - box[0]) / 2 / half_mm
    plan = arcs[:, None, None] * np.stack([np.cos(a), np.sin(a)], axis=-1) * scale
    uv[index[:-1]] = (centre + plan).reshape(-1, 2)
    uv[index[-1]] = centre


def _eye(uv: np.ndarray, index: np.ndarray) -> None:
    _polar(uv, index, eye.profile_arcs(), EYE_BOX, EYE_ARC_MM)


def _polar_rows(uv: np.ndarray, index: np.ndarray, box: tuple) -> None:
    count = (len(index) - 1) // eye.AROUND
    _polar(uv, index, np.arange(1, count + 1.0), box, count + 0.2)


def _rows(uv: np.ndarray, piece: np.ndarray, name: str, k: int, pieces: int) -> float:
    """Give rows of columns their box; returns the width after which the columns repeat."""
    u0, v0, u1, v1 = _BOXES[name]
    width = (u1 - u0) / pieces
    columns = _COLUMNS[name]
    rows = len(piece) // columns
    body = piece[: rows * columns].reshape(rows, columns)
    u = u0 + width * (k + 0.96 * np.arange(columns) / columns)
    v = np.linspace(v0, v1, rows)
    uv[body] = np.stack(np.meshgrid(u, v), axis=-1)
    for tip, at in zip(piece[rows * columns :], (v0, v1), strict=False):
        uv[tip] = np.nan, at
    return 0.96 * width
