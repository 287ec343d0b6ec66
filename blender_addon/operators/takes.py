"""Takes: draw, use, mix, copy, remove. Every button is one undo step."""

from __future__ import annotations

import bpy

from ...inference.performance.direction import PARTS
from .. import checks, directing, takes
from .reasoned import SpokenOperator

PART_ITEMS = (
    ("face", "Face", "Expression and brows"),
    ("head", "Head", "The head's motion"),
    ("eyes", "Eyes", "Gaze and blinks"),
)
_SEED_MAX = 2**31 - 1 - takes.TAKES_MAX


class _TakesOperator(SpokenOperator):
    """What they have in common."""

    def shown(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Perform by the take in use, and name it; a warning where other models drew it."""
        directing.apply(target, context.scene)
        take = takes.in_use(target, takes.active_line(target).line_id)
        if take is None:
            return "The line follows the sliders."
        warning = takes.drawn_elsewhere(take)
        if warning:
            self.report({"WARNING"}, warning)
            return ""
        return f"{take.name}."


class SOLILOQUY_OT_draw_takes(_TakesOperator, bpy.types.Operator):
    """Draw takes of the active line for what the sliders say, and use the first; locked parts stay"""

    bl_idname = "soliloquy.draw_takes"
    bl_label = "Draw Takes"

    count: bpy.props.IntProperty(
        name="Takes", description="How many are drawn, 1 to 50", default=3, min=1, soft_max=10, max=50
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="Seed of the first one, and those after it count up; -1 for seeds that were not used yet",
        default=-1,
        min=-1,
        max=_SEED_MAX,
        options={"SKIP_SAVE"},
    )

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Draw."""
        seed = None if self.seed < 0 else self.seed
        takes.draw(target, context.scene, self.count, seed=seed, stay=takes.locked(target))
        return self.shown(context, target)


class _OneTake(_TakesOperator):
    """About one take of the active line."""

    index: bpy.props.IntProperty(name="Index", description="Which take of the list, from 0", min=0)


class SOLILOQUY_OT_use_take(_OneTake, bpy.types.Operator):
    """Perform the active line by this take"""

    bl_idname = "soliloquy.use_take"
    bl_label = "Use Take"

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Switch."""
        takes.use(target, context.scene, self.index)
        return self.shown(context, target)


class SOLILOQUY_OT_bring_from_take(_OneTake, bpy.types.Operator):
    """Take this part of the performance from this take into the one in use"""

    bl_idname = "soliloquy.bring_from_take"
    bl_label = "Bring from Take"

    part: bpy.props.EnumProperty(name="Part", description="What is brought", items=PART_ITEMS)

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip: which part."""
        part = next(text for name, _, text in PART_ITEMS if name == properties.part)
        return f"Use this of take {properties.index} in the take in use: {part.lower()}"

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Bring."""
        takes.bring(target, self.index, (self.part,))
        return self.shown(context, target)


class SOLILOQUY_OT_mix_takes(_TakesOperator, bpy.types.Operator):
    """A new take of the active line, with face, head and eyes from takes of the list"""

    bl_idname = "soliloquy.mix_takes"
    bl_label = "Mix Takes"

    face: bpy.props.IntProperty(name="Face", description="Take that the face is from, from 0", min=0)
    head: bpy.props.IntProperty(name="Head", description="Take that the head is from, from 0", min=0)
    eyes: bpy.props.IntProperty(name="Eyes", description="Take that the eyes are from, from 0", min=0)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask, beginning with the take in use."""
        target = checks.target(context)
        kept = takes.of_line(target, takes.active_line(target).line_id)
        self.face = self.head = self.eyes = kept.active if kept is not None else 0
        return context.window_manager.invoke_props_dialog(self)

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Mix."""
        takes.mix(target, context.scene, {part: getattr(self, part) for part in PARTS})
        return self.shown(context, target)


class SOLILOQUY_OT_duplicate_take(_OneTake, bpy.types.Operator):
    """Copy this take and use the copy: what you change then leaves the take as it is"""

    bl_idname = "soliloquy.duplicate_take"
    bl_label = "Duplicate Take"

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Copy."""
        takes.mix(target, context.scene, dict.fromkeys(PARTS, self.index))
        return self.shown(context, target)


class SOLILOQUY_OT_remove_take(_OneTake, bpy.types.Operator):
    """Forget this take; without takes the line follows the sliders"""

    bl_idname = "soliloquy.remove_take"
    bl_label = "Remove Take"

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Remove."""
        takes.remove(target, context.scene, self.index)
        return self.shown(context, target)


CLASSES = (
    SOLILOQUY_OT_draw_takes,
    SOLILOQUY_OT_use_take,
    SOLILOQUY_OT_bring_from_take,
    SOLILOQUY_OT_mix_takes,
    SOLILOQUY_OT_duplicate_take,
    SOLILOQUY_OT_remove_take,
)
