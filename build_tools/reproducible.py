"""Zips whose bytes depend on the names and the content of their files, and on nothing else."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path
from typing import Final

from .common import BuildError

_EARLIEST: Final = 315532800
"""1980-01-01, where the time of zips begins, in seconds since 1970."""
_LATEST: Final = 4354819199
"""Its end."""
_MODE: Final = 0o100644 << 16


def source_date() -> int | None:
    """What `SOURCE_DATE_EPOCH` says, seconds since 1970; None when it is not set.

    Raises:
        BuildError: it is no such number.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH", "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > _LATEST:
        raise BuildError(
            f"SOURCE_DATE_EPOCH is {text!r}, which is no time that a zip can hold.",
            "Set it to whole seconds since 1970, such as `git log -1 --format=%ct` prints, or unset it.",
        )
    return int(text)


def rewrite_zip(path: Path) -> None:
    """Write a zip anew: files by name, one date (`SOURCE_DATE_EPOCH`, else 1980), mode 644, stored.

    Order, dates and modes of the zip that is read come from the file system and the time zone. Deflate would
    make the bytes depend on the zlib of the Python that runs this; almost all is compressed wheels anyway.
    """
    date = time.gmtime(max(source_date() or 0, _EARLIEST))[:6]
    part = path.with_name(path.name + ".tmp")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as new:
        for name in sorted(name for name in old.namelist() if not name.endswith("/")):
            entry = zipfile.ZipInfo(name, date)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = _MODE
            new.writestr(entry, old.read(name))
    part.replace(path)
