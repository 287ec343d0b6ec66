"""From a plate to an actor that can be painted: capture, memory, training."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...inference.errors import UsageError
from .. import actors, checks, media
from ..preferences import face_model
from .actor_work import ActorOperator, last_event
from .reasoned import ReasonedOperator

if TYPE_CHECKING:
    from ...inference.errors import SoliloquyError
    from ..actor_process import Outcome

_TRAIN_STOP_S = 45.0
"""A trainer that is told to stop writes its state first."""


def _face_model_refusal() -> SoliloquyError | None:
    chosen = face_model()
    if chosen and not Path(chosen).is_file():
        return UsageError(
            f"There is no face model '{chosen}'", "Set Face Model in the preferences of the extension"
        )
    if not chosen and not os.environ.get("SOLILOQUY_FACE_MODEL"):
        return UsageError(
            "No face model is set",
            "Choose MediaPipe's face_landmarker.task as Face Model in the preferences of the extension",
        )
    return None


class SOLILOQUY_OT_capture_actor(ActorOperator, bpy.types.Operator):
    """Follow the actor's face through the plate, and keep it in the actor's folder. Esc stops"""

    bl_idname = "soliloquy.capture_actor"
    bl_label = "Capture"
    work = "A plate is being captured"

    preview: bpy.props.BoolProperty(
        name="Preview",
        description="Also write a film of the plate with the fitted face over it, into the actor's folder",
        default=True,
    )

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> SoliloquyError | None:
        """Why no plate can be captured, or None."""
        for ask in (actors.folder_refusal, actors.consent_refusal, actors.plate_refusal):
            error = ask(context)
            if error is not None:
                return error
        return _face_model_refusal()

    def command(self, context: bpy.types.Context) -> tuple[str, ...]:
        """`soliloquy capture`: the consent of an actor that exists goes with it again."""
        chosen, place = actors.settings(context), actors.folder(context)
        files, found = actors.plate(context), actors.facts(context)
        actor = found.actor if found is not None else None
        consent = actor.consent.statement if actor is not None else chosen.consent
        name = actor.name if actor is not None else chosen.actor_name.strip() or place.name
        command = ["capture", files.path, "--out", str(place), "--consent", consent, "--name", name, "--json"]
        if files.is_sequence:
            command += ["--fps", f"{media.frame_rate(context.scene).hz:.10g}"]
        if face_model():
            command += ["--face-model", face_model()]
        if self.preview:
            command += ["--preview", str(place / f"preview_{Path(files.path).stem}.mp4")]
        self._plate = Path(files.path).name
        return tuple(command)

    def summary(self, context: bpy.types.Context, events: tuple[dict[str, Any], ...]) -> str:
        """Whose face was captured."""
        found = actors.facts(context)
        name = found.actor.name if found is not None else "the actor"
        frames = last_event(events, "done").get("frames")
        return f"Captured {name} in {self._plate}" + (f", {frames} frames" if frames else "")


class SOLILOQUY_OT_build_memory(ActorOperator, bpy.types.Operator):
    """Keep what the actor's mouth looks like in each of its shapes: the pictures that a pass is made from.
    Esc stops"""

    bl_idname = "soliloquy.build_memory"
    bl_label = "Build Memory"
    work = "The actor's memory is being built"

    def command(self, context: bpy.types.Context) -> tuple[str, ...]:
        """`soliloquy memory build`."""
        return "memory", "build", str(actors.folder(context)), "--json"

    def summary(self, context: bpy.types.Context, events: tuple[dict[str, Any], ...]) -> str:
        """How much is remembered."""
        entries = last_event(events, "done").get("entries")
        return f"Built the memory of {actors.facts(context).actor.name}" + (
            f": {entries} pictures" if entries else ""
        )


class SOLILOQUY_OT_train_actor(ActorOperator, bpy.types.Operator):
    """Train the network that paints this actor; takes about an hour, less with a GPU. Esc stops, and the next
    start goes on there"""

    bl_idname = "soliloquy.train_actor"
    bl_label = "Train"
    work = "The actor's renderer is being trained"
    polite_s = _TRAIN_STOP_S

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> SoliloquyError | None:
        """Why nothing can be trained, or None."""
        return actors.memory_refusal(context)

    def command(self, context: bpy.types.Context) -> tuple[str, ...]:
        """`soliloquy actor train`; training that was begun goes on."""
        command = ["actor", "train", str(actors.folder(context)), "--json"]
        steps = actors.settings(context).steps
        return (*command, "--steps", str(steps)) if steps else tuple(command)

    def apply(self, context: bpy.types.Context, result: Outcome) -> tuple[str, tuple[str, ...]]:
        """Of all that the trainer told, how good its last pictures are."""
        last = result.notices[-1:]
        return self.summary(context, result.events) + (f" ({last[0]})" if last else ""), ()

    def summary(self, context: bpy.types.Context, _events: tuple[dict[str, Any], ...]) -> str:
        """That there is a renderer now."""
        return f"Trained the renderer of {actors.facts(context).actor.name}"


class SOLILOQUY_OT_check_actor(ActorOperator, bpy.types.Operator):
    """Open memory and renderer of the actor, and tell what they hold and whether they belong together"""

    bl_idname = "soliloquy.check_actor"
    bl_label = "Check"
    work = "The actor is being checked"

    def command(self, context: bpy.types.Context) -> tuple[str, ...]:
        """`soliloquy actor show`."""
        return "actor", "show", str(actors.folder(context)), "--json"

    def summary(self, context: bpy.types.Context, events: tuple[dict[str, Any], ...]) -> str:
        """What is there."""
        said = last_event(events, "actor")
        actors.remember_check(context, said)
        parts = [said.get(name, {}) for name in ("memory", "renderer")]
        texts = [part.get("problem") or part.get("text", "") for part in parts]
        return f"Memory: {texts[0].rstrip('.')}. Renderer: {texts[1].rstrip('.')}"


class SOLILOQUY_OT_use_clip(ReasonedOperator, bpy.types.Operator):
    """Take the clip of the movie clip editor as the actor's plate"""

    bl_idname = "soliloquy.use_clip"
    bl_label = "Use as Actor's Plate"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        if getattr(context.space_data, "clip", None) is None:
            return "No clip is open in a movie clip editor."
        return checks.busy_reason()

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen = actors.settings(context)
        chosen.plate_from, chosen.clip = "CLIP", context.space_data.clip
        self.report({"INFO"}, f'"{chosen.clip.name}" is the actor\'s plate: see the Soliloquy tab.')
        return {"FINISHED"}


CLASSES = (
    SOLILOQUY_OT_capture_actor,
    SOLILOQUY_OT_build_memory,
    SOLILOQUY_OT_train_actor,
    SOLILOQUY_OT_check_actor,
    SOLILOQUY_OT_use_clip,
)
