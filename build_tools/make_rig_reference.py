"""Make inference/rigs/reference.npz: what the ARKit channels move on the built-in head.

Run it when the head's shapes change: `.venv/bin/python -m build_tools.make_rig_reference`.
"""

from __future__ import annotations

import numpy as np
from soliloquy.blender_addon.heads.expressions import head_shapes
from soliloquy.blender_addon.heads.geometry import head_geometry
from soliloquy.inference import rig_geometry
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.rig_source import KeySet


def built_in_head() -> KeySet:
    """The built-in head as a mesh with keys, millimetres."""
    shapes = head_shapes()
    deltas = []
    for channel in ARKIT_52:
        moved = np.flatnonzero(np.abs(shapes[channel]).max(axis=1) > 1e-4)
        deltas.append((moved.astype(np.int32), shapes[channel][moved].astype(np.float32)))
    return KeySet("Head", ARKIT_52, head_geometry().points.astype(np.float32), tuple(deltas))


def measure() -> dict[str, np.ndarray]:
    """The arrays of the file: fields as int8 in steps of their own, so that it stays small."""
    raster = rig_geometry.rasterise([(built_in_head(), range(len(ARKIT_52)))], len(ARKIT_52))
    fields = rig_geometry.place(raster, rig_geometry.Placement(0.0, 1.0, 0.0, 1.0))
    step = np.abs(fields.values).max(axis=(1, 2, 3)) / 127
    return {
        "values": np.rint(fields.values / step[:, None, None, None]).astype(np.int8),
        "step_mm": step.astype(np.float32),
        "covered": np.rint(fields.covered * 255).astype(np.uint8),
        "peaks_mm": raster.peaks,
    }


if __name__ == "__main__":
    np.savez_compressed(rig_geometry.REFERENCE, **measure())
    print(f"{rig_geometry.REFERENCE}: {rig_geometry.REFERENCE.stat().st_size / 1e3:.0f} kB")
