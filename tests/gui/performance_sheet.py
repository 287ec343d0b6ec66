"""Renders one line with six instructions: a contact sheet, and a video of each; and plots ten takes of it.

    python tests/gui/performance_sheet.py [--audio FILE] [--videos FOLDER] [--takes docs/takes.png]

Needs bpy, Pillow and matplotlib. A row of the sheet is an instruction, a column a moment of the line.
"""

from __future__ import annotations

import argparse
import math
import re
import textwrap
from pathlib import Path

import bpy
import head_tiles
import numpy as np
from contact_sheet import ContactSheet, save
from PIL import Image
from soliloquy.blender_addon import demo, directing, layers, line, media, register, takes
from soliloquy.blender_addon.rig_map import read_character
from soliloquy.inference import reapply
from soliloquy.inference.lip_basis import lip_curves

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "blender_addon" / "assets" / "sample.flac"
PICTURES = ROOT / "docs" / "manual" / "pictures"
INSTRUCTIONS = (
    "A joyful speaker, cheeks lifted, nodding.",
    "A disappointed speaker, brows quite lowered, inner brows slightly raised, slow nods.",
    "A very angry speaker, brows lowered, lids tightened, head lowered, lively head.",
    "An afraid speaker, eyes wide, inner brows raised, darting eyes.",
    "A cheeky speaker, mouth corners raised, head tilted to the left, looks to the right.",
    "A disgusted speaker, nose wrinkled, upper lip raised, shaking the head slowly.",
)
TILE_PX, MARGIN_PX, COLUMNS, TAKES = 160, 190, 7, 10
PLOTTED = (
    ("browInnerUp", "weight"),
    ("headPitch", "radians"),
    ("headYaw", "radians"),
    ("eyeLookInLeft", "weight"),
    ("lip aperture", "mm"),
)


def spoken_head(audio: Path, size_px: int) -> bpy.types.Object:
    """The embedded head, saying a line from frame 1, in a scene that can be rendered."""
    head = head_tiles.stage(size_px, 0.105, 0.34, engine="cycles")
    scene = bpy.context.scene
    described = line.describe(scene, head, media.source_from_file(str(audio), 1))
    result, _ = line.run_now(scene, described)
    scene.frame_start, scene.frame_end = 1, math.ceil(result.last_frame)
    return head


def instruct(head: bpy.types.Object, text: str) -> None:
    """Direct the head by words, all of which must be understood."""
    head.soliloquy_performance.instruction = text
    remarks = directing.read(head, bpy.context.scene)
    if remarks:
        raise SystemExit(f"{text}: {remarks}")


def sheet(head: bpy.types.Object) -> ContactSheet:
    """A row for each instruction, frames evenly through the line."""
    scene = bpy.context.scene
    made = ContactSheet(TILE_PX, COLUMNS, len(INSTRUCTIONS), left_px=MARGIN_PX)
    scene.render.resolution_x = scene.render.resolution_y = TILE_PX
    frames = np.linspace(scene.frame_start + 12, scene.frame_end - 14, COLUMNS).round().astype(int)
    for row, text in enumerate(INSTRUCTIONS):
        instruct(head, text)
        made.label(row, "\n".join(textwrap.wrap(text, 26)), 13)
        for column, frame in enumerate(frames.tolist()):
            scene.frame_set(frame)
            made.put(row * COLUMNS + column, head_tiles.render())
    return made


def videos(head: bpy.types.Object, folder: Path, size_px: int) -> None:
    """An mp4 of the line with its sound for each instruction."""
    scene = bpy.context.scene
    scene.cycles.samples = demo.CYCLES_SAMPLES
    scene.render.resolution_x = scene.render.resolution_y = size_px
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(INSTRUCTIONS, 1):
        instruct(head, text)
        word = re.sub(r"\W+", "_", text.split(" speaker")[0].split(" ", 1)[1])
        path = folder / f"{number}_{word}.mp4"
        media.render_video(scene, str(path), scene.frame_start, scene.frame_end)
        print(f"wrote {path}", flush=True)


def plot_takes(head: bpy.types.Object, path: Path) -> None:
    """Channels of ten takes of one instruction over each other."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    scene = bpy.context.scene
    instruct(head, "A fairly amazed speaker.")
    takes.draw(head, scene, TAKES, seed=1)
    figure, axes = plt.subplots(len(PLOTTED), figsize=(10, 9), sharex=True)
    kept = takes.of_line(head, takes.active_line(head).line_id)
    for index in range(len(kept.drawn) - TAKES, len(kept.drawn)):
        takes.use(head, scene, index)
        motion = reapply.face_motion(layers.plan(head, scene, read_character(head)))
        aperture, _ = lip_curves(motion.values, motion.channels)
        for axis, (channel, _) in zip(axes, PLOTTED, strict=True):
            values = aperture if channel == "lip aperture" else motion.channel(channel)
            axis.plot(motion.times_s - 1 / scene.render.fps, values, linewidth=0.9)
    for axis, (channel, unit) in zip(axes, PLOTTED, strict=True):
        axis.set_ylabel(f"{channel}\n({unit})")
    axes[0].set_title(f"{TAKES} takes of one line: the face and the head differ, the lips agree")
    axes[-1].set_xlabel("seconds")
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    with Image.open(path) as plotted:
        save(plotted.convert("RGB"), path)


def main() -> None:
    """Render what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audio", type=Path, default=SAMPLE)
    parser.add_argument("--out", type=Path, default=PICTURES / "performance.jpg")
    parser.add_argument("--videos", type=Path, help="folder for a video of each instruction")
    parser.add_argument("--video-size", type=int, default=360)
    parser.add_argument("--seconds", type=float, help="length of each video; all of the line by default")
    parser.add_argument("--takes", type=Path, help="plot of ten takes, e.g. docs/takes.png")
    arguments = parser.parse_args()
    register()
    head = spoken_head(arguments.audio, TILE_PX)
    if arguments.takes:
        plot_takes(head, arguments.takes)
        takes.of_line(head, takes.active_line(head).line_id).drawn.clear()
    sheet(head).save(arguments.out)
    if arguments.videos:
        scene = bpy.context.scene
        if arguments.seconds:
            scene.frame_end = min(scene.frame_end, math.ceil(arguments.seconds * scene.render.fps))
        videos(head, arguments.videos, arguments.video_size)


if __name__ == "__main__":
    main()
