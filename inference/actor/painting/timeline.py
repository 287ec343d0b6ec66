"""Which frame of a plate is shown when, under a line that may be longer or shorter than the plate.

A plate is shown frame by frame at the scene's rate, as Blender shows movie clips; the line runs in real time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from ...timing import first_step_at_or_after
from ..frames import listed, ranges
from ..types import PlateFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from ..media.plate import Plate
    from .fits import Fit

_HELD_BYTES: Final = 96 * 2**20
"""Of frames that are kept to be shown backwards."""


@dataclass(frozen=True)
class Timeline:
    """N frames: `numbers` int32 [N] in the scene; `rows` int64 [N] of the take; `times_s` float64 [N] on the
    line's clock, which is 0 at the first of them."""

    numbers: NDArray[np.int32]
    rows: NDArray[np.int64]
    times_s: NDArray[np.float64]
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)


def lay_out(
    plate_frames: int, line_s: float | None, rate_hz: float, start_frame: int, fit: Fit = "pingpong"
) -> Timeline:
    """Lay a line over a plate.

    Args:
        plate_frames: how many frames the plate has, at least 1.
        line_s: length of the line in seconds; None where the plate itself speaks.
        rate_hz: frames per second of the scene.
        start_frame: number of the first frame in the scene.
        fit: see `fits.FITS`.
    """
    if plate_frames < 1:
        raise ValueError("a plate has at least one frame")
    line_frames = plate_frames if line_s is None else max(1, first_step_at_or_after(line_s, rate_hz))
    count = min(plate_frames, line_frames) if fit == "cut" else max(plate_frames, line_frames)
    steps = np.arange(count)
    if fit == "pingpong" and plate_frames > 1:
        turn = 2 * (plate_frames - 1)
        rows = plate_frames - 1 - np.abs(plate_frames - 1 - steps % turn)
    else:
        rows = np.minimum(steps, plate_frames - 1)
    notices = _notices(plate_frames, line_frames, rate_hz, fit)
    return Timeline((steps + start_frame).astype(np.int32), rows.astype(np.int64), steps / rate_hz, notices)


def _notices(plate_frames: int, line_frames: int, rate_hz: float, fit: Fit) -> tuple[str, ...]:
    if line_frames == plate_frames:
        return ()
    lengths = f"the line lasts {line_frames / rate_hz:.2f} s, the plate {plate_frames / rate_hz:.2f} s"
    if fit == "cut":
        return (f"The pass ends with the shorter of the two: {lengths}",)
    if line_frames < plate_frames:
        return (f"The mouth rests after the line until the plate ends: {lengths}",)
    how = "runs back and forth" if fit == "pingpong" else "stays on its last frame"
    return (f"The plate {how} after its end: {lengths}",)


def shown_frames(plate: Plate, numbers: Sequence[int]) -> Iterator[PlateFrame]:
    """Frames of a plate in any order, one for each of `numbers`; backwards in pieces of bounded memory.

    A plate that ends early goes on with its last frame, marked as damaged.
    """
    last: PlateFrame | None = None
    for first, stop, step in _runs(list(numbers)):
        if step == 0 and last is not None and last.number == first:
            yield from (last for _ in range(stop))
            continue
        for frame in _run(plate, first, stop, step, last):
            last = frame
            yield frame


def _runs(numbers: list[int]) -> list[tuple[int, int, int]]:
    """Pieces of even steps: (first, last, +1 or -1), or (number, how often, 0)."""
    if not numbers:
        return []
    edges, way = [0], None
    for i, (before, after) in enumerate(pairwise(numbers), start=1):
        step = after - before
        if abs(step) > 1 or (way is not None and step != way):
            edges.append(i)
            way = None
        else:
            way = step
    pieces = [numbers[a:b] for a, b in pairwise([*edges, len(numbers)])]
    return [_piece(piece) for piece in pieces]


def _piece(piece: list[int]) -> tuple[int, int, int]:
    if len(piece) > 1 and piece[0] == piece[-1]:
        return piece[0], len(piece), 0
    return piece[0], piece[-1], -1 if piece[-1] < piece[0] else 1


def _run(plate: Plate, first: int, stop: int, step: int, last: PlateFrame | None) -> Iterator[PlateFrame]:
    if step == 0:
        frame = next(_filled(plate, first, first, last))
        yield from (frame for _ in range(stop))
    elif step > 0:
        yield from _filled(plate, first, stop, last)
    else:
        size = 3 * plate.info.width * plate.info.height
        chunk = max(1, _HELD_BYTES // size)
        for high in range(first, stop - 1, -chunk):
            low = max(stop, high - chunk + 1)
            yield from reversed(list(_filled(plate, low, high, last)))


def _filled(plate: Plate, first: int, last: int, before: PlateFrame | None) -> Iterator[PlateFrame]:
    """Frames `first` to `last` (both included); what the plate does not give is filled up."""
    expected = first
    for frame in plate.frames(first, last + 1):
        yield frame
        before, expected = frame, frame.number + 1
    for number in range(expected, last + 1):
        yield _stand_in(plate, number, before)


def _stand_in(plate: Plate, number: int, before: PlateFrame | None) -> PlateFrame:
    info = plate.info
    rgb = before.rgb if before is not None else np.zeros((info.height, info.width, 3), np.uint8)
    return PlateFrame(number, (number - info.start_frame) / info.rate.hz, rgb, damaged=True)


def names_of(numbers: Iterable[int]) -> str:
    """ "3, 7 to 12 and 20": frame numbers for a sentence, at most eight pieces."""
    pieces = ranges(numbers)
    return f"{', '.join(pieces[:8])} and more" if len(pieces) > 8 else listed(pieces)
