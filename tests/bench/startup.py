"""How long until the first result: imports, models, commands, a batch."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from measure import Row, Table, first_line_s, run_program, soliloquy, usual, write_lines, write_sound

if TYPE_CHECKING:
    from pathlib import Path

_IMPORTS = "import numpy, onnxruntime"
_MODELS = """
from soliloquy.inference.session import load_speech_model
from soliloquy.inference.performance.perform import load_performance_models
load_speech_model(), load_performance_models()
"""


def tables(folder: Path, *, quick: bool) -> list[Table]:
    """One table."""
    repeats = 2 if quick else 5
    wav, shots = write_sound(folder / "line.wav", 3.0), write_lines(folder / "lines", 4, 4.0)

    def program_s(code: str) -> float:
        return first_line_s([sys.executable, "-c", f"{code}\nprint('ready')"], "ready", repeats)

    def batch_s() -> float:
        out = folder / f"out{len(list(folder.glob('out*')))}"  # a new one: nothing is unchanged
        command = soliloquy("batch", shots, "--out", out, "--json")
        return first_line_s(command, '"done"', 1)

    program_s(_IMPORTS)  # does not count: files come from the disk
    imports_s = program_s(_IMPORTS)
    animate = run_program(soliloquy("animate", wav, "--out", folder / "line.csv", "--quiet"))
    fast_s = first_line_s(soliloquy("live", wav, "--fast"), "", repeats)
    times = [
        ("import numpy and onnxruntime", imports_s, ""),
        ("import and open all models", program_s(_MODELS), ""),
        ("soliloquy --version", first_line_s(soliloquy("--version"), "", repeats), ""),
        ("soliloquy animate, 3 s of speech, to its end", animate.wall_s, ""),
        ("soliloquy batch: first row of the list done", min(batch_s() for _ in range(repeats)), ""),
        (
            "soliloquy live --fast: first row of a file",
            fast_s,
            "",
        ),
        (
            "soliloquy live: first row, 0.2 s of sound included",
            first_line_s(soliloquy("live", wav), "", repeats),
            "<= 1",
        ),
    ]
    rows = [Row(what, taken_s, "s", taken_s / imports_s, goal) for what, taken_s, goal in times]
    return [
        usual(
            "Start-up",
            [*rows, Row("soliloquy live --fast: times the imports", fast_s / imports_s, "x", goal="<= 3")],
            "Seconds on the clock from the start of the program; the yardstick is importing numpy and "
            "onnxruntime in a program of its own.",
        )
    ]
