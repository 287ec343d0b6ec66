"""`soliloquy rig map FILE --out map.json --sheet sheet.png`: how a character in a file would be driven.

Files are opened by Blender: its Python module where this Python has it, the program otherwise.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import UsageError
from .blender import COMMAND

if TYPE_CHECKING:
    import argparse

    from ..console import Console

_MAP: Final = """Finds out what follows each channel (shape keys by name and by what they move, bones, custom
properties), prints it with its confidence, and saves it as a rig map that Blender's panel can load."""
_IN_MODULE: Final = "soliloquy.blender_addon.cli_command"


def add(commands: Any) -> Any:
    """Declare the command and its one sub-command, whose parser is returned: Blender's own command line has
    it too."""
    parser = commands.add_parser("rig", help="map the face of a character (needs Blender)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    parser = actions.add_parser("map", help="map the face in a file", description=_MAP)
    parser.set_defaults(run=run, quiet=False, debug=False)
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="character: .blend, .glb, .gltf, .vrm, .fbx")
    add("--out", type=Path, metavar="FILE.json", help="save the rig map")
    add("--sheet", type=Path, metavar="FILE.png", help="draw what each mapped channel does")
    add("--map", type=Path, metavar="FILE.json", help="use a rig map that was saved, do not search")
    add("--basis", type=Path, metavar="FILE", help="what the numbered keys of a 3DMM mean: .npz or .json")
    add("--object", default="", metavar="NAME", help="mesh or armature (that with most shape keys)")
    add("--json", action="store_true", help="print one JSON object")
    return parser


def run(arguments: argparse.Namespace, _console: Console) -> int:
    """Let Blender do it; returns its exit code.

    Raises:
        UsageError: there is no Blender.
    """
    words = ["rig", "map", str(arguments.file.absolute())]
    for name in ("out", "sheet", "map", "basis"):
        path = getattr(arguments, name)
        words += [f"--{name}", str(path.absolute())] if path is not None else []
    words += ["--object", arguments.object] if arguments.object else []
    words += ["--json"] if arguments.json else []
    return subprocess.run([*_blender(), *words], check=False).returncode


def _blender() -> list[str]:
    """The words that start Blender, up to those of the command."""
    if importlib.util.find_spec("bpy") is not None:
        return [sys.executable, "-m", _IN_MODULE]
    program = shutil.which("blender")
    if program is None:
        raise UsageError(
            "A character can be opened with Blender only, and there is none here",
            "Install Blender with the extension, or `pip install bpy` into this Python",
        )
    return [program, *COMMAND]
