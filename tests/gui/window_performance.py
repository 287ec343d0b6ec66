"""Steps of the windowed test: a line is directed in words, with sliders and keys, and by takes."""

from __future__ import annotations

from collections.abc import Callable

from window_line import WORK_S, add_head, press_animate, type_sound
from window_stage import Stage, wait_for

_WORDS = "A very angry speaker, brows lowered, slow nods"
_ANSWER_S = 20.0


def open_performance(stage: Stage) -> None:
    """A new file, the head and a line on it; *Performance* is opened."""
    stage.new_file()
    add_head(stage)
    stage.sounds = stage.sounds or stage.call("recordings", minutes=1.0)
    stage.scan()
    type_sound(stage, stage.sounds["line"])
    press_animate(stage)
    wait_for(lambda: stage.call("status")["summary"], WORK_S, "the end")
    stage.point_text("Performance")
    stage.click()
    stage.scan()
    assert {"instruction", "suggest_instruction", "joy", "intensity"} <= set(stage.panel), sorted(stage.panel)
    stage.over_view()
    stage.shot("performance")


def words(stage: Stage) -> None:
    """Words are typed and read: sliders stand where they say, the face follows, and undo takes it back."""
    calm = stage.call("performance")
    stage.point("instruction")
    stage.click()
    stage.type(_WORDS)
    stage.key("Return")
    stage.point_text("Read")
    stage.click()
    wait_for(lambda: stage.call("performance")["anger"] > 0.5, _ANSWER_S, "the sliders")
    assert stage.call("performance")["brow"] > calm["brow"] + 0.1, "the brows were not lowered"
    stage.over_view()
    stage.shot("performance_angry")
    stage.scan()
    stage.over_view()
    stage.picture("performance_panel")
    stage.key("ctrl+z")
    wait_for(lambda: stage.call("performance")["anger"] == 0.0, _ANSWER_S, "undo")
    assert abs(stage.call("performance")["brow"] - calm["brow"]) < 1e-4, "undo left the keys"


def keyed_slider(stage: Stage) -> None:
    """`I` over a slider keys it; a moment after a key is changed the performance follows."""
    stage.call("go_to_frame", frame=1)
    stage.point("anger")
    stage.key("i")
    assert stage.call("performance")["keys"] == 1
    stage.call("go_to_frame", frame=40)
    stage.point("anger")
    stage.click()
    stage.type("1")
    stage.key("Return")
    before = stage.call("performance")["brow"]
    stage.point("anger")
    stage.key("i")
    wait_for(lambda: stage.call("performance")["brow"] > before + 0.1, _ANSWER_S, "the keys to act")
    assert stage.call("performance")["keys"] == 2
    stage.over_view()
    stage.shot("performance_keyed")
    stage.point("perform_again")
    stage.point_beside(stage.panel["perform_again"][1] - 4, "neutral")
    stage.click()
    wait_for(lambda: stage.call("performance")["keys"] == 0, _ANSWER_S, "neutral")


def takes(stage: Stage) -> None:
    """Takes are drawn; one click uses another one, one undo brings the first back."""
    stage.point_text("Performance")
    stage.click()
    stage.point_text("Takes")
    stage.click()
    stage.scan()
    stage.point("draw_takes")
    stage.click()
    wait_for(lambda: len(stage.call("performance")["takes"]) == 4, _ANSWER_S, "the takes")
    assert stage.call("performance")["active"] == 1
    stage.over_view()
    stage.shot("takes")
    stage.picture("takes")
    before = stage.call("performance")["brows"]
    rows = stage.call("performance")["takes"]
    stage.move(*_row(stage, rows[2]))
    stage.click()
    wait_for(lambda: stage.call("performance")["active"] == 2, _ANSWER_S, "the other take")
    assert stage.call("performance")["brows"] != before
    stage.over_view()
    stage.shot("takes_other")
    stage.key("ctrl+z")
    wait_for(lambda: stage.call("performance")["active"] == 1, _ANSWER_S, "undo")
    assert stage.call("performance")["brows"] == before, "undo left the keys"


def _row(stage: Stage, name: str) -> tuple[int, int]:
    """Where a take stands in the list: its seed is told apart at the end of its name."""
    seed = name.rsplit(" ", 1)[1]
    for line in stage.words():
        if any(word == seed for word, _, _ in line):
            return line[0][1:]
    raise KeyError(f"{name} is not to be read in the list")


STEPS: tuple[Callable[[Stage], None], ...] = (open_performance, words, keyed_slider, takes)
