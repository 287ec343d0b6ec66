"""`build.py demo`: a sound on the embedded head, from a clean checkout to a video."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from .common import ROOT, BuildError, clean_environment, elapsed, say, size_text, stream
from .environment import DEMO, check_system, ensure

SAMPLE: Final = ROOT / "blender_addon" / "assets" / "sample.flac"
ENGINES: Final = ("cycles", "eevee", "workbench")
_NOISE: Final = re.compile(
    r"\s*$|Fra:\d|Saved: | ?Time: |Info: |EGL Error|libEGL|MESA|Append frame"
    r"|(?:\d+:)?\d\d:\d\d\.\d{3}\s+\S+\s+\|(?! ERROR)"
)
"""Lines that Blender prints for every frame or logs by the way, and those of talkative drivers."""


def run(*, audio: Path | None, out: Path, engine: str, size_px: int) -> int:
    """Set up, animate, render, and check what came out.

    Returns:
        Exit status of the Blender part: 0 fine, 2 the user can mend something.

    Raises:
        BuildError: the set-up failed, or the input or the output folder cannot be used.
    """
    started = time.monotonic()
    sound = _checked_sound(audio)
    folder = _made(out)
    check_system(opengl=engine != "cycles")
    ensure(DEMO)
    with tempfile.TemporaryDirectory(prefix="soliloquy_") as profile, _no_remains(folder):
        module = "soliloquy.blender_addon.demo"
        status, _ = stream(
            [
                DEMO.python,
                "-m",
                module,
                "--audio",
                sound,
                "--out",
                folder,
                "--engine",
                engine,
                "--size",
                str(size_px),
            ],
            show=is_worth_showing,
            environment=clean_environment(BLENDER_USER_RESOURCES=profile),
        )
    if status != 0:
        return 2 if status == 2 else 1
    say(f"Done in {elapsed(started)}:")
    for name in ("demo.mp4", "demo.blend", "demo.csv"):
        path = folder / name
        say(f"  {path}  ({_video_text(path) if path.suffix == '.mp4' else size_text(path.stat().st_size)})")
    return 0


def is_worth_showing(line: str) -> bool:
    """Whether a line of the Blender part is for a person, and not Blender's chatter about every frame."""
    return _NOISE.match(line) is None


def video_facts(path: Path) -> dict[str, Any]:
    """Width, height, frame rate, codecs and lengths of a video, read by the environment's PyAV.

    Raises:
        BuildError: it cannot be opened, or lacks a picture or a sound.
    """
    probe = Path(__file__).with_name("probe_video.py")
    done = subprocess.run(
        [DEMO.python, probe, path], capture_output=True, text=True, env=clean_environment(), check=False
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BuildError(f"The video {path} is not whole: {reason}.", "Run the demo again.")
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def _video_text(path: Path) -> str:
    facts = video_facts(path)
    return (
        f"{facts['width']}x{facts['height']}, {facts['rate_hz']:g} fps, {facts['video_s']:.1f} s,"
        f" {facts['video_codec']} + {facts['audio_codec']}, {size_text(path.stat().st_size)}"
    )


@contextmanager
def _no_remains(folder: Path) -> Iterator[None]:
    """Delete the temporary files that a stopped Blender could not delete itself."""
    try:
        yield
    finally:
        for path in folder.glob(".????????_demo.*"):
            path.unlink(missing_ok=True)


def _checked_sound(audio: Path | None) -> Path:
    path = (audio or SAMPLE).expanduser().absolute()
    if path.is_file():
        return path
    wrong = "is a folder" if path.is_dir() else "does not exist"
    raise BuildError(f"The sound {path} {wrong}.", "Give --audio the path of a recording.")


def _made(out: Path) -> Path:
    folder = out.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BuildError(
            f"The folder {folder} cannot be written to: {error.strerror or os.strerror(error.errno or 0)}.",
            "Choose another one with --out.",
        ) from error
    return folder
