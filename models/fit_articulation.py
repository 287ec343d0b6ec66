"""Fit the phone teacher's numbers to filmed speech: `python -m soliloquy.models.fit_articulation`.

The blend that is run (`inference/articulation.py`) is fitted as it stands, by gradient descent through it, to
the training lines of GRID speaker 1 with their force-aligned phones. Where GRID says little (rare sounds, how
lips are shaped that give the same curves) the numbers stay near a published table and JALI's timing.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..inference.articulation import (
    CONTROLS,
    FEATURES,
    GAIN,
    GROUPS,
    SHAPES,
    WEIGHTS,
    Parameters,
    Timeline,
    articulate,
    blend,
    read_parameters,
    sounding,
    timeline,
    voice_features,
)
from ..inference.types import AudioClip
from ..inference.visemes import Segment
from .data.arkit_fit import ict_lip_basis, symmetric_controls
from .data.corpora import RATE_HZ, width_slope
from .data.library import load_lines
from .evaluate import held_out_split
from .speech.losses import MouthLoss

if TYPE_CHECKING:
    from .data.corpora import Line

TABLE = {
    "sil": "jawOpen .05",
    "PP": "mouthClose .85 mouthPress .5 mouthRollLower .22 mouthRollUpper .22 jawOpen .1",
    "FF": "mouthShrugLower .52 mouthUpperUp .3 mouthRollLower .3 jawOpen .07",
    "TH": "tongueOut .6 jawOpen .12 mouthUpperUp .15 mouthLowerDown .15",
    "DD": "jawOpen .24 tongueOut .03 mouthUpperUp .12",
    "kk": "jawOpen .32 mouthLowerDown .12",
    "CH": "mouthFunnel .6 mouthPucker .4 jawOpen .16",
    "SS": "jawOpen .09 mouthStretch .3 mouthUpperUp .28 mouthLowerDown .28",
    "nn": "jawOpen .2 tongueOut .05 mouthLowerDown .1",
    "RR": "mouthPucker .45 mouthFunnel .3 jawOpen .18",
    "aa": "jawOpen .6 mouthLowerDown .1",
    "E": "jawOpen .42 mouthStretch .32 mouthDimple .22",
    "I": "jawOpen .16 mouthStretch .5 mouthSmile .32 mouthUpperUp .2",
    "O": "mouthFunnel .7 mouthPucker .42 jawOpen .42",
    "U": "mouthPucker .85 mouthFunnel .5 jawOpen .12",
    "rest": "",
}
"""Mouth shapes that animators start from; lipbench turns other tools' visemes into weights with them. The
tongue of /t d n l/ stays behind the teeth here: `tongueOut` shows one that is stuck out."""
MAGNITUDE = {  # jaw, close, part, shape, tongue
    "sil": (1, 1, 1, 0.5, 1), "PP": (0.4, 5, 3, 0.4, 1), "FF": (1, 3, 3, 0.5, 1), "TH": (0.7, 0.5, 1, 0.3, 5),
    "DD": (0.4, 0.2, 0.2, 0.15, 1), "kk": (0.4, 0.2, 0.2, 0.15, 1), "CH": (3, 1, 1, 2, 1),
    "SS": (3, 1, 1.5, 0.8, 1), "nn": (0.4, 0.2, 0.2, 0.15, 1), "RR": (0.7, 0.5, 0.5, 1.5, 1),
    "aa": (1, 1, 1, 0.7, 1), "E": (1, 1, 1, 1, 1), "I": (1, 1, 1, 1.5, 1), "O": (1, 1, 1, 3, 1),
    "U": (1, 1, 1, 3, 1), "rest": (1, 1, 1, 0.5, 1),
}  # fmt: skip
"""Where the dominance starts from and stays near: a lip that must touch insists, a tongue does not."""
LIP_HEAVY = ("U", "O", "CH", "RR")
_SLOPE_S, _LIP_SLOPE_S, _TONGUE_SLOPE_S = 0.10, 0.14, 0.06
_SUSTAIN = (0.1, 0.75)
_STRENGTH: dict[str, dict[str, float]] = {
    "jaw": {"level_db": 0.02},
    "part": {"high_db": 0.01},
    "shape": {"pitch_octaves": 0.15, "high_db": 0.01},
}
_POWER = 1.5

_TARGET_PRIOR, _FIRM_PRIOR = 0.03, 1.0
_FIRM = {
    *((name, "jawOpen") for name in ("TH", "CH", "SS", "RR")),
    *(("sil", c) for c in CONTROLS),
    *(("TH", c) for c in ("mouthUpperUp", "mouthLowerDown")),
    *((name, "tongueOut") for name in SHAPES),
}
"""What must not be learnt from one filmed speaker: that every sound opens the lips, that pauses leave them
apart, how narrow the jaw of sibilants is, and the tongue, which no tracker sees."""
_LIVELY = 0.95
"""Spread of the aperture on the lines fitted to, against the filmed one: least squares alone would mumble."""
_DOMINANCE_PRIOR, _SUSTAIN_PRIOR, _STRENGTH_PRIOR = 0.002, 0.02, 5.0
_JAW, _CLOSE = CONTROLS.index("jawOpen"), CONTROLS.index("mouthClose")


@dataclass(frozen=True)
class Filmed:
    """One line as the fit sees it; times count from its start."""

    segments: list[Segment]
    clip: AudioClip
    times_s: np.ndarray
    here: np.ndarray
    sounds: Timeline
    features: np.ndarray
    controls: np.ndarray
    curves_mm: np.ndarray
    valid: np.ndarray


def filmed(line: Line) -> Filmed:
    """A line with its sounds: runs of one class in its frame-wise phones."""
    cuts = [0, *(np.flatnonzero(np.diff(line.phones)) + 1), len(line.phones)]
    segments = [Segment(a / RATE_HZ, b / RATE_HZ, int(line.phones[a])) for a, b in pairwise(cuts)]
    times_s = np.arange(len(line.controls)) / RATE_HZ
    sounds = timeline(segments, len(line.controls) / RATE_HZ)
    clip = AudioClip(line.samples, 16_000)
    features = voice_features(sounds, [clip])
    here = sounding(times_s, sounds)
    return Filmed(segments, clip, times_s, here, sounds, features, line.controls, line.curves_mm, line.valid)


def table_document(power: float = _POWER) -> dict:
    """The guess: the table and JALI's timing, as the document that the runtime reads."""
    shapes = {}
    for name in SHAPES:
        words = TABLE[name].split()
        slope_ms = dict.fromkeys(GROUPS, 1000 * _SLOPE_S) | {"tongue": 1000 * _TONGUE_SLOPE_S}
        if name in LIP_HEAVY:
            slope_ms["shape"] = 1000 * _LIP_SLOPE_S
        shapes[name] = {
            "targets": {c: float(v) for c, v in zip(words[::2], words[1::2], strict=True)},
            "dominance": {
                g: [m, slope_ms[g], slope_ms[g]] for g, m in zip(GROUPS, MAGNITUDE[name], strict=True)
            },
            "sustain": list(_SUSTAIN),
        }
    return {"power": power, "shapes": shapes, "strength": {g: _STRENGTH.get(g, {}) for g in GROUPS}}


def document_of(parameters: Parameters) -> dict:
    """Rounded numbers as the document that the runtime reads."""
    shapes = {}
    for i, name in enumerate(SHAPES):
        targets = {c: round(float(x), 3) for c, x in zip(CONTROLS, parameters.targets[i], strict=True)}
        timing = zip(parameters.magnitude[i], parameters.rise_s[i], parameters.fall_s[i], strict=True)
        shapes[name] = {
            "targets": {c: x for c, x in targets.items() if x >= 0.005},
            "dominance": {
                g: [round(float(m), 3), round(float(r) * 1000), round(float(f) * 1000)]
                for g, (m, r, f) in zip(GROUPS, timing, strict=True)
            },
            "sustain": [round(float(x), 3) for x in parameters.sustain[i]],
        }
    strength = {
        g: {f: round(float(x), 4) for f, x in zip(FEATURES, row, strict=True) if x}
        for g, row in zip(GROUPS, parameters.strength, strict=True)
    }
    return {"power": parameters.power, "shapes": shapes, "strength": strength}


class Fit(torch.nn.Module):
    """The parameters as free numbers: logarithms of what must stay positive."""

    def __init__(self, start: Parameters) -> None:
        super().__init__()
        self.power = start.power
        free = {
            "targets": start.targets,
            "magnitude": np.log(start.magnitude),
            "rise_s": np.log(start.rise_s),
            "fall_s": np.log(start.fall_s),
            "sustain": start.sustain,
            "strength": start.strength,
        }
        for name, value in free.items():
            tensor = torch.as_tensor(value, dtype=torch.float32)
            setattr(self, name, torch.nn.Parameter(tensor.clone()))
            self.register_buffer(f"{name}_prior", tensor)
        firm = [[(v, c) in _FIRM for c in CONTROLS] for v in SHAPES]
        self.register_buffer("stay", torch.where(torch.tensor(firm), _FIRM_PRIOR, _TARGET_PRIOR))
        self.register_buffer("heard", (self.strength_prior != 0).float())

    def parameters_now(self) -> Parameters:
        return Parameters(
            self.targets,
            self.magnitude.exp(),
            self.rise_s.exp(),
            self.fall_s.exp(),
            self.sustain,
            self.strength * self.heard,
            self.power,
        )

    def prior(self) -> Tensor:
        """How far the numbers went from where they started, in units of the loss."""
        away = {n: (getattr(self, n) - getattr(self, f"{n}_prior")) ** 2 for n in self._parameters}
        dominance = away["magnitude"].sum() + 4 * away["rise_s"].sum() + 4 * away["fall_s"].sum()
        return (
            (self.stay * away["targets"]).sum()
            + _DOMINANCE_PRIOR * dominance
            + _SUSTAIN_PRIOR * away["sustain"].sum()
            + _STRENGTH_PRIOR * away["strength"].sum()
        )

    @torch.no_grad()
    def clamp(self) -> None:
        """Back into the ranges that the runtime is made for."""
        self.targets.clamp_(0.0, 1.0)
        self.magnitude.clamp_(np.log(0.05), np.log(20.0))
        for slope in (self.rise_s, self.fall_s):
            slope.clamp_(np.log(0.04), np.log(0.25))
        self.sustain[:, 0].clamp_(-0.3, 0.4)
        self.sustain[:, 1].clamp_(0.5, 1.2)
        self.strength.clamp_(min=0.0)
        self.targets[SHAPES.index("rest")] = 0.0  # a face at rest is neutral, whoever was filmed


def joined(lines: list[Filmed]) -> tuple[Tensor, Tensor, Timeline, Tensor]:
    """Several lines as one: times, indices of the sounding sounds, sounds, features; all torch."""
    offset_s = np.cumsum([0.0, *(f.sounds.end_s[-1] for f in lines[:-1])])
    offset = np.cumsum([0, *(len(f.sounds.shape) for f in lines[:-1])])
    times = np.concatenate([f.times_s + s for f, s in zip(lines, offset_s, strict=True)])
    here = np.concatenate([f.here + o for f, o in zip(lines, offset, strict=True)])

    def all_of(name: str) -> np.ndarray:
        moved = offset_s if name.endswith("_s") else [0] * len(lines)
        return np.concatenate([getattr(f.sounds, name) + m for f, m in zip(lines, moved, strict=True)])

    tensors = {f.name: torch.as_tensor(all_of(f.name)) for f in fields(Timeline)}
    sounds = Timeline(**{n: t if n == "shape" else t.float() for n, t in tensors.items()})
    features = torch.as_tensor(np.concatenate([f.features for f in lines])).float()
    return torch.as_tensor(times).float(), torch.as_tensor(here), sounds, features


def fit(
    lines: list[Filmed], basis: np.ndarray, steps: int, batch: int, seed: int, power: float
) -> Parameters:
    """Parameters by gradient descent, started from the table."""
    rng = np.random.default_rng(seed)
    net = Fit(read_parameters(table_document(power)))
    loss_of = MouthLoss(torch.as_tensor(basis))
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.03, total_steps=steps)
    for step in range(steps):
        chosen = [lines[i] for i in rng.choice(len(lines), batch, replace=False)]
        times, here, sounds, features = joined(chosen)
        parameters = net.parameters_now()
        sounds = replace(sounds, gain=(1 + features @ parameters.strength.T).clamp(*GAIN))
        share = blend(times, here, sounds, parameters, torch.exp)
        controls = torch.cat(
            [share[:, :_CLOSE], (share[:, _CLOSE] * share[:, _JAW])[:, None], share[:, _CLOSE + 1 : -1]],
            dim=1,
        )
        target = torch.as_tensor(np.concatenate([f.controls for f in chosen]))
        valid = torch.as_tensor(np.concatenate([f.valid for f in chosen]))
        data = loss_of(controls[None], target[None], valid[None])
        loss = data + net.prior()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        net.clamp()
        if step % 50 == 0 or step == steps - 1:
            print(
                f"step {step:4d}  data {data.item():.3f}  prior {loss.item() - data.item():.3f}", flush=True
            )
    now = net.parameters_now()
    values = {n: getattr(now, n).detach().double().numpy() for n in net._parameters}
    return Parameters(**values, power=net.power)


def said(line: Filmed, parameters: Parameters, *, voice: bool) -> np.ndarray:
    """[T, K] controls of one line as the runtime makes them (tongue left out)."""
    clip = line.clip if voice else None
    motion = articulate(line.segments, len(line.controls) / RATE_HZ, RATE_HZ, clip, parameters)
    return symmetric_controls(motion.values[: len(line.controls)], motion.channels)


def agreement(
    lines: list[Filmed], parameters: Parameters, basis: np.ndarray, *, voice: bool
) -> dict[str, float]:
    """Means over lines: r of aperture and width, r of the width beyond what the aperture implies (as
    `models/evaluate.py`), spread of the aperture against the filmed one."""
    pairs = [
        (np.asarray(said(f, parameters, voice=voice) @ basis.T)[f.valid], f.curves_mm[f.valid]) for f in lines
    ]
    for made, _ in pairs:
        made[:, 0] = np.maximum(made[:, 0], -0.76)  # lips cannot cross
    slopes = [width_slope(np.concatenate(side)) for side in zip(*pairs, strict=True)]
    rows = []
    for made, truth in pairs:
        shapes = [x[:, 1] - s * x[:, 0] for x, s in zip((made, truth), slopes, strict=True)]
        rows.append((
            np.corrcoef(made[:, 0], truth[:, 0])[0, 1], np.corrcoef(made[:, 1], truth[:, 1])[0, 1],
            np.corrcoef(*shapes)[0, 1], made[:, 0].std() / truth[:, 0].std(),
        ))  # fmt: skip
    names = ("aperture_r", "width_r", "shape_r", "aperture_std_ratio")
    return {n: round(float(x), 3) for n, x in zip(names, np.mean(rows, axis=0), strict=True)}


def livened(parameters: Parameters, lines: list[Filmed], basis: np.ndarray) -> Parameters:
    """The same with the opening of jaw and lips scaled until the aperture is as lively as filmed."""
    opening = [CONTROLS.index(c) for group in ("jaw", "part") for c in GROUPS[group]]
    for _ in range(4):
        ratio = agreement(lines, parameters, basis, voice=False)["aperture_std_ratio"]
        targets = parameters.targets.copy()
        targets[:, opening] = np.minimum(targets[:, opening] * _LIVELY / ratio, 1.0)
        parameters = replace(parameters, targets=targets)
    return parameters


def main() -> None:
    """Fit, compare with the guess on held-out sentences, write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=48, help="lines per step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--power", type=float, default=_POWER, help="of the slopes of dominance")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    _, basis = ict_lip_basis(arguments.shared)
    train, held_out = held_out_split(
        load_lines(arguments.shared, ("grid_s1",), arguments.cache), arguments.shared
    )
    lines, judged = ([filmed(f) for f in part if f.phones is not None] for part in (train, held_out))
    found = fit(lines, basis, arguments.steps, arguments.batch, arguments.seed, arguments.power)
    fitted = document_of(livened(found, lines[:: max(1, len(lines) // 100)], basis))
    metrics = {}
    for name, document in (("table", table_document()), ("fitted", fitted)):
        for heard in (False, True):
            label = f"{name}, with the sound" if heard else name
            metrics[label] = agreement(judged, read_parameters(document), basis, voice=heard)
            print(f"{label:24s} {metrics[label]}")
    card = {
        "what": "targets and dominance of each mouth shape, for phone times to ARKit controls",
        "data": f"GRID speaker 1 (Cooke, Barker, Cunningham, Shao 2006, CC BY 4.0): {len(lines)} lines, "
        "phones force-aligned; near a table of mouth shapes where the data say little",
        "licence": "GPL-3.0-or-later",
        "judged_on": f"{len(judged)} lines with sentences that were not fitted to, same speaker",
        "metrics": metrics,
    }
    text = json.dumps({"card": card, **fitted}, indent=1)
    arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
