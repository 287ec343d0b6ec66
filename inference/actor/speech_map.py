"""From channels to the actor's own expressions, learnt from how the actor spoke.

The channels that Soliloquy predicts from the sound of a plate are paired with the expressions tracked in its
pictures. What the footage does not tell (a channel that the actor never moved) is filled in from the tracked
channels, and behind those from what the channels do to the lips of a neutral head: three ridge regressions,
each held towards the one before. The animator's edited curves go through the same map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..channels import ARKIT_52
from ..curves import sample_motion
from ..errors import AudioError
from ..lip_basis import CHANNELS_MM, REST_MM, lip_curves
from ..types import FaceMotion
from .crop import shots, smooth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ..session import SpeechModel
    from ..types import FloatArray
    from .types import ActorFace, Take

    Matrix = NDArray[np.float64]

_SHIFTS_MM: Final = {"jawLeft": 4.75, "jawRight": -4.75, "mouthLeft": 13.5, "mouthRight": -13.5}
"""How far channels shift the mouth to the subject's left, measured as `lip_basis`."""
_HOLDS: Final = (0.3, 1.0, 3.0, 10.0)
"""How firmly a map is held towards the one before it: sums of squared values of a channel that count as much
as the prior. Chosen by cross-validation."""
_FOLDS: Final = 5
_FOLD_S: Final = 2.0
_OFFSETS_S: Final = np.arange(-0.2, 0.2001, 0.01)
_LEAST_R: Final = 0.35
"""Correlation of heard and seen aperture below which sound and picture don't belong together."""
_LEAST_FRAMES: Final = 20
_POSTURE_S: Final = 2.0
_SEALED_MM: Final = 0.5
"""Aperture of the channels on the neutral head below which lips are about to touch."""
_UPPER, _LOWER, _RIGHT, _LEFT = 13, 14, 61, 291


@dataclass(frozen=True)
class SpeechMap:
    """What the takes tell: the two maps of `ActorFace`, and how well they hold on frames not fitted."""

    arkit: FloatArray
    tracked: FloatArray
    offsets_s: tuple[float | None, ...]
    """By how much the sound of each take comes after its picture."""
    heard: bool
    """Whether `arkit` is learnt from sound; else it is `tracked`."""
    aperture_r: float
    """Correlation of the mouth's aperture by `arkit` with the tracked one, cross-validated."""


def hear(plate: Path, model: SpeechModel, cancelled: Callable[[], bool] | None = None) -> FaceMotion | None:
    """What Soliloquy predicts from the sound of a plate, lips only; None where there is no sound to hear.

    Raises:
        Cancelled: `cancelled` returned True.
    """
    from ..pipeline import AnimateSettings, animate_file, collect

    try:
        motion = collect(animate_file(plate, model, AnimateSettings(blinks=False), cancelled=cancelled))
    except AudioError:
        return None
    return motion if float(np.ptp(motion.values, axis=0).max(initial=0.0)) > 0.05 else None


def fit_speech_map(face: ActorFace, takes: Sequence[Take], heard: Sequence[FaceMotion | None]) -> SpeechMap:
    """Fit the maps of an actor's face.

    Args:
        face: identity and basis; its maps are not used.
        takes: with tracked channels and expressions.
        heard: for each take what `hear` says; rows are paired by time, the take's first row being 0 s.

    Raises:
        ValueError: no take has a frame that can be used.
    """
    rows = [_usable(take) for take in takes]
    if not sum(len(kept) for kept in rows):
        raise ValueError("at least one take must show the mouth")
    expression = [take.expression[kept].astype(np.float64) for take, kept in zip(takes, rows, strict=True)]
    blocks = [_blocks(take, kept) for take, kept in zip(takes, rows, strict=True)]
    seen = [_full(take.motion)[kept] for take, kept in zip(takes, rows, strict=True)]
    tracked, _ = _held(seen, expression, blocks, _generic(face))
    offsets = _offsets(face, takes, rows, heard)
    usable = [i for i, offset in enumerate(offsets) if offset is not None]
    if sum(len(rows[i]) for i in usable) < _LEAST_FRAMES:
        aperture_r = _aperture_r(face, tracked, seen, expression)
        whole = np.asarray(tracked, np.float32)
        return SpeechMap(whole, whole, tuple(offsets), False, aperture_r)
    listened = [_at(heard[i], takes[i], rows[i], offsets[i]) for i in usable]
    target, apart = [expression[i] for i in usable], [blocks[i] for i in usable]
    arkit, held_out = _held(listened, target, apart, tracked[:52])
    aperture_r = _correlation(_gap(face, np.concatenate(held_out)), _gap(face, np.concatenate(target)))
    return SpeechMap(
        np.asarray(arkit, np.float32), np.asarray(tracked, np.float32), tuple(offsets), True, aperture_r
    )


def with_map(face: ActorFace, fitted: SpeechMap) -> ActorFace:
    """The face with its maps."""
    return replace(face, arkit=fitted.arkit, tracked=fitted.tracked)


def posture(face: ActorFace, take: Take) -> FloatArray:
    """What the plate's face does slowly and beyond its channels, float32 [T, E]: how the actor holds the
    mouth there, and how this plate's fit is off. A dubbed mouth keeps it, so that it sits where the plate's
    sits. Zero where the face has no map of tracked channels."""
    if face.tracked is None:
        return np.zeros_like(take.expression)
    known = np.full(take.expression.shape, np.nan)
    rows = _usable(take)
    explained = _full(take.motion)[rows] @ face.tracked[:52] + face.tracked[52]
    known[rows] = take.expression[rows] - explained
    out = np.zeros(take.expression.shape, np.float32)
    frames = 2 * int(_POSTURE_S / 2 * take.motion.rate_hz) + 1
    for first, stop in shots(take.cuts, len(take)):
        part, here = known[first:stop], np.arange(stop - first)
        seen = np.isfinite(part[:, 0])
        if seen.any():
            filled = np.stack([np.interp(here, here[seen], column[seen]) for column in part.T], 1)
            out[first:stop] = smooth(filled, frames)
    return out


def driven(face: ActorFace, motion: FaceMotion, held: FloatArray | None = None) -> FloatArray:
    """The expressions that a motion asks for, float32 [T, E].

    Lips that the channels bring together meet on the actor, too: a linear map alone leaves them a little
    open, since sounds are heard that were not quite closed.

    Args:
        face: with its maps.
        motion: T rows, the 52 channels first.
        held: float32 [T, E] added before the lips meet, see `posture`.
    """
    expression = face.expression_of(motion).astype(np.float64)
    if held is not None:
        expression = expression + held
    aperture, _ = lip_curves(motion.values[:, :52], ARKIT_52)
    share = np.clip((_SEALED_MM - aperture) / _SEALED_MM, 0, 1)
    open_by, gradient = _gap(face, expression), _gradients(face)[0]
    excess = np.maximum(open_by - _closed(face), 0) * share
    reach = float(gradient @ gradient)
    if reach > 1e-12:
        expression = expression - (excess / reach)[:, None] * gradient
    return np.asarray(expression, np.float32)


def sound_offset(gap: FloatArray, rate_hz: float, motion: FaceMotion) -> tuple[float, float]:
    """By how many seconds the sound comes after the picture, and how sure that is (correlation -1..1).

    Args:
        gap: float32 [T] aperture of the tracked mouth at `rate_hz`, NaN where it is not known.
        motion: what was heard, on the plate's clock.
    """
    heard, _ = lip_curves(motion.values[:, :52], ARKIT_52)
    apart = FaceMotion(np.maximum(heard, 0)[:, None], ("aperture",), motion.rate_hz, motion.start_s)
    known = np.isfinite(gap)
    times = np.arange(len(gap))[known] / rate_hz
    tried = [_correlation(sample_motion(apart, times + offset)[:, 0], gap[known]) for offset in _OFFSETS_S]
    best = int(np.argmax(tried))
    return float(_OFFSETS_S[best]), tried[best]


def _offsets(
    face: ActorFace,
    takes: Sequence[Take],
    rows: Sequence[NDArray[np.intp]],
    heard: Sequence[FaceMotion | None],
) -> list[float | None]:
    """The offsets of takes whose sound fits their picture. Those of short takes are held to the median: a
    word or two tell it to some frames only, and takes of one session have mostly the same."""
    found: list[tuple[float, float] | None] = []
    for take, kept, motion in zip(takes, rows, heard, strict=True):
        if motion is None or len(kept) < _LEAST_FRAMES:
            found.append(None)
            continue
        gap = np.full(len(take), np.nan, np.float32)
        gap[kept] = _gap(face, take.expression[kept])
        offset, sure = sound_offset(gap, take.motion.rate_hz, motion)
        found.append((offset, sure) if sure >= _LEAST_R else None)
    known = [one[0] for one in found if one is not None]
    if not known:
        return [None] * len(takes)
    middle, noise_s = float(np.median(known)), 0.03
    out: list[float | None] = []
    for take, one in zip(takes, found, strict=True):
        if one is None:
            out.append(None)
            continue
        length_s = len(take) / take.motion.rate_hz
        share = length_s / (length_s + 10.0) if abs(one[0] - middle) < 2 * noise_s else 1.0
        out.append(round(middle + share * (one[0] - middle), 4))
    return out


def _held(
    values: Sequence[Matrix], wanted: Sequence[Matrix], blocks: Sequence[NDArray[np.intp]], prior: Matrix
) -> tuple[Matrix, list[Matrix]]:
    """Ridge regression [53, E] held towards `prior` [52, E], as firmly as frames that are left out want; with
    it the predictions of each take by maps that were fitted without its block."""
    x, y, fold = np.concatenate(values), np.concatenate(wanted), np.concatenate(blocks) % _FOLDS
    best, chosen, made = np.inf, _HOLDS[0], y
    for hold in _HOLDS:
        guess = np.empty_like(y)
        for one in np.unique(fold):
            out = fold == one
            map_ = _ridge(x[~out], y[~out], prior, hold) if (~out).any() else _ridge(x, y, prior, hold)
            guess[out] = x[out] @ map_[:52] + map_[52]
        error = float(np.square(guess - y).mean())
        if error < best:
            best, chosen, made = error, hold, guess
    edges = np.cumsum([len(one) for one in wanted])[:-1]
    return _ridge(x, y, prior, chosen), np.split(made, edges)


def _ridge(x: Matrix, y: Matrix, prior: Matrix, hold: float) -> Matrix:
    """[53, E] with the least squares of y - x @ map, plus `hold` times those of map - prior."""
    middle, goal = x.mean(0), y.mean(0)
    centred = x - middle
    left = y - goal - centred @ prior
    change = np.linalg.solve(centred.T @ centred + hold * np.eye(x.shape[1]), centred.T @ left)
    map_ = prior + change
    return np.concatenate([map_, (goal - middle @ map_)[None]])


def _generic(face: ActorFace) -> Matrix:
    """[52, E]: for each channel the likeliest expression that opens, widens and shifts the actor's lips as
    the channel does on a neutral head (least norm, as expressions are in standard deviations)."""
    gradients = _gradients(face)
    mouth_cm = float(np.linalg.norm(face.identity[_LEFT] - face.identity[_RIGHT]))
    wanted = np.zeros((52, 3))
    for row, channel in enumerate(ARKIT_52):
        wanted[row, :2] = CHANNELS_MM.get(channel, (0.0, 0.0))
        wanted[row, 2] = _SHIFTS_MM.get(channel, 0.0)
    gram = gradients @ gradients.T
    # A face that can't make one of the three must not be torn to make it.
    held = gram + 0.02 * np.trace(gram) / 3 * np.eye(3) + 1e-12 * np.eye(3)
    return np.asarray(wanted * (mouth_cm / REST_MM[1]) @ np.linalg.solve(held, gradients))


def _gradients(face: ActorFace) -> Matrix:
    """[3, E]: by how many centimetres a unit of each expression opens, widens and shifts the mouth."""
    basis = face.basis.astype(np.float64)
    opens = basis[:, _UPPER, 1] - basis[:, _LOWER, 1]
    widens = basis[:, _LEFT, 0] - basis[:, _RIGHT, 0]
    return np.stack([opens, widens, (basis[:, _LEFT, 0] + basis[:, _RIGHT, 0]) / 2])


def _gap(face: ActorFace, expression: NDArray[np.floating[Any]]) -> Matrix:
    """[T] centimetres between the inner lips, below 0 where they overlap."""
    rest = float(face.identity[_UPPER, 1] - face.identity[_LOWER, 1])
    return np.asarray(rest + expression @ _gradients(face)[0], np.float64)


def _closed(face: ActorFace) -> float:
    """The gap at which this actor's lips touch: tracked points of closed lips lie a little apart."""
    return 0.006 * float(np.linalg.norm(face.identity[_LEFT] - face.identity[_RIGHT]))


def _aperture_r(
    face: ActorFace, map_: Matrix, values: Sequence[Matrix], expression: Sequence[Matrix]
) -> float:
    made = np.concatenate(values) @ map_[:52] + map_[52]
    return _correlation(_gap(face, made), _gap(face, np.concatenate(expression)))


def _correlation(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-12 else 0.0


def _usable(take: Take) -> NDArray[np.intp]:
    from .memory import usable_rows

    return usable_rows(take)


def _blocks(take: Take, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Numbers of stretches of some seconds, which are left out together: frames side by side are alike. Takes
    start with different numbers, by their plates."""
    first = int(take.plate_sha256[:4] or "0", 16) if take.plate_sha256 else 0
    return np.asarray(first + rows / max(take.motion.rate_hz * _FOLD_S, 1), np.intp)


def _full(motion: FaceMotion) -> Matrix:
    """The 52 channels in order, float64 [T, 52]; those that a motion lacks are 0."""
    if motion.channels[:52] == ARKIT_52:
        return motion.values[:, :52].astype(np.float64)
    out = np.zeros((len(motion.values), 52))
    for column, name in enumerate(ARKIT_52):
        if name in motion.channels:
            out[:, column] = motion.channel(name)
    return out


def _at(motion: FaceMotion | None, take: Take, rows: NDArray[np.intp], offset_s: float | None) -> Matrix:
    assert motion is not None
    times = rows / take.motion.rate_hz + (offset_s or 0.0)
    return sample_motion(motion, times)[:, :52].astype(np.float64)
