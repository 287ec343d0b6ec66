"""Steps of the windowed test: layers, protected frames and bake of a line that is animated already."""

from __future__ import annotations

from collections.abc import Callable

from window_line import WORK_S
from window_motion import spoken_head
from window_stage import Stage, wait_for


def open_edit(stage: Stage) -> None:
    """A spoken line; *Edit* is opened in place of *Motion*."""
    spoken_head(stage)
    stage.point_text("Motion")
    stage.click()
    stage.point_text("Edit")
    stage.click()
    stage.scan()
    stage.over_view()
    stage.shot("edit")
    stage.picture("edit")


def layers(stage: Stage) -> None:
    """A layer is opened: its keys stand in the timeline; the same button closes it."""
    stage.point_text("Speech")
    stage.click()
    stage.settle(1.0)
    assert stage.call("edited") == "Speech", stage.call("edited")
    stage.over_view()
    stage.shot("edit_speech_layer")
    stage.point_text("Speech")
    stage.click()
    assert stage.call("edited") == "", stage.call("edited")


def protect(stage: Stage) -> None:
    """Frames are protected through the dialog."""
    stage.scan()
    stage.point("protect")
    stage.click()
    stage.settle(1.0)
    stage.shot("edit_protect")
    stage.key("Return")
    stage.settle(1.0)
    stage.over_view()
    stage.shot("edit_protected")


def redo_sentence(stage: Stage) -> None:
    """The sentence at the current frame is heard again, through the dialog; it is protected, and stays."""
    before = stage.call("state")
    stage.scan()
    stage.point("redo_sentence")
    stage.click()
    stage.settle(1.0)
    stage.point_text("Hear Again", "screen")
    stage.click()
    stage.shot("edit_redo_sentence")
    stage.key("Return")
    wait_for(lambda: "are protected and stay" in stage.call("status")["summary"], WORK_S, "the sentence")
    stage.over_view()
    stage.shot("edit_sentence_redone")
    assert stage.call("state")["strips"] == before["strips"]
    assert not stage.call("status")["error"]


def bake(stage: Stage) -> None:
    """One click bakes, one click brings the layers back."""
    before = set(stage.call("state")["actions"])
    stage.scan()
    stage.point("bake")
    stage.click()
    wait_for(lambda: set(stage.call("state")["actions"]) - before, 30.0, "the baked Action")
    stage.over_view()
    stage.shot("edit_baked")
    stage.scan()
    stage.point("unbake")
    stage.click()
    stage.over_view()
    stage.shot("edit_unbaked")


STEPS: tuple[Callable[[Stage], None], ...] = (open_edit, layers, protect, redo_sentence, bake)
