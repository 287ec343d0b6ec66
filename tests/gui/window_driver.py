"""Runs inside the windowed Blender: answers what the test cannot see on the screen.

`blender --python window_driver.py` with SOLILOQUY_GUI_FOLDER set. Requests come as `request.json`
({"id", "call", "arguments"}) in that folder and are answered with `reply.json` ({"id", "result" or "error"}).
Clicks and keys come from outside, through the X server; nothing here presses a button.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).resolve().parent))
import driver_scene
import driver_screen
from driver_screen import FOLDER

CALLS = {call.__name__: call for call in (*driver_screen.CALLS, *driver_scene.CALLS)}
_TICK_S = 0.02
_last_id = 0


def _tick() -> float:
    global _last_id
    try:
        request = json.loads((FOLDER / "request.json").read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return _TICK_S
    if request["id"] == _last_id:
        return _TICK_S
    _last_id = request["id"]
    try:
        answer = {"id": _last_id, "result": CALLS[request["call"]](**request["arguments"])}
    except Exception:
        answer = {"id": _last_id, "error": traceback.format_exc()}
    temporary = FOLDER / "reply.json.tmp"
    temporary.write_text(json.dumps(answer), "utf-8")
    temporary.replace(FOLDER / "reply.json")
    return _TICK_S


bpy.app.timers.register(_tick, first_interval=1.0, persistent=True)
