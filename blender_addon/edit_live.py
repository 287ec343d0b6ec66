"""Sliders that act at once: a change is applied to the keys from what is kept, without the speech model.

What is applied quickly is applied inside the change itself, so that one undo takes back both. Where a
character has so many lines that this would be felt, a timer waits until the slider rests.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import bpy

from ..inference.errors import SoliloquyError
from . import layers
from .jobs import STATUS, message

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK_S = 0.25
"""What takes longer waits for the slider to rest."""
_REST_S = 0.3
_cost_s: dict[int, float] = {}
"""What the last application took, by the character's session_uid."""
_waiting: dict[int, str] = {}
"""Characters, by session_uid, whose sliders moved since."""
_holds = 0


@contextmanager
def held() -> Iterator[None]:
    """Change sliders without applying them."""
    global _holds
    _holds += 1
    try:
        yield
    finally:
        _holds -= 1


def is_held() -> bool:
    """Whether what is set now is not to be applied."""
    return _holds > 0


def changed(owner: bpy.types.ID, context: bpy.types.Context) -> None:
    """A slider of a character moved."""
    if _holds or not isinstance(owner, bpy.types.Object) or not len(owner.soliloquy_face.lines):
        return
    if bpy.app.background or _cost_s.get(owner.session_uid, 0.0) <= QUICK_S:
        apply(owner, context.scene)
        return
    _waiting[owner.session_uid] = owner.name
    if bpy.app.timers.is_registered(_apply_waiting):
        bpy.app.timers.unregister(_apply_waiting)
    bpy.app.timers.register(_apply_waiting, first_interval=_REST_S)


def apply(owner: bpy.types.Object, scene: bpy.types.Scene) -> bool:
    """Make the keys of a character again; a problem is shown in the panel. Returns whether it worked."""
    started = time.perf_counter()
    try:
        layers.rebuild(owner, scene)
    except SoliloquyError as error:
        STATUS.error = message(error)
        return False
    _cost_s[owner.session_uid] = time.perf_counter() - started
    return True


def _apply_waiting() -> None:
    waiting = dict(_waiting)
    _waiting.clear()
    done = [
        apply(owner, bpy.context.scene)
        for uid, name in waiting.items()
        if (owner := bpy.data.objects.get((name, None))) is not None and owner.session_uid == uid
    ]
    if any(done):
        bpy.ops.ed.undo_push(message="Re-apply Speech")


def stop() -> None:
    """Forget what waits (the extension is switched off)."""
    _waiting.clear()
    if bpy.app.timers.is_registered(_apply_waiting):
        bpy.app.timers.unregister(_apply_waiting)
