"""Errors that a user can cause or meet. Each says what is wrong and what to do about it.

Everything that is shown to a person (command line, Blender report, log) is `str(error)`:
one or two sentences, no traceback. Anything that is not a `SoliloquyError` is a bug of ours.
"""

from __future__ import annotations


def first_line(error: Exception) -> str:
    """What a foreign error says, short enough to stand in a sentence of ours."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def printable(text: str) -> str:
    """A text that may come out of a file, without what could steer a terminal; line ends stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


class SoliloquyError(Exception):
    """A problem that the user can mend.

    Args:
        cause: what is wrong, naming the file, object or value; a sentence without its full stop.
        remedy: what to do about it; a sentence without its full stop.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause}. {self.remedy}."


class UsageError(SoliloquyError):
    """An argument or a setting that cannot be used."""


class AudioError(SoliloquyError):
    """A sound file that cannot be found, opened or decoded."""


class ModelError(SoliloquyError):
    """A weight file that is missing, damaged or of another version."""


class RigError(SoliloquyError):
    """A character that cannot be driven."""


class OutputError(SoliloquyError):
    """A result that cannot be written."""


class DiskFullError(OutputError):
    """A result for which there is no space."""


class Cancelled(SoliloquyError):  # noqa: N818 - not a fault
    """The user stopped the work; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("Stopped", "Nothing was changed")
