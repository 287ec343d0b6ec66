"""How many keys thinning leaves, how far off they are, and how long a slider takes to act.

    python tests/bench/thinning.py [SOUND ...]

Prints a table over frame rates; without a sound the shipped sample is used. Curves are evaluated as Blender
does it: cubics whose handles lie a third of the way to the next key.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from soliloquy.inference import reapply
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.lip_basis import lip_curves
from soliloquy.inference.motion_pack import pack
from soliloquy.inference.pipeline import AnimateSettings, listen
from soliloquy.inference.retarget import map_by_name
from soliloquy.inference.session import load_speech_model
from soliloquy.inference.types import FrameRate

if TYPE_CHECKING:
    from soliloquy.inference.bezier import BezierCurve

SAMPLE = Path(__file__).resolve().parents[2] / "blender_addon" / "assets" / "sample.flac"
RATES = (FrameRate(24), FrameRate(25), FrameRate(30), FrameRate(60))
BOUNDS = (0.002, 0.005, 0.01)


def main() -> None:
    """Print the table."""
    paths = [Path(name) for name in sys.argv[1:]] or [SAMPLE]
    model, settings = load_speech_model(), AnimateSettings()
    print(
        "| sound | fps | bound | dense keys | thinned | times fewer | largest error | lips still met | ms |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for path in paths:
        packed = pack(*listen(path, model, settings))
        for rate in RATES:
            plan = reapply.Plan(
                (reapply.Line(packed, 1.0),), settings, (map_by_name("Face", ARKIT_52),), rate, tolerance=None
            )
            for bound in BOUNDS:
                print(_row(path.stem, plan, bound), flush=True)


def _row(name: str, plan: reapply.Plan, bound: float) -> str:
    dense = reapply.build(plan)
    frames = dense[0].curve.frames.astype(np.float64)
    reapply.build(replace(plan, tolerance=bound))
    started = time.perf_counter()
    thinned = reapply.build(replace(plan, tolerance=bound))
    took_ms = 1e3 * (time.perf_counter() - started)
    before = np.column_stack([made.curve.keys[:, 1] for made in dense])
    after = np.column_stack([_shown(made.curve, frames) for made in thinned])
    met = lip_curves(before, ARKIT_52)[0] <= 0.0
    still = lip_curves(after.astype(np.float32), ARKIT_52)[0][met] <= 1e-3
    count = sum(len(made.curve.keys) for made in thinned)
    cells = (
        name, f"{plan.rate.hz:g}", bound, before.size, count, f"{before.size / count:.1f}",
        f"{np.abs(after - before).max():.4f}", f"{still.sum()} of {met.sum()}", f"{took_ms:.0f}",
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def _shown(curve: BezierCurve, frames: np.ndarray) -> np.ndarray:
    x, y = curve.keys.astype(np.float64).T
    if len(x) == 1:
        return np.full(len(frames), y[0])
    k = np.clip(np.searchsorted(x, frames, side="right") - 1, 0, len(x) - 2)
    t = (frames - x[k]) / (x[k + 1] - x[k])
    s = 1.0 - t
    inner = curve.right[k, 1] * s * s * t + curve.left[k + 1, 1] * s * t * t
    return y[k] * s**3 + 3.0 * inner + y[k + 1] * t**3


if __name__ == "__main__":
    main()
