"""Decoding with FFmpeg (package av, optional): the sound of video files, m4a, aac, wma, ac3 and more."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from .audio_decoders import BLOCK_VALUES, CONVERT_REMEDY, Sound, UnknownFormatError, load_package, shown
from .errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .types import FloatArray

_OPTIONS = {
    # Only containers that hold sound: playlists would open further files or the network.
    "format_whitelist": "3gp,aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,flv,matroska,mov,mp3,mpeg,"
    "mpegts,mxf,ogg,opus,rm,tak,tta,voc,w64,wav,webm,wv",
    "protocol_whitelist": "file",
}
_ESTIMATED_LENGTH = {"mp3", "aac", "ac3", "eac3", "dts", "mpeg", "mpegts", "amr"}
_GAP_S = 0.02
"""Timestamps ahead by more than this are a gap: less than the shortest frame of AAC and MP3 at 48 kHz."""
_LONGEST_GAP_S = 60.0
_INTEGER_SCALE = {"u1": 2.0**7, "i2": 2.0**15, "i4": 2.0**31, "i8": 2.0**63}


class AvDecoder:
    """Decodes with FFmpeg."""

    name = "av"

    @contextmanager
    def open(self, path: Path) -> Iterator[Sound]:
        """Open the best sound track of a file; see `audio_decoders.Decoder`."""
        av = load_package("av")
        av.logging.set_level(av.logging.PANIC)
        with path.open("rb") as file, contextlib.ExitStack() as stack:
            try:
                # A file object, so that neither the extension nor a colon in the name means anything.
                container = av.open(_Source(file), options=_OPTIONS, metadata_errors="ignore")
                stack.enter_context(container)
                stream = container.streams.best("audio")
            except Exception as error:  # FFmpeg's errors have many types; on damaged files even ValueError
                raise UnknownFormatError(
                    f"{shown(path)} is not a sound file that can be read", CONVERT_REMEDY
                ) from error
            if stream is None:
                raise AudioError(
                    f"{shown(path)} has no sound track", "Choose a file with sound, or another take"
                )
            yield _sound(av, container, stream, path)


class _Source:
    """A file whose failing seeks are answers: PyAV prints the traceback of an error that it is raised."""

    def __init__(self, file: IO[bytes]) -> None:
        self._seek = file.seek
        self.read, self.tell = file.read, file.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file's; -1 for what lies before its beginning."""
        try:
            return self._seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1


def _sound(av: Any, container: Any, stream: Any, path: Path) -> Sound:
    if stream.codec_context is None:
        raise AudioError(f"The sound of {shown(path)} is in a format that cannot be decoded", CONVERT_REMEDY)
    length = stream.duration
    stated = length is not None and container.format.name not in _ESTIMATED_LENGTH
    promised_s = float(length * stream.time_base) if stated else None
    sound = Sound(int(stream.rate or 0), int(stream.channels or 0), iter(()), promised_s)
    sound.blocks = _blocks(_Track(av, container, stream), sound, path)
    return sound


def _blocks(track: _Track, sound: Sound, path: Path) -> Iterator[FloatArray]:
    """float32 [N, channels] blocks; frames are gathered, because FFmpeg's are short."""
    gathered: list[FloatArray] = []
    count = 0
    for piece in track.pieces(sound):
        gathered.append(piece)
        count += piece.size
        if count >= BLOCK_VALUES:
            yield np.concatenate(gathered)
            gathered, count = [], 0
    if gathered:
        yield np.concatenate(gathered)
    if track.filled:
        filled_s = track.filled / sound.rate_hz
        sound.notices.append(
            f"{shown(Path(path.name))} has missing parts: {filled_s:.2f} s were filled with silence"
        )
    elif track.damaged and sound.promised_s is None:
        sound.notices.append(f"{shown(Path(path.name))} has parts that could not be decoded")


class _Track:
    """Decoded frames of one stream in the order of time, with silence where some are missing."""

    def __init__(self, av: Any, container: Any, stream: Any) -> None:
        self._av, self._container, self._stream = av, container, stream
        self._origin_s = (container.start_time or 0) / av.time_base
        self._position = 0
        self.filled = 0
        """Frames of silence put in for missing ones."""
        self.damaged = 0
        """Packets that could not be decoded."""

    def pieces(self, sound: Sound) -> Iterator[FloatArray]:
        """float32 [N, channels], N >= 1; frames of another layout than the stream's are left out."""
        for frame in self._frames():
            values = _values(frame)
            if values.shape[1] != sound.channels or frame.sample_rate != sound.rate_hz:
                self.damaged += 1
                continue
            gap = self._gap(frame, sound)
            self._position += gap + len(values)
            while gap > 0:
                step = min(gap, BLOCK_VALUES)
                yield np.zeros((step, sound.channels), np.float32)
                gap -= step
            if len(values):
                yield values

    def _frames(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except Exception:  # a damaged container: what was read so far is what there is
                self.damaged += 1
                return
            if packet is None:
                return
            try:
                yield from packet.decode()
            except Exception:  # a damaged packet: the next one may be sound again
                self.damaged += 1

    def _gap(self, frame: Any, sound: Sound) -> int:
        """Frames that are missing before this one, by its timestamp. A late start counts, too."""
        if frame.pts is None or frame.time_base is None:
            return 0
        start_s = float(frame.pts * frame.time_base) - self._origin_s
        ahead_s = start_s - self._position / sound.rate_hz
        within_file = sound.promised_s is None or start_s <= sound.promised_s + _LONGEST_GAP_S
        if not (_GAP_S < ahead_s <= _LONGEST_GAP_S and within_file):
            return 0
        gap: int = round(ahead_s * sound.rate_hz)
        if self._position > 0:
            self.filled += gap
        return gap


def _values(frame: Any) -> FloatArray:
    """float32 [N, channels] in -1..1 of one decoded frame, whatever its sample type."""
    raw: NDArray[Any] = frame.to_ndarray()
    values = raw.T if frame.format.is_planar else raw.reshape(-1, len(frame.layout.channels))
    scale = _INTEGER_SCALE.get(values.dtype.str[1:])
    if scale is None:
        return np.ascontiguousarray(values, np.float32)
    zero = np.float32(1.0 if values.dtype == np.uint8 else 0.0)
    return np.asarray(values.astype(np.float32) * np.float32(1.0 / scale) - zero, np.float32)
