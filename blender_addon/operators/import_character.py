"""Import a character with the names of its face: VRM, and glTF that Blender's own importer refuses."""

from pathlib import Path

import bpy
from bpy_extras.io_utils import ImportHelper

from ...inference.errors import SoliloquyError
from .. import rig_import
from .reasoned import ReasonedOperator


class SOLILOQUY_OT_import_character(ReasonedOperator, bpy.types.Operator, ImportHelper):
    """Import a character (.vrm, .glb, .gltf, .fbx) with the names of its keys and make it the target. \
Blender's own importer loses them in VRM files and refuses compressed glTF"""

    bl_idname = "soliloquy.import_character"
    bl_label = "Import Character"
    bl_options = {"UNDO"}
    filter_glob: bpy.props.StringProperty(default="*.vrm;*.glb;*.gltf;*.fbx", options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the entry is grey; empty when it can be chosen."""
        return "" if context.mode == "OBJECT" else "Leave the edit mode first (Tab)."

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        try:
            target = rig_import.add_rig(path, context.scene)
        except SoliloquyError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.scene.soliloquy.target = target
        self.report({"INFO"}, f'Imported {path.name}; the target is "{target.name}"')
        return {"FINISHED"}


def draw_import_menu(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """The entry in the menu File > Import."""
    menu.layout.operator(
        SOLILOQUY_OT_import_character.bl_idname, text="Soliloquy Character (.vrm, .glb, .fbx)"
    )
