"""An actor's face in the frames of observed plates: fitted, judged, made into takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...channels import ARKIT_52, HEAD
from ...types import FaceMotion
from .. import colour
from ..crop import fit_crop, layout, upright
from ..landmarks import LIPS_OUTER
from ..types import ActorFace, Gap, Take
from . import face_fit, faults, smoothing
from .looks import covered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...types import FloatArray
    from .looks import Looks
    from .observe import Observed
    from .tracking import FaceMesh

    Focals = dict[tuple[int, int], tuple[float, bool]]
    """Focal length in pixels, and whether the footage tells it, per size of plate."""

SMALLEST_CROP: Final = 64
LARGEST_CROP: Final = 256
_LIP_WIDTHS: Final = 2.9
"""Side of the crop: lips are a little larger in it than in the plate, and lose nothing there and back."""
_LIGHT: Final = 0.03
"""Stiffest smoothing of the expression at 25 frames per second: lips that are shut for a single frame between
open ones stay shut to a hundredth of their opening."""
_HEAVY: Final = 3.0
"""Stiffest smoothing of the head at 25 frames per second."""
_REFERENCE_HZ: Final = 25.0
_AT_ONCE: Final = 1024
"""Frames that are fitted together: what bounds the memory."""
_FOR_MEAN: Final = 1500
"""Frames of a plate that identity and basis are fitted to at most, evenly chosen."""


@dataclass(frozen=True)
class Fitted:
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


def crop_size(observed: Sequence[Observed]) -> int:
    """Side of the actor's crop: a multiple of 16, by the size of the lips in the first plates."""
    widths = [np.ptp(np.nanmedian(one.landmarks[:, list(LIPS_OUTER), 0], axis=0)) for one in observed]
    side = float(np.median(widths)) * _LIP_WIDTHS
    return int(np.clip(16 * round(side / 16), SMALLEST_CROP, LARGEST_CROP))


def find_focals(
    observed: Sequence[Observed],
    mesh: FaceMesh,
    looks: Looks,
    face: ActorFace | None,
    earlier: Sequence[Take],
) -> Focals:
    """The cameras of plates; those of earlier takes of the same size are expected again."""
    expected = {take.size: take.focal_px for take in reversed(earlier)}
    identity = None if face is None else face.identity.astype(np.float64)
    found: Focals = {}
    for size in sorted({_size(one) for one in observed}):
        usual = expected.get(size, face_fit.equivalent_px(face_fit.EQUIVALENT_MM, size))
        views = [_view(one, _good_rows(one, looks)) for one in observed if _size(one) == size]
        found[size] = face_fit.find_focal(views, mesh.vertices, usual, identity)
    return found


def _size(observed: Observed) -> tuple[int, int]:
    return observed.info.width, observed.info.height


def _good_rows(observed: Observed, looks: Looks) -> NDArray[np.intp]:
    """Rows without a gap, at most `_FOR_MEAN`, evenly chosen."""
    rows = np.flatnonzero(
        faults.find_gaps(observed, covered=covered(observed, looks, faults.find_cuts(observed))) == Gap.NONE
    )
    return np.asarray(rows[:: max(1, -(-len(rows) // _FOR_MEAN))])


def _view(observed: Observed, rows: NDArray[np.intp] | slice = slice(None)) -> face_fit.View:
    return face_fit.View(observed.landmarks[rows].astype(np.float64), _size(observed))


def new_face(observed: Sequence[Observed], mesh: FaceMesh, looks: Looks, focals: Focals) -> ActorFace:
    """Identity and basis of an actor, of all frames that can be used; its maps are still empty."""
    views = [_view(one, _good_rows(one, looks)) for one in observed]
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


def fit_plate(face: ActorFace, looks: Looks, observed: Observed, focals: Focals) -> Fitted:
    """Pose and expression of every frame of a plate; frames without a face lie between their neighbours."""
    focal_px, told = focals[_size(observed)]
    cuts = faults.find_cuts(observed)
    rows = np.flatnonzero(observed.seen)
    motion, raw, strange = _fit_rows(face, observed, rows, focal_px)
    head = face_fit.pose_matrices(_steady(_all_rows(motion, rows, observed.seen), observed, cuts, _HEAVY))
    expression = _steady(_all_rows(raw, rows, observed.seen), observed, cuts, _LIGHT)
    relative = np.full(len(observed), 9.0, np.float32)
    relative[rows] = strange / max(float(np.median(strange)), 1e-9)
    gaps = faults.find_gaps(observed, head, covered(observed, looks, cuts))
    error_px = _error_px(face, observed, rows, focal_px, head, expression)
    notices = [*observed.info.notices, *faults.describe(observed, gaps, cuts)]
    if not told:
        notices.append(
            f"'{observed.info.path.name}' does not tell the focal length: "
            f"{face_fit.equivalent_mm(focal_px, _size(observed)):.0f} mm (full frame) are taken"
        )
    return Fitted(observed, cuts, gaps, focal_px, head, expression, relative, tuple(notices), error_px)


def _fit_rows(
    face: ActorFace, observed: Observed, rows: NDArray[np.intp], focal_px: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rotation vectors and shifts [N, 6], expressions [N, E] and residuals [N] of some rows, float32."""
    identity, basis = face.identity.astype(np.float64), face.basis.astype(np.float64)
    parts = []
    for first in range(0, len(rows), _AT_ONCE):
        view = _view(observed, rows[first : first + _AT_ONCE])
        poses = face_fit.fit_pose(view, focal_px, identity)
        moved = face_fit.offsets(view, focal_px, identity, poses)
        raw = face_fit.express(moved, basis)
        motion = np.concatenate([face_fit.rotation_vectors(poses[:, :3, :3]), poses[:, :3, 3]], 1)
        parts.append((motion, raw, face_fit.residual(moved, raw, basis)))
    motions, raws, strange = (np.concatenate(part).astype(np.float32) for part in zip(*parts, strict=True))
    return motions, raws, strange


def _error_px(
    face: ActorFace,
    observed: Observed,
    rows: NDArray[np.intp],
    focal_px: float,
    head: FloatArray,
    expression: FloatArray,
) -> float:
    """Mean distance in pixels between fitted face and tracked points, of at most `_FOR_MEAN` frames."""
    some = rows[:: max(1, -(-len(rows) // _FOR_MEAN))]
    return face_fit.fit_error(_view(observed, some), focal_px, face.vertices(expression[some]), head[some])


def _all_rows(values: NDArray[Any], rows: NDArray[np.intp], seen: NDArray[np.bool_]) -> FloatArray:
    out = np.zeros((len(seen), *values.shape[1:]), np.float32)
    out[rows] = values
    return smoothing.bridged(out, seen)


def _steady(values: FloatArray, observed: Observed, cuts: tuple[int, ...], most: float) -> FloatArray:
    """Smoothed as far as the series allow, and never more than `most` (at 25 frames per second)."""
    limit = most * (observed.info.rate.hz / _REFERENCE_HZ) ** 4
    return smoothing.smoothed(values, np.minimum(smoothing.stiffness([values]), limit), cuts)


def make_take(face: ActorFace, looks: Looks, fit: Fitted, size: int) -> Take:
    """The take of a fitted plate, for crops of `size` pixels a side."""
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
            layout(upright(face.identity), size),
            size,
            cuts=fit.cuts,
        ),
        colour=colour.fit_colour(observed.skin, looks.skin, observed.info.rate.hz, cuts=fit.cuts),
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


def tracked_map(takes: Sequence[Take]) -> FloatArray:
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
