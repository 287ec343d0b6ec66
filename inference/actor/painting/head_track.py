"""The track of a 3D head: where it is before the camera, frame by frame, as Blender writes it for `skin`.

A JSON document (UTF-8, at most 256 MB):

    {
      "kind": "soliloquy-head-track",
      "format": 1,
      "width": 1920, "height": 1080,        pixels of the rendered picture
      "rate": [24, 1.0],                     the scene's fps and fps_base
      "reference": {                         in the 3D head's own space, any unit, right-handed, face at rest
        "eye_right": [x, y, z],              centre of the subject's right eye
        "eye_left": [x, y, z],
        "nose_tip": [x, y, z],
        "mouth_right": [x, y, z],            the subject's right corner of the mouth
        "mouth_left": [x, y, z],
        "chin": [x, y, z]                    the chin's foremost point, mouth closed
      },
      "frames": [
        {
          "frame": 1,                        number in the scene, ascending
          "head": [[...], [...], [...], [...]],   4 x 4 by rows: camera space <- the head's own space
          "focal_px": 2133.3,                focal length in pixels of the picture's width
          "centre_px": [960.0, 540.0]        where the optical axis meets the picture; may be left out
        }, ...
      ]
    }

Camera space is Blender's: x right, y up, the view along -z (`camera.matrix_world.inverted() @ matrix_world`
of what the reference points are written in: object or bone; scale is welcome). A point (x, y, z) of it lies
at pixel (centre_x + focal x / -z, centre_y - focal y / -z). With square pixels and Blender's sensor fit,
focal_px is lens / sensor_width * width (horizontal fit) or lens / sensor_height * height (vertical), and the
centre moves by (-shift_x, +shift_y) times the longer side. `write_track` writes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...files import atomic_write
from ...types import FrameRate
from ..folder import ActorError

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from ...types import FloatArray

KIND: Final = "soliloquy-head-track"
FORMAT: Final = 1
REFERENCE: Final = ("eye_right", "eye_left", "nose_tip", "mouth_right", "mouth_left", "chin")
_MOST_BYTES: Final = 256 * 2**20
_LARGEST_SIDE: Final = 16384


@dataclass(frozen=True)
class HeadTrack:
    """A 3D head in front of a camera for T frames of a scene.

    `width`, `height` in pixels; `reference` float64 [6, 3], rows as `REFERENCE`, in the head's own space;
    `numbers` int32 [T] frames of the scene; `head` float64 [T, 4, 4] camera <- head's own space; `focal_px`
    float64 [T]; `centre_px` float64 [T, 2].
    """

    width: int
    height: int
    rate: FrameRate
    reference: NDArray[np.float64]
    numbers: NDArray[np.int32]
    head: NDArray[np.float64]
    focal_px: NDArray[np.float64]
    centre_px: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.numbers)

    def project(self, row: int, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pixels float32 [N, 2] and depths float32 [N] (how far before the camera, in its unit) of points
        float32 [N, 3] in the head's own space. What lies behind the camera has a depth of 0 or less, and no
        meaningful pixel."""
        return project(points, self.head[row], float(self.focal_px[row]), self.centre_px[row])


def project(
    points: FloatArray, pose: NDArray[np.float64], focal_px: float, centre_px: NDArray[np.float64]
) -> tuple[FloatArray, FloatArray]:
    """Pixels float32 [N, 2] and depths float32 [N] of points under a pose [4, 4] camera <- head, as of
    `HeadTrack.project`."""
    placed = points @ pose[:3, :3].T + pose[:3, 3]
    depth = -placed[:, 2]
    scale = focal_px / np.where(depth > 1e-9, depth, 1e-9)
    pixels = np.stack([centre_px[0] + placed[:, 0] * scale, centre_px[1] - placed[:, 1] * scale], 1)
    return pixels.astype(np.float32), depth.astype(np.float32)


def read_track(path: str | os.PathLike[str]) -> HeadTrack:
    """Read the document above.

    Raises:
        ActorError: missing, too large, no such document, of a newer format, or with impossible values.
    """
    shown = Path(path)
    try:
        if shown.stat().st_size > _MOST_BYTES:
            raise ActorError(f"The head track '{shown}' is larger than 256 MB", "Export fewer frames")
        kept = json.loads(shown.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ActorError(f"The head track '{shown}' does not exist", "Export it from Blender") from None
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(shown, str(error)) from error
    if not isinstance(kept, dict) or kept.get("kind") != KIND:
        raise ActorError(f"'{shown}' is no track of a 3D head", "Export it from Blender")
    if kept.get("format") != FORMAT:
        raise ActorError(f"The head track '{shown}' was made by another Soliloquy", "Export it again")
    try:
        track = _track(kept)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _damaged(shown, f"{type(error).__name__}: {error}") from error
    return track


def write_track(path: str | os.PathLike[str], track: HeadTrack) -> None:
    """Write the document above.

    Raises:
        OutputError: it cannot be written.
    """
    frames = [
        {
            "frame": int(track.numbers[i]),
            "head": track.head[i].tolist(),
            "focal_px": float(track.focal_px[i]),
            "centre_px": track.centre_px[i].tolist(),
        }
        for i in range(len(track))
    ]
    document = {
        "kind": KIND,
        "format": FORMAT,
        "width": track.width,
        "height": track.height,
        "rate": [track.rate.fps, track.rate.base],
        "reference": {name: track.reference[i].tolist() for i, name in enumerate(REFERENCE)},
        "frames": frames,
    }
    with atomic_write(path) as stream:
        json.dump(document, stream)
        stream.write("\n")


def _track(kept: dict[str, Any]) -> HeadTrack:
    width, height = int(kept["width"]), int(kept["height"])
    if not (1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE):
        raise ValueError(f"a picture of {width} x {height}")
    frames = kept["frames"]
    if not frames:
        raise ValueError("no frames")
    centre = [width / 2, height / 2]
    track = HeadTrack(
        width,
        height,
        FrameRate(int(kept["rate"][0]), float(kept["rate"][1])),
        _array([kept["reference"][name] for name in REFERENCE], (len(REFERENCE), 3)),
        np.array([int(frame["frame"]) for frame in frames], np.int32),
        _array([frame["head"] for frame in frames], (len(frames), 4, 4)),
        _array([frame["focal_px"] for frame in frames], (len(frames),)),
        _array([frame.get("centre_px", centre) for frame in frames], (len(frames), 2)),
    )
    if (np.diff(track.numbers) <= 0).any():
        raise ValueError("frames do not ascend")
    if (track.focal_px <= 0).any():
        raise ValueError("a focal length of 0 or less")
    if np.linalg.matrix_rank(track.reference - track.reference.mean(0), tol=1e-9) < 2:
        raise ValueError("reference points in one line")
    return track


def _array(values: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"numbers of shape {list(shape)} are wanted, got {list(array.shape)}")
    return array


def _damaged(path: Path, reason: str) -> ActorError:
    return ActorError(f"The head track '{path}' is damaged ({reason[:200]})", "Export it from Blender again")
