"""What lipbench says of a system, set by set, beside the best peer and what is asked of it.

    python -m soliloquy.models.lipbench_report --run                        # this checkout's shipped weights
    python -m soliloquy.models.lipbench_report --run --model candidate.onnx
    python -m soliloquy.models.lipbench_report --results mine.json other.json

lipbench lies outside the repository; it is loaded from its own file and none of its measures is repeated
here. Its result files keep every unit (a clip, or ten seconds of a long one), so that means over speakers can
be taken too: in `grid_unseen` ten of twelve clips are of one person, who would else decide alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

LIPBENCH = Path(__file__).resolve().parents[2] / "shared" / "lipbench" / "lipbench.py"
Result = dict[str, Any]
"""What lipbench's `score`, `run` and `table` write as JSON about one system."""


@dataclass(frozen=True)
class Measure:
    """One row of the report: a metric of lipbench, and when it is good enough."""

    title: str
    key: str
    statistic: str = "mean"
    digits: int = 2
    above_peers: bool = False
    within: tuple[float, float] | None = None

    def wanted(self) -> str:
        """What is asked for, in words."""
        if self.above_peers:
            return "above every peer"
        if self.within is None:
            return ""
        low, high = self.within
        return f"<= {high:g}" if low == 0.0 else f"{low:g} .. {high:g}"


MEASURES = (
    Measure("sync", "sync", digits=1),
    Measure("aperture r in speech", "aperture_r_speech", above_peers=True),
    Measure("shape r", "shape_r", above_peers=True),
    Measure("closure F1", "closure_f1", above_peers=True),
    Measure("lag, median, ms", "best_lag_ms", "median", 0, within=(-20.0, 20.0)),
    Measure("std ratio", "std_ratio", within=(0.7, 1.3)),
    Measure("acceleration ratio", "accel_ratio", within=(0.6, 1.5)),
    Measure("movement in silence, mm", "silence_mm", within=(0.0, 1.2)),
)


def load_lipbench(path: Path) -> ModuleType:
    """The benchmark, as a module from its file (or the folder that holds it)."""
    file = path / "lipbench.py" if path.is_dir() else path
    spec = importlib.util.spec_from_file_location("lipbench", file)
    if spec is None or spec.loader is None or not file.is_file():
        sys.exit(f"There is no lipbench at {file}. Give its place with --lipbench.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def value(result: Result, set_name: str, measure: Measure) -> float | None:
    """One number of one set, or None where the set does not have it."""
    found = result["sets"].get(set_name)
    if found is None:
        return None
    if measure.key == "sync":
        return float(found["sync"])
    if measure.key == "closure_f1":
        return float(found["closure"]["f1"]) if "closure" in found else None
    metric = found["metrics"].get(measure.key)
    return None if metric is None else float(metric[measure.statistic])


def interval(result: Result, set_name: str, measure: Measure) -> str:
    """lipbench's 95 % interval, as text; empty where it gives none (closures, medians)."""
    found = result["sets"][set_name]
    if measure.key == "sync":
        low, high = found.get("sync_ci", [None, None])
    elif measure.statistic == "mean" and measure.key in found["metrics"]:
        low, high = found["metrics"][measure.key]["ci"]
    else:
        return ""
    return "" if low is None else f" [{low:.{measure.digits}f}, {high:.{measure.digits}f}]"


def over_speakers(
    result: Result, set_name: str, measure: Measure, speaker_of: dict[str, tuple[str, str]], bench: ModuleType
) -> float | None:
    """The mean of the speakers' means (for medians too); None for closures, which are too few per speaker.

    For `sync` its opening and shape are averaged over speakers; chance levels, the amplitude factor and
    closures stay the set's own.

    Args:
        speaker_of: set and speaker of every clip.
    """
    if measure.key == "closure_f1":
        return None
    if measure.key != "sync":
        return _speaker_mean(result, set_name, measure.key, speaker_of)
    found, parts = result["sets"][set_name], []
    for key in ("aperture_r_speech", "shape_r"):
        mean = _speaker_mean(result, set_name, key, speaker_of)
        if mean is None:
            return None
        parts.append(bench.chance(mean, found["shuffled"].get(key, 0.0)))
    parts[0] *= found["amplitude_factor"]
    if "closure" in found:
        parts.append(found["closure"]["f1_over_chance"])
    return 100.0 * float(np.mean(parts))


def _speaker_mean(
    result: Result, set_name: str, key: str, speaker_of: dict[str, tuple[str, str]]
) -> float | None:
    by_speaker: dict[str, list[float]] = {}
    for clip, units in result["clips"].items():
        if speaker_of[clip][0] == set_name:
            values = [unit[key] for unit in units if np.isfinite(unit.get(key, np.nan))]
            by_speaker.setdefault(speaker_of[clip][1], []).extend(values)
    means = [np.mean(values) for values in by_speaker.values() if values]
    return float(np.mean(means)) if means else None


def verdict(measure: Measure, mine: float | None, peers: Iterable[float]) -> str:
    """yes or no; empty where nothing is asked or nothing was measured."""
    best = max(peers, default=None)
    if mine is None:
        return ""
    if measure.above_peers:
        return "" if best is None else ("yes" if mine > best else "**no**")
    if measure.within is not None:
        return "yes" if measure.within[0] <= mine <= measure.within[1] else "**no**"
    return ""


def report(
    result: Result, peers: list[Result], speaker_of: dict[str, tuple[str, str]], bench: ModuleType
) -> str:
    """Markdown: a table per set of one system."""
    lines = [f"## {result['system']}: sync score {result['sync_score']}"]
    for name, found in result["sets"].items():
        lines += [
            "",
            f"### {name}: {found['n_units']} units of {found['n_speakers']} speakers",
            "",
            "| measure | value [95 % CI] | mean over speakers | best peer | wanted | holds |",
            "|---|---|---|---|---|---|",
        ]
        for measure in MEASURES:
            mine = value(result, name, measure)
            if mine is None:
                continue
            spread = over_speakers(result, name, measure, speaker_of, bench)
            rivals = {p["system"]: v for p in peers if (v := value(p, name, measure)) is not None}
            best = _best(measure, rivals)
            cells = (
                measure.title,
                f"{mine:.{measure.digits}f}{interval(result, name, measure)}",
                "-" if spread is None else f"{spread:.{measure.digits}f}",
                "-" if best is None else f"{rivals[best]:.{measure.digits}f} ({best})",
                measure.wanted(),
                verdict(measure, mine, rivals.values()),
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _best(measure: Measure, rivals: dict[str, float]) -> str | None:
    """The highest peer; where a range is asked for, the one nearest to its ideal (0, for ratios 1)."""
    if not rivals:
        return None
    if measure.within is None:
        return max(rivals, key=lambda name: rivals[name])
    ideal = 1.0 if measure.within[0] > 0.0 else 0.0
    return min(rivals, key=lambda name: abs(rivals[name] - ideal))


def run_bench(lipbench: Path, model: Path | None, name: str) -> Result:
    """Let lipbench run this program on all of its clips."""
    command = f"{shlex.quote(sys.executable)} -m soliloquy animate {{in_dir}} --out {{out_dir}} --quiet"
    if model is not None:
        command += f" --model {shlex.quote(str(model.resolve()))}"
    file = lipbench / "lipbench.py" if lipbench.is_dir() else lipbench
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "result.json"
        arguments = ["run", "--batch-cmd", command, "--name", name, "--json", str(out)]
        subprocess.run([sys.executable, str(file), *arguments], check=True, stdout=subprocess.DEVNULL)
        return dict(json.loads(out.read_text("utf-8")))


def _read(files: Iterable[Path]) -> list[Result]:
    results: list[Result] = []
    for file in files:
        content = json.loads(file.read_text("utf-8"))
        results += content if isinstance(content, list) else [content]
    return results


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", nargs="*", type=Path, default=[], help="JSON files of lipbench")
    parser.add_argument("--run", action="store_true", help="run lipbench on this program first")
    parser.add_argument("--model", type=Path, help="weight file for --run")
    parser.add_argument("--name", default="soliloquy", help="name of the result of --run")
    parser.add_argument("--lipbench", type=Path, default=LIPBENCH, help="its file or folder")
    parser.add_argument("--peers", type=Path, help="folder of NAME/*.csv (default: beside lipbench)")
    parser.add_argument(
        "--peers-json", type=Path, help="keep the peers' results here, and use them next time"
    )
    parser.add_argument("--save", type=Path, help="write the result of --run here")
    options = parser.parse_args()
    bench = load_lipbench(options.lipbench)
    clips = bench.load_clips(str(Path(bench.__file__).parent / "clips"))
    results = _read(options.results)
    if options.run:
        ran = run_bench(options.lipbench, options.model, options.name)
        if options.save:
            options.save.write_text(json.dumps(ran, indent=1), "utf-8")
        results.append(ran)
    if not results:
        parser.error("give --run or --results")
    peers = _peers(bench, clips, options.peers or Path(bench.__file__).parent / "peers", options.peers_json)
    speaker_of = {clip.name: (clip.set, clip.speaker) for clip in clips}
    print("\n\n".join(report(result, peers, speaker_of, bench) for result in results))


def _peers(bench: ModuleType, clips: list[Any], folder: Path, kept: Path | None) -> list[Result]:
    if kept is not None and kept.is_file():
        return _read([kept])
    folders = sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
    results = [bench.evaluate(clips, bench.load_preds(str(p), clips), p.name) for p in folders]
    if kept is not None:
        kept.write_text(json.dumps(results), "utf-8")
    return results


if __name__ == "__main__":
    main()
