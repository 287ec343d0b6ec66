"""From the lines kept with a character to its keys, without the model: what runs while a slider moves.

Every line is shaped by the controls and sampled on the frames of the scene; there the guarantees are kept, so
that a contact is a frame that is shown. Then the lines are joined, the eyes blink, the rig follows and the
curves are thinned. Knows nothing of Blender and may run in a thread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .alignment import SegmentStream
from .bezier import BezierCurve, KeyedCurve, enclosing, nothing, spliced, through, value_at_end
from .channels import ARKIT_52, BLINK, HEAD, UPPER_FACE
from .compose import compose
from .contacts import STILL_FROM_S, SegmentFeed, keep_guarantees
from .curves import STRENGTH_MAX, apply_controls, sample_motion
from .errors import UsageError
from .key_reduction import TOLERANCE, reduce_keys
from .lip_basis import CHANNELS_MM, lip_curves
from .motion_pack import unpack
from .performance.blinks import add_blinks
from .pipeline import AnimateSettings, collect, with_eyes
from .retarget import retarget
from .timing import first_step_at_or_after
from .types import FaceMotion
from .visemes import VISEMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .bezier import Address, Span
    from .curves import MotionControls
    from .motion import Spoken
    from .performance.direction import Direction
    from .performance.perform import Performed
    from .types import FloatArray, FrameRate, RigCurve, RigMap
    from .visemes import Segment

BLEND_S = 0.1
"""Time in which a curve moves over from what is computed to keys that are kept."""
_CORNERS = tuple(c for c in ARKIT_52 if c.startswith(("mouthSmile", "mouthFrown", "mouthDimple")))
_QUICK = (*BLINK, *(c for c in ARKIT_52 if c.startswith("eyeLook")))
_SLOW = frozenset((*HEAD, *UPPER_FACE, *_CORNERS)) - frozenset(_QUICK)
"""What a performance lets go slowly at the end of a line."""


@dataclass(frozen=True)
class Accent:
    """A sentence that is played stronger or weaker than the rest of its line."""

    start_s: float
    end_s: float
    """In seconds of the sound; the strengths come and go within silences, over `BLEND_S`."""
    lower_face: float = 1.0
    upper_face: float = 1.0
    """Factors on top of the character's strengths, 0..4."""


@dataclass(frozen=True)
class Line:
    """A line and its place on the frames of a scene."""

    packed: bytes
    """See `motion_pack`."""
    start_frame: float
    """Frame on which the sound's time 0 lies, audible or not."""
    audible: tuple[float, float] | None = None
    """First frame that plays and first that no longer does; None for all of the sound."""
    line_id: str = ""
    accents: tuple[Accent, ...] = ()
    direction: Direction | None = None
    """How it is performed, in seconds of the sound; None for the plan's."""


@dataclass(frozen=True)
class Kept:
    """A curve as it was made, and the frames in which it has to stay so."""

    curve: BezierCurve
    spans: tuple[Span, ...]
    is_hand: bool = True
    """A person changed keys here; otherwise the frames are protected, as long as the protection lasts."""


@dataclass(frozen=True)
class Plan:
    """Everything that decides the keys of a character."""

    lines: tuple[Line, ...]
    settings: AnimateSettings
    """`rate_hz` and `hold_s` are not used: rows are frames. `text` was used when the lines were heard."""
    maps: tuple[RigMap, ...]
    rate: FrameRate
    seed: int = 0
    """Seed of the blinks."""
    tolerance: float | None = TOLERANCE
    """Largest error of a thinned curve on a frame; None for a key on every frame."""
    kept: Mapping[Address, tuple[Kept, ...]] | None = None
    direction: Direction | None = None
    """How lines without one of their own are performed, in seconds from frame 0; None: lips and blinks."""


def build(plan: Plan) -> tuple[KeyedCurve, ...]:
    """The keys of a character.

    Raises:
        UsageError: no part of a line plays on a whole frame, or the kept motion is damaged.
    """
    motion = face_motion(plan)
    if motion is None:
        return ()
    curves = [curve for rig_map in plan.maps for curve in retarget(motion, rig_map, plan.rate, 0.0)]
    return _keyed(curves, _bounds(plan, motion, curves), plan) if curves else ()


def line_frames(line: Line, rate: FrameRate) -> tuple[int, int]:
    """First and last whole frame that a line plays on.

    Raises:
        UsageError: there is none, or the kept motion is damaged.
    """
    frames = _frames(line, _unpacked(line.packed)[0].motion, rate.hz)
    return int(frames[0]), int(frames[-1])


def sounds(line: Line) -> tuple[Segment, ...]:
    """Every sound that is said, in seconds of the sound file, told by a text or cues or else by ear.

    Raises:
        UsageError: the kept motion is damaged.
    """
    return _unpacked(line.packed)[1]


def sentences(line: Line) -> list[tuple[float, float]]:
    """Begin and end of each sentence, in seconds of the sound: between silences of `STILL_FROM_S` and more.

    Raises:
        UsageError: the kept motion is damaged.
    """
    found: list[tuple[float, float]] = []
    for segment in sounds(line):
        if segment.viseme == VISEMES.index("sil"):
            continue
        if found and segment.start_s - found[-1][1] < STILL_FROM_S:
            found[-1] = (found[-1][0], segment.end_s)
        else:
            found.append((segment.start_s, segment.end_s))
    return found


def with_line(plan: Plan, line: Line) -> Plan:
    """The plan with a line in place of the one with its id, or with one more."""
    ids = [known.line_id for known in plan.lines]
    lines = [line if known.line_id == line.line_id else known for known in plan.lines]
    return replace(plan, lines=tuple(lines if line.line_id in ids else [*lines, line]))


def same(one: Plan, other: Plan) -> bool:
    """Whether two plans give the same keys, the maps aside."""
    return _essence(one) == _essence(other)


def _essence(plan: Plan) -> tuple[object, ...]:
    kept = [
        (at, k.spans, k.curve.keys.tobytes(), k.curve.left.tobytes(), k.curve.right.tobytes())
        for at, of_curve in (plan.kept or {}).items()
        for k in of_curve
    ]
    return plan.lines, plan.settings, plan.rate, plan.seed, plan.tolerance, kept, plan.direction


def face_motion(plan: Plan) -> FaceMotion | None:
    """All lines as one motion: one row per frame, time 0 at frame 0; None without a line.

    Within a line that has a direction its eyes blink as that says, elsewhere as the plan's seed says.
    """
    shaped = [_on_frames(line, plan) for line in plan.lines]
    if not shaped:
        return None
    directed = [_direction_of(line, plan) is not None for line in plan.lines]
    if not any(directed):
        return with_eyes(compose(shaped), plan.settings, plan.seed, whole_blinks=True)
    motion = compose([_with_head(motion) for motion in shaped], slow=_SLOW)
    own = np.zeros(len(motion.values), bool)
    for made, is_directed in zip(shaped, directed, strict=True):
        first = round((made.start_s - motion.start_s) * motion.rate_hz)
        own[first : first + len(made.values)] |= is_directed
    if plan.settings.blinks:
        motion = _blinking_beside(motion, own, plan)
    return with_eyes(motion, replace(plan.settings, blinks=False), plan.seed)


def _blinking_beside(motion: FaceMotion, own: NDArray[np.bool_], plan: Plan) -> FaceMotion:
    """Blinks in the rows that are not `own` [T] of lines that have theirs."""
    values = motion.values.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[True], own, [True]])))
    for first, stop in edges.reshape(-1, 2):
        start_s = motion.start_s + first / motion.rate_hz
        span = replace(motion, values=values[first:stop], start_s=start_s)
        strength = plan.settings.blink_strength
        values[first:stop] = add_blinks(span, plan.seed, strength, whole_only=True).values
    return replace(motion, values=values)


def _with_head(motion: FaceMotion) -> FaceMotion:
    """With the channels of the head, at rest in a line that has none."""
    if set(HEAD) <= set(motion.channels):
        return motion
    still = np.zeros((len(motion.values), len(HEAD)), np.float32)
    return replace(motion, values=np.hstack([motion.values, still]), channels=(*motion.channels, *HEAD))


@lru_cache(maxsize=64)
def _unpacked(packed: bytes) -> tuple[Spoken, tuple[Segment, ...], bool]:
    """What is kept of a line, when each sound is said, and whether a text told that."""
    spoken, segments = unpack(packed)
    if segments is not None:
        return spoken, segments, True
    stream = SegmentStream(spoken.motion.rate_hz)
    return spoken, (*stream.feed(spoken.visemes), *stream.finish()), False


@lru_cache(maxsize=64)
def _performed(packed: bytes, direction: Direction, head_gain: float) -> Performed:
    """A line performed, before the controls."""
    from .performance.perform import load_performance_models, perform_line  # only here: Blender starts faster

    return perform_line(_unpacked(packed)[0], direction, load_performance_models(), head_gain)


@lru_cache(maxsize=64)
def _shaped(
    packed: bytes, controls: MotionControls, accents: tuple[Accent, ...], direction: Direction | None
) -> FaceMotion:
    """The motion of a line with the controls applied, but for the delay."""
    controls = replace(controls, prediction_delay_s=0.0)
    if direction is None:
        raw = _unpacked(packed)[0].motion
    else:
        raw = _performed(packed, direction, controls.head).motion
    motion = apply_controls(raw, controls)
    for accent in accents:
        lower = min(controls.lower_face * accent.lower_face, STRENGTH_MAX)
        upper = min(controls.upper_face * accent.upper_face, STRENGTH_MAX)
        played = apply_controls(raw, replace(controls, lower_face=lower, upper_face=upper))
        away_s = np.maximum(accent.start_s - raw.times_s, raw.times_s - accent.end_s)
        share = np.clip(1.0 - away_s / BLEND_S, 0.0, 1.0).astype(np.float32)[:, None]
        motion = replace(motion, values=motion.values + share * (played.values - motion.values))
    return motion


def _direction_of(line: Line, plan: Plan) -> Direction | None:
    """How a line is performed, in seconds of its sound; curves that were recorded are played as they are."""
    _, segments, told = _unpacked(line.packed)
    if told and not segments:
        return None
    if line.direction is not None or plan.direction is None:
        return line.direction
    return plan.direction.shifted(-line.start_frame / plan.rate.hz)


def _on_frames(line: Line, plan: Plan) -> FaceMotion:
    """The audible part of one line, one row per frame; with a direction, its eyes blink."""
    _, segments, by_text = _unpacked(line.packed)
    controls, hz, direction = plan.settings.controls, plan.rate.hz, _direction_of(line, plan)
    motion = _shaped(line.packed, controls, line.accents, direction)
    delay_s = controls.prediction_delay_s
    frames = _frames(line, motion, hz)
    sound_s = (frames - line.start_frame) / hz - delay_s
    sampled = FaceMotion(sample_motion(motion, sound_s), motion.channels, hz, frames[0] / hz)
    guarantees = replace(plan.settings, hold_s=0.0).guarantees(by_text=by_text)
    if guarantees:
        feed = SegmentFeed(delay_s + line.start_frame / hz)
        feed.add(segments, np.inf)
        sampled = collect(keep_guarantees([sampled], feed, guarantees))
    if direction is None or not plan.settings.blinks:
        return sampled
    blinking = add_blinks(
        replace(sampled, start_s=float(sound_s[0])),
        direction.draw.eyes,
        plan.settings.blink_strength,
        whole_only=True,
        cues=_performed(line.packed, direction, controls.head).blinks,
    )
    return replace(blinking, start_s=sampled.start_s)


def _frames(line: Line, motion: FaceMotion, hz: float) -> NDArray[np.float64]:
    """The whole frames that a line covers; the nearest one where it is too short for any."""
    begin = line.start_frame + motion.start_s * hz
    end = begin + (len(motion.values) - 1) / motion.rate_hz * hz
    first, last = first_step_at_or_after(begin, 1.0), -first_step_at_or_after(-end, 1.0)
    if last < first:
        first = last = math.floor((begin + end) / 2 + 0.5)
    if line.audible is not None:
        first = max(first, first_step_at_or_after(line.audible[0], 1.0))
        last = min(last, first_step_at_or_after(line.audible[1], 1.0) - 1)
        if last < first:
            raise UsageError(
                "No part of the sound plays on a whole frame of the strip", "Make the strip longer"
            )
    return np.arange(first, last + 1, dtype=np.float64)


def _bounds(plan: Plan, motion: FaceMotion, curves: Sequence[RigCurve]) -> NDArray[np.float64] | None:
    """float64 [N, K], how far each curve may be off on each frame; None for dense keys.

    Where the lips meet, all that moves them together may part them by no more than they are pressed.
    """
    if plan.tolerance is None:
        return None
    bounds = np.full((len(motion.values), len(curves)), plan.tolerance)
    apart_mm, _ = lip_curves(motion.values, motion.channels)
    met = np.flatnonzero(apart_mm <= 0.0)
    room = np.maximum(-apart_mm[met], 1e-3) / sum(abs(mm) for mm, _ in CHANNELS_MM.values())
    gains = {
        (target.object, target.data_path): abs(target.gain)
        for rig_map in plan.maps
        for target in rig_map.targets
        if target.channel in CHANNELS_MM and target.gain
    }
    for column, curve in enumerate(curves):
        gain = gains.get((curve.object, curve.data_path))
        if gain is not None:
            bounds[met, column] = np.minimum(plan.tolerance, room * gain)
    return bounds


def _keyed(
    curves: Sequence[RigCurve], bounds: NDArray[np.float64] | None, plan: Plan
) -> tuple[KeyedCurve, ...]:
    frames = curves[0].frames.astype(np.float64)
    values = np.column_stack([curve.values for curve in curves])
    hold = np.zeros(values.shape, bool)
    kept = {at: [_grown(k) for k in of_curve] for at, of_curve in (plan.kept or {}).items()}
    for column, curve in enumerate(curves):
        for piece in kept.get(_address(curve), ()):
            values[:, column] = _led_over(values[:, column], frames, piece, BLEND_S * plan.rate.hz)
            beside = [f for a, b in piece.spans for f in (math.ceil(a) - 1, math.floor(b) + 1)]
            hold[:, column] |= np.isin(frames, beside)
    if bounds is None:
        made = [through(frames, values[:, column]) for column in range(len(curves))]
    else:
        made = [through(k.frames, k.values, k.slopes) for k in reduce_keys(frames, values, bounds, hold)]
    keyed = [
        _with(KeyedCurve(*_address(curve), new), kept.pop(_address(curve), ()))
        for curve, new in zip(curves, made, strict=True)
    ]
    # What a person keyed on a curve that nothing drives any more is not ours to drop.
    keyed += [_with(KeyedCurve(*at, nothing()), of_curve) for at, of_curve in kept.items()]
    return tuple(keyed)


def _grown(kept: Kept) -> Kept:
    return replace(kept, spans=enclosing(kept.curve, kept.spans))


def _with(made: KeyedCurve, kept: Sequence[Kept]) -> KeyedCurve:
    curve = made.curve
    for piece in kept:
        curve = spliced(curve, piece.curve, piece.spans)
    return replace(made, curve=curve, spans=tuple(s for piece in kept if piece.is_hand for s in piece.spans))


def _address(curve: RigCurve) -> Address:
    return curve.owner, curve.object, curve.data_path, curve.index


def _led_over(values: FloatArray, frames: NDArray[np.float64], kept: Kept, blend: float) -> FloatArray:
    """Values that on their way to and from a kept span meet its outermost keys. [N] -> [N]"""
    made = values.copy()
    for first, last in kept.spans:
        for edge, away in ((first, first - frames), (last, frames - last)):
            outside = (away > 0) & (away <= blend)
            missing = value_at_end(kept.curve, edge) - float(np.interp(edge, frames, values))
            share = 1.0 - away[outside] / blend
            made[outside] += (missing * share * share * (3.0 - 2.0 * share)).astype(np.float32)
    return made
