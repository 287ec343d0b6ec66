"""Takes and faces in the actor folder: `takes/NAME.npz` and `face.npz`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..files import make_folder
from ..types import FaceMotion
from .archive import load_arrays, save_arrays
from .folder import ActorError, with_take
from .types import ActorFace, Take

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from numpy.typing import NDArray

    from .folder import Actor

TAKE_VERSION: Final = 1
FACE_VERSION: Final = 1
_ROWS: Final = ("numbers", "landmarks", "head", "expression", "crop", "colour", "confidence", "gaps")


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
    except (KeyError, ValueError, TypeError) as error:
        raise _damaged("take", source, error) from error


def _take(kept: dict[str, NDArray[Any]]) -> Take:
    motion = FaceMotion(
        kept["values"],
        tuple(str(channel) for channel in kept["channels"]),
        float(kept["rate_hz"]),
        float(kept["start_s"]),
    )
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
    )


def load_face(actor: Actor) -> ActorFace:
    """Read the actor's face.

    Raises:
        ActorError: there is none, or it is damaged or of another version.
    """
    kept = load_arrays(actor.face, "face", FACE_VERSION)
    try:
        return ActorFace(kept["identity"], kept["basis"], kept["triangles"], kept["arkit"])
    except (KeyError, ValueError) as error:
        raise _damaged("face", actor.face, error) from error


def _damaged(kind: str, source: Path, error: Exception) -> ActorError:
    return ActorError(
        f"The {kind} '{source}' is damaged ({error})", "Restore it from a backup, or capture again"
    )
