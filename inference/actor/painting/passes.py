"""A painted pass on disk: an EXR sequence that can be taken up again where it stopped.

`pass.0001.exr` ... in half floats: R, G, B scene linear (Rec. 709 primaries) and not multiplied by the
matte, then `matte.V` and `confidence.V`; Blender makes the sockets *Combined*, *matte* and *confidence* of
them. Every file carries in its header what it was painted from (`soliloquy:inputs`): frames whose inputs
have not changed are kept, all others are painted again. Beside them lies `provenance.json` once the pass is
complete.
"""

from __future__ import annotations

import hashlib
import json
import queue
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from ...errors import Cancelled
from ...files import file_sha256, make_folder
from ..media.exr import Window, read_texts, write_exr
from ..trust.provenance import PIXELS, PREFIX, SIDECAR, SIGNATURE, pixels_sha256, write_sidecar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from ..trust.credentials import Credentials
    from ..trust.provenance import Provenance
    from ..types import PassFrame

CHANNELS: Final = ("R", "G", "B", "matte.V", "confidence.V")
INPUTS: Final = f"{PREFIX}inputs"
_ORDER: Final = f"{PREFIX}channels"
_NAME: Final = re.compile(r"pass\.-?\d{4,}\.exr")
_LEFT_OVER: Final = re.compile(r"\.pass\.-?\d{4,}\.exr\.[0-9a-f]+\.tmp")
_WAITING: Final = 2
"""Frames that may wait for the disk."""


@dataclass(frozen=True)
class PassFolder:
    """Where a pass is written, and of what: `digest` of all inputs, as hexadecimal letters."""

    folder: Path
    digest: str
    provenance: Provenance

    def path(self, number: int) -> Path:
        """Where a frame of the scene lies."""
        return self.folder / frame_name(number)

    def missing(self, numbers: Iterable[int]) -> list[int]:
        """Numbers of the frames that are not there as the inputs would have them."""
        return [number for number in numbers if not self._is_kept(number)]

    def _is_kept(self, number: int) -> bool:
        return (read_texts(self.path(number)) or {}).get(INPUTS) == self.digest

    def write(self, frame: PassFrame) -> None:
        """Write one frame.

        Raises:
            OutputError: it cannot be written.
        """
        window = packed(frame)
        texts = {
            **self.provenance.texts(),
            INPUTS: self.digest,
            _ORDER: " ".join(CHANNELS),
            PIXELS: pixels_sha256(window),
        }
        write_exr(self.path(frame.number), window, CHANNELS, texts)


def frame_name(number: int) -> str:
    """File name of a frame: "pass.0001.exr"."""
    return f"pass.{number:04d}.exr"


def packed(frame: PassFrame) -> Window:
    """The part of a frame that holds anything, in the order of `CHANNELS`."""
    height, width = frame.matte.shape
    left, top, right, bottom = frame.box or (0, 0, width, height)
    inside = np.s_[top:bottom, left:right]
    pixels = np.empty((bottom - top, right - left, len(CHANNELS)), np.float16)
    pixels[..., :3] = frame.rgb[inside]
    pixels[..., 3] = frame.matte[inside]
    pixels[..., 4] = frame.confidence[inside]
    return Window(pixels, left, top, width, height)


def digest_of(inputs: Mapping[str, str | int | float | Sequence[float]]) -> str:
    """SHA-256 of all that a pass is made of, by name."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def begin(folder: Path) -> None:
    """Make the folder; a pass that is being painted has no provenance yet.

    Raises:
        OutputError: it cannot be made.
    """
    make_folder(folder)
    for name in (SIDECAR, SIGNATURE):
        (folder / name).unlink(missing_ok=True)


def finish(target: PassFolder, numbers: Sequence[int], credentials: Credentials | None) -> list[str]:
    """Complete a pass whose frames are all there: frames of an earlier one that are not part of it go, the
    provenance comes.

    Returns:
        Names of the files that went.

    Raises:
        OutputError: the folder cannot be written.
    """
    wanted = {frame_name(number) for number in numbers}
    gone = []
    for path in sorted(target.folder.iterdir()):
        if path.name not in wanted and _NAME.fullmatch(path.name) and _is_ours(path):
            path.unlink(missing_ok=True)
            gone.append(path.name)
        elif _LEFT_OVER.fullmatch(path.name):  # of a run that was killed while it wrote
            path.unlink(missing_ok=True)
    files = {name: file_sha256(target.folder / name) for name in sorted(wanted)}
    write_sidecar(target.folder, target.provenance, files, credentials)
    return gone


def _is_ours(path: Path) -> bool:
    return INPUTS in (read_texts(path) or {})


@dataclass
class Writer:
    """Writes frames in a thread of its own, so that painting goes on meanwhile; a context manager.

    Leaving it waits for the frames handed in; after an error of the disk the next `put`, or the leaving,
    raises it.
    """

    target: PassFolder
    written: Callable[[int], None]
    """Called with the number of every frame that is on disk, from the thread."""
    _frames: queue.Queue[PassFrame | None] = field(default_factory=lambda: queue.Queue(_WAITING))
    _error: list[Exception] = field(default_factory=list)

    def __enter__(self) -> Writer:
        self._thread = threading.Thread(target=self._work, name="pass", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._frames.put(None)
        self._thread.join()
        if kind is None:
            self._raise()

    def put(self, frame: PassFrame, cancelled: Callable[[], bool] | None = None) -> None:
        """Hand in one frame; waits while too many are waiting.

        Raises:
            OutputError: an earlier frame could not be written.
            Cancelled: `cancelled` returned True.
        """
        while True:
            self._raise()
            if cancelled and cancelled():
                raise Cancelled
            try:
                self._frames.put(frame, timeout=0.2)
                return
            except queue.Full:
                continue

    def _raise(self) -> None:
        if self._error:
            raise self._error[0]

    def _work(self) -> None:
        while (frame := self._frames.get()) is not None:
            if self._error:
                continue  # emptied, so that nobody waits for a place
            try:
                self.target.write(frame)
                self.written(frame.number)
            except Exception as error:  # raised where frames are handed in
                self._error.append(error)


def make_pass(
    target: PassFolder,
    numbers: Sequence[int],
    paint: Callable[[list[int]], Iterable[PassFrame]],
    *,
    credentials: Credentials | None = None,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    notify: Callable[[str], None] | None = None,
) -> int:
    """Paint what is missing of a pass and complete it; returns how many frames were painted.

    Args:
        target: where to.
        numbers: frames of the scene, ascending.
        paint: gives the frames that it is asked for, in order.
        credentials: what signs the list of frames; None leaves it unsigned.
        progress: called with the share of frames on disk, from another thread.
        cancelled: asked for every frame.
        notify: called with what a user should know, a sentence each.

    Raises:
        OutputError: the disk. What was complete is kept, and the next run goes on from there.
        Cancelled: `cancelled` returned True; likewise.
    """
    begin(target.folder)
    missing = target.missing(numbers)
    kept = done = len(numbers) - len(missing)
    if kept and missing and notify:
        notify(f"{kept} of {len(numbers)} frames were there already, from the same inputs")

    def written(_: int) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done / len(numbers))

    if missing:
        with Writer(target, written) as writer:
            for frame in paint(missing):
                writer.put(frame, cancelled)
    gone = finish(target, numbers, credentials)
    if gone and notify:
        notify(
            f"{len(gone)} frames of an earlier pass in '{target.folder}' are not part of this one: removed"
        )
    return len(missing)
