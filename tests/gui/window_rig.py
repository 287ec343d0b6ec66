"""Steps of the windowed test: a foreign character is mapped, its rows are looked at and edited."""

from __future__ import annotations

from collections.abc import Callable

from window_line import WORK_S, press_animate, type_sound
from window_stage import Stage, wait_for


def bring_in(stage: Stage) -> None:
    """A character in VRM 1.0 (visemes, no ARKit names) becomes the target."""
    stage.new_file()
    assert stage.rig is not None, "give --rig FILE.vrm: a character to map"
    stage.call("import_rig", path=stage.rig)
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
    wait_for(lambda: stage.call("status")["summary"] or stage.call("status")["error"], WORK_S, "the end")
    assert not stage.call("status")["error"], stage.call("status")["error"]
    stage.call("go_to_frame", frame=190)
    stage.settle(1.0)
    stage.shot("rig_speaks")


STEPS: tuple[Callable[[Stage], None], ...] = (bring_in, map_rig, edit_row, speak)
