"""What decodes sound: the door for decoders, and what the first bytes of a file say about it.

A decoder turns a file into blocks of samples as they are stored: all channels, at the file's own rate.
`audio.py` makes mono 16 kHz sound of them. Two decoders come with the package (`audio_soundfile.py`,
`audio_video.py`); a host that has its own (Blender's `aud`) hands in one more.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from .types import FloatArray

BLOCK_VALUES = 2**15
"""Values (frames x channels) that a decoder should put in a block: large enough to be quick."""

CONVERT_REMEDY = "Choose a sound file that plays in a media player, or convert it to WAV or FLAC"


@dataclass
class Sound:
    """An open sound track.

    `rate_hz` in Hz, `channels` the number of columns, `blocks` yields float32 [N, channels], N >= 1,
    full scale at -1..1, each block an array of its own. The iterator raises `AudioError` where decoding
    cannot go on; what it yielded before is kept.
    """

    rate_hz: float
    channels: int
    blocks: Iterator[FloatArray]
    promised_s: float | None = None
    """Length in seconds that the header promises, where the file states it (not an estimate)."""
    notices: list[str] = field(default_factory=list)
    """What a user should know, one sentence each without the full stop; may grow while reading."""


class Decoder(Protocol):
    """Something that decodes sound files.

    `open` is a context manager that yields a `Sound` and frees the file on leaving. It raises `AudioError`
    for a file that it cannot decode (`UnknownFormatError` when the kind of file is not one of its own,
    `DecoderMissingError` when the decoder itself is not installed). It must go by content, not by the name of
    the file, and must be repeatable: the same file gives the same samples every time.
    """

    name: str

    def open(self, path: Path) -> AbstractContextManager[Sound]:
        """Open the file's best sound track."""
        ...


class UnknownFormatError(AudioError):
    """A kind of file that this decoder does not know; another one may."""


class DecoderMissingError(AudioError):
    """A decoder whose Python package is not installed or does not load."""


def load_package(name: str) -> Any:
    """Import a decoding package on first use: hosts start faster, and an odd platform may lack it.

    Raises:
        DecoderMissingError: the package is not installed, or its library does not load.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:
        raise DecoderMissingError(
            f"Sound cannot be read because the Python package {name} does not load ({error})",
            f"Install it: python -m pip install {name}",
        ) from error


def shown(path: Path) -> str:
    """A path that can be printed anywhere, even where its bytes are no valid text."""
    return str(path).encode("utf-8", "replace").decode("utf-8")


_VIDEO_KINDS = (
    (4, b"ftyp", "an MP4, M4A or MOV file"),
    (4, b"moov", "an MP4, M4A or MOV file"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM file"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
    (0, b"\x0b\x77", "an AC-3 file"),
    (0, b"FLV\x01", "a Flash video file"),
    (8, b"AVI ", "an AVI file"),
    (0, b"#!AMR", "an AMR file"),
    (0, b"\x00\x00\x01\xba", "an MPEG video file"),
    (0, b"\xff\xf1", "an AAC file"),
    (0, b"\xff\xf9", "an AAC file"),
    (0, b"MAC ", "a Monkey's Audio file"),
    (0, b"wvpk", "a WavPack file"),
)
_OTHER_KINDS = (
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (0, b"GIF8", "a picture"),
    (0, b"BLENDER", "a Blender scene"),
)


def _match(head: bytes, kinds: tuple[tuple[int, bytes, str], ...]) -> str | None:
    return next((what for at, magic, what in kinds if head[at : at + len(magic)] == magic), None)


def video_kind(head: bytes) -> str | None:
    """What a file is that only the video decoder (package av) reads; None for all others."""
    return _match(head, _VIDEO_KINDS)


def foreign_kind(head: bytes) -> str | None:
    """What a file is that holds no sound at all ("a ZIP archive"); None where that is not known."""
    if head[:9].lower() in (b"<!doctype", b"<html><he") or head[:5].lower() == b"<html":
        return "a web page"
    if head and all(byte in b"\t\n\r\f" or 32 <= byte < 127 for byte in head):
        return "a text file"
    return _match(head, _OTHER_KINDS)
