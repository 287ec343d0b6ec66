"""Which inputs a command is about, and where each result goes. Decided and checked before any work starts."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .errors import OutputError, UsageError
from .files import make_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_SUFFIXES = """
.aac .ac3 .aif .aifc .aiff .au .avi .caf .flac .m4a .m4v .mka .mkv .mov .mp3 .mp4 .oga .ogg .opus .rf64 .snd
.w64 .wav .wave .webm .wma
"""
SOUND_SUFFIXES: Final = frozenset(_SUFFIXES.split())
"""Endings by which a folder's sound files are recognised; a file that is named itself may have any."""


@dataclass(frozen=True)
class Job:
    """One sound file and the file that is to be made of it."""

    source: Path
    output: Path
    may_replace: bool
    """Whether an output that is there already is to be overwritten."""

    def check(self) -> None:
        """Refuse to overwrite what the user did not offer.

        Raises:
            OutputError: the output exists.
        """
        if not self.may_replace and self.output.exists():
            raise OutputError(
                f"'{self.output}' exists already", "Give --overwrite, or another place with --out"
            )


def plan(
    inputs: Sequence[Path],
    out: tuple[Path, bool] | None,
    *,
    overwrite: bool,
    notify: Callable[[str], None],
    suffix: str = ".csv",
    kept: Sequence[Path] = (),
) -> tuple[list[Job], bool]:
    """Pair every input with its output.

    Args:
        inputs: files and folders; a folder stands for the sound files directly in it.
        out: the output path and whether it was written as a folder; None puts results beside the inputs.
        overwrite: replace existing results beside the inputs too; an explicit `out` always does.
        notify: called with what the user should know about names.
        suffix: ending of the results.
        kept: further files that no result may replace.

    Returns:
        The jobs, and whether this is one single file rather than a batch.

    Raises:
        UsageError: nothing to do, two results of the same name, a result in place of an input.
        OutputError: the output folder cannot be made.
    """
    single = len(inputs) == 1 and not inputs[0].is_dir()
    sources = sound_files(inputs)
    may_replace = overwrite or out is not None
    if single and out is not None and not (out[1] or out[0].is_dir()):
        jobs = [Job(sources[0], out[0], may_replace)]
    else:
        folder = make_folder(out[0]) if out is not None else None
        names = _result_names(sources, suffix, apart=folder is None, notify=notify)
        jobs = [
            Job(source, (folder if folder is not None else source.parent) / name, may_replace)
            for source, name in zip(sources, names, strict=True)
        ]
    _refuse_clashes(jobs, kept)
    return jobs, single


def sound_files(inputs: Sequence[Path]) -> list[Path]:
    """The sound files that inputs stand for, each once: a file for itself, a folder for those directly in it.

    Raises:
        UsageError: a folder cannot be read, or holds no sound file.
    """
    return list(dict.fromkeys(file for given in inputs for file in _sound_files(given)))


def _sound_files(given: Path) -> list[Path]:
    if not given.is_dir():
        return [given]
    try:
        found = sorted(
            p for p in given.iterdir() if p.suffix.lower() in SOUND_SUFFIXES and not p.name.startswith(".")
        )
    except OSError as error:
        raise UsageError(
            f"The folder '{given}' cannot be read ({error.strerror})", "Check its permissions"
        ) from None
    found = [p for p in found if p.is_file()]
    if not found:
        raise UsageError(
            f"There is no sound file in the folder '{given}'", "Give a folder with wav, flac, mp3 ... files"
        )
    return found


def _result_names(
    sources: list[Path], suffix: str, *, apart: bool, notify: Callable[[str], None]
) -> list[str]:
    """NAME.csv, or NAME.wav.csv where two sounds differ in their ending only."""

    def key(source: Path) -> str:  # in one result folder, or beside the inputs in theirs
        return os.path.join(source.parent if apart else "", source.stem).casefold()  # noqa: PTH118

    count = Counter(key(source) for source in sources)
    names = []
    for source in sources:
        clashes = count[key(source)] > 1
        names.append((source.name if clashes else source.stem) + suffix)
        if clashes:
            notify(f"More than one input is called '{source.stem}': '{source}' becomes '{names[-1]}'")
    return names


def _refuse_clashes(jobs: list[Job], kept: Sequence[Path]) -> None:
    outputs = Counter(os.path.normcase(os.path.realpath(job.output)) for job in jobs)
    sources = {os.path.normcase(os.path.realpath(path)) for path in (*(job.source for job in jobs), *kept)}
    for job in jobs:
        real = os.path.normcase(os.path.realpath(job.output))
        if real in sources:
            raise UsageError(f"The result '{job.output}' would replace an input", "Give another --out")
        if outputs[real] > 1:
            raise UsageError(
                f"Two inputs would both become '{job.output}'",
                "Animate them in separate calls, or rename one",
            )
