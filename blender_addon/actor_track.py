"""Where the 3D head is before the camera, frame by frame, for a pass on the head (`skin`).

Six points say what of the head is what: eyes, tip of the nose, corners of the mouth, chin. They are found
from what the character's shape keys move, and stand in the scene as empties that a person can look at and
move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..inference.actor.painting.head_track import REFERENCE, HeadTrack, write_track
from ..inference.errors import RigError, UsageError
from ..inference.names import match_channels
from . import media

if TYPE_CHECKING:
    from pathlib import Path

_MARK = "soliloquy_face_point"
"""Custom property of an empty: which point it is, and of which character."""
_LABELS = {
    "eye_right": "Right Eye",
    "eye_left": "Left Eye",
    "nose_tip": "Nose Tip",
    "mouth_right": "Right Corner of the Mouth",
    "mouth_left": "Left Corner of the Mouth",
    "chin": "Chin",
}
_WANTED = ("eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight", "jawOpen")
_MOST_MOVED = 0.7
"""Of the longest way of a shape key: vertices that move so far are what the key is about."""
_SIZE_SHARE = 0.04
"""Radius of an empty, as a share of the distance from the eyes to the chin."""


def face_points(character: bpy.types.Object) -> dict[str, bpy.types.Object]:
    """The empties of a character's face, by the names of `head_track.REFERENCE`; those that are there."""
    found = {}
    for child in bpy.data.objects:
        name, _, whose = str(child.get(_MARK, "")).partition(" of ")
        if name in REFERENCE and whose == character.name and child.users_scene:
            found[name] = child
    return found


def place_points(character: bpy.types.Object, scene: bpy.types.Scene) -> dict[str, bpy.types.Object]:
    """Add the empties where the character's shape keys say that the points are, or move those there are.

    Raises:
        RigError: its shape keys do not tell.
    """
    points = found_points(character)
    owner, bone = carrier(character)
    there = face_points(character)
    height = np.linalg.norm(0.5 * (points["eye_left"] + points["eye_right"]) - points["chin"])
    rest = _rest_to_world(character, owner, bone)
    made = {}
    for name, label in _LABELS.items():
        empty = there.get(name) or _new_empty(character, scene, name, label)
        empty.empty_display_type, empty.empty_display_size = "SPHERE", float(_SIZE_SHARE * height)
        empty.parent = owner
        if bone:
            empty.parent_type, empty.parent_bone = "BONE", bone
        empty.matrix_world = Matrix.Translation(rest @ Vector(points[name]))
        made[name] = empty
    return made


def _new_empty(
    character: bpy.types.Object, scene: bpy.types.Scene, name: str, label: str
) -> bpy.types.Object:
    empty = bpy.data.objects.new(f"{character.name} {label}", None)
    empty[_MARK] = f"{name} of {character.name}"
    empty.hide_render = True
    empty.show_in_front = True
    (character.users_collection or (scene.collection,))[0].objects.link(empty)
    return empty


def found_points(character: bpy.types.Object) -> dict[str, np.ndarray]:
    """float64 [3] in the mesh's own space of every point, from the shape keys that move near it.

    Raises:
        RigError: keys for lids, smile and jaw are missing, or it is no mesh.
    """
    keys = character.data.shape_keys if character.type == "MESH" else None
    names = match_channels([block.name for block in keys.key_blocks]) if keys is not None else {}
    missing = [channel for channel in _WANTED if not names.get(channel)]
    if missing:
        raise RigError(
            f'Where the face of "{character.name}" is can\'t be told: it has no shape key {missing[0]}',
            "Choose the mesh of the face as target",
        )
    basis = _coordinates(keys.reference_key)
    moved = {channel: _coordinates(keys.key_blocks[names[channel][0]]) - basis for channel in _WANTED}
    # The lid at rest and the closed one lie above and below the middle of the eye.
    eyes = {s: _about(basis + 0.5 * moved[f"eyeBlink{s}"], moved[f"eyeBlink{s}"]) for s in ("Left", "Right")}
    corners = {side: _about(basis, moved[f"mouthSmile{side}"]) for side in ("Left", "Right")}
    left, up, front = _axes(eyes, corners)
    return {
        "eye_right": eyes["Right"],
        "eye_left": eyes["Left"],
        "nose_tip": _nose(basis, eyes, corners, left, up, front),
        "mouth_right": corners["Right"],
        "mouth_left": corners["Left"],
        "chin": _chin(basis, moved["jawOpen"], corners, left, up, front),
    }


def _coordinates(block: bpy.types.ShapeKey) -> np.ndarray:
    values = np.empty(3 * len(block.data), np.float32)
    block.data.foreach_get("co", values)
    return values.reshape(-1, 3).astype(np.float64)


def _about(basis: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Middle of the vertices that a key moves most."""
    way = np.linalg.norm(moved, axis=1)
    return basis[way >= _MOST_MOVED * way.max()].mean(0)


def _axes(eyes: dict[str, np.ndarray], corners: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Unit vectors to the subject's left, up and to the front."""
    left = eyes["Left"] - eyes["Right"]
    left /= np.linalg.norm(left)
    up = eyes["Left"] + eyes["Right"] - corners["Left"] - corners["Right"]
    up -= left * (up @ left)
    up /= np.linalg.norm(up)
    return left, up, np.cross(left, up)


def _nose(
    basis: np.ndarray, eyes: dict, corners: dict, left: np.ndarray, up: np.ndarray, front: np.ndarray
) -> np.ndarray:
    """The foremost vertex between the eyes and the mouth, near the middle."""
    middle = 0.5 * (eyes["Left"] + eyes["Right"])
    width = np.linalg.norm(eyes["Left"] - eyes["Right"])
    top, bottom = middle @ up, 0.5 * (corners["Left"] + corners["Right"]) @ up
    near = (np.abs((basis - middle) @ left) < 0.2 * width) & (basis @ up < top) & (basis @ up > bottom)
    if not near.any():
        raise RigError("The nose of the character can't be found", "Choose the mesh of the face as target")
    return basis[near][np.argmax(basis[near] @ front)]


def _chin(
    basis: np.ndarray,
    moved: np.ndarray,
    corners: dict,
    left: np.ndarray,
    up: np.ndarray,
    front: np.ndarray,
) -> np.ndarray:
    """Of what the jaw moves below the mouth: the vertex that is furthest to the front and below."""
    middle = 0.5 * (corners["Left"] + corners["Right"])
    width = np.linalg.norm(corners["Left"] - corners["Right"])
    way = np.linalg.norm(moved, axis=1)
    below = (basis - middle) @ up < -0.45 * width
    near = (way >= 0.5 * way.max()) & (np.abs((basis - middle) @ left) < 0.2 * width) & below
    if not near.any():
        raise RigError("The chin of the character can't be found", "Choose the mesh of the face as target")
    found = basis[near]
    return found[np.argmax(found @ front - 0.5 * (found @ up))]


def carrier(character: bpy.types.Object) -> tuple[bpy.types.Object, str]:
    """What carries the face: an armature and the bone that the eyes hang on, or the mesh itself and ""."""
    armature = character.find_armature()
    if armature is None:
        return character, ""
    keys = character.data.shape_keys
    names = match_channels([block.name for block in keys.key_blocks])
    moved = _coordinates(keys.key_blocks[names["eyeBlinkLeft"][0]]) - _coordinates(keys.reference_key)
    vertices = np.flatnonzero(np.linalg.norm(moved, axis=1) > 0)
    weights: dict[str, float] = {}
    for index in vertices.tolist():
        for group in character.data.vertices[index].groups:
            name = character.vertex_groups[group.group].name
            weights[name] = weights.get(name, 0.0) + group.weight
    bones = {name: weight for name, weight in weights.items() if name in armature.pose.bones}
    return (armature, max(bones, key=bones.__getitem__)) if bones else (character, "")


def _rest_to_world(character: bpy.types.Object, owner: bpy.types.Object, bone: str) -> Matrix:
    """Where the mesh's own space is now, without its shape keys: it goes with the bone."""
    if not bone:
        return character.matrix_world.copy()
    pose = owner.pose.bones[bone]
    to_armature = owner.matrix_world.inverted() @ character.matrix_world
    return owner.matrix_world @ pose.matrix @ pose.bone.matrix_local.inverted() @ to_armature


def write(scene: bpy.types.Scene, character: bpy.types.Object, path: str | Path) -> int:
    """Write the track of a character's head for the scene's frames; returns how many they are.

    Steps through the frames; the scene's current frame is put back.

    Raises:
        UsageError: no camera, or one that pictures can't be painted for.
        RigError: the points of the face are missing.
        OutputError: the file cannot be written.
    """
    points = face_points(character)
    if len(points) < len(REFERENCE):
        raise RigError(f'The face points of "{character.name}" are missing', "Press Place Face Points")
    error = camera_refusal(scene)
    if error is not None:
        raise error
    owner, bone = carrier(character)
    head = _head(owner, bone)
    inverse = head.inverted()
    reference = np.array([inverse @ points[name].matrix_world.translation for name in REFERENCE])
    frames = list(range(scene.frame_start, scene.frame_end + 1))
    rows = _rows(scene, owner.name, bone, frames)
    width, height = picture_size(scene)
    track = HeadTrack(
        width,
        height,
        media.frame_rate(scene),
        reference.astype(np.float64),
        np.array(frames, np.int32),
        np.array([row[0] for row in rows], np.float64),
        np.array([row[1] for row in rows], np.float64),
        np.array([row[2] for row in rows], np.float64),
    )
    write_track(path, track)
    return len(frames)


def camera_refusal(scene: bpy.types.Scene) -> UsageError | None:
    """Why the head can't be seen, or None."""
    if scene.camera is None:
        return UsageError(f'The scene "{scene.name}" has no camera', "Add a camera")
    if scene.camera.type != "CAMERA" or scene.camera.data.type != "PERSP":
        return UsageError("The camera has no perspective", "Set the camera's type to Perspective")
    return None


def picture_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Pixels of the rendered picture."""
    render = scene.render
    share = render.resolution_percentage / 100
    return max(1, int(render.resolution_x * share)), max(1, int(render.resolution_y * share))


def _rows(
    scene: bpy.types.Scene, owner: str, bone: str, frames: list[int]
) -> list[tuple[Matrix, float, tuple[float, float]]]:
    width, height = picture_size(scene)
    rows = []
    with media.current_frame_kept(scene):
        for frame in frames:
            scene.frame_set(frame)
            graph = bpy.context.evaluated_depsgraph_get()
            camera = scene.camera.evaluated_get(graph)
            seen = camera.calc_matrix_camera(graph, x=width, y=height, scale_x=1.0, scale_y=1.0)
            focal = 0.5 * width * seen[0][0]
            centre = 0.5 * width * (1.0 - seen[0][2]), 0.5 * height * (1.0 + seen[1][2])
            head = _head(scene.objects[owner].evaluated_get(graph), bone)
            rows.append((camera.matrix_world.inverted() @ head, focal, centre))
    return rows


def _head(owner: bpy.types.Object, bone: str) -> Matrix:
    """World <- the head's own space."""
    return owner.matrix_world @ owner.pose.bones[bone].matrix if bone else owner.matrix_world.copy()
