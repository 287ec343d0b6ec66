"""Moves the animation of a line soon after its strip was moved, trimmed, cut or copied.

It is no undo step of its own: undo takes the strip back, and the animation follows again.
"""

from __future__ import annotations

import bpy

from . import dialogue, dialogue_strips
from .jobs import STATUS

_REST_S = 0.2
"""A strip that is being dragged is waited for."""
_waiting = ""


@bpy.app.handlers.persistent
def on_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Something changed in a scene; begin to wait where it was a strip."""
    global _waiting
    if bpy.app.background or scene.sequence_editor is None or not scene.soliloquy_dialogue.follow:
        return
    if (
        not depsgraph.id_type_updated("SCENE")
        or STATUS.job is not None
        or not dialogue_strips.is_behind(scene)
    ):
        return
    stop()
    _waiting = scene.name
    bpy.app.timers.register(apply, first_interval=_REST_S)


def apply() -> None:
    """Let the lines of the scene that waits follow their strips."""
    scene = bpy.data.scenes.get((_waiting, None))
    if scene is not None and STATUS.job is None:
        dialogue.follow(scene)


def stop() -> None:
    """Forget what waits."""
    if bpy.app.timers.is_registered(apply):
        bpy.app.timers.unregister(apply)
