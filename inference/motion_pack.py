"""A line of speech as bytes: the raw motion, what was heard in it and when, small enough to stay in a .blend.

Values are rounded to steps of `STEP` and kept as differences from row to row, which mostly are small; the
bytes of these are sorted by weight and deflated: about 70 kB for a minute of speech at 50 Hz.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from typing import TYPE_CHECKING, Final

import numpy as np

from .errors import UsageError
from .motion import Spoken
from .types import FaceMotion
from .visemes import UNKNOWN, VISEMES, Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .types import FloatArray

STEP: Final = 1.0 / 4096.0
"""Distance of the values that can be kept: they are off by at most half of it. Values reach from -8 to 8."""
_POSTERIOR_STEP = 1.0 / 255.0
_PROSODY_STEPS = (0.5, 0.5, 1.0 / 96.0)
"""dB, dB, octaves; one more column says where the voice has a pitch."""
_MAGIC = b"SLQM\x02"
_MAGIC_SILENT = b"SLQM\x01"
"""What versions before 0.4 wrote: without the voice."""
_LENGTH = struct.Struct("<I")
_MOST_BYTES = 256 * 2**20
"""Of a line as it is unpacked: six hours of speech are 160 MB."""
_MOST_HZ = 1000.0
_LEVEL = 6  # of zlib: 9 gains 2 % and takes three times as long


def pack(spoken: Spoken, segments: Sequence[Segment] | None = None) -> bytes:
    """The bytes of a line; `unpack` reads them.

    Args:
        spoken: at any rate. The memory's addresses are left out; the voice is kept in steps of half a dB.
        segments: when each sound is said, where a text or cues told it.
    """
    motion = spoken.motion
    header = {
        "channels": motion.channels,
        "rows": len(motion.values),
        "rate_hz": motion.rate_hz,
        "start_s": motion.start_s,
        "visemes": spoken.visemes.shape[1],
        "segments": None if segments is None else [list(segment) for segment in segments],
        "voice": spoken.prosody is not None,
    }
    text = json.dumps(header).encode()
    body = _planes(motion.values, STEP) + _planes(spoken.visemes, _POSTERIOR_STEP)
    if spoken.prosody is not None:
        body += _planes(_without_gaps(spoken.prosody), 1.0)
    return _MAGIC + zlib.compress(_LENGTH.pack(len(text)) + text + body, _LEVEL)


def unpack(packed: bytes) -> tuple[Spoken, tuple[Segment, ...] | None]:
    """The line that `pack` made bytes of; its memory addresses are empty.

    Raises:
        UsageError: the bytes are damaged, or of a later version.
    """
    try:
        return _unpacked(packed)
    except (
        ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, zlib.error,
        struct.error,
    ) as error:  # fmt: skip
        raise UsageError(
            "The motion kept in this file is damaged or was made by a later version", "Animate the line again"
        ) from error


def _unpacked(packed: bytes) -> tuple[Spoken, tuple[Segment, ...] | None]:
    if not packed.startswith((_MAGIC, _MAGIC_SILENT)):
        raise ValueError("not a packed motion")
    data = zlib.decompressobj().decompress(packed[len(_MAGIC) :], _MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError("it is longer than any line")
    (length,) = _LENGTH.unpack_from(data)
    header = json.loads(data[_LENGTH.size : _LENGTH.size + length])
    rows, channels, classes = int(header["rows"]), tuple(header["channels"]), int(header["visemes"])
    body = np.frombuffer(data, np.uint8, offset=_LENGTH.size + length)
    if rows < 0 or classes not in (0, len(VISEMES)) or not all(isinstance(c, str) for c in channels):
        raise ValueError("its columns are not possible")
    first, last = 2 * rows * len(channels), 2 * rows * (len(channels) + classes)
    values = _from_planes(body[:first], rows, len(channels), STEP)
    visemes = _from_planes(body[first:last], rows, classes, _POSTERIOR_STEP)
    prosody = _with_gaps(_from_planes(body[last:], rows, 4, 1.0)) if header.get("voice") else None
    if prosody is None and len(body) != last:
        raise ValueError("the length does not fit")
    motion = FaceMotion(values, channels, float(header["rate_hz"]), float(header["start_s"]))
    if not (motion.rate_hz <= _MOST_HZ and math.isfinite(motion.start_s)):
        raise ValueError("its times are not possible")
    known = header["segments"]
    segments = None if known is None else tuple(_segment(*segment) for segment in known)
    return Spoken(motion, visemes, np.zeros((rows, 0), np.float32), prosody), segments


def _segment(start_s: float, end_s: float, viseme: int) -> Segment:
    found = Segment(float(start_s), float(end_s), int(viseme))
    if not -math.inf < found.start_s <= found.end_s < math.inf:
        raise ValueError("a sound ends before it begins")
    if found.viseme != UNKNOWN and not 0 <= found.viseme < len(VISEMES):
        raise ValueError("a sound that is not known")
    return found


def _without_gaps(prosody: FloatArray) -> FloatArray:
    """float32 [T, 3] with NaN -> [T, 4] whole steps: a pitch that is not there stays at the one before."""
    voiced = np.isfinite(prosody[:, 2])
    before = np.maximum.accumulate(np.where(voiced, np.arange(len(prosody)), -1))
    pitch = np.where(before >= 0, prosody[np.maximum(before, 0), 2], 0.0)
    known = np.nan_to_num(prosody[:, :2], nan=-120.0)
    steps: FloatArray = np.column_stack([np.column_stack([known, pitch]) / _PROSODY_STEPS, voiced])
    return steps.astype(np.float32)


def _with_gaps(steps: FloatArray) -> FloatArray:
    prosody = steps[:, :3] * np.array(_PROSODY_STEPS, np.float32)
    prosody[steps[:, 3] < 0.5, 2] = np.nan
    return prosody


def _planes(values: FloatArray, step: float) -> bytes:
    """float32 [T, C] -> int16 differences along time, channel by channel, low bytes before high ones."""
    steps = np.clip(np.rint(values / step), -32768, 32767).astype(np.int16)
    deltas = np.diff(steps, axis=0, prepend=np.zeros((1, steps.shape[1]), np.int16))  # wraps, and back again
    folded = ((deltas << 1) ^ (deltas >> 15)).astype("<u2")  # small numbers of either sign have a high byte 0
    return np.ascontiguousarray(folded.T).view(np.uint8).reshape(-1, 2).T.tobytes()


def _from_planes(body: NDArray[np.uint8], rows: int, columns: int, step: float) -> FloatArray:
    if len(body) != 2 * rows * columns:
        raise ValueError("the length does not fit")
    folded = (
        np.ascontiguousarray(body.reshape(2, -1).T).view("<u2").reshape(columns, rows).T.astype(np.uint16)
    )
    deltas = ((folded >> 1) ^ (0 - (folded & 1))).astype(np.int16)
    steps = np.cumsum(deltas, axis=0, dtype=np.int16)
    values: FloatArray = steps.astype(np.float32) * np.float32(step)
    return values
