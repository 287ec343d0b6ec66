"""All training lines by corpus, kept in a cache: fitting takes minutes, training starts often."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

from ...inference.files import atomic_write
from ...inference.visemes import frame_classes
from .arkit_fit import ict_lip_basis
from .corpora import RATE_HZ, Line, load_facegood, load_tracked_lines
from .labelled import grid_text, load_speech
from .neutral import neutral_lines
from .synthetic import synthetic_lines

if TYPE_CHECKING:
    from pathlib import Path

    from .force_align import PhoneAligner

NEUTRAL_COUNT, NEUTRAL_SEED = 300, 7
SYNTHETIC_COUNT, SYNTHETIC_SEED = 1700, 11  # about 90 minutes


def _aligner() -> PhoneAligner:
    from .force_align import PhoneAligner  # only where phones are made: needs pocketsphinx

    return PhoneAligner()


def _grid(shared: Path) -> list[Line]:
    """GRID with the phones of its sentences, force-aligned."""
    aligner = _aligner()
    lines = []
    for line in load_tracked_lines(shared, "grid_s1"):
        segments = aligner.align(line.samples, grid_text(line.name))
        phones = frame_classes(segments, len(line.controls), RATE_HZ) if segments else None
        lines.append(replace(line, phones=phones))
    return lines


def _make(shared: Path, corpus: str) -> list[Line]:
    if corpus == "grid_s1":
        return _grid(shared)
    if corpus == "facegood":
        return load_facegood(shared)
    if corpus in ("librispeech", "ljspeech"):
        return load_speech(shared, corpus, _aligner())
    if corpus == "synthetic":
        return synthetic_lines(ict_lip_basis(shared)[1], SYNTHETIC_COUNT, SYNTHETIC_SEED)
    if corpus == "neutral":
        return neutral_lines(NEUTRAL_COUNT, NEUTRAL_SEED)
    return load_tracked_lines(shared, corpus)


def load_lines(shared: Path, corpora: tuple[str, ...], cache: Path) -> list[Line]:
    """All lines of the corpora. `cache` holds what this wrote there before; delete it to rebuild."""
    lines: list[Line] = []
    for corpus in corpora:
        stored = cache / f"{corpus}.pkl"
        if not stored.exists():
            stored.parent.mkdir(parents=True, exist_ok=True)
            made = _make(shared, corpus)
            with atomic_write(stored, "wb") as stream:  # another run may be about to read it
                pickle.dump(made, stream)
        lines += pickle.loads(stored.read_bytes())
    return lines
