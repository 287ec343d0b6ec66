"""Takes and faces in the actor folder: `takes/NAME.npz` and `face.npz`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..files import make_folder
from ..types import FaceMotion
from .archive import load_arrays, save_arrays
from .folder import ActorError, with_take
from .types import POINTS, ActorFace, Gap, Take

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from numpy.typing import NDArray

    from .folder import Actor

TAKE_VERSION: Final = 1
FACE_VERSION: Final = 1
_ROWS: Final = ("numbers", "landmarks", "head", "expression", "crop", "colour", "confidence", "gaps")
_NUMBERS: Final = ("landmarks", "head", "expression", "crop", "colour", "confidence")
"""Rows that must be finite where a frame is no gap."""
_LARGEST_SIDE: Final = 65536
_LONGEST_FOCAL: Final = 1e7


def save_take(actor: Actor, name: str, take: Take, plate: str | os.PathLike[str] = "") -> Actor:
    """Write a take under a name that can be a file's; returns the actor that lists it.

    `plate` is where the plate lies, for what needs its pictures again (memory, training).

    Raises:
        OutputError: it cannot be written.
    """
    make_folder(actor.folder / "takes")
    save_arrays(
        actor.take(name),
        "take",
        TAKE_VERSION,
        plate=take.plate,
        plate_sha256=take.plate_sha256,
        size=take.size,
        values=take.motion.values,
        channels=take.motion.channels,
        rate_hz=take.motion.rate_hz,
        start_s=take.motion.start_s,
        focal_px=take.focal_px,
        cuts=np.asarray(take.cuts, np.int32),
        sound_offset_s=np.nan if take.sound_offset_s is None else take.sound_offset_s,
        notices=np.asarray(take.notices, np.str_),
        **{row: getattr(take, row) for row in _ROWS},
    )
    return with_take(actor, name, plate)


def load_take(actor: Actor, name: str) -> Take:
    """Read a take of an actor.

    Raises:
        ActorError: there is none of that name, or it is damaged or of another version.
    """
    if name not in actor.takes:
        known = ", ".join(actor.takes[:8]) + (", ..." if len(actor.takes) > 8 else "")
        raise ActorError(
            f"{actor.name} has no take '{name}'", f"Choose one of: {known}" if known else "Capture one"
        )
    source = actor.take(name)
    kept = load_arrays(source, "take", TAKE_VERSION)
    try:
        return _take(kept)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise damaged("take", source, error) from error


def _take(kept: dict[str, NDArray[Any]]) -> Take:
    motion = FaceMotion(
        kept["values"],
        tuple(str(channel) for channel in kept["channels"]),
        float(kept["rate_hz"]),
        float(kept["start_s"]),
    )
    _check_rows(kept)
    offset = float(kept["sound_offset_s"])
    width, height = (int(side) for side in kept["size"])
    return Take(
        plate=str(kept["plate"]),
        plate_sha256=str(kept["plate_sha256"]),
        size=(width, height),
        motion=motion,
        focal_px=float(kept["focal_px"]),
        cuts=tuple(int(cut) for cut in kept["cuts"]),
        sound_offset_s=None if np.isnan(offset) else offset,
        notices=tuple(str(notice) for notice in kept["notices"]),
        **{row: kept[row] for row in _ROWS},
    )


def _check_rows(kept: dict[str, NDArray[Any]]) -> None:
    """Raise ValueError where what `Take` does not check itself would fail later."""
    numbers, gaps, cuts = kept["numbers"], kept["gaps"], kept["cuts"]
    if numbers.ndim != 1 or numbers.dtype != np.int32:
        raise ValueError("its frame numbers are none")
    if gaps.shape != numbers.shape or gaps.dtype != np.uint8:
        raise ValueError("its gaps don't match its frames")
    if cuts.ndim != 1 or cuts.dtype != np.int32 or ((cuts < 0) | (cuts > len(numbers))).any():
        raise ValueError("its cuts lie outside of it")
    if not 0 < float(kept["focal_px"]) < _LONGEST_FOCAL:
        raise ValueError("its focal length is none")
    if kept["size"].shape != (2,) or not all(0 < int(side) <= _LARGEST_SIDE for side in kept["size"]):
        raise ValueError("its size is none")
    used = np.flatnonzero(gaps == Gap.NONE)
    for row in _NUMBERS:
        if kept[row].shape[:1] != numbers.shape or not np.isfinite(kept[row][used]).all():
            raise ValueError(f"its {row} has values that are no numbers")


def _check_face(kept: dict[str, NDArray[Any]]) -> None:
    triangles = kept["triangles"]
    if triangles.ndim != 2 or triangles.shape[1] != 3 or triangles.dtype != np.int32:
        raise ValueError("its triangles are none")
    if ((triangles < 0) | (triangles >= POINTS)).any():
        raise ValueError("its triangles have points that it lacks")
    maps = ("arkit", "tracked") if "tracked" in kept else ("arkit",)
    if not all(np.isfinite(kept[name]).all() for name in ("identity", "basis", *maps)):
        raise ValueError("it has values that are no numbers")


def save_face(actor: Actor, face: ActorFace) -> None:
    """Write the actor's face.

    Raises:
        OutputError: it cannot be written.
    """
    save_arrays(
        actor.face,
        "face",
        FACE_VERSION,
        identity=face.identity,
        basis=face.basis,
        triangles=face.triangles,
        arkit=face.arkit,
        tracked=np.zeros((0, len(face.basis)), np.float32) if face.tracked is None else face.tracked,
    )


def load_face(actor: Actor) -> ActorFace:
    """Read the actor's face.

    Raises:
        ActorError: there is none, or it is damaged or of another version.
    """
    kept = load_arrays(actor.face, "face", FACE_VERSION)
    try:
        _check_face(kept)
        tracked = kept.get("tracked", np.zeros(0, np.float32))
        return ActorFace(
            kept["identity"],
            kept["basis"],
            kept["triangles"],
            kept["arkit"],
            tracked if len(tracked) else None,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise damaged("face", actor.face, error) from error


def damaged(kind: str, source: Path, error: Exception) -> ActorError:
    """The error about a part of an actor folder whose arrays cannot be used."""
    return ActorError(
        f"The {kind} '{source}' is damaged ({error})", "Restore it from a backup, or capture again"
    )
