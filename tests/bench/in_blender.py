"""Run by `blender.py` in processes of their own: what the add-on costs inside Blender.

    in_blender.py parts FRAMES
    in_blender.py render ENGINE SOUND VIDEO

One line of JSON; CPU seconds, which a busy machine does not stretch, unless a name says otherwise.
"""

from __future__ import annotations

import json
import sys
import time

_RENDERED_FRAMES = 10


def parts(frames: int) -> dict[str, float | str]:
    """Everything but rendering."""
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
        return {
            "blender": bpy.app.version_string,
            "bpy_s": bpy_s,
            "addon_s": addon_s,
            "keying_s": keying(bpy, np, frames),
            "reapply_s": reapplying(bpy, np),
            "head_s": building(),
        }
    finally:
        soliloquy.unregister()


def building() -> float:
    """CPU seconds for the embedded head."""
    from soliloquy.blender_addon import heads

    start = time.process_time()
    heads.build_head()
    return time.process_time() - start


def render(engine: str, sound: str, video: str) -> dict[str, float]:
    """Seconds of a frame of a line on the embedded head, as `build.py demo` renders it. One frame before it
    makes everything ready."""
    import soliloquy

    soliloquy.register()
    from soliloquy.blender_addon import demo, heads, line, media
    from soliloquy.inference.pipeline import AnimateSettings

    scene = demo.empty_scene(engine, 540)
    head = heads.build_head()
    heads.build_stage(head)
    line.run_now(scene, line.describe(scene, head, media.source_from_file(sound, 1), AnimateSettings()))
    demo.leave_out_subsurface()
    media.render_video(scene, video, 1, 1)
    wall, cpu = time.perf_counter(), time.process_time()
    media.render_video(scene, video, 1, _RENDERED_FRAMES)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    soliloquy.unregister()
    return {"wall_s": wall / _RENDERED_FRAMES, "cpu_s": cpu / _RENDERED_FRAMES}


def keying(bpy, np, frames: int) -> float:
    """CPU seconds for a key on each of so many frames on 52 shape keys."""
    from soliloquy.blender_addon import layers
    from soliloquy.inference.bezier import KeyedCurve, through
    from soliloquy.inference.reapply import Plan
    from soliloquy.inference.retarget import shape_key_path
    from soliloquy.inference.types import FrameRate

    head, channels = _head(bpy, "Keyed")
    values = np.random.default_rng(0).random((52, frames), dtype=np.float32)
    at = np.arange(frames, dtype=np.float32)
    curves = [
        KeyedCurve("KEY", head.name, shape_key_path(channel), 0, through(at, of_channel))
        for channel, of_channel in zip(channels, values, strict=True)
    ]
    plan = Plan((), _settings(), (), FrameRate(25))
    start = time.process_time()
    done = layers.write(head, plan, curves)
    taken = time.process_time() - start
    if done.keys != 52 * frames:
        raise RuntimeError(f"{done.keys} keys instead of {52 * frames}")
    return taken


def reapplying(bpy, np) -> float:
    """CPU seconds from a slider's change to new keys, for a minute of motion at 24 fps; median of five."""
    from soliloquy.blender_addon import kept_lines, layers
    from soliloquy.inference.motion import Spoken
    from soliloquy.inference.types import FaceMotion
    from soliloquy.inference.visemes import VISEMES

    head, channels = _head(bpy, "Slider")
    random, times_s = np.random.default_rng(0), np.arange(3000) / 50
    waves = np.sin(times_s[:, None] * random.uniform(3, 20, 52) + random.uniform(0, 7, 52))
    moving = np.array([c.startswith(("mouth", "jaw")) for c in channels])
    motion = FaceMotion((np.clip(waves, 0, 1) * 0.4 * moving).astype(np.float32), channels, 50.0)
    visemes = np.eye(len(VISEMES), dtype=np.float32)[random.integers(0, len(VISEMES), 600)].repeat(5, axis=0)
    spoken = Spoken(motion, visemes, np.zeros((3000, 0), np.float32))
    kept_lines.store(head, kept_lines.KeptLine("bench", "bench", "/bench.wav", "", 1.0, None, spoken))
    layers.rebuild(head, bpy.context.scene)
    taken = []
    for jaw in (0.6, 0.7, 0.8, 0.9, 1.1):
        start = time.process_time()
        head.soliloquy_face.jaw = jaw
        taken.append(time.process_time() - start)
    return sorted(taken)[2]


def _head(bpy, name: str):
    from soliloquy.inference.channels import ARKIT_52

    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    head = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(head)
    for key in ("Basis", *ARKIT_52):
        head.shape_key_add(name=key)
    return head, ARKIT_52


def _settings():
    from soliloquy.inference.pipeline import AnimateSettings

    return AnimateSettings()


if __name__ == "__main__":
    made = parts(int(sys.argv[2])) if sys.argv[1] == "parts" else render(*sys.argv[2:])
    print(json.dumps(made))
