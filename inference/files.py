"""Writing results so that a reader never sees half of one.

A file is written under a temporary name in the target's own folder and renamed when it is complete, so an
error, a full disk or Ctrl-C leaves either the old file or none. Every `OSError` on the way becomes an
`OutputError` that names the file.
"""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .errors import DiskFullError, OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_STEM = 200
"""Characters of the target's name that the temporary name keeps: most file systems allow 255 bytes."""


@contextmanager
def atomic_write(path: str | os.PathLike[str], mode: str = "w", **options: Any) -> Iterator[IO[Any]]:
    """Open a file for writing that appears at `path` only when the block ends without an error.

    Args:
        path: the target; its folder must exist. A symbolic link stays one and its target is replaced.
            Something that is neither a file nor a folder (`/dev/stdout`, a pipe) is written directly.
        mode: "w" or "wb".
        options: `encoding`, `newline`, `buffering` as for `open`; text is UTF-8 unless told otherwise.

    Raises:
        OutputError: the folder is missing or read-only, the disk is full, `path` is a folder, ...
    """
    if "b" not in mode:
        options.setdefault("encoding", "utf-8")
    try:
        given = Path(path)
        if given.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(given))
        if given.exists() and not given.is_file():
            with given.open(mode, **options) as stream:
                yield stream
            return
        target = Path(os.path.realpath(given))
        temporary = target.with_name(f".{target.name[:LONGEST_STEM]}.{os.urandom(4).hex()}.tmp")
        with (
            _taking_its_place(target, temporary),
            temporary.open(mode.replace("w", "x"), **options) as stream,
        ):
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise output_error(error, path) from error


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """`atomic_write` for libraries that open files by name: yields a temporary name in the target's folder
    with the target's suffix; what stands there when the block ends without an error appears at `path`.

    Raises:
        OutputError: as `atomic_write`.
    """
    try:
        given = Path(path)
        if given.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(given))
        target = Path(os.path.realpath(given))
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(given))
        stem = target.stem[:LONGEST_STEM]
        temporary = target.with_name(f".{stem}.{os.urandom(4).hex()}.tmp{target.suffix}")
        with _taking_its_place(target, temporary):
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
    except OSError as error:
        raise output_error(error, path) from error


@contextmanager
def _taking_its_place(target: Path, temporary: Path) -> Iterator[None]:
    """What stands at `temporary` at the end replaces `target`; after an error it goes."""
    try:
        yield
        _keep_permissions(target, temporary)
        temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _keep_permissions(target: Path, temporary: Path) -> None:
    if target.exists():
        with suppress(OSError):  # a foreign owner's file: the new one has our own permissions
            temporary.chmod(target.stat().st_mode & 0o7777)


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"'{path}' cannot be read ({error.strerror})", "Check the path") from error


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Create an output folder with its parents, unless it is there, and check that files can be made in it.

    Raises:
        OutputError: a file has that name, the place is read-only, ...
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{os.urandom(4).hex()}.tmp"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise output_error(error, path) from error
    return folder


def output_error(error: OSError, path: str | os.PathLike[str]) -> OutputError:
    """The sentence for a person about a failed write to `path`."""
    shown = os.fspath(path)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return DiskFullError(
                f"The disk is full: '{shown}' was not written", "Free some space, then try again"
            )
        case errno.EFBIG:
            return OutputError(
                f"'{shown}' would be larger than this system allows",
                "Write it to another disk, or split the sound",
            )
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return OutputError(
                f"'{shown}' cannot be written: the file or its folder is read-only or in use",
                "Choose another folder, or change its permissions",
            )
        case errno.EISDIR:
            return OutputError(
                f"'{shown}' is a folder, and a file is to be written", "Give a file name in it"
            )
        case errno.EEXIST | errno.ENOTDIR:
            return OutputError(
                f"'{shown}' cannot be made: a file stands where a folder is needed", "Choose another name"
            )
        case errno.ENOENT:
            return OutputError(
                f"The folder of '{shown}' does not exist", "Create the folder first, or choose another one"
            )
        case errno.ENAMETOOLONG:
            return OutputError(f"The name '{shown}' is too long", "Choose a shorter one")
        case _:
            reason = error.strerror or type(error).__name__
            return OutputError(
                f"'{shown}' cannot be written ({reason})", "Check the disk, or choose another folder"
            )
