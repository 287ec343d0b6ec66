"""Uses the add-on in a real Blender window as an animator would: with the mouse and the keyboard.

    python3 tests/gui/window.py --zip dist/soliloquy-0.1.0-linux_x64.zip --out out/gui [--root FOLDER]

On demand, not part of `build.py test`: it takes some minutes and needs `blender` (5.2), `Xvfb`, `openbox`,
`xdotool`, `tesseract`, `espeak-ng` and ImageMagick's `import`. Where the system has an older Blender, --root
names the root folder of another one, entered with chroot (as root). Such a root can be made by

    debootstrap --variant=minbase sid ROOT URL_OF_A_DEBIAN_MIRROR
    for d in proc sys dev; do mount --bind /$d ROOT/$d; done
    chroot ROOT apt-get install -y --no-install-recommends blender xvfb xauth xdotool imagemagick x11-utils \\
        openbox libgl1-mesa-dri libegl1 libgl1 libglx-mesa0 tesseract-ocr tesseract-ocr-eng espeak-ng \\
        python3-numpy python3-requests python3-zstandard python3-cattr

Headings are found by reading the screen (tesseract); transcripts need espeak-ng. Every step saves a
screenshot `NN_name.png` in --out. Prints `N passed, N failed` last; the exit code is 1 when anything failed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from pathlib import Path

import window_actor
import window_dialogue
import window_edit
import window_files
import window_head
import window_line
import window_motion
import window_performance
import window_rig
from window_stage import Stage

GROUPS = {
    "line": window_line.STEPS,
    "motion": window_motion.STEPS,
    "performance": window_performance.STEPS,
    "edit": window_edit.STEPS,
    "files": window_files.STEPS,
    "head": window_head.STEPS,
    "rig": window_rig.STEPS,
    "dialogue": window_dialogue.STEPS,
    "actor": window_actor.STEPS,
}
"""Steps by the name for --only. A group begins with a scene that it makes itself."""


def main() -> int:
    """Run every step in order; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--zip", type=Path, required=True, help="extension zip to test")
    parser.add_argument("--root", type=Path, help="root folder of the system that has Blender")
    parser.add_argument("--out", type=Path, default=Path("out/gui"), help="folder of the screenshots")
    parser.add_argument(
        "--pictures", type=Path, help="folder for pictures of the manual: docs/manual/pictures"
    )
    parser.add_argument("--rig", type=Path, help="a foreign character (.glb, .vrm) for the group rig")
    parser.add_argument(
        "--shot", type=Path, help="a painted pass for the group actor: a folder with plate.mp4 and EXR files"
    )
    parser.add_argument(
        "--only", nargs="*", choices=GROUPS, default=list(GROUPS), help="groups of steps to run"
    )
    arguments = parser.parse_args()
    steps = [step for group in arguments.only for step in GROUPS[group]]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that Blender and the X server end too
    passed = failed = 0
    with Stage(
        arguments.zip.resolve(),
        arguments.root,
        arguments.out.resolve(),
        arguments.pictures,
        arguments.rig,
        arguments.shot,
    ) as stage:
        for step in steps:
            started = time.monotonic()
            try:
                step(stage)
                passed, word = passed + 1, "ok    "
            except Exception:
                failed, word = failed + 1, "FAILED"
                traceback.print_exc()
                stage.shot(f"failed_{step.__name__}")
            print(f"{word} {step.__name__} ({time.monotonic() - started:.0f} s)", flush=True)
        if failed:
            print(stage.log()[-4000:])
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
