"""Pictures for whoever trains the model (needs matplotlib, the extra `plot`).

    python -m soliloquy.models.plots curves --clips ../shared/lipbench/clips --out out/curves

`curves`: predicted against tracked lips, one clip per row. The prediction goes through the runtime to a CSV
file and is measured by lipbench itself, so that the picture shows what the benchmark scores.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..inference.formats.arkit_csv import write_csv
from ..inference.pipeline import animate_file
from ..inference.session import load_speech_model
from .lipbench_report import LIPBENCH, load_lipbench

if TYPE_CHECKING:
    from types import ModuleType

    from matplotlib.figure import Figure

SETS = ("grid_unseen",)
_TRACKED, _PREDICTED = "#222222", "#d55e00"  # Okabe and Ito's palette: apart for every kind of sight
_ROW_IN = 1.75

Row = tuple[Any, tuple[float, float]]
"""A clip of lipbench and the window of it that is drawn, in seconds."""


def predict(clips: list[Any], model_file: Path | None, bench: ModuleType) -> dict[str, Any]:
    """Predictions for clips of lipbench, by name, as lipbench measures them."""
    model = load_speech_model(model_file)
    with tempfile.TemporaryDirectory() as folder:
        for clip in clips:
            write_csv(Path(folder) / f"{clip.name}.csv", animate_file(clip.wav, model))
        return dict(bench.load_preds(folder, clips))


def choose(clips: list[Any], per_speaker: int) -> list[Row]:
    """The first clips of every speaker; of a long clip, its first windows."""
    rows: list[Row] = []
    shown: dict[str, int] = {}
    for clip in clips:
        for window in clip.windows:
            if shown.get(clip.speaker, 0) < per_speaker:
                shown[clip.speaker] = shown.get(clip.speaker, 0) + 1
                rows.append((clip, window))
    return rows


def curves(rows: list[Row], scorer: Any, title: str) -> Figure:
    """Opening (left) and width (right) of every row; tracked and predicted, speech shaded."""
    from matplotlib.figure import Figure

    height = _ROW_IN * len(rows) + 0.9
    figure = Figure(figsize=(17.0, height), layout="constrained")
    figure.suptitle(title, fontsize=15, weight="bold", x=0.01, ha="left")
    grid = figure.subplots(len(rows), 2, squeeze=False)
    for (clip, window), axes in zip(rows, grid, strict=True):
        unit = scorer.unit(clip, window)
        where = clip.ok & (clip.t >= window[0]) & (clip.t < window[1])
        rig = clip.kind == "rig"
        opening, spreading = ("jawch", "roundch") if rig else ("aperture", "width")
        shape = f"shape r {unit['shape_r']:.2f}"
        heads = (
            f"opening: r {unit['aperture_r']:.2f}, in speech {unit['aperture_r_speech']:.2f},"
            f" best lag {unit['best_lag_ms']:+.0f} ms",
            f"{'rounding' if rig else 'width'}: r {unit['round_r' if rig else 'width_r']:.2f}, {shape}",
        )
        for axis, curve, head in zip(axes, (opening, spreading), heads, strict=True):
            _draw_curve(axis, clip, scorer.preds[clip.name], curve, where, unitless=rig)
            axis.set_title(f"{clip.speaker} {clip.name}   {head}", fontsize=10.5, loc="left")
            axis.set_xlim(window[0], min(window[1], clip.dur))
    grid[0, 0].legend(fontsize=10, loc="upper right", ncols=2, frameon=False)
    for axis in grid[-1]:
        axis.set_xlabel("seconds")
    return figure


def _draw_curve(
    axis: Any, clip: Any, prediction: Any, curve: str, where: np.ndarray, *, unitless: bool
) -> None:
    times_s = clip.t[where]
    tracked, predicted = clip.q[curve][where], prediction.at(curve, times_s)
    if unitless:  # a rig's channel and millimetres have no common unit: both in units of their spread
        tracked, predicted = ((x - x.mean()) / max(x.std(), 1e-6) for x in (tracked, predicted))
    axis.fill_between(
        times_s, 0, 1, where=clip.talk(times_s), transform=axis.get_xaxis_transform(), color="#eeeeee", lw=0
    )
    axis.plot(times_s, tracked, color=_TRACKED, lw=1.6, label="tracked")
    axis.plot(times_s, predicted, color=_PREDICTED, lw=1.6, label="predicted")
    axis.set_ylabel("spreads" if unitless else "mm")
    axis.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("curves", help="predicted against tracked lips")
    command.add_argument("--clips", type=Path, default=LIPBENCH.parent / "clips")
    command.add_argument("--set", dest="sets", action="append", help=f"default: {', '.join(SETS)}")
    command.add_argument("--out", type=Path, required=True, help="folder for SET.png")
    command.add_argument("--per-speaker", type=int, default=4, metavar="N", help="rows for each speaker")
    command.add_argument("--model", type=Path, help="another weight file")
    command.add_argument("--lipbench", type=Path, help="default: beside the folder of clips")
    options = parser.parse_args()
    bench = load_lipbench(options.lipbench or options.clips.resolve().parent)
    sets = options.sets or list(SETS)
    clips = [clip for clip in bench.load_clips(str(options.clips)) if clip.set in sets]
    unknown = sorted(set(sets) - {clip.set for clip in clips})
    if unknown:
        parser.error(f"there are no clips of the set {', '.join(unknown)} in {options.clips}")
    options.out.mkdir(parents=True, exist_ok=True)
    scorer = bench.Scorer(clips, predict(clips, options.model, bench))
    card = load_speech_model(options.model).card
    for name in sets:
        rows = choose([clip for clip in clips if clip.set == name], options.per_speaker)
        figure = curves(rows, scorer, f"{name}: {card.name} {card.version} against the tracked lips")
        path = options.out / f"{name}.png"
        figure.savefig(path, dpi=100)
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
