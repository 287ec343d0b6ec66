"""What the windowed Blender shows, for `window_driver.py`: editors, places, the event loop."""

from __future__ import annotations

import importlib
import os
import time
from pathlib import Path

import bpy

PACKAGE = "bl_ext.user_default.soliloquy"
FOLDER = Path(os.environ["SOLILOQUY_GUI_FOLDER"])
"""Of the stage: requests, replies and the test's files."""
_editor = {"type": "VIEW_3D"}
"""What the large editor is at the moment."""
_gap = {"last": 0.0, "worst": 0.0}


def view() -> dict[str, bpy.types.ID]:
    """Window, screen, 3D view and its sidebar, as `temp_override` takes them."""
    window = bpy.context.window_manager.windows[0]
    area = max(
        (a for a in window.screen.areas if a.type == _editor["type"]),
        key=lambda area: area.width * area.height,
    )
    region = next(r for r in area.regions if r.type == "UI")
    return {"window": window, "screen": window.screen, "area": area, "region": region}


def show_sidebar() -> None:
    """Open the 3D view's sidebar, without the splash screen in front of it."""
    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"  # so that clicks need not find a window
    _editor["type"] = "VIEW_3D"
    space = view()["area"].spaces.active
    space.show_region_ui = True
    space.show_region_toolbar = False


def show_panel() -> None:
    """Bring the Soliloquy tab to the front; the sidebar must have been drawn once."""
    view()["region"].active_panel_category = "Soliloquy"


def rectangles() -> dict[str, list[int]]:
    """x, y of the lower left corner, width and height in pixels of the window, by region type."""
    area = view()["area"]
    found = {r.type: [r.x, r.y, r.width, r.height] for r in area.regions if r.width > 1}
    window = bpy.context.window_manager.windows[0]
    width, height = window.width, window.height
    return {
        **found,
        "screen": [0, 0, width, height],
        "top bar": [0, height - 30, width // 2, 30],
        "menus": [0, height // 4, width // 2, height - height // 4 - 30],
    }


def hovered() -> str:
    """Property or operator of the button under the mouse: `audio_path`, `bpy.ops.soliloquy.animate()`, ``."""
    with bpy.context.temp_override(**view()):
        found = bpy.context.property
        if found is not None:
            return found[1]
        if not bpy.ops.ui.copy_python_command_button.poll():
            return ""
        bpy.ops.ui.copy_python_command_button()
        return bpy.context.window_manager.clipboard


def look_at_face() -> None:
    """Frame the active object from the front, solid, without overlays in the way."""
    override = view()
    override["region"] = next(r for r in override["area"].regions if r.type == "WINDOW")
    space = override["area"].spaces.active
    space.overlay.show_overlays = False
    with bpy.context.temp_override(**override):
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()


def show_preferences() -> None:
    """Open the preferences at the extension's entry."""
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.preferences.addon_show(module=PACKAGE)


def close_preferences() -> None:
    """Close every window but the first."""
    for window in list(bpy.context.window_manager.windows)[1:]:
        with bpy.context.temp_override(window=window):
            bpy.ops.wm.window_close()


def new_file() -> None:
    """An empty file at the factory's settings; its window must be drawn before anything else is done."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)


def large_sequencer() -> None:
    """Show the sequencer where the 3D view is, with its sidebar: `rectangles` and `hovered` are its from now
    on, until a new file."""
    area = view()["area"]
    area.type = _editor["type"] = "SEQUENCE_EDITOR"
    area.spaces.active.show_region_ui = True


def file_browser(file: str) -> dict[str, object] | None:
    """Point the open file browser to a file of the test's folder; None where no browser is open.

    Returns:
        The rectangle of its files, as `rectangles` gives it, and the path.
    """
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            parameters = area.spaces.active.params if area.type == "FILE_BROWSER" else None
            if parameters is not None:
                parameters.directory, parameters.filename = str(FOLDER).encode(), file
                area.tag_redraw()
                region = next(r for r in area.regions if r.type == "WINDOW")
                rectangle = [region.x, region.y, region.width, region.height]
                return {"rectangle": rectangle, "path": str(FOLDER / file)}
    return None


def large_compositor(inside: bool) -> None:
    """Show the compositor's nodes where the 3D view is, all of them, or what is inside our group."""
    area = view()["area"]
    if _editor["type"] != "NODE_EDITOR":
        area.ui_type = "CompositorNodeTree"
        _editor["type"] = "NODE_EDITOR"
    space = area.spaces.active
    space.show_region_ui = not inside
    scene = bpy.context.scene
    space.node_tree = getattr(scene, "compositing_node_group", None) or scene.node_tree
    if inside:
        module = importlib.import_module(f"{PACKAGE}.blender_addon.compositor")
        node = module.group_node(scene)
        space.show_region_asset_shelf = False
        space.pin = True  # or the scene's tree is shown again
        space.path.start(node.id_data)
        space.path.append(node.node_tree, node=node)
    area.tag_redraw()


def show_all_nodes() -> None:
    """Let all nodes be seen."""
    override = view()
    override["region"] = next(r for r in override["area"].regions if r.type == "WINDOW")
    for node in override["area"].spaces.active.edit_tree.nodes:
        node.select = False
    with bpy.context.temp_override(**override):
        bpy.ops.node.view_all()


def show_assets() -> None:
    """Show an asset library that has the head where the properties are."""
    with bpy.context.temp_override(**view()):
        bpy.ops.soliloquy.head_asset(directory=str(FOLDER / "shelf"))
    bpy.context.preferences.filepaths.asset_libraries.new(name="Shelf", directory=str(FOLDER / "shelf"))
    area = next(a for a in view()["screen"].areas if a.type == "PROPERTIES")
    area.ui_type = "ASSETS"


def first_asset() -> list[int]:
    """The library on the screen, to be appended from: the middle of the first asset, pixels of the window."""
    area = next(a for a in view()["screen"].areas if a.ui_type == "ASSETS")
    space = area.spaces.active
    space.show_region_toolbar = False
    space.params.asset_library_reference = "Shelf"
    space.params.import_method = "APPEND"
    region = next(r for r in area.regions if r.type == "WINDOW")
    return [region.x + 60, region.y + region.height - 60]


def ping() -> None:
    """Answer, after a turn of Blender's event loop."""


def _own_time() -> float:
    """Seconds that pass for this thread: without those in which other programs had the processor."""
    waited_ns = int(Path("/proc/thread-self/schedstat").read_text().split()[1])
    return time.perf_counter() - 1e-9 * waited_ns


def watch_gaps() -> None:
    """Begin to measure how long Blender's event loop stays away."""
    _gap.update(last=_own_time(), worst=0.0)
    if not bpy.app.timers.is_registered(_feel_gap):
        bpy.app.timers.register(_feel_gap, persistent=True)


def _feel_gap() -> float:
    now = _own_time()
    _gap.update(last=now, worst=max(_gap["worst"], now - _gap["last"]))
    view()["region"].tag_redraw()
    return 0.0


def worst_gap() -> float:
    """Longest time in seconds since `watch_gaps` in which the event loop took in nothing."""
    bpy.app.timers.unregister(_feel_gap)
    return _gap["worst"]


CALLS = (
    show_sidebar, show_panel, rectangles, hovered, look_at_face, show_preferences, close_preferences,
    new_file, large_sequencer, file_browser, large_compositor, show_all_nodes, show_assets, first_asset,
    ping, watch_gaps, worst_gap,
)  # fmt: skip
