"""One process of `runner.py`: installs the extension, or runs the `test_*` functions of one file in bpy.

A test that cannot run here raises `Skip("why")`; the runner lists it. Fixtures live in `helpers.py`.
"""

from __future__ import annotations

import faulthandler
import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path

import bpy

_RESULT = "@@result "


def install(zip_path: str) -> None:
    """Install the zip into the profile and keep it switched on for the next processes."""
    bpy.ops.extensions.package_install_files(
        filepath=zip_path, repo="user_default", enable_on_install=True, overwrite=True
    )
    assert "bl_ext.user_default.soliloquy" in bpy.context.preferences.addons, "the extension did not enable"
    bpy.ops.wm.save_userpref()


def run(file: Path) -> int:
    """Call every test of a file; returns 1 if one failed."""
    import helpers

    helpers.enable()
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    failed = 0
    for name, test in list(vars(module).items()):
        if name.startswith("test_") and callable(test):
            failed += not _call(name, test)
    return 1 if failed else 0


def _call(name: str, test: object) -> bool:
    import helpers

    error = skipped = ""
    try:
        helpers.empty_scene()
        test()
    except helpers.Skip as reason:
        skipped = str(reason)
    except Exception:
        error = traceback.format_exc()
    print("\n" + _RESULT + json.dumps({"name": name, "error": error, "skipped": skipped}), flush=True)
    return not error


if __name__ == "__main__":
    # Where it hangs, rather than silence: just before the runner's time-out.
    faulthandler.dump_traceback_later(float(os.environ["SOLILOQUY_TEST_TIMEOUT_S"]) * 0.9, file=sys.stdout)
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    code = install(sys.argv[2]) if sys.argv[1] == "--install" else run(Path(sys.argv[2]))
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: pending timers of Blender 4.5 hang the interpreter's own way out.
    os._exit(code or 0)
