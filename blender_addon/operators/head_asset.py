"""Asset Browser > Catalog > Add Soliloquy Head: the head as an asset in a library of the user's."""

from pathlib import Path

import bpy

from ...inference.errors import SoliloquyError
from .. import head_asset
from .reasoned import ReasonedOperator


class SOLILOQUY_OT_head_asset(ReasonedOperator, bpy.types.Operator):
    """Write the head into the folder of an asset library, with the catalogue Soliloquy/Characters"""

    bl_idname = "soliloquy.head_asset"
    bl_label = "Add Soliloquy Head to Library"

    directory: bpy.props.StringProperty(
        name="Library",
        description="Folder of an asset library; by default the first of yours",
        subtype="DIR_PATH",
    )
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        """Why the entry is grey; empty when it can be chosen."""
        return "" if context.mode == "OBJECT" else "Leave the edit mode first (Tab)."

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        known = head_asset.libraries()
        if known and not self.directory:
            self.directory = str(known[0][1])
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        if not self.directory:
            self.report({"ERROR"}, "No folder is chosen. Choose the folder of an asset library.")
            return {"CANCELLED"}
        try:
            written = head_asset.write(Path(bpy.path.abspath(self.directory)))
        except SoliloquyError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f'The head is in "{written}", catalogue Soliloquy/Characters')
        return {"FINISHED"}


def draw_catalogue_menu(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """The entry in the Asset Browser's menu of catalogues."""
    menu.layout.separator()
    menu.layout.operator(SOLILOQUY_OT_head_asset.bl_idname, icon="USER")
