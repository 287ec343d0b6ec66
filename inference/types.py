"""The values that cross doors between modules: frozen, checked on construction, a unit on every field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]


def _require_shape(name: str, array: FloatArray, shape: tuple[int | None, ...]) -> None:
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
        _require_shape("samples", self.samples, (None,))
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
        _require_shape("values", self.values, (None, len(self.channels)))
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
    """One animatable property that follows one channel: `value = offset + gain * channel`."""

    channel: str
    object: str
    """Name of the datablock that owns the property (for shape keys: the mesh object's)."""
    data_path: str
    """RNA path below that datablock's animation root, e.g. `key_blocks["jawOpen"].value`."""
    index: int = 0
    gain: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class RigMap:
    """How a character follows the channels, and which channels found nothing to drive."""

    targets: tuple[RigTarget, ...]
    unmatched: tuple[str, ...] = ()
    """Channels without a target."""


@dataclass(frozen=True)
class RigCurve:
    """One animation curve, ready to be keyed. `frames` float32 [K] ascending, `values` float32 [K]."""

    object: str
    data_path: str
    index: int
    frames: FloatArray
    values: FloatArray

    def __post_init__(self) -> None:
        _require_shape("frames", self.frames, (None,))
        _require_shape("values", self.values, (len(self.frames),))


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
