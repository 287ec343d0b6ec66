"""Bad plates, made from good frames: what a set, a phone or a broken disk hands over.

Every maker takes frames uint8 [T, H, W, 3] RGB and gives the path of what it wrote. Needs PyAV; sizes stay
small enough for a test.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

MOVIE_FPS = 25


def read_frames(path: Path, first: int = 0, count: int = 25) -> np.ndarray:
    """uint8 [count, H, W, 3] of a movie."""
    import av

    with av.open(str(path)) as movie:
        frames = []
        for i, frame in enumerate(movie.decode(video=0)):
            if i >= first + count:
                break
            if i >= first:
                frames.append(frame.to_ndarray(format="rgb24"))
    return np.stack(frames)


def write_movie(path: Path, frames, *, times=None, sound=None, codec="mpeg4") -> Path:
    """A movie of frames [T, H, W, 3], by default 25 a second.

    Args:
        path: by its ending also the container.
        frames: any iterable of uint8 pictures of one size.
        times: seconds of every frame, where the rate varies.
        sound: float32 [N] mono at 16 kHz, -1..1.
        codec: FFmpeg's name of the video encoder.
    """
    import av

    frames = iter(frames)
    picture = next(frames)
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream(codec, rate=MOVIE_FPS)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"qscale": "2"}
        stream.codec_context.qmin, stream.codec_context.qmax = 2, 3
        stream.codec_context.time_base = Fraction(1, 1000) if times is not None else Fraction(1, MOVIE_FPS)
        track = movie.add_stream("aac", rate=16_000, layout="mono") if sound is not None else None
        for i, rgb in enumerate(_chain(picture, frames)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame.time_base = stream.codec_context.time_base
            frame.pts = round(times[i] * 1000) if times is not None else i
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode(None))
        if track is not None:
            _write_sound(movie, track, sound)
    return path


def _chain(first, rest):
    yield first
    yield from rest


def _write_sound(movie, track, sound):
    import av

    for start in range(0, len(sound), 1024):
        block = np.zeros((1, 1024), np.float32)
        block[0, : len(sound[start : start + 1024])] = sound[start : start + 1024]
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16_000, start
        frame.time_base = Fraction(1, 16_000)
        movie.mux(track.encode(frame))
    movie.mux(track.encode(None))


def moving_bars(count=25, height=288, width=360):
    """Bars that wander, and no face."""
    bars = np.array([[255, 255, 255], [255, 255, 0], [0, 255, 255], [0, 255, 0], [255, 0, 255], [255, 0, 0]])
    columns = np.arange(width) * len(bars) // width
    picture = np.broadcast_to(bars[columns], (height, width, 3)).astype(np.uint8)
    return np.stack([np.roll(picture, 3 * i, axis=1) for i in range(count)])


def two_faces(frames):
    """The same person twice, side by side."""
    return np.concatenate([frames, frames[:, :, ::-1]], axis=2)


def hand_over_mouth(frames, box, first, stop):
    """A textured block in the colour of a hand over `box` (left, top, right, bottom) of some frames."""
    covered = frames.copy()
    left, top, right, bottom = box
    hand = np.random.default_rng(0).normal((196, 150, 128), 5, (bottom - top, right - left, 3))
    covered[first:stop, top:bottom, left:right] = hand.clip(0, 255).astype(np.uint8)
    return covered


def motion_blur(frames, first, stop, length_px=41):
    """Smeared sideways, as by a head or camera that turns fast."""
    blurred = frames.copy()
    half = length_px // 2
    smeared = np.mean(
        [np.roll(frames[first:stop], shift, axis=2) for shift in range(-half, half + 1)], axis=0
    )
    blurred[first:stop] = smeared.round().astype(np.uint8)
    return blurred


def enlarged(frames, width):
    """Upscaled to a width by repeating pixels, then the height in proportion (even)."""
    height = round(frames.shape[1] * width / frames.shape[2] / 2) * 2
    down = np.arange(height) * frames.shape[1] // height
    across = np.arange(width) * frames.shape[2] // width
    for frame in frames:
        yield frame[down[:, None], across]


def varying_times(count):
    """Seconds of frames that come at 25, then 12.5, then 30 a second, with one long pause."""
    steps = np.concatenate(
        [np.full(count // 3, 0.04), np.full(count // 3, 0.08), np.full(count - 2 * (count // 3), 1 / 30)]
    )
    steps[count // 2] = 0.4
    return np.concatenate([[0.0], np.cumsum(steps)[:-1]])


def turned(path: Path, quarter_turns: int) -> Path:
    """Write into an mp4 or mov that it is to be shown turned clockwise by quarters, as phones do."""
    cos, sin = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarter_turns % 4]
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    if data[at] != 0:
        raise ValueError("only version 0 of the track header is written here")
    matrix = [cos, sin, 0, -sin, cos, 0, 0, 0]
    data[at + 40 : at + 76] = struct.pack(">8i", *(value << 16 for value in matrix)) + struct.pack(
        ">I", 1 << 30
    )
    path.write_bytes(data)
    return path


def corrupted(source: Path, path: Path, first=0.45, share=0.03) -> Path:
    """The file with a piece of its middle overwritten by noise."""
    data = bytearray(source.read_bytes())
    at, length = int(len(data) * first), max(16, int(len(data) * share))
    data[at : at + length] = np.random.default_rng(1).integers(0, 256, length, np.uint8).tobytes()
    path.write_bytes(data)
    return path


def truncated(source: Path, path: Path, share=0.5) -> Path:
    """The first part of the file."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@dataclass(frozen=True)
class Sequence:
    """An image sequence: its folder and the numbers that it holds."""

    folder: Path
    numbers: tuple[int, ...]


def write_sequence(folder: Path, frames, *, start=1001, without=(), ending="png") -> Sequence:
    """Frames as `plate.####.png` (or exr: linear, half float), some of them missing."""
    import OpenImageIO as oiio  # noqa: N813 - as its own documents write it

    folder.mkdir(parents=True, exist_ok=True)
    numbers = []
    for i, rgb in enumerate(frames):
        if start + i in without:
            continue
        pixels, kind = np.ascontiguousarray(rgb), oiio.UINT8
        if ending == "exr":
            encoded = rgb.astype(np.float32) / 255
            pixels = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
            pixels, kind = np.ascontiguousarray(pixels, np.float32), oiio.HALF
        spec = oiio.ImageSpec(rgb.shape[1], rgb.shape[0], 3, kind)
        name = str(folder / f"plate.{start + i:04d}.{ending}")
        output = oiio.ImageOutput.create(name)
        if (
            output is None
            or not output.open(name, spec)
            or not output.write_image(pixels)
            or not output.close()
        ):
            raise OSError(f"{name} could not be written: {oiio.geterror()}")
        numbers.append(start + i)
    return Sequence(folder, tuple(numbers))
