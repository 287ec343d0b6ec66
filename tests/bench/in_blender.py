"""Run by `bench.py` in a process of its own: what the add-on costs inside Blender.

One line of JSON; CPU seconds, which a busy machine does not stretch.
"""

from __future__ import annotations

import json
import sys
import time


def measure(frames: int) -> dict[str, float]:
    start = time.process_time()
    import bpy

    bpy_s = time.process_time() - start
    import numpy as np

    # Blender has loaded numpy by the time that add-ons are switched on, so it does not count as ours.
    start = time.process_time()
    import soliloquy

    soliloquy.register()
    addon_s = time.process_time() - start
    if "onnxruntime" in sys.modules:
        raise RuntimeError("the add-on loads onnxruntime when it is switched on")
    try:
        keying_s = keying(bpy, np, frames)
    finally:
        soliloquy.unregister()
    return {"bpy_s": bpy_s, "addon_s": addon_s, "keying_s": keying_s}


def keying(bpy, np, frames: int) -> float:
    from soliloquy.blender_addon import keyframes
    from soliloquy.inference.channels import ARKIT_52
    from soliloquy.inference.retarget import map_by_name, retarget
    from soliloquy.inference.types import FaceMotion, FrameRate

    mesh = bpy.data.meshes.new("Head")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    head = bpy.data.objects.new("Head", mesh)
    bpy.context.scene.collection.objects.link(head)
    for name in ("Basis", *ARKIT_52):
        head.shape_key_add(name=name)
    values = np.random.default_rng(0).random((frames, 52), dtype=np.float32)
    curves = retarget(
        FaceMotion(values, ARKIT_52, 25.0), map_by_name(head.name, ARKIT_52), FrameRate(25), 1.0
    )
    start = time.process_time()
    action = keyframes.write("Bench", "bench.wav", curves)
    taken = time.process_time() - start
    keys = sum(
        len(f.keyframe_points)
        for layer in action.layers
        for s in layer.strips
        for b in s.channelbags
        for f in b.fcurves
    )
    if keys != 52 * frames:
        raise RuntimeError(f"{keys} keys instead of {52 * frames}")
    return taken


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
