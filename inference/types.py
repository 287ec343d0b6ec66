"""The values that cross doors between modules: frozen, checked on construction, a unit on every field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

RigKind = Literal["SHAPE_KEY", "BONE", "PROPERTY", "OBJECT"]
RigOwner = Literal["KEY", "OBJECT"]
OBJECT_TURN: Final = "delta_rotation"
"""Data path of a target of the kind OBJECT: its delta rotation, which leaves alone how the user turned it."""


def require_shape(name: str, array: FloatArray, shape: tuple[int | None, ...]) -> None:
    matches = array.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not matches:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}")
    if array.dtype != np.float32:
        raise ValueError(f"{name} must be float32, got {array.dtype}")


@dataclass(frozen=True)
class FrameRate:
    """Frames per second as Blender keeps it: `fps / base`, e.g. 24 / 1.001 for 23.976."""

    fps: int
    base: float = 1.0

    def __post_init__(self) -> None:
        if not (self.fps > 0 and self.base > 0):
            raise ValueError(f"fps and base must be positive, got {self.fps} / {self.base}")

    @property
    def hz(self) -> float:
        """Frames per second."""
        return self.fps / self.base


@dataclass(frozen=True)
class AudioClip:
    """Mono sound. `samples` float32 [N] in -1..1, `rate_hz`, `start_s` seconds on the scene clock."""

    samples: FloatArray
    rate_hz: int
    start_s: float = 0.0
    notices: tuple[str, ...] = ()
    """What a user should know about this sound ("the file is cut off, ..."), one sentence each."""

    def __post_init__(self) -> None:
        require_shape("samples", self.samples, (None,))
        if self.rate_hz <= 0:
            raise ValueError(f"rate_hz must be positive, got {self.rate_hz}")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate_hz


@dataclass(frozen=True)
class FaceMotion:
    """Channel values over time: row i is the face at `start_s + i / rate_hz`.

    `values` float32 [T, C]: 0..1 for face channels, radians for head channels (see `channels.py`).
    """

    values: FloatArray
    channels: tuple[str, ...]
    rate_hz: float
    start_s: float = 0.0

    def __post_init__(self) -> None:
        require_shape("values", self.values, (None, len(self.channels)))
        if self.rate_hz <= 0:
            raise ValueError(f"rate_hz must be positive, got {self.rate_hz}")

    @property
    def times_s(self) -> NDArray[np.float64]:
        """float64 [T], the time of every row in seconds on the scene clock."""
        return self.start_s + np.arange(len(self.values)) / self.rate_hz

    def channel(self, name: str) -> FloatArray:
        """float32 [T], one channel's values."""
        return self.values[:, self.channels.index(name)]


@dataclass(frozen=True)
class RigTarget:
    """One animatable property that follows one channel: `value = offset + gain * channel`.

    Several targets of one property add up (a shape key that closes both eyes follows each blink by half).
    The rotation of a bone or an object is such a value in radians about `axis`; rotations of one of them are
    applied one after the other, each about the axes at rest, the last target of the map first.
    """

    channel: str
    object: str
    """Name of the object that owns the property (for shape keys: the mesh object)."""
    data_path: str
    """RNA path below the animated datablock, e.g. `key_blocks["jawOpen"].value`; for the rotation of a bone
    `pose.bones["jaw"]`, for its translation `pose.bones["jaw"].location`; for the turn of a whole object
    `OBJECT_TURN`."""
    index: int = 0
    gain: float = 1.0
    offset: float = 0.0
    confidence: float = 1.0
    """0..1, how sure the match is."""
    kind: RigKind = "SHAPE_KEY"
    axis: tuple[float, float, float] | None = None
    """For a rotation: unit vector in a bone's local space at rest, of an object in its parent's space."""
    rotation_mode: str = "QUATERNION"
    """For a rotation, as in Blender: QUATERNION, AXIS_ANGLE (of bones) or an Euler order such as XYZ."""

    @property
    def rotates(self) -> bool:
        """Whether the value is the rotation of a bone or an object, which takes several curves."""
        return self.kind in ("BONE", "OBJECT") and self.axis is not None


@dataclass(frozen=True)
class SolvedKeys:
    """Shape keys that do not follow single channels, such as visemes or the coefficients of a 3DMM.

    With B [K, D] what the keys move and W [C, D] what the channels m move, the weights x of a frame minimise
    |x B - m W|^2 + ridge * mean(diag(B B')) * |x|^2, every weight within its bounds.
    """

    object: str
    """Name of the mesh object that owns the keys."""
    data_paths: tuple[str, ...]
    """K paths below its Key datablock."""
    channels: tuple[str, ...]
    gram: FloatArray
    """float32 [K, K], B B'."""
    cross: FloatArray
    """float32 [C, K], W B'."""
    confidence: float = 1.0
    """0..1, how much of what speech does to a face the keys can reproduce."""
    minimum: float = 0.0
    maximum: float = 1.0
    ridge: float = 0.01
    copies: tuple[tuple[str, str, int], ...] = ()
    """(object, data path, k) of keys on other meshes that follow the k-th one."""
    channels_open_mm: tuple[float, ...] = ()
    """C ways by which the channels part the lips at weight 1; empty where that is not known."""
    keys_open_mm: tuple[float, ...] = ()
    """K ways by which the keys do."""
    mixed: tuple[tuple[str, str, int, float], ...] = ()
    """(object, data path, k, share) of the keys that are keyed in place of `data_paths` and `copies`, where
    the weights are those of groups of keys; shares of one key add up."""

    def __post_init__(self) -> None:
        require_shape("gram", self.gram, (len(self.data_paths), len(self.data_paths)))
        require_shape("cross", self.cross, (len(self.channels), len(self.data_paths)))
        if self.channels_open_mm or self.keys_open_mm:
            known = len(self.channels_open_mm), len(self.keys_open_mm)
            if known != self.cross.shape:
                raise ValueError(f"lips must be known of {self.cross.shape} channels and keys, got {known}")
        if not self.minimum < self.maximum:
            raise ValueError(f"minimum must be below maximum, got {self.minimum} and {self.maximum}")


@dataclass(frozen=True)
class RigMap:
    """How a character follows the channels, and which channels found nothing to drive."""

    targets: tuple[RigTarget, ...]
    solved: tuple[SolvedKeys, ...] = ()
    unmatched: tuple[str, ...] = ()
    """Channels that move nothing."""


@dataclass(frozen=True)
class RigCurve:
    """One animation curve, ready to be keyed. `frames` float32 [K] ascending, `values` float32 [K]."""

    object: str
    data_path: str
    index: int
    frames: FloatArray
    values: FloatArray
    owner: RigOwner = "KEY"
    """Which datablock of the object is animated: its shape keys, or the object itself."""

    def __post_init__(self) -> None:
        require_shape("frames", self.frames, (None,))
        require_shape("values", self.values, (len(self.frames),))


@dataclass(frozen=True)
class ModelCard:
    """What a weight file is, read from its ONNX metadata; a mismatch is refused by name."""

    name: str
    version: str
    contract: int
    """Version of the input/output contract between weights and runtime."""
    channels: tuple[str, ...]
    """Output channel names, in column order."""
    sample_rate_hz: int
    rate_hz: int
    """Output frames per second."""
    left_context: int
    """Samples of sound before a frame's time that the frame depends on."""
    right_context: int
    """Samples of sound after a frame's time that the frame depends on: the algorithmic latency."""
    level_db: float
    """Speech level that the model expects (see `loudness.py`)."""
    training_data: str
    licence: str
    extra: dict[str, str] = field(default_factory=dict)
