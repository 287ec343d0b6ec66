"""Names that come out of files, made harmless: what a list, an archive or a card names lies in its folder.

The rules are those of all systems at once, so that a list checked on one machine holds on every other.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path, PurePosixPath
from typing import Final

from .errors import UsageError

_LONGEST_PART: Final = 200
"""Bytes in UTF-8: file systems hold 255, and temporary names add some of their own."""
_LONGEST: Final = 1000
"""Bytes in UTF-8 of the whole: every system opens that."""
_FORBIDDEN: Final = frozenset('<>:"|?*')
"""Windows reads drives, streams, pipes and patterns in them."""
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's classes of control characters, lone surrogates and line ends."""
_DIRECTION_MARKS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""They make a name look like another one."""
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
_SHOWN: Final = 80


def safe_relative(text: str, what: str) -> PurePosixPath:
    """A path within a folder, from text that a stranger may have written.

    Args:
        text: parts divided by slashes; backslashes count as slashes, on every system.
        what: what is named, for the message: "Column 'out' of row 3".

    Returns:
        One part or more, none of them `.` or `..`; the same on every system.

    Raises:
        UsageError: it is empty, absolute, leads out, or cannot be a file's name on every system.
    """
    path = text.replace("\\", "/")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        raise _refusal(text, what, "leads out of its folder: it is an absolute path")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or path.endswith("/"):
        raise _refusal(text, what, "is no name of a file")
    if ".." in parts:
        raise _refusal(text, what, "leads out of its folder: it contains '..'")
    for part in parts:
        reason = _fault(part)
        if reason:
            raise _refusal(text, what, reason)
    if len(path.encode()) > _LONGEST:
        raise _refusal(text, what, f"is longer than {_LONGEST} bytes")
    return PurePosixPath(*parts)


def safe_name(text: str, what: str) -> str:
    """The name of one file in a folder: `safe_relative` of a single part.

    Raises:
        UsageError: as `safe_relative`; or it names a file in a folder of its own.
    """
    path = safe_relative(text, what)
    if "/" in text or "\\" in text:
        raise _refusal(text, what, "names a folder too")
    return path.name


def inside(folder: str | os.PathLike[str], relative: str | PurePosixPath, what: str = "This") -> Path:
    """Where a relative path lies in a folder, symbolic links on the way followed and judged.

    What is not there yet is no fault. The answer holds for the moment: who can change the folder can put a
    link there afterwards.

    Args:
        folder: it may itself be reached by links.
        relative: as for `safe_relative`, which is asked again.
        what: what is named, for the message.

    Returns:
        `folder` joined with it (the folder as it was given).

    Raises:
        UsageError: as `safe_relative`; or a symbolic link on the way leads out of the folder.
    """
    place = Path(folder, safe_relative(str(relative), what))
    root = Path(os.path.realpath(folder))
    if not Path(os.path.realpath(place)).is_relative_to(root):
        raise _refusal(str(relative), what, "leads out of its folder, by a symbolic link")
    return place


def _fault(part: str) -> str:
    """Why a part of a path cannot be a file's name on every system; empty where it can."""
    if any(unicodedata.category(letter) in _UNPRINTABLE or letter in _DIRECTION_MARKS for letter in part):
        return "contains a control character"
    wrong = sorted(_FORBIDDEN.intersection(part))
    if wrong:
        return f"contains {wrong[0]}, which no name on Windows may"
    if part[-1] == "." or part[-1].isspace():
        return "has a part that ends in a dot or a blank, which Windows drops"
    if _DEVICE.match(part):
        return f"has the part '{part}', a device's name on Windows"
    if len(part.encode()) > _LONGEST_PART:
        return f"has a part longer than {_LONGEST_PART} bytes"
    return ""


def _refusal(text: str, what: str, reason: str) -> UsageError:
    shown = ascii(text[:_SHOWN])[1:-1] if not text.isprintable() else text[:_SHOWN]
    more = "..." if len(text) > _SHOWN else ""
    return UsageError(
        f"{what} ('{shown}{more}') {reason}", "Use a path relative to its folder, of plain names"
    )
