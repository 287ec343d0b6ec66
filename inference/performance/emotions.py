"""The expressions of emotions and actions as ARKit weights, read from `emotions.json`.

Emotions are published combinations of FACS action units, each in several variants; the file names the
source of every one. Actions are those of `instruction.values`; those of head, gaze, blinks do nothing here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..channels import ARKIT_52
from ..instruction.values import ACTION_NAMES, EMOTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..types import FloatArray

FILE: Final = Path(__file__).with_name("emotions.json")
_SIDES: Final = {"L": "Left", "R": "Right"}


@dataclass(frozen=True)
class Variant:
    """One way in which people show an emotion."""

    name: str
    share: float
    """How often it is drawn beside the other variants of its emotion; the shares sum to 1."""
    weights: FloatArray
    """float32 [52], ARKit weights 0..1 of the emotion at 1.0."""
    units: Mapping[str, float]
    """Intensity 0..1 of each FACS action unit, "12" or, on one side, "L12"."""
    source: str


@dataclass(frozen=True)
class Emotion:
    """All that is known of one of `instruction.values.EMOTIONS`."""

    name: str
    variants: tuple[Variant, ...]
    dynamics: Mapping[str, float]
    """Factors on head amplitude ("head"), "pace", "accents", "blinks" and "gaze" of the emotion at 1.0."""
    pulse_hz: float = 0.0
    """How often a second the expression swells, as with breath; 0 for emotions that do not."""
    pulse_depth: float = 0.0
    """Share of the expression that swells."""

    @property
    def table(self) -> FloatArray:
        """float32 [V, 52], the weights of the variants."""
        return np.stack([variant.weights for variant in self.variants])


@lru_cache(maxsize=1)
def emotions() -> tuple[Emotion, ...]:
    """The emotions in the order of `EMOTIONS`."""
    data = _data()
    return tuple(_emotion(name, data["emotions"][name], data["units"]) for name in EMOTIONS)


@lru_cache(maxsize=1)
def action_tables() -> tuple[FloatArray, FloatArray]:
    """What each action does at 1 and at -1: float32 [A, 52] each; below 0 it takes away from others."""
    tables = np.zeros((2, len(ACTION_NAMES), len(ARKIT_52)), np.float32)
    for name, ways in _data()["actions"].items():
        for sign, way in enumerate(("plus", "minus")):
            tables[sign, ACTION_NAMES.index(name)] = _row(ways.get(way, {}))
    return tables[0], tables[1]


def unit_weights(units: Mapping[str, float]) -> FloatArray:
    """float32 [52] in 0..1: ARKit weights of FACS action units by number, e.g. {"1": 0.8, "L12": 0.5}.

    Raises:
        KeyError: a unit is not in the table.
    """
    return _weights(units, _data()["units"])


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text("utf-8")))


def _emotion(name: str, entry: Mapping[str, Any], units: Mapping[str, Any]) -> Emotion:
    total = sum(v["share"] for v in entry["variants"])
    variants = tuple(
        Variant(v["name"], v["share"] / total, _weights(v["units"], units), v["units"], v["source"])
        for v in entry["variants"]
    )
    return Emotion(
        name, variants, entry["dynamics"], entry.get("pulse_hz", 0.0), entry.get("pulse_depth", 0.0)
    )


def _weights(intensities: Mapping[str, float], units: Mapping[str, Any]) -> FloatArray:
    row = np.zeros(len(ARKIT_52), np.float32)
    for unit, intensity in intensities.items():
        side = _SIDES.get(unit[0], "")
        row += np.float32(intensity) * _row(units[unit.lstrip("LR")]["channels"], side)
    clipped: FloatArray = np.minimum(row, np.float32(1.0))
    return clipped


def _row(channels: Mapping[str, float], side: str = "") -> FloatArray:
    """float32 [52] from channels without side; `side` keeps one side of those that have two."""
    row = np.zeros(len(ARKIT_52), np.float32)
    for name, weight in channels.items():
        both = [name + s for s in _SIDES.values() if name + s in ARKIT_52]
        for channel in both or [name]:
            if not side or not both or channel.endswith(side):
                row[ARKIT_52.index(channel)] += weight
    return row
