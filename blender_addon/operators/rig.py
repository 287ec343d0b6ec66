"""The rig map: find it, edit its rows, save and load it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ...inference.errors import UsageError
from ...inference.rig_json import read_map, write_map
from .. import checks, edit_live, overrides, rig_map, rig_rows, rig_store
from ..outputs import check_writable
from .reasoned import CharacterOperator

if TYPE_CHECKING:
    from ..rig_properties import SoliloquyRig

_ENDING = ".json"


class RigOperator(CharacterOperator):
    """What the operators of the rig map have in common: the lines of the character follow what they did."""

    needs = ""
    """`rows` or `row`: what must be there already."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the button is grey; empty when it can be pressed."""
        reason = super().disabled_reason(context)
        if reason:
            return reason
        target = checks.target(context)
        if cls.needs and not rig_rows.present(target):
            return "The character has no rig map yet. Press Map Rig."
        if cls.needs == "row" and rig_rows.active(target) is None:
            return "No row of the rig map is chosen. Click one."
        return ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do it, then let the lines follow."""
        target = checks.target(context)
        with edit_live.held():
            done = super().execute(context)
        if done == {"FINISHED"}:
            overrides.prepare()
            edit_live.changed(target, context)
        return done


class SOLILOQUY_OT_rig_map(RigOperator, bpy.types.Operator):
    """Find out what follows each channel: shape keys by name and by what they move, bones, properties. \
Rows that you edited stay as they are"""

    bl_idname = "soliloquy.rig_map"
    bl_label = "Map Rig"
    bl_options = {"UNDO"}

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Fill the table."""
        rig_map.map_anew(target, context.scene.soliloquy.include_parts)
        return coverage(target)


class SOLILOQUY_OT_rig_map_basis(RigOperator, bpy.types.Operator, ImportHelper):
    """Map a face whose keys are numbered, coefficients of a 3DMM, with the file that says what they mean"""

    bl_idname = "soliloquy.rig_map_basis"
    bl_label = "Map With Basis File"
    bl_options = {"UNDO"}
    filter_glob: bpy.props.StringProperty(default="*.npz;*.json", options={"HIDDEN"})

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Fill the table."""
        basis = Path(bpy.path.abspath(self.filepath))
        rig_map.forget()
        found = rig_map.find_map(target, context.scene.soliloquy.include_parts, basis)
        if not found.solved:
            raise UsageError(
                f'"{basis.name}" does not fit "{target.name}"', "Choose the file of its face model"
            )
        rig_store.store(target, found, keep_by_hand=True)
        return coverage(target)


class SOLILOQUY_OT_rig_clear(RigOperator, bpy.types.Operator):
    """Remove all rows, your own too; the character is then matched anew each time it is animated"""

    bl_idname = "soliloquy.rig_clear"
    bl_label = "Clear Rig Map"
    bl_options = {"UNDO"}
    needs = "rows"

    def run(self, _context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Empty the table."""
        rig_store.clear(target)
        return "The rig map was cleared"


class SOLILOQUY_OT_rig_add(RigOperator, bpy.types.Operator):
    """Add a row: one more thing that moves with a channel"""

    bl_idname = "soliloquy.rig_add"
    bl_label = "Add Row"
    bl_options = {"UNDO"}

    channel: bpy.props.StringProperty(
        name="Channel", description="Channel of the new row; empty for the first that nothing follows"
    )

    def run(self, _context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Add it and choose it."""
        rig: SoliloquyRig = target.soliloquy_rig
        if not rig_rows.present(target):  # from now on the rows decide: what was found must not be lost
            found = rig_map.find_map(target)
            rig_store.store(target, found, keep_by_hand=False)
        row = rig_store.add(target)
        row.channel = self.channel or next(rig_rows.unused(rig_rows.present(target)), "jawOpen")
        row.kind = "BONE" if target.type == "ARMATURE" else "SHAPE_KEY"
        rig.active = len(rig.rows) - 1
        return f"Added a row for {row.channel}"


class SOLILOQUY_OT_rig_remove(RigOperator, bpy.types.Operator):
    """Remove the chosen row"""

    bl_idname = "soliloquy.rig_remove"
    bl_label = "Remove Row"
    bl_options = {"UNDO"}
    needs = "row"

    def run(self, _context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Remove it."""
        index = target.soliloquy_rig.active
        rig_store.remove(target, index)
        rig_store.choose(target, index)
        return "Removed a row"


class SOLILOQUY_OT_rig_save(RigOperator, bpy.types.Operator, ExportHelper):
    """Save the rig map as a JSON file; rows that are switched off are left out"""

    bl_idname = "soliloquy.rig_save"
    bl_label = "Save Rig Map"
    filename_ext = _ENDING
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def run(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Write the file."""
        found = rig_map.wanted_map(target, context.scene.soliloquy.include_parts)
        path = Path(bpy.path.abspath(self.filepath))
        check_writable(path)
        write_map(path, found)
        return f"Saved {path.name}"


class SOLILOQUY_OT_rig_load(RigOperator, bpy.types.Operator, ImportHelper):
    """Load a rig map that was saved; it takes the place of the present rows"""

    bl_idname = "soliloquy.rig_load"
    bl_label = "Load Rig Map"
    bl_options = {"UNDO"}
    filename_ext = _ENDING
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def run(self, _context: bpy.types.Context, target: bpy.types.Object) -> str:
        """Fill the table from the file."""
        found = read_map(bpy.path.abspath(self.filepath))
        if not (found.targets or found.solved):
            raise UsageError(f'"{Path(self.filepath).name}" maps nothing', "Choose another rig map")
        rig_store.store(
            target, rig_store.fitted(found, target, rig_map.armatures_of(target)), keep_by_hand=False
        )
        return coverage(target)


def coverage(target: bpy.types.Object) -> str:
    """How much of the face follows, as a sentence."""
    rows = rig_rows.present(target)
    followed, total = rig_map.coverage(target)
    doubtful = sum(row.confidence < rig_map.DOUBTFUL for row in rows)
    text = f"{followed} of {total} channels move something"
    return f"{text}; look at {doubtful} doubtful rows" if doubtful else text


CLASSES = (
    SOLILOQUY_OT_rig_map,
    SOLILOQUY_OT_rig_map_basis,
    SOLILOQUY_OT_rig_clear,
    SOLILOQUY_OT_rig_add,
    SOLILOQUY_OT_rig_remove,
    SOLILOQUY_OT_rig_save,
    SOLILOQUY_OT_rig_load,
)
