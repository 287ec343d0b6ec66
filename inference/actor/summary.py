"""What an actor folder holds, for a person: who, with whose consent, takes, gaps, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SoliloquyError
from .folder import open_actor
from .memory.bank import load_memory
from .painting.renderer import load_renderer
from .take import load_take
from .types import Gap

if TYPE_CHECKING:
    from pathlib import Path

    from .folder import Actor
    from .types import MemoryBank


def summary_of(folder: Path) -> dict[str, Any]:
    """What can be said of an actor folder, ready for JSON.

    Raises:
        ActorError: it is no actor folder.
    """
    actor = open_actor(folder)
    memory, bank = _memory(actor)
    renderer = _renderer(actor, bank)
    takes = [_take(actor, name) for name in actor.takes]
    return {
        "folder": str(folder),
        "name": actor.name,
        "identifier": actor.identifier,
        "consent": {"statement": actor.consent.statement, "recorded": actor.consent.recorded},
        "crop_size": actor.crop_size,
        "takes": takes,
        "memory": memory,
        "renderer": renderer,
        "next": _next(folder, takes, memory, renderer),
    }


def summary_lines(summary: dict[str, Any]) -> list[str]:
    """The same in lines of text."""
    consent = summary["consent"]
    lines = [
        f"{summary['name']}  ({summary['identifier']})",
        f"  consent   {consent['statement']} (recorded {consent['recorded']})",
        f"  crop      {summary['crop_size']} x {summary['crop_size']} pixels",
    ]
    seconds = sum(take.get("seconds", 0.0) for take in summary["takes"])
    lines.append(f"  takes     {len(summary['takes'])}, {seconds:.1f} s")
    for take in summary["takes"]:
        if "problem" in take:
            lines.append(f"    {take['name']}: {take['problem']}")
            continue
        gaps = ", ".join(f"{count} {name}" for name, count in take["gaps"].items()) or "no gaps"
        lines.append(
            f"    {take['name']}: {take['frames']} frames of {take['plate']}, confidence "
            f"{take['confidence']:.2f}, {gaps}"
        )
    for name in ("memory", "renderer"):
        part = summary[name]
        lines.append(f"  {name:<9} {part.get('problem') or part['text']}")
    return [*lines, f"  next      {summary['next']}"]


def _take(actor: Actor, name: str) -> dict[str, Any]:
    try:
        take = load_take(actor, name)
    except SoliloquyError as error:
        return {"name": name, "problem": str(error)}
    kinds, counts = np.unique(take.gaps[take.gaps != Gap.NONE], return_counts=True)
    return {
        "name": name,
        "plate": take.plate,
        "frames": len(take),
        "seconds": len(take) / take.motion.rate_hz,
        "confidence": float(np.median(take.confidence)),
        "gaps": {
            Gap(kind).name.lower().replace("_", " "): int(count)
            for kind, count in zip(kinds, counts, strict=True)
        },
        "notices": list(take.notices),
    }


def _memory(actor: Actor) -> tuple[dict[str, Any], MemoryBank | None]:
    if not actor.memory.is_file():
        return {"problem": "none yet"}, None
    try:
        bank = load_memory(actor)
    except SoliloquyError as error:
        return {"problem": str(error)}, None
    text = f"{len(bank)} patches of {bank.patches.shape[1]} pixels from {len(bank.takes)} takes"
    return {"text": text, "entries": len(bank), "takes": list(bank.takes)}, bank


def _renderer(actor: Actor, bank: MemoryBank | None) -> dict[str, Any]:
    if not actor.renderer.is_file():
        return {"problem": "none yet"}
    if bank is None:
        return {"problem": "there, but without its memory it can't be judged"}
    try:
        card = load_renderer(actor.renderer, bank).card
    except SoliloquyError as error:
        return {"problem": str(error)}
    shown = {name: card[name] for name in ("name", "version", "steps") if name in card}
    return {"text": ", ".join(f"{name} {value}" for name, value in shown.items()), "card": card}


def _next(folder: Path, takes: list[dict[str, Any]], memory: dict[str, Any], renderer: dict[str, Any]) -> str:
    if not takes:
        return f"capture a plate: soliloquy capture PLATE --out {folder} --consent ..."
    if "problem" in memory:
        return f"build the memory: soliloquy memory build {folder}"
    if "problem" in renderer:
        return f"train the renderer: soliloquy actor train {folder}"
    return f"ready: soliloquy actor render {folder} --plate FILE --audio FILE --out pass/"
