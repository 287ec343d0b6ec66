"""What the benches share: tables, sounds, and time and memory of a piece of work or of a program.

CPU time is what a busy machine stretches least, and a ratio to work of the same run less than that.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from soliloquy.inference.commands.batch import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parents[1] / "blender_addon" / "assets" / "sample.flac"
RATE_HZ = 16_000
REPEATS = 3
_MINUTE_S = 60.0

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """One table of the report; cells are texts, numbers, or None for nothing."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    note: str = ""
    """Paragraphs below it, in Markdown."""


@dataclass(frozen=True)
class Row:
    """One line of the usual table: a value, how many yardsticks that is, and what it is to be."""

    what: str
    value: float
    unit: str
    yardsticks: float | None = None
    goal: str = ""
    """"<= 300" or ">= 20"."""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if not self.goal:
            return None
        sign, bound = self.goal.split()
        return self.value <= float(bound) if sign == "<=" else self.value >= float(bound)


def usual(title: str, rows: Sequence[Row], note: str = "") -> Table:
    """A table of `Row`s, without the columns that none of them fills."""
    columns = ["what", "value", "unit", "x yardstick", "goal"]
    cells: list[list[Cell]] = []
    for row in rows:
        goal = f"{row.goal} {'(met)' if row.met else '**(missed)**'}" if row.goal else None
        cells.append([row.what, row.value, row.unit, row.yardsticks, goal])
    for i in reversed(range(len(columns))):
        if all(row[i] is None for row in cells):
            for row in (columns, *cells):
                del row[i]
    return Table(title, tuple(columns), [tuple(row) for row in cells], note)


def markdown(tables: Sequence[Table], section: str = "") -> str:
    """Tables with their notes, and their titles where the section's does not say the same."""
    parts = []
    for table in tables:
        numbers = [
            any(isinstance(row[i], int | float) for row in table.rows) for i in range(len(table.columns))
        ]
        lines = [] if table.title == section else [f"### {table.title}", ""]
        lines.append(f"| {' | '.join(table.columns)} |")
        lines.append("|" + "|".join("---:" if number else "---" for number in numbers) + "|")
        lines += [f"| {' | '.join(map(_shown, row))} |" for row in table.rows]
        parts.append("\n".join([*lines, "", table.note] if table.note else lines))
    return "\n\n".join(parts) + "\n"


def as_json(tables: Sequence[Table]) -> list[dict[str, object]]:
    """The same for machines: a list of tables, whose rows are objects."""
    return [
        {
            "title": table.title,
            "note": table.note,
            "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows],
        }
        for table in tables
    ]


def tell(tables: Sequence[Table], file: Path | None) -> None:
    """Print tables, and write them as JSON where a file is given."""
    print(markdown(tables))
    if file is not None:
        file.write_text(json.dumps(as_json(tables), indent=1) + "\n", encoding="utf-8")


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return str(cell)


def machine() -> Table:
    """What the numbers were measured on."""
    import onnxruntime
    from soliloquy.inference.version import version

    rows: list[tuple[Cell, ...]] = [
        ("processor", f"{_processor()}, {cores()} cores"),
        ("memory", _memory()),
        ("system", f"{platform.system()}, {platform.machine()}"),
        (
            "Python, numpy, onnxruntime",
            f"{platform.python_version()}, {np.__version__}, {onnxruntime.__version__}",
        ),
        ("Soliloquy", version()),
    ]
    if hasattr(os, "getloadavg"):
        rows.append(
            ("other work on the machine at the start", f"{os.getloadavg()[0]:.1f} programs at a time")
        )
    return Table("Machine", ("what", "value"), rows)


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    if not listed.exists():
        return platform.processor() or "unknown"
    facts = dict(
        line.split(":", 1) for line in listed.read_text(encoding="utf-8").splitlines() if ":" in line
    )
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    family = (
        f" (family {facts.get('cpu family')}, model {facts.get('model')})" if "cpu family" in facts else ""
    )
    vectors = next(
        (name for name in ("avx512f", "avx2", "avx") if name in facts.get("flags", "").split()), ""
    )
    return f"{facts.get('model name', platform.processor())}{family}{', ' + vectors if vectors else ''}"


def _memory() -> str:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return "unknown"
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GB"


def cpu_s(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """CPU seconds of one call: the least of several, after one that does not count."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def wall_s(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Seconds of one call on the clock: the least of several."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def log_spectrum(samples: np.ndarray) -> np.ndarray:
    """The yardstick: the log spectrum of a sound in numpy, 25 ms frames every 10 ms."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160] * np.hanning(400).astype(
        np.float32
    )
    return np.log10(np.square(np.abs(np.fft.rfft(frames))) + 1e-10)


def yardstick_s() -> float:
    """CPU seconds of the yardstick for a second of sound."""
    samples = speech(_MINUTE_S)
    return cpu_s(lambda: [log_spectrum(part) for part in np.split(samples, 3)]) / _MINUTE_S


def speech(duration_s: float) -> np.ndarray:
    """float32 [N] at 16 kHz: the shipped sample again and again."""
    sample, rate_hz = soundfile.read(SAMPLE, dtype="float32")
    if rate_hz != RATE_HZ:
        raise RuntimeError(f"{SAMPLE} is at {rate_hz} Hz")
    return np.resize(sample, int(duration_s * RATE_HZ))


def write_sound(path: Path, duration_s: float, rate_hz: int = RATE_HZ, channels: int = 1) -> Path:
    """A wav file of speech of any length, written minute by minute; at another rate it is out of tune."""
    minute = np.repeat(speech(_MINUTE_S * rate_hz / RATE_HZ)[:, None], channels, axis=1)
    with soundfile.SoundFile(path, "w", rate_hz, channels, "PCM_16") as stream:
        left = int(duration_s * rate_hz)
        while left > 0:
            stream.write(minute[:left])
            left -= len(minute)
    return path


def write_lines(folder: Path, count: int, duration_s: float) -> Path:
    """A list of shots, and the sounds of its lines: pieces of the sample, each from another place."""
    folder.mkdir(parents=True, exist_ok=True)
    sample = speech(11.0)
    for row in range(count):
        samples = np.resize(np.roll(sample, -4567 * row), int(duration_s * RATE_HZ))
        soundfile.write(folder / f"{row:04}.wav", samples, RATE_HZ)
    shots = folder / "shots.csv"
    shots.write_text("audio\n" + "".join(f"{row:04}.wav\n" for row in range(count)), encoding="utf-8")
    return shots


@dataclass(frozen=True)
class Used:
    """What a program took; `cpu_s` and `peak_mb` with the programs that it started (the largest of them)."""

    wall_s: float
    cpu_s: float
    peak_mb: float


_LAUNCHER = """
import json, os, sys, time
start = time.perf_counter()
quiet = os.open(os.devnull, os.O_WRONLY)
actions = [(os.POSIX_SPAWN_DUP2, quiet, 1)]
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(process, 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps([code, time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
"""
"""A process counts the memory of the one that started it as its own: a small one has to."""


def run_program(command: Sequence[str]) -> Used:
    """Run a program to its end, without its stdout. Posix only.

    Args:
        command: the program's path, and its arguments.

    Raises:
        RuntimeError: it failed.
    """
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    done = subprocess.run(launcher, capture_output=True, text=True, check=True)
    code, taken_s, spent_s, peak = json.loads(done.stdout)
    if code != 0:
        lines = done.stderr.strip().splitlines()
        raise RuntimeError(f"{command} ended with {code}: {lines[-1] if lines else ''}")
    return Used(taken_s, spent_s, peak / (2**20 if sys.platform == "darwin" else 2**10))


def soliloquy(*arguments: str | Path) -> list[str]:
    """The command line of a command of Soliloquy."""
    return [sys.executable, "-m", "soliloquy", *map(str, arguments)]


def first_line_s(command: Sequence[str], wanted: str = "", repeats: int = REPEATS) -> float:
    """Seconds on the clock from the start of a program to its first line (that holds `wanted`): the median of
    several."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        with subprocess.Popen(
            list(command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            if not any(wanted in line for line in process.stdout):
                raise RuntimeError(f"{command} did not print '{wanted}'")
            taken.append(time.perf_counter() - start)
            process.stdout.close()
            process.terminate()
    return statistics.median(taken)


def resident_mb(pid: int | str = "self") -> float:
    """Memory that a process holds now. Linux only."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def children(pid: int) -> list[int]:
    """Processes that a process has started and that still run. Linux only."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(place.parent.name))
    return found


def can_watch_memory() -> bool:
    """Whether `resident_mb` works here."""
    return Path("/proc/self/statm").exists()


def growth(times: Sequence[float], values: Sequence[float]) -> float:
    """How much is added per unit of time over the second half: the median of all slopes between two points
    (Theil and Sen), which single steps of an allocator do not move."""
    half = len(times) // 2
    x, y = np.array(times[half:]), np.array(values[half:])
    first, second = np.triu_indices(len(x), 1)
    return float(np.median((y[second] - y[first]) / (x[second] - x[first])))
