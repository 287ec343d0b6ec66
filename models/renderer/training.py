"""Training of one renderer: its state, a step, what it does on frames held out."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...inference.files import atomic_path
from .batches import RUN, Sampler
from .losses import PaintLoss, motion_loss
from .net import RendererConfig, RendererNet, warp
from .sync import train_sync

if TYPE_CHECKING:
    from pathlib import Path

    from ...inference.actor.types import MemoryBank
    from .batches import Batch
    from .footage import Footage

PATCHES = (1, 2, 4, 8, 8)
"""How many patches a batch may have, drawn evenly: the renderer learns to do with any."""
_WARM_UP = 50
_AVERAGE = 0.995
_JUDGED = 50
"""Frames that progress is measured on."""
_BATCH = 8
_SHARP = 1.13
"""Sharpness (variance of the Laplacian) by film's that is wanted in the crop: sampled back into the plate, by
1.17 pixels of the crop to one of the plate, an eighth of it is lost."""
_CRISP = (0.5, 3.0)
"""Within which the fine band is weighed for it."""


@dataclass(frozen=True)
class Settings:
    """`steps` of 8 frames; `patches` usually given; weights `detail`, `motion`, `own` and `sync` of
    losses (see `losses`, `sync`; `own` of what the U-Net paints alone); `sync_steps` of the towers."""

    steps: int = 3500
    seed: int = 0
    patches: int = 8
    memory: bool = True
    attention: bool = True
    rate: float = 1.5e-3
    detail: float = 0.04
    motion: float = 0.3
    own: float = 0.5
    sync: float = 0.02
    sync_steps: int = 300


class Trainer:
    """Network, average, optimiser, the draw of batches: everything that a checkpoint holds."""

    def __init__(self, footage: Footage, bank: MemoryBank, settings: Settings, device: str = "cpu") -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.device, self.step = settings, device, 0
        config = RendererConfig(memory=settings.memory, attention=settings.attention)
        self.net = RendererNet(config).to(device)
        self.average = copy.deepcopy(self.net).requires_grad_(False).eval()
        self.sampler = Sampler(footage, bank, settings.seed, device)
        self.loss = PaintLoss(settings.detail).to(device)
        self.sync = train_sync(footage, settings.sync_steps, settings.seed, device)
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), settings.rate, (0.9, 0.99), weight_decay=1e-4
        )
        self.rows, self.judged_on = footage.shown(_JUDGED), footage.judged_on
        self._draw = np.random.default_rng(settings.seed + 1)
        # Half precision halves the time of a step on processors that know bfloat16, and costs nothing else.
        self._half = device == "cuda" or _knows_bfloat16()

    def advance(self) -> dict[str, float]:
        """One step; the losses by name."""
        settings = self.settings
        choices = [*sorted({min(count, settings.patches) for count in PATCHES}), settings.patches]
        batch = self.sampler.draw(_BATCH // RUN, int(self._draw.choice(choices)))
        share = self.step / settings.steps
        rate = settings.rate * min(1.0, (self.step + 1) / _WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * share))
        for group in self.optimiser.param_groups:
            group["lr"] = max(rate, settings.rate * 0.01)
        with torch.autocast(self.device, torch.bfloat16, enabled=self._half):
            painted, own = self.net(*batch.feeds)
        losses = self._losses(painted.float(), own.float(), batch)
        total = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        keep = min(_AVERAGE, 1 - 1 / (1 + self.step / 2))
        with torch.no_grad():
            for slow, fast in zip(self.average.parameters(), self.net.parameters(), strict=True):
                slow.lerp_(fast, 1 - keep)
        return {name: value.detach().item() for name, value in losses.items()}

    def _losses(self, painted: Tensor, own: Tensor, batch: Batch) -> dict[str, Tensor]:
        hole, film = self.sampler.hole, batch.film
        made = composited(painted, film, hole)
        losses = self.loss(made, film, hole, batch.lips)
        pairs = made.unflatten(0, (-1, RUN)), film.unflatten(0, (-1, RUN))
        losses["motion"] = self.settings.motion * motion_loss(*pairs, hole)
        losses["sync"] = self.settings.sync * self.sync(*pairs)
        losses["own"] = self.settings.own * ((own - film).abs() * hole).mean() / hole.mean()
        return losses

    @torch.inference_mode()
    def judge(self, painter: Any = None, rows: np.ndarray | None = None) -> tuple[float, float]:
        """PSNR in dB in the hole's box, and the variance of the Laplacian by the film's, means over frames
        that are not trained on (or `rows`); of the averaged network, or of another `painter` of feeds."""
        scores = []
        rows = self.rows if rows is None else rows
        for part in np.array_split(rows, max(1, len(rows) // 10)):
            batch = self.sampler.shown(part, self.settings.patches)
            painted = (painter or self.paint)(*batch.feeds)
            scores.append(measured(composited(painted.clamp(0, 1), batch.film, self.sampler.hole), batch.film,
                                   self.sampler.hole))  # fmt: skip
        psnr, sharpness = np.concatenate(scores).mean(0)
        return float(psnr), float(sharpness)

    def sharpen(self) -> float:
        """Set how much of the memory's fine band is taken, so that training frames come out `_SHARP` times as
        sharp as film; returns the factor.

        Losses of values reward a picture a little softer than film; this undoes it with what memory has, not
        with noise. Without memory there is nothing to take, and the factor stays 1.
        """
        if not self.settings.memory:
            return 1.0
        film = self.sampler.footage
        trained = np.flatnonzero(~film.held_out)
        rows = trained[np.linspace(0, len(trained) - 1, min(_JUDGED, len(trained))).astype(np.intp)]
        low, high = _CRISP
        for _ in range(6):
            middle = (low + high) / 2
            self.average.crisp.fill_(middle)
            low, high = (middle, high) if self.judge(rows=rows)[1] < _SHARP else (low, middle)
        self.average.crisp.fill_((low + high) / 2)
        return (low + high) / 2

    def paint(self, *feeds: Tensor) -> Tensor:
        """What the averaged network paints."""
        return self.average(*feeds)[0]

    def save(self, path: Path) -> None:
        """Everything that is needed to go on exactly."""
        state = {
            "step": self.step, "settings": asdict(self.settings), "net": self.net.state_dict(),
            "average": self.average.state_dict(), "sync": self.sync.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "sampler": self.sampler.state(), "draw": _kept(self._draw), "torch": torch.get_rng_state(),
        }  # fmt: skip
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def resume(self, path: Path) -> bool:
        """Go on from a checkpoint; False where it is of other settings."""
        state = torch.load(path, weights_only=True, map_location=self.device)
        if state["settings"] != asdict(self.settings):
            return False
        self.step = state["step"]
        for name in ("net", "average", "sync", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        self.sampler.restore(state["sampler"])
        _restore(self._draw, state["draw"])
        torch.set_rng_state(state["torch"].cpu())
        return True


def composited(painted: Tensor, film: Tensor, hole: Tensor) -> Tensor:
    """The film with what is painted in its hole."""
    return film * (1 - hole) + painted * hole


def nearest_patch(
    plate: Tensor, geometry: Tensor, patches: Tensor, places: Tensor, distance: Tensor
) -> Tensor:
    """The nearest patch alone, laid onto the mouth: what the renderer has to beat."""
    return warp(patches[:, 0], places[:, 0])


def mean_patch(plate: Tensor, geometry: Tensor, patches: Tensor, places: Tensor, distance: Tensor) -> Tensor:
    """The mean of all patches, laid onto the mouth."""
    laid = warp(patches.flatten(0, 1), places.flatten(0, 1))
    return laid.unflatten(0, patches.shape[:2]).mean(1)


def measured(made: Tensor, film: Tensor, hole: Tensor) -> np.ndarray:
    """[B, 2]: PSNR in dB in the hole's box, and the Laplacian's variance there by the film's."""
    rows, columns = (torch.nonzero(hole[0, 0].amax(axis) > 0)[:, 0] for axis in (1, 0))
    box = (..., slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    error = (made[box] - film[box]).square().mean((1, 2, 3)).clamp(min=1e-10)
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]], device=made.device)[None, None]
    fine = [F.conv2d(x.mean(1, keepdim=True), kernel, padding=1)[box].var((1, 2, 3)) for x in (made, film)]
    return torch.stack([-10 * torch.log10(error), fine[0] / fine[1].clamp(min=1e-12)], 1).cpu().numpy()


def _kept(random: np.random.Generator) -> str:
    return json.dumps(random.bit_generator.state)


def _restore(random: np.random.Generator, state: str) -> None:
    random.bit_generator.state = json.loads(state)


def _knows_bfloat16() -> bool:
    known = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # no public name for it yet
    return bool(known is not None and torch.backends.mkldnn.is_available() and known())
