"""Packets of the Live Link Face protocol (ARKit), one face frame each: what Unreal Engine and other programs
receive from Epic's telephone app.

Layout, all numbers big endian:

    uint8           6, the version of the packet
    int32, bytes    device id: its length, then UTF-8 (in the app a UUID of 36 characters)
    int32, bytes    subject name: its length, then UTF-8
    int32, float32  frame number and part of a frame
    int32, int32    frame rate: numerator and denominator
    uint8           61, the number of values
    61 x float32    the 52 ARKit weights 0..1, then yaw, pitch, roll of head, left eye, right eye (radians)

Source: Unreal Engine's AppleARKitLiveLinkSource.cpp as described by think-biq/LLV, the open implementation
JimWest/PyLiveLinkFace, and published measurements of the app's packets (312 bytes for the subject "iPhone").
PyLiveLinkFace writes the version as four little-endian bytes and a "$" before the id: the same bytes, for "$"
is 36, the length of a UUID. Programs made after it read 37 bytes there, so a device id should be a UUID.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ..channels import ARKIT_52

if TYPE_CHECKING:
    from ..types import FloatArray

VALUES = (
    *ARKIT_52,
    *(f"{part}{axis}" for part in ("head", "leftEye", "rightEye") for axis in ("Yaw", "Pitch", "Roll")),
)
"""Names of the 61 values; Live Link's order of the weights is ARKit's."""
_VERSION = 6
_LONGEST_NAME = 255
_FRAME_WRAP = 2**31


@dataclass(frozen=True)
class FaceFrame:
    """One packet."""

    values: FloatArray
    """float32 [61], see `VALUES`."""
    frame: int
    """Number of the frame, 0 to 2**31 - 1."""
    rate: Fraction
    """Frames per second."""
    device_id: str
    subject: str
    sub_frame: float = field(default=0.0)
    """Part of a frame, 0 <= x < 1."""

    def __post_init__(self) -> None:
        if self.values.shape != (len(VALUES),):
            raise ValueError(f"values must have shape ({len(VALUES)},), got {self.values.shape}")
        for name, text in (("device_id", self.device_id), ("subject", self.subject)):
            if not 1 <= len(text.encode()) <= _LONGEST_NAME:
                raise ValueError(f"{name} must be 1 to {_LONGEST_NAME} bytes of UTF-8, got {text!r}")


def encode(frame: FaceFrame) -> bytes:
    """The packet of one frame, ready to be sent as one UDP datagram."""
    head = struct.pack("!B", _VERSION)
    for text in (frame.device_id, frame.subject):
        data = text.encode()
        head += struct.pack("!i", len(data)) + data
    head += struct.pack(
        "!ifiiB",
        frame.frame % _FRAME_WRAP,
        frame.sub_frame,
        frame.rate.numerator,
        frame.rate.denominator,
        len(VALUES),
    )
    return head + frame.values.astype(">f4").tobytes()


def decode(packet: bytes) -> FaceFrame:
    """What a packet says.

    Raises:
        ValueError: not a face packet of version 6, or cut off.
    """
    if packet[:1] != bytes([_VERSION]):
        raise ValueError("not a Live Link Face packet of version 6")
    try:
        device_id, at = _text(packet, 1)
        subject, at = _text(packet, at)
        number, sub_frame, numerator, denominator, count = struct.unpack_from("!ifiiB", packet, at)
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"a damaged Live Link Face packet ({error})") from error
    data = packet[at + struct.calcsize("!ifiiB") :]
    if count != len(VALUES) or len(data) != 4 * count:
        raise ValueError(f"a Live Link Face packet with {count} values in {len(data)} bytes")
    if denominator <= 0 or numerator <= 0 or number < 0:
        raise ValueError("a Live Link Face packet with an impossible time")
    values = np.frombuffer(data, ">f4").astype(np.float32)
    if not (np.isfinite(values).all() and 0.0 <= sub_frame < 1.0):
        raise ValueError("a Live Link Face packet with values that are no numbers")
    return FaceFrame(values, number, Fraction(numerator, denominator), device_id, subject, sub_frame)


def _text(packet: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("!i", packet, at)
    end = at + 4 + length
    if not 0 <= length <= len(packet) - at - 4:
        raise struct.error("a text that is longer than the packet")
    return packet[at + 4 : end].decode(), end
