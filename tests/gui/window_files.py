"""Steps of the windowed test: curves and cues through the file browser, markers, numbered keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from window_line import WORK_S
from window_motion import spoken_head
from window_stage import Stage, wait_for

_MENU_PX = 48
"""From the right end of the sidebar to the arrow at the end of a row."""


def open_cues(stage: Stage) -> None:
    """A spoken line; *Cues and Curves* is opened in place of *Motion*."""
    spoken_head(stage)
    stage.point_text("Motion")
    stage.click()
    stage.point_text("Cues and Curves")
    stage.click()
    stage.scan()
    assert {"import_cues", "export_curves", "add_markers"} <= set(stage.panel), sorted(stage.panel)
    stage.over_view()
    stage.shot("cues")
    stage.picture("cues")


def export(stage: Stage) -> None:
    """The speech goes into a CSV file that is named in the file browser."""
    path = choose_file(stage, "export_curves", "take.csv")
    file = stage.folder / Path(path).name
    wait_for(file.is_file, 60.0, "the file of curves")
    table = file.read_text("utf-8").splitlines()
    assert "jawOpen" in table[0], table[0]
    assert len(table) > 100, len(table)


def import_cues(stage: Stage) -> None:
    """Phone times of a file become a line of the target, with progress as any other."""
    before = stage.call("state"), stage.call("line_names")
    (stage.folder / "words.tsv").write_text(
        "0.00\t0.30\tsil\n0.30\t0.60\tM\n0.60\t1.20\tAA\n1.20\t1.50\tP\n1.50\t2.00\tUW\n", "utf-8"
    )
    choose_file(stage, "import_cues", "words.tsv")
    wait_for(lambda: "words.tsv" in stage.call("status")["summary"], WORK_S, "the line of the cues")
    stage.over_view()
    stage.shot("cues_imported")
    assert stage.call("line_names") == [*before[1], "words"]
    stage.key("ctrl+z")
    wait_for(lambda: (stage.call("state"), stage.call("line_names")) == before, 30.0, "undo")


def markers(stage: Stage) -> None:
    """Markers stand at the sounds, and go away again."""
    stage.scan()
    stage.point("add_markers")
    stage.click()
    wait_for(lambda: stage.call("markers") > 20, 30.0, "the markers")
    stage.over_view()
    stage.shot("cues_markers")
    stage.point_beside(stage.panel["add_markers"][1] - 4, "remove_markers")
    stage.click()
    wait_for(lambda: stage.call("markers") == 0, 30.0, "no markers")


def choose_file(stage: Stage, button: str, name: str) -> str:
    """Press a button that asks for a file, and choose one of the test's folder; returns its path."""
    stage.scan()
    stage.point(button)
    stage.click()
    return choose_in_browser(stage, name)


def choose_in_browser(stage: Stage, name: str) -> str:
    """Choose a file in the file browser that opens."""
    place = wait_for(lambda: stage.call("file_browser", file=name), 30.0, "the file browser")
    x, y, width, height = place["rectangle"]
    stage.move(x + width // 2, y + height // 2)
    stage.shot(f"browser_{name.replace('.', '_')}")
    stage.key("Return")
    stage.settle(1.5)
    return place["path"]


def numbered_keys(stage: Stage) -> None:
    """A face whose keys are numbers is mapped with the file of its basis, from the menu beside *Map Rig*."""
    stage.new_file()
    stage.call("numbered_head")
    stage.call("look_at_face")
    stage.settle(1.0)
    stage.point_text("Rig")
    stage.click()
    stage.scan()
    x, _, width, _ = stage.call("rectangles")["UI"]
    stage.move(x + width - _MENU_PX, stage.panel["rig_map"][1] - 4)
    stage.click()
    stage.settle(1.0)
    stage.shot("basis_menu")
    stage.point_text("Map With Basis", "screen")
    stage.click()
    choose_in_browser(stage, "basis.npz")
    wait_for(lambda: stage.call("rig"), 60.0, "the rig map")
    assert "SOLVED" in {row["kind"] for row in stage.call("rig")}, stage.call("rig")
    stage.over_view()
    stage.shot("basis_mapped")


STEPS: tuple[Callable[[Stage], None], ...] = (open_cues, export, import_cues, markers, numbered_keys)
