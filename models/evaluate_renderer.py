"""The photoreal pass against film it was not made from: the targets, with what they are compared to.

    python -m soliloquy.models.evaluate_renderer ACTOR --clips ../shared/data/grid_s1/split.json#dev_video
        [--plates FOLDER] [--renderer FILE] [--no-memory FILE] [--sheet out.png] [--json FILE]

Clips are takes of the actor that are not in its memory. Everything runs through the pass that a user gets:
retrieval, renderer, colour, the way back into the plate, and the mix in linear light.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..inference.actor.capture.tracking import Tracker, face_model_path
from ..inference.actor.crop import sample
from ..inference.actor.folder import open_actor
from ..inference.actor.painting.renderer import load_renderer
from ..inference.errors import SoliloquyError
from . import image_metrics as metrics
from .baseline_painters import MeanOfNearest, Nearest
from .renderer_sheet import Cell, draw_sheet
from .renderer_stage import (
    THREADS,
    Stage,
    add_stage_arguments,
    clip_names,
    itself,
    spoken,
    swapped,
    tracked_again,
)
from .renderer_trials import (
    Score,
    Trial,
    aperture,
    frames_with_closures,
    frames_with_teeth,
    lip_error,
    mean_score,
    score,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..inference.actor.painting.render import Painter

OURS, NO_MEMORY, NEAREST = "with memory", "without memory", "nearest frame"
WARPED, MEAN, CEILING = (
    "nearest frame, warped",
    "mean of 8 nearest, warped",
    "the plate's own crop, there and back",
)
COLUMNS = ("filmed", OURS, NO_MEMORY, NEAREST)
SHEET_FRAMES = 8
_SHEET_SIDE = 0.9
"""Side of what the sheet shows, as a share of the crop's."""


@dataclass(frozen=True)
class Heard:
    """One clip's lips, tracked again in what was painted: distances from the filmed lips in per cent of the
    eyes' distance, driven by the clip's tracked expression and by its sound; r of the aperture, by sound."""

    tracked: float
    audio: float
    aperture: float
    aperture_tracked: float


@dataclass
class Report:
    """What was measured, by clip."""

    scores: dict[str, list[Score]] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    clips: list[str] = field(default_factory=list)
    left_out: int = 0
    """Frames that show no usable mouth."""


@dataclass(frozen=True)
class Target:
    """A line of the issue's targets."""

    what: str
    wanted: str
    passes: Callable[[float], bool]
    values: list[float]
    value: float | None = None
    """Where it is not the mean of the values."""

    @property
    def measured(self) -> float:
        """What is compared."""
        return float(np.nanmean(self.values)) if self.value is None else self.value


def targets(report: Report) -> list[Target]:
    """The targets that can be judged with what was measured."""
    ours = report.scores[OURS]
    rows = [
        Target("PSNR of the mouth region, dB", ">= 30", lambda v: v >= 30, [s.psnr for s in ours]),
        Target("SSIM of the mouth region", ">= 0.92", lambda v: v >= 0.92, [s.ssim for s in ours]),
        Target(
            "sharpness by the film's",
            "0.85 to 1.15",
            lambda v: 0.85 <= v <= 1.15,
            [s.sharpness for s in ours],
        ),
    ]
    if NO_MEMORY in report.scores:
        pairs = list(zip(ours, report.scores[NO_MEMORY], strict=True))
        gain, off = (
            [a.psnr - b.psnr for a, b in pairs],
            [_off(b.sharpness) - _off(a.sharpness) for a, b in pairs],
        )
        rows += [
            Target("PSNR over the same network without memory, dB", ">= 1", lambda v: v >= 1, gain),
            Target("sharpness nearer to the film's than without memory, by", "> 0", lambda v: v > 0, off),
        ]
    for name in (NEAREST, WARPED):
        pairs = list(zip(ours, report.scores[name], strict=True))
        over = [a.psnr - b.psnr for a, b in pairs]
        rows.append(Target(f"PSNR over the {name} alone, dB", "> 0", lambda v: v > 0, over))
        over = [a.ssim - b.ssim for a, b in pairs]
        rows.append(Target(f"SSIM over the {name} alone", "> 0", lambda v: v > 0, over))
    rows.append(
        Target(
            "flicker of still parts by the plate's", "<= 1.2", lambda v: v <= 1.2, [s.flicker for s in ours]
        )
    )
    if report.heard:
        audio, tracked = (np.mean([getattr(h, name) for h in report.heard]) for name in ("audio", "tracked"))
        ratios = [h.audio / h.tracked for h in report.heard]
        by_sound = [h.aperture for h in report.heard]
        lips = "lip distance driven by audio by that driven by tracking"
        rows += [
            Target(lips, "<= 1.3", lambda v: v <= 1.3, ratios, float(audio / tracked)),
            Target("aperture r, tracked again, driven by audio", ">= 0.7", lambda v: v >= 0.7, by_sound),
        ]
    return rows


def _off(ratio: float) -> float:
    """How far a ratio is from 1, twice as much or half as much alike."""
    return abs(float(np.log2(ratio)))


def judge(
    stage: Stage, painters: dict[str, Painter], names: list[str], tracker: Tracker | None, say
) -> Report:
    """Measure all clips."""
    report = Report(scores={name: [] for name in painters})
    for name in names:
        trial = stage.held_out(name, next(iter(painters.values())).bank)
        report.clips.append(name)
        report.left_out += len(trial.take) - len(trial.rows)
        for label, painter in painters.items():
            painted = stage.paint(painter, trial)
            report.scores[label].append(score(trial, painted))
            if label == OURS and tracker:
                report.heard.append(_heard(stage, painter, trial, painted, tracker))
        say(f"{name}: {_brief(report)}")
    return report


def _heard(stage: Stage, painter: Painter, trial: Trial, painted: np.ndarray, tracker: Tracker) -> Heard:
    motion = spoken(stage, trial)
    by_audio = stage.paint(painter, trial, motion)
    rows = trial.rows
    filmed, tracked, audio = (
        tracked_again(tracker, frames[rows]) for frames in (trial.frames, painted, by_audio)
    )
    seen = np.isfinite(filmed).all((1, 2)) & np.isfinite(tracked).all((1, 2)) & np.isfinite(audio).all((1, 2))
    filmed, tracked, audio = filmed[seen], tracked[seen], audio[seen]
    real = aperture(filmed)
    return Heard(
        lip_error(tracked, filmed),
        lip_error(audio, filmed),
        metrics.correlation(aperture(audio), real),
        metrics.correlation(aperture(tracked), real),
    )


def _brief(report: Report) -> str:
    ours = report.scores[OURS][-1] if report.scores.get(OURS) else next(iter(report.scores.values()))[-1]
    text = f"PSNR {ours.psnr:.2f} dB, SSIM {ours.ssim:.3f}, sharpness {ours.sharpness:.2f}"
    if report.heard:
        last = report.heard[-1]
        text += f", lips {last.audio / last.tracked:.2f} x, aperture r {last.aperture:.2f}"
    return text


def target_table(report: Report) -> str:
    """The targets as markdown."""
    lines = ["| target | wanted | measured [95 %] | |", "|---|---|---|---|"]
    for row in targets(report):
        low, high = metrics.interval(row.values)
        verdict = "pass" if row.passes(row.measured) else "**missed**"
        lines.append(
            f"| {row.what} | {row.wanted} | {row.measured:.3f} [{low:.3f}, {high:.3f}] | {verdict} |"
        )
    return "\n".join(lines)


def comparison_table(report: Report) -> str:
    """All painters side by side, as markdown."""
    lines = [
        "| mouth region, driven by tracking | PSNR dB | SSIM | sharpness | flicker | PSNR of the lips dB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, scores in report.scores.items():
        one = mean_score(scores)
        lines.append(
            f"| {name} | {one.psnr:.2f} | {one.ssim:.3f} | {one.sharpness:.2f} | {one.flicker:.2f} | "
            f"{one.psnr_lips:.2f} |"
        )
    if report.heard:
        tracked, audio, r, r_tracked = np.mean(
            [(h.tracked, h.audio, h.aperture, h.aperture_tracked) for h in report.heard], axis=0
        )
        lines += [
            "",
            f"Lips tracked again, distance from the filmed ones in per cent of the eyes' distance: driven by "
            f"tracking {tracked:.2f}, by audio {audio:.2f}; aperture r {r_tracked:.2f} and {r:.2f}.",
        ]
    return "\n".join(lines)


def choose_frames(stage: Stage, names: list[str], words_of) -> list[tuple[Trial, int, str]]:
    """Held-out frames for the sheet: half with the most teeth, half with the most closed p, b, m; one of each
    kind per clip."""
    with_teeth, closed = [], []
    for name in names:
        trial = stage.trial(name)
        crops = {
            int(row): sample(trial.frames[row], trial.take.crop[row], trial.crop_size) / np.float32(255)
            for row in trial.rows
        }
        if teeth := frames_with_teeth(trial, crops):
            with_teeth.append((teeth[0][0], name, teeth[0][1], "teeth"))
        if shut := frames_with_closures(trial, words_of(name)):
            closed.append((-shut[0][0], name, shut[0][1], "closed lips"))
    half = SHEET_FRAMES // 2
    chosen = sorted(with_teeth, reverse=True)[:half] + sorted(closed, reverse=True)[:half]
    return [(stage.trial(name), row, kind) for _, name, row, kind in chosen]


def sheet(stage: Stage, painters: dict[str, Painter], names: list[str], words_of, path: Path) -> None:
    """Draw the sheet of `COLUMNS`; painters that there are none of are left out."""
    columns = [name for name in COLUMNS if name == COLUMNS[0] or name in painters]
    cells = []
    for trial, row, kind in choose_frames(stage, names, words_of):
        window = _window(trial, row)
        pictures = [trial.frames[row][window]]
        pictures += [stage.paint(painters[name], trial, rows=[row])[row][window] for name in columns[1:]]
        cells.append(Cell(f"{trial.name}, frame {int(trial.take.numbers[row])}: {kind}", pictures))
    draw_sheet(path, columns, cells)


def _window(trial: Trial, row: int) -> tuple[slice, slice]:
    """A square round the mouth region."""
    down, across = trial.box(row)
    middle = (down.start + down.stop) // 2, (across.start + across.stop) // 2
    half = int(trial.crop_size * _SHEET_SIDE) // 2
    high, wide = trial.frames.shape[1:3]
    top, left = (min(max(m - half, 0), n - 2 * half) for m, n in zip(middle, (high, wide), strict=True))
    return slice(top, top + 2 * half), slice(left, left + 2 * half)


def make_painters(stage: Stage, renderer: Path | None, no_memory: Path | None) -> dict[str, Painter]:
    """All painters that are compared.

    Raises:
        ActorError, ModelError: a file is missing, damaged, or of another actor.
    """
    base = stage.painter(renderer)
    painters = {OURS: base}
    if no_memory is not None:
        painters[NO_MEMORY] = swapped(base, load_renderer(no_memory, base.bank, threads=THREADS))
    painters[NEAREST] = swapped(base, Nearest(warped=False))
    painters[WARPED] = swapped(base, Nearest(warped=True))
    painters[MEAN] = swapped(base, MeanOfNearest())
    painters[CEILING] = itself(base)
    return painters


def grid_words(folder: Path) -> Callable[[str], list[tuple[float, float, str]]]:
    """Word times of GRID's clips, of the folder `align` beside their videos; none where it is not there."""

    def words(name: str) -> list[tuple[float, float, str]]:
        file = folder / f"{name}.align"
        if not file.is_file():
            return []
        rows = [line.split() for line in file.read_text("utf-8").splitlines()]
        return [(int(start) / 25_000, int(end) / 25_000, word) for start, end, word in rows]

    return words


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="soliloquy.models.evaluate_renderer", description=__doc__.split("\n")[0]
    )
    add_stage_arguments(made)
    made.add_argument("--align", type=Path, help="folder of word times NAME.align (default: ../align)")
    made.add_argument("--face-model", help="of MediaPipe; without it lips are not tracked again")
    made.add_argument("--sheet", type=Path, help="PNG to draw")
    made.add_argument("--json", type=Path, help="file for every number")
    return made


def main(argv: list[str] | None = None) -> int:
    """Print the tables; 1 where a target is missed, 2 where the input is at fault."""
    arguments = parser().parse_args(argv)
    try:
        return _run(arguments)
    except SoliloquyError as error:
        print(f"evaluate_renderer: {error}", file=sys.stderr)
        return 2


def _run(arguments: argparse.Namespace) -> int:
    names = clip_names(arguments.clips)
    stage = Stage(open_actor(arguments.actor), tuple(arguments.plates))
    painters = make_painters(stage, arguments.renderer, arguments.no_memory)
    with contextlib.ExitStack() as stack:
        model = arguments.face_model
        tracker = stack.enter_context(Tracker(face_model_path(model))) if model else None
        report = judge(stage, painters, names, tracker, lambda line: print(line, file=sys.stderr, flush=True))
    print(f"{len(names)} held-out clips, {report.left_out} frames without a usable mouth left out\n")
    print(f"{target_table(report)}\n\n{comparison_table(report)}")
    if arguments.sheet:
        places = arguments.align or (arguments.plates[0].parent / "align" if arguments.plates else Path())
        sheet(stage, painters, names, grid_words(places), arguments.sheet)
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(report), indent=1), "utf-8")
    return 0 if all(row.passes(row.measured) for row in targets(report)) else 1


if __name__ == "__main__":
    sys.exit(main())
