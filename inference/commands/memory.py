"""`soliloquy memory plot SOUND --out memory.png`: look into the memory of the speech model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import OK, REFUSED, SOME_FAILED
from ..errors import SoliloquyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..console import Console
    from ..formats.cue import Cue
    from ..memory_study import MemoryStudy

_PLOT = """Draw when the slots of the implicit memory answer, to which phones, and with which lips.
The statistics are over all sounds together; the picture against time shows the first one.
Without SOUND the embedded sample is heard."""
_SAMPLE = Path(__file__).resolve().parents[2] / "blender_addon" / "assets" / "sample.flac"
_SAMPLE_CUES = _SAMPLE.with_name("sample.phones.tsv")


def add(commands: Any) -> None:
    """Declare the command and its sub-commands."""
    parser = commands.add_parser("memory", help="look into the memory of the speech model")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_plot(actions)


def _add_plot(actions: Any) -> None:
    parser = actions.add_parser("plot", help="draw what the implicit memory has learnt", description=_PLOT)
    parser.set_defaults(run=plot, json=False)
    parser.add_argument(
        "inputs", nargs="*", type=Path, metavar="SOUND", help="sound files, or folders of them"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("memory.png"), metavar="FILE", help="the picture: png, svg or pdf"
    )
    parser.add_argument("--table", type=Path, metavar="FILE", help="the table of slots, as TSV")
    parser.add_argument("--cues", type=Path, metavar="FILE", help="phone times of the first sound")
    parser.add_argument("--model", type=Path, metavar="FILE", help="another weight file")
    parser.add_argument("--quiet", action="store_true", help="print errors only")


def plot(arguments: argparse.Namespace, console: Console) -> int:
    """Listen to every sound, then write the picture and the table and print the table."""
    from ..memory_plot import PICTURE_SUFFIXES, save_picture
    from ..memory_study import MemoryStudy, summary_text, table_rows, write_table
    from ..session import load_speech_model

    if arguments.out.suffix.lower() not in PICTURE_SUFFIXES:
        raise UsageError(f"'{arguments.out}' is no picture", f"Name it with {', '.join(PICTURE_SUFFIXES)}")
    sources = _sources(arguments.inputs)
    cues = _cues(arguments)
    study = MemoryStudy(load_speech_model(arguments.model))
    failures = _listen(study, sources, console)
    if failures == len(sources):
        return REFUSED
    findings = study.findings()
    save_picture(arguments.out, findings, study.excerpt(), study.card, cues)
    if arguments.table:
        write_table(arguments.table, findings)
    if not arguments.quiet:
        _print(table_rows(findings))
        print(f"\n{summary_text(findings)}\n-> {arguments.out}", flush=True)
    return SOME_FAILED if failures else OK


def _sources(inputs: Sequence[Path]) -> list[Path]:
    from ..jobs import sound_files

    if inputs:
        return sound_files(inputs)
    if not _SAMPLE.is_file():
        raise UsageError("The embedded sample is not part of this installation", "Give a sound file")
    return [_SAMPLE]


def _cues(arguments: argparse.Namespace) -> list[Cue] | None:
    from ..formats.cues import read_cues

    path = arguments.cues or (None if arguments.inputs else _SAMPLE_CUES)
    return read_cues(path) if path else None


def _listen(study: MemoryStudy, sources: Sequence[Path], console: Console) -> int:
    """Hear every source that can be read; returns how many cannot."""
    from ..audio import open_audio

    failures = 0
    for source in sources:
        try:
            with open_audio(source) as reader:
                study.hear(source.name, reader.blocks())
        except SoliloquyError as error:
            console.failed(source, error)
            failures += 1
    return failures


def _print(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
