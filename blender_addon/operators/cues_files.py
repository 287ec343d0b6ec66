"""Cues and curves from files and into them, and markers at the sounds of speech."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ...inference.errors import RigError
from .. import checks, curve_files, jobs, markers, media
from ..outputs import check_writable
from .reasoned import CharacterOperator, ReasonedOperator
from .working import WorkingOperator, start

if TYPE_CHECKING:
    from ..kept_lines import KeptLine


def _says_something(context: bpy.types.Context) -> str:
    target = checks.target(context)
    if target is None or not len(target.soliloquy_face.lines):
        return "The target says nothing yet. Animate a line first."
    return ""


class SOLILOQUY_OT_import_cues(WorkingOperator, ImportHelper, bpy.types.Operator):
    """Let the target's mouth follow a file that tells when each sound is said: TextGrid, TSV, CSV, Rhubarb,
    Papagayo, Moho"""

    bl_idname = "soliloquy.import_cues"
    bl_label = "Import Cues"
    bl_options = {"UNDO"}

    filter_glob: bpy.props.StringProperty(
        default="*.TextGrid;*.textgrid;*.tsv;*.csv;*.txt;*.json;*.pgo;*.pgo2;*.dat", options={"HIDDEN"}
    )
    start_frame: bpy.props.IntProperty(
        name="Start Frame", description="Frame on which time 0 of the file lies", default=1
    )
    sound: bpy.props.StringProperty(
        name="Sound",
        description="File of what was said: loudness and pitch then strengthen jaw and lips; may stay empty",
        subtype="FILE_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return checks.busy_reason() or checks.first_reason(checks.target_refusal(context))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        self.start_frame = context.scene.frame_current
        return ImportHelper.invoke(self, context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Read the file: in a thread where the file was chosen in a window."""
        if self.options.is_invoke and context.window is not None and not bpy.app.background:
            return start(self, context)
        return WorkingOperator.execute(self, context)

    def prepare(self, context: bpy.types.Context) -> jobs.Job:
        """The file, and whose line it becomes."""
        self._target = checks.target(context).name
        request = curve_files.CueRequest(
            bpy.path.abspath(self.filepath),
            bpy.path.abspath(self.sound) if self.sound else "",
            self._target,
            float(self.start_frame),
            media.frame_rate(context.scene),
        )
        return jobs.Job(request, curve_files.compute_cues)

    def apply(
        self, context: bpy.types.Context, result: tuple[KeptLine, tuple[str, ...]]
    ) -> tuple[str, tuple[str, ...]]:
        """Key the line."""
        kept_line, notices = result
        target = context.scene.objects.get(self._target)
        if target is None:
            raise RigError(f'"{self._target}" was removed meanwhile', "Choose the target mesh again")
        last = curve_files.keep(context.scene, target, kept_line)
        return (
            f'"{target.name}" follows {Path(self.filepath).name} up to frame {last}',
            notices,
        )


class SOLILOQUY_OT_import_curves(CharacterOperator, ImportHelper, bpy.types.Operator):
    """Give the target a line from ARKit curves: CSV (also of Live Link Face) or Audio2Face's JSON"""

    bl_idname = "soliloquy.import_curves"
    bl_label = "Import Curves"
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: bpy.props.StringProperty(default="*.csv;*.json", options={"HIDDEN"})
    start_frame: bpy.props.IntProperty(
        name="Start Frame", description="Frame on which time 0 of the file lies", default=1
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        self.start_frame = context.scene.frame_current
        return ImportHelper.invoke(self, context, event)

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Read and key the curves."""
        kept_line = curve_files.read_kept_line(bpy.path.abspath(self.filepath), float(self.start_frame))
        last = curve_files.keep(context.scene, target, kept_line)
        return f'"{target.name}" moves as in {Path(self.filepath).name}, up to frame {last}.'


class SOLILOQUY_OT_export_curves(CharacterOperator, ExportHelper, bpy.types.Operator):
    """Write the target's speech, as its sliders shape it, to a file; layers above are not in it"""

    bl_idname = "soliloquy.export_curves"
    bl_label = "Export Curves"
    bl_options = {"REGISTER"}

    filename_ext = ".csv"
    filter_glob: bpy.props.StringProperty(default="*.csv;*.json", options={"HIDDEN"})
    kind: bpy.props.EnumProperty(
        name="Format",
        description="What the file is for",
        items=(
            (curve_files.ARKIT, "ARKit CSV", "A table: seconds, and the weights of the 52 ARKit channels"),
            (curve_files.LIVE_LINK, "Live Link Face CSV", "A take of Epic's app, for Unreal Engine: 60 fps"),
            (
                curve_files.A2F,
                "Audio2Face JSON",
                "Names and a row of weights per frame, as Audio2Face exports",
            ),
        ),
        default=curve_files.ARKIT,
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return super().disabled_reason(context) or _says_something(context)

    def check(self, context: bpy.types.Context) -> bool:
        """Let the name's ending follow the format while the file is chosen."""
        self.filename_ext = curve_files.ENDINGS[self.kind]
        wanted = str(Path(self.filepath).with_suffix(self.filename_ext)) if self.filepath else ""
        changed = (
            bool(wanted)
            and Path(self.filepath).suffix.lower() in (".csv", ".json")
            and (wanted != self.filepath)
        )
        if changed:
            self.filepath = wanted
        return ExportHelper.check(self, context) or changed

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Write the file."""
        path = Path(bpy.path.abspath(self.filepath))
        check_writable(path)
        frames = curve_files.export(context.scene, target, str(path), self.kind)
        return f"Wrote {frames} frames to {path.name}; time 0 is frame {context.scene.frame_start}."


class SOLILOQUY_OT_add_markers(CharacterOperator, bpy.types.Operator):
    """Set timeline markers at the sounds that the target says; within the preview range, if one is set"""

    bl_idname = "soliloquy.add_markers"
    bl_label = "Add Markers"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return super().disabled_reason(context) or _says_something(context)

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Set the markers."""
        return f"Set {markers.add(context.scene, target)} markers."


class SOLILOQUY_OT_remove_markers(ReasonedOperator, bpy.types.Operator):
    """Take away the markers of sounds; others, and those that were moved or renamed, stay"""

    bl_idname = "soliloquy.remove_markers"
    bl_label = "Remove Markers"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        return "" if context.scene.soliloquy_dialogue.markers else "No markers of sounds are set."

    def execute(self, context: bpy.types.Context) -> set[str]:
        self.report({"INFO"}, f"Removed {markers.remove(context.scene)} markers.")
        return {"FINISHED"}


CLASSES = (
    SOLILOQUY_OT_import_cues,
    SOLILOQUY_OT_import_curves,
    SOLILOQUY_OT_export_curves,
    SOLILOQUY_OT_add_markers,
    SOLILOQUY_OT_remove_markers,
)
