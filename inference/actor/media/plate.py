"""Plates: movie files and image sequences, frame by frame, never all in memory.

A plate is read at one rate. A movie whose frame rate varies is resampled to its usual one, the nearest frame
for each; where a frame is missing or cannot be decoded the one before stands in for it and says so.
"""

from __future__ import annotations

import hashlib
import queue
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ...files import file_sha256
from ...timing import frames_to_seconds
from ...types import FrameRate
from ..types import PlateFrame, PlateInfo
from . import movies
from .images import IMAGE_SUFFIXES, ImageError, read_image
from .movies import PlateError, frame_rate

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from .movies import Row

__all__ = ["Plate", "PlateError", "ahead", "frame_rate", "open_plate"]
SEQUENCE_RATE: Final = FrameRate(24)
"""Of image sequences: their files do not say."""
_NUMBER = re.compile(r"^(?P<before>.*?)(?P<number>\d+)(?P<after>\D*)$")
_PATTERN = re.compile(r"#+|%0?\d*d")
_WIDEST_GAP: Final = 250


class Plate:
    """An open plate: `info`, and `frames()` as often as wanted."""

    def __init__(self, info: PlateInfo, read: Callable[[int, int | None], Iterator[Row]]) -> None:
        self.info = info
        self._read = read
        self._open: list[Iterator[Row]] = []

    def __enter__(self) -> Plate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the file; `frames` may not be asked again."""
        for rows in self._open:
            getattr(rows, "close", lambda: None)()
        self._open.clear()

    def frames(self, first: int | None = None, stop: int | None = None) -> Iterator[PlateFrame]:
        """Frames in order, decoded as they are asked for.

        Args:
            first: number of the first frame; None for the plate's own first.
            stop: number after the last frame; None for the plate's end.
        """
        start = self.info.start_frame
        place = max(0, (start if first is None else first) - start)
        rows = self._read(place, None if stop is None else stop - start)
        self._open.append(rows)
        for index, rgb, damaged in rows:
            yield PlateFrame(start + index, frames_to_seconds(index, self.info.rate), rgb, damaged)
        self._open.remove(rows)


def open_plate(path: str | os.PathLike[str], rate: FrameRate | None = None) -> Plate:
    """Open a movie file, a folder of images, or a sequence by a pattern (`a.####.exr`) or one of its images.

    Args:
        path: a folder must hold one sequence; of several the longest is taken.
        rate: of an image sequence; 24 frames per second unless given. Movies have their own.

    Raises:
        PlateError: there is nothing there, or nothing that can be decoded.
        ImageError: the first image cannot be read.
    """
    place = Path(path)
    if _is_sequence(place):
        return _open_sequence(place, rate)
    _check_movie(place)
    movie = movies.survey(place)
    info = PlateInfo(
        path=place,
        width=movie.width,
        height=movie.height,
        rate=movie.rate,
        frames=movie.frames,
        start_frame=1,
        sha256=plate_sha256(place),
        has_sound=movie.has_sound,
        notices=movie.notices,
    )
    return Plate(info, lambda first, stop: movies.read(movie, first, stop))


def plate_files(path: str | os.PathLike[str]) -> list[Path]:
    """The files that a plate consists of, in the order of its frames; none of them is opened.

    Raises:
        PlateError: there is nothing there.
    """
    place = Path(path)
    if _is_sequence(place):
        files = _find_sequence(place).files
        return [files[number] for number in sorted(files)]
    _check_movie(place)
    return [place]


def plate_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a plate, hexadecimal: of a movie's bytes, or of names and bytes of a sequence's images.

    Raises:
        PlateError: there is nothing there.
        UsageError: a file cannot be read.
    """
    files = plate_files(path)
    if not _is_sequence(Path(path)):
        return file_sha256(files[0])
    whole = hashlib.sha256()
    for file in files:
        whole.update(file.name.encode("utf-8", "surrogateescape") + b"\0" + bytes.fromhex(file_sha256(file)))
    return whole.hexdigest()


def _is_sequence(place: Path) -> bool:
    return bool(place.is_dir() or _PATTERN.search(place.name) or place.suffix.lower() in IMAGE_SUFFIXES)


def _check_movie(place: Path) -> None:
    if not place.is_file():
        raise PlateError(f"The plate '{place}' does not exist", "Check the path")


@dataclass(frozen=True)
class _Sequence:
    name: str
    files: dict[int, Path]
    """By number."""
    notices: tuple[str, ...] = ()


def _open_sequence(place: Path, rate: FrameRate | None) -> Plate:
    sequence = _find_sequence(place)
    numbers = sorted(sequence.files)
    first, count = numbers[0], numbers[-1] - numbers[0] + 1
    if count > 2 * len(numbers) + _WIDEST_GAP:
        raise PlateError(
            f"'{sequence.name}' is no sequence: {len(numbers)} images are numbered {first} to {numbers[-1]}",
            "Give images with numbers that follow each other",
        )
    height, width = read_image(sequence.files[first]).shape[:2]
    size = height, width
    notices = [*sequence.notices, f"'{sequence.name}' has no sound"]
    if rate is None:
        notices.append(f"'{sequence.name}' has no frame rate: {SEQUENCE_RATE.hz:g} per second are assumed")
    if count > len(numbers):
        notices.append(f"'{sequence.name}' lacks {count - len(numbers)} of its {count} images")
    info = PlateInfo(
        path=place,
        width=width,
        height=height,
        rate=rate or SEQUENCE_RATE,
        frames=count,
        start_frame=first,
        sha256=plate_sha256(place),
        has_sound=False,
        notices=tuple(notices),
    )
    return Plate(info, lambda start, stop: _sequence_rows(sequence.files, first, count, size, start, stop))


def _find_sequence(place: Path) -> _Sequence:
    """The images that belong together; raises PlateError where there are none."""
    folder = place if place.is_dir() else place.parent
    wanted = None
    if not place.is_dir():
        if not _PATTERN.search(place.name) and not place.is_file():
            raise PlateError(f"The plate '{place}' does not exist", "Check the path")
        parts = _NUMBER.match(_PATTERN.sub("0", place.stem))
        if parts is None:
            return _Sequence(place.name, {1: place}, (f"'{place.name}' is a single image",))
        wanted = parts["before"], parts["after"], place.suffix.lower()
    found: dict[tuple[str, str, str], dict[int, Path]] = {}
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        parts = _NUMBER.match(file.stem)
        if parts and file.suffix.lower() in IMAGE_SUFFIXES:
            key = parts["before"], parts["after"], file.suffix.lower()
            found.setdefault(key, {})[int(parts["number"])] = file
    if wanted is not None:
        found = {key: files for key, files in found.items() if key == wanted}
    if not found:
        raise PlateError(
            f"'{place}' holds no numbered images",
            "Give a movie, or a folder of images numbered in their names",
        )
    key = max(found, key=lambda one: len(found[one]))
    before, after, suffix = key
    name = f"{before}#{after}{suffix}"
    others = len(found) - 1
    more = (f"'{place.name}' holds {others + 1} sequences: '{name}' is taken",) if others else ()
    return _Sequence(name, found[key], more)


def _sequence_rows(
    files: dict[int, Path], first: int, count: int, size: tuple[int, int], start: int, stop: int | None
) -> Iterator[Row]:
    """The image before stands in for one that is missing, unreadable or of another size."""
    shown = np.zeros((*size, 3), np.uint8)
    for index in range(start, count if stop is None else min(stop, count)):
        damaged = True
        if file := files.get(first + index):
            try:
                image = read_image(file)
            except ImageError:
                image = None
            if image is not None and image.shape[:2] == size:
                shown, damaged = image, False
        yield index, shown, damaged


def ahead(frames: Iterator[PlateFrame], count: int = 4) -> Iterator[PlateFrame]:
    """The same frames, decoded by a thread that is up to `count` frames ahead."""
    waiting: queue.Queue[PlateFrame | BaseException | None] = queue.Queue(count)
    left = threading.Event()

    def put(item: PlateFrame | BaseException | None) -> None:
        while not left.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return
            except queue.Full:
                continue

    def work() -> None:
        try:
            for frame in frames:
                put(frame)
                if left.is_set():
                    break
            put(None)
        except BaseException as error:  # raised again where the frames are used
            put(error)
        finally:
            getattr(frames, "close", lambda: None)()

    thread = threading.Thread(target=work, name="plate", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()
        thread.join()
