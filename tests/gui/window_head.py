"""The embedded head: added at the cursor, taken back in one step, and dragged out of an asset library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from window_line import WORK_S, press_animate, type_sound, wait_done
from window_stage import wait_for

if TYPE_CHECKING:
    from window_stage import Stage

_PLACE = (0.5, -0.25, 1.0)


def _add(stage: Stage) -> None:
    stage.over_view()
    stage.key("shift+a")
    stage.type("soliloquy head")
    stage.settle(2.0)
    stage.key("Return")
    wait_for(lambda: stage.call("heads"), 60.0, "the head")


def added_at_the_cursor_and_taken_back(stage: Stage) -> None:
    """It is mapped, the target, and gone after one undo; redo brings it back whole."""
    stage.new_file()
    stage.over_view()
    stage.key("a", "Delete")
    before = stage.call("state")["objects"]
    stage.call("place_cursor", x=_PLACE[0], y=_PLACE[1], z=_PLACE[2])
    _add(stage)
    (head,) = stage.call("heads")
    assert tuple(head["place"]) == _PLACE
    assert head["mapped"] == [52, 52]
    assert head["is_target"]
    stage.over_view()
    stage.key("ctrl+z")
    assert stage.call("state")["objects"] == before
    stage.key("ctrl+shift+z")
    wait_for(lambda: stage.call("heads"), 20.0, "the head again")
    assert stage.call("heads") == [head]
    stage.shot("head_at_the_cursor")


def lights_from_the_panel_of_the_operation(stage: Stage) -> None:
    """The panel in the corner, a click on *Lights and Camera*: still one head, with lights."""
    stage.over_view()
    stage.key("ctrl+z")
    _add(stage)
    x, y, _, height = stage.call("rectangles")["HUD"]
    stage.move(x + 40, y + height // 2)
    stage.click()
    stage.settle(1.0)
    stage.shot("panel_of_the_operation")
    stage.point_text("Lights and Camera", "HUD")
    stage.click()
    wait_for(lambda: stage.call("heads")[0]["lights"] == 4, 30.0, "the lights")
    (head,) = stage.call("heads")
    assert tuple(head["place"]) == _PLACE
    assert head["mapped"] == [52, 52]
    stage.over_view()
    stage.shot("head_with_lights")


def dragged_from_a_library(stage: Stage) -> None:
    """An asset with a picture; dropped as appended it stands there mapped, and speaks."""
    stage.new_file()
    stage.over_view()
    stage.key("a", "Delete")
    stage.call("show_assets", timeout_s=WORK_S)
    stage.settle(2.0)
    stage.call("first_asset")
    stage.settle(3.0)
    stage.move(*stage.call("first_asset"))
    stage.settle(2.0)
    stage.shot("asset")
    x, y, width, height = stage.call("rectangles")["WINDOW"]
    stage.drag_to(x + width // 2, y + height // 2)
    wait_for(lambda: stage.call("heads"), 30.0, "the head that was dropped")
    stage.settle(1.0)
    stage.shot("dropped")
    (head,) = stage.call("heads")
    assert head["mapped"] == [52, 52]
    stage.call("set_target", target=head["name"])
    stage.scan()
    type_sound(stage, stage.call("recordings", minutes=0.1)["line"])
    press_animate(stage)
    wait_done(stage)
    assert stage.call("state")["actions"]
    stage.shot("dropped_speaks")


STEPS = (added_at_the_cursor_and_taken_back, lights_from_the_panel_of_the_operation, dragged_from_a_library)
