"""Tells the emotion of a moving face by rules, from its ARKit curves alone: a judge of the expressions.

The rules come from other sources than the expressions they judge (`performance/emotions.json`: the FACS
investigator's guide, PSPI): for six emotions the units that 230 posed faces were coded with, consistent ones
in full and the others by the share of people who used them (Du, Tao & Martinez, PNAS 111, 2014, table 1);
pain from a review of 37 studies (Kunz, Meixner & Lautenbacher, Pain 160, 2019); grief as sadness with
constricted eyes, which mark the intensity of distress (Messinger et al., Emotion 12, 2012); breathlessness by
flared nostrils, an open mouth and its rhythm (Campbell, J. Palliative Medicine 11, 2008). For cheekiness
nothing is published: the rule, a smile on one side and a brow that goes up alone, is our own. How high a
channel must be for its unit to count was set once, by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..inference.channels import ARKIT_52
from ..inference.instruction.values import EMOTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

UNITS: Final[dict[str, tuple[tuple[str, ...], float, float]]] = {
    "1": (("browInnerUp",), 0.08, 0.5),
    "2": (("browOuterUpLeft", "browOuterUpRight"), 0.08, 0.5),
    "4": (("browDownLeft", "browDownRight"), 0.08, 0.5),
    "5": (("eyeWideLeft", "eyeWideRight"), 0.08, 0.5),
    "6": (("cheekSquintLeft", "cheekSquintRight"), 0.08, 0.45),
    "7": (("eyeSquintLeft", "eyeSquintRight"), 0.1, 0.5),
    "9": (("noseSneerLeft", "noseSneerRight"), 0.08, 0.4),
    "10": (("mouthUpperUpLeft", "mouthUpperUpRight"), 0.08, 0.4),
    "12": (("mouthSmileLeft", "mouthSmileRight"), 0.1, 0.5),
    "15": (("mouthFrownLeft", "mouthFrownRight"), 0.05, 0.4),
    "17": (("mouthShrugLower",), 0.06, 0.35),
    "20": (("mouthStretchLeft", "mouthStretchRight"), 0.1, 0.4),
    "23": (("mouthRollUpper", "mouthRollLower"), 0.06, 0.3),
    "24": (("mouthPressLeft", "mouthPressRight"), 0.08, 0.35),
    "25": (("mouthLowerDownLeft", "mouthLowerDownRight"), 0.03, 0.12),
    "26": (("jawOpen",), 0.17, 0.28),
    "43": (("eyeBlinkLeft", "eyeBlinkRight"), 0.08, 0.3),
}
"""Channels whose mean is read as a unit, and the means at which it begins to be seen and is seen for certain;
for the mouth above what speech alone does."""

RULES: Final[dict[str, dict[str, float]]] = {
    "joy": {"12": 1.0, "25": 1.0, "6": 0.51},
    "sadness": {"4": 1.0, "15": 1.0, "1": 0.6, "6": 0.5, "17": 0.67},
    "fear": {"1": 1.0, "4": 1.0, "20": 1.0, "25": 1.0, "2": 0.57, "5": 0.63, "26": 0.33},
    "anger": {"4": 1.0, "7": 1.0, "24": 1.0, "10": 0.26, "17": 0.52, "23": 0.29},
    "amazement": {"1": 1.0, "2": 1.0, "25": 1.0, "26": 1.0, "5": 0.66},
    "disgust": {"9": 1.0, "10": 1.0, "17": 1.0, "4": 0.31, "24": 0.26},
    "pain": {"4": 1.0, "6 or 7": 1.0, "9 or 10": 1.0, "25 or 26": 1.0, "43": 0.5},
    "outofbreath": {"rhythm": 1.0, "38": 1.0, "25 or 26": 1.0},
    "cheekiness": {"12 on one side": 1.0, "2 on one side": 1.0, "12": 0.5},
}
_OTHERS: Final = 0.6
"""What a unit counts against an emotion that it does not belong to, beside 1 for a consistent one."""
_SEEN: Final = 0.35
"""Score below which a face shows nothing."""
_CONSTRICTED: Final = 0.4
_RHYTHM_HZ: Final = (0.5, 1.2)


def evidence(values: np.ndarray, rate_hz: float) -> dict[str, float]:
    """How far each unit is seen on a face: 0..1.

    Args:
        values: [T, 52] weights of `ARKIT_52`, a second and more.
        rate_hz: rows per second.
    """
    seen = {}
    for unit, (channels, begins, certain) in UNITS.items():
        level = float(values[:, [ARKIT_52.index(c) for c in channels]].mean())
        seen[unit] = float(np.clip((level - begins) / (certain - begins), 0.0, 1.0))
    for unit in ("12", "2"):
        left, right = (values[:, ARKIT_52.index(c)].mean() for c in UNITS[unit][0])
        seen[f"{unit} on one side"] = float(np.clip((abs(left - right) - 0.08) / 0.2, 0.0, 1.0))
    flared = float(values[:, [ARKIT_52.index(c) for c in UNITS["9"][0]]].mean())
    seen["38"] = float(np.clip(flared / 0.1, 0.0, 1.0)) if flared < 0.35 else 0.0
    seen["rhythm"] = _rhythm(values, rate_hz)
    for either in ("6 or 7", "9 or 10", "25 or 26"):
        one, other = either.split(" or ")
        seen[either] = max(seen[one], seen[other])
    return seen


def scores(values: np.ndarray, rate_hz: float) -> dict[str, float]:
    """How well each rule fits a face [T, 52]; about 1 at best."""
    seen = evidence(values, rate_hz)
    found = {emotion: _fit(rule, seen) for emotion, rule in RULES.items()}
    eyes = max(seen["6"], seen["7"])
    found["grief"] = found["sadness"] * (0.7 + 0.6 * (eyes - _CONSTRICTED)) if eyes > 0.0 else 0.0
    if eyes > _CONSTRICTED:
        found["grief"] = max(found["grief"], found["sadness"] + 0.05)
    return found


def recognise(values: np.ndarray, rate_hz: float) -> str:
    """The emotion that a face [T, 52] shows, one of `EMOTIONS`; empty where none is seen."""
    found = scores(values, rate_hz)
    best = max(EMOTIONS, key=lambda emotion: found[emotion])
    return best if found[best] >= _SEEN else ""


def _fit(rule: Mapping[str, float], seen: Mapping[str, float]) -> float:
    wanted = sum(rule.values())
    belongs = {part for name in rule for part in name.removesuffix(" on one side").split(" or ")}
    against = sum(seen[unit] for unit in UNITS if unit not in belongs and unit != "25")
    return (sum(weight * seen[name] for name, weight in rule.items()) - _OTHERS * 0.5 * against) / wanted


def _rhythm(values: np.ndarray, rate_hz: float) -> float:
    """Share of the motion of nose and brows that is periodic at the pace of panting, made 0..1."""
    columns = [ARKIT_52.index(c) for unit in ("9", "1", "4") for c in UNITS[unit][0]]
    curve = values[:, columns].sum(axis=1)
    curve = curve - curve.mean()
    if len(curve) < 2 * rate_hz or curve.std() < 0.02:
        return 0.0
    power = np.abs(np.fft.rfft(curve * np.hanning(len(curve)))) ** 2
    hz = np.fft.rfftfreq(len(curve), 1.0 / rate_hz)
    inside = (hz >= _RHYTHM_HZ[0]) & (hz <= _RHYTHM_HZ[1])
    return float(np.clip((power[inside].sum() / power.sum() - 0.3) / 0.3, 0.0, 1.0))
