"""Weight files as bytes: from the disk, or handed over by a cluster that keeps one copy per node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .errors import ModelError
from .weight_check import UnsafeGraphError, check_graph

if TYPE_CHECKING:
    from collections.abc import Mapping

WEIGHTS: Final = Path(__file__).parent / "weights"
"""Where the shipped ones lie."""
REINSTALL: Final = "Reinstall the extension, or give another weight file"
_MAX_BYTES: Final = 64 * 2**20
_handed_over: dict[str, Any] = {}


def hand_over(weights: Mapping[str, Any]) -> None:
    """Give this process the bytes of weight files: they are not read from the disk then.

    Args:
        weights: bytes or an array of them by `weights_key`; they count for models that are opened later.
    """
    _handed_over.update(weights)


def weights_key(file: Path) -> str:
    """How a weight file is called in every process of one version: a shipped one by its name alone."""
    return file.name if file.parent == WEIGHTS else str(file.absolute())


def _read_file(file: Path, what: str) -> bytes:
    if not file.is_file():
        raise ModelError(f"The {what} {file} does not exist", REINSTALL)
    try:
        with file.open("rb") as stream:
            return stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"The {what} {file} cannot be read ({error.strerror})", REINSTALL) from error


def read_weights(file: Path, what: str) -> bytes:
    """A weight file's bytes: a graph that holds all of its numbers itself.

    Args:
        what: the model that it is, for messages.

    Raises:
        ModelError: it is missing, too large, damaged, or refers to other files.
    """
    handed = _handed_over.get(weights_key(file))
    graph = bytes(handed) if handed is not None else _read_file(file, what)
    if len(graph) > _MAX_BYTES:
        raise ModelError(f"The {what} {file} is larger than 64 MB", REINSTALL)
    try:
        check_graph(graph)
    except UnsafeGraphError as error:
        raise ModelError(
            f"The {what} {file} refers to other files, which are never read ({error})",
            "Save it as one file that holds all of its weights",
        ) from error
    except ValueError as error:
        raise ModelError(f"The {what} {file} is damaged ({error})", REINSTALL) from error
    return graph
