"""All benches that are possible on this machine, as tables.

    python tests/bench/run.py [--quick] [--only stages,scaling] [--json FILE] [--markdown FILE]

Sections, each a module beside this one with `tables(folder, quick=...)`:

    stages     what a second of speech costs, by stage and as a program, beside Rhubarb if it is on the PATH
    startup    imports, models, first results
    scaling    a file of 1 minute to 3 hours; 1 to 500 lines on 1 to N workers
    growth     memory over 24 hours of speech, and over 5000 rows of a batch
    blender    switching the add-on on, keying, a slider, rendering (where this Python has bpy)
    roofline   the models beside what the processor can do
    engines    Ray beside the local pool (where this Python has ray)

`measure.py` holds what they share, `endless.py` the day of speech, `in_blender.py` what runs inside Blender.
Programs of their own: `kills.py` (batches that are killed), `thinning.py` (keys, and how far off they are),
`actor_*.py` (the photoreal pass; they need an actor or a plate).

docs/BENCHMARKS.md is what this prints on a quiet machine.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: it reads this once

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from pathlib import Path

from measure import Table, as_json, machine, markdown

SECTIONS = {
    "stages": "Cost",
    "startup": "Start-up",
    "scaling": "Scaling",
    "growth": "Memory over time",
    "blender": "Inside Blender",
    "roofline": "How far from the processor's limit",
    "engines": "Engines of a batch",
}
_INTRO = """# Benchmarks

Printed by `python tests/bench/run.py{quick}` in {minutes:.0f} minutes. Machines differ, and other programs
disturb: read ratios to the yardstick of the same run rather than seconds. "CPU" is the time that
processors spent, "wall" the time on the clock.
"""


def main() -> int:
    """Measure, print, and write files if asked to; 1 where a section failed."""
    parser = argparse.ArgumentParser(description="Speed and memory of Soliloquy, as tables.")
    parser.add_argument("--quick", action="store_true", help="shorter sounds and lists: under three minutes")
    parser.add_argument("--only", metavar="NAMES", help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the tables for machines")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write what is printed")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else [*filter(_is_possible, SECTIONS)]
    if unknown := set(chosen) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}")
    started = time.monotonic()
    measured, failed = {"machine": [machine()]}, False
    for name in chosen:
        measured[name], worked = _section(name, quick=arguments.quick)
        failed |= not worked
        minutes = (time.monotonic() - started) / 60.0
        text = _report(measured, minutes, quick=arguments.quick)
        if arguments.markdown:  # section by section: whoever stops it keeps what there is
            arguments.markdown.write_text(text, encoding="utf-8")
        if arguments.json:
            values = {name: as_json(tables) for name, tables in measured.items()}
            arguments.json.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    print(text)
    return int(failed)


def _report(measured: dict[str, list[Table]], minutes: float, *, quick: bool) -> str:
    titles = {name: SECTIONS.get(name, "Machine") for name in measured}
    parts = [f"## {titles[name]}\n\n{markdown(tables, titles[name])}" for name, tables in measured.items()]
    return "\n".join([_INTRO.format(quick=" --quick" if quick else "", minutes=minutes), *parts])


def _is_possible(name: str) -> bool:
    return name != "engines" or importlib.util.find_spec("ray") is not None


def _section(name: str, *, quick: bool) -> tuple[list[Table], bool]:
    """The tables of a section, and whether it worked: one that fails does not lose the others."""
    print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            tables, worked = importlib.import_module(name).tables(Path(folder), quick=quick), True
    except Exception as error:
        tables, worked = [Table(name, ("failed",), [(f"{type(error).__name__}: {error}",)])], False
    print(f"{time.monotonic() - started:.0f} s{'' if worked else ', failed'}", file=sys.stderr, flush=True)
    return tables, worked


if __name__ == "__main__":
    sys.exit(main())
