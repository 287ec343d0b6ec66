"""From channels to the actor's own expressions, learnt from how the actor spoke.

The channels that Soliloquy predicts from the sound of a plate are paired with the expressions tracked in its
pictures. What the footage does not tell (a channel that the actor never moved) is filled in from the tracked
channels, and behind those from what the channels do to the lips of a neutral head: three ridge regressions,
each held towards the one before. The animator's edited curves go through the same map.

The map is linear and of one frame: on held-out clips kernel regression, neighbouring frames and the
posteriors of visemes took less than 3 % off the error of the lips.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..channels import ARKIT_52
from ..curves import sample_motion
from ..errors import AudioError
from ..lip_basis import CHANNELS_MM, REST_MM, lip_curves
from ..motion import arkit_motion
from ..types import FaceMotion
from .crop import shots, smooth
from .folder import ActorError
from .footage import open_footage, usable_rows
from .take import load_face, load_take, save_face, save_take

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ..session import SpeechModel
    from ..types import FloatArray
    from .folder import Actor
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
_NATURAL_S: Final = 0.06
"""Offsets up to this are those of lips and predictor; larger ones are the recording's."""
_LEAST_R: Final = 0.35
"""Correlation of heard and seen aperture below which sound and picture don't belong together."""
_LEAST_FRAMES: Final = 20
_POSTURE_S: Final = 2.0
_SEALED_MM: Final = 0.5
"""Aperture of the channels on the neutral head below which lips are about to touch."""
_FREE, _BEYOND = 10.0, 5.0
"""Length of an expression (in standard deviations, of all together) up to which it stays as it is, and how
far beyond it may go: curves can ask for faces that were never seen, and tear a face that is linear."""
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


def learn_speech(
    actor: Actor,
    plates: Sequence[Path] = (),
    *,
    without: Sequence[str] = (),
    model: SpeechModel | None = None,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> SpeechMap:
    """Hear an actor's plates, fit the maps, write them into the face and the offsets into the takes.

    Args:
        actor: with a face and takes.
        plates: folders to look for plates in, before the places of the capture.
        without: takes to leave out of the fit; they get an offset all the same.
        model: the speech model; the shipped one unless given.
        progress: called with the share done, rising to 1.
        cancelled: asked for every block of sound.

    Raises:
        ActorError: there are no takes that show a mouth, or a plate is missing or has changed.
        ModelError: the speech model cannot be opened.
        Cancelled: `cancelled` returned True; nothing was written.
    """
    from ..session import load_speech_model

    model = model or load_speech_model()
    face, takes = load_face(actor), [load_take(actor, name) for name in actor.takes]
    heard: list[FaceMotion | None] = []
    for name, take in zip(actor.takes, takes, strict=True):
        with open_footage(actor, name, take, plates) as plate:
            path = plate.info.path if plate.info.has_sound else None
        heard.append(hear(path, model, cancelled) if path else None)
        if progress:
            progress(len(heard) / len(takes))
    left_out = [name in without for name in actor.takes]
    if not any(len(usable_rows(take)) for take, out in zip(takes, left_out, strict=True) if not out):
        raise ActorError(f"No take of {actor.name} shows the mouth", "Capture a plate with a clear face")
    fitted = fit_speech_map(face, takes, heard, left_out=left_out)
    save_face(actor, with_map(face, fitted))
    for name, take, offset_s in zip(actor.takes, takes, fitted.offsets_s, strict=True):
        save_take(actor, name, replace(take, sound_offset_s=offset_s))
    return fitted


def fit_speech_map(
    face: ActorFace,
    takes: Sequence[Take],
    heard: Sequence[FaceMotion | None],
    *,
    left_out: Sequence[bool] | None = None,
) -> SpeechMap:
    """Fit the maps of an actor's face.

    Args:
        face: identity and basis; its maps are not used.
        takes: with tracked channels and expressions.
        heard: for each take what `hear` says; rows are paired by time, the take's first row being 0 s.
        left_out: which takes only get an offset.

    Raises:
        ValueError: no take has a frame that can be used.
    """
    every = [usable_rows(take) for take in takes]
    offsets = _offsets(face, takes, every, heard)
    pairs = [_Pair(*one) for one in zip(takes, every, heard, offsets, strict=True)]
    kept = [pair for i, pair in enumerate(pairs) if len(pair.rows) and not (left_out and left_out[i])]
    if not kept:
        raise ValueError("at least one take must show the mouth")
    tracked, made = _held([pair.seen for pair in kept], kept, _generic(face))
    spoken = [pair for pair in kept if pair.offset_s is not None]
    sounding = sum(len(pair.rows) for pair in spoken) >= _LEAST_FRAMES
    arkit = tracked
    if sounding:
        kept = spoken
        arkit, made = _held([pair.listened() for pair in kept], kept, tracked[:52])
    wanted = np.concatenate([pair.expression for pair in kept])
    return SpeechMap(
        np.asarray(arkit, np.float32),
        np.asarray(tracked, np.float32),
        tuple(offsets),
        sounding,
        _correlation(_gap(face, made), _gap(face, wanted)),
    )


@dataclass(frozen=True)
class _Pair:
    """A take, the rows of it that count, and what was heard of it."""

    take: Take
    rows: NDArray[np.intp]
    heard: FaceMotion | None
    offset_s: float | None

    @property
    def expression(self) -> Matrix:
        return self.take.expression[self.rows].astype(np.float64)

    @property
    def seen(self) -> Matrix:
        return arkit_motion(self.take.motion).values[self.rows].astype(np.float64)

    @property
    def folds(self) -> NDArray[np.intp]:
        """Stretches of some seconds are left out together: frames side by side are alike. Takes start with
        different folds, by their plates."""
        first = int(self.take.plate_sha256[:4] or "0", 16)
        stretch = self.rows / max(self.take.motion.rate_hz * _FOLD_S, 1)
        return np.asarray(first + stretch, np.intp) % _FOLDS

    def listened(self) -> Matrix:
        assert self.heard is not None
        times = self.rows / self.take.motion.rate_hz + (self.offset_s or 0.0)
        return sample_motion(self.heard, times)[:, :52].astype(np.float64)


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
    rows = usable_rows(take)
    explained = arkit_motion(take.motion).values[rows] @ face.tracked[:52] + face.tracked[52]
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


def lead_s(take: Take) -> float:
    """By how much a line is to run ahead of its own times on this plate, seconds.

    Predicted curves come a little after what the actor's lips do, in all takes alike: that is the predictor's
    and is taken back. An offset that lips can't have is a fault of that plate's sound; a new line has not got
    it.
    """
    offset = take.sound_offset_s or 0.0
    return offset if abs(offset) <= _NATURAL_S else 0.0


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
    length = np.linalg.norm(expression, axis=1, keepdims=True)
    room = np.maximum(length - _FREE, 0) / _BEYOND
    limited = np.where(length > _FREE, _FREE + _BEYOND * np.tanh(room), length)
    return np.asarray(expression * (limited / np.maximum(length, 1e-9)), np.float32)


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


def _held(values: Sequence[Matrix], pairs: Sequence[_Pair], prior: Matrix) -> tuple[Matrix, Matrix]:
    """Ridge regression [53, E] held towards `prior` [52, E], as firmly as frames that are left out want; with
    it what maps that were fitted without them make of all frames."""
    x, y = np.concatenate(values), np.concatenate([pair.expression for pair in pairs])
    fold = np.concatenate([pair.folds for pair in pairs])
    best, chosen, made = np.inf, _HOLDS[0], y
    for hold in _HOLDS:
        guess = np.empty_like(y)
        for one in np.unique(fold):
            out = fold == one
            rest = ~out if (~out).any() else out
            map_ = _ridge(x[rest], y[rest], prior, hold)
            guess[out] = x[out] @ map_[:52] + map_[52]
        error = float(np.square(guess - y).mean())
        if error < best:
            best, chosen, made = error, hold, guess
    return _ridge(x, y, prior, chosen), made


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


def _correlation(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-12 else 0.0
