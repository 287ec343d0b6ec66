"""Writing H.264 movies with sound by PyAV: previews, never masters."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...files import atomic_path, output_error
from ..folder import ActorError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from ...types import FrameRate

_SOUND_HZ: Final = 48000
_OPTIONS: Final = {"protocol_whitelist": "file"}
"""Playlists would open further files or the network."""
_BT709: Final = 1
"""FFmpeg's number of it, as matrix, primaries and curve."""


class MovieError(ActorError):
    """A movie that cannot be written or read, or a package that is missing."""


@contextmanager
def write_movie(
    path: str | os.PathLike[str],
    size: tuple[int, int],
    rate: FrameRate,
    *,
    sound: Path | None = None,
    tags: Mapping[str, str] | None = None,
    quality: int = 18,
) -> Iterator[Callable[[NDArray[np.uint8]], None]]:
    """Write a movie that appears at `path` when the `with` block ends without an error.

    Args:
        path: mp4, mov or mkv file; its folder must exist.
        size: width and height of the frames that come, in pixels; odd ones lose a line or a column.
        rate: frames per second.
        sound: a file whose sound is laid under from the first frame on and cut where the pictures end.
        tags: texts for the header.
        quality: H.264's constant rate factor, 0 lossless to 51.

    Yields:
        What adds one frame, uint8 [H, W, 3] sRGB.

    Raises:
        MovieError: the package is not installed, or the sound cannot be read.
        OutputError: the file cannot be written.
    """
    av = load_av()
    even = size[0] // 2 * 2, size[1] // 2 * 2
    if min(even) < 2:
        raise MovieError("A movie of less than 2 x 2 pixels cannot be written", "Use a larger plate")
    try:
        with (
            atomic_path(path) as temporary,
            av.open(str(temporary), "w", options={"movflags": "use_metadata_tags+faststart"}) as container,
        ):
            container.metadata.update(dict(tags or {}))
            movie = _Movie(av, container, even, Fraction(rate.hz).limit_denominator(1001), quality)
            voice = _voice(container) if sound else None
            yield movie.write
            movie.finish()
            if sound and voice:
                _lay_under(av, container, voice, sound, movie.length_s)
    except av.FFmpegError as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EACCES, errno.EROFS):
            raise output_error(error, path) from error
        raise MovieError(
            f"'{path}' cannot be written ({type(error).__name__}: {str(error)[:200]})",
            "Check the sound, and name the movie with .mp4",
        ) from error


class _Movie:
    """The pictures of an open container."""

    def __init__(self, av: Any, container: Any, size: tuple[int, int], rate: Fraction, quality: int) -> None:
        self._av, self._container, self._size, self._rate = av, container, size, rate
        self._count = 0
        name = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        self._stream = stream = container.add_stream(name, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = 1
        if name == "libx264":
            stream.options = {"crf": str(quality), "preset": "medium"}
        else:
            stream.bit_rate = 8_000_000

    @property
    def length_s(self) -> float:
        return float(self._count / self._rate)

    def write(self, rgb: NDArray[np.uint8]) -> None:
        width, height = self._size
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb[:height, :width]), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._container.mux(self._stream.encode())


def _voice(container: Any) -> Any:
    stream = container.add_stream("aac", rate=_SOUND_HZ)
    stream.codec_context.layout = "stereo"
    return stream


def _lay_under(av: Any, container: Any, voice: Any, sound: Path, length_s: float) -> None:
    with _opened(av, sound) as source:
        for frame in _voice_frames(av, source, sound, round(length_s * _SOUND_HZ)):
            container.mux(voice.encode(frame))
    container.mux(voice.encode())


@contextmanager
def _opened(av: Any, path: Path) -> Iterator[Any]:
    try:
        # A file object, so that neither the extension nor a colon in the name means anything.
        with path.open("rb") as file, av.open(file, options=_OPTIONS) as container:
            yield container
    except (OSError, av.FFmpegError, ValueError) as error:
        raise MovieError(
            f"'{path}' cannot be read ({type(error).__name__})", "Check that it plays in a media player"
        ) from error


def read_tags(path: str | os.PathLike[str]) -> dict[str, str]:
    """The texts in a movie's header; nothing is decoded.

    Raises:
        MovieError: it is no movie, or the package is not installed.
    """
    with _opened(load_av(), Path(path)) as container:
        return {str(name): str(text) for name, text in container.metadata.items()}


def load_av() -> Any:
    """Import PyAV.

    Raises:
        MovieError: it is not installed.
    """
    try:
        import av
    except (ImportError, OSError) as error:
        raise MovieError(
            f"Movies cannot be read or written because the Python package av does not load ({error})",
            'Install it: python -m pip install "soliloquy[actor]"',
        ) from error
    av.logging.set_level(av.logging.PANIC)
    return av


def _voice_frames(av: Any, source: Any, path: Path, samples: int) -> Iterator[Any]:
    """Sound frames for the encoder, in its format, of so many samples at most."""
    stream = source.streams.best("audio")
    if stream is None:
        raise MovieError(f"'{path}' has no sound track", "Give a file with sound")
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=_SOUND_HZ)
    done = 0
    for decoded in chain(source.decode(stream), [None]):
        for frame in resampler.resample(decoded):
            values = frame.to_ndarray()[:, : samples - done]
            if not values.shape[1]:
                return
            piece = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), format="fltp", layout="stereo")
            piece.sample_rate, piece.pts, piece.time_base = _SOUND_HZ, done, Fraction(1, _SOUND_HZ)
            done += values.shape[1]
            yield piece
