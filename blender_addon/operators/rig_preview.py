"""Wiggle: shows what the chosen row's channel does on the character, and puts everything back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import bpy
import numpy as np

from .. import checks, rig_map, rig_pose, rig_rows
from .rig import RigOperator

if TYPE_CHECKING:
    from ..rig_properties import SoliloquyRigRow

_BUMP_S = 0.6
"""From rest to full weight and back."""
_TIMES = 2


class SOLILOQUY_OT_rig_wiggle(RigOperator, bpy.types.Operator):
    """Move everything that follows the channel of the chosen row, twice, and put it back. Esc stops"""

    bl_idname = "soliloquy.rig_wiggle"
    bl_label = "Wiggle"
    bl_options = {"INTERNAL"}
    needs = "row"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Go through all poses at once: for background Blender and scripts."""
        with rig_pose.Posed() as posed:
            for pose in self._poses(context):
                posed.show(pose)
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Start; `modal` shows one pose after the other."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        self._all = self._poses(context)
        self._posed = rig_pose.Posed()
        self._started = time.monotonic()
        self._timer = context.window_manager.event_timer_add(1 / rig_pose.RATE.hz, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Show the pose of the moment."""
        if event.type == "ESC" and event.value == "PRESS":
            self.cancel(context)
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        frame = int((time.monotonic() - self._started) * rig_pose.RATE.hz)
        if frame >= len(self._all):
            self.cancel(context)
            return {"FINISHED"}
        self._posed.show(self._all[frame])
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Put everything back; also when Blender ends the operator itself."""
        context.window_manager.event_timer_remove(self._timer)
        self._posed.restore()

    @staticmethod
    def _poses(context: bpy.types.Context) -> list[dict[rig_pose.Place, float]]:
        target = checks.target(context)
        maps = rig_map.read_character(target, context.scene.soliloquy.include_parts).maps
        return rig_pose.poses(maps, *bumps(_channels(rig_rows.active(target), maps)))


def _channels(row: SoliloquyRigRow, maps: tuple[rig_map.RigMap, ...]) -> tuple[str, ...]:
    if row.kind != "SOLVED":
        return (row.channel,)
    name = (row.object or row.id_data).name
    return next((s.channels for m in maps for s in m.solved if s.object == name), ())


def bumps(channels: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    """Channels that rise to full weight and sink, one after the other, as float64 [N, C] at the pose rate.

    One channel alone does it twice; of many, each once and faster.
    """
    times = _TIMES if len(channels) == 1 else 1
    count = max(4, round(rig_pose.RATE.hz * _BUMP_S / (1 if len(channels) == 1 else 2)))
    bump = np.sin(np.linspace(0, np.pi, count)) ** 2
    return channels, np.tile(np.kron(np.eye(len(channels)), bump[:, None]), (times, 1))


CLASSES = (SOLILOQUY_OT_rig_wiggle,)
