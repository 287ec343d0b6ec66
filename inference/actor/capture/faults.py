"""Which frames of a plate cannot be used, and why: gaps, cuts, and whether enough is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..crop import shots
from ..folder import ActorError
from ..frames import listed, ranges
from ..types import Gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...types import FloatArray
    from .observe import Observed

SHORTEST_S: Final = 2.0
"""Seconds of usable frames that a take must have."""
_CUT_CHANGE: Final = 0.055
"""Mean change of the thumbnail's values 0..1 from one frame to the next that may be a cut."""
_CUT_RATIO: Final = 5.0
"""And how many times the changes round it that must be."""
_NEAR: Final = 12
_BLURRED: Final = 0.35
"""Share of the usual detail below which a frame is blurred by motion."""
_FARTHEST_TURN_RAD: Final = np.radians(50.0)
_EASY_TURN_RAD: Final = np.radians(30.0)


class PlateRefused(ActorError):  # noqa: N818 - a verdict
    """A plate that shows too little of one face."""


def find_cuts(observed: Observed) -> tuple[int, ...]:
    """Rows that start a new shot: the whole picture changes, and much more than before and after."""
    thumbs = observed.thumbs.astype(np.float32) / 255.0
    if len(thumbs) < 2:
        return ()
    change = np.abs(np.diff(thumbs, axis=0)).mean((1, 2, 3))
    cuts = []
    for row in np.flatnonzero(change > _CUT_CHANGE):
        round_it = np.delete(change[max(0, row - _NEAR) : row + _NEAR + 1], min(row, _NEAR))
        usual = float(np.median(round_it)) if len(round_it) else 0.0
        if change[row] > _CUT_RATIO * usual and change[row] >= change[max(0, row - 1) : row + 2].max():
            cuts.append(int(row) + 1)
    return tuple(cuts)


def find_gaps(
    observed: Observed, head: FloatArray | None = None, covered: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """`Gap` per frame, uint8 [T].

    Args:
        head: float32 [T, 4, 4] camera <- head, where the face is fitted already.
        covered: bool [T], where the mouth does not look like a mouth.
    """
    gaps = np.zeros(len(observed), np.uint8)

    def mark(rows: NDArray[np.bool_], gap: Gap) -> None:
        gaps[rows & (gaps == Gap.NONE)] = gap

    mark(observed.damaged, Gap.DAMAGED)
    mark(observed.faces == 0, Gap.NO_FACE)
    mark(observed.faces > 1, Gap.SEVERAL_FACES)
    if head is not None:
        mark(turn_rad(head) > _FARTHEST_TURN_RAD, Gap.TURNED_AWAY)
    mark(relative_sharpness(observed, gaps, find_cuts(observed)) < _BLURRED, Gap.BLURRED)
    if covered is not None:  # last, as what is smeared looks strange, too
        mark(covered, Gap.COVERED_MOUTH)
    return gaps


def relative_sharpness(observed: Observed, gaps: NDArray[np.uint8], cuts: Sequence[int] = ()) -> FloatArray:
    """Detail relative to what is usual in the shot, float32 [T]; 1 where that is not known."""
    out = np.ones(len(observed), np.float32)
    for first, stop in shots(cuts, len(observed)):
        values = observed.sharpness[first:stop]
        good = np.isfinite(values) & (gaps[first:stop] == Gap.NONE)
        if good.any():
            usual = max(float(np.median(values[good])), 1e-9)
            out[first:stop] = np.where(np.isfinite(values), values / usual, 1.0)
    return out


def turn_rad(head: FloatArray) -> FloatArray:
    """How far the face looks away from the camera, float32 [T] radians."""
    towards = -head[:, :3, 3] / np.linalg.norm(head[:, :3, 3], axis=1, keepdims=True)
    cosine = (head[:, :3, 2] * towards).sum(1)
    return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)), np.float32)


def confidence(
    gaps: NDArray[np.uint8], turn: FloatArray, sharp: FloatArray, strange: FloatArray
) -> FloatArray:
    """How far a frame can be trusted, float32 [T] 0..1: 0 in gaps, less for turned heads, blur and faces that
    the fit does not explain (`strange`: residual relative to the actor's usual one)."""
    easy = 1.0 - np.clip((turn - _EASY_TURN_RAD) / (_FARTHEST_TURN_RAD - _EASY_TURN_RAD), 0.0, 1.0)
    clear = np.clip((sharp - _BLURRED) / (0.8 - _BLURRED), 0.0, 1.0)
    known = np.clip((6.0 - strange) / 3.0, 0.0, 1.0)
    return np.asarray(np.where(gaps == Gap.NONE, easy * clear * known, 0.0), np.float32)


_WHY: Final = {
    Gap.NO_FACE: "no face is seen",
    Gap.SEVERAL_FACES: "several faces are seen",
    Gap.COVERED_MOUTH: "the mouth is covered",
    Gap.BLURRED: "the face is blurred",
    Gap.DAMAGED: "the picture is damaged",
    Gap.TURNED_AWAY: "the face is turned away",
}
_REMEDY: Final = {
    Gap.NO_FACE: "Use a plate on which one face is seen from the front, at least 100 pixels wide",
    Gap.SEVERAL_FACES: "Crop the plate to the one actor who is to be captured",
    Gap.COVERED_MOUTH: "Use a plate on which the mouth is free",
    Gap.BLURRED: "Use a sharper plate",
    Gap.DAMAGED: "Copy or convert the plate again",
    Gap.TURNED_AWAY: "Use a plate on which the face looks towards the camera",
}


def check_usable(observed: Observed, gaps: NDArray[np.uint8]) -> None:
    """Refuse a plate of which most frames, or all but two seconds, cannot be used.

    Raises:
        PlateRefused: with the commonest reason and where it begins.
    """
    name = observed.info.path.name
    usable = int((gaps == Gap.NONE).sum())
    needed = int(np.ceil(SHORTEST_S * observed.info.rate.hz))
    if not len(gaps):
        raise PlateRefused(f"'{name}' has no picture that can be decoded", "Give another plate")
    bad = gaps[gaps != Gap.NONE]
    if usable >= needed and usable * 2 >= len(gaps):
        return
    if not len(bad):
        raise PlateRefused(
            f"'{name}' is too short: {len(gaps)} frames, and a take needs {needed}",
            f"Give a plate of at least {SHORTEST_S:g} seconds",
        )
    main = Gap(int(np.bincount(bad).argmax()))
    raise PlateRefused(
        f"Of the {len(gaps)} frames of '{name}' only {usable} can be used: {_WHY[main]} in "
        f"{frame_ranges(observed.numbers[gaps == main])}",
        _REMEDY[main],
    )


def describe(observed: Observed, gaps: NDArray[np.uint8], cuts: Sequence[int]) -> tuple[str, ...]:
    """One sentence for each kind of gap and for cuts, naming the frames."""
    name = observed.info.path.name
    told = [
        f"'{name}': {_WHY[gap]} in {frame_ranges(observed.numbers[gaps == gap])}"
        for gap in Gap
        if gap in _WHY and (gaps == gap).any()
    ]
    if cuts:
        told.append(f"'{name}' has cuts at {frame_ranges(observed.numbers[list(cuts)])}")
    return tuple(told)


def frame_ranges(numbers: NDArray[np.int32], most: int = 4) -> str:
    """Frame numbers for a person: "frames 3 to 17, 20 and 31 to 40"."""
    parts = ranges(numbers.tolist())
    if len(parts) > most:
        parts = [*parts[: most - 1], f"{len(parts) - most + 1} more places"]
    return ("frame " if len(numbers) == 1 else "frames ") + listed(parts)
