"""How time and memory grow with the length of a sound, the number of lines, and the number of workers."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from measure import Cell, Table, run_program, soliloquy, write_lines, write_sound
from soliloquy.inference.commands.batch import cores

if TYPE_CHECKING:
    from pathlib import Path

_LINE_S = 4.0
_GOAL_LINES, _GOAL_WORKERS, _GOAL_S = 500, 2, 15.0


def tables(folder: Path, *, quick: bool) -> list[Table]:
    """Both."""
    lengths = (1.0, 10.0) if quick else (1.0, 10.0, 60.0, 180.0)
    counts = (1, 10, 100) if quick else (1, 10, 100, _GOAL_LINES)
    return [of_lengths(folder, lengths), of_lines(folder, counts)]


def of_lengths(folder: Path, minutes: tuple[float, ...]) -> Table:
    """One file of so many minutes."""
    rows: list[tuple[Cell, ...]] = []
    for length in minutes:
        wav = write_sound(folder / "long.wav", 60.0 * length)
        out = folder / "long.csv"
        used = run_program(soliloquy("animate", wav, "--out", out, "--quiet"))
        megabytes = out.stat().st_size / 2**20
        rows.append(
            (f"{length:g} min", used.wall_s, 1e3 * used.cpu_s / (60.0 * length), used.peak_mb, megabytes)
        )
        wav.unlink()
        out.unlink()
    return Table(
        "One file, by its length (`soliloquy animate`, start-up included)",
        ("length", "wall s", "CPU ms / s", "MB at most", "MB written"),
        rows,
        "Goal: <= 300 MB, however long. Sounds of up to twenty minutes are decoded once and kept.",
    )


def of_lines(folder: Path, counts: tuple[int, ...]) -> Table:
    """A list of so many lines."""
    rows: list[tuple[Cell, ...]] = []
    workers = sorted({1, min(_GOAL_WORKERS, cores()), cores()})
    for count in counts:
        shots = write_lines(folder / "lines", count, _LINE_S)
        for number in workers:
            out = folder / "lines_out"
            used = run_program(soliloquy("batch", shots, "--out", out, "--workers", number, "--quiet"))
            goal = ""
            if (count, number) == (_GOAL_LINES, _GOAL_WORKERS):
                goal = f"<= {_GOAL_S:g} {'(met)' if used.wall_s <= _GOAL_S else '**(missed)**'}"
            faster = count * _LINE_S / used.wall_s
            rows.append((count, number, used.wall_s, goal, used.cpu_s, faster, used.peak_mb))
            shutil.rmtree(out)
    again = folder / "again"
    command = soliloquy("batch", shots, "--out", again, "--quiet")
    run_program(command)
    used = run_program(command)
    rows.append((f"{counts[-1]}, all unchanged", cores(), used.wall_s, "", used.cpu_s, None, used.peak_mb))
    return Table(
        f"Lines of {_LINE_S:g} s, by their number and by workers (`soliloquy batch`, start-up included)",
        ("lines", "workers", "wall s", "goal", "CPU s", "s of speech a second", "MB, largest process"),
        rows,
    )
