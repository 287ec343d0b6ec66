"""Files that Blender writes for us: refused before the work where they cannot be made, and checked after it.

On a full disk Blender 4.5 and 5.0 report a saved scene although half of it is missing, so what was written
under a temporary name is looked at before it takes the target's place.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import struct
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..inference.errors import OutputError
from ..inference.files import LONGEST_STEM, output_error

if TYPE_CHECKING:
    from collections.abc import Iterator

_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SEEK_TABLE_END = b"\xb1\xea\x92\x8f"
_NO_SPACE = 2**16
_MP4_HEADER = struct.Struct(">I4s")


def check_writable(target: Path) -> None:
    """Refuse an output file that cannot be made, before the work that leads to it.

    Raises:
        OutputError: its folder is missing or read-only, or it is a folder itself.
    """
    if target.is_dir():
        raise OutputError(f"{target} is a folder", "Give the name of a file in it")
    if not target.parent.is_dir():
        raise OutputError(
            f"The folder {target.parent} does not exist", "Make it first, or choose another one"
        )
    probe = target.with_name(f".{secrets.token_hex(4)}.tmp")
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"The folder {target.parent} cannot be written to ({error.strerror})", "Choose another folder"
        ) from error


def remove_session_folder(folder: str) -> None:
    """Remove `bpy.app.tempdir`: for a process that does not end in Blender's own way."""
    if Path(folder).name.startswith("blender_"):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """A temporary path beside a target for Blender to write to; it becomes the target when it is complete.

    The target's ending (.blend or .mp4) says what a complete file looks like. After a failure the target
    is as it was and the temporary file is gone.

    Raises:
        OutputError: the target cannot be made, or what was written is not complete.
    """
    check_writable(target)
    is_video = target.suffix.lower() != ".blend"
    # As `files.atomic_path` names it: what a killed batch leaves is known by its output.
    ending = ".mp4" if is_video else ".blend"
    temporary = target.with_name(f".{target.stem[:LONGEST_STEM]}.{secrets.token_hex(4)}.tmp{ending}")
    try:
        yield temporary
        if not (_is_complete_mp4(temporary) if is_video else _is_complete_blend(temporary)):
            _check_space(target)
            raise OutputError(f"{target} was not written completely", "Check that the disk is not full")
        temporary.replace(target)
    except (OSError, RuntimeError) as error:  # RuntimeError: what an operator of Blender reports
        _check_space(target)
        reason = str(error).strip().removeprefix("Error: ")
        raise OutputError(
            f"{target} could not be written ({reason})", "Check the disk and the folder"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _check_space(target: Path) -> None:
    """Say that the disk is full where it is; Blender does not tell."""
    with suppress(OSError):
        if shutil.disk_usage(target.parent).free < _NO_SPACE:
            raise output_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)), target)


def _is_complete_blend(path: Path) -> bool:
    """True if a blend file has its end: the last block, or the table that ends a compressed one."""
    data = path.read_bytes() if path.stat().st_size < 256 else _ends(path)
    if data.startswith(_ZSTD):
        return data.endswith(_ZSTD_SEEK_TABLE_END)
    return data.startswith(b"BLENDER") and b"ENDB" in data[-64:]


def _ends(path: Path) -> bytes:
    """The first and the last 128 bytes of a file."""
    with path.open("rb") as file:
        first = file.read(128)
        file.seek(-128, 2)
        return first + file.read(128)


def _is_complete_mp4(path: Path) -> bool:
    """True if an mp4 has its index and all of its boxes."""
    size, kinds, at = path.stat().st_size, set(), 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            header = file.read(16)
            if len(header) < _MP4_HEADER.size:
                return False
            length, kind = _MP4_HEADER.unpack_from(header)
            if length == 1 and len(header) == 16:
                (length,) = struct.unpack(">Q", header[8:])
            if length < _MP4_HEADER.size:
                return False
            kinds.add(kind)
            at += length
    return at == size and {b"moov", b"mdat"} <= kinds
