"""What an expression costs the lips, and whether it is recognised: emotion by emotion, while speaking.

    python -m soliloquy.models.evaluate_style lips [--seeds 1]       # lipbench with every emotion at 1.0
    python -m soliloquy.models.evaluate_style emotions [--seeds 5]   # recognised by `emotion_rules`
    python -m soliloquy.models.evaluate_style prior                  # the prior against simpler ones

Expression and speech alone are judged here; `evaluate_performance` judges the whole performance.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..inference.alignment import SegmentStream
from ..inference.channels import ARKIT_52
from ..inference.contacts import Guarantees, SegmentFeed, keep_guarantees
from ..inference.instruction.values import EMOTIONS, NEUTRAL, Instruction, InstructionTrack
from ..inference.performance.combine import combine
from ..inference.performance.expression import expression
from ..inference.performance.style import Style, draw_style, instruction_of, load_style_model
from ..inference.pipeline import AnimateSettings, collect, listen
from ..inference.session import load_speech_model
from ..inference.types import FaceMotion
from .emotion_rules import recognise
from .lipbench_report import LIPBENCH, load_lipbench
from .performance.style_data import load_people
from .performance.style_study import study

if TYPE_CHECKING:
    from ..inference.motion import Spoken
    from ..inference.types import FloatArray

SENTENCES = 6
"""Each sixth clip of the public sets is a line on which emotions are recognised."""


def faces(spoken: Spoken, track: InstructionTrack, style: Style) -> FloatArray:
    """float32 [T, 52]: speech with the expression of a track, and lips that meet, as `animate` keeps them."""
    motion = spoken.motion
    times_s = motion.times_s - motion.start_s
    shown = expression(track, style, times_s, spoken.prosody)
    face = FaceMotion(combine(motion.values, shown, spoken.visemes), ARKIT_52, motion.rate_hz, motion.start_s)
    heard = SegmentStream(motion.rate_hz)
    feed = SegmentFeed()
    feed.add((*heard.feed(spoken.visemes), *heard.finish()), np.inf)
    return collect(keep_guarantees([face], feed, Guarantees(lips_meet=True))).values


def lips(lipbench: Path, seeds: int, only: list[str]) -> None:
    """Print lipbench's sync for speech alone and with every emotion at 1.0."""
    bench, speech, prior = load_lipbench(lipbench), load_speech_model(), load_style_model()
    clips = bench.load_clips(str(Path(bench.__file__).parent / "clips"))
    heard = {clip.name: listen(clip.wav, speech, AnimateSettings())[0] for clip in clips}
    columns = [ARKIT_52.index(name) if name in ARKIT_52 else -1 for name in bench.NAMES]

    def score(track: InstructionTrack | None, seed: int) -> dict[str, Any]:
        preds = {}
        for name, spoken in heard.items():
            if track is None:
                face = spoken.motion.values
            else:
                face = faces(spoken, track, draw_style(instruction_of(track), seed, prior))
            padded = np.concatenate([face, np.zeros((len(face), 1), np.float32)], axis=1)
            still = np.zeros((len(face), 3))
            preds[name] = bench.Pred(spoken.motion.times_s, padded[:, columns].astype(float), still)
        return dict(bench.evaluate(clips, preds, "style"))

    rows = {"no instruction": NEUTRAL} | {
        e: InstructionTrack.constant(Instruction.of({e: 1.0})) for e in EMOTIONS
    }
    sets: list[str] = []
    base = 0.0
    for name, track in rows.items():
        if only and name in EMOTIONS and name not in only:
            continue
        results = [score(track, seed) for seed in range(seeds)]
        if not sets:
            sets = list(results[0]["sets"])
            titles = ("expression", *sets, "sync score", "relative")
            print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
            base = float(np.mean([r["sync_score"] for r in results]))
        each = [np.mean([r["sets"][s]["sync"] for r in results]) for s in sets]
        mean = float(np.mean([r["sync_score"] for r in results]))
        scores = " | ".join(f"{v:.1f}" for v in (*each, mean))
        print(f"| {name} | {scores} | {100 * (mean / base - 1):+.1f} % |", flush=True)


def recognised(lipbench: Path, seeds: int) -> None:
    """Print how often each emotion at 1.0 is recognised while speaking, and what else it is taken for."""
    bench, speech, prior = load_lipbench(lipbench), load_speech_model(), load_style_model()
    clips = bench.load_clips(str(Path(bench.__file__).parent / "clips"))
    of_set = [[c for c in clips if c.set == name] for name in sorted({c.set for c in clips})]
    heard = [listen(c.wav, speech, AnimateSettings())[0] for group in of_set for c in group[::SENTENCES]]
    print(f"{len(heard)} lines, {seeds} takes each")
    print("| instruction | recognised | else |\n|---|---|---|")
    wanted = {"": NEUTRAL} | {e: InstructionTrack.constant(Instruction.of({e: 1.0})) for e in EMOTIONS}
    for emotion, track in wanted.items():
        seen: Counter[str] = Counter()
        for seed in range(seeds):
            style = draw_style(instruction_of(track), seed, prior)
            seen.update(recognise(faces(spoken, track, style), spoken.motion.rate_hz) for spoken in heard)
        right = seen.pop(emotion, 0)
        others = ", ".join(f"{name or 'nothing'} {count}" for name, count in seen.most_common())
        print(f"| {emotion or 'nothing'} | {right / (right + seen.total()):.0%} | {others} |", flush=True)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("lips", "emotions", "prior"))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], choices=EMOTIONS)
    parser.add_argument("--lipbench", type=Path, default=LIPBENCH, help="its file or folder")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--people", type=Path, default=Path("runs/style/people.npz"), help="kept measures")
    options = parser.parse_args()
    if options.what == "lips":
        lips(options.lipbench, options.seeds, options.only)
    elif options.what == "emotions":
        recognised(options.lipbench, options.seeds)
    else:
        print(study(load_people(options.shared, options.people), load_style_model()))


if __name__ == "__main__":
    sys.exit(main())
