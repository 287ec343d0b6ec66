"""Movie files by PyAV: what a file holds, and its pictures at one rate."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...types import FrameRate
from ..folder import ActorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Row = tuple[int, NDArray[np.uint8], bool]
    """Place of a frame counted from 0, its picture uint8 [H, W, 3], whether it is damaged or a stand-in."""

_OPTIONS: Final = {
    # Only containers that hold pictures in themselves: playlists would open further files or the network.
    "format_whitelist": "3gp,asf,avi,dv,flv,gif,h264,hevc,ivf,m4v,matroska,mov,mpeg,mpegts,mpegvideo,mxf,"
    "nut,obu,ogg,rm,webm,yuv4mpegpipe",
    "protocol_whitelist": "file",
}
_DECODING: Final = {"err_detect": "explode"}
"""Without it FFmpeg hides damage, and a smeared mouth would be learnt as the actor's own."""
_STANDARD_HZ: Final = (
    12.0,
    12.5,
    15.0,
    24 / 1.001,
    24.0,
    25.0,
    30 / 1.001,
    30.0,
    48.0,
    50.0,
    60 / 1.001,
    60.0,
)
_FALLBACK_HZ: Final = 25.0
_STEADY: Final = 0.25
"""Frames: timestamps nearer than this to an even grid are even; containers round them."""
_SEEK_FROM: Final = 100
"""Frames: what lies nearer is reached by decoding."""
_LARGEST_SIDE: Final = 16384
_MISSED_S: Final = 0.2
"""Seconds by which sound may outlast the pictures without a word."""


class PlateError(ActorError):
    """A plate that cannot be found, opened or decoded."""


@dataclass(frozen=True)
class Movie:
    """What a movie file holds; `origin_s` is the time of its first frame on the file's clock."""

    path: Path
    stream: int
    width: int
    height: int
    rate: FrameRate
    frames: int | None
    origin_s: float
    timed: bool
    """Whether its frames say when they are shown."""
    steady: bool
    """Whether they are at even distances (but for missing ones)."""
    has_sound: bool
    notices: tuple[str, ...]


def survey(path: Path) -> Movie:
    """Read the first picture and when all pictures are shown; nothing else is decoded.

    Raises:
        PlateError: no movie, without pictures, or PyAV is missing.
    """
    notices: list[str] = []
    with _opened(path) as (_, container, stream):
        has_sound = len(container.streams.audio) > 0
        times = _times(container, stream)
        rates = [float(rate) for rate in (stream.guessed_rate, stream.average_rate) if rate]
        index = int(stream.index)
        length_s = _length_s(container, stream)
        ratio = stream.sample_aspect_ratio
    rate, origin_s, timed, steady = _clock(path, times, rates, notices)
    height, width = _first_picture(path, notices)
    if ratio and float(ratio) not in (0.0, 1.0):
        notices.append(
            f"The pixels of '{path.name}' are not square ({float(ratio):.2f}); they are taken as such"
        )
    if not has_sound:
        notices.append(f"'{path.name}' has no sound")
    frames = round((times[-1] - times[0]) * rate.hz) + 1 if timed else None
    shown_s = frames / rate.hz if frames is not None else length_s
    if length_s - shown_s > max(_MISSED_S, 0.02 * length_s):
        notices.append(
            f"'{path.name}' has pictures for {shown_s:.1f} of its {length_s:.1f} seconds: it may be damaged "
            "or cut off"
        )
    if timed and steady and frames is not None and frames > len(times):
        notices.append(f"'{path.name}' lacks {frames - len(times)} of its {frames} frames")
    return Movie(path, index, width, height, rate, frames, origin_s, timed, steady, has_sound, tuple(notices))


def read(movie: Movie, first: int, stop: int | None) -> Iterator[Row]:
    """Pictures from place `first` up to before `stop`, each the nearest in time.

    Raises:
        PlateError: the file cannot be opened any more.
    """
    last = min((n for n in (movie.frames, stop) if n is not None), default=None)
    place = first
    held: _Picture | None = None
    limit = 0.75 if movie.steady else 1.5

    def row(picture: _Picture) -> Row:
        stale = abs(picture.place - place) > limit
        return place, picture.rgb(), picture.damaged or stale

    for picture in _pictures(movie, first):
        if not picture.fits(movie):
            continue
        if held is not None:
            while (last is None or place < last) and place < (held.place + picture.place) / 2.0:
                yield row(held)
                place += 1
        held = picture
        if last is not None and place >= last:
            return
    if held is not None:
        end = place + 1 if last is None else last
        if last is None and held.place < place - 0.5:
            return
        while place < end:
            yield row(held)
            place += 1


class _Picture:
    """A decoded frame and its place counted from 0; colours are converted when asked for."""

    def __init__(self, frame: Any, place: float, damaged: bool) -> None:
        self._frame = frame
        self._rgb: NDArray[np.uint8] | None = None
        self.place = place
        self.damaged = damaged

    def fits(self, movie: Movie) -> bool:
        return _shown_size(self._frame) == (movie.height, movie.width)

    def rgb(self) -> NDArray[np.uint8]:
        if self._rgb is None:
            picture = self._frame.to_ndarray(format="rgb24")
            self._rgb = np.ascontiguousarray(np.rot90(picture, _turns(self._frame)))
            self._frame = None
        return self._rgb


def _pictures(movie: Movie, first: int) -> Iterator[_Picture]:
    """Decoded frames from `first` or earlier, in order; what cannot be decoded is left out."""
    with _opened(movie.path, movie.stream) as (av, container, stream):
        if movie.timed and first > _SEEK_FROM and _sought(av, container, stream, movie, first):
            yield from _decoded(container, stream, movie)
            return
    with _opened(movie.path, movie.stream) as (_, container, stream):
        yield from _decoded(container, stream, movie)


def _sought(av: Any, container: Any, stream: Any, movie: Movie, first: int) -> bool:
    """Whether the container now stands at or before a place: not every format can go there."""
    target_s = movie.origin_s + (first - 1) / movie.rate.hz
    try:
        container.seek(int(target_s / stream.time_base), stream=stream, backward=True)
        for packet in container.demux(stream):
            for frame in packet.decode():
                if frame.time is None or frame.time > target_s:
                    return False
                container.seek(int(target_s / stream.time_base), stream=stream, backward=True)
                return True
    except av.FFmpegError:
        return False
    return False


def _decoded(container: Any, stream: Any, movie: Movie) -> Iterator[_Picture]:
    spoiled = True  # a file that lost its first key frame begins with smears
    place = -1.0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except Exception:  # a damaged container: what was read so far is what there is
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except Exception:  # FFmpeg's errors have many types; what follows up to a key frame builds on damage
            spoiled = True
            continue
        for frame in frames:
            if frame.key_frame and not frame.is_corrupt:
                spoiled = False
            place = _place(frame, movie, place)
            yield _Picture(frame, place, spoiled or bool(frame.is_corrupt))


def _place(frame: Any, movie: Movie, before: float) -> float:
    """Where a frame belongs, in frames at the movie's rate."""
    if not movie.timed or frame.time is None:
        return before + 1.0
    place = (frame.time - movie.origin_s) * movie.rate.hz
    return float(round(place)) if movie.steady else float(place)


def _shown_size(frame: Any) -> tuple[int, int]:
    """Height and width after the rotation that the file asks for."""
    return (frame.width, frame.height) if _turns(frame) % 2 else (frame.height, frame.width)


def _turns(frame: Any) -> int:
    """Quarter turns against the clock; older PyAV does not tell them."""
    return round(getattr(frame, "rotation", 0) / 90.0) % 4


def _first_picture(path: Path, notices: list[str]) -> tuple[int, int]:
    """Height and width as shown."""
    with _opened(path) as (_, container, stream):
        for packet in _packets(container, stream):
            try:
                frames = packet.decode()
            except Exception:  # a damaged start: a later picture will do
                continue
            for frame in frames:
                height, width = _shown_size(frame)
                if max(height, width) > _LARGEST_SIDE:
                    break
                if getattr(frame, "interlaced_frame", False):
                    notices.append(f"'{path.name}' is interlaced: deinterlace it for a sharper result")
                if int(getattr(frame, "color_trc", 0) or 0) in _HDR:
                    notices.append(f"'{path.name}' is HDR; its colours are taken without tone mapping")
                return height, width
    raise _unreadable(path)


_HDR: Final = (16, 18)
"""FFmpeg's numbers of the transfer curves PQ and HLG."""


def _times(container: Any, stream: Any) -> NDArray[np.float64]:
    """Seconds at which pictures are shown, ascending; empty where the file does not say for all."""
    shown: list[int] = []
    for packet in _packets(container, stream):
        if packet.size == 0 or getattr(packet, "is_discard", False):
            continue
        if packet.pts is None:
            return np.zeros(0)
        shown.append(packet.pts)
    return np.unique(np.asarray(shown, np.float64)) * float(stream.time_base)


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except Exception:  # a damaged container ends here
            return
        if packet is None:
            return
        yield packet


def _length_s(container: Any, stream: Any) -> float:
    """How long the file says that it is; 0 where it does not say."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return float(container.duration or 0) / 1e6


def _clock(
    path: Path, times: NDArray[np.float64], rates: list[float], notices: list[str]
) -> tuple[FrameRate, float, bool, bool]:
    """Rate, time of the first frame, whether frames are timed, whether they are at even distances."""
    plausible = [hz for hz in rates if 1.0 <= hz <= 240.0]
    if len(times) < 2:
        if not plausible:
            notices.append(f"'{path.name}' does not say its frame rate: {_FALLBACK_HZ:g} is assumed")
        return frame_rate(plausible[0] if plausible else _FALLBACK_HZ), 0.0, False, True
    usual = 1.0 / float(np.median(np.diff(times)))
    for hz in (*plausible, _nearest_standard(usual), usual):
        if is_even(times, hz):
            return frame_rate(hz), float(times[0]), True, True
    rate = frame_rate(float(np.clip(_nearest_standard(usual), 1.0, 240.0)))
    slow, fast = np.percentile(1.0 / np.diff(times), (5, 95))
    notices.append(
        f"The frame rate of '{path.name}' varies ({slow:.1f} to {fast:.1f} per second): "
        f"it is resampled to {rate.hz:.4g}"
    )
    return rate, float(times[0]), True, False


def is_even(times: NDArray[np.float64], hz: float) -> bool:
    """Whether times in seconds, float64 [N], lie on a grid, but for some that are missing."""
    places = (times - times[0]) * hz
    whole = np.round(places)
    near = bool(np.max(np.abs(places - whole)) < _STEADY)
    return near and bool(np.all(np.diff(whole) >= 1)) and whole[-1] + 1 <= 1.25 * len(times)


def _nearest_standard(hz: float) -> float:
    nearest = min(_STANDARD_HZ, key=lambda one: abs(one - hz))
    return nearest if abs(nearest - hz) < 0.03 * hz else float(max(1, round(hz)))


def frame_rate(hz: float) -> FrameRate:
    """As Blender keeps it: 24 / 1.001 for 23.976."""
    fps = max(1, int(np.ceil(hz - 1e-6)))
    return FrameRate(fps, round(fps / hz, 6))


@contextmanager
def _opened(path: Path, index: int | None = None) -> Iterator[tuple[Any, Any, Any]]:
    """PyAV, the open container and its stream of pictures."""
    av = _load_package()
    av.logging.set_level(av.logging.PANIC)
    with path.open("rb") as file:
        # A file object, so that neither the extension nor a colon in the name means anything.
        try:
            container = av.open(file, options=_OPTIONS, metadata_errors="ignore")
        except Exception as error:  # FFmpeg's errors have many types; on damaged files even ValueError
            raise _unreadable(path) from error
        with container:
            streams = [one for one in container.streams.video if not _is_cover(av, one)]
            if not streams or streams[0].codec_context is None:
                raise _unreadable(path)
            stream = streams[0] if index is None else container.streams[index]
            stream.codec_context.options = _DECODING
            yield av, container, stream


def _is_cover(av: Any, stream: Any) -> bool:
    """Whether a stream is the picture on the cover of a sound file."""
    covers = getattr(getattr(av.stream, "Disposition", None), "attached_pic", 0)
    return bool(getattr(stream, "disposition", 0) & covers)


def _unreadable(path: Path) -> PlateError:
    return PlateError(
        f"'{path}' is no movie whose pictures can be read",
        "Give a movie that plays in a media player, or a folder of images",
    )


def _load_package() -> Any:
    try:
        import av
    except (ImportError, OSError) as error:
        raise PlateError(
            f"Movies cannot be read because the Python package av does not load ({error})",
            'Install it: python -m pip install "soliloquy[actor]"',
        ) from error
    return av
