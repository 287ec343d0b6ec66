"""What the add-on costs inside Blender: switching on, keying, re-applying, rendering."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from measure import HERE, SAMPLE, Row, Table, usual

if TYPE_CHECKING:
    from pathlib import Path

_TITLE = "Inside Blender"
_LIMIT_S = 900
_ENGINES = ("workbench", "cycles")
"""EEVEE is left out: without a graphics card it says how fast the card is emulated."""


def tables(folder: Path, *, quick: bool) -> list[Table]:
    """One table; a line that says so where this Python has no bpy.

    The first start compiles the modules, as of any add-on, and does not count.
    """
    environment = os.environ | {
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        "PYTHONDONTWRITEBYTECODE": "",
        "BLENDER_USER_RESOURCES": str(folder / "blender"),
    }
    frames = 10_000 if quick else 30_000
    _measured(["parts", str(frames)], environment)
    measured = _measured(["parts", str(frames)], environment)
    if isinstance(measured, str):
        return [Table(_TITLE, ("not measured",), [(measured,)])]
    rows = [
        Row(f"Blender {measured['blender']}: import of bpy alone, CPU", measured["bpy_s"], "s"),
        Row("the add-on on top (import, register), CPU", measured["addon_s"], "s", goal="<= 0.2"),
        Row(f"key 52 x {frames}, CPU", measured["keying_s"], "s", goal="<= 1"),
        Row("a slider acts on a minute at 24 fps, CPU", measured["reapply_s"], "s", goal="<= 0.15"),
        Row("build the embedded head, CPU", measured["head_s"], "s"),
    ]
    for engine in _ENGINES[:1] if quick else _ENGINES:
        rendered = _measured(["render", engine, str(SAMPLE), str(folder / f"{engine}.mp4")], environment)
        what = f"render the embedded head, {engine}, 540 x 540, a frame"
        if isinstance(rendered, str):
            print(f"not rendered with {engine}: {rendered}", file=sys.stderr)
            continue
        rows.append(Row(f"{what}, on the clock", rendered["wall_s"], "s"))
        rows.append(Row(f"{what}, CPU", rendered["cpu_s"], "s"))
    return [
        usual(
            _TITLE,
            rows,
            "Keying and re-applying write whole curves at once; a frame has its share of the video.",
        )
    ]


def _measured(arguments: list[str], environment: dict[str, str]) -> dict | str:
    """What `in_blender.py` says, or why it says nothing."""
    command = [sys.executable, str(HERE / "in_blender.py"), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_LIMIT_S, check=False, env=environment
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return (done.stderr.strip() or f"it ended with {done.returncode}").splitlines()[-1]
    return json.loads(lines[-1])
