"""Lines of sound that no speaking mouth makes; the face stays neutral. Made on demand from a seed.

What moves a mouth by mistake is what begins or ends suddenly, so a third of the lines are events in silence.
"""

from __future__ import annotations

import numpy as np

from ...inference.loudness import level_gain
from .arkit_fit import CONTROLS
from .corpora import RATE_HZ, Line
from .synthesis import sounds
from .tracked import CURVES

KINDS: dict[str, tuple[sounds.Sound, float]] = {
    "events": (sounds.events, 0.25),
    "noise": (sounds.noise, 0.14),
    "tone": (sounds.tone, 0.08),
    "hum": (sounds.hum, 0.03),
    "music": (sounds.music, 0.08),
    "beating": (sounds.beating, 0.08),
    "breath": (sounds.breath, 0.08),
    "coughs": (sounds.coughs, 0.05),
    "laughs": (sounds.laughs, 0.04),
    "smacks": (sounds.smacks, 0.05),
    "knocks": (sounds.knocks, 0.05),
    "keys": (sounds.keys, 0.04),
    "babble": (sounds.babble, 0.03),
}
"""Generator and share of each kind of sound."""
_QUIET_DB = (-60.0, -36.0)
"""Peak of babble: voices far behind silence. Louder ones would be speech, which a mouth may follow."""


def _level(sound: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Half of the sounds as loud as the runtime would bring them if they were all that it hears."""
    if kind == "babble":
        return sound * 10 ** (rng.uniform(*_QUIET_DB) / 20)
    place = rng.random()
    if place < 0.5:
        return sound * level_gain(sound.astype(np.float32)) * 10 ** (rng.uniform(-3, 3) / 20)
    if place < 0.85:
        return sound * 10 ** (rng.uniform(-45, -12) / 20)
    return sound * 10 ** (rng.uniform(-100, -50) / 20)


def neutral_lines(count: int, seed: int, seconds: float = 4.0) -> list[Line]:
    """`count` lines of sound without speech, of every kind in `KINDS`, at random levels."""
    rng = np.random.default_rng(seed)
    length, frames = int(seconds * sounds.RATE_HZ), int(seconds * RATE_HZ)
    names = list(KINDS)
    share = np.array([KINDS[k][1] for k in names])
    lines = []
    for i in range(count):
        kind = names[rng.choice(len(names), p=share / share.sum())]
        samples = _level(KINDS[kind][0](length, rng), kind, rng)
        lines.append(
            Line(
                corpus="neutral",
                name=f"neutral{i}-{kind}",
                speaker="neutral",
                samples=np.clip(samples, -1, 1).astype(np.float32),
                controls=np.zeros((frames, len(CONTROLS)), np.float32),
                curves_mm=np.zeros((frames, len(CURVES)), np.float32),
                valid=np.ones(frames, bool),
                phones=np.zeros(frames, np.int64),
            )
        )
    return lines
