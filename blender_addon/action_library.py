"""A line's Action in a .blend of its own, for another file to append or link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .outputs import written_beside

if TYPE_CHECKING:
    from pathlib import Path

_OURS = "soliloquy_"


def write(action: bpy.types.Action, target: Path) -> None:
    """Write an Action and nothing else; the file appears only when it is complete.

    There it is a plain Action with a fake user: without our record of its keys no line that is animated later
    takes its place. Its slots are named after the datablocks that it animates here.

    Raises:
        OutputError: the disk is full, the folder is read-only, ...
    """
    records = {name: action[name] for name in list(action.keys()) if name.startswith(_OURS)}
    for name in records:
        del action[name]
    try:
        with written_beside(target) as temporary:
            bpy.data.libraries.write(str(temporary), {action}, fake_user=True, compress=True)
    finally:
        for name, value in records.items():
            action[name] = value
