"""A movie of a plate with its pass laid over it and the new sound: to look at, and always labelled
synthetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ...errors import Cancelled
from .. import colour
from ..media.images import read_channels
from ..media.movie_writer import write_movie
from .timeline import shown_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ...types import FloatArray, FrameRate
    from ..media.plate import Plate
    from .passes import PassFolder

_HIDDEN, _WHOLE = 0.1, 0.5
"""Confidence at which the pass has gone and from which on it is whole, as in Blender's compositor."""
_LABEL: Final = "SYNTHETIC"
_LETTERS: Final = {
    "C": (" ###", "#   ", "#   ", "#   ", " ###"),
    "E": ("####", "#   ", "### ", "#   ", "####"),
    "H": ("#  #", "#  #", "####", "#  #", "#  #"),
    "I": ("#", "#", "#", "#", "#"),
    "N": ("#   #", "##  #", "# # #", "#  ##", "#   #"),
    "S": (" ###", "#   ", " ## ", "   #", "### "),
    "T": ("#####", "  #  ", "  #  ", "  #  ", "  #  "),
    "Y": ("#   #", " # # ", "  #  ", "  #  ", "  #  "),
}
_LABEL_SHARE: Final = 1 / 5
"""Width of the label as a share of the picture's."""


def write_preview(
    path: Path,
    target: PassFolder,
    numbers: NDArray[np.int32],
    plate: Plate,
    shown: Iterable[int],
    rate: FrameRate,
    *,
    sound: Path | None = None,
    tags: Mapping[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Write the movie.

    Args:
        path: mp4 file.
        target: a complete pass.
        numbers: int32 [N] its frames in the scene.
        plate: open.
        shown: N numbers of the plate's frames that lie behind them.
        rate: frames per second of the scene.
        sound: laid under from the first frame on.
        tags: texts for the header.
        progress: called with the share done.
        cancelled: asked for every frame.

    Raises:
        MovieError, OutputError, ImageError: it cannot be written, or a frame of the pass cannot be read.
        Cancelled: `cancelled` returned True.
    """
    size = plate.info.width, plate.info.height
    mark = label(size[0])
    with write_movie(path, size, rate, sound=sound, tags=tags) as put:
        behind = shown_frames(plate, list(shown))
        for done, (number, frame) in enumerate(zip(numbers, behind, strict=True), start=1):
            if cancelled and cancelled():
                raise Cancelled
            channels, _ = read_channels(target.path(int(number)))
            put(labelled(composed(frame.rgb, channels), mark))
            if progress:
                progress(done / len(numbers))


def composed(plate: NDArray[np.uint8], channels: Mapping[str, FloatArray]) -> NDArray[np.uint8]:
    """uint8 [H, W, 3]: a frame of a pass over its plate, in linear light, where confidence allows."""
    share = np.clip((channels["confidence.V"] - _HIDDEN) / (_WHOLE - _HIDDEN), 0, 1)
    matte = channels["matte.V"] * share
    rows, columns = np.flatnonzero(matte.any(1)), np.flatnonzero(matte.any(0))
    out = plate.copy()
    if not len(rows):
        return out
    inside = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    painted = np.stack([channels[name][inside] for name in "RGB"], 2)
    behind = colour.to_linear(plate[inside].astype(np.float32) / 255)
    mixed = behind + matte[inside][..., None] * (painted - behind)
    out[inside] = np.rint(np.clip(colour.from_linear(mixed), 0, 1) * 255)
    return out


def label(width: int) -> NDArray[np.bool_]:
    """bool [h, w] of the word "SYNTHETIC", about a fifth of a picture's width wide."""
    lines = [" ".join(_LETTERS[letter][row] for letter in _LABEL) for row in range(5)]
    dots = np.array([[dot == "#" for dot in line] for line in lines])
    size = max(1, round(width * _LABEL_SHARE / dots.shape[1]))
    return dots.repeat(size, 0).repeat(size, 1)


def labelled(rgb: NDArray[np.uint8], mark: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The picture with the mark in its lower left corner, white on a darkened ground."""
    height, width = mark.shape
    edge = max(2, height // 2)
    box = rgb[-height - 2 * edge :, : width + 2 * edge]
    box //= 3
    ground = box[-height - edge : -edge, edge : width + edge]
    ground[mark[-ground.shape[0] :, : ground.shape[1]]] = 235
    return rgb
