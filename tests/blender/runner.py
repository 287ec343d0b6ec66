"""Runs the add-on's tests on an extension zip, installed in a temporary profile of a real Blender.

    python tests/blender/runner.py --zip dist/soliloquy-0.1.0-linux_x64.zip [NAME ...]

`python` is one that has the `bpy` module. Every `test_*.py` beside this file runs in a process of its own
with a time-out (Blender keeps state, and can hang or crash); its `test_*` functions are called one by one.
Without --zip a zip without wheels is made from this repository: packages such as onnxruntime must then be
installed for that Python. Prints `N passed, N failed` last; the exit code is 1 when anything failed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
TIMEOUT_S = 420.0
_RESULT = "@@result "
_STAGED = ("__init__.py", "__main__.py", "blender_manifest.toml", "inference", "blender_addon")


def main() -> int:
    """Install, run, report; returns the exit code."""
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="soliloquy_tests_") as folder:
        zip_path = arguments.zip or _make_zip(Path(folder))
        environment = _environment(Path(folder))
        if not _install(zip_path, environment):
            print("0 passed, 1 failed")
            return 1
        passed = failed = 0
        for file in _test_files(arguments.names):
            good, bad = _run_file(file, environment, arguments.timeout)
            passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--zip", type=Path, help="extension zip to test")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, help="seconds for one test file")
    parser.add_argument("names", nargs="*", help="only files whose name contains one of these")
    return parser


def _environment(folder: Path) -> dict[str, str]:
    profile = folder / "profile"
    profile.mkdir(parents=True)
    environment = dict(os.environ, BLENDER_USER_RESOURCES=str(profile), SOLILOQUY_TEST_FOLDER=str(folder))
    environment.setdefault("OMP_NUM_THREADS", "2")
    # The installed extension is tested, never the checkout.
    environment.pop("PYTHONPATH", None)
    return environment


def _test_files(names: list[str]) -> list[Path]:
    files = sorted(HERE.glob("test_*.py"))
    return [file for file in files if not names or any(name in file.stem for name in names)]


def _make_zip(folder: Path) -> Path:
    """A zip of the working tree, built by the extension tool that comes with bpy."""
    stage = folder / "stage"
    stage.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in _STAGED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, stage / name, ignore=ignore)
        else:
            shutil.copy(source, stage / name)
    bpy_folder = Path(importlib.util.find_spec("bpy").origin).parent
    (tool,) = bpy_folder.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    command = [
        sys.executable,
        "-B",
        str(tool),
        "build",
        "--source-dir",
        str(stage),
        "--output-dir",
        str(folder),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    (built,) = folder.glob("*.zip")
    return built


def _install(zip_path: Path, environment: dict[str, str]) -> bool:
    child = _child(["--install", str(zip_path.resolve())], environment, TIMEOUT_S)
    ok = child.returncode == 0
    print(f"{'ok    ' if ok else 'FAILED'} install {zip_path.name}", flush=True)
    if not ok:
        print(child.stdout)
    return ok


def _run_file(file: Path, environment: dict[str, str], timeout_s: float) -> tuple[int, int]:
    started = time.monotonic()
    child = _child(["--run", str(file)], environment, timeout_s)
    output = child.stdout
    results = [
        json.loads(line.removeprefix(_RESULT)) for line in output.splitlines() if line.startswith(_RESULT)
    ]
    failures = [result for result in results if result["error"]]
    broken = child.returncode not in (0, 1) or not results
    print(
        f"{'FAILED' if failures or broken else 'ok    '} {file.name}: {len(results) - len(failures)} of "
        f"{len(results)} in {time.monotonic() - started:.1f} s",
        flush=True,
    )
    for result in results:
        if result["skipped"]:
            print(f"       skipped {result['name']}: {result['skipped']}")
    for failure in failures:
        print(f"--- {file.stem}.{failure['name']}\n{failure['error']}")
    if broken:
        print(output[-6000:])
    return len(results) - len(failures), len(failures) + bool(broken)


def _child(
    arguments: list[str], environment: dict[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run `child.py`; a time-out is a return code of 124 with what was printed until then."""
    command = [sys.executable, "-B", str(HERE / "child.py"), *arguments]
    log = Path(environment["SOLILOQUY_TEST_FOLDER"]) / "child.log"
    with log.open("w", encoding="utf-8") as output:
        try:
            code = subprocess.run(
                command,
                env=dict(environment, SOLILOQUY_TEST_TIMEOUT_S=str(timeout_s)),
                cwd=environment["SOLILOQUY_TEST_FOLDER"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = 124
            output.write(f"\nno end within {timeout_s:.0f} s\n")
    return subprocess.CompletedProcess(command, code, log.read_text("utf-8", "replace"))


if __name__ == "__main__":
    sys.exit(main())
