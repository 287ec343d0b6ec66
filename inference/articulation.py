"""Phone times to a moving mouth: dominance functions and the habits of speaking.

Every sound pulls each group of muscles towards its own target with a dominance that rises before the sound,
is held while it lasts and falls after it; the mouth is where the pulls balance (Cohen and Massaro, Modeling
coarticulation in synthetic visual speech, 1993). Which sounds merge, lead, or leave the jaw alone follows
JALI (Edwards, Landreth, Fiume, Singh, SIGGRAPH 2016). The numbers are fitted to filmed speech
(`models/fit_articulation.py`); contacts are made last (`contacts.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .channels import ARKIT_52
from .contacts import Guarantees, SegmentFeed, keep_guarantees
from .errors import ModelError
from .lip_basis import CONTROLS_MM, REST_MM
from .prosody import measure
from .timing import steps_within
from .types import AudioClip, FaceMotion
from .visemes import UNKNOWN, VISEMES, Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

WEIGHTS: Final = Path(__file__).parent / "weights" / "articulation.json"
CONTROLS: Final = (*CONTROLS_MM, "tongueOut")
"""What a mouth is made of here; left and right move alike. The target of mouthClose is a share of jawOpen."""
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "jaw": ("jawOpen",),
    "close": ("mouthClose", "mouthPress", "mouthRollLower", "mouthRollUpper", "mouthShrugLower"),
    "part": ("mouthShrugUpper", "mouthLowerDown", "mouthUpperUp"),
    "shape": ("mouthFunnel", "mouthPucker", "mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch"),
    "tongue": ("tongueOut",),
}
"""Controls that move together: the jaw; lips against each other; lips apart; spread and round; the tongue."""
SHAPES: Final = (*VISEMES, "rest")
"""The classes with targets: a short pause is `sil`; a long one, and what surrounds the line, is `rest`."""
GROUP_OF_CONTROL: Final = [
    next(g for g, members in enumerate(GROUPS.values()) if control in members) for control in CONTROLS
]
FEATURES: Final = ("level_db", "high_db", "pitch_octaves")
"""Of the voice, relative to the line's own middle; see `prosody.Prosody`."""

_REACH = 10
"""Sounds before and after the present one that still pull: a third of a second of the fastest speech."""
_REST_MIN_S = 0.6
_BRIDGED_S = 0.02
"""A shorter gap between two sounds is an aligner's rounding, not a pause."""
_SHORT_OBSTRUENT_S = 0.04
_SHORT_JAW = 0.1
_OBSTRUENTS = tuple(VISEMES.index(name) for name in ("PP", "FF", "TH", "DD", "kk", "CH", "SS"))
_EDGE_S = 0.2
"""`sustain` counts in the first and last so many seconds of a longer sound."""
GAIN = (0.7, 1.3)
CONTACTS: Final = Guarantees(lips_meet=True, lip_to_teeth=True, hold_s=1 / 24)
"""What the sounds demand of the lips; held for a frame of film, so that it falls on one at any rate."""
_JAW_LIMIT = {"SS": 0.15, "CH": 0.18}
"""Jaw of sibilants, whose teeth nearly meet: 0.1 parts the incisors of the neutral head by 3.5 mm, which
overlap by 1.2 mm at rest."""
_LIMIT_HELD, _LIMIT_RAMP_S = (0.2, 0.7), 0.06
_PRESSED_MM = -1.2
"""Closed further than this, lips would pass through each other."""
_TONGUE_MM = 6.0
"""Aperture that a tongue stuck out in full needs."""
_BLOCK = 1_024
_JAW, _CLOSE, _TONGUE = (CONTROLS.index(c) for c in ("jawOpen", "mouthClose", "tongueOut"))
_APERTURE_MM = np.array([*(aperture for aperture, _ in CONTROLS_MM.values()), 0.0])
_SIL, _REST = SHAPES.index("sil"), SHAPES.index("rest")


@dataclass(frozen=True)
class Parameters:
    """What is fitted; V = len(SHAPES), C = len(CONTROLS), G = len(GROUPS).

    `targets` [V, C] weights 0..1 (mouthClose: its share of jawOpen); `magnitude` [V, G], how strongly a
    sound insists; `rise_s`, `fall_s` [V, G] seconds; `sustain` [V, 2], the part of the sound (0 its start, 1
    its end) over which its dominance is full; `strength` [G, F], change of the targets per unit of each of
    FEATURES; `power` of the slopes.
    """

    targets: Any
    magnitude: Any
    rise_s: Any
    fall_s: Any
    sustain: Any
    strength: Any
    power: float


@dataclass(frozen=True)
class Timeline:
    """Sounds that follow each other without gaps: `start_s`, `end_s` [S] seconds, `shape` int [S] into
    SHAPES, `gain` [S, G] factors of the targets, `insist` [S, G] factors of the magnitudes."""

    start_s: Any
    end_s: Any
    shape: Any
    gain: Any
    insist: Any


@lru_cache(maxsize=1)
def shipped_parameters() -> Parameters:
    """The fitted parameters.

    Raises:
        ModelError: the file is missing or damaged.
    """
    try:
        return read_parameters(json.loads(WEIGHTS.read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"'{WEIGHTS}' is missing or damaged ({error})", "Reinstall the extension") from error


def read_parameters(document: dict[str, Any]) -> Parameters:
    """Parameters from the JSON document that `models/fit_articulation.py` writes."""
    shapes = [document["shapes"][name] for name in SHAPES]
    dominance = np.array([[shape["dominance"][group] for group in GROUPS] for shape in shapes], float)
    return Parameters(
        targets=np.array([[shape["targets"].get(c, 0.0) for c in CONTROLS] for shape in shapes], float),
        magnitude=dominance[:, :, 0],
        rise_s=dominance[:, :, 1] / 1000.0,
        fall_s=dominance[:, :, 2] / 1000.0,
        sustain=np.array([shape["sustain"] for shape in shapes], float),
        strength=np.array(
            [[document["strength"][group].get(f, 0.0) for f in FEATURES] for group in GROUPS], float
        ),
        power=float(document["power"]),
    )


def articulate(
    segments: Sequence[Segment],
    duration_s: float,
    rate_hz: float = 50.0,
    clip: AudioClip | Iterable[AudioClip] | None = None,
    parameters: Parameters | None = None,
) -> FaceMotion:
    """The mouth that says these sounds.

    Args:
        segments: in any order; of two that overlap, the earlier one ends where the later one starts. Time
            that no segment covers is silence.
        duration_s: length of the motion in seconds.
        rate_hz: rows per second.
        clip: the sound, whole or in consecutive blocks. Its loudness then opens the jaw, its pitch and its
            high frequencies drive the lips, relative to the line's own middle, by factors of 0.7 to 1.3.
        parameters: None for the shipped ones.

    Returns:
        All 52 ARKit channels, from 0 to `duration_s`; those that speech does not move are 0.
    """
    parameters = parameters or shipped_parameters()
    line = timeline(segments, duration_s)
    if clip is not None:
        features = voice_features(line, [clip] if isinstance(clip, AudioClip) else clip)
        line = replace(line, gain=np.clip(1.0 + features @ parameters.strength.T, *GAIN))
    feed = SegmentFeed()
    sounds = zip(line.start_s.tolist(), line.end_s.tolist(), line.shape.tolist(), strict=True)
    feed.add((Segment(*sound) for sound in sounds if sound[2] != _REST), np.inf)
    rows = steps_within(max(duration_s, 0.0), rate_hz)
    kept = list(keep_guarantees(_mouths(line, parameters, rows, rate_hz), feed, CONTACTS))
    return FaceMotion(np.concatenate([piece.values for piece in kept]), ARKIT_52, rate_hz)


def _mouths(line: Timeline, parameters: Parameters, rows: int, rate_hz: float) -> Iterator[FaceMotion]:
    """The motion in pieces, before the lips make their contacts."""
    drives = [(column, CONTROLS.index(c)) for c in CONTROLS for column in _columns(c)]
    columns, controls = (list(side) for side in zip(*drives, strict=True))
    for start in range(0, rows, _BLOCK):
        times_s = np.arange(start, min(start + _BLOCK, rows)) / rate_hz
        values = np.zeros((len(times_s), len(ARKIT_52)), np.float32)
        values[:, columns] = mouth(times_s, line, parameters)[:, controls]
        yield FaceMotion(values, ARKIT_52, rate_hz, start / rate_hz)


def _columns(control: str) -> list[int]:
    """The ARKit columns that a control drives: its own, or its left and right."""
    return [
        i for i, channel in enumerate(ARKIT_52) if channel in (control, control + "Left", control + "Right")
    ]


def timeline(segments: Iterable[Segment], duration_s: float) -> Timeline:
    """Order the sounds, fill gaps, merge neighbours of one shape; brief obstruents leave the jaw alone."""
    sounds = _filled(_ordered(segments, duration_s), duration_s)
    start_s, end_s = (np.array([sound[i] for sound in sounds], float) for i in (0, 1))
    shape = np.array([sound[2] for sound in sounds], np.int64)
    outer = np.isin(np.arange(len(shape)), (0, len(shape) - 1))
    shape[(shape == _SIL) & (outer | (end_s - start_s >= _REST_MIN_S))] = _REST
    insist = np.ones((len(sounds), len(GROUPS)))
    brief = np.isin(shape, _OBSTRUENTS) & (end_s - start_s < _SHORT_OBSTRUENT_S)
    insist[brief, list(GROUPS).index("jaw")] = _SHORT_JAW
    return Timeline(start_s, end_s, shape, np.ones_like(insist), insist)


def _ordered(segments: Iterable[Segment], duration_s: float) -> list[list[Any]]:
    """[start, end, viseme] inside the line, one after the other. A sound without a shape gives its time to
    the sound after it, or before a pause to the one before."""
    clipped = sorted((max(0.0, s.start_s), min(duration_s, s.end_s), s.viseme) for s in segments)
    inside = [sound for sound in clipped if sound[1] > sound[0]]
    until_s = [*(start_s for start_s, _, _ in inside[1:]), duration_s]
    sounds = [[a, min(b, c), v] for (a, b, v), c in zip(inside, until_s, strict=False) if min(b, c) > a]
    following: list[Any] | None = None
    for i in range(len(sounds) - 1, -1, -1):
        start_s, end_s, viseme = sounds[i]
        if viseme != UNKNOWN:
            following = sounds[i]
        elif following and following[2] != _SIL and following[0] - end_s <= _BRIDGED_S:
            following[0] = start_s
        elif i and sounds[i - 1][2] not in (_SIL, UNKNOWN) and start_s - sounds[i - 1][1] <= _BRIDGED_S:
            sounds[i - 1][1] = end_s
    return [sound for sound in sounds if sound[2] != UNKNOWN]


def _filled(sounds: list[list[Any]], duration_s: float) -> list[list[Any]]:
    """Without gaps from 0 to the end; neighbours of one shape are one sound ("pop man")."""
    filled: list[list[Any]] = []
    for start_s, end_s, viseme in [*sounds, [max(duration_s, 0.0)] * 2 + [_SIL]]:
        at_s = filled[-1][1] if filled else 0.0
        if start_s - at_s > _BRIDGED_S or (not filled and start_s > 0.0):
            _append(filled, at_s, start_s, _SIL)
        elif filled:
            filled[-1][1] = start_s
        _append(filled, start_s, end_s, viseme)
    return filled


def _append(filled: list[list[Any]], start_s: float, end_s: float, viseme: int) -> None:
    if filled and filled[-1][2] == viseme:
        filled[-1][1] = end_s
    elif end_s > start_s or not filled:
        filled.append([start_s, end_s, viseme])


def voice_features(line: Timeline, blocks: Iterable[AudioClip]) -> Array:
    """float64 [S, F] FEATURES of each sound against the median of its kind (vowels, consonants) in the line;
    0 for silence and where the voice has no pitch."""
    features = measure(blocks).during(line.start_s, line.end_s)
    silent = np.isin(line.shape, (_SIL, _REST))
    vowel = line.shape >= VISEMES.index("aa")
    relative = np.zeros_like(features)
    for kind in (vowel & ~silent, ~vowel & ~silent):
        for feature in range(features.shape[1]):
            known = kind & np.isfinite(features[:, feature])
            if known.any():
                relative[known, feature] = features[known, feature] - np.median(features[known, feature])
    return relative


def sounding(times_s: Array, line: Timeline) -> NDArray[np.int64]:
    """int [T]: which sound of the line is heard at each time."""
    return np.maximum(np.searchsorted(line.start_s, times_s, side="right") - 1, 0)


def blend(
    times_s: Any, here: Any, line: Timeline, parameters: Parameters, exp: Callable[[Any], Any] = np.exp
) -> Any:
    """Balance of all pulls: [T, C] controls; mouthClose still as a share of jawOpen, contacts not yet made.

    Training runs this very function on torch tensors (then all arguments are, and `exp` is torch's).

    Args:
        times_s: [T] seconds.
        here: int [T] from `sounding`.
    """
    edge_s = (line.end_s - line.start_s).clip(0.0, _EDGE_S)
    sustain = parameters.sustain[line.shape]
    held_from = line.start_s + sustain[:, 0] * edge_s
    held_to = line.end_s - (1.0 - sustain[:, 1]) * edge_s
    magnitude = parameters.magnitude[line.shape] * line.insist
    rise_s, fall_s = parameters.rise_s[line.shape], parameters.fall_s[line.shape]
    targets = parameters.targets[line.shape] * line.gain[:, GROUP_OF_CONTROL]
    total: Any = 0.0
    pulled: Any = 0.0
    for offset in range(-_REACH, _REACH + 1):
        sound = (here + offset).clip(0, len(line.shape) - 1)
        before_s = (held_from[sound] - times_s).clip(0.0)[:, None]
        after_s = (times_s - held_to[sound]).clip(0.0)[:, None]
        away = before_s / rise_s[sound] + after_s / fall_s[sound]
        weight = magnitude[sound] * exp(-(away**parameters.power)) * (sound == here + offset)[:, None]
        total = total + weight
        pulled = pulled + weight[:, GROUP_OF_CONTROL] * targets[sound]
    return pulled / total[:, GROUP_OF_CONTROL]


def mouth(times_s: Array, line: Timeline, parameters: Parameters) -> Array:
    """[T, C] controls 0..1 of a possible mouth: the jaw of sibilants is narrow, lips do not pass through each
    other, and no tongue through closed lips."""
    made = np.asarray(blend(times_s, sounding(times_s, line), line, parameters)).clip(0.0, 1.0)
    share = made[:, _CLOSE].copy()
    for name, limit in _JAW_LIMIT.items():
        made[:, _JAW] -= _held(times_s, line, name) * np.maximum(made[:, _JAW] - limit, 0.0)
    made[:, _CLOSE] = share * made[:, _JAW]
    crossed_mm = np.maximum(_PRESSED_MM - _aperture_mm(made), 0.0)
    made[:, _CLOSE] = np.maximum(made[:, _CLOSE] + crossed_mm / _APERTURE_MM[_CLOSE], 0.0)
    made[:, _TONGUE] = np.minimum(made[:, _TONGUE], np.maximum(_aperture_mm(made), 0.0) / _TONGUE_MM)
    return made


def _aperture_mm(controls: Array) -> Array:
    return np.asarray(REST_MM[0] + controls @ _APERTURE_MM)


def _held(times_s: Array, line: Timeline, name: str) -> Array:
    """[T] 0..1: whether a sound of this viseme is in its held part, with soft ramps before and after."""
    chosen = line.shape == VISEMES.index(name)
    held = np.zeros(len(times_s))
    if not chosen.any():
        return held
    start_s, length_s = line.start_s[chosen], (line.end_s - line.start_s)[chosen]
    from_s, to_s = (start_s + part * length_s for part in _LIMIT_HELD)
    following = np.searchsorted(from_s, times_s, side="right")
    for which in (np.maximum(following - 1, 0), np.minimum(following, len(from_s) - 1)):
        outside_s = np.maximum(from_s[which] - times_s, times_s - to_s[which])
        near = np.clip(1.0 - outside_s / _LIMIT_RAMP_S, 0.0, 1.0)
        held = np.maximum(held, near * near * (3.0 - 2.0 * near))
    return held
