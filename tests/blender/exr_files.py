"""Writes and reads small EXR files without a library: what a pass looks like, and what Blender rendered."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

_HALF = 1


def write_exr(path: Path, layers: dict[str, np.ndarray]) -> None:
    """An uncompressed half-float scanline EXR; `layers` are channel names (`R`, `matte.V`) and [H, W]."""
    names = sorted(layers)
    height, width = layers[names[0]].shape
    channels = b"".join(name.encode() + b"\0" + struct.pack("<iiii", _HALF, 0, 1, 1) for name in names)
    window = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    head = b"".join(
        name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(data)) + data
        for name, kind, data in (
            ("channels", "chlist", channels + b"\0"),
            ("compression", "compression", b"\0"),
            ("dataWindow", "box2i", window),
            ("displayWindow", "box2i", window),
            ("lineOrder", "lineOrder", b"\0"),
            ("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
            ("screenWindowCenter", "v2f", struct.pack("<ff", 0.0, 0.0)),
            ("screenWindowWidth", "float", struct.pack("<f", 1.0)),
        )
    )
    head = struct.pack("<ii", 20_000_630, 2) + head + b"\0"
    rows = np.stack([layers[name].astype("<f2") for name in names], axis=1)  # [H, channels, W]
    size = len(names) * width * 2
    first = len(head) + 8 * height
    offsets = first + np.arange(height, dtype="<u8") * (size + 8)
    with path.open("wb") as file:
        file.write(head + offsets.tobytes())
        for y in range(height):
            file.write(struct.pack("<ii", y, size) + rows[y].tobytes())


def read_picture(path: Path) -> np.ndarray:
    """float32 [H, W, 4] of a file that Blender wrote, the first row on top, without a change of colours."""
    import bpy  # here: the windowed test writes files outside of Blender

    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[::-1]
