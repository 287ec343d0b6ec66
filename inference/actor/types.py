"""What crosses doors inside `actor/`: frozen, shapes checked on construction, a unit on every field.

Spaces: *plate* pixels (x right, y down, the centre of the first pixel at .5, .5); *crop* pixels, the square
round the mouth that memory and renderer work in, upright and of one size for an actor; *head* and *camera* in
centimetres, x to the viewer's right, y up, z out of the face or towards the viewer, as in Blender and OpenGL.
Colours are 8 bit or 0..1, encoded as sRGB, unless a name says linear.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from ..types import FaceMotion, FrameRate, require_shape

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ..types import FloatArray

POINTS: Final = 478
"""Points of the tracked face: 468 of MediaPipe's canonical mesh and 10 of the irises."""


class Gap(IntEnum):
    """Why a frame of a plate can't be used, or 0."""

    NONE = 0
    NO_FACE = 1
    SEVERAL_FACES = 2
    COVERED_MOUTH = 3
    BLURRED = 4
    DAMAGED = 5
    TURNED_AWAY = 6


@dataclass(frozen=True)
class PlateInfo:
    """What is known of a plate before its frames are read."""

    path: Path
    width: int
    """Pixels, as shown: the file's rotation is applied."""
    height: int
    rate: FrameRate
    frames: int | None
    """How many; None where the file does not say."""
    start_frame: int
    """Number of the first frame: of an image sequence its number in the name, else 1."""
    sha256: str
    """Hash of the file, or of names and contents of the sequence."""
    has_sound: bool
    notices: tuple[str, ...] = ()
    """What a user should know ("the frame rate varies, ..."), one sentence each."""


@dataclass(frozen=True)
class PlateFrame:
    """One frame: `number` in the plate, `time_s` since its first frame, `rgb` uint8 [H, W, 3]."""

    number: int
    time_s: float
    rgb: NDArray[np.uint8]
    damaged: bool = False
    """The decoder reported an error: `rgb` is what it had, or the frame before."""


@dataclass(frozen=True)
class ActorFace:
    """The 3D face of one actor: vertices = identity + expression @ basis, in centimetres in head space.

    `identity` float32 [478, 3], `basis` float32 [E, 478, 3]; an expression is float32 [E], in units of its
    standard deviation over the captured footage. `triangles` int32 [F, 3]. `arkit` float32 [53, E] turns the
    52 channels of ARKit (in the order of `channels.ARKIT_52`, then a 1) into an expression: those that
    Soliloquy predicts and animators edit. `tracked`, of the same shape, does so for tracked channels
    (`Take.motion`), whose ranges are others; None where it was not fitted.
    """

    identity: FloatArray
    basis: FloatArray
    triangles: NDArray[np.int32]
    arkit: FloatArray
    tracked: FloatArray | None = None

    def __post_init__(self) -> None:
        require_shape("identity", self.identity, (POINTS, 3))
        require_shape("basis", self.basis, (None, POINTS, 3))
        require_shape("arkit", self.arkit, (53, len(self.basis)))
        if self.tracked is not None:
            require_shape("tracked", self.tracked, (53, len(self.basis)))

    def vertices(self, expression: FloatArray) -> FloatArray:
        """float32 [T, 478, 3] of expressions float32 [T, E]."""
        moved = np.tensordot(expression, self.basis, axes=1)
        return np.asarray(self.identity + moved, np.float32)

    def expression_of(self, motion: FaceMotion) -> FloatArray:
        """float32 [T, E] of a motion that has the 52 channels first."""
        return np.asarray(motion.values[:, :52] @ self.arkit[:52] + self.arkit[52], np.float32)


@dataclass(frozen=True)
class Take:
    """An actor tracked through one plate of T frames; row i is the plate's frame `numbers[i]`.

    `motion` the tracked ARKit channels at the plate's rate; `landmarks` float32 [T, 478, 3] plate pixels, z
    as x, smaller is nearer; `head` float32 [T, 4, 4] camera <- head; `focal_px`; `expression` float32 [T, E]
    in the actor's face; `crop` float32 [T, 2, 3] crop <- plate pixels (a similarity); `colour` float32
    [T, 3, 2] gain and offset per channel that turn plate colours 0..1 into the actor's reference colours;
    `confidence` float32 [T] 0..1; `gaps` uint8 [T], see `Gap`; `cuts` the rows that start a new shot.
    """

    plate: str
    """File name of the plate, without folders."""
    plate_sha256: str
    size: tuple[int, int]
    """Width and height of the plate in pixels."""
    numbers: NDArray[np.int32]
    motion: FaceMotion
    landmarks: FloatArray
    head: FloatArray
    focal_px: float
    expression: FloatArray
    crop: FloatArray
    colour: FloatArray
    confidence: FloatArray
    gaps: NDArray[np.uint8]
    cuts: tuple[int, ...] = ()
    sound_offset_s: float | None = None
    """By how much the sound comes after the picture; None where it could not be measured."""
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.numbers)
        require_shape("motion", self.motion.values, (count, None))
        require_shape("landmarks", self.landmarks, (count, POINTS, 3))
        require_shape("head", self.head, (count, 4, 4))
        require_shape("expression", self.expression, (count, None))
        require_shape("crop", self.crop, (count, 2, 3))
        require_shape("colour", self.colour, (count, 3, 2))
        require_shape("confidence", self.confidence, (count,))

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class MemoryBank:
    """The explicit memory (MemFace, arXiv 2212.05005): what the mouth looked like, by its shape.

    `keys` float32 [M, D], see `memory.keys_of`; `patches` uint8 [M, S, S, 3] in crop space and reference
    colours; `points` float32 [M, L, 2] crop pixels of the fitted face's `landmarks.MOUTH_REGION` in each
    patch; `take` uint16 [M] and `frame` int32 [M] where it was seen; `sharpness` float32 [M] relative to the
    actor's median.
    """

    actor: str
    """Identifier of the actor folder that it was built from."""
    keys: FloatArray
    patches: NDArray[np.uint8]
    points: FloatArray
    take: NDArray[np.uint16]
    frame: NDArray[np.int32]
    sharpness: FloatArray
    takes: tuple[str, ...]
    """Names that `take` counts."""

    def __post_init__(self) -> None:
        count = len(self.keys)
        require_shape("keys", self.keys, (count, None))
        require_shape("points", self.points, (count, None, 2))
        if self.patches.ndim != 4 or self.patches.shape[0] != count or self.patches.dtype != np.uint8:
            raise ValueError(f"patches must be uint8 [{count}, S, S, 3], got {self.patches.shape}")

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class PassFrame:
    """One painted frame: `number` in the scene, `rgb` float16 [H, W, 3] scene linear, not multiplied by the
    matte; `matte` and `confidence` float32 [H, W] 0..1; `box` left, top, right and bottom (exclusive) of the
    pixels that may be other than 0, None for all."""

    number: int
    rgb: NDArray[np.float16]
    matte: FloatArray
    confidence: FloatArray
    box: tuple[int, int, int, int] | None = None
