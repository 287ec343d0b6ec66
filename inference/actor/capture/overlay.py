"""The fit drawn over its plate as a movie, so that a person can judge it before hours of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ...errors import Cancelled
from ..landmarks import LIPS_INNER, LIPS_OUTER
from ..media.movie_writer import write_movie
from ..media.plate import frame_rate, open_plate
from ..types import Gap
from .face_fit import project

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from ..types import ActorFace, Take

    Points = NDArray[np.float64]

_SMALLEST_SIDE: Final = 640
"""Pixels: smaller plates are enlarged by a whole number, so that lines stay thin against the face."""
_MESH: Final = (90, 200, 255)
_LIPS: Final = (255, 90, 60)
_OPENING: Final = (255, 220, 60)
_CROP: Final = (120, 255, 120)
_AXES: Final = ((255, 70, 70), (90, 230, 90), (90, 130, 255))
_WARNING: Final = (255, 90, 60)
_AXIS_CM: Final = 5.0
_NOSE: Final = 4
_MESH_SHARE: Final = 0.4
_BAR: Final = 14


def write_overlay(
    path: str | os.PathLike[str],
    plate_path: Path,
    face: ActorFace,
    take: Take,
    side: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Write the plate with mesh, lips, axes of the head, the crop, the confidence and the names of gaps.

    Args:
        path: mp4 file.
        side: of the actor's crop in pixels.

    Raises:
        OutputError: it cannot be written.
        Cancelled: the user stopped; nothing was written.
    """
    edges = mesh_edges(face)
    with open_plate(plate_path, frame_rate(take.motion.rate_hz)) as plate:
        info = plate.info
        by = max(1, -(-_SMALLEST_SIDE // max(info.width, info.height)))
        size = info.width * by, info.height * by + 2 * _BAR
        sound = plate_path if info.has_sound and plate_path.is_file() else None
        with write_movie(path, size, info.rate, sound=sound, quality=20) as add:
            for row, frame in zip(range(len(take)), plate.frames(), strict=False):
                if cancelled():
                    raise Cancelled
                add(draw(frame.rgb, face, take, row, edges, side, by))


def mesh_edges(face: ActorFace) -> NDArray[np.int32]:
    """Every edge of the mesh once, int32 [N, 2]."""
    corners = face.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    return np.asarray(np.unique(np.sort(corners, axis=1), axis=0), np.int32)


def draw(
    rgb: NDArray[np.uint8],
    face: ActorFace,
    take: Take,
    row: int,
    edges: NDArray[np.int32],
    side: int,
    by: int = 1,
) -> NDArray[np.uint8]:
    """One frame of the movie, uint8 [H * by + 28, W * by, 3], of a frame uint8 [H, W, 3]."""
    canvas = np.repeat(np.repeat(rgb, by, axis=0), by, axis=1)
    head = take.head[row : row + 1]
    vertices = face.vertices(take.expression[row : row + 1])
    points = project(vertices, head, take.focal_px, take.size)[0] * by
    gap = Gap(int(take.gaps[row]))
    if gap not in (Gap.NO_FACE, Gap.SEVERAL_FACES):
        _lines(canvas, points[edges[:, 0]], points[edges[:, 1]], _MESH, _MESH_SHARE)
        _outline(canvas, points[list(LIPS_OUTER)], _LIPS)
        _outline(canvas, points[list(LIPS_INNER)], _OPENING)
        nose = vertices[0, _NOSE]
        tips = nose + np.concatenate([np.zeros((1, 3)), np.eye(3) * _AXIS_CM])
        ends = project(tips[None], head, take.focal_px, take.size)[0] * by
        for end, colour in zip(ends[1:], _AXES, strict=True):
            _lines(canvas, ends[:1], end[None], colour, 1.0)
        _outline(canvas, _crop_corners(take.crop[row], side) * by, _CROP, 0.7)
    return np.concatenate([canvas, _bar(canvas.shape[1], take, row, gap)])


def _crop_corners(transform: NDArray[np.float32], side: int) -> Points:
    """Corners of the crop in plate pixels, float64 [4, 2]."""
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float64)
    turn = transform.astype(np.float64)
    return np.asarray(np.linalg.solve(turn[:, :2], (corners - turn[:, 2]).T).T)


def _bar(width: int, take: Take, row: int, gap: Gap) -> NDArray[np.uint8]:
    """Frame number, confidence as a bar and in figures, and the gap's name."""
    bar = np.zeros((2 * _BAR, width, 3), np.uint8)
    sure = float(take.confidence[row])
    bar[_BAR + 2 : 2 * _BAR - 2, 2 : 2 + round(sure * (width - 4))] = (90, 200, 110)
    write(bar, f"FRAME {take.numbers[row]}  CONFIDENCE {sure:.2f}", 3, 4)
    if gap != Gap.NONE:
        text = gap.name.replace("_", " ")
        write(bar, text, 3, width - 6 * len(text) - 4, _WARNING)
    return bar


def _outline(
    canvas: NDArray[np.uint8], points: Points, colour: tuple[int, int, int], share: float = 1.0
) -> None:
    _lines(canvas, points, np.roll(points, -1, axis=0), colour, share)


def _lines(
    canvas: NDArray[np.uint8], first: Points, last: Points, colour: tuple[int, int, int], share: float
) -> None:
    """Straight lines of one pixel between points [N, 2], mixed into the picture by `share`."""
    steps = int(np.ceil(np.abs(last - first).max(initial=0.0))) + 1
    if not np.isfinite(first).all() or not np.isfinite(last).all() or steps > 4 * max(canvas.shape):
        return
    way = np.linspace(0.0, 1.0, steps)[:, None, None]
    x, y = np.floor(first * (1 - way) + last * way).astype(np.intp).reshape(-1, 2).T
    inside = (x >= 0) & (y >= 0) & (x < canvas.shape[1]) & (y < canvas.shape[0])
    place = np.unique(y[inside] * canvas.shape[1] + x[inside])
    flat = canvas.reshape(-1, 3)
    flat[place] = np.rint(flat[place] * (1 - share) + np.array(colour) * share).astype(np.uint8)


_GLYPHS: Final = {
    " ": "0000000", ".": "0000066", "0": "EHHHHHE", "1": "4C4444E", "2": "EH1248V", "3": "EH121HE",
    "4": "26AIV22", "5": "VGU11HE", "6": "68GUHHE", "7": "V124488", "8": "EHHEHHE", "9": "EHHF12C",
    "A": "EHHVHHH", "B": "UHHUHHU", "C": "EHGGGHE", "D": "UHHHHHU", "E": "VGGUGGV", "F": "VGGUGGG",
    "G": "EHGNHHE", "H": "HHHVHHH", "I": "E44444E", "L": "GGGGGGV", "M": "HRLLHHH", "N": "HPLJHHH",
    "O": "EHHHHHE", "R": "UHHULIH", "S": "FGGE11U", "T": "V444444", "U": "HHHHHHE", "V": "HHHHHA4",
    "W": "HHHLLRH", "Y": "HHA4444",
}  # fmt: skip
"""Letters 5 wide and 7 high: a row each, its five bits as a digit of base 32, the highest bit on the left."""
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUV"


def write(
    canvas: NDArray[np.uint8], text: str, top: int, left: int, colour: tuple[int, int, int] = (230, 230, 230)
) -> None:
    """Put a text into a picture; letters that are not known are left blank, what does not fit is cut off."""
    for i, letter in enumerate(text):
        rows = [_DIGITS.index(digit) for digit in _GLYPHS.get(letter, _GLYPHS[" "])]
        glyph = np.array([[row >> bit & 1 for bit in range(4, -1, -1)] for row in rows], bool)
        x = left + 6 * i
        if x < 0 or x + 5 > canvas.shape[1] or top + 7 > canvas.shape[0]:
            continue
        canvas[top : top + 7, x : x + 5][glyph] = colour
