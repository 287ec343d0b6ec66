"""Steps of the windowed test: sliders, looks and guarantees of a line that is animated already."""

from __future__ import annotations

from collections.abc import Callable

from window_line import add_head, press_animate, type_sound, wait_done
from window_stage import Stage, wait_for

_TOOLTIP_S = 4.0
_BLOCKED_S = 0.1
"""So much longer than Blender's own may a pause of the interface be while a slider is dragged."""


def spoken_head(stage: Stage) -> None:
    """A new file, the head and a line on it; the sub-panel of the sliders is opened."""
    stage.new_file()
    add_head(stage)
    stage.sounds = stage.sounds or stage.call("recordings", minutes=1.0)
    stage.scan()
    type_sound(stage, stage.sounds["line"])
    press_animate(stage)
    wait_done(stage)
    stage.point_text("Motion")
    stage.click()
    stage.scan()
    assert {"jaw", "lips", "brows", "lip_close_offset"} <= set(stage.panel), sorted(stage.panel)
    stage.over_view()
    stage.shot("motion")
    stage.picture("motion")


def typed_value(stage: Stage) -> None:
    """A number typed into a slider changes the keys at once; undo takes back both."""
    _, before, _ = stage.call("most_open")
    stage.point("jaw")
    stage.click()  # starts editing with all of the old text selected
    stage.type("0.5")
    stage.key("Return")
    assert stage.call("sliders")["jaw"] == 0.5
    _, after, _ = stage.call("most_open")
    assert abs(after - before / 2) < 0.02, f"jawOpen {before} became {after}"
    stage.over_view()
    stage.shot("jaw_half")
    stage.key("ctrl+z")
    wait_for(lambda: stage.call("sliders")["jaw"] == 1.0, 10.0, "undo")
    assert abs(stage.call("most_open")[1] - before) < 1e-4, "undo left the keys"


def dragged_slider(stage: Stage) -> None:
    """While the mouse drags a slider, the face in the view follows; one undo takes back value and keys."""
    frame, before, _ = stage.call("most_open")
    stage.call("go_to", frame=int(frame))
    stage.call("let_sliders_rest", rest=True)
    _, alone_s = _drag_jaw(stage, frame)
    stage.call("let_sliders_rest", rest=False)
    _undo_drag(stage, before)
    seen, pause_s = _drag_jaw(stage, frame)
    print(f"       pause at a step of a drag {1e3 * pause_s:.0f} ms, {1e3 * alone_s:.0f} ms without keys")
    assert pause_s - alone_s <= _BLOCKED_S, f"the keys add {1e3 * (pause_s - alone_s):.0f} ms to a drag"
    assert len({round(value, 3) for value in seen}) >= 4, f"the face did not follow: {seen}"
    assert max(seen) > 1.1 * before, f"jawOpen {before} became {seen}"
    stage.shot("jaw_dragged")
    _undo_drag(stage, before)


def _drag_jaw(stage: Stage, frame: float) -> tuple[list[float], float]:
    """Drag the slider of the jaw; jawOpen after every step, and the usual pause of the interface in s."""
    pauses: list[float] = []

    def watch() -> float:
        value = stage.call("go_to", frame=int(frame))
        pauses.append(stage.call("worst_gap"))
        stage.call("watch_gaps")
        return value

    stage.point("jaw")
    stage.call("watch_gaps")
    seen = stage.drag(40, steps=8, watch=watch)
    stage.call("worst_gap")
    stage.over_view()
    return seen, sorted(pauses)[len(pauses) // 2]


def _undo_drag(stage: Stage, before: float) -> None:
    stage.key("ctrl+z")
    wait_for(lambda: stage.call("sliders")["jaw"] == 1.0, 10.0, "undo")
    assert abs(stage.call("most_open")[1] - before) < 1e-4, "undo left the keys"


def choose_look(stage: Stage) -> None:
    """The menu of looks opens, a click sets the values, and the keys follow."""
    _, before, _ = stage.call("most_open")
    assert stage.call("sliders")["look"] == "Realistic", stage.call("sliders")
    stage.point_text("Realistic")
    stage.click()
    stage.settle(1.0)
    stage.shot("look_menu")
    stage.point_text("Cartoon")
    stage.click()
    wait_for(lambda: stage.call("sliders")["look"] == "Cartoon", 10.0, "the look")
    assert stage.call("most_open")[1] > 1.2 * before
    stage.over_view()
    stage.shot("look_cartoon")
    stage.key("ctrl+z")
    wait_for(lambda: stage.call("sliders")["look"] == "Realistic", 10.0, "undo")


def own_look(stage: Stage) -> None:
    """Values that are no look's are saved as one of the user's own."""
    stage.point("lips")
    stage.click()
    stage.type("0.6")
    stage.key("Return")
    assert stage.call("sliders")["look"] == ""
    stage.point_beside(stage.place_of("Look")[1], "save_look")
    stage.click()
    stage.settle(1.0)
    stage.shot("look_save")
    stage.key("Return")
    wait_for(lambda: stage.call("sliders")["look"] == "My Look", 10.0, "the new look")
    stage.over_view()
    stage.shot("look_own")


def guarantees(stage: Stage) -> None:
    """The closed box opens, its switches answer, and one that needs another is pale without it."""
    assert not {"lips_meet", "still_in_silence"} & set(stage.panel), "the box is open from the start"
    stage.point_text("Guarantees")
    stage.click()
    stage.scroll(10)  # the box opens at the lower end of the window
    stage.scan()
    for name in ("lips_meet", "lip_to_teeth", "by_ear", "still_in_silence"):
        stage.point(name)
        before = stage.call("sliders")[name]
        stage.click()
        assert stage.call("sliders")[name] is not before, f"{name} did not switch"
        if name == "lip_to_teeth":
            stage.shot("guarantees_without_teeth")
        stage.click()
        assert stage.call("sliders")[name] is before
    stage.over_view()
    stage.picture("guarantees")
    stage.point("by_ear")
    stage.settle(_TOOLTIP_S)
    stage.shot("guarantees")


def preferences(stage: Stage) -> None:
    """The extension's entry in the preferences, as a user sees it."""
    stage.call("show_preferences")
    stage.settle(3.0)
    stage.shot("preferences")
    stage.picture("preferences", "screen")
    stage.call("close_preferences")


STEPS: tuple[Callable[[Stage], None], ...] = (
    spoken_head, typed_value, dragged_slider, choose_look, own_look, guarantees, preferences,
)  # fmt: skip
