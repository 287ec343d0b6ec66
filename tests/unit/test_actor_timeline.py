"""Lines over plates of other lengths and rates, and plates shown in any order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.actor.painting.fits import FITS
from soliloquy.inference.actor.painting.timeline import lay_out, names_of, shown_frames
from soliloquy.inference.actor.types import PlateFrame, PlateInfo
from soliloquy.inference.types import FrameRate

RATES = st.sampled_from((12.0, 24 / 1.001, 24.0, 25.0, 30 / 1.001, 50.0, 60.0))


class Frames:
    """A plate whose frame n is filled with n; `count` of them are there, the first has the number `first`."""

    def __init__(self, count: int, first: int = 1) -> None:
        self.count, self.first = count, first
        self.info = PlateInfo(Path("p"), 2, 1, FrameRate(25), count, first, "", has_sound=False)
        self.asked: list[tuple[int, int]] = []

    def frames(self, first: int, stop: int):
        self.asked.append((first, stop))
        for number in range(first, min(stop, self.first + self.count)):
            yield PlateFrame(number, 0.0, np.full((1, 2, 3), number, np.uint8))


@given(st.integers(1, 200), st.floats(0.001, 20), RATES, st.integers(-50, 1000), st.sampled_from(FITS))
def test_every_frame_has_a_row_and_its_time(plate, line_s, rate_hz, start, fit):
    laid = lay_out(plate, line_s, rate_hz, start, fit)
    assert laid.numbers.tolist() == list(range(start, start + len(laid)))
    assert laid.rows.min() >= 0
    assert laid.rows.max() < plate
    assert np.allclose(laid.times_s, np.arange(len(laid)) / rate_hz)
    assert laid.rows[0] == 0
    assert np.abs(np.diff(laid.rows)).max(initial=0) <= 1  # the picture never jumps


@given(st.integers(1, 200), st.floats(0.001, 20), RATES)
def test_how_long_a_pass_is(plate, line_s, rate_hz):
    frames = len(lay_out(1, line_s, rate_hz, 1, "hold"))
    assert (frames - 1) / rate_hz < line_s + 1e-4  # the last frame begins within the line
    assert frames / rate_hz > line_s - 1e-4  # and ends after it
    assert len(lay_out(plate, line_s, rate_hz, 1, "cut")) == min(plate, frames)
    for fit in ("pingpong", "hold"):
        assert len(lay_out(plate, line_s, rate_hz, 1, fit)) == max(plate, frames)


def test_the_three_ways_beyond_the_plates_end():
    assert lay_out(3, 8 / 24, 24.0, 1, "pingpong").rows.tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
    assert lay_out(3, 8 / 24, 24.0, 1, "hold").rows.tolist() == [0, 1, 2, 2, 2, 2, 2, 2]
    assert lay_out(3, 8 / 24, 24.0, 1, "cut").rows.tolist() == [0, 1, 2]
    assert lay_out(1, 3 / 24, 24.0, 1, "pingpong").rows.tolist() == [0, 0, 0]


def test_lengths_that_differ_are_said():
    assert lay_out(24, 1.0, 24.0, 1).notices == ()
    assert lay_out(24, None, 24.0, 1).notices == ()
    assert "back and forth" in lay_out(24, 2.0, 24.0, 1).notices[0]
    assert "last frame" in lay_out(24, 2.0, 24.0, 1, "hold").notices[0]
    assert "shorter" in lay_out(24, 2.0, 24.0, 1, "cut").notices[0]
    assert "rests" in lay_out(24, 0.5, 24.0, 1).notices[0]


def test_a_plate_without_frames_is_a_bug_of_the_caller():
    with pytest.raises(ValueError, match="at least one frame"):
        lay_out(0, 1.0, 24.0, 1)


@given(st.lists(st.integers(5, 24), min_size=0, max_size=40))
def test_frames_come_in_any_order(numbers):
    plate = Frames(20, first=5)
    shown = list(shown_frames(plate, numbers))
    assert [frame.number for frame in shown] == numbers
    assert [int(frame.rgb[0, 0, 0]) for frame in shown] == numbers


@given(st.integers(2, 60), st.floats(0.1, 10), st.sampled_from(FITS))
def test_a_plate_is_read_in_few_runs(count, line_s, fit):
    plate = Frames(count)
    rows = lay_out(count, line_s, 25.0, 1, fit).rows
    shown = [frame.number for frame in shown_frames(plate, (rows + 1).tolist())]
    assert shown == (rows + 1).tolist()
    turns = int((np.diff(np.sign(np.diff(rows))) != 0).sum())
    assert len(plate.asked) <= turns + 1


def test_backwards_needs_little_memory(monkeypatch):
    from soliloquy.inference.actor.painting import timeline

    monkeypatch.setattr(timeline, "_HELD_BYTES", 3 * 2 * 4)  # four frames of this plate
    plate = Frames(10)
    assert [frame.number for frame in shown_frames(plate, list(range(10, 0, -1)))] == list(range(10, 0, -1))
    assert max(stop - first for first, stop in plate.asked) == 4


def test_a_plate_that_ends_early_goes_on_with_its_last_frame():
    shown = list(shown_frames(Frames(3), [1, 2, 3, 4, 5]))
    assert [frame.damaged for frame in shown] == [False, False, False, True, True]
    assert int(shown[-1].rgb[0, 0, 0]) == 3


def test_names_of_frames():
    assert names_of([7]) == "7"
    assert names_of([3, 7, 8, 9, 20]) == "3, 7 to 9 and 20"
    assert names_of(range(1, 40, 2)).endswith("and more")
