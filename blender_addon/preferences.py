"""The extension's preferences: what runs the speech model, and what it keeps in memory."""

import shutil
import textwrap

import bpy

from ..inference.transcript import PROGRAM
from .jobs import Running

IDENTIFIER = __package__.removesuffix(".blender_addon")
"""Name under which Blender knows the extension: `bl_ext.user_default.soliloquy` where it was installed."""
_LETTERS = 90


class SoliloquyPreferences(bpy.types.AddonPreferences):
    """Settings of this computer; they belong to the user and not to a blend file."""

    bl_idname = IDENTIFIER

    threads: bpy.props.IntProperty(
        name="Threads",
        description="CPU threads that the speech model may use, 1 to 256. One is enough: it hears a minute "
        "of sound in a tenth of a second, and leaves the others to Blender",
        default=1,
        min=1,
        soft_max=16,
        max=256,
    )
    provider: bpy.props.EnumProperty(
        name="Provider",
        description="What runs the speech model",
        items=(
            ("auto", "Automatic", "The CPU: the same numbers on every computer, and quick enough for hours"),
            ("cpu", "CPU", "Always the CPU"),
            (
                "gpu",
                "GPU",
                "CUDA, ROCm, DirectML or CoreML where onnxruntime offers it, else the CPU",
            ),
        ),
        default="auto",
    )
    keep_model: bpy.props.BoolProperty(
        name="Keep the Model Open",
        description="Keep the opened speech model in memory between lines: 30 MB, and each line begins "
        "0.05 seconds sooner",
        default=True,
    )

    model_address: bpy.props.StringProperty(
        name="Address",
        description="Where a language model of yours answers as OpenAI's do, for example "
        "http://localhost:11434/v1; it can put instructions in any language into words that can be read. "
        "Empty: none is ever asked. Used only where Blender's online access is on",
        default="",
        maxlen=1000,
    )

    model_name: bpy.props.StringProperty(
        name="Model",
        description="Name of the language model, where several answer at the address",
        default="",
        maxlen=200,
    )

    actor_python: bpy.props.StringProperty(
        name="Python for Actors",
        description="Program that captures and paints actors: a Python 3.11 or later in which "
        'pip install "soliloquy[actor]" was run. Empty for Blender\'s own Python',
        subtype="FILE_PATH",
        default="",
    )
    face_model: bpy.props.StringProperty(
        name="Face Model",
        description="MediaPipe's face_landmarker.task, with which faces are found in a plate; its makers "
        "offer it for download",
        subtype="FILE_PATH",
        default="",
    )

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(heading="Speech Model")
        column.prop(self, "provider")
        column.prop(self, "threads")
        column = layout.column(heading="Cache")
        column.prop(self, "keep_model")
        column = layout.column(heading="Language Model")
        column.prop(self, "model_address", placeholder="None")
        column.prop(self, "model_name", placeholder="Any")
        column = layout.column(heading="Actor")
        column.prop(self, "actor_python", placeholder="Blender's own")
        column.prop(self, "face_model", placeholder="face_landmarker.task")
        found = shutil.which(PROGRAM) is not None
        text = (
            f"{PROGRAM} is installed: transcripts can be used."
            if found
            else f"{PROGRAM} is not installed: lines are animated by ear, transcripts are not used. "
            "Everything else works. Install it with apt, brew or its own installer."
        )
        column = layout.column(align=True)
        for i, piece in enumerate(textwrap.wrap(text, _LETTERS)):
            column.label(text=piece, icon=("CHECKMARK" if found else "INFO") if i == 0 else "BLANK1")


def running() -> Running:
    """How the user wants the model run; the defaults where the extension is not enabled in Blender."""
    addon = bpy.context.preferences.addons.get(IDENTIFIER)
    if addon is None:
        return Running()
    chosen = addon.preferences
    return Running(chosen.threads, chosen.provider, chosen.keep_model)


def language_model() -> tuple[str, str]:
    """Where the user's language model answers, and its name; empty for none."""
    addon = bpy.context.preferences.addons.get(IDENTIFIER)
    if addon is None:
        return "", ""
    return addon.preferences.model_address.strip(), addon.preferences.model_name.strip()


def actor_python() -> str:
    """The Python that captures and paints actors; empty for Blender's own."""
    addon = bpy.context.preferences.addons.get(IDENTIFIER)
    return bpy.path.abspath(addon.preferences.actor_python.strip()) if addon is not None else ""


def face_model() -> str:
    """MediaPipe's face model; empty where the user has not chosen one."""
    addon = bpy.context.preferences.addons.get(IDENTIFIER)
    return bpy.path.abspath(addon.preferences.face_model.strip()) if addon is not None else ""


CLASSES = (SoliloquyPreferences,)
