"""The explicit memory of an actor: what the mouth looked like, found by its shape.

After MemFace (Tang et al., Memories are One-to-Many Mapping Alleviators in Talking Face Generation, arXiv
2212.05005): keys are the mouth's vertices in 3D, values the pixels that were seen with them. Nothing in it is
trained or invented; a patch can be traced to its take and frame.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from ...errors import Cancelled
from ...files import output_error
from ..archive import load_arrays, save_arrays
from ..crop import hole
from ..folder import ActorError
from ..footage import crops, open_footage, usable_rows
from ..landmarks import LIPS_INNER, LIPS_OUTER, MOUTH_REGION
from ..painting.conditioning import mouth_points
from ..take import load_face, load_take
from ..types import MemoryBank
from . import coverage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ...types import FloatArray
    from ..folder import Actor
    from ..types import ActorFace, Take

MEMORY_VERSION: Final = 1
ENTRIES: Final = 2000
"""How many patches are kept unless told otherwise."""
_MOST_ENTRIES: Final = 65536
_LEAST_SHARP: Final = 0.6
"""Sharpness by that of like mouths, below which a frame is left out."""
_OFF_COLOUR: Final = 0.12
"""Difference (0..1) of nose and cheeks from the actor's usual colours, beyond which a frame is broken: a lost
frame of a film is often decoded to grey without an error."""
_LIPS, _INNER_LIPS = 2.0, 3.0
"""Weights of the lips and of the mouth's opening against chin and cheeks."""
_DEPTH: Final = 0.25
"""Weight of depth: one camera hardly sees it."""
_TURN: Final = 0.1
"""Weight of a radian of the head's yaw or pitch, in widths between the eyes' outer corners."""
_CANDIDATES: Final = 3
"""Frames looked at per entry kept; the rest is left out by shape alone before any picture is read."""


def keys_of(face: ActorFace, expression: FloatArray, head: FloatArray) -> FloatArray:
    """Where a mouth's shape lies among the keys.

    Args:
        face: the actor's.
        expression: float32 [T, E].
        head: float32 [T, 4, 4] camera <- head.

    Returns:
        float32 [T, D]: the vertices of `MOUTH_REGION` in head space in units of the distance between the
        eyes' outer corners, each point by the root of its share in the weights, then the head's yaw and
        pitch with a small weight (what is seen between the lips depends on it). Distances between keys are
        root mean squares over the points.
    """
    points = list(MOUTH_REGION)
    scale = float(np.linalg.norm(face.identity[263] - face.identity[33]))
    basis = face.basis[:, points] / scale
    weight = np.ones(len(points))
    weight[[i for i, point in enumerate(points) if point in LIPS_OUTER]] = _LIPS
    weight[[i for i, point in enumerate(points) if point in LIPS_INNER]] = _INNER_LIPS
    weight = np.sqrt(weight**2 / (weight**2).sum())
    scaled = basis * weight[:, None] * np.array([1, 1, _DEPTH])
    rest = (face.identity[points] / scale) * weight[:, None] * np.array([1, 1, _DEPTH])
    shape = np.asarray(expression, np.float64) @ scaled.reshape(len(basis), -1) + rest.ravel()
    forward = np.asarray(head[:, :3, 2], np.float64)
    forward = forward / np.linalg.norm(forward, axis=1, keepdims=True)
    turn = np.stack([np.arctan2(forward[:, 0], forward[:, 2]), np.arcsin(np.clip(forward[:, 1], -1, 1))], 1)
    return np.asarray(np.concatenate([shape, _TURN * turn], 1), np.float32)


def turns_of(bank: MemoryBank) -> FloatArray:
    """Yaw and pitch of the head of every entry, radians float32 [M, 2]; to the viewer's right and up count
    above 0."""
    return np.asarray(bank.keys[:, -2:] / _TURN, np.float32)


def aperture_and_width(face: ActorFace, expression: FloatArray) -> FloatArray:
    """float32 [T, 2]: gap between the inner lips and width of the mouth, by the width at rest."""
    upper, lower, right, left = (
        face.identity[point] + np.tensordot(expression, face.basis[:, point], 1)
        for point in (13, 14, 61, 291)
    )
    rest = np.linalg.norm(face.identity[291] - face.identity[61])
    gap = np.maximum(upper[:, 1] - lower[:, 1], 0)
    return np.asarray(np.stack([gap, np.linalg.norm(left - right, axis=1)], 1) / rest, np.float32)


def build_memory(
    actor: Actor,
    plates: Sequence[Path] = (),
    entries: int = ENTRIES,
    *,
    without: Sequence[str] = (),
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> MemoryBank:
    """Read the actor's plates and keep the patches that cover what the mouth was seen doing.

    Plates are streamed once; patches that may be kept wait in a temporary file of the actor's folder.

    Args:
        actor: with takes and a face.
        plates: folders (or plates) to look in before the places of the capture.
        entries: patches to keep at most.
        without: names of takes to leave out.
        progress: called with the share done, rising to 1.
        cancelled: asked for every frame.

    Raises:
        ActorError: there is nothing to build from, or a plate is missing or has changed.
        OutputError: there is no room for the temporary file.
        Cancelled: `cancelled` returned True.
    """
    if not 1 <= entries <= _MOST_ENTRIES:
        raise ActorError(f"A memory of {entries} entries can't be built", f"Ask for 1 to {_MOST_ENTRIES}")
    if unknown := [name for name in without if name not in actor.takes]:
        raise ActorError(f"{actor.name} has no take '{unknown[0]}'", "Leave out takes that there are")
    names = tuple(name for name in actor.takes if name not in without)
    face = load_face(actor)
    seen = _candidates(face, [load_take(actor, name) for name in names], _CANDIDATES * entries)
    if not seen.rows:
        raise ActorError(
            f"No take of {actor.name} has a frame that shows the mouth", "Capture a plate with a clear face"
        )
    try:
        with tempfile.TemporaryFile(dir=actor.folder) as waiting:
            _look(actor, names, seen, plates, waiting, progress, cancelled)
            kept, sharpness = _kept(actor, seen, entries, cancelled)
            patches = _read_back(waiting, kept, actor.crop_size)
    except OSError as error:
        raise output_error(error, actor.folder) from error
    if progress:
        progress(1.0)
    return MemoryBank(
        actor=actor.identifier,
        keys=seen.keys[kept],
        patches=patches,
        points=seen.points[kept],
        take=seen.take[kept],
        frame=seen.frame[kept],
        sharpness=sharpness,
        takes=names,
    )


def _kept(
    actor: Actor, seen: _Seen, entries: int, cancelled: Callable[[], bool] | None
) -> tuple[NDArray[np.intp], FloatArray]:
    """Which of the frames seen are kept, and how sharp they are by the median of all that could be."""
    right = np.flatnonzero(np.isfinite(seen.skin[:, 0]))
    usual = np.median(seen.skin[right], axis=0) if len(right) else 0
    right = right[np.abs(seen.skin[right] - usual).max(1, initial=0) < _OFF_COLOUR]
    if not len(right):
        raise ActorError(f"No frame of {actor.name}'s plates can be read", "Capture them again")
    sharp = coverage.relative_sharpness(seen.keys[right], seen.sharp[right])
    right, sharp = right[sharp >= _LEAST_SHARP], sharp[sharp >= _LEAST_SHARP]
    kind = coverage.kinds(seen.aperture[right], seen.teeth[right])
    kept = right[coverage.choose(seen.keys[right], sharp, kind, entries, cancelled)]
    if cancelled and cancelled():
        raise Cancelled
    return kept, np.asarray(seen.sharp[kept] / max(float(np.median(seen.sharp[right])), 1e-6), np.float32)


def _read_back(waiting: IO[bytes], kept: NDArray[np.intp], size: int) -> NDArray[np.uint8]:
    """The patches of the rows that are kept."""
    patches = np.empty((len(kept), size, size, 3), np.uint8)
    for patch, at in zip(patches, kept, strict=True):
        waiting.seek(int(at) * patch.nbytes)
        patch[...] = np.frombuffer(waiting.read(patch.nbytes), np.uint8).reshape(patch.shape)
    return patches


@dataclass
class _Seen:
    """Frames that may be kept; `rows` [(take, row)] in order, the others as in `MemoryBank`."""

    takes: list[Take]
    rows: list[tuple[int, int]]
    keys: FloatArray
    aperture: FloatArray
    points: FloatArray
    take: NDArray[np.uint16]
    frame: NDArray[np.int32]
    sharp: FloatArray
    teeth: FloatArray
    skin: FloatArray
    """float32 [M, 3] colour above the hole, NaN for frames that could not be read."""


def _candidates(face: ActorFace, takes: list[Take], most: int) -> _Seen:
    """At most that many frames, the most different by shape alone."""
    rows = [(index, int(row)) for index, take in enumerate(takes) for row in usable_rows(take)]
    if not rows:
        return _Seen(takes, rows, *(np.zeros(0, np.float32),) * 8)  # type: ignore[arg-type]
    index, row = np.array(rows).T
    expression = np.stack([takes[i].expression[r] for i, r in rows])
    head = np.stack([takes[i].head[r] for i, r in rows])
    keys = keys_of(face, expression, head)
    if len(rows) > most:
        alike = np.zeros(len(rows), np.uint8)
        kept = coverage.choose(keys, np.ones(len(rows), np.float32), alike, most)
        index, row, keys, expression = index[kept], row[kept], keys[kept], expression[kept]
    points = np.zeros((len(index), len(MOUTH_REGION), 2), np.float32)
    for i, take in enumerate(takes):
        # Fitted points, not tracked ones: a wanted mouth has no others, and the two differ alike.
        at = np.flatnonzero(index == i)
        pose = take.head[row[at]], take.focal_px, take.size, take.crop[row[at]]
        points[at] = mouth_points(face, expression[at], *pose)
    return _Seen(
        takes,
        list(zip(index.tolist(), row.tolist(), strict=True)),
        keys,
        aperture_and_width(face, expression)[:, 0],
        points,
        index.astype(np.uint16),
        np.array([takes[i].numbers[r] for i, r in zip(index, row, strict=True)], np.int32),
        np.zeros(len(index), np.float32),
        np.zeros(len(index), np.float32),
        np.full((len(index), 3), np.nan, np.float32),
    )


def _look(
    actor: Actor,
    names: Sequence[str],
    seen: _Seen,
    plates: Sequence[Path],
    waiting: IO[bytes],
    progress: Callable[[float], None] | None,
    cancelled: Callable[[], bool] | None,
) -> None:
    """Fill in what only the pictures tell; the patches go into a file, each at the place of its row."""
    size = actor.crop_size
    mask = hole(size)
    place = {row: at for at, row in enumerate(seen.rows)}
    done = 0
    for index, (name, take) in enumerate(zip(names, seen.takes, strict=True)):
        rows = {row for at, row in seen.rows if at == index}
        if not rows:
            continue
        with open_footage(actor, name, take, plates) as plate:
            for row, crop in crops(plate, take, rows, size):
                at = place[index, row]
                waiting.seek(at * crop.size)
                waiting.write(np.rint(crop * 255).astype(np.uint8).tobytes())
                seen.sharp[at] = coverage.sharpness(crop, mask)
                seen.teeth[at] = coverage.teeth(crop, seen.points[at])
                seen.skin[at] = crop[: size // 4, size // 4 : -size // 4].mean((0, 1))
                done += 1
                if cancelled and cancelled():
                    raise Cancelled
                if progress:
                    progress(0.95 * done / len(seen.rows))


def save_memory(actor: Actor, bank: MemoryBank) -> None:
    """Write the memory into the actor's folder.

    Raises:
        OutputError: it cannot be written.
    """
    save_arrays(
        actor.memory,
        "memory",
        MEMORY_VERSION,
        actor=bank.actor,
        face=fingerprint(load_face(actor)),
        takes=np.asarray(bank.takes, np.str_),
        **{name: getattr(bank, name) for name in _ARRAYS},
    )


_ARRAYS: Final = ("keys", "patches", "points", "take", "frame", "sharpness")


def load_memory(actor: Actor) -> MemoryBank:
    """Read the actor's memory.

    Raises:
        ActorError: there is none; it is damaged, of another version, of another actor, or was built with an
            earlier fit of the face.
    """
    kept = load_arrays(actor.memory, "memory", MEMORY_VERSION)
    try:
        bank, face = _bank(kept), str(kept["face"])
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ActorError(
            f"The memory '{actor.memory}' is damaged ({error})",
            "Build it again with `soliloquy memory build`",
        ) from error
    if bank.actor != actor.identifier:
        raise ActorError(
            f"The memory '{actor.memory}' belongs to another actor than {actor.name}",
            "Build it again with `soliloquy memory build`",
        )
    if bank.patches.shape[1] != actor.crop_size or face != fingerprint(load_face(actor)):
        raise ActorError(
            f"The memory '{actor.memory}' was built before the face of {actor.name} was fitted anew",
            "Build it again with `soliloquy memory build`",
        )
    return bank


def _bank(kept: dict[str, NDArray[Any]]) -> MemoryBank:
    bank = MemoryBank(
        actor=str(kept["actor"]),
        takes=tuple(str(name) for name in kept["takes"]),
        **{name: kept[name] for name in _ARRAYS},
    )
    count = len(bank)
    side = bank.patches.shape[1]
    if bank.patches.shape[1:] != (side, side, 3) or bank.points.shape[1] != len(MOUTH_REGION):
        raise ValueError("its patches are not square, or have other points")
    if bank.take.shape != (count,) or bank.frame.shape != (count,) or bank.sharpness.shape != (count,):
        raise ValueError("its rows don't match")
    if bank.take.dtype != np.uint16 or bank.frame.dtype != np.int32:
        raise ValueError("its sources are no numbers of frames")
    if not count or int(bank.take.max()) >= len(bank.takes):
        raise ValueError("its takes don't match")
    if not (np.isfinite(bank.keys).all() and np.isfinite(bank.points).all()):
        raise ValueError("its keys are no numbers")
    return bank


def fingerprint(face: ActorFace) -> str:
    """Of the shapes of a face: keys of two fits can't be compared."""
    whole = hashlib.sha256(np.ascontiguousarray(face.identity).tobytes())
    whole.update(np.ascontiguousarray(face.basis).tobytes())
    return whole.hexdigest()
