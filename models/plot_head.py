"""Head pitch beside loudness on a filmed line that was not trained on (needs matplotlib, the extra `plot`).

python -m soliloquy.models.plot_head --shared ../shared --out docs/head.png
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..inference.instruction.values import ACTIONS
from ..inference.performance.head import HeadModel, HeadStyle, head_motion, load_head_model
from ..inference.performance.stress import stresses
from .performance.head_data import RATE_HZ, load_heads

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .performance.head_data import HeadClip

_TAKES = (1, 2, 3)
_COLOURS = ("#0072b2", "#d55e00", "#009e73")  # Okabe and Ito's palette: apart for every kind of sight
_AXES = ("pitch (drawn upwards: looks up)", "yaw (to the left)", "roll (to the right)")


def takes(clip: HeadClip, model: HeadModel) -> list[np.ndarray]:
    """Three takes [T, 3] in degrees at 50 Hz, in the amplitude and manner of the clip's group."""
    own = np.array(model.graph.card["manners"][clip.corpus]) / np.array(model.unit)
    weights = tuple(float(name == clip.corpus) for name in model.graph.card["manners"])
    style = HeadStyle(amplitude=tuple(own), manner=weights)
    actions = np.zeros((len(clip.prosody), len(ACTIONS)), np.float32)
    made = (head_motion(clip.prosody, clip.visemes, actions, seed, model, style) for seed in _TAKES)
    return [np.degrees(motion) for motion in made]


def draw(clip: HeadClip, model: HeadModel) -> Figure:
    """Loudness and stresses above; below each rotation, filmed (black) and in three takes."""
    from matplotlib.figure import Figure  # only here: an extra

    figure = Figure(figsize=(11, 8), layout="constrained")
    panels = figure.subplots(4, 1, sharex=True)
    fine = np.arange(len(clip.prosody)) / 50.0
    panels[0].plot(fine, clip.prosody[:, 0], color="#555555", lw=1)
    for time_s, strength in stresses(clip.prosody, clip.visemes):
        panels[0].axvline(time_s, color="#cc79a7", alpha=0.25 + 0.75 * strength, lw=2)
    panels[0].set_ylabel("loudness dB\n(bars: stress)")
    made = takes(clip, model)
    for axis, (panel, name) in enumerate(zip(panels[1:], _AXES, strict=True)):
        filmed = np.degrees(clip.pose[:, axis])
        panel.plot(np.arange(len(filmed)) / RATE_HZ, filmed, color="black", lw=1.8, label="filmed")
        for motion, seed, colour in zip(made, _TAKES, _COLOURS, strict=True):
            panel.plot(fine, motion[:, axis], color=colour, lw=1.1, label=f"take {seed}")
        panel.set_ylabel(f"{name}\ndegrees")
    panels[1].invert_yaxis()
    panels[1].legend(ncols=4, loc="lower right", fontsize=8)
    panels[-1].set_xlabel("seconds")
    version = model.graph.card["version"]
    panels[0].set_title(f"{clip.corpus}, {clip.name}: not trained on; soliloquy-head {version}")
    return figure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--weights", type=Path, default=None)
    parser.add_argument("--corpus", default="us_gov")
    parser.add_argument("--out", type=Path, default=Path("docs/head.png"))
    arguments = parser.parse_args()
    clips = load_heads(arguments.shared, arguments.cache / "heads.npz")
    clip = next(clip for clip in clips if clip.held_out and clip.corpus == arguments.corpus)
    draw(clip, load_head_model(arguments.weights)).savefig(arguments.out, dpi=90)
    print(f"wrote {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
