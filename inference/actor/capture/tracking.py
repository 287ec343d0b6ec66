"""Where the face is in a picture: the only importer of MediaPipe and OpenCV.

MediaPipe's Face Landmarker (Apache-2.0, pip mediapipe, its model file is the user's) gives 478 points, 52
blend shapes and a pose per picture (Grishchenko et al., arXiv 2006.10962). Pictures are judged one by one:
MediaPipe's own smoothing lags, and lips that shut for two frames would stay ajar; what shakes is smoothed
later, when the whole take is known.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ... import protobuf
from ...channels import ARKIT_52
from ..folder import ActorError
from ..types import POINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ...types import FloatArray

FACE_MODEL_VARIABLE: Final = "SOLILOQUY_FACE_MODEL"
"""Environment variable with the path of MediaPipe's model file."""
_LONGEST_SIDE: Final = 1280
_SMALL_SIDE: Final = 400
"""Pixels: a smaller picture is enlarged to twice its size, which steadies the points."""
_MESH_MEMBER: Final = "geometry_pipeline_metadata_landmarks.binarypb"
_MESH_POINTS: Final = 468
_LARGEST_MESH: Final = 2**20
_NOWHERE: Final = "http://127.0.0.1:9"
"""The port that throws everything away."""


class TrackingError(ActorError):
    """The face cannot be tracked: the model file or a package is missing or unusable."""


@dataclass(frozen=True)
class Tracked:
    """The face in one picture: `landmarks` float32 [478, 3] pixels of the picture (z as x, smaller is nearer)
    and `channels` float32 [52] in the order of `ARKIT_52`; both NaN without a face."""

    landmarks: FloatArray
    channels: FloatArray
    faces: int
    """How many were seen: 0, 1, or 2 for more."""


@dataclass(frozen=True)
class FaceMesh:
    """MediaPipe's canonical face: `vertices` float32 [468, 3] in centimetres, y up, z out of the face;
    `triangles` int32 [898, 3]."""

    vertices: FloatArray
    triangles: NDArray[np.int32]


def face_model_path(given: str | os.PathLike[str] | None) -> Path:
    """The model file that the user names, or that the environment does.

    Raises:
        TrackingError: neither names one, or it is not there.
    """
    named = os.fspath(given) if given else os.environ.get(FACE_MODEL_VARIABLE, "")
    where = (
        "Download face_landmarker.task from MediaPipe's guide to face landmark detection and give its path "
        f"with --face-model, in the preferences, or in {FACE_MODEL_VARIABLE}"
    )
    if not named:
        raise TrackingError("Tracking a face needs MediaPipe's model file, and none is given", where)
    path = Path(named)
    if not path.is_file():
        raise TrackingError(f"The face model '{path}' does not exist", where)
    return path


def load_mesh(face_model: Path) -> FaceMesh:
    """The canonical face that comes with the model file.

    Raises:
        TrackingError: the file is not MediaPipe's Face Landmarker.
    """
    try:
        with zipfile.ZipFile(face_model) as bundle:
            if bundle.getinfo(_MESH_MEMBER).file_size > _LARGEST_MESH:
                raise ValueError("its mesh is too large")
            content = bundle.read(_MESH_MEMBER)
        mesh = next(value for number, value in _fields(content) if number == 1 and isinstance(value, bytes))
        values = [value for number, value in _fields(mesh) if number == 3 and isinstance(value, bytes)]
        corners = [value for number, value in _fields(mesh) if number == 4 and isinstance(value, int)]
        vertices = np.frombuffer(b"".join(values), "<f4").reshape(_MESH_POINTS, 5)[:, :3]
        triangles = np.asarray(corners, np.int32).reshape(-1, 3)
        if not len(triangles) or triangles.max() >= _MESH_POINTS or not np.isfinite(vertices).all():
            raise ValueError("its mesh is damaged")
    except (
        OSError, ValueError, LookupError, OverflowError, RuntimeError, EOFError, StopIteration, struct.error,
        zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise TrackingError(
            f"'{face_model}' is not MediaPipe's face landmarker ({error})",
            "Give the file face_landmarker.task as MediaPipe offers it",
        ) from error
    return FaceMesh(np.ascontiguousarray(vertices, np.float32), triangles)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of the fields of a protocol buffer: varints as int, all others as bytes."""
    data = memoryview(message)
    for number, wire, first, last in protobuf.fields(data, 0, len(data)):
        yield (
            number,
            protobuf.varint(data, first, last)[0] if wire == protobuf.VARINT else message[first:last],
        )


class Tracker:
    """Finds faces in pictures. A context manager; use it in the thread that made it.

    Args:
        face_model: see `face_model_path`.

    Raises:
        TrackingError: a package is missing, or the file is no model that this MediaPipe can use.
    """

    def __init__(self, face_model: Path) -> None:
        self._mediapipe, self._cv2 = _load_packages()
        self._face_model = face_model
        with _silence():
            self._detector = self._make()
            self.track(np.zeros((64, 64, 3), np.uint8))  # MediaPipe says more when it first runs

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *_: object) -> None:
        with _silence():
            self._detector.close()

    def _make(self) -> Any:
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=self._face_model.read_bytes()),
            running_mode=vision.RunningMode.IMAGE,
            num_faces=2,
            output_face_blendshapes=True,
        )
        try:
            return vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise TrackingError(
                f"'{self._face_model}' is no face model that MediaPipe can use",
                "Give the file face_landmarker.task as MediaPipe offers it",
            ) from error

    def track(self, rgb: NDArray[np.uint8]) -> Tracked:
        """The face in a picture uint8 [H, W, 3]; of several the largest."""
        height, width = rgb.shape[:2]
        picture = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(self._resized(rgb))
        )
        found = self._detector.detect(picture)
        if not found.face_landmarks:
            return Tracked(np.full((POINTS, 3), np.nan, np.float32), np.full(52, np.nan, np.float32), 0)
        faces = [
            np.array([(point.x, point.y, point.z) for point in face], np.float32)
            for face in found.face_landmarks
        ]
        largest = int(np.argmax([np.ptp(face[:, 0]) * np.ptp(face[:, 1]) for face in faces]))
        scores = {one.category_name: one.score for one in found.face_blendshapes[largest]}
        channels = np.array([scores.get(name, 0.0) for name in ARKIT_52], np.float32)
        scale = np.array([width, height, width], np.float32)  # MediaPipe scales z as x
        return Tracked(faces[largest] * scale, channels, len(faces))

    def _resized(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        longest = max(rgb.shape[:2])
        if longest <= _SMALL_SIDE:
            return np.asarray(
                self._cv2.resize(rgb, None, fx=2, fy=2, interpolation=self._cv2.INTER_CUBIC), np.uint8
            )
        if longest <= _LONGEST_SIDE:
            return rgb
        share = _LONGEST_SIDE / longest
        return np.asarray(
            self._cv2.resize(rgb, None, fx=share, fy=share, interpolation=self._cv2.INTER_AREA), np.uint8
        )


def _load_packages() -> tuple[Any, Any]:
    """MediaPipe and OpenCV, told to keep to themselves.

    MediaPipe reports how it is used to play.googleapis.com and has no switch for it (its METADATA, "Privacy
    Notice"); what it sends with goes through the proxy of the environment. Nothing else in a process that
    tracks faces speaks https.
    """
    os.environ["https_proxy"] = _NOWHERE
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with _silence():
            import cv2
            import mediapipe
    except (ImportError, OSError) as error:
        raise TrackingError(
            f"Faces cannot be tracked because a Python package does not load ({error})",
            'Install it: python -m pip install "soliloquy[actor]"',
        ) from error
    return mediapipe, cv2


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep the notes of MediaPipe's C++ parts off the user's terminal."""
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, AttributeError):  # a program without a terminal, such as Blender on Windows
        yield
        return
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
