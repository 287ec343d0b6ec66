"""Steps of the windowed test: one line of speech, from the empty file to the moving mouth."""

from __future__ import annotations

from collections.abc import Callable

from window_stage import Stage, wait_for

LONG_MIN = 60.0
"""Length of the recording on which the progress bar is watched, in minutes."""
WORDS = (
    "My mother bought five blue buttons before the window. "
    "Maybe Bob will move the warm water above the fire. Wow, very funny people have vivid hopes."
)
"""What the embedded line says."""
WORK_S = 400.0
"""Longest time to wait for a result, in seconds."""
_TOOLTIP_S = 4.0
_BLOCKED_S, _QUIET_S = 0.1, 0.06
"""Longest time that the interface may be blocked while the model hears: on top of its own pauses where it is
slower than `_QUIET_S` without us."""


def nothing_chosen(stage: Stage) -> None:
    """Without a sound the button is grey and says why, in the panel and in its tooltip."""
    stage.new_file()
    stage.scan()
    assert "animate" in stage.panel, f"no Animate in the panel: {sorted(stage.panel)}"
    assert "No sound file is chosen" in stage.call("settings")["reason"]
    stage.point("animate")
    stage.settle(_TOOLTIP_S)
    stage.shot("nothing_chosen_tooltip")
    stage.click()
    assert stage.call("status")["progress"] is None, "a grey button could be pressed"


def add_head(stage: Stage) -> None:
    """Shift+A, type the name, Enter: the head stands there and is the target."""
    stage.over_view()
    stage.key("a", "Delete")
    stage.shot("empty_scene")
    stage.over_view()
    stage.key("shift+a")
    stage.type("soliloquy head")
    stage.settle(2.0)
    stage.shot("add_menu")
    stage.picture("add_menu", "screen")
    stage.key("Return")
    wait_for(lambda: stage.call("settings")["target"], 60.0, "the head")
    stage.call("look_at_face")
    stage.settle(1.0)
    stage.shot("head")
    stage.picture("head", "screen")


def choose_sound(stage: Stage) -> None:
    """A path typed into the field: first one that does not exist, then a recording."""
    stage.sounds = stage.call("recordings", minutes=LONG_MIN)
    stage.scan()
    type_sound(stage, "/nowhere/line.wav")
    assert "does not exist" in stage.call("settings")["reason"]
    stage.shot("sound_missing")
    type_sound(stage, stage.sounds["long"])
    assert stage.call("settings")["reason"] == ""
    stage.scan()
    stage.over_view()
    stage.shot("ready")
    stage.picture("panel")


def type_sound(stage: Stage, path: str) -> None:
    """Put a path into the panel's sound field by the keyboard."""
    stage.point("audio_path")
    stage.click()  # starts editing with all of the old text selected
    stage.type(path)
    stage.key("Return")
    assert stage.call("settings")["audio_path"] == path, stage.call("settings")


def tooltips(stage: Stage) -> None:
    """What the buttons say about themselves."""
    for name in ("animate", "start_frame", "include_parts"):
        stage.point(name)
        stage.settle(_TOOLTIP_S)
        stage.shot(f"tooltip_{name}")
    stage.over_view()


def progress_and_escape(stage: Stage) -> None:
    """The bar moves, Blender stays usable, and Esc half-way leaves the scene as it was."""
    before = stage.call("state")
    idle_s = _longest_pause(stage)
    press_animate(stage)
    wait_for(lambda: (progress(stage) or 0.0) > 0.05, WORK_S, "progress")
    gap_s = _longest_pause(stage)
    assert progress(stage) is not None, "the work ended before it was measured"
    print(f"       longest pause while it hears {1e3 * gap_s:.0f} ms, idle {1e3 * idle_s:.0f} ms")
    allowed_s = _BLOCKED_S + (idle_s if idle_s >= _QUIET_S else 0.0)
    assert gap_s <= allowed_s, f"the interface was blocked for {1e3 * gap_s:.0f} ms"
    stage.shot("progress")
    stage.key("Right")
    assert stage.call("state")["frame"] == before["frame"] + 1, "Blender does not react while it works"
    stage.key("Left")
    seen = wait_for(lambda: at_least(progress(stage), 0.3), WORK_S, "30 %")
    assert seen < 0.95, f"too fast to be stopped half-way ({seen:.0%}): use a longer recording"
    stage.shot("progress_half_way")
    stage.picture("progress")
    stage.key("Escape")
    wait_for(lambda: progress(stage) is None, 60.0, "the end after Esc")
    stage.shot("after_escape")
    assert stage.call("state") == before, f"Esc left traces: {before} -> {stage.call('state')}"
    assert "Nothing was changed" in stage.call("status")["summary"]


def _longest_pause(stage: Stage) -> float:
    """Seconds that Blender's event loop stays away at most, over two seconds."""
    stage.call("watch_gaps")
    stage.settle(2.0)
    return stage.call("worst_gap")


def press_animate(stage: Stage) -> None:
    """Click on Animate and wait until it works, or has ended already."""
    stage.point("animate")
    stage.click()
    stage.over_view()  # so that no tooltip covers the bar


def wait_done(stage: Stage) -> None:
    """Wait for the end of the work, which must be a good one."""
    said = wait_for(
        lambda: stage.call("status")["summary"] or stage.call("status")["error"], WORK_S, "the end"
    )
    assert not stage.call("status")["error"], said


def progress(stage: Stage) -> float | None:
    """Share of the running line, None when none runs."""
    return stage.call("status")["progress"]


def at_least(value: float | None, least: float) -> float | None:
    """The value once it is large enough; fails when the work ended before."""
    assert value is not None, "the work ended before it could be stopped"
    return value if value >= least else None


def stop_button(stage: Stage) -> None:
    """The cross beside the bar does what Esc does."""
    before = stage.call("state")
    press_animate(stage)
    wait_for(lambda: (progress(stage) or 0.0) > 0.02, WORK_S, "progress")
    stage.point_beside(stage.panel["animate"][1] - 4, "stop")
    stage.click()
    wait_for(lambda: progress(stage) is None, 60.0, "the end after Stop")
    assert stage.call("state") == before, "Stop left traces"


def bad_sound(stage: Stage) -> None:
    """A text file named .wav: one clear sentence, nothing changed."""
    before = stage.call("state")
    type_sound(stage, stage.sounds["text"])
    press_animate(stage)
    wait_for(lambda: stage.call("status")["error"], 60.0, "the refusal")
    stage.settle(1.0)
    stage.shot("bad_sound")
    stage.key("Escape")  # closes the pop-up with the same sentence
    assert "text file" in stage.call("status")["error"]
    assert stage.call("state") == before, "a refused sound left traces"
    stage.over_view()


def animate(stage: Stage) -> None:
    """A line of ten seconds, from the click to the keys and the sound strip."""
    type_sound(stage, stage.sounds["line"])
    before = stage.call("state")
    press_animate(stage)
    wait_done(stage)
    stage.settle(1.0)
    stage.shot("animated")
    after = stage.call("state")
    (action,) = set(after["actions"]) - set(before["actions"])
    assert len(after["strips"]) == 1, after["strips"]
    assert any(keys["strips"] == [["Speech", action]] for keys in after["keys"].values()), after["keys"]
    stage.over_view()
    stage.key("ctrl+z")
    wait_for(lambda: stage.call("state") == before, 30.0, f"undo to {before}, is {stage.call('state')}")
    stage.shot("undone")
    stage.key("ctrl+shift+z")
    wait_for(lambda: stage.call("state") == after, 30.0, f"redo to {after}, is {stage.call('state')}")
    stage.shot("redone")


def speaking(stage: Stage) -> None:
    """The mouth stands open where the keys say so, and playback moves on."""
    frame, wanted, least = stage.call("most_open")
    assert least < 0.1 < 0.15 < wanted, f"jawOpen runs from {least} to {wanted}"
    assert abs(stage.call("go_to", frame=int(frame)) - wanted) < 0.02
    stage.settle(1.0)
    stage.shot("mouth_open")
    stage.picture("mouth_open", "screen")
    stage.call("go_to", frame=1)
    stage.over_view()
    stage.key("space")
    wait_for(lambda: stage.call("state")["frame"] > 5, 60.0, "playback")
    stage.shot("playing")
    stage.key("space")
    assert not stage.call("status")["error"]


def transcript(stage: Stage) -> None:
    """The words of the line typed in: a language appears; the line is animated by them and says nothing else.

    Then words that are not those of the sound: the line is animated by ear and says so.
    """
    stage.point("transcript")
    stage.settle(_TOOLTIP_S)
    stage.shot("tooltip_transcript")
    for text, fits in ((WORDS, True), ("Quite another story about the weather of today", False)):
        stage.point("transcript")
        stage.click()
        stage.type(text)
        stage.key("Return")
        assert stage.call("settings")["transcript"] == text
        stage.scan()
        assert "language" in stage.panel, "no field for the language"
        press_animate(stage)
        wait_done(stage)
        told = " ".join(stage.call("status")["notices"])
        assert ("without the text" in told) is not fits, told
        stage.settle(1.0)
        stage.shot("transcript" if fits else "transcript_does_not_fit")
        stage.picture("transcript" if fits else "transcript_does_not_fit")
    stage.point("transcript")
    stage.click()
    stage.key("BackSpace", "Return")
    assert stage.call("settings")["transcript"] == ""
    stage.scan()


def active_strip(stage: Stage) -> None:
    """The other source: the strip that is active in the sequencer, here the one that Animate added."""
    x, _, width, _ = stage.call("rectangles")["UI"]
    stage.move(x + int(width * 0.8), stage.panel["source"][1] - 4)
    stage.click()
    assert stage.call("settings")["source"] == "STRIP"
    assert stage.call("settings")["reason"] == ""
    stage.over_view()
    stage.settle(1.0)
    stage.shot("active_strip")


def clean_log(stage: Stage) -> None:
    """No traceback and no error on the terminal."""
    bad = [line for line in stage.log().splitlines() if "Traceback" in line or "Error:" in line]
    assert not bad, "\n".join(bad)


STEPS: tuple[Callable[[Stage], None], ...] = (
    nothing_chosen, add_head, choose_sound, tooltips, progress_and_escape, stop_button, bad_sound, animate,
    speaking, transcript, active_strip, clean_log,
)  # fmt: skip
