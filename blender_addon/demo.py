"""The demonstration: the embedded head, keyed from a sound, saved and rendered.

Run by `build.py demo` in a Python that has Blender's module; it uses the functions that the panel and
the command line use, and adds only the stage around them.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..inference.errors import SoliloquyError
from ..inference.formats.arkit_csv import write_csv
from ..inference.performance.direction import Direction
from ..inference.pipeline import AnimateSettings, animate_file
from . import command_outputs, compat, heads, jobs, line, media, ready_head, register
from .audio_decoder import AudDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

FPS = 25
CYCLES_SAMPLES = 2
"""Per pixel, and then denoised: soft lights and plain materials need no more."""
CYCLES_SAMPLES_ALONE = 16
"""Where Blender cannot denoise."""
EEVEE_SAMPLES = 8
REPORT_EVERY_S = 10.0


def main(argv: list[str]) -> int:
    """Make demo.csv, demo.blend and demo.mp4.

    Returns:
        Exit status: 0 fine, 2 the user can mend something.
    """
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--engine", choices=("cycles", "eevee", "workbench"), default="cycles")
    parser.add_argument("--size", type=int, default=540)
    arguments = parser.parse_args(argv)
    register()  # a character's settings are properties that the add-on gives to objects
    try:
        make(arguments.audio, arguments.out, arguments.engine, arguments.size)
    except SoliloquyError as error:
        print(error, file=sys.stderr, flush=True)
        return 2
    return 0


def make(audio: Path, out: Path, engine: str, size_px: int) -> None:
    """Animate `audio` on the embedded head and write the three files into the folder `out`.

    Raises:
        SoliloquyError: the sound cannot be read or a file cannot be written.
    """
    _say(f"[1/5] Listening to {audio.name}")
    settings = AnimateSettings()
    pieces = animate_file(
        audio,
        jobs.speech_model(),
        replace(settings, direction=Direction()),
        decoders=(AudDecoder(),),
        notify=lambda text: _say(f"      {text}"),
    )
    write_csv(out / "demo.csv", pieces)

    _say("[2/5] Building the head")
    scene = empty_scene(engine, size_px)
    head = ready_head.add()
    heads.build_stage(head)

    _say("[3/5] Keying it")
    described = line.describe(scene, head, media.source_from_file(str(audio), 1), settings)
    result, _ = line.run_now(scene, described)
    scene.frame_start, scene.frame_end = 1, math.ceil(result.last_frame)
    _say(f"      {line.summary(described, result)}")

    _say("[4/5] Saving demo.blend")
    for sound in bpy.data.sounds:
        sound.pack()
    command_outputs.save(out / "demo.blend")

    frames = scene.frame_end
    _say(f"[5/5] Rendering {frames} frames, {size_px}x{size_px}, {engine}")
    leave_out_subsurface()
    report = _progress(frames)
    bpy.app.handlers.render_post.append(report)
    try:
        media.render_video(scene, str(out / "demo.mp4"), 1, frames)
    finally:
        bpy.app.handlers.render_post.remove(report)


def empty_scene(engine: str, size_px: int) -> bpy.types.Scene:
    """A new file without objects that renders squares of `size_px` with "cycles", "eevee" or "workbench".

    The user's preferences and extensions stay as they are.
    """
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    render = scene.render
    render.fps, render.fps_base = FPS, 1.0
    render.resolution_x = render.resolution_y = size_px
    render.resolution_percentage = 100
    if engine == "eevee":
        compat.use_eevee(render)
    else:
        render.engine = {"cycles": "CYCLES", "workbench": "BLENDER_WORKBENCH"}[engine]
    render.use_persistent_data = True
    if engine == "cycles":
        _quick_cycles(scene.cycles)
    elif engine == "eevee":
        scene.eevee.taa_render_samples = EEVEE_SAMPLES
    else:
        shading = scene.display.shading
        shading.light, shading.color_type = "STUDIO", "MATERIAL"
        shading.show_cavity = shading.show_shadows = True
        scene.display.render_aa = "8"
    return scene


def _quick_cycles(cycles: bpy.types.bpy_struct) -> None:
    """Few samples and the denoiser's fast setting: under 2 CPU seconds a frame of 540x540."""
    cycles.samples = CYCLES_SAMPLES
    cycles.use_adaptive_sampling = False
    cycles.max_bounces = 2
    cycles.caustics_reflective = cycles.caustics_refractive = False
    try:
        cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:  # Debian builds Blender without it
        cycles.samples, cycles.use_denoising = CYCLES_SAMPLES_ALONE, False
        return
    cycles.use_denoising = True
    cycles.denoising_quality = "FAST"
    cycles.denoising_prefilter = "NONE"
    cycles.denoising_input_passes = "RGB_ALBEDO"


def leave_out_subsurface() -> None:
    """Render skin as a plain surface: light scattered below it takes half of the time and shows little.

    demo.blend is saved before and keeps it.
    """
    for material in bpy.data.materials:
        for node in material.node_tree.nodes if material.node_tree else ():
            if node.bl_idname == "ShaderNodeBsdfPrincipled":
                node.inputs["Subsurface Weight"].default_value = 0.0


def _progress(frames: int) -> Callable[..., None]:
    """A handler that says every few seconds how far the rendering is and how long it is going to take."""
    started = last = time.monotonic()
    done = 0

    def report(*_unused: object) -> None:
        nonlocal last, done
        done += 1
        now = time.monotonic()
        if now - last < REPORT_EVERY_S or done == frames:
            return
        last = now
        left_s = (now - started) / done * (frames - done)
        _say(f"      {done} of {frames} frames, about {left_s / 60:.1f} min left")

    return report


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
