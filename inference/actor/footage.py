"""The pictures behind the takes: where a plate lies now, and the crops of its frames in reference colours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from . import colour
from .crop import sample
from .folder import ActorError
from .media.plate import open_plate
from .types import Gap

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from numpy.typing import NDArray

    from ..types import FloatArray
    from .folder import Actor
    from .media.plate import Plate
    from .types import Take


_LEAST_CONFIDENCE: Final = 0.5


def open_footage(actor: Actor, name: str, take: Take, folders: Sequence[Path] = ()) -> Plate:
    """Open the plate of a take.

    It is looked for in `folders` first (or is one of them, as a file), then where it lay at capture; what has
    the right name but another content is passed over.

    Raises:
        ActorError: it is nowhere, or has changed since it was captured.
    """
    places = [*(_within(folder, take.plate) for folder in folders)]
    if name in actor.plates:
        places.append(Path(actor.plates[name]))
    changed = None
    for place in places:
        if place is None:
            continue
        try:
            plate = open_plate(place)
        except ActorError:
            if place.exists():
                raise
            continue  # not there: a pattern of a sequence is no path, so only opening it tells
        if plate.info.sha256 == take.plate_sha256:
            return plate
        plate.close()
        changed = place
    if changed is not None:
        raise ActorError(
            f"'{changed}' is not the plate of take '{name}': its content has changed",
            "Bring back the file as it was captured, or capture it again",
        )
    raise ActorError(
        f"The plate '{take.plate}' of take '{name}' is not where it was captured",
        "Name the folder that it lies in with --plates",
    )


def _within(folder: Path, plate: str) -> Path | None:
    """The plate in a folder, the folder where it is the plate itself; None for a name that is no file's."""
    if folder.name == plate:
        return folder
    return folder / plate if Path(plate).name == plate and plate not in ("", ".", "..") else None


def usable_rows(take: Take) -> NDArray[np.intp]:
    """Rows of a take that show the mouth: no gaps, surely tracked."""
    sure = take.confidence >= min(_LEAST_CONFIDENCE, 0.8 * float(np.median(take.confidence)))
    return np.flatnonzero((take.gaps == Gap.NONE) & sure)


def crops(plate: Plate, take: Take, rows: Container[int], size: int) -> Iterator[tuple[int, FloatArray]]:
    """The crops of some rows of a take in their order, float32 [size, size, 3] 0..1 in reference colours.

    Args:
        plate: the take's plate, open.
        rows: which rows; damaged frames are left out
        size: side of the crop in pixels, the actor's.
    """
    wanted = {int(number): row for row, number in enumerate(take.numbers) if row in rows}
    if not wanted:
        return
    for frame in plate.frames(min(wanted), max(wanted) + 1):
        row = wanted.get(frame.number)
        if row is not None and not frame.damaged:
            seen = sample(frame.rgb, take.crop[row], size) / np.float32(255)
            yield row, np.clip(colour.apply(seen, take.colour[row]), 0, 1)
