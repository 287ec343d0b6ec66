"""Memory over time: a day of speech in one go, and a worker of a batch over thousands of rows."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from measure import HERE, Cell, Table, can_watch_memory, children, growth, resident_mb, soliloquy, write_lines

if TYPE_CHECKING:
    from pathlib import Path

_LINES = 50
"""Sounds that the rows of the worker share."""
_LINE_S = 4.0
_LOOKS = 50
_SHOWN = 12


def tables(folder: Path, *, quick: bool) -> list[Table]:
    """Both; nothing where a process's memory cannot be watched."""
    if not can_watch_memory():
        return [Table("Memory over time", ("not measured",), [("this system does not tell it",)])]
    hours = 2.0 if quick else 24.0
    command = [sys.executable, str(HERE / "endless.py"), "--hours", str(hours), "--trim"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True
    ) as endless:  # memory does not mind company
        rows = worker(folder, 200 if quick else 5000)
        told, _ = endless.communicate()
    if endless.returncode != 0:
        raise RuntimeError(f"{command} ended with {endless.returncode}")
    return [day(hours, [json.loads(line) for line in told.splitlines()]), rows]


def day(hours: float, looks: list[dict[str, float]]) -> Table:
    """Hours of speech through `soliloquy animate`, from what `endless.py` printed."""
    performed = [look for look in looks if look["pass"] == 2]
    at, held = [look["hours"] for look in performed], [look["mb"] for look in performed]
    rows: list[tuple[Cell, ...]] = [
        (look["hours"], look["mb"]) for look in performed[:: max(1, len(performed) // _SHOWN)]
    ]
    surveyed = max(look["mb"] for look in looks if look["pass"] == 1)
    note = (
        f"The first pass, which only measures the sound, held {surveyed:.0f} MB at most, the second "
        f"{max(held):.0f} MB (goal: <= 300); what was free was given back before every look. Over its second "
        f"half the second pass grew by **{growth(at, held):.3f} MB per hour of sound**.\n\n{_plot(at, held)}"
    )
    return Table(
        f"Memory over {hours:g} hours of speech in one file (simulated by repetition)",
        ("hours of sound performed", "MB held"),
        rows,
        note,
    )


def _plot(hours: list[float], held: list[float]) -> str:
    every = -(-len(hours) // 24)
    values = ", ".join(f"{value:.1f}" for value in held[::every])
    return (
        "```mermaid\nxychart-beta\n"
        f'    x-axis "hours of sound" 0 --> {hours[-1]:.0f}\n'
        f'    y-axis "MB" 0 --> 300\n    line [{values}]\n```'
    )


def worker(folder: Path, count: int) -> Table:
    """A batch with one worker, row after row: the worker and the program that directs it."""
    shots = write_lines(folder / "rows", _LINES, _LINE_S)
    listed = "".join(f"{row % _LINES:04}.wav,{row:05}.csv\n" for row in range(count))
    shots.write_text("audio,out\n" + listed, encoding="utf-8")
    looks = _watched(soliloquy("batch", shots, "--out", folder / "rows_out", "--workers", 1, "--json"), count)
    rows, directs, works = (list(values) for values in zip(*looks, strict=True))
    note = (
        f"{count} lines of {_LINE_S:g} s. Over the second half the worker grew by "
        f"**{1000.0 * growth(rows, works):.3f} MB per 1000 rows**, the program that directs it by "
        f"{1000.0 * growth(rows, directs):.3f} MB."
    )
    shown: list[tuple[Cell, ...]] = [*looks[:: max(1, len(looks) // _SHOWN)]]
    return Table("Memory of a batch over its rows", ("rows done", "MB, directing", "MB, worker"), shown, note)


def _watched(command: list[str], count: int) -> list[tuple[int, float, float]]:
    """Rows done, and memory of a batch and of its one worker then."""
    looks: list[tuple[int, float, float]] = []
    done = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"event": "row"' not in line:
                continue
            done += 1
            if done % max(1, count // _LOOKS) == 0 and done < count:
                looks.append((done, resident_mb(process.pid), sum(map(resident_mb, children(process.pid)))))
    if process.returncode != 0 or done != count:
        raise RuntimeError(f"{done} of {count} rows, exit code {process.returncode}")
    return looks
