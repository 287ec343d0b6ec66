"""The photoreal pass: a line laid onto a plate of the actor, painted frame by frame from memory.

    motion -> expression -> keys -> memory -> conditions -> renderer -> crop -> plate -> PassFrame

Frames are streamed: in memory are a handful of them and the memory bank, however long the plate is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from ...channels import ARKIT_52
from ...curves import sample_motion
from ...motion import arkit_motion
from ...performance.ease import ease
from ...types import FaceMotion
from .. import colour
from ..crop import HOLE, crisp, hole, invert, paste, sample, to_crop
from ..media.plate import ahead
from ..memory.bank import keys_of, load_memory
from ..memory.retrieval import nearest, retrieve
from ..speech_map import driven, lead_s, posture
from ..take import load_face, load_take
from ..types import Gap, PassFrame
from .conditioning import Conditioner, mouth_points
from .renderer import load_renderer
from .timeline import Timeline, lay_out, names_of, shown_frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ...types import FloatArray
    from ..folder import Actor
    from ..media.plate import Plate
    from ..types import ActorFace, MemoryBank, PlateFrame, Take
    from .fits import Fit

BATCH: Final = 4
"""Frames painted at a time."""
_LARGE, _FEWER = 192, 6
"""Side of the crop in pixels from which on at most so many patches are looked at: of 8, the last two cost a
quarter of the painting, and bring a tenth of a decibel."""
_FAMILIAR, _STRANGE = 2.5, 9.0
"""Distances from the nearest memory, in units of what lies between its entries, up to which a mouth is well
known and from which on it was never seen."""
_NEAR_DEG, _FAR_DEG = 6.0, 20.0
"""Angles between the head and the nearest that memory holds, likewise."""
_EASED: Final = 4
"""Frames beside a gap over which confidence falls, so that the pass does not come and go at once."""


@dataclass(frozen=True)
class Shot:
    """A take with the mouth that it is to get: `expression` float32 [N, E] for the N frames of `timeline`."""

    take: Take
    timeline: Timeline
    expression: FloatArray

    @property
    def rows(self) -> NDArray[np.int64]:
        """Row of the take of every frame."""
        return self.timeline.rows


@dataclass(frozen=True)
class Plan:
    """What is known of every frame of a shot before any pixel is read: `points` float32 [N, L, 2] of the
    wanted mouth in crop pixels, `indices` int32 and `distances` float32 [N, K] of the memory, `confidence`
    float32 [N] 0..1, and which are gaps of the take [N]."""

    points: FloatArray
    indices: NDArray[np.int32]
    distances: FloatArray
    confidence: FloatArray
    gaps: NDArray[np.bool_]

    def notices(self, numbers: NDArray[np.int32]) -> list[str]:
        """What a user should know, with the frames of the scene by number."""
        said = []
        if self.gaps.any():
            said.append(
                f"The plate shows no usable mouth in {names_of(numbers[self.gaps])}: they are not painted"
            )
        strange = (self.confidence < 0.5) & ~self.gaps
        if strange.any():
            said.append(f"Little is known of the mouth in {names_of(numbers[strange])}: low confidence")
        return said


def shot_of(
    face: ActorFace,
    take: Take,
    motion: FaceMotion | None,
    rate_hz: float,
    start_frame: int,
    fit: Fit = "pingpong",
) -> Shot:
    """Lay a line over a take.

    Args:
        face: the actor's.
        take: of the plate.
        motion: the line, at any rate, with time 0 at the first frame; None for what the plate itself says.
        rate_hz: frames per second of the scene.
        start_frame: number of the first frame in the scene.
        fit: see `fits.FITS`.
    """
    if motion is None:
        timeline = lay_out(len(take), None, rate_hz, start_frame, fit)
        return Shot(take, timeline, take.expression[timeline.rows])
    line_s = motion.start_s + len(motion.values) / motion.rate_hz
    timeline = lay_out(len(take), line_s, rate_hz, start_frame, fit)
    values = sample_motion(arkit_motion(motion), timeline.times_s + lead_s(take))
    line = FaceMotion(values, ARKIT_52, rate_hz)
    return Shot(take, timeline, driven(face, line, posture(face, take)[timeline.rows]))


@dataclass(frozen=True)
class _Seen:
    """A take without its landmarks: `angles` float32 [T, 2] as of `view_angles`."""

    plate_sha256: str
    numbers: NDArray[np.int32]
    angles: FloatArray


class Painter:
    """Paints an actor's mouth: face, memory and renderer, opened once.

    Args:
        actor: with a face, a memory and a trained renderer.
        threads: CPU threads of the renderer.
        renderer: another weight file than the actor's own.

    Raises:
        ActorError, ModelError: something is missing, damaged, or they do not belong together.
    """

    def __init__(self, actor: Actor, threads: int = 2, renderer: Path | None = None) -> None:
        self.actor = actor
        self.face = load_face(actor)
        self.bank = load_memory(actor)
        self.renderer = load_renderer(renderer or actor.renderer, self.bank, threads=threads)
        self.conditioner = Conditioner(self.bank)
        self.size = self.conditioner.size
        self.hole = hole(self.size)
        self._unit = _spacing(self.bank)

    def plan(self, shot: Shot, *, without: NDArray[np.bool_] | None = None) -> Plan:
        """Everything about a shot but its pixels; `without` as for `retrieval.retrieve`."""
        take, rows = shot.take, shot.rows
        head = take.head[rows]
        keys = keys_of(self.face, shot.expression, head)
        most = self.renderer.patches if self.size < _LARGE else min(self.renderer.patches, _FEWER)
        count = min(most, len(self.bank))
        indices, distances = retrieve(self.bank, keys, count, without=without)
        points = mouth_points(self.face, shot.expression, head, take.focal_px, take.size, take.crop[rows])
        gaps = take.gaps[rows] != Gap.NONE
        sure = take.confidence[rows] * self.familiarity(distances.min(1))
        if take.plate_sha256 not in {seen.plate_sha256 for seen in self._seen.values()}:
            sure = sure * self.turned_as_seen(head)
        return Plan(points, indices, distances, eased(np.where(gaps, 0, sure)), gaps)

    def familiarity(self, distances: FloatArray) -> FloatArray:
        """float32 [N] 0..1 of distances to the nearest memory: 1 is well known."""
        return _fading(distances / self._unit, _FAMILIAR, _STRANGE)

    def turned_as_seen(self, head: FloatArray) -> FloatArray:
        """float32 [N] 0..1 of head poses [N, 4, 4]: 1 where memory saw the head turned alike."""
        seen, wanted = self._seen_angles(), view_angles(head)
        apart = np.hypot(*(wanted[:, None] - seen[None]).transpose(2, 0, 1)).min(1)
        return _fading(apart, _NEAR_DEG, _FAR_DEG)

    def paint(
        self, crops: FloatArray, points: FloatArray, indices: NDArray[np.int32], distances: FloatArray
    ) -> FloatArray:
        """float32 [B, S, S, 3] 0..1 in reference colours; arguments as of `Conditioner.conditions`."""
        painted = self.renderer.paint(self.conditioner.conditions(crops, points, indices, distances))
        return np.asarray(painted, np.float32)

    @cached_property
    def _seen(self) -> dict[str, _Seen]:
        """Of the takes that memory was built from and that are still there, what a plan asks for."""
        kept: dict[str, _Seen] = {}
        for name in self.bank.takes:
            if name in self.actor.takes:
                take = load_take(self.actor, name)
                kept[name] = _Seen(take.plate_sha256, take.numbers, view_angles(take.head))
        return kept

    def _seen_angles(self) -> FloatArray:
        """float32 [A, 2] of the entries whose takes are still there, in whole degrees, each once."""
        angles = [np.zeros((1, 2), np.float32)]
        for number, name in enumerate(self.bank.takes):
            if name in self._seen:
                rows = np.isin(self._seen[name].numbers, self.bank.frame[self.bank.take == number])
                angles.append(self._seen[name].angles[rows])
        known = np.concatenate(angles[1:] or angles)
        return np.asarray(np.unique(np.rint(known), axis=0), np.float32)


def paint_shot(
    painter: Painter, shot: Shot, plan: Plan, plate: Plate, wanted: Sequence[int]
) -> Iterator[PassFrame]:
    """Paint some frames of a shot.

    Args:
        painter: of the actor.
        shot, plan: what is to be painted.
        plate: the take's plate, open.
        wanted: which of the timeline's frames, counted from 0, ascending.

    Yields:
        One frame for each of `wanted`, in order.
    """
    rows = shot.rows
    shown = ahead(shown_frames(plate, [int(shot.take.numbers[rows[i]]) for i in wanted]))
    waiting = zip(wanted, shown, strict=True)
    while batch := list(islice(waiting, BATCH)):
        lit = [(i, frame) for i, frame in batch if not plan.gaps[i] and not frame.damaged]
        painted = dict(zip((i for i, _ in lit), _painted(painter, shot, plan, lit), strict=True))
        for i, frame in batch:
            number = int(shot.timeline.numbers[i])
            if i in painted:
                yield _laid_back(painter, shot, plan, i, frame, painted[i])
            else:
                yield empty_frame(number, frame.rgb.shape[1], frame.rgb.shape[0])


def empty_frame(number: int, width: int, height: int) -> PassFrame:
    """A frame in which nothing is painted."""
    nothing = np.zeros((height, width), np.float32)
    return PassFrame(number, np.zeros((height, width, 3), np.float16), nothing, nothing, (0, 0, 0, 0))


def _painted(painter: Painter, shot: Shot, plan: Plan, lit: list[tuple[int, PlateFrame]]) -> list[FloatArray]:
    """float32 [S, S, 3] in the plate's colours, for each frame."""
    if not lit:
        return []
    take = shot.take
    at = np.array([i for i, _ in lit])
    rows = shot.rows[at]
    seen = [
        colour.apply(sample(frame.rgb, take.crop[row], painter.size) / np.float32(255), take.colour[row])
        for row, (_, frame) in zip(rows, lit, strict=True)
    ]
    crops = np.clip(np.stack(seen), 0, 1)
    made = painter.paint(crops, plan.points[at], plan.indices[at], plan.distances[at])
    return [colour.undo(rgb, take.colour[row]) for row, rgb in zip(rows, made, strict=True)]


def _laid_back(
    painter: Painter, shot: Shot, plan: Plan, i: int, frame: PlateFrame, patch: FloatArray
) -> PassFrame:
    """A painted crop in the plate's frame. Beyond the matte lie the plate's own pixels, so that a matte
    that is softened or grown later has something to show."""
    height, width = frame.rgb.shape[:2]
    transform = shot.take.crop[shot.rows[i]]
    box = hole_box(transform, painter.size, width, height)
    left, top, right, bottom = box
    inside = np.s_[top:bottom, left:right]
    # Colours and matte in one go: where the pixels lie is worked out once.
    both = np.clip(paste(np.dstack([crisp(patch), painter.hole]), transform, box), 0, 1)
    matte = both[..., 3]
    around = frame.rgb[inside].astype(np.float32) / 255
    rgb = np.where(matte[..., None] > 0, both[..., :3], around)
    out = empty_frame(int(shot.timeline.numbers[i]), width, height)
    out.rgb[inside] = colour.to_linear(rgb)
    confidence = np.zeros((height, width), np.float32)
    out.matte[inside] = matte
    confidence[inside] = plan.confidence[i]
    return PassFrame(out.number, out.rgb, out.matte, confidence, box)


def hole_box(transform: FloatArray, size: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom (exclusive) of the plate's pixels under the crop's hole, with a margin."""
    margin = 0.02
    left, top, right, bottom = (HOLE + np.array([-margin, -margin, margin, margin])) * size
    corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]], np.float32)
    placed = to_crop(corners, invert(transform))
    low, high = np.floor(placed.min(0)).astype(int), np.ceil(placed.max(0)).astype(int)
    x0, y0 = (int(np.clip(v, 0, n)) for v, n in zip(low, (width, height), strict=True))
    x1, y1 = (int(np.clip(v, 0, n)) for v, n in zip(high, (width, height), strict=True))
    return x0, y0, max(x1, x0), max(y1, y0)


def view_angles(head: FloatArray) -> FloatArray:
    """float32 [T, 2] yaw and pitch in degrees from which the camera sees a head, of poses [T, 4, 4] camera
    <- head (a scale in them does not matter): 0, 0 is from the front, wherever in the picture the head
    stands."""
    pose = np.asarray(head, np.float64)
    towards = -np.einsum("tji,tj->ti", pose[:, :3, :3], pose[:, :3, 3])
    towards = towards / np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-12)
    yaw = np.arctan2(towards[:, 0], towards[:, 2])
    pitch = np.arcsin(np.clip(towards[:, 1], -1, 1))
    return np.asarray(np.degrees(np.stack([yaw, pitch], 1)), np.float32)


def eased(confidence: FloatArray) -> FloatArray:
    """float32 [N] that nowhere falls to 0 or rises from it at once: beside a 0 it is at most 1 / `_EASED`,
    two frames away twice that, and so on."""
    known = np.asarray(confidence, np.float32)
    zeros = np.flatnonzero(known <= 0)
    if not len(zeros):
        return known
    steps = np.arange(len(known))
    place = np.searchsorted(zeros, steps)
    after = zeros[np.minimum(place, len(zeros) - 1)]
    before = zeros[np.maximum(place - 1, 0)]
    away = np.minimum(np.abs(after - steps), np.abs(steps - before))
    return np.asarray(np.minimum(known, away / np.float32(_EASED)), np.float32)


def _fading(values: FloatArray, full: float, none: float) -> FloatArray:
    """1 up to `full`, 0 from `none` on, smooth between."""
    return np.asarray(ease((none - np.asarray(values, np.float64)) / (none - full)), np.float32)


def _spacing(bank: MemoryBank) -> float:
    """How far apart neighbours in memory lie, typically; 1 where there is one entry only."""
    if len(bank) < 2:
        return 1.0
    some = bank.keys[:: max(1, len(bank) // 500)]
    _, distances = nearest(bank, some, 2)
    return max(float(np.quantile(distances[:, 1], 0.9)), 1e-6)
