"""Steps of the windowed test: a foreign character is mapped, its rows are looked at and edited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from window_files import choose_in_browser
from window_line import WORK_S, press_animate, type_sound, wait_done
from window_stage import Stage, wait_for


def bring_in(stage: Stage) -> None:
    """*File > Import > Soliloquy Character* brings in a foreign character, which becomes the target."""
    stage.new_file()
    assert stage.rig is not None, "give --rig FILE: a character to map"
    stage.over_view()
    stage.key("a", "Delete")
    for entry, region in (("File", "top bar"), ("Import", "menus"), ("Soliloquy Character", "menus")):
        stage.point_text(entry, region)
        stage.click()
        stage.settle(1.0)
        stage.shot(f"rig_menu_{entry.split()[-1].lower()}")
    choose_in_browser(stage, Path(stage.rig).name)
    wait_for(lambda: stage.call("settings")["target"], WORK_S, "the character")
    stage.call("look_at_face")
    stage.settle(1.0)
    stage.shot("foreign_character")


def map_rig(stage: Stage) -> None:
    """One click fills the table."""
    stage.point_text("Rig")
    stage.click()
    stage.scan()
    stage.shot("rig_before")
    stage.point("rig_map")
    stage.click()
    wait_for(lambda: stage.call("rig"), WORK_S, "the rig map")
    stage.over_view()
    stage.settle(1.0)
    stage.shot("rig_mapped")
    stage.picture("rig")


def edit_row(stage: Stage) -> None:
    """A row is switched off and on; the wiggle shows what it moves and leaves everything as it was."""
    first = stage.call("rig")[0]
    stage.scan()
    stage.point("gain")
    stage.settle(4.0)
    stage.shot("rig_gain_tooltip")
    before = stage.call("state")
    stage.point("rig_wiggle")
    stage.click()
    stage.settle(0.5)
    stage.shot("rig_wiggle")
    stage.settle(3.0)
    assert stage.call("state") == before, f"the wiggle of {first} left traces"


def speak(stage: Stage) -> None:
    """The mapped character speaks."""
    stage.sounds = stage.sounds or stage.call("recordings", minutes=1.0)
    stage.scan()
    type_sound(stage, stage.sounds["line"])
    press_animate(stage)
    wait_done(stage)
    stage.call("go_to_frame", frame=190)
    stage.settle(1.0)
    stage.shot("rig_speaks")


STEPS: tuple[Callable[[Stage], None], ...] = (bring_in, map_rig, edit_row, speak)
