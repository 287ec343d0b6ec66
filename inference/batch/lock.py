"""One run at a time in a folder: a lock of the operating system, which ends with the run, however it ends."""

from __future__ import annotations

import errno
import json
import os
import socket
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from ..files import output_error
from .records import STATE
from .types import BatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BUSY: Final = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
_NO_LOCKS: Final = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


@contextmanager
def folder_lock(folder: Path, notify: Callable[[str], None], *, shared: bool = False) -> Iterator[None]:
    """Hold the folder of a batch.

    Args:
        folder: with its state folder (`records.prepare`).
        notify: told where the file system has no locks; the run goes on without one.
        shared: other shared runs may work here meanwhile, on other rows (a farm's chunks); one that is not
            shared may not. On Windows it only may not begin while another one works.

    Raises:
        BatchError: another run holds it; says which.
        OutputError: the lock cannot be written.
    """
    path = folder / STATE / "lock"
    try:
        stream = path.open("a+b")
    except OSError as error:
        raise output_error(error, path) from error
    with stream:
        try:
            _take(stream, shared=shared)
        except OSError as error:
            if error.errno in _BUSY:
                raise _refusal(folder, stream) from None
            if error.errno not in _NO_LOCKS:
                raise output_error(error, path) from error
            notify(f"'{folder}' lies on a file system without locks: see that only one run works in it")
        _sign(stream, shared=shared)
        yield


def _sign(stream: IO[bytes], *, shared: bool) -> None:
    """Say who holds the lock, of several the last; a full disk is met later, with a sentence of its own."""
    holder = {
        "shared": shared,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        stream.truncate(0)
        stream.write(json.dumps(holder).encode())
        stream.flush()
    except OSError:
        return


def _refusal(folder: Path, stream: IO[bytes]) -> BatchError:
    try:
        stream.seek(0)
        holder: Any = json.loads(stream.read(4096))
        how = "with --shared; the latest is " if holder["shared"] else ""
        host, since = str(holder["host"])[:100], str(holder["since"])[:40]
        who = f"{how}process {int(holder['pid'])} on {host}, since {since}"
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        who = "another process"
    return BatchError(
        f"Another run works in '{folder}' ({who})", "Wait until it ends, stop it, or give another --out"
    )


if os.name == "nt":

    def _take(stream: IO[bytes], *, shared: bool) -> None:
        """Windows' locks are never shared: a shared run only looks whether one of its own works here."""
        import msvcrt

        byte = 2**30  # beyond the text, which others read
        stream.seek(byte)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        if shared:
            stream.seek(byte)
            msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]

else:

    def _take(stream: IO[bytes], *, shared: bool) -> None:
        import fcntl

        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
