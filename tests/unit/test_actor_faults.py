"""Which frames cannot be used: cuts, gaps, refusals and their sentences."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.actor import colour
from soliloquy.inference.actor.capture import faults
from soliloquy.inference.actor.capture.looks import covered, fit_looks
from soliloquy.inference.actor.capture.observe import MOUTH_SIDE, Observed, mouth, sharpness, thumb
from soliloquy.inference.actor.types import POINTS, Gap, PlateInfo
from soliloquy.inference.types import FrameRate

COUNT = 100


def observed(count=COUNT, **changed):
    """A plate of one clear face whose mouth opens and shuts."""
    random = np.random.default_rng(0)
    info = PlateInfo(Path("line.mov"), 360, 288, FrameRate(25), count, 1, "0" * 64, True)
    mouths = np.full((count, MOUTH_SIDE, MOUTH_SIDE, 3), 160.0)
    opening = (1 + np.sin(np.arange(count) * 0.7)) / 2
    mouths[:, 6:10, 3:13] -= 90 * opening[:, None, None, None]
    mouths += random.normal(0, 2, mouths.shape)
    base = Observed(
        info=info,
        numbers=np.arange(1, count + 1, dtype=np.int32),
        landmarks=random.uniform(100, 200, (count, POINTS, 3)).astype(np.float32),
        channels=np.zeros((count, 52), np.float32),
        faces=np.ones(count, np.uint8),
        damaged=np.zeros(count, bool),
        skin=np.full((count, len(colour.SITES), 3), 0.6, np.float32),
        sharpness=random.uniform(0.9, 1.1, count).astype(np.float32),
        thumbs=np.full((count, 18, 32, 3), 90, np.uint8),
        mouths=mouths.clip(0, 255).astype(np.uint8),
    )
    return replace(base, **changed)


def with_rows(array, rows, value):
    out = array.copy()
    out[rows] = value
    return out


def test_a_clear_plate_has_neither_cuts_nor_gaps():
    plate = observed()
    gaps = faults.find_gaps(plate, covered=covered(plate, fit_looks([plate])))
    assert not gaps.any()
    assert faults.find_cuts(plate) == ()
    faults.check_usable(plate, gaps)


def test_every_gap_is_named():
    base = observed()
    plate = replace(
        base,
        faces=with_rows(with_rows(base.faces, slice(3, 6), 0), slice(10, 12), 2),
        damaged=with_rows(base.damaged, 20, True),
        sharpness=with_rows(base.sharpness, slice(30, 33), 0.1),
        mouths=with_rows(base.mouths, slice(40, 50), 120),
    )
    head = np.tile(np.eye(4, dtype=np.float32), (COUNT, 1, 1))
    head[:, 2, 3] = -60
    turn = np.radians(65)
    head[60, :3, :3] = [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    gaps = faults.find_gaps(plate, head, covered(plate, fit_looks([plate])))
    wanted = np.zeros(COUNT, np.uint8)
    for rows, gap in (
        (slice(3, 6), Gap.NO_FACE),
        (slice(10, 12), Gap.SEVERAL_FACES),
        (20, Gap.DAMAGED),
        (slice(30, 33), Gap.BLURRED),
        (slice(40, 50), Gap.COVERED_MOUTH),
        (60, Gap.TURNED_AWAY),
    ):
        wanted[rows] = gap
    np.testing.assert_array_equal(gaps, wanted)
    said = " ".join(faults.describe(plate, gaps, (7,)))
    for part in ("no face is seen in frames 4 to 6", "several faces are seen in frames 11 to 12",
                 "damaged in frame 21", "blurred in frames 31 to 33", "covered in frames 41 to 50",
                 "turned away in frame 61", "cuts at frame 8"):  # fmt: skip
        assert part in said


def test_other_lamps_are_no_hand():
    day, night = observed(), observed()
    dim = replace(night, skin=night.skin * np.float32(0.5), mouths=(night.mouths * 0.5).astype(np.uint8))
    assert not covered(dim, fit_looks([day])).any()


def test_a_cut_is_a_change_of_the_whole_picture():
    base = observed()
    assert faults.find_cuts(replace(base, thumbs=with_rows(base.thumbs, slice(40, None), 140))) == (40,)
    pan = (90 + 1.2 * np.arange(COUNT))[:, None, None, None] * np.ones((18, 32, 3))
    assert faults.find_cuts(replace(base, thumbs=pan.clip(0, 255).astype(np.uint8))) == ()


@pytest.mark.parametrize(
    ("faces", "rows", "said"),
    [(0, slice(20, None), "no face is seen in frames 21 to 100"), (2, slice(None), "several faces are seen")],
)
def test_a_plate_that_mostly_cannot_be_used_is_refused(faces, rows, said):
    base = observed()
    plate = replace(base, faces=with_rows(base.faces, rows, faces))
    with pytest.raises(faults.PlateRefused, match=said):
        faults.check_usable(plate, faults.find_gaps(plate))


def test_a_short_plate_is_refused():
    plate = observed(30)
    with pytest.raises(faults.PlateRefused, match="too short: 30 frames, and a take needs 50"):
        faults.check_usable(plate, faults.find_gaps(plate))


@given(rows=st.sets(st.integers(0, 99), min_size=1))
def test_frames_are_told_as_ranges(rows):
    numbers = np.array(sorted(rows), np.int32)
    text = faults.frame_ranges(numbers, most=100).removeprefix("frames ").removeprefix("frame ")
    told = set()
    for part in text.replace(" and ", ", ").split(", "):
        first, _, last = part.partition(" to ")
        told |= set(range(int(first), int(last or first) + 1))
    assert told == rows


def test_confidence_is_0_in_gaps_and_falls_with_what_is_doubtful():
    gaps = np.array([0, 1, 0, 0, 0], np.uint8)
    sure = faults.confidence(
        gaps,
        np.array([0, 0, 0.7, 0, 0], np.float32),
        np.array([1, 1, 1, 0.5, 1], np.float32),
        np.array([1, 1, 1, 1, 5], np.float32),
    )
    assert sure[0] == 1.0
    assert sure[1] == 0.0
    assert ((sure[2:] > 0) & (sure[2:] < 1)).all()


def test_blur_lowers_sharpness():
    random = np.random.default_rng(0)
    picture = random.integers(60, 200, (120, 160, 3)).astype(np.uint8)
    landmarks = np.zeros((POINTS, 3), np.float32)
    landmarks[:, 0], landmarks[:, 1] = random.uniform(30, 130, POINTS), random.uniform(20, 100, POINTS)
    soft = np.mean([np.roll(picture, i, 1) for i in range(-3, 4)], axis=0).astype(np.uint8)
    assert sharpness(soft, landmarks) < 0.5 * sharpness(picture, landmarks)
    assert np.isnan(sharpness(picture, landmarks * np.nan))


@given(height=st.integers(1, 300), width=st.integers(1, 300))
def test_small_pictures_of_any_frame(height, width):
    picture = np.full((height, width, 3), 77, np.uint8)
    assert (thumb(picture) == 77).all()
    landmarks = np.random.default_rng(0).uniform(-50, 350, (POINTS, 3)).astype(np.float32)
    assert (mouth(picture, landmarks) == 77).all()
    assert not mouth(picture, landmarks * np.nan).any()
