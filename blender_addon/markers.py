"""Timeline markers at the sounds that a character says.

Markers carry no properties, so the scene remembers those that were made: a marker that a person moved or
renamed since is his, and stays.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..inference import reapply
from ..inference.errors import UsageError
from ..inference.timing import scene_frame
from ..inference.visemes import UNKNOWN, VISEMES
from . import kept_lines, media

if TYPE_CHECKING:
    import bpy

MOST = 2000
"""More markers than this make Blender's timeline slow, and nobody reads them."""


def add(scene: bpy.types.Scene, character: bpy.types.Object) -> int:
    """Mark the sounds of a character's lines, in place of those that were marked before.

    Only the preview range is marked where one is set.

    Returns:
        How many markers were made.

    Raises:
        UsageError: nothing is said there, or too much.
    """
    frames = _frames(scene, character)
    where = "in the preview range" if scene.use_preview_range else "in this scene"
    if not frames:
        raise UsageError(f'"{character.name}" says nothing {where}', "Animate a line first")
    if len(frames) > MOST:
        raise UsageError(
            f'"{character.name}" says {len(frames)} sounds {where}, and at most {MOST} can be marked',
            "Set a shorter preview range",
        )
    remove(scene)
    made = []
    for frame, names in frames.items():
        marker = scene.timeline_markers.new(" ".join(names), frame=frame)
        made.append((marker.frame, marker.name))
    scene.soliloquy_dialogue.markers = json.dumps(made)
    return len(made)


def remove(scene: bpy.types.Scene) -> int:
    """Take away the markers that `add` made, and tell how many there were."""
    made = _made(scene)
    ours = [marker for marker in scene.timeline_markers if (marker.frame, marker.name) in made]
    for marker in ours:
        scene.timeline_markers.remove(marker)
    scene.soliloquy_dialogue.markers = ""
    return len(ours)


def _made(scene: bpy.types.Scene) -> set[tuple[int, str]]:
    try:
        return {
            (int(frame), str(name)) for frame, name in json.loads(scene.soliloquy_dialogue.markers or "[]")
        }
    except (ValueError, TypeError):
        return set()


def _frames(scene: bpy.types.Scene, character: bpy.types.Object) -> dict[int, list[str]]:
    """The visemes that begin on each frame; a sound that only lasts on is not named again."""
    rate = media.frame_rate(scene)
    found: dict[int, list[str]] = {}
    for line in kept_lines.lines(character):
        first, last = reapply.line_frames(line, rate)
        if scene.use_preview_range:
            first, last = max(first, scene.frame_preview_start), min(last, scene.frame_preview_end)
        before = VISEMES.index("sil")
        for segment in reapply.sounds(line):
            frame = round(scene_frame(segment.start_s, rate, line.start_frame))
            if segment.viseme not in (before, UNKNOWN) and first <= frame <= last:
                found.setdefault(frame, []).append(VISEMES[segment.viseme])
            before = segment.viseme
    return dict(sorted(found.items()))
