"""What every synthesiser returns, and how the names of its phones become viseme classes."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ....inference.visemes import UNKNOWN, VISEMES, Segment


class Utterance(NamedTuple):
    """Synthetic speech: float32 [N] in -1..1, its rate in Hz, and its phones in order without gaps."""

    samples: np.ndarray
    rate_hz: int
    segments: list[Segment]


@cache
def phone_set(name: str) -> dict[str, int]:
    """Viseme class by phone name, for a set of `phone_sets.json` (listed there by viseme)."""
    sets = json.loads(Path(__file__).with_name("phone_sets.json").read_text("utf-8"))
    return {phone: VISEMES.index(v) for v, phones in sets[name].items() for phone in phones.split()}


def segments_of_ends(ends: list[tuple[str, float]], classes: dict[str, int]) -> list[Segment]:
    """Segments from (phone, end in s) rows; phones that `classes` does not list are UNKNOWN."""
    segments = []
    start_s = 0.0
    for phone, end_s in ends:
        segments.append(Segment(start_s, end_s, classes.get(phone, UNKNOWN)))
        start_s = end_s
    return segments


def revoice(spoken: Utterance, factor: float) -> Utterance:
    """The same words from a head `1 / factor` times as large: tempo, pitch and formants times `factor`.

    Only the rate changes, so that times stay exact and no sample is touched.
    """
    segments = [Segment(start / factor, end / factor, label) for start, end, label in spoken.segments]
    return Utterance(spoken.samples, round(spoken.rate_hz * factor), segments)
