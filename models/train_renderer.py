"""Train an actor's renderer from its memory and plates, and write it into the actor's folder.

    python -m soliloquy.models.train_renderer ACTOR [--steps N] [--out FILE]

Goes on where an earlier run with the same settings stopped. Takes that are not in the memory are held out:
progress is measured on them. Exit code 1: the trained weights did not pass the gate of the export.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..inference.actor.folder import open_actor
from ..inference.actor.media.images import write_png
from ..inference.actor.memory.bank import load_memory
from ..inference.actor.painting.renderer import memory_id
from ..inference.errors import SoliloquyError
from ..inference.files import make_folder
from .renderer.export import export_renderer
from .renderer.footage import load_footage
from .renderer.training import PATCHES, Settings, Trainer, composited, mean_patch, nearest_patch

if TYPE_CHECKING:
    from ..inference.actor.folder import Actor
    from ..inference.actor.types import MemoryBank

VERSION = "1.0.0"
CHECKPOINT = "renderer.pt"
_SHOWN_STEPS = 50
_KEPT_STEPS = 250
_SHEET_FRAMES = 8
_LARGE = 160
"""Side of the crop in pixels."""
_STOPPED = 130
"""Exit code of a run that was interrupted."""


@dataclass
class Log:
    """Tells how it goes: lines for people, or one JSON object per line."""

    as_json: bool
    steps: int
    started: float = field(default_factory=time.monotonic)

    def say(self, sentence: str) -> None:
        if self.as_json:
            print(json.dumps({"event": "notice", "message": sentence}), flush=True)
        else:
            print(sentence, flush=True)

    def step(
        self, step: int, speed: float, losses: dict[str, float], judged: tuple[float, float] | None
    ) -> None:
        psnr, sharpness = judged or (None, None)
        if self.as_json:
            told = {"event": "progress", "step": step, "steps": self.steps, "loss": sum(losses.values()),
                    "psnr": psnr, "sharpness": sharpness, "steps_per_s": speed}  # fmt: skip
            print(json.dumps(told), flush=True)
            return
        parts = [f"{name} {value:.4f}" for name, value in losses.items()]
        if psnr is not None:
            parts.append(f"{psnr:.2f} dB, sharpness {sharpness:.2f}")
        passed = (time.monotonic() - self.started) / 60
        print(f"{step}/{self.steps} {passed:.1f} min {speed:.2f} steps/s", *parts, flush=True)


def thinned(bank: MemoryBank, entries: int) -> MemoryBank:
    """Every so-manieth entry, so that at most that many are left."""
    rows = np.unique(np.linspace(0, len(bank) - 1, min(entries, len(bank))).astype(np.intp))
    names = ("keys", "patches", "points", "take", "frame", "sharpness")
    return replace(bank, **{name: getattr(bank, name)[rows] for name in names})


def usual_patches(crop_size: int) -> int:
    """Eight, or four where eight would cost ten frames a second on two cores: they are 0.2 dB better."""
    return 8 if crop_size <= _LARGE else 4


def card_of(actor: Actor, bank: MemoryBank, trainer: Trainer, metrics: dict[str, float]) -> dict[str, Any]:
    """What the weight file says of itself."""
    settings = trainer.settings
    return {
        "version": VERSION,
        "actor": actor.identifier,
        "actor_name": actor.name,
        "consent": asdict(actor.consent),
        "crop_size": actor.crop_size,
        "keys": int(bank.keys.shape[1]),
        "patches": settings.patches,
        "uses_memory": settings.memory,
        "uses_attention": settings.attention,
        "memory": memory_id(bank),
        "memory_entries": len(bank),
        "takes": list(bank.takes),
        "training_data": f"{len(bank.takes)} takes of the actor, under the consent in this card",
        "licence": "as the footage and the actor's consent allow",
        "metrics": {name: round(value, 4) for name, value in metrics.items()},
        "judged_on": f"frames {trainer.judged_on}",
        "settings": asdict(settings),
        "config": asdict(trainer.net.config),
    }


def draw_preview(trainer: Trainer, path: Path) -> None:
    """A sheet: film, painted, nearest patch; of the frames that are judged by."""
    rows = trainer.rows[:: max(1, len(trainer.rows) // _SHEET_FRAMES)][:_SHEET_FRAMES]
    batch = trainer.sampler.shown(rows, trainer.settings.patches)
    with torch.inference_mode():
        pictures = [batch.film] + [
            composited(painter(*batch.feeds).clamp(0, 1), batch.film, trainer.sampler.hole)
            for painter in (trainer.paint, nearest_patch)
        ]
    cells = torch.cat(pictures, 3).permute(0, 2, 3, 1).clamp(0, 1)
    half = max(1, len(cells) // 2)
    sheet = torch.cat([torch.cat(list(cells[i::half]), 1) for i in range(half)], 0)
    large = sheet.repeat_interleave(2, 0).repeat_interleave(2, 1)
    write_png(path, np.ascontiguousarray((large * 255).round().to(torch.uint8).cpu().numpy()))


def train(trainer: Trainer, folder: Path, checkpoint: Path, log: Log, stopping: threading.Event) -> None:
    """Take the steps that are left, or those until `stopping` is set, keeping state and drawing previews."""
    losses: list[dict[str, float]] = []
    since, at = time.monotonic(), trainer.step
    while trainer.step < trainer.settings.steps and not stopping.is_set():
        losses.append(trainer.advance())
        last = trainer.step == trainer.settings.steps
        if trainer.step % _SHOWN_STEPS and not last:
            continue
        mean = {name: float(np.mean([row[name] for row in losses])) for name in losses[0]}
        speed = (trainer.step - at) / (time.monotonic() - since)
        keeps = trainer.step % _KEPT_STEPS == 0 or last
        log.step(trainer.step, speed, mean, trainer.judge() if keeps else None)
        if keeps:
            trainer.save(checkpoint)
            draw_preview(trainer, folder / f"{checkpoint.stem}_{trainer.step:06d}.png")
        losses, since, at = [], time.monotonic(), trainer.step


def run(arguments: argparse.Namespace, log: Log, stopping: threading.Event) -> int:
    """Load, train, export."""
    actor = open_actor(arguments.actor)
    bank = load_memory(actor)
    if arguments.memory:
        bank = thinned(bank, arguments.memory)
    out = arguments.out or actor.renderer
    folder = actor.training
    make_folder(folder)
    settings = Settings(
        steps=arguments.steps, seed=arguments.seed, memory=arguments.memory != 0,
        patches=arguments.k or usual_patches(actor.crop_size),
        attention=not arguments.no_attention,
    )  # fmt: skip
    log.say(f"Reading the plates of {actor.name} ({len(actor.takes)} takes)")
    footage = load_footage(actor, bank, arguments.plates)
    trainer = Trainer(footage, bank, settings, _device(arguments.device))
    checkpoint = folder / f"{out.stem}.pt"
    if checkpoint.exists() and not arguments.fresh:
        if trainer.resume(checkpoint):
            log.say(f"Going on from step {trainer.step}")
        else:
            log.say(f"Starting anew: '{checkpoint}' is of other settings")
    held = int(footage.held_out.sum())
    log.say(f"{len(footage.take) - held} frames to train on, {held} held out, {len(bank)} entries in memory")
    metrics = {}
    for name, painter in (("nearest patch", nearest_patch), ("mean of patches", mean_patch)):
        metrics[name], sharpness = trainer.judge(painter)
        log.say(f"{name}: {metrics[name]:.2f} dB, sharpness {sharpness:.2f}")
    train(trainer, folder, checkpoint, log, stopping)
    if trainer.step < settings.steps:
        trainer.save(checkpoint)
        log.say(f"Stopped at step {trainer.step}; run it again to go on")
        return _STOPPED
    metrics["fine band"] = trainer.sharpen()
    metrics["psnr"], metrics["sharpness"] = trainer.judge()
    log.say(f"frames {trainer.judged_on}: {metrics['psnr']:.2f} dB, sharpness {metrics['sharpness']:.2f}")
    card = card_of(actor, bank, trainer, metrics)
    return 0 if export_renderer(trainer.average, card, trainer.sampler.unit, out, sys.stderr) else 1


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("actor", type=Path, metavar="ACTOR", help="the actor's folder")
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    counts = range(1, max(PATCHES) + 1)
    parser.add_argument(
        "--k",
        type=int,
        choices=counts,
        metavar="K",
        help="patches per frame, 1 to 8; default 8, of large crops 4",
    )
    parser.add_argument("--memory", type=int, metavar="N", help="use N entries only; 0 trains without memory")
    parser.add_argument("--no-attention", action="store_true", help="take the mean of the patches")
    parser.add_argument("--plates", type=Path, nargs="*", default=[], help="folders where the plates lie now")
    parser.add_argument("--out", type=Path, help="weight file; default ACTOR/renderer.onnx")
    parser.add_argument("--fresh", action="store_true", help="do not go on from an earlier run")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    parser.add_argument("--json", action="store_true", help="one JSON object per line on stdout")
    arguments = parser.parse_args()
    torch.set_num_threads(max(1, arguments.threads))
    stopping = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    log = Log(arguments.json, arguments.steps)
    try:
        return run(arguments, log, stopping)
    except SoliloquyError as error:
        print(
            json.dumps({"event": "error", "message": str(error)}) if arguments.json else error,
            file=sys.stderr,
        )
        return 2


if __name__ == "__main__":
    sys.exit(main())
