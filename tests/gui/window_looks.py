"""Steps of the windowed test: looks, and the preferences."""

from __future__ import annotations

from collections.abc import Callable

from window_stage import Stage, wait_for


def head(stage: Stage) -> None:
    """A new file with the head."""
    stage.call("fresh_scene")
    stage.settle(2.0)
    stage.call("show_panel")
    stage.call("look_at_face")
    stage.scan()


def choose_look(stage: Stage) -> None:
    """The menu of looks opens, and a click sets the values."""
    assert stage.call("looks_in_use") == "Realistic"
    stage.point_text("Realistic")
    stage.click()
    stage.settle(1.0)
    stage.shot("look_menu")
    stage.key("c")  # Cartoon: menus answer to the underlined letter
    wait_for(lambda: stage.call("looks_in_use") == "Cartoon", 10.0, "the look")
    stage.over_view()
    stage.shot("look_cartoon")
    stage.key("ctrl+z")
    wait_for(lambda: stage.call("looks_in_use") == "Realistic", 10.0, "undo")


def own_look(stage: Stage) -> None:
    """Values that are no look's are saved as one of the user's own, which can be removed again."""
    stage.scan()
    stage.point("lips")
    stage.click()
    stage.type("0.6")
    stage.key("Return")
    assert stage.call("looks_in_use") == ""
    stage.point("save_look")
    stage.click()
    stage.settle(1.0)
    stage.shot("look_save")
    stage.key("Return")
    wait_for(lambda: stage.call("looks_in_use") == "My Look", 10.0, "the new look")
    stage.over_view()
    stage.shot("look_own")


def preferences(stage: Stage) -> None:
    """The extension's entry in the preferences, as a user sees it."""
    stage.call("show_preferences")
    stage.settle(3.0)
    stage.shot("preferences")
    stage.picture("preferences", "screen")
    stage.call("close_preferences")


STEPS: tuple[Callable[[Stage], None], ...] = (head, choose_look, own_look, preferences)
