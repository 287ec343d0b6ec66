"""What crosses the doors of a batch: shots as listed, tasks as a worker does them, and what became."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from ..errors import UsageError
from ..safe_names import safe_relative

Kind = Literal["curves", "scene", "pass"]
"""What a task makes: a curve file; a saved Action and a video, in Blender; frames painted for an actor."""

KINDS: Final[tuple[Kind, ...]] = ("curves", "scene", "pass")


class BatchError(UsageError):
    """A list of shots, or the folder of a batch, that cannot be used."""

    @classmethod
    def of_row(cls, row: int, error: UsageError) -> BatchError:
        """What is wrong with an input or a setting, with the row that asks for it."""
        return cls(f"Row {row}: {error.cause}", error.remedy)


@dataclass(frozen=True)
class Shot:
    """One row of the list. Empty strings stand for what the row does not ask for.

    Inputs (`audio`, `scene`, `actor`, `plate`) are absolute; outputs (`out`, `action`, `render`, `passes`)
    are relative to the batch's folder, with forward slashes, and lead nowhere else.
    """

    row: int
    """1 for the first shot."""
    audio: Path
    out: str
    """The curve file; every shot has one."""
    character: str = ""
    """Name of the mesh object in `scene` that speaks; empty: the only one that can."""
    scene: Path | None = None
    """The .blend; None with `action` or `render`: Soliloquy's own head on its stage."""
    instruction: str = ""
    seed: int = 0
    text: str = ""
    action: str = ""
    render: str = ""
    passes: str = ""
    """Folder of the EXR sequence (column `pass`)."""
    actor: Path | None = None
    plate: Path | None = None


@dataclass(frozen=True)
class Task:
    """One piece of work for one worker, as it travels between processes and machines (JSON).

    Args:
        kind: what is made.
        row: of the shot.
        outputs: relative to the batch's folder; the first names the task's record. Of a `scene` the .blend
            of the Action and the .mp4, as far as asked for; of a `pass` its folder.
        key: SHA-256 over all that the outputs depend on: contents of the inputs, settings, weights, version.
        audio: absolute path of the sound.
        options: values of the command's options, by argparse's names (`commands.options`): strengths, seed,
            instruction, text ...; JSON values only.
        scene, character, actor, plate: as of the `Shot`; empty where it has none.
    """

    kind: Kind
    row: int
    outputs: tuple[str, ...]
    key: str
    audio: str
    options: dict[str, Any] = field(default_factory=dict)
    scene: str = ""
    character: str = ""
    actor: str = ""
    plate: str = ""

    @property
    def name(self) -> str:
        """The first output: no other task of the batch has it."""
        return self.outputs[0]

    def as_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Task:
        """What `as_json` wrote.

        Raises:
            ValueError: it did not.
        """
        try:
            values = json.loads(text)
            task = cls(**{**values, "outputs": tuple(values["outputs"])})
            texts = (task.key, task.audio, task.scene, task.character, task.actor, task.plate)
            if task.kind not in KINDS or type(task.row) is not int or task.row < 1 or not task.outputs:
                raise ValueError("its kind, row or outputs")
            if not all(isinstance(text, str) for text in (*texts, *task.outputs)):
                raise ValueError("a text in it")
            if not isinstance(task.options, dict):
                raise ValueError("its options")
            if any(str(safe_relative(output, "An output")) != output for output in task.outputs):
                raise ValueError("an output in it")
        except (TypeError, KeyError, ValueError, RecursionError, UsageError) as error:
            raise ValueError(f"not a task: {error}") from error
        return task


@dataclass(frozen=True)
class Result:
    """What became of a task.

    Args:
        state: "done"; "failed" with `problem`, a sentence for a person; "unchanged": it was there already.
        seconds: wall time that it took.
        audio_s: length of the sound, where it was heard.
        notices: sentences worth knowing.
        disk_full: it failed for want of space, as all others will.
    """

    task: Task
    state: Literal["done", "failed", "unchanged"]
    problem: str = ""
    seconds: float = 0.0
    audio_s: float = 0.0
    notices: tuple[str, ...] = ()
    disk_full: bool = False
