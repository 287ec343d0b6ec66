"""Sliders of the performance act at once; keys on them, and the object that is looked at, a moment later."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import bpy

from . import edit_live, layers, performance_curves, takes
from . import performance_tracks as tracks

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCAN_S = 2.0
"""Characters are looked for so often at most."""
_REST_S = 0.3
_speakers: tuple[str, ...] = ()
_scanned_s = -_SCAN_S
_waiting: dict[int, str] = {}
"""Characters, by session_uid, whose keys or whose target changed since."""


def directed(owner: bpy.types.ID, context: bpy.types.Context) -> None:
    """A slider was moved: the take in use follows, and so does the face."""
    if edit_live.is_held() or not isinstance(owner, bpy.types.Object):
        return
    takes.record(owner, context.scene)
    edit_live.changed(owner, context)


def take_chosen(owner: bpy.types.ID, line_id: str, context: bpy.types.Context) -> None:
    """Another take of a line was clicked."""
    if edit_live.is_held() or not isinstance(owner, bpy.types.Object):
        return
    take = takes.in_use(owner, line_id)
    if take is not None:
        takes.show(owner, take)
    edit_live.changed(owner, context)


def line_chosen(owner: bpy.types.ID) -> None:
    """Another line was clicked: the sliders show what its take was drawn for; no face changes."""
    if edit_live.is_held() or not isinstance(owner, bpy.types.Object) or not len(owner.soliloquy_face.lines):
        return
    take = takes.in_use(owner, takes.active_line(owner).line_id)
    if take is not None:
        takes.show(owner, take)


@bpy.app.handlers.persistent
def on_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Something changed: begin to wait where it was a keyed slider, or an object that is looked at."""
    if bpy.app.background or not (depsgraph.id_type_updated("ACTION") or depsgraph.id_type_updated("OBJECT")):
        return
    changed = {update.id.original for update in depsgraph.updates if _may_direct(update)}
    if not changed:
        return
    for owner in _characters(scene):
        if changed & _directing(owner):
            _waiting[owner.session_uid] = owner.name
            stop_timer()
            bpy.app.timers.register(_apply_waiting, first_interval=_REST_S)


def _may_direct(update: bpy.types.DepsgraphUpdate) -> bool:
    return isinstance(update.id, bpy.types.Action) or (
        isinstance(update.id, bpy.types.Object) and update.is_updated_transform
    )


def _characters(scene: bpy.types.Scene) -> Iterator[bpy.types.Object]:
    global _speakers, _scanned_s
    if time.monotonic() - _scanned_s > _SCAN_S:
        _speakers = tuple(obj.name for obj in scene.objects if len(obj.soliloquy_face.lines))
        _scanned_s = time.monotonic()
    return (obj for name in _speakers if (obj := scene.objects.get(name)) is not None)


def _directing(owner: bpy.types.Object) -> set[bpy.types.ID]:
    """What moves a character's sliders, and what it looks at."""
    target = owner.soliloquy_performance.target
    found = set(performance_curves.actions(owner, tracks.PREFIX))
    return found | {target} if target is not None else found


def _apply_waiting() -> None:
    waiting = dict(_waiting)
    _waiting.clear()
    scene = bpy.context.scene
    for uid, name in waiting.items():
        owner = bpy.data.objects.get((name, None))
        if owner is None or owner.session_uid != uid or not len(owner.soliloquy_face.lines):
            continue
        takes.record(owner, scene)
        if layers.is_behind(owner, scene) and edit_live.apply(owner, scene):
            bpy.ops.ed.undo_push(message="Direct Performance")


def stop_timer() -> None:
    """Wait no longer; what waits stays noted."""
    if bpy.app.timers.is_registered(_apply_waiting):
        bpy.app.timers.unregister(_apply_waiting)


def stop() -> None:
    """Forget what waits (the extension is switched off)."""
    _waiting.clear()
    stop_timer()
