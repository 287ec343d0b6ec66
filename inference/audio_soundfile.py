"""Decoding with libsndfile (package soundfile): wav, flac, ogg, opus, mp3, aiff, au, caf, w64, rf64.

Its three weak points are made good here: an MP3 without a length in its header is cut short by an
estimate, a WAV whose sizes were never filled in reads as empty, and its MP3 library talks on stderr.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .audio_decoders import BLOCK_VALUES, CONVERT_REMEDY, Sound, UnknownFormatError, load_package, shown
from .errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .types import FloatArray

_UNKNOWN_FORMAT = re.compile("not recognised|regular file|Unknown format", re.IGNORECASE)
_SIZE_LINE = re.compile(
    r"^\s*(?:RIFF|FORM|data|SSND|Riff size|Data Size)\s*:\s*(\d+) \(should be (\d+)\)",
    re.IGNORECASE | re.MULTILINE,
)
_STREAMED_SIZES = range(0x7FFFF000, 0x80000000)
"""Sizes that recorders write when they cannot know the length yet; 0xFFFFFFFF is the other one."""
_MP3_CLAIM = 64
"""Times the true size: more than the span of MP3 bit rates, 8 to 320 kbit/s."""
_MP3_LOUDEST = 3.0
"""Times full scale: loud music overshoots to 1.5, damaged frames reach 50."""
_MP3_FRAME = 576
_CHATTER = re.compile(rb"^(Note|Warning): |libmpg123")
_STDERR_LOCK = threading.Lock()


class SoundfileDecoder:
    """Decodes with libsndfile."""

    name = "soundfile"

    @contextmanager
    def open(self, path: Path) -> Iterator[Sound]:
        """Open a sound file; see `audio_decoders.Decoder`."""
        soundfile = load_package("soundfile")
        with contextlib.ExitStack() as stack:
            hush = _Hush(stack)
            file = stack.enter_context(_opened(soundfile, path, stack, hush))
            promised_s = _promised_s(file) if file.samplerate > 0 else None
            notices: list[str] = []
            blocks = _blocks(file, path, hush)
            if file.subtype.startswith("MPEG"):
                blocks = _without_bursts(blocks, file.samplerate, path, notices)
            yield Sound(file.samplerate, file.channels, blocks, promised_s, notices)


def _opened(soundfile: Any, path: Path, stack: contextlib.ExitStack, hush: _Hush) -> Any:
    """The open SoundFile, through a view of the file where the plain file would be misread."""
    source: Any = os.fsencode(path) if sys.platform != "win32" else str(path)
    if path.suffix.lower() == ".raw":  # soundfile goes by this one extension, and wants the format told
        source = stack.enter_context(_FileView(path))
    elif _is_mp3_without_length(path):
        source = stack.enter_context(_FileView(path, claim=_MP3_CLAIM))
    file = _open(soundfile, source, path, hush)
    if file.frames == 0 and file.format == "WAV":
        unfilled = _unfilled_size_at(path)
        if unfilled is not None:
            file.close()
            view = stack.enter_context(_FileView(path, patch_at=unfilled, patch=b"\xff" * 4))
            file = _open(soundfile, view, path, hush)
    return file


def _open(soundfile: Any, source: Any, path: Path, hush: _Hush) -> Any:
    try:
        with hush:
            return soundfile.SoundFile(source)
    except Exception as error:  # the library answers to damaged files with many types of its own
        reason = _reason(error)
        if _UNKNOWN_FORMAT.search(reason):
            raise UnknownFormatError(
                f"{shown(path)} is not a sound file that can be read", CONVERT_REMEDY
            ) from error
        raise AudioError(
            f"{shown(path)} is damaged: its header cannot be read ({reason})",
            "Save or copy the file again, or convert it to WAV or FLAC",
        ) from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).strip(" .\n")


def _blocks(file: Any, path: Path, hush: _Hush) -> Iterator[FloatArray]:
    """float32 [N, channels] blocks to the end, or up to the place where decoding fails."""
    frames = max(1, BLOCK_VALUES // file.channels)
    # soundfile seeks to where it already is after every read of a seekable file: FLAC would decode twice.
    file.seekable = lambda: False
    dtype = "int16" if file.subtype == "PCM_16" else "float32"  # libsndfile converts to float slowly
    quiet = hush if file.subtype.startswith("MPEG") else contextlib.nullcontext()
    position = 0
    while True:
        buffer = np.zeros((frames, file.channels), dtype)
        failure: Exception | None = None
        try:
            with quiet:
                block = file.read(frames, dtype=dtype, always_2d=True, out=buffer)
        except Exception as error:  # as in _open
            failure = error
            block = buffer[: _decoded_frames(file, position, frames)]
        if len(block):
            position += len(block)
            yield block * np.float32(1 / 32768) if dtype == "int16" else block
        if failure is not None:
            raise AudioError(
                f"{shown(path)} cannot be decoded beyond {position / file.samplerate:.2f} s "
                f"({_reason(failure)})",
                "Save or copy the file again",
            ) from failure
        if not len(block):
            return


def _without_bursts(
    blocks: Iterator[FloatArray], rate_hz: float, path: Path, notices: list[str]
) -> Iterator[FloatArray]:
    """Silence the bursts, many times full scale, that damaged MP3 frames decode to."""
    silenced = 0
    for block in blocks:
        if block.max() > _MP3_LOUDEST or block.min() < -_MP3_LOUDEST:
            wild = np.abs(block).max(axis=1) > _MP3_LOUDEST
            burst = np.convolve(wild, np.ones(2 * _MP3_FRAME + 1), "full")[_MP3_FRAME:-_MP3_FRAME] > 0.5
            silenced += int(np.count_nonzero(burst))
            block = np.where(burst[:, np.newaxis], np.float32(0.0), block)
        yield block
    if silenced:
        notices.append(
            f"{shown(Path(path.name))} has damaged parts: {silenced / rate_hz:.2f} s were replaced by silence"
        )


def _decoded_frames(file: Any, position: int, frames: int) -> int:
    """How many frames a failed read left in its buffer."""
    try:
        return min(max(0, int(file.tell()) - position), frames)
    except Exception:  # after some failures the library cannot tell its position either
        return 0


def _promised_s(file: Any) -> float | None:
    """The length that the header promises, from libsndfile's own account of the sizes it corrected."""
    frames: int = file.frames
    if file.subtype.startswith("MPEG") and frames > 0 and isinstance(file.name, _FileView):
        return None
    for claimed, actual in ((int(a), int(b)) for a, b in _SIZE_LINE.findall(file.extra_info)):
        if actual > 0 and claimed > actual and claimed not in _STREAMED_SIZES and claimed != 0xFFFFFFFF:
            return float(frames * (claimed / actual) / file.samplerate)
    return float(frames / file.samplerate)


def _is_mp3_without_length(path: Path) -> bool:
    """True for an MPEG stream whose first frame states no length (no Xing, Info or VBRI tag)."""
    with path.open("rb") as file:
        head = file.read(10)
        start = 0
        if head[:3] == b"ID3" and len(head) == 10:
            start = 10 + sum(
                (byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)
            )
        file.seek(start)
        frame = file.read(4096)
    is_mpeg = len(frame) > 2 and frame[0] == 0xFF and frame[1] & 0xE0 == 0xE0 and frame[1] & 0x06 != 0
    return is_mpeg and not any(tag in frame for tag in (b"Xing", b"Info", b"VBRI"))


def _unfilled_size_at(path: Path) -> int | None:
    """Byte position of a WAV data size that was left at 0 although samples follow; None otherwise."""
    end = path.stat().st_size
    with path.open("rb") as file:
        position = 12
        while position + 8 < end:
            file.seek(position)
            chunk = file.read(8)
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                return position + 4 if size == 0 else None
            position += 8 + size + size % 2
    return None


class _FileView(io.RawIOBase):
    """A file with some bytes replaced, or with a larger size claimed than it has.

    The claim is for MP3 without a length: the library estimates it from the size and stops there, so an
    estimate that is far too long lets it read to the true end. Near the claimed end zeros are read,
    because it looks for a tag there.
    """

    def __init__(self, path: Path, *, claim: int = 1, patch_at: int = 0, patch: bytes = b"") -> None:
        super().__init__()
        self._file = path.open("rb")
        self._size = path.stat().st_size
        self._claimed = self._size * claim
        self._patch_at, self._patch = patch_at, patch
        self._position = 0

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._position < self._size:
            self._file.seek(self._position)
            count = self._file.readinto(view)
            for index, byte in enumerate(self._patch, self._patch_at - self._position):
                if 0 <= index < count:
                    view[index] = byte
        elif self._claimed > self._size and self._position >= self._claimed - 4096:
            count = max(0, min(len(view), self._claimed - self._position))
            view[:count] = bytes(count)
        else:
            count = 0
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._claimed}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()


class _Hush:
    """Keeps the MP3 library's remarks off stderr; what others write there meanwhile is passed on.

    Used as `with hush:` around each call of the library, so that stderr is its own between them.
    """

    def __init__(self, stack: contextlib.ExitStack) -> None:
        try:
            self._stderr = os.dup(2)
        except OSError:  # a process without stderr (a windowed program)
            self._stderr = -1
            return
        stack.callback(os.close, self._stderr)
        self._caught = stack.enter_context(tempfile.TemporaryFile(buffering=0))  # noqa: SIM115  the stack closes it

    def __enter__(self) -> None:
        _STDERR_LOCK.acquire()
        if self._stderr >= 0:
            os.dup2(self._caught.fileno(), 2)

    def __exit__(self, *_: object) -> None:
        if self._stderr >= 0:
            os.dup2(self._stderr, 2)
            if self._caught.tell():
                self._pass_on()
        _STDERR_LOCK.release()

    def _pass_on(self) -> None:
        self._caught.seek(0)
        for line in self._caught.readlines():
            if not _CHATTER.search(line):
                os.write(2, line)
        self._caught.seek(0)
        self._caught.truncate()
