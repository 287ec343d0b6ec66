"""Plates -> takes of an actor: track, fit, judge, and only then write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..channels import ARKIT_52, HEAD
from ..errors import Cancelled, SoliloquyError
from ..types import FaceMotion
from . import colour, face_fit, faults, smoothing
from .crop import fit_crop, layout, upright
from .folder import Actor, check_consent, make_actor, open_actor
from .landmarks import LIPS_OUTER
from .observe import Observed, observe
from .plate import open_plate
from .take import load_face, load_looks, load_take, save_face, save_looks, save_take
from .tracking import Tracker, face_model_path, load_mesh
from .types import ActorFace, Gap, Take

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ..types import FloatArray, FrameRate
    from .tracking import FaceMesh

SMALLEST_CROP: Final = 64
LARGEST_CROP: Final = 256
_LIP_WIDTHS: Final = 2.9
"""Side of the crop: so lips lie in it a little larger than in the plate, and lose nothing on the way there and
back."""
_LIGHT: Final = 0.03
"""Stiffest smoothing of the expression at 25 frames per second: lips that are shut for a single frame between
open ones stay shut to a hundredth of their opening."""
_HEAVY: Final = 3.0
"""Stiffest smoothing of the head at 25 frames per second."""
_REFERENCE_HZ: Final = 25.0
_FOR_MEAN: Final = 1500
"""Frames of a plate that identity and basis are fitted to at most, evenly chosen."""


@dataclass(frozen=True)
class _Fitted:
    """A plate with its face: pose, expression and residual before anything is written."""

    observed: Observed
    cuts: tuple[int, ...]
    gaps: NDArray[np.uint8]
    focal_px: float
    head: FloatArray
    expression: FloatArray
    strange: FloatArray
    """Residual relative to the actor's usual one, float32 [T]."""
    notices: tuple[str, ...]
    error_px: float


def capture(
    plates: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    name: str = "",
    consent: str = "",
    face_model: str | os.PathLike[str] | None = None,
    rate: FrameRate | None = None,
    again: bool = False,
    progress: Callable[[Path, float], None] = lambda _, __: None,
    cancelled: Callable[[], bool] = lambda: False,
    notify: Callable[[Path, str], None] = lambda _, __: None,
    failed: Callable[[Path, SoliloquyError], None] | None = None,
) -> Actor:
    """Capture plates into an actor folder, which is made unless it is there.

    Nothing is written until every plate is tracked and fitted. A plate that is there already (same content)
    is passed over. The face of an actor is fitted once: further takes speak in its expressions.

    Args:
        plates: movies, folders of images, sequences; see `open_plate`.
        folder: of the actor.
        name: of the actor; the folder's name unless given. Only for a new actor.
        consent: who consents to what; needed for a new actor.
        face_model: MediaPipe's model file; see `tracking.face_model_path`.
        rate: of image sequences.
        again: capture plates again that are there already.
        progress: called with a plate and a share 0..1.
        cancelled: asked before each frame.
        notify: called with a plate and a sentence about it.
        failed: called with each plate that is refused while others go on; without it the first one raises.

    Raises:
        ActorError: no consent, no model file, a plate that cannot be used (all of them, with `failed`).
        Cancelled: the user stopped; nothing was changed.
    """
    place = Path(folder)
    actor = open_actor(place) if (place / "actor.json").exists() else None
    statement = check_consent(consent) if actor is None else actor.consent.statement
    model = face_model_path(face_model)
    mesh = load_mesh(model)
    known = _known(actor)
    seen: dict[str, Observed] = {}
    refusal: SoliloquyError | None = None
    with Tracker(model) as tracker:
        for path in map(Path, plates):
            try:
                observed = _observed(path, rate, tracker, {} if again else known, progress, cancelled, notify)
            except Cancelled:
                raise
            except SoliloquyError as error:
                if failed is None:
                    raise
                failed(path, error)
                refusal = error
                continue
            if observed is not None:
                seen[_take_name(path, observed.info.sha256, known, seen)] = observed
    if not seen:
        if actor is None and refusal is not None:
            raise refusal
        return actor if actor is not None else open_actor(place)
    return _finish(actor, place, name or place.resolve().name, statement, mesh, seen, notify)


def _known(actor: Actor | None) -> dict[str, str]:
    """Names of the takes that are there, by the hash of their plates."""
    return {} if actor is None else {load_take(actor, one).plate_sha256: one for one in actor.takes}


def _take_name(path: Path, sha256: str, known: dict[str, str], seen: dict[str, Observed]) -> str:
    """The plate's stem as a file name; of a plate that is there its take's name; numbered if it is taken."""
    if sha256 in known:
        return known[sha256]
    stem = re.sub(r"[^\w\-. ]+", "_", path.stem if path.suffix else path.name).strip(". ") or "take"
    names = {*known.values(), *seen}
    return next(n for n in (stem, *(f"{stem}_{i}" for i in range(2, 10**6))) if n not in names)


def _observed(
    path: Path,
    rate: FrameRate | None,
    tracker: Tracker,
    known: dict[str, str],
    progress: Callable[[Path, float], None],
    cancelled: Callable[[], bool],
    notify: Callable[[Path, str], None],
) -> Observed | None:
    """Track one plate and refuse it where it shows too little; None for one that is there already."""
    with open_plate(path, rate) as plate:
        for notice in plate.info.notices:
            notify(path, notice)
        if plate.info.sha256 in known:
            notify(path, f"'{path.name}' is captured already, as take '{known[plate.info.sha256]}'")
            return None
        observed = observe(plate, tracker, lambda share: progress(path, share), cancelled)
    faults.check_usable(observed, faults.find_gaps(observed))
    return observed


def _finish(
    actor: Actor | None,
    place: Path,
    name: str,
    statement: str,
    mesh: FaceMesh,
    seen: dict[str, Observed],
    notify: Callable[[Path, str], None],
) -> Actor:
    face = load_face(actor) if actor is not None and actor.face.exists() else None
    focals = _focals(actor, face, mesh, list(seen.values()))
    fits, face = _fit_all(face, mesh, seen, focals)
    if actor is None:
        actor = make_actor(place, name, statement, crop_size(list(seen.values())))
    wanted = load_looks(actor)
    if wanted is None:
        wanted = colour.reference(np.concatenate([one.skin[one.seen] for one in seen.values()]))
        save_looks(actor, wanted)
    takes = {key: _take(actor, face, fit, wanted) for key, fit in fits.items()}
    if not np.any(face.arkit):
        face = ActorFace(face.identity, face.basis, face.triangles, _arkit_map(list(takes.values())))
    save_face(actor, face)
    for key, take in takes.items():
        path = seen[key].info.path
        for notice in fits[key].notices:
            notify(path, notice)
        actor = save_take(actor, key, take, path)
    return actor


def crop_size(observed: Sequence[Observed]) -> int:
    """Side of the actor's crop: a multiple of 16, by the size of the lips in the first plates."""
    widths = [np.ptp(np.nanmedian(one.landmarks[:, list(LIPS_OUTER), 0], axis=0)) for one in observed]
    side = float(np.median(widths)) * _LIP_WIDTHS
    return int(np.clip(16 * round(side / 16), SMALLEST_CROP, LARGEST_CROP))


def _focals(
    actor: Actor | None, face: ActorFace | None, mesh: FaceMesh, observed: list[Observed]
) -> dict[tuple[int, int], tuple[float, bool]]:
    """Focal length in pixels, and whether the footage tells it, per size of plate."""
    earlier: dict[tuple[int, int], float] = {}
    for name in actor.takes if actor is not None else ():
        take = load_take(actor, name) if actor is not None else None
        if take is not None:
            earlier.setdefault(take.size, take.focal_px)
    found: dict[tuple[int, int], tuple[float, bool]] = {}
    for size in sorted({_size(one) for one in observed}):
        expected = earlier.get(size, face_fit.equivalent_px(face_fit.EQUIVALENT_MM, size))
        views = [_view(one, _good_rows(one)) for one in observed if _size(one) == size]
        identity = None if face is None else face.identity.astype(np.float64)
        found[size] = face_fit.find_focal(views, mesh.vertices, expected, identity)
    return found


def _size(observed: Observed) -> tuple[int, int]:
    return observed.info.width, observed.info.height


def _good_rows(observed: Observed) -> NDArray[np.intp]:
    """Rows without a gap, at most `_FOR_MEAN`, evenly chosen."""
    rows = np.flatnonzero(faults.find_gaps(observed) == Gap.NONE)
    return np.asarray(rows[:: max(1, -(-len(rows) // _FOR_MEAN))])


def _view(observed: Observed, rows: NDArray[np.intp] | slice = slice(None)) -> face_fit.View:
    return face_fit.View(observed.landmarks[rows].astype(np.float64), _size(observed))


def _fit_all(
    face: ActorFace | None,
    mesh: FaceMesh,
    seen: dict[str, Observed],
    focals: dict[tuple[int, int], tuple[float, bool]],
) -> tuple[dict[str, _Fitted], ActorFace]:
    if face is None:
        face = _new_face(mesh, list(seen.values()), focals)
    fits = {key: _fit(face, one, *focals[_size(one)]) for key, one in seen.items()}
    return fits, face


def _new_face(
    mesh: FaceMesh, observed: list[Observed], focals: dict[tuple[int, int], tuple[float, bool]]
) -> ActorFace:
    views = [_view(one, _good_rows(one)) for one in observed]
    lengths = [focals[view.size][0] for view in views]
    identity = face_fit.mean_shape(views, lengths, mesh.vertices)
    moved = [
        face_fit.offsets(view, focal, identity, face_fit.fit_pose(view, focal, identity))
        for view, focal in zip(views, lengths, strict=True)
    ]
    mean, basis = face_fit.fit_basis(moved)
    return ActorFace(
        np.asarray(identity + mean, np.float32),
        np.asarray(basis, np.float32),
        mesh.triangles,
        np.zeros((len(ARKIT_52) + 1, len(basis)), np.float32),
    )


def _fit(face: ActorFace, observed: Observed, focal_px: float, told: bool) -> _Fitted:
    """Pose and expression of every frame of a plate; frames without a face lie between their neighbours."""
    cuts = faults.find_cuts(observed)
    rows = np.flatnonzero(observed.seen)
    view = _view(observed, rows)
    identity, basis = face.identity.astype(np.float64), face.basis.astype(np.float64)
    poses = face_fit.fit_pose(view, focal_px, identity)
    moved = face_fit.offsets(view, focal_px, identity, poses)
    raw = face_fit.express(moved, basis)
    strange = face_fit.residual(moved, raw, basis)
    expression = _all_rows(raw, rows, observed.seen)
    motion = np.concatenate([face_fit.rotation_vectors(poses[:, :3, :3]), poses[:, :3, 3]], 1)
    motion = _all_rows(motion, rows, observed.seen)
    head = face_fit.pose_matrices(_steady(motion, observed, cuts, _HEAVY))
    expression = _steady(expression, observed, cuts, _LIGHT)
    relative = np.full(len(observed), 9.0, np.float32)
    relative[rows] = strange / max(float(np.median(strange)), 1e-9)
    gaps = faults.find_gaps(observed, head)
    error = face_fit.fit_error(view, focal_px, face.vertices(expression[rows]), head[rows])
    notices = [*observed.info.notices, *faults.describe(observed, gaps, cuts)]
    if not told:
        millimetres = focal_px / max(view.size) * 36.0
        notices.append(
            f"'{observed.info.path.name}' does not tell the focal length: {millimetres:.0f} mm (full frame) "
            "are taken"
        )
    return _Fitted(observed, cuts, gaps, focal_px, head, expression, relative, tuple(notices), error)


def _all_rows(values: NDArray[Any], rows: NDArray[np.intp], seen: NDArray[np.bool_]) -> FloatArray:
    out = np.zeros((len(seen), *values.shape[1:]), np.float32)
    out[rows] = values
    return smoothing.bridged(out, seen)


def _steady(values: FloatArray, observed: Observed, cuts: tuple[int, ...], most: float) -> FloatArray:
    """Smoothed as far as the series allow, and never more than `most` (at 25 frames per second)."""
    limit = most * (observed.info.rate.hz / _REFERENCE_HZ) ** 4
    return smoothing.smoothed(values, np.minimum(smoothing.stiffness([values]), limit), cuts)


def _take(actor: Actor, face: ActorFace, fit: _Fitted, wanted: FloatArray) -> Take:
    observed = fit.observed
    landmarks = smoothing.bridged(observed.landmarks, observed.seen)
    channels = _steady(smoothing.bridged(observed.channels, observed.seen), observed, fit.cuts, _LIGHT)
    values = np.concatenate([np.clip(channels, 0.0, 1.0), head_angles(fit.head)], 1)
    sharp = faults.relative_sharpness(observed, fit.gaps, fit.cuts)
    return Take(
        plate=observed.info.path.name,
        plate_sha256=observed.info.sha256,
        size=_size(observed),
        numbers=observed.numbers,
        motion=FaceMotion(np.asarray(values, np.float32), (*ARKIT_52, *HEAD), observed.info.rate.hz),
        landmarks=landmarks,
        head=fit.head,
        focal_px=fit.focal_px,
        expression=fit.expression,
        crop=fit_crop(
            observed.landmarks,
            layout(upright(face.identity), actor.crop_size),
            actor.crop_size,
            cuts=fit.cuts,
        ),
        colour=colour.fit_colour(observed.skin, wanted, observed.info.rate.hz, cuts=fit.cuts),
        confidence=faults.confidence(fit.gaps, faults.turn_rad(fit.head), sharp, fit.strange),
        gaps=fit.gaps,
        cuts=fit.cuts,
        notices=fit.notices,
    )


def head_angles(head: FloatArray) -> FloatArray:
    """`headPitch`, `headYaw`, `headRoll` (see `channels`) in radians, float32 [T, 3], of poses [T, 4, 4]."""
    turn = head[:, :3, :3]
    pitch = np.arctan2(-turn[:, 1, 2], turn[:, 2, 2])
    yaw = np.arcsin(np.clip(turn[:, 0, 2], -1.0, 1.0))
    roll = np.arctan2(-turn[:, 0, 1], turn[:, 0, 0])
    return np.asarray(np.stack([pitch, yaw, roll], 1), np.float32)


def _arkit_map(takes: list[Take]) -> FloatArray:
    """float32 [53, E], the ridge regression expression <- tracked channels and 1 over all usable frames."""
    good = [take.gaps == Gap.NONE for take in takes]
    channels = np.concatenate([t.motion.values[g, : len(ARKIT_52)] for t, g in zip(takes, good, strict=True)])
    wanted = np.concatenate([t.expression[g] for t, g in zip(takes, good, strict=True)])
    middle, mean = channels.mean(0, dtype=np.float64), wanted.mean(0, dtype=np.float64)
    a = channels - middle
    gram = a.T @ a
    ridge = 1e-3 * len(a) * np.eye(len(gram)) * max(float(np.trace(gram)) / len(gram) / len(a), 1e-6)
    slope = np.linalg.solve(gram + ridge, a.T @ (wanted - mean))
    return np.asarray(np.concatenate([slope, (mean - middle @ slope)[None]]), np.float32)
