"""Arrays on disk: npz files of a kind and a version, never pickled, their sizes checked before reading.

An archive is a zip of `.npy` members and `about.json` with its kind and version. Members are stored as they
are (no compression: a memory is read each time something is painted) and with a fixed date, so that the same
arrays give the same bytes.
"""

from __future__ import annotations

import json
import math
import struct
import tokenize
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from ..files import atomic_write
from .folder import ActorError

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

MOST_BYTES: Final = 8 * 2**30
"""Of one archive: what is larger is no file of ours."""
_MOST_MEMBERS: Final = 64
_ABOUT: Final = "about.json"
_LONGEST_ABOUT: Final = 2**16
_NPY: Any = np.lib.format
_DAMAGED: Final = (
    OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, SyntaxError, OverflowError,
    struct.error, tokenize.TokenError,
)  # fmt: skip
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_KINDS: Final = "biufU"
"""numpy's letters of the types that are kept: truth values, numbers and text."""


def save_arrays(path: str | os.PathLike[str], kind: str, version: int, **arrays: Any) -> None:
    """Write arrays, numbers and texts (or tuples of them) under their names.

    Args:
        path: the file; its folder must exist.
        kind: what the file is ("take", "memory").
        version: of the kind's layout; another one is refused on reading.

    Raises:
        OutputError: it cannot be written.
        ValueError: a value that is not an array of numbers or text.
    """
    kept = {name: np.asarray(value) for name, value in arrays.items()}
    for name, array in kept.items():
        if array.dtype.kind not in _KINDS:
            raise ValueError(f"{name} cannot be kept: its type is {array.dtype}")
    with atomic_write(path, "wb") as stream, zipfile.ZipFile(stream, "w") as archive:
        about = json.dumps({"kind": kind, "version": version})
        archive.writestr(zipfile.ZipInfo(_ABOUT, _DATE), about)
        for name, array in kept.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _DATE), "w", force_zip64=True) as member:
                _NPY.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


def load_arrays(path: str | os.PathLike[str], kind: str, version: int) -> dict[str, NDArray[Any]]:
    """Read what `save_arrays` wrote.

    Raises:
        ActorError: there is no such file, it is damaged, of another kind or of another version.
    """
    source = Path(path)
    try:
        with zipfile.ZipFile(source) as archive:
            if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
                raise ValueError("it is packed, and so could be of any size")
            _check_about(archive, source, kind, version)
            members = [info for info in archive.infolist() if info.filename != _ABOUT]
            size = sum(info.file_size for info in members)
            if len(members) > _MOST_MEMBERS or size > MOST_BYTES:
                raise ValueError("it is too large")
            if size > source.stat().st_size:  # members are not packed: what they promise must be there
                raise ValueError("it is cut off")
            return {info.filename.removesuffix(".npy"): _member(archive, info) for info in members}
    except FileNotFoundError:
        raise ActorError(f"There is no {kind} '{source}'", f"Make the {kind} first") from None
    # numpy and zipfile raise many types on damaged bytes; all of them mean the same to a user.
    except (*_DAMAGED, zipfile.BadZipFile) as error:
        raise ActorError(
            f"The {kind} '{source}' is damaged ({error})", "Restore it from a backup, or make it again"
        ) from error


def _check_about(archive: zipfile.ZipFile, source: Path, kind: str, version: int) -> None:
    if archive.getinfo(_ABOUT).file_size > _LONGEST_ABOUT:
        raise ValueError("its description is too long")
    about = json.loads(archive.read(_ABOUT))
    if about["kind"] != kind:
        raise ActorError(f"'{source}' is a {str(about['kind'])[:30]}, not a {kind}", f"Choose a {kind}")
    if about["version"] > version:
        raise ActorError(f"The {kind} '{source}' was made by a newer Soliloquy", "Update Soliloquy")
    if about["version"] < version:
        raise ActorError(f"The {kind} '{source}' was made by an older Soliloquy", f"Make the {kind} again")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """One array, if the member has just the bytes that its header promises: nothing is allocated before."""
    with archive.open(info) as stream:
        readers = {(1, 0): _NPY.read_array_header_1_0, (2, 0): _NPY.read_array_header_2_0}
        shape, fortran, dtype = readers[_NPY.read_magic(stream)](stream)
        if dtype.kind not in _KINDS or fortran:
            raise ValueError(f"{info.filename} holds no plain numbers")
        size = math.prod(shape) * dtype.itemsize
        if size != info.file_size - stream.tell():
            raise ValueError(f"{info.filename} is cut off")
        array: NDArray[Any] = np.empty(shape, dtype)
        if size:
            _fill(stream, array)
        return array


def _fill(stream: IO[bytes], array: NDArray[Any]) -> None:
    """Read into the array piece by piece: the whole is not held twice."""
    target = array.reshape(-1).view(np.uint8)
    at = 0
    while at < len(target):
        piece = stream.read(min(2**24, len(target) - at))
        if not piece:
            raise EOFError("it is cut off")
        target[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)
    if stream.read(1):  # the end checks the sum
        raise ValueError("it is too long")
