"""The skin of a captured actor on a 3D head: one captured frame, its mouth painted for every frame of the
line, laid over the 3D head by the actor's fitted mesh.

The mesh is brought onto the 3D head by a similarity of six points of the face. What it carries is a frame
of the plate that the camera of the shot would have seen most alike; all of a shot uses one, so that nothing
jumps. Light and shade are those of the plate. Confidence fades towards the face's edge, where the surface
turns away, and where the head is turned further than memory has seen it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...channels import ARKIT_52
from ...curves import sample_motion
from ...motion import arkit_motion
from ...performance.ease import ease
from ...types import FaceMotion
from .. import colour
from ..crop import cubic, paste, sample
from ..folder import ActorError
from ..footage import open_footage, usable_rows
from ..speech_map import driven, lead_s, posture
from ..take import load_take
from ..types import PassFrame
from .head_track import REFERENCE, project
from .raster import boundary, close_holes, draw
from .render import BATCH, Plan, Shot, empty_frame, hole_box, view_angles
from .timeline import Timeline, names_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ...types import FloatArray
    from ..folder import Actor
    from ..types import ActorFace, Take
    from .head_track import HeadTrack
    from .raster import Drawn
    from .render import Painter

_POINTS: Final = {
    "eye_right": (33, 133),
    "eye_left": (362, 263),
    "nose_tip": (4,),
    "mouth_right": (61,),
    "mouth_left": (291,),
    "chin": (199,),
}
"""Where the reference points lie on the actor's face: means of these vertices."""
_EDGE_RINGS: Final = 3
"""Rings of triangles over which the matte fades at the face's outer edge."""
_LEAST_TRIANGLES: Final = 8
_ROUNDNESS: Final = 0.35
"""How far behind the face's rim the middle of a round head is taken to lie, as a share of the rim's width."""
_GRAZING, _FACING = 0.2, 0.5
"""Cosines of the angle between skin and view, below which nothing is trusted and above which all is."""
_HIDDEN, _SHOWN = 0.1, 0.4
"""Likewise for the matte, as the shot sees the skin: no hard edge where the face turns away."""
_BEHIND, _SURE = 0.35, 0.6
"""Likewise as the plate sees it: beside a face that turned away lies what is behind the head."""


@dataclass(frozen=True)
class Source:
    """The captured frame whose skin is used: `row` of `take`, and its picture, uint8 [H, W, 3]."""

    name: str
    take: Take
    row: int
    rgb: NDArray[np.uint8]


@dataclass(frozen=True)
class SkinPlan:
    """All of a shot but its pixels: `shot` and `plan` in the source frame, `pose` float64 [N, 4, 4] camera
    of the shot <- the actor's head space, `confidence` float32 [N] 0..1."""

    source: Source
    shot: Shot
    plan: Plan
    track: HeadTrack
    pose: NDArray[np.float64]
    confidence: FloatArray
    turned: FloatArray

    def notices(self) -> list[str]:
        """What a user should know."""
        numbers, source = self.track.numbers, self.source
        said = [f"The skin is that of frame {source.take.numbers[source.row]} of '{source.name}'"]
        if (away := self.turned < 0.5).any():
            said.append(f"The head is turned further than was captured in {names_of(numbers[away])}")
        if (strange := self.plan.confidence < 0.5).any():
            said.append(f"Little is known of the mouth in {names_of(numbers[strange])}: low confidence")
        return said


def fit_similarity(points: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """[4, 4] turn, scale and shift that bring points [N, 3] nearest to others (Umeyama 1991)."""
    middle, goal = points.mean(0), wanted.mean(0)
    a, b = points - middle, wanted - goal
    u, s, v = np.linalg.svd(b.T @ a)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(v)) or 1.0])
    turn = (u * sign) @ v
    scale = float((s * sign).sum() / max(float((a**2).sum()), 1e-12))
    out = np.eye(4)
    out[:3, :3] = scale * turn
    out[:3, 3] = goal - scale * turn @ middle
    return out


def reference_points(face: ActorFace) -> NDArray[np.float64]:
    """float64 [6, 3], rows as `head_track.REFERENCE`, of the actor at rest."""
    points = [face.identity[list(_POINTS[name])].mean(0) for name in REFERENCE]
    return np.asarray(points, np.float64)


def find_source(actor: Actor, wanted: FloatArray, plates: Sequence[Path] = ()) -> Source:
    """The frame that shows the head most as a shot's camera sees it.

    Args:
        actor: with takes.
        wanted: float32 [2] yaw and pitch in degrees, see `render.view_angles`.
        plates: folders to look in before the places of the capture.

    Raises:
        ActorError: no take has a usable frame, or its plate is not there.
    """
    best: tuple[float, str, Take, int] | None = None
    for name in actor.takes:
        take = load_take(actor, name)
        rows = usable_rows(take)
        if not len(rows):
            continue
        angles = np.hypot(*(view_angles(take.head[rows]) - wanted).T)
        # Among frames that are turned alike the calmest face: lids and brows stay as they are in it.
        effort = np.linalg.norm(take.expression[rows], axis=1)
        cost = angles + 0.2 * effort + 2 * (1 - take.confidence[rows]) + _lids(take, rows)
        row = int(np.argmin(cost))
        if best is None or cost[row] < best[0]:
            best = float(cost[row]), name, take, int(rows[row])
    if best is None:
        raise ActorError(f"No take of {actor.name} shows a face that can be used", "Capture another plate")
    _, name, take, row = best
    with open_footage(actor, name, take, plates) as plate:
        number = int(take.numbers[row])
        frame = next(plate.frames(number, number + 1), None)
    if frame is None:
        raise ActorError(f"The plate of take '{name}' has no frame {number}", "Capture it again")
    return Source(name, take, row, frame.rgb)


def _lids(take: Take, rows: NDArray[np.intp]) -> FloatArray:
    """A cost for closed eyes."""
    columns = [take.motion.channels.index(c) for c in ("eyeBlinkLeft", "eyeBlinkRight")]
    return np.asarray(10 * take.motion.values[rows][:, columns].mean(1), np.float32)


def plan_skin(
    painter: Painter, track: HeadTrack, motion: FaceMotion, plates: Sequence[Path] = ()
) -> SkinPlan:
    """Choose the source and work out all of a shot but its pixels.

    Args:
        painter: of the actor.
        track: where the 3D head is.
        motion: the line; its time 0 is the track's first frame.
        plates: as for `find_source`.

    Raises:
        ActorError: as `find_source`; or the face has no surface.
    """
    face = painter.face
    if len(face.triangles) < _LEAST_TRIANGLES:
        raise ActorError(f"The face of {painter.actor.name} has no surface", "Capture the actor again")
    pose = track.head @ fit_similarity(reference_points(face), track.reference)
    angles = view_angles(pose.astype(np.float32))
    source = find_source(painter.actor, np.median(angles, axis=0).astype(np.float32), plates)
    times = (track.numbers - track.numbers[0]) / track.rate.hz
    line = FaceMotion(
        sample_motion(arkit_motion(motion), times + lead_s(source.take)), ARKIT_52, track.rate.hz
    )
    rows = np.full(len(track), source.row, np.int64)
    held = posture(face, source.take)[rows]
    shot = Shot(source.take, Timeline(track.numbers, rows, times), driven(face, line, held))
    plan = painter.plan(shot)
    turned = painter.turned_as_seen(pose.astype(np.float32))
    return SkinPlan(source, shot, plan, track, pose, plan.confidence * turned, turned)


def paint_skin_frames(painter: Painter, skin: SkinPlan, wanted: Sequence[int]) -> Iterator[PassFrame]:
    """Paint some frames of a shot: one for each of `wanted`, counted from 0, in order."""
    take, row = skin.source.take, skin.source.row
    seen = sample(skin.source.rgb, take.crop[row], painter.size) / np.float32(255)
    crop = np.clip(colour.apply(seen, take.colour[row]), 0, 1)
    mesh = _Mesh(painter.face)
    for first in range(0, len(wanted), BATCH):
        at = np.array(wanted[first : first + BATCH])
        plan = skin.plan
        crops = np.repeat(crop[None], len(at), 0)
        painted = painter.paint(crops, plan.points[at], plan.indices[at], plan.distances[at])
        for i, patch in zip(at.tolist(), painted, strict=True):
            texture = _texture(painter, skin.source, colour.undo(patch, take.colour[row]))
            yield _laid_on(mesh, painter.face, skin, i, texture)


class _Mesh:
    """What is the same in all frames: triangles without holes, and the share of the matte at every vertex."""

    def __init__(self, face: ActorFace) -> None:
        self.triangles = close_holes(face.triangles, face.identity)
        loops = boundary(self.triangles)
        self.rim = max(loops, key=len) if loops else list(range(len(face.identity)))
        self.matte = (
            _rings(self.triangles, self.rim, len(face.identity)) if loops else np.ones(len(face.identity))
        )

    def normals(self, vertices: FloatArray) -> FloatArray:
        """float32 [N, 3] of unit length, outwards, of a smooth round face: those of the mesh itself would
        mistrust the sides of the nose, and let the 3D head through in lines."""
        rim = vertices[self.rim] if self.rim else vertices
        middle = rim.mean(0) - np.array([0, 0, _ROUNDNESS * np.ptp(rim[:, 0])], np.float32)
        outwards = vertices - middle
        length = np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-9)
        return np.asarray(outwards / length, np.float32)


def _rings(triangles: NDArray[np.int32], rim: list[int], count: int) -> FloatArray:
    """float32 [count]: 0 at the outer edge of the mesh, rising to 1 over `_EDGE_RINGS` rings of triangles."""
    share = np.ones(count, np.float32)
    reached = np.zeros(count, bool)
    reached[rim] = True
    for ring in range(_EDGE_RINGS):
        touched = np.zeros(count, bool)
        touched[triangles[reached[triangles].any(1)].ravel()] = True
        share[reached & (share == 1)] = ring / _EDGE_RINGS
        reached |= touched
    return share


def _texture(painter: Painter, source: Source, patch: FloatArray) -> FloatArray:
    """float32 [H, W, 3] 0..1: the source frame with its mouth painted, in the plate's colours."""
    height, width = source.rgb.shape[:2]
    transform = source.take.crop[source.row]
    box = hole_box(transform, painter.size, width, height)
    inside = np.s_[box[1] : box[3], box[0] : box[2]]
    out = source.rgb.astype(np.float32) / np.float32(255)
    matte = np.clip(paste(painter.hole[..., None], transform, box), 0, 1)
    out[inside] += matte * (np.clip(paste(patch, transform, box), 0, 1) - out[inside])
    return out


def _laid_on(mesh: _Mesh, face: ActorFace, skin: SkinPlan, i: int, texture: FloatArray) -> PassFrame:
    track, take, row = skin.track, skin.source.take, skin.source.row
    vertices = face.vertices(skin.shot.expression[i : i + 1])[0]
    pixels, depths = project(vertices, skin.pose[i], float(track.focal_px[i]), track.centre_px[i])
    drawn = draw(pixels, depths, mesh.triangles, track.width, track.height)
    out = empty_frame(int(track.numbers[i]), track.width, track.height)
    left, top, right, bottom = drawn.box
    if right <= left or bottom <= top:
        return out
    middle = np.array(take.size) / 2
    places, _ = project(vertices, take.head[row].astype(np.float64), take.focal_px, middle)
    normals = mesh.normals(vertices)
    here, there = (_facing(vertices, normals, pose) for pose in (skin.pose[i], take.head[row]))
    columns = np.asarray(np.c_[places, mesh.matte, here, there], np.float32)
    seen = drawn.interpolate(mesh.triangles, columns)
    inside = np.s_[top:bottom, left:right]
    rgb = _looked_up(texture, seen[..., :2], drawn)
    out.rgb[inside] = np.clip(colour.to_linear(np.clip(rgb, 0, 1)), 0, 1)
    shown = _between(seen[..., 3], _HIDDEN, _SHOWN) * _between(seen[..., 4], _BEHIND, _SURE)
    out.matte[inside] = _between(seen[..., 2], 0, 1) * shown
    trusted = _between(np.minimum(seen[..., 3], seen[..., 4]), _GRAZING, _FACING)
    confidence = np.zeros((track.height, track.width), np.float32)
    confidence[inside] = skin.confidence[i] * trusted * (drawn.triangle >= 0)
    return PassFrame(out.number, out.rgb, out.matte, confidence, drawn.box)


def _facing(vertices: FloatArray, normals: FloatArray, pose: NDArray[Any]) -> FloatArray:
    """float32 [N]: cosine of the angle between skin and the way to the camera; 1 is seen from straight
    ahead."""
    turn = np.asarray(pose[:3, :3], np.float64)
    scale = float(np.cbrt(np.linalg.det(turn)))
    camera = -(turn.T @ np.asarray(pose[:3, 3], np.float64)) / max(scale**2, 1e-12)
    towards = camera - vertices
    towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-9)
    return np.asarray((normals * towards).sum(1), np.float32)


def _looked_up(texture: FloatArray, places: FloatArray, drawn: Drawn) -> FloatArray:
    """float32 [h, w, 3] of the texture at places [h, w, 2] in its pixels; 0 where the mesh is not seen."""
    seen = drawn.triangle >= 0
    out = np.zeros((*seen.shape, 3), np.float32)
    if not seen.any():
        return out
    x, y = places[seen].T - np.float32(0.5)
    step = _step(places, seen)
    if step >= 2:
        texture = _shrunk(texture, int(step))
        x, y = (x + 0.5) / int(step) - 0.5, (y + 0.5) / int(step) - 0.5
    planes = np.ascontiguousarray(texture.transpose(2, 0, 1))
    out[seen] = cubic(planes, x.astype(np.float32), y.astype(np.float32)).T
    return out


def _step(places: FloatArray, seen: NDArray[np.bool_]) -> float:
    """Pixels of the texture to one of the picture, typically."""
    both = seen[:, 1:] & seen[:, :-1]
    if not both.any():
        return 1.0
    return float(np.median(np.hypot(*(places[:, 1:] - places[:, :-1])[both].T)))


def _shrunk(texture: FloatArray, by: int) -> FloatArray:
    height, width = (side // by * by for side in texture.shape[:2])
    return np.asarray(
        texture[:height, :width].reshape(height // by, by, width // by, by, 3).mean((1, 3)), np.float32
    )


def _between(values: FloatArray, none: float, full: float) -> FloatArray:
    """0 up to `none`, 1 from `full` on, smooth between."""
    return np.asarray(ease((values - none) / (full - none)), np.float32)
