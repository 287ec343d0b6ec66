"""Steps of the windowed test: three sound strips, two characters, one click."""

from __future__ import annotations

from collections.abc import Callable

from window_line import WORK_S
from window_stage import Stage, wait_for

_FRAMES = [10, 130, 300]


def scene(stage: Stage) -> None:
    """Two heads, three sound strips; the sequencer in place of the timeline."""
    stage.new_file()
    stage.call("two_heads")
    stage.call("look_at_face")
    stage.sounds = stage.sounds or stage.call("recordings", minutes=1.0)
    stage.call("lay_lines", path=stage.sounds["line"], frames=_FRAMES)
    stage.settle(2.0)
    stage.point_text("Dialogue")
    stage.click()
    stage.scan()
    stage.over_view()
    stage.shot("dialogue_empty")


def assign(stage: Stage) -> None:
    """The selected strips become lines of the target."""
    for names, head in ((["line 1", "line 3"], "Anna"), (["line 2"], "Ben")):
        stage.call("select_strips", names=names)
        stage.call("set_target", target=head)
        stage.scan()
        stage.point("assign_lines")
        stage.click()
    stage.over_view()
    stage.settle(1.0)
    stage.shot("dialogue_assigned")
    stage.picture("dialogue")


def animate_all(stage: Stage) -> None:
    """One click animates all lines of both; a second one has nothing to do."""
    stage.scan()
    for name, expected in (
        ("dialogue_animated", "3 lines of 2 characters"),
        ("dialogue_again", "3 unchanged"),
    ):
        stage.point("animate_dialogue")
        stage.click()
        stage.over_view()
        wait_for(lambda: stage.call("status")["summary"] or stage.call("status")["error"], WORK_S, "the end")
        stage.settle(1.0)
        stage.shot(name)
        assert expected in stage.call("status")["summary"], stage.call("status")
    spoken = stage.call("spoken_frames")
    assert set(spoken) == {"Anna", "Ben"}, spoken


def move_strip(stage: Stage) -> None:
    """A strip that is moved takes its animation along."""
    before = stage.call("spoken_frames")["Ben"]
    stage.call("move_strip", strip="line 2", frames=24)
    stage.settle(2.0)
    after = stage.call("spoken_frames")["Ben"]
    assert [frame - 24 for frame in after] == before, f"{before} became {after}"
    stage.shot("dialogue_moved")


def sequencer_sidebar(stage: Stage) -> None:
    """The same panel in the sequencer's own sidebar: it animates the lines, and tells what became of them."""
    stage.call("large_sequencer")
    stage.settle(2.0)
    stage.call("show_panel")
    stage.settle(1.0)
    stage.scan()
    assert "animate_dialogue" in stage.panel, sorted(stage.panel)
    stage.point("animate_dialogue")
    stage.click()
    wait_for(lambda: "3 unchanged" in stage.call("status")["summary"], WORK_S, "the lines")
    stage.shot("dialogue_sequencer")
    stage.picture("dialogue_sequencer", "screen")


STEPS: tuple[Callable[[Stage], None], ...] = (scene, assign, animate_all, move_strip, sequencer_sidebar)
