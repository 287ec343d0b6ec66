"""Curves as Blender keeps them, keys with two handles each; and parts of an older one put into a newer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .types import require_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .types import FloatArray, RigOwner

    Bytes = NDArray[np.uint8]
    Numbers = NDArray[np.floating[Any]]
    Span = tuple[float, float]
    Address = tuple[RigOwner, str, str, int]
    """Owner, object, data path and index of a curve."""

CONSTANT: Final = 0
LINEAR: Final = 1
BEZIER: Final = 2
FREE: Final = 0
ALIGNED: Final = 3
"""Numbers of Keyframe.interpolation, and of the types of its handles."""


@dataclass(frozen=True)
class BezierCurve:
    """Keys in ascending order: `keys`, `left` and `right` float32 [K, 2] (frame, value) of the key and of its
    handles; `interpolation` uint8 [K] up to the next key; `handle_types` uint8 [K, 2] left and right."""

    keys: FloatArray
    left: FloatArray
    right: FloatArray
    interpolation: Bytes
    handle_types: Bytes

    def __post_init__(self) -> None:
        for name in ("keys", "left", "right"):
            require_shape(name, getattr(self, name), (len(self.interpolation), 2))

    @property
    def frames(self) -> FloatArray:
        """float32 [K]."""
        return self.keys[:, 0]


@dataclass(frozen=True)
class KeyedCurve:
    """One animation curve with its handles. `object`, `data_path`, `index` as in `types.RigCurve`."""

    owner: RigOwner
    object: str
    data_path: str
    index: int
    curve: BezierCurve
    spans: tuple[Span, ...] = ()
    """Frames (first, last) in which the keys are a person's own and not computed."""

    @property
    def address(self) -> Address:
        """Which property is animated."""
        return self.owner, self.object, self.data_path, self.index


def through(frames: Numbers, values: Numbers, slopes: Numbers | None = None) -> BezierCurve:
    """Keys at values: with slopes (per frame) smooth, without them joined by lines. All [K].

    Handles reach a third of the way to the next key, so that frames run evenly along the curve.
    """
    gaps = np.diff(frames) / 3.0
    edge = gaps[:1] if len(gaps) else np.ones(1)
    before = np.concatenate([edge, gaps])
    after = np.concatenate([gaps, gaps[-1:] if len(gaps) else edge])
    steep = np.zeros(len(frames)) if slopes is None else slopes
    kind = BEZIER if slopes is not None else LINEAR
    return BezierCurve(
        np.column_stack([frames, values]).astype(np.float32),
        np.column_stack([frames - before, values - before * steep]).astype(np.float32),
        np.column_stack([frames + after, values + after * steep]).astype(np.float32),
        np.full(len(frames), kind, np.uint8),
        np.full((len(frames), 2), ALIGNED if slopes is not None else FREE, np.uint8),
    )


def nothing() -> BezierCurve:
    """A curve without keys."""
    none = np.zeros(0)
    return through(none, none, none)


def enclosing(curve: BezierCurve, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Each span grown to the keys of the curve around it, and overlapping ones joined.

    Between two of its own keys a curve keeps its shape whatever is done to the rest of it. A span that
    reaches beyond the first or the last key keeps that end.
    """
    frames = curve.frames
    grown: list[Span] = []
    for first, last in sorted(spans):
        before, after = frames[frames <= first], frames[frames >= last]
        start = float(before[-1]) if len(before) else first
        end = float(after[0]) if len(after) else last
        if grown and start < grown[-1][1]:
            grown[-1] = (grown[-1][0], max(end, grown[-1][1]))
        else:
            grown.append((start, end))
    return tuple(grown)


def spliced(new: BezierCurve, old: BezierCurve, spans: Sequence[Span]) -> BezierCurve:
    """`new` with the keys of `old` inside the spans (both ends included; see `enclosing`)."""
    made = new
    for first, last in spans:
        frames = made.frames
        parts = (_where(made, frames < first), _held(old, first, last), _where(made, frames > last))
        made = _joined(parts)
    return made


def shifted(curve: BezierCurve, frames: float) -> BezierCurve:
    """The same curve later by some frames."""
    by = np.array([frames, 0.0], np.float32)
    return replace(curve, keys=curve.keys + by, left=curve.left + by, right=curve.right + by)


def value_at_end(curve: BezierCurve, frame: float) -> float:
    """The value at a frame on which a key stands, or beyond the outermost keys."""
    return float(np.interp(frame, curve.frames, curve.keys[:, 1]))


def _held(old: BezierCurve, first: float, last: float) -> BezierCurve:
    """The keys of the span, with level ones where it reaches beyond the outermost keys."""
    inside = _where(old, (old.frames >= first) & (old.frames <= last))
    parts = [inside]
    for frame, beyond in ((first, first < old.frames[0]), (last, last > old.frames[-1])):
        if beyond:
            at, value = np.array([frame], np.float32), np.array([value_at_end(old, frame)], np.float32)
            level = through(at, value, np.zeros(1, np.float32))
            parts.insert(0 if frame == first else len(parts), level)
    return _joined(parts)


def _where(curve: BezierCurve, mask: NDArray[np.bool_]) -> BezierCurve:
    return replace(
        curve,
        keys=curve.keys[mask],
        left=curve.left[mask],
        right=curve.right[mask],
        interpolation=curve.interpolation[mask],
        handle_types=curve.handle_types[mask],
    )


def _joined(parts: Sequence[BezierCurve]) -> BezierCurve:
    return BezierCurve(
        np.concatenate([p.keys for p in parts]),
        np.concatenate([p.left for p in parts]),
        np.concatenate([p.right for p in parts]),
        np.concatenate([p.interpolation for p in parts]),
        np.concatenate([p.handle_types for p in parts]),
    )
