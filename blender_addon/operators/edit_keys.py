"""Editing the keys of a character by hand: layers, protected frames, bake."""

from __future__ import annotations

import bpy

from ...inference.channels import channels_named
from ...inference.errors import RigError, UsageError
from .. import bake, checks, edit_layers, edit_live, kept_lines, layers
from .reasoned import CharacterOperator

LAYER_ITEMS = (
    ("SPEECH", "Speech", "The keys that Soliloquy made; those that you change stay when the sliders move"),
    ("PERFORMANCE", "Performance", "Keys that combine with the speech: moods, acting"),
    ("HAND", "Hand", "Keys that add to everything below: corrections"),
)
_NAMES = {"SPEECH": layers.SPEECH, "PERFORMANCE": layers.PERFORMANCE, "HAND": layers.HAND}


class EditOperator(CharacterOperator):
    """What they have in common: a character with lines, and no line that is being animated."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        target = checks.target(context)
        if target is None:
            return str(RigError("No target mesh is chosen", "Choose the mesh that speaks"))
        return checks.first_reason(kept_lines.speech_refusal(target)) or checks.busy_reason()


class SOLILOQUY_OT_reapply(EditOperator, bpy.types.Operator):
    """Make the keys again from the lines that are kept, without the speech model; your own keys stay"""

    bl_idname = "soliloquy.reapply"
    bl_label = "Re-apply"

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Rebuild."""
        done = layers.rebuild(target, context.scene)
        return f'{done.keys} keys on {done.curves} curves of "{target.name}".'


class SOLILOQUY_OT_edit_layer(EditOperator, bpy.types.Operator):
    """Open a layer for editing in the Dope Sheet and the Graph Editor; press again to close it"""

    bl_idname = "soliloquy.edit_layer"
    bl_label = "Edit Layer"

    layer: bpy.props.EnumProperty(name="Layer", description="Which layer", items=LAYER_ITEMS)

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """The tooltip: what this layer is for."""
        return next(text for name, _, text in LAYER_ITEMS if name == properties.layer)

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Enter or leave."""
        name = _NAMES[self.layer]
        if edit_layers.edited_layer(target) == name:
            edit_layers.leave(target)
            return f"Closed the layer {name}."
        edit_layers.enter(target, context.scene, name)
        return f"Editing the layer {name}."


class SOLILOQUY_OT_protect(EditOperator, bpy.types.Operator):
    """Keep the keys of some frames and channels as they are, whatever is done to the rest"""

    bl_idname = "soliloquy.protect"
    bl_label = "Protect Frames"

    first: bpy.props.IntProperty(name="From", description="First frame whose keys stay")
    last: bpy.props.IntProperty(name="To", description="Last frame whose keys stay")
    channels: bpy.props.StringProperty(
        name="Channels",
        description="Channels or parts of the face with commas between them, such as: brows, jawOpen. Parts "
        "are jaw, lips, mouth, brows, eyes, blinks, cheeks, upper face, head. Empty for all",
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask, beginning with the preview range or the sentence at the current frame."""
        scene, target = context.scene, checks.target(context)
        if scene.use_preview_range:
            self.first, self.last = scene.frame_preview_start, scene.frame_preview_end
        else:
            self.first, self.last = edit_layers.sentence_frames(target, scene)
        return context.window_manager.invoke_props_dialog(self)

    def run(self, _context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Add the protection."""
        if self.last < self.first:
            raise UsageError(f"Frame {self.last} lies before frame {self.first}", "Swap the two frames")
        if self.channels.strip() and not channels_named(self.channels):
            raise UsageError(
                f'"{self.channels}" names no channel',
                "Write channels such as jawOpen, or parts such as brows",
            )
        item = target.soliloquy_face.protections.add()
        item.first, item.last, item.channels = self.first, self.last, self.channels
        return f"Frames {self.first} to {self.last} stay as they are."


class SOLILOQUY_OT_unprotect(EditOperator, bpy.types.Operator):
    """Let the keys of these frames follow the sliders again; keys that you changed stay"""

    bl_idname = "soliloquy.unprotect"
    bl_label = "Unprotect"

    index: bpy.props.IntProperty(name="Index", description="Which protection of the list, from 0", min=0)

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Remove the protection and make the keys again."""
        protections = target.soliloquy_face.protections
        if self.index >= len(protections):
            raise UsageError(f"There is no protection {self.index}", "Choose one of the list")
        protections.remove(self.index)
        layers.rebuild(target, context.scene)
        return "The frames follow the sliders again."


class SOLILOQUY_OT_release_edits(EditOperator, bpy.types.Operator):
    """Let go of the keys that you changed by hand between two frames: they are computed again"""

    bl_idname = "soliloquy.release_edits"
    bl_label = "Release Hand Edits"

    first: bpy.props.IntProperty(name="From", description="First frame", default=-1_000_000)
    last: bpy.props.IntProperty(name="To", description="Last frame", default=1_000_000)

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Release and make the keys again."""
        released = edit_layers.release(target, context.scene, self.first, self.last)
        return f"Released edits in {released} places."


class SOLILOQUY_OT_bake(EditOperator, bpy.types.Operator):
    """Put all layers into one plain Action, for export; the layers stay, muted"""

    bl_idname = "soliloquy.bake"
    bl_label = "Bake"

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Bake."""
        return f'Baked to the Action "{bake.bake(target, context.scene).name}".'


class SOLILOQUY_OT_unbake(EditOperator, bpy.types.Operator):
    """Show the layers again in place of the baked Action, which stays in the file"""

    bl_idname = "soliloquy.unbake"
    bl_label = "Unbake"

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Unmute the layers and take on slider changes since."""
        bake.unbake(target)
        edit_live.apply(target, context.scene)
        return "The layers show again."


CLASSES = (
    SOLILOQUY_OT_reapply,
    SOLILOQUY_OT_edit_layer,
    SOLILOQUY_OT_protect,
    SOLILOQUY_OT_unprotect,
    SOLILOQUY_OT_release_edits,
    SOLILOQUY_OT_bake,
    SOLILOQUY_OT_unbake,
)
