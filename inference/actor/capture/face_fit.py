"""The 3D face behind tracked points: identity once per actor, pose and expression per frame.

MediaPipe's points are pixels with a depth relative to the head. Seen through a camera of a focal length they
become a cloud in centimetres; the cloud without its pose, averaged over the footage, is the identity (a
generalised Procrustes analysis, Gower 1975, brought to the size and axes of MediaPipe's canonical face), the
pose minimises the distance in pixels of the points that speech hardly moves (Gauss-Newton), and what is left
is the expression, in a basis of the actor's own (PCA, the mouth counting most).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..landmarks import LIPS_INNER, LIPS_OUTER, MOUTH_REGION, RIGID
from ..types import POINTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ...types import FloatArray

    Points = NDArray[np.float64]

COMPONENTS: Final = 24
EQUIVALENT_MM: Final = 50.0
"""Focal length on a full-frame camera that is assumed where the footage does not tell."""
_FULL_FRAME_MM: Final = 36.0
FOCALS_MM: Final = (24.0, 30.0, 38.0, 50.0, 65.0, 85.0, 110.0, 150.0)
_CLEARLY_BETTER: Final = 0.9
"""Share of the error at the assumed focal length below which another one is believed."""
_MESH_POINTS: Final = 468
_ROUNDS: Final = 3
_STEPS: Final = 6
_CHUNK: Final = 512
_DEPTH_WEIGHT: Final = 0.35
"""How much depth counts in the basis against what is seen across: it is guessed, not seen."""
_MOUTH_WEIGHT: Final = 3.0
_LIP_WEIGHT: Final = 5.0
_EYE_WEIGHT: Final = 0.5


@dataclass(frozen=True)
class View:
    """One shot's camera and points: `points` float64 [T, 478, 3] plate pixels, `size` width and height."""

    points: Points
    size: tuple[int, int]

    @property
    def centre(self) -> Points:
        return np.array(self.size, np.float64) / 2.0


def equivalent_px(millimetres: float, size: tuple[int, int]) -> float:
    """Focal length in pixels of one on a full-frame camera, by the longer side of the picture."""
    return millimetres / _FULL_FRAME_MM * max(size)


def equivalent_mm(focal_px: float, size: tuple[int, int]) -> float:
    """The way back of `equivalent_px`."""
    return focal_px * _FULL_FRAME_MM / max(size)


def project(vertices: NDArray[Any], head: NDArray[Any], focal_px: float, size: tuple[int, int]) -> Points:
    """Plate pixels float64 [T, N, 2] of vertices [T or 1, N, 3] in head space under poses [T, 4, 4]."""
    turned = np.einsum(
        "tij,tnj->tni", head[:, :3, :3], np.broadcast_to(vertices, (len(head), *vertices.shape[1:]))
    )
    seen = turned + head[:, None, :3, 3]
    depth = -seen[..., 2:]
    return np.asarray(
        np.array(size) / 2.0 + focal_px * seen[..., :2] * np.array([1.0, -1.0]) / np.maximum(depth, 1e-3)
    )


def cloud(view: View, focal_px: float) -> Points:
    """Points in camera space at unit distance, float64 [T, N, 3], y up, z towards the viewer."""
    depth = 1.0 + (view.points[..., 2:] - view.points[:, list(RIGID), 2].mean(1)[:, None, None]) / focal_px
    across = (view.points[..., :2] - view.centre) * np.array([1.0, -1.0]) / focal_px
    return np.concatenate([across * depth, -depth], 2)


def similarity(source: Points, target: Points, weights: Points) -> tuple[Points, Points, Points]:
    """Scale [T], rotation [T, 3, 3] and shift [T, 3] that bring source onto target, [T or 1, N, 3] each, by
    least squares (Umeyama 1991)."""
    share = (weights / weights.sum())[:, None]
    middle, goal = (source * share).sum(-2), (target * share).sum(-2)
    a, b = source - middle[..., None, :], target - goal[..., None, :]
    left, sizes, right = np.linalg.svd(np.swapaxes(b * share, -1, -2) @ a)
    sign = np.ones_like(sizes)
    sign[..., 2] = np.sign(np.linalg.det(left @ right))
    rotation = (left * sign[..., None, :]) @ right
    scale = (sizes * sign).sum(-1) / (np.square(a) * share).sum((-1, -2))
    shift = goal - scale[..., None] * (rotation @ middle[..., None])[..., 0]
    return scale, rotation, shift


def rigid_weights() -> Points:
    """float64 [478], 1 for the points that speech hardly moves, else 0."""
    weights = np.zeros(POINTS)
    weights[list(RIGID)] = 1.0
    return weights


def mean_shape(views: Sequence[View], focals_px: Sequence[float], canonical: NDArray[Any]) -> Points:
    """The identity float64 [478, 3] in centimetres: mean of the clouds without their pose, in the axes and
    the size of the canonical face [468, 3]."""
    weights = rigid_weights()
    shape: Points = np.zeros((POINTS, 3))
    shape[:_MESH_POINTS] = canonical
    for _ in range(_ROUNDS):
        total, count = np.zeros((POINTS, 3)), 0
        for view, focal_px in zip(views, focals_px, strict=True):
            points = cloud(view, focal_px)
            scale, rotation, shift = similarity(points, shape[None], weights)
            total += (scale[:, None, None] * points @ np.swapaxes(rotation, 1, 2) + shift[:, None]).sum(0)
            count += len(points)
        shape = total / count
        scale, rotation, shift = similarity(
            shape[None, :_MESH_POINTS], canonical[None], weights[:_MESH_POINTS]
        )
        shape = scale[0] * shape @ rotation[0].T + shift[0]
    return shape


def fit_pose(view: View, focal_px: float, identity: Points, weights: Points | None = None) -> Points:
    """Camera <- head, float64 [T, 4, 4], with the least weighted distance in pixels (Gauss-Newton).

    Args:
        identity: float64 [478, 3] centimetres.
        weights: float64 [478]; those of `rigid_weights` unless given.
    """
    weights = rigid_weights() if weights is None else weights
    poses = np.tile(np.eye(4), (len(view.points), 1, 1))
    used = np.flatnonzero(weights > 0)
    for rows in _chunks(len(poses)):
        part = View(view.points[rows], view.size)
        scale, rotation, shift = similarity(identity[None], cloud(part, focal_px), rigid_weights())
        poses[rows, :3, :3], poses[rows, :3, 3] = rotation, shift / scale[:, None]
        for _ in range(_STEPS):
            poses[rows] = _improved(
                poses[rows], part.points[:, used, :2] - part.centre, focal_px, identity[used], weights[used]
            )
    return poses


def _improved(poses: Points, seen: Points, focal_px: float, shape: Points, weights: Points) -> Points:
    """One step of Gauss-Newton for six numbers per frame: a turn about the head's origin and a shift."""
    turned = shape @ np.swapaxes(poses[:, :3, :3], 1, 2)
    placed = turned + poses[:, None, :3, 3]
    depth = np.maximum(-placed[..., 2], 1e-3)
    ratio = placed[..., :2] / depth[..., None]
    residual = seen - focal_px * ratio * np.array([1.0, -1.0])
    slope = np.zeros((*depth.shape, 2, 3))
    slope[..., 0, 0] = focal_px / depth
    slope[..., 1, 1] = -focal_px / depth
    slope[..., 0, 2] = focal_px * ratio[..., 0] / depth
    slope[..., 1, 2] = -focal_px * ratio[..., 1] / depth
    by_turn = -slope @ _cross(turned)
    jacobian = np.concatenate([by_turn, slope], -1).reshape(len(poses), -1, 6)
    weighted = jacobian * np.repeat(weights, 2)[None, :, None]
    normal = np.swapaxes(weighted, 1, 2) @ jacobian
    step = np.linalg.solve(normal, (np.swapaxes(weighted, 1, 2) @ residual.reshape(len(poses), -1, 1)))[
        ..., 0
    ]
    out = poses.copy()
    out[:, :3, :3] = rotations(step[:, :3]) @ poses[:, :3, :3]
    out[:, :3, 3] += step[:, 3:]
    return out


def _cross(vectors: Points) -> Points:
    """Matrices [..., 3, 3] whose product with another vector is the cross product."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    return np.stack(
        [np.stack([zero, -z, y], -1), np.stack([z, zero, -x], -1), np.stack([-y, x, zero], -1)], -2
    )


def rotations(vectors: Points) -> Points:
    """Rotation matrices [T, 3, 3] of rotation vectors [T, 3] in radians (Rodrigues)."""
    angle = np.linalg.norm(vectors, axis=-1)[:, None, None]
    cross = _cross(vectors)
    small = np.maximum(angle, 1e-12)
    one = np.where(angle < 1e-6, 1.0, np.sin(angle) / small)
    two = np.where(angle < 1e-6, 0.5, (1.0 - np.cos(angle)) / small**2)
    return np.asarray(np.eye(3) + one * cross + two * cross @ cross)


def rotation_vectors(matrices: Points) -> Points:
    """Rotation vectors [T, 3] in radians of matrices [T, 3, 3]; turns stay below pi."""
    twist = np.stack(
        [
            matrices[:, 2, 1] - matrices[:, 1, 2],
            matrices[:, 0, 2] - matrices[:, 2, 0],
            matrices[:, 1, 0] - matrices[:, 0, 1],
        ],
        1,
    )
    sine = np.linalg.norm(twist, axis=1) / 2.0
    angle = np.arctan2(sine, (np.trace(matrices, axis1=1, axis2=2) - 1.0) / 2.0)
    return np.asarray(twist / 2.0 * np.where(sine < 1e-9, 1.0, angle / np.maximum(sine, 1e-9))[:, None])


def pixel_error(view: View, focal_px: float, identity: Points, poses: Points) -> float:
    """Root mean square distance in pixels of the rigid points."""
    seen = project(identity[None, list(RIGID)], poses, focal_px, view.size)
    gap = seen - view.points[:, list(RIGID), :2]
    return float(np.sqrt(np.square(gap).sum(-1).mean()))


def find_focal(
    views: Sequence[View], canonical: NDArray[Any], expected_px: float, identity: Points | None = None
) -> tuple[float, bool]:
    """The focal length in pixels under which the points of several shots of one camera agree best.

    Args:
        views: of one size.
        canonical: float64 [468, 3].
        expected_px: kept where no other one is clearly better: a head that hardly turns or nears looks the
            same through many lenses.
        identity: of the actor, where it is known already.

    Returns:
        The focal length, and whether the footage tells it.
    """
    size = views[0].size
    thinned = [View(view.points[:: max(1, len(view.points) // 60)], size) for view in views]

    def error(focal_px: float) -> float:
        shape = mean_shape(thinned, [focal_px] * len(thinned), canonical) if identity is None else identity
        errors = [pixel_error(view, focal_px, shape, fit_pose(view, focal_px, shape)) for view in thinned]
        counts = [len(view.points) for view in thinned]
        return float(np.sqrt(np.average(np.square(errors), weights=counts)))

    found = {focal: error(focal) for focal in (equivalent_px(one, size) for one in FOCALS_MM)}
    best = min(found, key=lambda one: found[one])
    if found[best] < _CLEARLY_BETTER * error(expected_px):
        return best, True
    return expected_px, False


def offsets(view: View, focal_px: float, identity: Points, poses: Points) -> Points:
    """What moved in head space beyond the pose, float64 [T, 478, 3] centimetres.

    A point lies on the ray through its pixel; how far along it MediaPipe's relative depth says, which is
    brought to the identity's by the rigid points.
    """
    rigid = list(RIGID)
    placed = np.einsum("tij,nj->tni", poses[:, :3, :3], identity) + poses[:, None, :3, 3]
    distance = -placed[..., 2]
    guess = view.points[..., 2] - view.points[:, rigid, 2].mean(1)[:, None]
    near = distance[:, rigid].mean(1)[:, None]
    depth = near * (1.0 + guess / focal_px)
    depth += (distance[:, rigid] - depth[:, rigid]).mean(1)[:, None]
    across = (view.points[..., :2] - view.centre) * np.array([1.0, -1.0]) / focal_px
    seen = np.concatenate([across * depth[..., None], -depth[..., None]], 2)
    return np.asarray((seen - poses[:, None, :3, 3]) @ poses[:, :3, :3] - identity)


def point_weights() -> Points:
    """How much each point's movements count in the basis, float64 [478, 3]."""
    weights = np.ones((POINTS, 3))
    weights[list(MOUTH_REGION)] = _MOUTH_WEIGHT
    weights[[*LIPS_OUTER, *LIPS_INNER]] = _LIP_WEIGHT
    weights[_MESH_POINTS:] = _EYE_WEIGHT
    weights[:, 2] *= _DEPTH_WEIGHT
    return weights


def fit_basis(moved: Sequence[NDArray[Any]], components: int = COMPONENTS) -> tuple[Points, Points]:
    """The mean of offsets [T, 478, 3] of several shots, float64 [478, 3], and their basis [E, 478, 3]:
    weighted principal components, each as far as it reaches in the footage (one standard deviation)."""
    weights = point_weights().reshape(-1)
    count = sum(len(piece) for piece in moved)
    mean = sum((piece.sum(0, dtype=np.float64) for piece in moved), np.zeros((POINTS, 3))) / count
    spread = np.zeros((weights.size, weights.size))
    for piece in moved:
        for rows in _chunks(len(piece)):
            flat = (piece[rows] - mean).reshape(-1, weights.size) * weights
            spread += flat.T @ flat
    values, vectors = np.linalg.eigh(spread / count)
    kept = slice(-1, -1 - min(components, count - 1), -1)
    reach = np.sqrt(np.maximum(values[kept], 1e-10))
    basis = vectors[:, kept].T * reach[:, None] / weights
    basis *= np.sign(basis.sum(1, keepdims=True) + 1e-12)
    full = np.zeros((components, weights.size))
    full[: len(basis)] = basis
    return mean, full.reshape(components, POINTS, 3)


def express(moved: NDArray[Any], basis: NDArray[Any]) -> Points:
    """The expression float64 [T, E] nearest to offsets [T, 478, 3] under `point_weights`.

    Movements are held towards 0 as far as they are unusual: a hand before the mouth makes no new face.
    """
    weights = point_weights().reshape(-1)
    table = basis.reshape(len(basis), -1) * weights
    gram = table @ table.T
    ridge = 1e-3 * np.trace(gram) / len(gram)
    solve = np.linalg.solve(gram + ridge * np.eye(len(gram)), table)
    out = np.zeros((len(moved), len(basis)))
    for rows in _chunks(len(moved)):
        out[rows] = (moved[rows].reshape(-1, weights.size) * weights) @ solve.T
    return out


def _chunks(count: int) -> Iterator[slice]:
    for first in range(0, count, _CHUNK):
        yield slice(first, min(first + _CHUNK, count))


def residual(moved: NDArray[Any], expression: NDArray[Any], basis: NDArray[Any]) -> Points:
    """What an expression leaves of offsets round the mouth, float64 [T] centimetres (root mean square)."""
    region = list(MOUTH_REGION)
    left = moved[:, region, :2] - np.tensordot(expression, basis[:, region, :2], 1)
    return np.asarray(np.sqrt(np.square(left).sum(-1).mean(-1)))


def fit_error(view: View, focal_px: float, vertices: NDArray[Any], poses: NDArray[Any]) -> float:
    """Mean distance in pixels between the fitted face and the tracked points."""
    return float(
        np.linalg.norm(project(vertices, poses, focal_px, view.size) - view.points[..., :2], axis=-1).mean()
    )


def pose_matrices(motion: NDArray[Any]) -> FloatArray:
    """float32 [T, 4, 4] of rotation vectors and shifts [T, 6]."""
    out = np.tile(np.eye(4, dtype=np.float32), (len(motion), 1, 1))
    out[:, :3, :3] = rotations(np.asarray(motion[:, :3], np.float64))
    out[:, :3, 3] = motion[:, 3:]
    return out
