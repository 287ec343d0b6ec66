"""The values of an instruction into an English sentence, which `reader.read` reads back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .values import ACTION_NAMES

if TYPE_CHECKING:
    from .values import Instruction

STEPS: Final[tuple[tuple[float, str], ...]] = (
    (0.1, "faintly"),
    (0.2, "slightly"),
    (0.3, "mildly"),
    (0.45, "fairly"),
    (0.6, "quite"),
    (0.7, ""),
    (0.85, "very"),
    (1.0, "extremely"),
)
"""Degrees that are written and the values they stand for; the plain word is 0.7."""
_LEAST: Final = 0.05
"""A smaller value is not written: nobody would see it."""
_INTENSITY_STEP: Final = 0.05
_ADJECTIVES: Final = {
    "amazement": "amazed", "anger": "angry", "cheekiness": "cheeky", "disgust": "disgusted", "fear": "afraid",
    "grief": "grieving", "joy": "joyful", "sadness": "sad",
}  # fmt: skip
_AFTER: Final = {"outofbreath": "out of breath", "pain": "in pain"}
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "brows": ("brows {} raised", "brows {} lowered"),
    "inner_brows": ("inner brows {} raised", "brows {} drawn together"),
    "outer_brows": ("outer brows {} raised", "outer brows {} lowered"),
    "lids": ("upper lids {} raised", "upper lids {} drooping"),
    "squint": ("lower lids {} tightened", ""),
    "cheeks": ("cheeks {} lifted", ""),
    "nose": ("nose {} wrinkled", ""),
    "mouth_corners": ("mouth corners {} raised", "mouth corners {} turned down"),
    "lip_stretch": ("lips {} stretched", "lips {} rounded"),
    "lip_press": ("lips {} pressed together", ""),
    "upper_lip": ("upper lip {} raised", ""),
    "chin": ("chin {} raised", ""),
    "jaw": ("jaw {} dropped", "jaw {} clenched"),
    "head_pitch": ("head {} lowered", "head {} raised"),
    "head_turn": ("head {} turned to the left", "head {} turned to the right"),
    "head_tilt": ("head {} tilted to the right", "head {} tilted to the left"),
    "nods": ("{} nodding", ""),
    "shakes": ("{} shaking the head", ""),
    "head_motion": ("head {} lively", "head {} still"),
    "pace": ("movements {} quick", "movements {} slow"),
    "gaze_height": ("gaze {} up", "gaze {} down"),
    "gaze_side": ("gaze {} to the left", "gaze {} to the right"),
    "gaze_motion": ("eyes {} darting", "gaze {} steady"),
    "blinking": ("{} blinking", "{} unblinking"),
}
"""For each action the words of its plus and of its minus; {} takes the degree."""


def write(instruction: Instruction) -> str:
    """The sentence that says these values, each to the nearest of `STEPS`, the intensity to 5 %."""
    values = instruction.values()
    before = [_degree(values.get(name, 0.0), word) for name, word in _ADJECTIVES.items()]
    *others, last = [said for said in before if said] or ["neutral"]
    speaker = f"{', '.join(others)} and {last}" if others else last
    after = [_degree(values.get(name, 0.0), word) for name, word in _AFTER.items()]
    first = "A" if speaker[0] not in "aeiou" else "An"
    parts = [f"{first} {speaker} speaker", *after, *_actions(values)]
    intensity = round(instruction.intensity / _INTENSITY_STEP) * _INTENSITY_STEP
    if intensity < 1.0:
        parts.append(f"at {round(100 * intensity)} % intensity")
    return ", ".join(part for part in parts if part) + "."


def nearest_step(value: float) -> float:
    """The value of `STEPS` nearest to a magnitude 0..1, or 0 for one that nobody would see."""
    if value < _LEAST:
        return 0.0
    return min((step for step, _ in STEPS), key=lambda step: abs(step - value))


def _actions(values: dict[str, float]) -> list[str]:
    """What the actions say, in their order; plainly slow or quick nods are one thing."""
    said = {name: _action(name, values.get(name, 0.0)) for name in ACTION_NAMES}
    plain = nearest_step(values.get("nods", 0.0)) == 0.7 == nearest_step(abs(values.get("pace", 0.0)))
    if plain and not said["shakes"]:
        said["nods"] = "quick nods" if values["pace"] > 0.0 else "slow nods"
        said["pace"] = ""
    return list(said.values())


def _action(name: str, value: float) -> str:
    plus, minus = _WORDS[name]
    degree = dict(STEPS).get(nearest_step(abs(value)))
    if degree is None:
        return ""
    return " ".join((plus if value > 0.0 else minus).format(degree).split())


def _degree(value: float, word: str) -> str:
    degree = dict(STEPS).get(nearest_step(value))
    return "" if degree is None else f"{degree} {word}".strip()
