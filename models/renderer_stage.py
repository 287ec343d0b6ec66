"""Runs the photoreal pass on clips as a user's machine does, and puts the result over the plate."""

from __future__ import annotations

import argparse
import copy
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..inference.actor.colour import from_linear, to_linear
from ..inference.actor.folder import ActorError
from ..inference.actor.footage import open_footage
from ..inference.actor.memory.retrieval import entries_of
from ..inference.actor.painting.conditioning import Conditioner
from ..inference.actor.painting.render import Painter, paint_shot, shot_of
from ..inference.actor.speech_map import lead_s
from ..inference.actor.take import load_take
from ..inference.performance.direction import Direction, Draw
from ..inference.pipeline import AnimateSettings, animate_file, collect
from ..inference.session import load_speech_model
from .renderer_trials import Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..inference.actor.capture.tracking import Tracker
    from ..inference.actor.folder import Actor
    from ..inference.actor.painting.conditioning import Conditions
    from ..inference.actor.types import MemoryBank, PassFrame
    from ..inference.types import FaceMotion

START = 1
"""Number of the first frame of every trial in its scene."""
THREADS = 2
"""CPU threads of renderers: what the targets are measured with."""


class Paints(Protocol):
    """What paints crops: the renderer, or a baseline."""

    @property
    def patches(self) -> int:
        """How many patches of the memory it looks at."""

    def paint(self, conditions: Conditions) -> np.ndarray:
        """float32 [B, S, S, 3], 0..1, in reference colours."""


def add_stage_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command that judges passes on clips is given."""
    parser.add_argument("actor", type=Path, help="actor folder")
    parser.add_argument(
        "--clips", nargs="+", required=True, help="takes that memory lacks, or FILE.json#LIST"
    )
    parser.add_argument("--plates", type=Path, action="append", default=[], help="folder of the plates")
    parser.add_argument("--renderer", type=Path, help="default: the actor's")
    parser.add_argument("--no-memory", type=Path, help="the same network, trained without memory")


def clip_names(given: Sequence[str]) -> list[str]:
    """Names of clips: as they are, or of a list in a JSON file, as `split.json#dev_video`.

    Raises:
        ActorError: the file or the list is not there.
    """
    names: list[str] = []
    for one in given:
        file, mark, key = one.partition("#")
        if not mark:
            names.append(one)
            continue
        try:
            names += json.loads(Path(file).read_text("utf-8"))[key]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ActorError(f"'{file}' has no list '{key}' of clips ({error})", "Name the clips") from error
    return names


def swapped(painter: Painter, renderer: Paints | None = None, bank: MemoryBank | None = None) -> Painter:
    """The same pass with another renderer, or another memory, in its place."""
    other = copy.copy(painter)
    if renderer is not None:
        other.renderer = renderer
    if bank is not None:
        other.bank = bank
        other.conditioner = Conditioner(bank)
    return other


@dataclass(frozen=True)
class Painted:
    """A trial with its mouth painted: `frames` uint8 [T, H, W, 3]; `confidence` [T] 0..1."""

    frames: np.ndarray
    confidence: np.ndarray


def itself(painter: Painter) -> Painter:
    """A pass that lays the plate's own crop back: what no renderer can surpass."""
    other = copy.copy(painter)
    other.paint = lambda crops, *_: crops
    return other


@dataclass(frozen=True)
class Stage:
    """An actor and where its plates lie."""

    actor: Actor
    plates: tuple[Path, ...] = ()
    """Folders to look in before the places of the capture."""

    def painter(self, renderer: Path | None = None) -> Painter:
        """The actor's pass, or with another weight file in its place.

        Raises:
            ActorError, ModelError: something is missing, damaged, or does not belong together.
        """
        return Painter(self.actor, threads=THREADS, renderer=renderer)

    def held_out(self, name: str, bank: MemoryBank) -> Trial:
        """`trial`, refused where the memory has seen it.

        Raises:
            ActorError: it has, or as `trial`.
        """
        if name in bank.takes:
            raise ActorError(
                f"The memory has seen '{name}'", "Build it without the clips that are to be held out"
            )
        return self.trial(name)

    def trial(self, name: str) -> Trial:
        """A take of the actor with its pictures.

        Raises:
            ActorError: there is no such take, or its plate is not where it was.
        """
        take = load_take(self.actor, name)
        row_of = {int(number): row for row, number in enumerate(take.numbers)}
        frames = np.zeros((len(take), take.size[1], take.size[0], 3), np.uint8)
        with open_footage(self.actor, name, take, self.plates) as plate:
            for frame in plate.frames():
                if frame.number in row_of:
                    frames[row_of[frame.number]] = frame.rgb
        return Trial(name, frames, take, self.actor.crop_size)

    def paint(
        self,
        painter: Painter,
        trial: Trial,
        motion: FaceMotion | None = None,
        rows: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Paint a trial by the pass itself: frames uint8 [T, H, W, 3].

        Args:
            painter: of the actor, perhaps `swapped`.
            trial: whose entries in the memory, if it has any, are left out.
            motion: None for the trial's own tracked expression.
            rows: ascending; None for all. Others stay as they were filmed.
        """
        shot = shot_of(painter.face, trial.take, motion, trial.take.motion.rate_hz, START, "hold")
        plan = painter.plan(shot, without=entries_of(painter.bank, trial.name))
        wanted = list(range(len(trial.take))) if rows is None else list(rows)
        frames = trial.frames.copy()
        with open_footage(self.actor, trial.name, trial.take, self.plates) as plate:
            for row, made in zip(wanted, paint_shot(painter, shot, plan, plate, wanted), strict=True):
                composite(frames[row], made)
        return frames


def spoken(stage: Stage, trial: Trial) -> FaceMotion:
    """What `soliloquy actor render --audio` makes of a clip's own sound. By how much sound and picture of the
    recording itself are apart is taken out: a new line has no such fault."""
    with open_footage(stage.actor, trial.name, trial.take, stage.plates) as plate:
        sound = plate.info.path
    settings = AnimateSettings(direction=Direction(draw=Draw.of(0)))
    motion = collect(animate_file(sound, load_speech_model(), settings))
    apart_s = (trial.take.sound_offset_s or 0.0) - lead_s(trial.take)
    return replace(motion, start_s=motion.start_s - apart_s)


def composite(frame: np.ndarray, made: PassFrame) -> None:
    """Put a pass over a plate's frame uint8 [H, W, 3], in linear light as the compositor does."""
    left, top, right, bottom = made.box or (0, 0, frame.shape[1], frame.shape[0])
    inside = np.s_[top:bottom, left:right]
    matte = made.matte[inside][..., None]
    plate = to_linear(frame[inside].astype(np.float32) / 255)
    mixed = plate * (1 - matte) + made.rgb[inside].astype(np.float32) * matte
    frame[inside] = np.rint(np.clip(from_linear(mixed), 0, 1) * 255)


def tracked_again(tracker: Tracker, frames: np.ndarray) -> np.ndarray:
    """float32 [T, 478, 3]: the face in painted frames, NaN where none is found."""
    return np.stack([tracker.track(frame).landmarks for frame in frames])
