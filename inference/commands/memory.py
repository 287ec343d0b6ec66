"""`soliloquy memory plot|build|show`: what the speech model remembers, and what an actor's memory holds.

`plot SOUND` draws the implicit memory of the speech model; `build ACTOR` makes the explicit memory of a
captured actor from its plates, `show ACTOR` tells what that covers.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import OK, REFUSED, SOME_FAILED
from ..errors import SoliloquyError, UsageError
from . import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..actor.memory.sheet import Survey
    from ..actor.types import MemoryBank
    from ..console import Console
    from ..formats.cue import Cue
    from ..memory_study import MemoryStudy

_PLOT = """Draw when the slots of the implicit memory answer, to which phones, and with which lips.
The statistics are over all sounds together; the picture against time shows the first one.
Without SOUND the embedded sample is heard."""
_BUILD = """Read the plates of an actor once more and keep the patches that cover what the mouth did.
Gaps, blurred and broken frames are left out. The renderer is trained for one memory: train it again after."""
_SHOW = (
    """Tell what an actor's memory covers and what was not seen, and draw the patches by the mouth's shape."""
)
_SAMPLE = Path(__file__).resolve().parents[2] / "blender_addon" / "assets" / "sample.flac"
_SAMPLE_CUES = _SAMPLE.with_name("sample.phones.tsv")


def add(commands: Any) -> None:
    """Declare the command and its sub-commands."""
    parser = commands.add_parser("memory", help="an actor's memory, and that of the speech model")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_plot(actions)
    _add_build(actions)
    _add_show(actions)


def _add_build(actions: Any) -> None:
    parser = actions.add_parser("build", help="make an actor's memory from the plates", description=_BUILD)
    parser.set_defaults(run=build)
    parser.add_argument("actor", type=Path, metavar="ACTOR", help="the actor's folder")
    parser.add_argument("--entries", type=int, metavar="N", help="patches to keep at most; default 2000")
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="TAKE", help="takes to leave out, to be tested with later"
    )
    parser.add_argument(
        "--plates", nargs="+", type=Path, default=[], metavar="DIR", help="where plates lie that were moved"
    )
    options.add_telling(parser)


def _add_show(actions: Any) -> None:
    parser = actions.add_parser("show", help="what an actor's memory covers", description=_SHOW)
    parser.set_defaults(run=show, quiet=False)
    parser.add_argument("actor", type=Path, metavar="ACTOR", help="the actor's folder")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the sheet: png, svg or pdf")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


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


def build(arguments: argparse.Namespace, console: Console) -> int:
    """Build an actor's memory, write it, and tell what it covers."""
    from ..actor.folder import open_actor
    from ..actor.memory.bank import ENTRIES, build_memory, save_memory
    from ..actor.memory.sheet import lines, survey

    actor = open_actor(arguments.actor)
    bank = build_memory(
        actor,
        arguments.plates,
        ENTRIES if arguments.entries is None else arguments.entries,
        without=arguments.without,
        progress=lambda share: console.progress(actor.memory, share),
    )
    save_memory(actor, bank)
    found = survey(bank)
    if arguments.json:
        print(json.dumps({"event": "done", **_about(actor.memory, bank, found)}), flush=True)
    elif not arguments.quiet:
        print("\n".join([*lines(actor, bank, found), f"-> {actor.memory}"]), flush=True)
    return OK


def show(arguments: argparse.Namespace, console: Console) -> int:
    """Tell what an actor's memory covers, and draw the sheet."""
    from ..actor.folder import open_actor
    from ..actor.memory.bank import load_memory
    from ..actor.memory.sheet import lines, save_sheet, survey

    actor = open_actor(arguments.actor)
    bank = load_memory(actor)
    found = survey(bank)
    if arguments.out:
        save_sheet(arguments.out, actor, bank, found)
    if arguments.json:
        print(json.dumps(_about(actor.memory, bank, found)), flush=True)
    else:
        print("\n".join([*lines(actor, bank, found), *([f"-> {arguments.out}"] if arguments.out else [])]))
    return OK


def _about(path: Path, bank: MemoryBank, found: Survey) -> dict[str, Any]:
    from ..actor.memory.coverage import KINDS

    return {
        "memory": str(path),
        "entries": len(bank),
        "size": bank.patches.shape[1],
        "takes": list(bank.takes),
        "kinds": {name: int((found.kind == kind).sum()) for kind, name in enumerate(KINDS)},
        "coverage": found.grid().tolist(),
        "gaps": list(found.gaps),
    }


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
